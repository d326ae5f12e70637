"""When something holds: windows and recurrences in the programme's zone, by the wall clock across clock changes. Pure.

Recurrences are RFC 5545 section 3.3.10. They are dates by the wall clock, counted from the day of `from`; without it
from Monday 1 January 2001, so that `INTERVAL` and rules that leave out the day have a fixed beginning.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from points.programme.periods import moment_after, span
from points.programme.schema.basics import Schedule

_BEGINNING = datetime(2001, 1, 1)
_UNTIL_UTC = re.compile(r"UNTIL=(\d{8}T\d{6})Z", re.IGNORECASE)
# Once per day is the finest recurrence: hours and minutes are what `starts` and `lasts` say.
_TOO_FINE = re.compile(r"FREQ=(HOURLY|MINUTELY|SECONDLY)", re.IGNORECASE)


class Timetable:
    """A schedule in one zone, made once: bounds in UTC and, lazily, the moments at which it begins.

    Raises ValueError for a schedule that cannot be read.
    """

    __slots__ = ("_ahead", "_begins", "_ends", "_from", "_lasts", "_recurs", "_start", "_until", "_zone")

    def __init__(self, schedule: Schedule, zone: ZoneInfo) -> None:
        self._zone = zone
        self._from = local_moment(schedule.from_, zone) if schedule.from_ else None
        self._until = local_moment(schedule.until, zone) if schedule.until else None
        self._start = time.fromisoformat(schedule.starts)
        self._lasts = span(schedule.lasts)
        self._begins: list[datetime] = []
        self._ends: list[datetime] = []
        self._ahead: Iterator[datetime] | None = None
        self._recurs = schedule.rrule is not None
        if schedule.rrule is not None:
            first = datetime.fromisoformat(schedule.from_) if schedule.from_ else _BEGINNING
            self._ahead = iter(recurrence(schedule.rrule, datetime.combine(first.date(), time(0)), zone))

    def holds(self, at: datetime) -> bool:
        """Whether it holds at the aware moment `at`."""
        if self._from is not None and at < self._from:
            return False
        if self._until is not None and at >= self._until:
            return False
        if not self._recurs:
            return True
        if self._ahead is not None and (not self._begins or self._begins[-1] <= at):
            self._look_ahead(at)
        # An occurrence may begin before another is over, but what began last ends last.
        found = bisect_right(self._begins, at)
        return found > 0 and at < self._ends[found - 1]

    def _look_ahead(self, at: datetime) -> None:
        while self._ahead is not None and (not self._begins or self._begins[-1] <= at):
            day = next(self._ahead, None)
            if day is None:
                self._ahead = None
            else:
                begin = datetime.combine(day.date(), self._start, self._zone).astimezone(UTC)
                self._begins.append(begin)
                self._ends.append(moment_after(begin, self._lasts, self._zone))


def local_moment(text: str, zone: ZoneInfo) -> datetime:
    """A date, or date and time, by the clock of `zone`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def recurrence(text: str, first: datetime, zone: ZoneInfo) -> rrule:
    """The days of a recurrence rule from `first` on, by the wall clock. Raises ValueError for what is no such rule."""
    if _TOO_FINE.search(text):
        raise ValueError(f"'{text}' recurs more often than once a day; write the hours with 'starts' and 'lasts'")
    if "DTSTART" in text.upper():
        raise ValueError(f"'{text}' names its own beginning; write it as 'from'")
    local = _UNTIL_UTC.sub(lambda found: f"UNTIL={_wall_clock(found[1], zone)}", text)
    rule = rrulestr(local, dtstart=first)
    if not isinstance(rule, rrule):
        raise ValueError(f"'{text}' is a set of rules; one is expected")
    return rule


def timetable_of(schedule: Schedule, zone: ZoneInfo) -> Timetable | None:
    """The timetable of a schedule; None if it always holds. Raises ValueError."""
    if schedule.from_ is None and schedule.until is None and schedule.rrule is None:
        return None
    return timetable(schedule, zone)


@lru_cache(maxsize=4096)
def timetable(schedule: Schedule, zone: ZoneInfo) -> Timetable:
    """The timetable of a schedule, kept. Raises ValueError."""
    return Timetable(schedule, zone)


def holds(schedule: Schedule, at: datetime, zone: ZoneInfo) -> bool:
    """Whether a schedule holds at `at` (aware), by the clock of `zone`. Raises ValueError for an unreadable one."""
    return timetable(schedule, zone).holds(at)


def _wall_clock(text: str, zone: ZoneInfo) -> str:
    moment = datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return moment.astimezone(zone).strftime("%Y%m%dT%H%M%S")
