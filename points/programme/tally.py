"""What an event adds to the standing: counters by business day, moments of rules with a gap, what is given once. Pure.

Counters that only one version's limits ask (`rule/...`, `campaign/...`, `category/...`, `items/...`) are kept only for
what the version asks.
"""

from collections.abc import Iterator

from points.programme.basket import Basket
from points.programme.campaigns import Stage
from points.programme.events import PURCHASE, VISIT, Event
from points.programme.history import VISIT_GAP, once_for
from points.programme.plan import Plan
from points.programme.standing import Award, Change

ByDay = dict[str, dict[int, int]]


def tally(plan: Plan, event: Event, base: Basket, stage: Stage) -> Change:
    """The change of the standing by an event of which something is left."""
    context = stage.context
    day, second = context.day, int(context.at.timestamp())
    counts = dict(_what_happened(plan, event, base))
    moments: dict[str, list[int]] = {}
    awards: dict[str, list[Award]] = {}
    if event.name in plan.base.visits_of and VISIT_GAP not in context.blocked:
        counts["visits"] = 1
        if plan.base.visit_gap is not None:
            moments[VISIT_GAP] = [second]
    for run in stage.runs:
        way = run.gain.way
        if not run.paid:
            counts[f"total/{way.id}"] = run.gain.points // run.gain.of
            counts[f"total/{way.id}/weighted"] = sum(n for _, n in run.shares) // run.of
        elif way.remembers and run.gave:
            if way.times:
                counts[f"rule/{way.id}"] = 1
            if way.gap is not None:
                moments[way.id] = [second]
            if (subject := once_for(way, event)) is not None:
                awards[f"once/{way.id}"] = [Award(subject, day)]
    for push in plan.asked(event.name).pushes:
        if push.times is not None and push.id in stage.used:
            counts[f"campaign/{push.id}"] = 1
    return Change(counts={name: {day: n} for name, n in counts.items() if n}, moments=moments, awards=awards)


def difference(before: Change, after: Change) -> Change:
    """The change that makes `after` out of `before`."""
    counts: ByDay = {}
    for name in {**before.counts, **after.counts}:
        then, now = before.counts.get(name, {}), after.counts.get(name, {})
        days = {day: n for day in {**then, **now} if (n := now.get(day, 0) - then.get(day, 0))}
        if days:
            counts[name] = days
    return Change(
        counts=counts,
        moments={name: new for name, new in after.moments.items() if before.moments.get(name) != new},
        moments_gone={name: old for name, old in before.moments.items() if after.moments.get(name) != old},
        awards={name: new for name, new in after.awards.items() if before.awards.get(name) != new},
        awards_gone={name: old for name, old in before.awards.items() if after.awards.get(name) != old},
    )


def _what_happened(plan: Plan, event: Event, base: Basket) -> Iterator[tuple[str, int]]:
    if event.name == PURCHASE:
        yield "purchases", 1
        yield "spend", base.whole_minor
        if event.lines and (plan.items is None or plan.items):
            yield from _items(plan, event)
        if event.lines and plan.categories:
            yield from _categories(plan, event, base)
    elif event.name != VISIT:
        yield f"event/{event.name}", 1


def _items(plan: Plan, event: Event) -> Iterator[tuple[str, int]]:
    """Whole pieces by category; of a line that came back in part, its share."""
    sums: dict[str, list[int]] = {}
    for line in event.lines:
        if line.category is not None and (plan.items is None or line.category in plan.items):
            kept = line.quantity_milli
            if line.returned_minor:
                kept = kept * (line.amount_minor - line.returned_minor) // line.amount_minor
            sums.setdefault(line.category, []).append(kept)
    for category, pieces in sums.items():
        yield f"items/{category}", sum(pieces) // 1000


def _categories(plan: Plan, event: Event, base: Basket) -> Iterator[tuple[str, int]]:
    left = {line.category for line in event.lines if line.amount_minor > line.returned_minor}
    for category in plan.categories & {line.category for line in event.lines if line.category}:
        if category in left:
            weight = sum(cell.weight for cell in base.cells if cell.line and cell.line.category == category)
            yield f"category/{category}/purchases", 1
            yield f"category/{category}/spend", weight // base.money
