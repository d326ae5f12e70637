"""Calendar arithmetic in a programme's zone: spans, business days, periods. Pure.

A business day is named by its date; it begins at `day_starts` local time, so that a bar's 01:30 belongs to the evening
before. Days are passed as `date` or as its proleptic ordinal.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

Period = Literal["day", "week", "month", "quarter", "year", "ever"]
_SPAN = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


@dataclass(frozen=True, slots=True)
class Span:
    """An ISO 8601 duration in its three kinds that cannot be turned into each other."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    @property
    def upper_days(self) -> int:
        """As many days as the span can have at most, rounded up."""
        return self.months * 31 + self.days + -(-self.seconds // 86_400)


@lru_cache(maxsize=1024)
def span(text: str) -> Span:
    """The span that an ISO 8601 duration names. Raises ValueError."""
    found = _SPAN.fullmatch(text)
    if found is None or text in ("P", "PT"):
        raise ValueError(f"'{text}' is not an ISO 8601 duration")
    n = {name: int(value or 0) for name, value in found.groupdict().items()}
    return Span(
        months=n["years"] * 12 + n["months"],
        days=n["weeks"] * 7 + n["days"],
        seconds=n["hours"] * 3600 + n["minutes"] * 60 + n["seconds"],
    )


@lru_cache(maxsize=16384)
def later(day: date, by: Span) -> date:
    """`day` plus months and days; a day that the month does not have becomes its last (seconds count as whole days)."""
    return day + relativedelta(months=by.months, days=by.days + by.seconds // 86_400)


@lru_cache(maxsize=16384)
def earlier(day: date, by: Span) -> date:
    """`day` minus months and days."""
    return day - relativedelta(months=by.months, days=by.days + by.seconds // 86_400)


def moment_after(moment: datetime, by: Span, zone: ZoneInfo) -> datetime:
    """Months and days by the wall clock of `zone`, then seconds as they pass; aware, in UTC."""
    return _shifted(moment.astimezone(UTC), by.months, by.days, by.seconds, zone)


def moment_before(moment: datetime, by: Span, zone: ZoneInfo) -> datetime:
    """The inverse direction of `moment_after`."""
    return _shifted(moment.astimezone(UTC), -by.months, -by.days, -by.seconds, zone)


@lru_cache(maxsize=16384)
def _shifted(moment: datetime, months: int, days: int, seconds: int, zone: ZoneInfo) -> datetime:
    """A moment in UTC, moved. One in an hour that the clock shows twice stays in its own."""
    if months or days:
        local = moment.astimezone(zone)
        moved = (local + relativedelta(months=months, days=days)).replace(fold=local.fold)
        moment = moved.astimezone(UTC)
    return moment + timedelta(seconds=seconds)


def business_day(moment: datetime, zone: ZoneInfo, day_starts: time = time(0)) -> date:
    """The business day that `moment` belongs to: the one that has begun last."""
    day = moment.astimezone(zone).date()
    # The moments are compared, not the clocks: an hour that a clock shows twice would else belong to two days.
    return day if moment >= day_begins(day, zone, day_starts) else day - timedelta(days=1)


@lru_cache(maxsize=16384)
def day_begins(day: date, zone: ZoneInfo, day_starts: time = time(0)) -> datetime:
    """The moment at which business day `day` begins, in UTC (a time that the clock skips is moved forward)."""
    return datetime.combine(day, day_starts, zone).astimezone(UTC)


@lru_cache(maxsize=16384)
def day_ends(day: date, zone: ZoneInfo, day_starts: time = time(0)) -> datetime:
    """The moment at which business day `day` is over: the beginning of the next."""
    return day_begins(day + timedelta(days=1), zone, day_starts)


@lru_cache(maxsize=16384)
def first_of(day: date, per: Period) -> date:
    """The first day of the period that `day` is in; weeks begin on Monday, `ever` on the first of January of year 1."""
    match per:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)
        case "year":
            return day.replace(month=1, day=1)
        case "ever":
            return date.min


@lru_cache(maxsize=16384)
def begins(day: int, per: Period) -> int:
    """The same for ordinals, kept: asked for every day of a history."""
    return first_of(date.fromordinal(day), per).toordinal()


def last_of(day: date, per: Period) -> date:
    """The last day of the period that `day` is in."""
    steps: dict[Period, relativedelta] = {
        "day": relativedelta(days=1),
        "week": relativedelta(weeks=1),
        "month": relativedelta(months=1),
        "quarter": relativedelta(months=3),
        "year": relativedelta(years=1),
    }
    return date.max if per == "ever" else first_of(day, per) + steps[per] - timedelta(days=1)


@lru_cache(maxsize=16384)
def name_of(day: date, per: Period) -> str:
    """A short name of the period: `2026-11-22`, `2026-W47`, `2026-11`, `2026-Q4`, `2026`, `ever`."""
    match per:
        case "day":
            return day.isoformat()
        case "week":
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02}"
        case "month":
            return f"{day.year}-{day.month:02}"
        case "quarter":
            return f"{day.year}-Q{(day.month + 2) // 3}"
        case "year":
            return str(day.year)
        case "ever":
            return "ever"
