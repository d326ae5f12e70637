"""Schedules hold by the clock of the programme's zone, also when clocks change."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from points.programme.schedule import holds
from points.programme.schema.basics import Schedule

HELSINKI = ZoneInfo("Europe/Helsinki")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HELSINKI)


FRIDAY = Schedule(rrule="FREQ=WEEKLY;BYDAY=FR", starts="15:00", lasts="PT3H")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-20T14:59:59", False),
        ("2026-11-20T15:00:00", True),
        ("2026-11-20T17:59:59", True),
        ("2026-11-20T18:00:00", False),
        ("2026-11-19T16:00:00", False),
        ("2026-07-17T15:00:00", True),  # summer time
        ("2026-07-17T14:59:59", False),
        ("2026-03-27T15:00:00", True),  # the last before clocks go forward
        ("2026-04-03T15:00:00", True),  # the first after it
        ("1999-11-19T15:00:00", False),  # before all beginnings
    ],
)
def test_a_weekly_hour_is_an_hour_by_the_wall_clock(moment: str, expected: bool) -> None:
    assert holds(FRIDAY, local(moment), HELSINKI) is expected


def test_the_order_in_which_moments_are_asked_does_not_matter() -> None:
    zone = ZoneInfo("Europe/Budapest")
    late, early = datetime(2031, 5, 2, 14, tzinfo=zone), datetime(2026, 5, 1, 16, tzinfo=zone)
    assert not holds(FRIDAY, late, zone)
    assert holds(FRIDAY, early, zone)
    assert not holds(FRIDAY, late, zone)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-28T23:59:59", False),
        ("2026-03-29T00:00:00", True),
        ("2026-03-29T23:59:59", True),
        ("2026-03-30T00:00:00", False),
    ],
)
def test_a_whole_day_is_a_whole_day_when_it_has_23_hours(moment: str, expected: bool) -> None:
    sunday = Schedule(rrule="FREQ=MONTHLY;BYDAY=-1SU", lasts="P1D")
    assert holds(sunday, local(moment), HELSINKI) is expected


def test_an_evening_that_begins_when_the_clock_skips_begins_as_soon_as_there_is_such_a_time() -> None:
    night = Schedule(rrule="FREQ=DAILY", starts="03:30", lasts="PT1H")
    assert not holds(night, datetime(2026, 3, 29, 1, 29, tzinfo=UTC), HELSINKI)
    assert holds(night, datetime(2026, 3, 29, 1, 30, tzinfo=UTC), HELSINKI)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-10-31T23:59:59", False),
        ("2026-11-01T00:00:00", True),
        ("2026-11-30T23:59:59", True),
        ("2026-12-01T00:00:00", False),
    ],
)
def test_a_window_includes_its_first_moment_and_not_its_last(moment: str, expected: bool) -> None:
    assert holds(Schedule(from_="2026-11-01", until="2026-12-01"), local(moment), HELSINKI) is expected


def test_a_recurrence_is_cut_by_the_window_around_it() -> None:
    cut = Schedule(
        from_="2026-11-06T16:00", until="2026-11-20T17:00", rrule="FREQ=WEEKLY;BYDAY=FR", starts="15:00", lasts="PT3H"
    )
    answers = [
        holds(cut, local(moment), HELSINKI)
        for moment in (
            "2026-11-06T15:30",
            "2026-11-06T16:00",
            "2026-11-13T15:00",
            "2026-11-20T16:59",
            "2026-11-20T17:00",
        )
    ]
    assert answers == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("rrule", "there", "not_there"),
    [
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "2026-11-03", "2026-11-10"),
        ("FREQ=DAILY;COUNT=3", "2026-11-05", "2026-11-06"),
        ("FREQ=DAILY;UNTIL=20261105T000000", "2026-11-05", "2026-11-06"),
        ("FREQ=DAILY;UNTIL=20261104T220000Z", "2026-11-05", "2026-11-06"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-11-30", "2026-11-29"),
        ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=6", "2027-12-06", "2027-12-07"),
    ],
)
def test_recurrences_of_the_standard_are_understood(rrule: str, there: str, not_there: str) -> None:
    schedule = Schedule(from_="2026-11-03", rrule=rrule)
    assert holds(schedule, local(there + "T12:00"), HELSINKI)
    assert not holds(schedule, local(not_there + "T12:00"), HELSINKI)


@pytest.mark.parametrize("rrule", ["FREQ=HOURLY", "FREQ=OFTEN", "DTSTART:20260101T000000\nRRULE:FREQ=DAILY", ""])
def test_what_is_no_daily_recurrence_is_refused(rrule: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        holds(Schedule(rrule=rrule), local("2026-11-20T12:00"), HELSINKI)


def test_a_recurrence_without_any_day_never_holds() -> None:
    never = Schedule(rrule="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
    assert not holds(never, local("2026-11-20T12:00"), HELSINKI)
    assert not holds(never, local("2026-11-21T12:00"), HELSINKI)
