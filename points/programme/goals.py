"""What goals count: which counters of a standing a goal asks, and how much is enough. Pure."""

from math import ceil

from kernel.money import decimals
from points.programme.schema.basics import Match
from points.programme.schema.engagement import Goal
from points.programme.standing import Standing

_ITEMS = "items/"


def target(goal: Goal, currency: str) -> int:
    """How much is enough: minor units for `spend`, else a count (1 if neither count nor amount is given)."""
    if goal.amount is not None:
        return ceil(goal.amount.scaleb(decimals(currency)))
    return goal.count or 1


def counters(goal: Goal) -> tuple[str, ...]:
    """The counters whose sum the goal looks at; `items/` stands for the items of every category."""
    if goal.event is not None:
        return (f"event/{goal.event}",)
    categories = goal.match.categories
    if not categories:
        return (_ITEMS,) if goal.of == "items" else (goal.of,)
    match goal.of:
        case "items":
            return tuple(f"items/{category}" for category in categories)
        case "spend":
            return tuple(f"category/{category}/spend" for category in categories)
        case _:
            return tuple(f"category/{category}/purchases" for category in categories)


def uncounted(goal: Goal) -> tuple[str, ...]:
    """Conditions of a goal that no counter knows, so that a file that writes them must be refused."""
    known = {"categories"} if goal.event is None else set()
    empty = Match()
    asked = [name for name in Match.__struct_fields__ if getattr(goal.match, name) != getattr(empty, name)]
    missing = [name for name in asked if name not in known]
    if goal.of == "points" and goal.match.categories:
        missing.append("categories")
    return tuple(missing)


def by_day(standing: Standing, goal: Goal) -> dict[int, int]:
    """What the goal counts, by day; day 0 has what was folded away."""
    names = counters(goal)
    if names == (_ITEMS,):
        names = tuple(name for name in standing.counts if name.startswith(_ITEMS))
    if len(names) == 1:
        return standing.counts.get(names[0], {})
    summed: dict[int, int] = {}
    for name in names:
        for day, n in standing.counts.get(name, {}).items():
            summed[day] = summed.get(day, 0) + n
    return summed
