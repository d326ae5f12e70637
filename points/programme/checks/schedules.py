"""Schedules: whether they ever happen, and say one thing."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, pairwise, takewhile

from dateutil.relativedelta import relativedelta
from dateutil.rrule import rrulestr

from points.programme.checks.amounts import local_moment
from points.programme.checks.parts import Found
from points.programme.periods import span
from points.programme.schema.basics import Schedule
from points.programme.schema.programme import Programme

# Weekdays and leap years come round in 28 years, but for the turn of most centuries.
_CYCLE = relativedelta(years=28)
# 9945 is the twin of 2001: from both on, 28 years have the same weekdays.
_TWIN, _TWIN_OF, _CYCLE_YEARS = 9945, 2001, 28
# Where recurrences without `from` begin (as in points.programme.schedule).
_BEGINNING = datetime(2001, 1, 1)
_MOST_LOOKED_AT = 500
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_PARTS = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "WKST"}
)
_FORM = re.compile(r"[A-Z]+=[A-Z0-9,+-]+(;[A-Z]+=[A-Z0-9,+-]+)*")
_MOST_COUNTED = 1_000
# What the file says in words of its own.
_ELSEWHERE = {"UNTIL": "until", "BYHOUR": "starts", "BYMINUTE": "starts", "BYSECOND": "starts", "DTSTART": "from"}


def schedule(part: Schedule, _: Programme) -> Iterator[Found]:
    """It must begin before it ends, and what recurs must happen in between, one occurrence after the other."""
    begins = local_moment(part.from_) if part.from_ else None
    ends = local_moment(part.until) if part.until else None
    if begins and ends and ends <= begins:
        yield ("until",), f"`until` ({part.until}) is not after `from` ({part.from_})"
    elif part.rrule is not None:
        yield from _recurrence(part, begins, ends)
    elif part.starts != "00:00" or part.lasts != "P1D":
        yield ("starts" if part.starts != "00:00" else "lasts",), "this needs an `rrule` that says on which days"


def _recurrence(part: Schedule, begins: datetime | None, ends: datetime | None) -> Iterator[Found]:
    rule = part.rrule or ""
    if message := _wording(rule, begins):
        yield ("rrule",), message
        return
    hour, minute = map(int, part.starts.split(":"))
    first = (begins or _BEGINNING).replace(hour=hour, minute=minute, second=0)
    try:
        happens = _occurrences(rule, first)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        yield ("rrule",), f"`{rule}` is not a recurrence rule (RFC 5545, 3.3.10): {error}"
        return
    if not any(_end(day, part) > (begins or day) and (ends is None or day < ends) for day in happens):
        yield ("rrule",), f"`{rule}` never happens" + (f" before {part.until}" if part.until else "")
    for day, following in pairwise(happens):
        if _end(day, part) > following:
            yield ("lasts",), f"it lasts {part.lasts}, longer than until it happens again ({following - day})"
            break


def _occurrences(rule: str, first: datetime) -> list[datetime]:
    """Some of the first ones, within one cycle."""
    if not _ever(rule, first):
        return []
    days = takewhile(lambda day: day < first + _CYCLE, rrulestr(rule, dtstart=first))
    return [*islice(days, _MOST_LOOKED_AT)]


def _ever(rule: str, first: datetime) -> bool:
    """Whether a rule has any occurrence. It is asked of the same days of the last cycle before the year 10000, as the
    search for what never happens ends only there."""
    same_days = first.replace(year=_TWIN + (first.year - _TWIN_OF) % _CYCLE_YEARS)
    return next(iter(rrulestr(rule, dtstart=same_days)), None) is not None


def _wording(rule: str, begins: datetime | None) -> str | None:
    if _FORM.fullmatch(rule) is None:
        return f"`{rule[:60]}` does not have the form FREQ=WEEKLY;BYDAY=FR (RFC 5545, 3.3.10)"
    pairs = [pair.split("=") for pair in rule.split(";")]
    given = dict(pairs)
    if len(given) < len(pairs):
        return "a part is written twice"
    for name in given:
        if name in _ELSEWHERE:
            return f"leave {name} out; the field `{_ELSEWHERE[name]}` says it"
        if name not in _PARTS:
            return f"{name} is no part of a recurrence rule (RFC 5545, 3.3.10)"
    if given.get("FREQ") not in _FREQUENCIES:
        return f"it needs FREQ={', '.join(_FREQUENCIES[:-1])} or {_FREQUENCIES[-1]}, such as FREQ=WEEKLY;BYDAY=FR"
    for name in ("INTERVAL", "COUNT"):
        if name in given and not (given[name].isdecimal() and 1 <= int(given[name]) <= _MOST_COUNTED):
            return f"{name} must be a number from 1 to {_MOST_COUNTED}"
        if name in given and begins is None:
            return f"{name} counts from a first day; give `from`"
    return None


def _end(day: datetime, part: Schedule) -> datetime:
    length = span(part.lasts)
    return day + relativedelta(months=length.months, days=length.days) + timedelta(seconds=length.seconds)
