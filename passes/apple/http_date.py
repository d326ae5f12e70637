"""Dates of HTTP: whole seconds in GMT. https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7"""

import re
from datetime import UTC, datetime
from typing import Final

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_DAY = "|".join(_DAYS)
_LONG_DAY = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
_MONTH = "|".join(_MONTHS)
# The form of today, and the two obsolete ones which a recipient must understand as well.
_FORMS: Final = (
    re.compile(rf"(?:{_DAY}), (?P<day>[0-9]{{2}}) (?P<month>{_MONTH}) (?P<year>[0-9]{{4}}) {_TIME} GMT"),
    re.compile(rf"(?:{_LONG_DAY}), (?P<day>[0-9]{{2}})-(?P<month>{_MONTH})-(?P<short>[0-9]{{2}}) {_TIME} GMT"),
    re.compile(rf"(?:{_DAY}) (?P<month>{_MONTH}) (?P<day>[ 0-9][0-9]) {_TIME} (?P<year>[0-9]{{4}})"),
)


def whole_seconds(moment: datetime) -> datetime:
    """The moment in UTC without its fraction of a second: what the header can say."""
    return moment.astimezone(UTC).replace(microsecond=0)


def http_date(moment: datetime) -> str:
    """The moment as IMF-fixdate, such as `Sun, 06 Nov 1994 08:49:37 GMT`."""
    at = moment.astimezone(UTC)
    day, month = _DAYS[at.weekday()], _MONTHS[at.month - 1]
    return f"{day}, {at.day:02} {month} {at.year:04} {at.hour:02}:{at.minute:02}:{at.second:02} GMT"


def parsed_date(text: str) -> datetime | None:
    """The moment that a header says, in UTC; None if it is not a date of HTTP (then the header counts as absent)."""
    for form in _FORMS:
        match = form.fullmatch(text)
        if match is not None:
            return _moment(match.groupdict())
    return None


def _moment(said: dict[str, str]) -> datetime | None:
    year = int(said["year"]) if "year" in said else _century(int(said["short"]))
    second = min(int(said["second"]), 59)  # a leap second has no place of its own here
    try:
        return datetime(
            year, _MONTHS.index(said["month"]) + 1, int(said["day"]), int(said["hour"]), int(said["minute"]), second,
            tzinfo=UTC,
        )  # fmt: skip
    except ValueError:
        return None


def _century(short: int) -> int:
    """RFC 9110: two digits that would lie more than 50 years ahead mean the past."""
    now = datetime.now(UTC).year
    year = now - now % 100 + short
    return year - 100 if year > now + 50 else year
