"""The days on which points end: edges of months and quarters, sweeps, periods without activity. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

from dateutil.relativedelta import relativedelta

from points.programme.periods import Span, first_of, last_of, later
from points.programme.schema.lifecycle import Activity, Edge
from points.programme.standing import Standing


def day_of_end(issued: date, length: Span, edge: Edge) -> date:
    """The last day of points earned on `issued` that live for `length`, to the end of that day, month, ..."""
    return last_of(later(issued, length), edge)


def first_sweep(old_enough: date, month: int, day: int) -> date:
    """The first yearly sweep on `old_enough` or after it; a day that the month does not have is its last."""
    sweep = _sweep(old_enough.year, month, day)
    return sweep if sweep >= old_enough else _sweep(old_enough.year + 1, month, day)


def without_activity(standing: Standing, kinds: Sequence[Activity], issued: date) -> date:
    """The last day of activity; earning the lot was one."""
    return max([issued, *(date.fromordinal(standing.activity[kind]) for kind in kinds if standing.activity.get(kind))])


def periods_missed(
    standing: Standing,
    counters: Sequence[str],
    per: Literal["month", "quarter"],
    issued: date,
    since: date | None,
) -> date:
    """The last day of the first period without activity, which may be the one that is running or the next.

    The period of the earning counts as active; with `since` every period before that one is known to have been.
    """
    days = sorted({day for counter in counters for day, n in standing.counts.get(counter, {}).items() if n > 0})
    period = first_of(issued, per) if since is None else first_of(since, per) - timedelta(days=1)
    while True:
        period = last_of(period, per) + timedelta(days=1)
        last = last_of(period, per)
        at = bisect_left(days, period.toordinal())
        if at == len(days) or days[at] > last.toordinal():
            return last


def _sweep(year: int, month: int, day: int) -> date:
    return date(year, month, 1) + relativedelta(day=day)
