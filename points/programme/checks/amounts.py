"""Money, shares, dates and spans: whether the number or the day can exist."""

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal

import msgspec

from kernel.money import UnknownCurrency, decimals
from points.programme.checks.parts import Found, values
from points.programme.periods import span
from points.programme.schema.programme import Programme

# Where nothing at all is a number that says something.
_MAY_BE_ZERO = frozenset({("from",), ("low",)})
# Where a span of no length says something; everywhere else it is a slip.
_MAY_BE_EMPTY = frozenset({"older_than", "before", "grace", "warn", "settle", "hold", "cool_down_after_contact_change"})
_YEARS = range(1990, 2100)
_LONGEST_SPAN_DAYS = 36_600  # a hundred years: calendars end


def currency_places(programme: Programme) -> int | None:
    """Decimals of the programme's currency; None if there is no such currency."""
    try:
        return decimals(programme.currency)
    except UnknownCurrency:
        return None


def money_problem(amount: Decimal, programme: Programme) -> str | None:
    """Why an amount is not one of the programme's currency."""
    places = currency_places(programme)
    if places is not None and amount != round(amount, places):
        return f"{programme.currency} has {places} decimals; {amount} has more"
    return None


def amounts(part: msgspec.Struct, programme: Programme) -> Iterator[Found]:
    """Money must be in whole minor units (but for the value of one point) and above zero; shares from 0 to 1."""
    unit_value = part is programme.unit
    for place, amount in values(part, "money"):
        if amount < 0 or (amount == 0 and place not in _MAY_BE_ZERO):
            yield place, f"{amount} is not an amount above zero"
        elif not unit_value and (message := money_problem(amount, programme)):
            yield place, message
    for place, share in values(part, "share"):
        if not 0 <= share <= 1:
            yield place, f"{share} is not a share; it must be from 0 to 1 (15 % is 0.15)"
        elif share == 0 and place not in _MAY_BE_ZERO:
            yield place, "a share of 0 gives nothing"
    for place, number in values(part, "number"):
        if number < 0 or (number == 0 and place not in _MAY_BE_ZERO):
            yield place, f"{number} is not a number above zero"


def days_and_spans(part: msgspec.Struct, _: Programme) -> Iterator[Found]:
    """Days must be in the calendar, spans must have a length."""
    for kind in ("date", "moment"):
        for place, text in values(part, kind):
            moment = local_moment(text)
            if moment is None:
                yield place, f"`{text}` is not a day and time of the calendar"
            elif moment.year not in _YEARS:
                yield place, f"the year {moment.year} is not one that programmes are for"
    for place, text in values(part, "span"):
        length = span(text)
        if length.upper_days > _LONGEST_SPAN_DAYS:
            yield place, f"`{text}` is longer than a hundred years"
        elif length.upper_days == 0 and place[0] not in _MAY_BE_EMPTY:
            yield place, f"`{text}` has no length"


def local_moment(text: str) -> datetime | None:
    """A `LocalMoment` as a naive datetime, None if there is no such day or time."""
    try:
        return datetime.fromisoformat(text) if "T" in text else datetime.combine(date.fromisoformat(text), time())
    except ValueError:
        return None
