"""Conditions, limits and budgets."""

from collections.abc import Iterator

from points.programme.checks.parts import Found
from points.programme.schema.basics import Budget, Limit, Match, When
from points.programme.schema.programme import Programme


def match(part: Match, _: Programme) -> Iterator[Found]:
    """A category cannot be asked for and left out at once."""
    for number, name in enumerate(part.not_categories):
        if name in part.categories:
            yield ("not_categories", number), f"`{name}` is asked for and left out at once"


def when(part: When, programme: Programme) -> Iterator[Found]:
    """Nobody can be in a tier, segment or membership and not be in it."""
    for kind in ("tiers", "segments", "memberships"):
        wanted, barred = getattr(part, kind), getattr(part, f"not_{kind}")
        for number, name in enumerate(barred):
            if name in wanted:
                yield (f"not_{kind}", number), f"`{name}` is required and excluded at once, so nobody qualifies"
    levels = [level.id for level in programme.tiers.levels] if programme.tiers else []
    if levels and set(levels) <= set(part.not_tiers):
        yield ("not_tiers",), "all tiers are excluded, so nobody qualifies"
    if part.first_purchase and part.nth is not None and part.nth.at_least > 1:
        yield ("nth",), f"a first purchase cannot be the {part.nth.at_least}th"


def limit(part: Limit, _: Programme) -> Iterator[Found]:
    """A limit limits something."""
    if part.times is None and part.points is None:
        yield (), "a limit needs `times` or `points`"


def budget(part: Budget, programme: Programme) -> Iterator[Found]:
    """Points or money; money is turned into points by the unit's value."""
    if (part.points is None) == (part.money is None):
        yield (), "a budget is either `points` or `money`"
    elif part.money is not None:
        if programme.unit.value is None:
            yield ("money",), "a budget in money needs the value of a point (`unit.value`)"
        elif 0 < part.money < programme.unit.value:
            yield ("money",), "the budget is less than one point"
