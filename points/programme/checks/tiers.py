"""Tiers, segments and holdouts."""

from collections.abc import Iterator

from points.programme.checks.amounts import money_problem
from points.programme.checks.earning import rising
from points.programme.checks.parts import Found
from points.programme.schema.programme import Programme
from points.programme.schema.segments import Holdout, Predicate
from points.programme.schema.tiers import Tiers, TierWindow, Valid


def tiers(part: Tiers, programme: Programme) -> Iterator[Found]:
    """From 0 upwards, in numbers that the measure can have."""
    if not part.levels:
        yield ("levels",), "at least one tier is needed"
        return
    if part.levels[0].from_ != 0:
        yield ("levels", 0, "from"), "the first tier must start at 0, so that everybody has one"
    yield from rising([level.from_ for level in part.levels], ("levels",), "from")
    for number, level in enumerate(part.levels):
        place = ("levels", number, "from")
        if part.measure == "spend":
            if message := money_problem(level.from_, programme):
                yield place, message
        elif level.from_ != int(level.from_):
            yield place, f"{level.from_} {part.measure} cannot be; the number must be whole"


def window(part: TierWindow, _: Programme) -> Iterator[Found]:
    """Only a rolling window has a length."""
    if part.kind == "rolling" and part.length is None:
        yield (), "a rolling window needs its `length`, such as P12M"
    elif part.kind != "rolling" and part.length is not None:
        yield ("length",), f"a window of kind `{part.kind}` has no `length`"
    elif part.length is not None and "T" in part.length:
        yield ("length",), "a window is days, months or years long"


def valid(part: Valid, _: Programme) -> Iterator[Found]:
    """Only a period has a length."""
    if part.kind == "period" and part.period is None:
        yield (), "kind `period` needs its `period`, such as P12M"
    elif part.kind != "period" and part.period is not None:
        yield ("period",), f"kind `{part.kind}` has no `period`"


def predicate(part: Predicate, programme: Programme) -> Iterator[Found]:
    """It asks something, and not opposites."""
    counted = (part.purchases_at_least, part.purchases_at_most, part.spend_at_least, part.visits_at_least)
    if part == Predicate():
        yield (), "a condition that asks nothing holds for everybody"
    if part.within is not None and all(one is None for one in counted):
        yield ("within",), "`within` needs something to count, such as `purchases_at_least`"
    if part.category is not None and all(one is None for one in (*counted[:3], part.no_purchase_for)):
        yield ("category",), "`category` needs purchases to look at, such as `purchases_at_least`"
    if part.purchases_at_most is not None:
        if part.purchases_at_most < 0:
            yield ("purchases_at_most",), "nobody has fewer than no purchases"
        elif part.purchases_at_least is not None and part.purchases_at_least > part.purchases_at_most:
            yield ("purchases_at_most",), "it is below `purchases_at_least`, so nobody qualifies"
    for number, barred in enumerate(part.none):
        if barred in part.all:
            yield ("none", number), "the same is required and excluded, so nobody qualifies"


def holdout(part: Holdout, _: Programme) -> Iterator[Found]:
    """Some are held out, not all; the salt makes the draw this one's own."""
    if part.share == 1:
        yield ("share",), "if everybody is held out there is nobody to compare with"
    if not part.salt.strip():
        yield ("salt",), "a salt is needed: any text, different for each holdout"
