"""Words that every part of a programme file uses: names, numbers, spans of time, schedules, conditions.

Numbers with decimals are written as they are (`1.5`) and kept exactly. Money is in the programme's currency, in whole
units with its decimals (`5.00`). Spans are ISO 8601 durations (`P60D`, `PT10M`, `P2Y`).
"""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

Language = Literal["en", "fi", "hu"]
Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="lower-case letters, digits, _")]
Words = Annotated[
    dict[Language, Annotated[str, msgspec.Meta(min_length=1, max_length=120)]], msgspec.Meta(min_length=1)
]
PointCount = Annotated[int, msgspec.Meta(ge=1, le=10**9)]
Count = Annotated[int, msgspec.Meta(ge=1, le=10**6)]
Money = Annotated[Decimal, msgspec.Meta(description="in the programme's currency")]
Number = Annotated[Decimal, msgspec.Meta(description="an exact decimal number")]
Share = Annotated[Decimal, msgspec.Meta(description="from 0 to 1")]
Span = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^P(?=[0-9T])([0-9]{1,3}Y)?([0-9]{1,4}M)?([0-9]{1,4}W)?([0-9]{1,5}D)?"
        r"(T(?=[0-9])([0-9]{1,5}H)?([0-9]{1,6}M)?([0-9]{1,7}S)?)?$",
        description="an ISO 8601 duration: P60D, PT10M, P2Y",
    ),
]
LocalMoment = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$",
        description="a date or date and time in the programme's zone",
    ),
]
LocalDate = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="HH:MM")]
Per = Literal["day", "week", "month", "quarter", "year", "ever"]


class Node(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of a programme file. Unknown fields are errors."""


class Schedule(Node, frozen=True, kw_only=True):
    """When something holds, in the programme's zone: from (included) until (excluded), and within that, if `rrule` is
    given, during `lasts` from each recurrence (RFC 5545 section 3.3.10) at `starts`; both hold across clock changes.
    """

    from_: LocalMoment | None = msgspec.field(default=None, name="from")
    until: LocalMoment | None = None
    rrule: str | None = None
    starts: TimeOfDay = "00:00"
    lasts: Span = "P1D"


class Match(Node, frozen=True, kw_only=True):
    """What a purchase or event must be about; every list that is given must hold, one of its values is enough.

    `categories`, `skus` and `brands` choose lines of the basket; the others choose the purchase as a whole. With
    `tenders` only the share that was paid so counts. Lines of `not_categories` do not match; what has no category does.
    """

    categories: tuple[str, ...] = ()
    not_categories: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    tenders: tuple[str, ...] = ()
    partners: tuple[Id, ...] = ()
    locations: tuple[Id, ...] = ()
    channels: tuple[str, ...] = ()


class Nth(Node, frozen=True, kw_only=True):
    """From the `at_least`-th purchase (this one counted) within a rolling span; with `every`, only each such one."""

    at_least: Count = 1
    within: Span | None = None
    every: bool = False


class When(Node, frozen=True, kw_only=True):
    """Who, and at which point of their history; all that is given must hold."""

    tiers: tuple[Id, ...] = ()
    not_tiers: tuple[Id, ...] = ()
    segments: tuple[Id, ...] = ()
    not_segments: tuple[Id, ...] = ()
    memberships: tuple[Id, ...] = ()
    not_memberships: tuple[Id, ...] = ()
    first_purchase: bool = False
    nth: Nth | None = None


class Limit(Node, frozen=True, kw_only=True):
    """At most so many `times`, or so many `points`, `per` period of the business calendar."""

    times: Count | None = None
    points: PointCount | None = None
    per: Per = "ever"


class Budget(Node, frozen=True, kw_only=True):
    """A hard stop in points or in money (points at the unit's value)."""

    points: PointCount | None = None
    money: Money | None = None
    per: Per = "ever"
