"""From exact parts to whole points: what is less than a point is carried (docs/decisions/0008). Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from points.programme.context import Context, Part
from points.programme.standing import Change

# A carry whose denominator outgrows this is rounded down to 1 / _FINEST points; it stays below 2**53, what every JSON
# reader holds exactly.
_FINEST = 10**15

# What is short of a whole point by less than 1 / _DUST is short only by such rounding.
_DUST = 10**12


@dataclass(frozen=True, slots=True)
class Given:
    """Whole points that a rule (and on top of it a campaign) gives, or with a return takes back."""

    rule: str
    campaign: str | None
    issuer_id: str
    points: int


@dataclass(frozen=True, slots=True)
class Settled:
    """Whole points in the order of the parts (none that are 0), and the change of carries and limits' counters."""

    points: tuple[Given, ...] = ()
    change: Change = field(default_factory=Change)


def settle(parts: Iterable[Part], carries: Mapping[str, tuple[int, int]], context: Context) -> Settled:
    """Whole points of `parts` on top of what was carried; negative parts are taken back by the same arithmetic.

    A remainder wallet holds the exact value of all that its rule gave, less the whole points that came of it, so
    whatever the order of purchases and refunds: the points are the floor of the net exact value. Of each rule, campaign
    and issuer there is one part.
    """
    given: list[Given] = []
    after: dict[str, tuple[int, int]] = {}
    counts: dict[str, dict[int, int]] = {}
    for part in parts:
        if part.rounding == "carry":
            key = part.carry_key
            points, after[key] = _carry(part.exact, carries.get(key, (0, 1)))
        else:
            points = int(part.exact)
        if not points:
            continue
        given.append(Given(part.rule, part.campaign, part.issuer_id, points))
        name = part.campaign or part.rule
        if name in context.left:
            counter = f"{'campaign' if part.campaign else 'rule'}/{name}/points"
            by_day = counts.setdefault(counter, {})
            by_day[context.day] = by_day.get(context.day, 0) + points
    return Settled(tuple(given), Change(counts=counts, carries=after))


def _carry(exact: Fraction, before: tuple[int, int]) -> tuple[int, tuple[int, int]]:
    """(whole points, what is carried on)."""
    n, d = before
    value = exact + Fraction(n, d) if n else exact
    points = value.numerator // value.denominator
    rest = value.numerator - points * value.denominator
    if not rest:
        return points, (0, 1)
    if (value.denominator - rest) * _DUST < value.denominator:
        return points + 1, (0, 1)
    if value.denominator > _FINEST:
        return points, Fraction(rest * _FINEST // value.denominator, _FINEST).as_integer_ratio()
    return points, (rest, value.denominator)
