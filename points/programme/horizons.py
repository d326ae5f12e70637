"""How many days back a version's rules look at each counter by day; older days are needed only as a sum. Pure."""

from collections.abc import Iterator

from points.programme.dues import needed_counters
from points.programme.history import VISIT_GAP
from points.programme.matching import Who
from points.programme.periods import Period, Span, span
from points.programme.plan import plan_of
from points.programme.proving import UNPROVED
from points.programme.schema.programme import Programme
from points.programme.schema.segments import Predicate
from points.programme.version import Version

# Events may be told this many days late and still find the days of their own period.
_LATE_DAYS = 31

_DAYS: dict[Period, int] = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366, "ever": 0}


def horizons(version: Version) -> dict[str, int]:
    """Counter -> days back that must be kept by day; a counter that is absent is needed only in all.

    A name that ends in `/` stands for all counters under it; `moments/<rule>` is how long moments must be kept.
    """
    return version.once("horizons", _compile)


def _compile(programme: Programme) -> dict[str, int]:
    longest = {counter: days for counter, days in needed_counters(programme).items() if days}
    for asked in (_of_rules, _of_campaigns, _of_rewards, _of_people, _of_boards):
        for counter, days in asked(programme):
            if days:
                longest[counter] = max(longest.get(counter, 0), days + _LATE_DAYS)
    return longest


def _of_rules(programme: Programme) -> Iterator[tuple[str, int]]:
    plan = plan_of(Version("", programme))
    if plan.base.visit_gap is not None:
        yield f"moments/{VISIT_GAP}", _upper(plan.base.visit_gap)
    for way in (way for asked in plan.by_event.values() for way in asked.ways):
        yield from ((f"rule/{way.id}", _DAYS[per]) for per, _ in way.times)
        yield from ((f"rule/{way.id}/points", _DAYS[per]) for per, _ in way.points)
        yield "purchases", _of_who(way.who)
        if way.gap is not None:
            yield f"moments/{way.id}", _upper(way.gap)


def _of_campaigns(programme: Programme) -> Iterator[tuple[str, int]]:
    plan = plan_of(Version("", programme))
    for push in (push for asked in plan.by_event.values() for push in asked.pushes):
        yield f"campaign/{push.id}", _DAYS[push.limit_per]
        yield f"campaign/{push.id}/points", _DAYS[push.limit_per]
        yield "purchases", _of_who(push.who)


def _of_rewards(programme: Programme) -> Iterator[tuple[str, int]]:
    for reward in programme.rewards:
        if reward.per_member is not None:
            yield f"reward/{reward.id}", _DAYS[reward.per_member.per]
            yield f"reward/{reward.id}/points", _DAYS[reward.per_member.per]
        nth = reward.eligible.nth
        yield "purchases", span(nth.within).upper_days if nth and nth.within else 0
    if programme.transfers is not None:
        yield "transferred", _DAYS["month"]
    if programme.redemptions.max_points_per_day:
        yield "redeemed", _DAYS["day"]
    if programme.redemptions.proof is not None:
        yield UNPROVED, _DAYS["day"]
    yield "moments/contact", span(programme.redemptions.cool_down_after_contact_change).upper_days


def _of_people(programme: Programme) -> Iterator[tuple[str, int]]:
    for segment in programme.segments:
        yield from _of_predicate(segment.where)


def _of_predicate(where: Predicate) -> Iterator[tuple[str, int]]:
    of = f"category/{where.category}/" if where.category else ""
    days = max((span(text).upper_days for text in (where.within, where.no_purchase_for) if text), default=0)
    yield from ((counter, days) for counter in (f"{of}purchases", f"{of}spend", "visits"))
    for inner in (*where.all, *where.any, *where.none):
        yield from _of_predicate(inner)


def _of_boards(programme: Programme) -> Iterator[tuple[str, int]]:
    for board in programme.engagement.leaderboards:
        yield "items/" if board.of == "items" else board.of, _DAYS[board.per]


def _of_who(who: Who | None) -> int:
    return span(who.within).upper_days if who is not None and who.within else 0


def _upper(gap: Span) -> int:
    return gap.upper_days + 1
