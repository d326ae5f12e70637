"""Streaks: so many periods in a row. Pure.

A period that was missed uses a freeze; without one the row begins anew. Each `length` periods are won once, and the
freezes are whole again after a win or a reset. The period that is running can be won, not missed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from points.programme.periods import first_of, last_of, name_of
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
    reached = _reached(streak, by_day, start, today)
    won: list[tuple[str, int]] = []
    run, freezes = 0, streak.freezes
    period, now = first_of(date.fromordinal(start), streak.per), date.fromordinal(today)
    if reached:
        # Nothing can be missed before the first.
        period = max(period, min(reached))
    while reached and period <= now:
        following = last_of(period, streak.per) + timedelta(days=1)
        if period in reached:
            run += 1
            if run % streak.length == 0:
                won.append((name_of(period, streak.per), reached[period]))
                freezes = streak.freezes
        elif following <= now and run:
            run, freezes = (run, freezes - 1) if freezes else (0, streak.freezes)
        period = following
    return Row(tuple(won), run, freezes)


def lap_days(streak: Streak) -> int:
    """How many days one length takes at most, freezes used."""
    return (streak.length + streak.freezes + 1) * {"day": 1, "week": 7, "month": 31}[streak.per]


def _reached(streak: Streak, by_day: Mapping[int, int], start: int, today: int) -> dict[date, int]:
    """The periods that saw enough, by their first day, and on which day that was."""
    sums: dict[date, int] = {}
    reached: dict[date, int] = {}
    for day in sorted(day for day, n in by_day.items() if start <= day <= today and n):
        period = first_of(date.fromordinal(day), streak.per)
        sums[period] = sums.get(period, 0) + by_day[day]
        if sums[period] >= streak.minimum:
            reached.setdefault(period, day)
        else:
            reached.pop(period, None)
    return reached
