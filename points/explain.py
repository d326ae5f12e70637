"""Why an entry has the points that it has, in words, from what the entry pinned."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from kernel.money import minor_text
from points.programme.version import Version


def explain(
    version: Version | None,
    kind: str,
    facts: Mapping[str, Any],
    points: int,
    amount_minor: int | None,
    currency: str | None,
    language: str = "en",
) -> list[str]:
    """Sentences in English about an earning, redemption or reversal; `points` is signed as the member sees it."""
    if "rule" not in facts or amount_minor is None or currency is None:
        return [f"{abs(points)} points {'spent' if kind == 'redeem' else 'given back'}."]
    rule = facts["rule"]
    before, after = Fraction(*facts["carry_before"]), Fraction(*facts["carry_after"])
    exact = Fraction(amount_minor * rule["points"], rule["per_minor"])
    given = "give" if kind == "earn" else "take back"
    return [
        f"{rule['points']} points for every {minor_text(rule['per_minor'], currency)} (terms {rule['id']}).",
        f"{minor_text(amount_minor, currency)} {given} exactly {_number(exact)} points; {_number(before)} was carried.",
        f"Whole points: {points:+d}; {_number(after)} is kept for the next time.",
    ]


def _number(value: Fraction) -> str:
    """At most six decimals, exact if they suffice and marked with `~` if not."""
    text = f"{float(value):.6f}".rstrip("0").rstrip(".")
    return text if Fraction(text) == value else f"~{text}"
