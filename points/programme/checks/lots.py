"""What becomes of points: expiry, adjustments, transfers, households."""

from collections.abc import Iterator
from datetime import date

from points.programme.checks.parts import Found
from points.programme.schema.lifecycle import AnnualSweep, Households, Inactivity, Lots, Rolling, Transfers
from points.programme.schema.programme import Programme

_COMMON_YEAR = 2023  # a sweep's day must be there every year


def lots(part: Lots, _: Programme) -> Iterator[Found]:
    """An order of using, each word once."""
    if not part.consume:
        yield ("consume",), "an order is needed, such as [oldest]"
    for name in ("consume", "notices"):
        given = getattr(part, name)
        for number, one in enumerate(given):
            if one in given[:number]:
                yield (name, number), f"`{one}` is written twice"


def active(part: Rolling | Inactivity, _: Programme) -> Iterator[Found]:
    """Something must count as activity."""
    if not part.activity:
        yield ("activity",), "at least one of `earn`, `redeem` must count as activity"


def sweep(part: AnnualSweep, _: Programme) -> Iterator[Found]:
    """A day that every year has."""
    try:
        date(_COMMON_YEAR, part.month, part.day)
    except ValueError:
        yield ("day",), f"day {part.day} of month {part.month} is not in every year"


def transfers(part: Transfers, _: Programme) -> Iterator[Found]:
    """Limits that leave something possible."""
    if part.minimum > part.max_points_per_day:
        yield ("minimum",), "the minimum is above what is possible in a day"
    if part.max_points_per_month is not None and part.max_points_per_month < part.max_points_per_day:
        yield ("max_points_per_month",), "the limit of a month is below that of a day"


def households(part: Households, _: Programme) -> Iterator[Found]:
    """More than one member."""
    if part.max_members < 2:
        yield ("max_members",), "a household has at least two members"
