"""An entry computed again from what it pinned: the same whole points, or the books are wrong. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import msgspec

from points.programme.context import Context, Part
from points.programme.evaluation import evaluate
from points.programme.events import Event
from points.programme.settlement import Given, settle
from points.programme.version import Version


@dataclass(frozen=True, slots=True)
class Recomputed:
    """An earning as it comes out again. `carried_after` are the remainders by wallet, `(0, 1)` for none."""

    event: Event
    context: Context
    parts: tuple[Part, ...]
    given: tuple[Given, ...]
    carried_before: dict[str, tuple[int, int]]
    carried_after: dict[str, tuple[int, int]]
    refusals: tuple[tuple[str, str], ...]

    @property
    def before(self) -> Fraction:
        """The sum of the remainders that were there before."""
        return sum((Fraction(*carry) for carry in self.carried_before.values()), Fraction(0))

    @property
    def after(self) -> Fraction:
        """The sum of the remainders that are left."""
        return sum((Fraction(*carry) for carry in self.carried_after.values()), Fraction(0))


def recomputed(version: Version, facts: Mapping[str, Any]) -> Recomputed:
    """An earning from its facts (`event`, `context`, `carries_before`)."""
    event = msgspec.convert(facts["event"], Event, strict=False)
    context = msgspec.convert(facts["context"], Context, strict=False)
    before = carries_of(facts.get("carries_before"))
    evaluation = evaluate(version, event, context)
    settled = settle(evaluation.parts, before, context)
    return Recomputed(
        event, context, evaluation.parts, settled.points, before, settled.change.carries, evaluation.refusals
    )


def recompute(version: Version, facts: Mapping[str, Any]) -> list[tuple[str, str | None, str, int]]:
    """(rule, campaign, issuer, points) of an earning, computed again; equal to the `lots` that it pinned."""
    return [(given.rule, given.campaign, given.issuer_id, given.points) for given in recomputed(version, facts).given]


def carries_of(pinned: Mapping[str, Any] | None) -> dict[str, tuple[int, int]]:
    """Remainders by wallet as facts pin them: key -> [numerator, denominator]."""
    return {key: (int(numerator), int(denominator)) for key, (numerator, denominator) in (pinned or {}).items()}
