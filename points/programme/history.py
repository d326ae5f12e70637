"""What a member's history allows: limits of rules and campaigns by gap, times and points, and which purchase this is.

Every answer is about the event's own business day and moment, so that events may come in any order. Pure.
"""

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from points.programme.campaigns import Push
from points.programme.earning import Way
from points.programme.events import PURCHASE, Event
from points.programme.matching import Who
from points.programme.periods import Period, Span, first_of, last_of, moment_after, moment_before
from points.programme.segments import days_before
from points.programme.standing import LONG_AGO, Standing

# What a rule that gives once per member gives for.
EVER = "ever"

# What the gap between counted visits is kept under; no rule has such an id.
VISIT_GAP = "visits/gap"


def too_soon(moments: Iterable[int], gap: Span, at: datetime, zone: ZoneInfo) -> bool:
    """Whether any of `moments` (seconds) is nearer to `at` than `gap`, before or after it."""
    here = int(at.timestamp())
    if not (gap.months or gap.days):
        return any(abs(here - moment) < gap.seconds for moment in moments)
    first = moment_before(at, gap, zone).timestamp()
    last = moment_after(at, gap, zone).timestamp()
    return any(first < moment < last for moment in moments)


def limited(way: Way, standing: Standing, event: Event, at: datetime, day: date, zone: ZoneInfo) -> str | None:
    """Why a rule's limits (other than of points) keep it from giving once more, or None."""
    if way.gap and too_soon(standing.moments.get(way.id, ()), way.gap, at, zone):
        return "min_gap"
    for per, most in way.times:
        if in_period(standing, f"rule/{way.id}", day, per) >= most:
            return f"max_per_{per}"
    if way.once is None:
        return None
    subject = once_for(way, event)
    if subject is None:
        return "no_subject"
    return "once" if any(award.period == subject for award in standing.awards.get(f"once/{way.id}", ())) else None


def once_for(way: Way, event: Event) -> str | None:
    """What a rule gives for only once: the event's subject, or `ever`; None if it may give again, or nobody said."""
    if way.once is None:
        return None
    return event.subject if way.once == "subject" else EVER


def points_left(way: Way, standing: Standing, day: date) -> int | None:
    """How many points a rule's limits leave, 0 or more; None if it has none."""
    return min(
        (max(0, most - in_period(standing, f"rule/{way.id}/points", day, per)) for per, most in way.points),
        default=None,
    )


def member_limit(push: Push, standing: Standing, day: date) -> tuple[bool, int | None]:
    """(whether a campaign may not be given once more, points that the member's limit leaves)."""
    over = push.times is not None and in_period(standing, f"campaign/{push.id}", day, push.limit_per) >= push.times
    if push.points is None:
        return over, None
    return over, max(0, push.points - in_period(standing, f"campaign/{push.id}/points", day, push.limit_per))


def nth_purchase(who: Who, standing: Standing, event: Event, day: date) -> int:
    """Which purchase this is within the span that ends with its day (a purchase counts itself)."""
    days = standing.counts.get("purchases", {})
    this = 1 if event.name == PURCHASE else 0
    if who.within is None:
        return sum(days.values()) + this
    first = days_before(day, who.within) + 1
    last = day.toordinal()
    return sum(n for of, n in days.items() if first <= of <= last) + this


def in_period(standing: Standing, counter: str, day: date, per: Period) -> int:
    """The sum of a counter over the period of the business calendar that `day` is in."""
    days = standing.counts.get(counter)
    if not days:
        return 0
    if per == "ever":
        return sum(days.values())
    first, last = _bounds(day, per)
    return sum(n for of, n in days.items() if first <= of <= last)


@lru_cache(maxsize=4096)
def _bounds(day: date, per: Period) -> tuple[int, int]:
    return max(LONG_AGO, first_of(day, per).toordinal()), last_of(day, per).toordinal()
