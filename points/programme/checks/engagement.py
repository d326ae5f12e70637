"""Challenges, streaks, birthdays, games and what they give."""

from collections.abc import Iterator

from points.programme.checks.parts import Found
from points.programme.goals import uncounted
from points.programme.schema.engagement import (
    Challenge,
    Choice,
    Gain,
    Game,
    Goal,
    Milestone,
    StaffRecognition,
    Streak,
    Yearly,
)
from points.programme.schema.programme import Programme


def goal(part: Goal, _: Programme) -> Iterator[Found]:
    """So many of something, or so much money."""
    if (part.count is None) == (part.amount is None):
        yield (), "a goal is either a `count` or an `amount` of money"
    elif part.amount is not None and part.of != "spend":
        yield ("of",), "an `amount` of money is a goal of `spend`; write `of: spend`"
    elif part.count is not None and part.of == "spend":
        yield ("count",), "`spend` is money; give an `amount`"
    if part.event is not None and part.of != "visits":
        yield ("of",), "with an `event` that event is counted; leave `of` out"
    for name in uncounted(part):
        yield ("match", name), f"goals are counted without `{name}`; leave it out"


def challenge(part: Challenge, _: Programme) -> Iterator[Found]:
    """Within a period or a span, and for something."""
    if (part.per is None) == (part.within is None):
        yield (), "a challenge is either `per` period (or `ever`) or `within` a span"
    yield from _something(part.gain)


def rewarded(part: Streak | Milestone | Choice, _: Programme) -> Iterator[Found]:
    """For something."""
    yield from _something(part.gain)


def yearly(part: Yearly, _: Programme) -> Iterator[Found]:
    """A gain or choices."""
    empty = Gain()
    if part.gain == empty and not part.choices and not any(gain != empty for gain in part.by_tier.values()):
        yield (), "there is nothing to win: give a `gain` or `choices`"


def game(part: Game, _: Programme) -> Iterator[Found]:
    """Odds that add up to no more than one, and something to win."""
    if not part.prizes:
        yield ("prizes",), "at least one prize is needed"
    odds = sum(prize.odds for prize in part.prizes)
    if odds > 1:
        yield ("prizes",), f"the odds add up to {odds}; at most 1 is possible"
    if part.prizes and all(prize.gain in (None, Gain()) for prize in part.prizes):
        yield ("prizes",), "there is nothing to win"


def staff(part: StaffRecognition, programme: Programme) -> Iterator[Found]:
    """A unit of its own."""
    if part.unit == programme.unit.code:
        yield ("unit",), "recognition is counted apart from points; it needs another unit"


def _something(gain: Gain) -> Iterator[Found]:
    if gain == Gain():
        yield ("gain",), "there is nothing to win: give `points`, a `reward` or a `badge`"
