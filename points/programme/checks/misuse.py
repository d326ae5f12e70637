"""Proofs and limits: that something is limited, and over a span that meters keep."""

from collections.abc import Iterator
from typing import Final

from points.programme.checks.parts import Found
from points.programme.periods import span
from points.programme.schema.lifecycle import ProofNeeded
from points.programme.schema.misuse import Misuse, Velocity
from points.programme.schema.programme import Programme

# Meters on which nothing was counted for longer than this are forgotten some day.
LONGEST_DAYS: Final = 366


def velocity(part: Velocity, _: Programme) -> Iterator[Found]:
    """A number to limit, over a span of at most a year."""
    if part.times is None and part.points is None:
        yield (), "a limit needs `times` or `points`"
    if span(part.within).upper_days > LONGEST_DAYS:
        yield ("within",), f"`{part.within}` is longer than a year; limits look at what was done lately"


def misuse(part: Misuse, _: Programme) -> Iterator[Found]:
    """Each limit once."""
    for number, limit in enumerate(part.velocity):
        if limit in part.velocity[:number]:
            yield ("velocity", number), "this limit is written twice"


def proof(part: ProofNeeded, _: Programme) -> Iterator[Found]:
    """A way to prove, each once."""
    if not part.ways:
        yield ("ways",), "at least one way to prove is needed, such as [rotating_code, pin]"
    for number, way in enumerate(part.ways):
        if way in part.ways[:number]:
            yield ("ways", number), f"`{way}` is written twice"
