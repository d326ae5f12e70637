"""Streaks: so many periods in a row. Pure.

A period that was missed uses a freeze; without one the row begins anew. Each `length` periods are won once, and the
freezes are whole again after a win or a reset. The period that is running can be won, not missed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from points.programme.periods import Period, begins, last_of, name_of
from points.programme.schema.engagement import Streak


@dataclass(frozen=True, slots=True)
class Row:
    """`won`: the periods (name, day of winning) in which a length was full; `run`: periods in a row by now, since the
    last reset; `freezes`: how many are left."""

    won: tuple[tuple[str, int], ...]
    run: int
    freezes: int


def row(streak: Streak, by_day: Mapping[int, int], start: int, today: int) -> Row:
    """The row from the period of day `start` (at which nothing has been reached) to `today`."""
    days = sorted(day for day, n in by_day.items() if start <= day <= today and n)
    reached = when_reached(days, by_day, streak.minimum, streak.per)
    won: list[tuple[str, int]] = []
    run, freezes = 0, streak.freezes
    # Nothing can be missed before the first.
    period = min(reached, default=today + 1)
    while period <= today:
        following = _next(period, streak.per)
        if period in reached:
            run += 1
            if run % streak.length == 0:
                won.append((name_of(date.fromordinal(period), streak.per), reached[period]))
                freezes = streak.freezes
        elif following <= today and run:
            run, freezes = (run, freezes - 1) if freezes else (0, streak.freezes)
        period = following
    return Row(tuple(won), run, freezes)


def lap_days(streak: Streak) -> int:
    """How many days one length takes at most, freezes used."""
    return (streak.length + streak.freezes + 1) * {"day": 1, "week": 7, "month": 31}[streak.per]


def when_reached(days: Sequence[int], by_day: Mapping[int, int], enough: int, per: Period) -> dict[int, int]:
    """The periods (by their first day) whose sum is enough, and on which of the `days` (in order) it came to be."""
    sums: dict[int, int] = {}
    reached: dict[int, int] = {}
    for day in days:
        period = begins(day, per)
        sums[period] = found = sums.get(period, 0) + by_day[day]
        if found < enough:
            reached.pop(period, None)
        elif period not in reached:
            reached[period] = day
    return reached


@lru_cache(maxsize=16_384)
def _next(period: int, per: Period) -> int:
    """The first day of the period after the one that begins on `period`."""
    return last_of(date.fromordinal(period), per).toordinal() + 1
