"""Calendar arithmetic: every moment is in one business day, every day in one period, across clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from points.programme.periods import (
    Period,
    Span,
    business_day,
    day_begins,
    day_ends,
    earlier,
    first_of,
    last_of,
    later,
    moment_after,
    moment_before,
    name_of,
    span,
)

# Clocks that change at 3:00, 2:00, 1:00 (so midnight comes twice), midnight, and by half an hour.
ZONES = ["Europe/Helsinki", "America/New_York", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "UTC"]
zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC))
days = st.dates(date(1999, 1, 1), date(2101, 1, 1))
starts = st.sampled_from([time(0), time(1, 30), time(2, 30), time(3, 30), time(5), time(23, 59)])
periods = st.sampled_from([per for per in get_args(Period) if per != "ever"])


@settings(max_examples=500)
@given(moments, zones, starts)
@example(datetime(2026, 11, 1, 6, 10, tzinfo=UTC), ZoneInfo("America/New_York"), time(1, 30))
@example(datetime(2026, 3, 8, 7, 10, tzinfo=UTC), ZoneInfo("America/New_York"), time(2, 30))
def test_every_moment_is_in_the_business_day_that_has_begun_and_is_not_over(
    moment: datetime, zone: ZoneInfo, day_starts: time
) -> None:
    day = business_day(moment, zone, day_starts)
    assert day_begins(day, zone, day_starts) <= moment < day_ends(day, zone, day_starts)


@given(days, zones, starts)
def test_a_day_begins_when_the_one_before_is_over(day: date, zone: ZoneInfo, day_starts: time) -> None:
    assert day_ends(day, zone, day_starts) == day_begins(day + timedelta(days=1), zone, day_starts)
    assert business_day(day_begins(day, zone, day_starts), zone, day_starts) == day


@given(days, periods)
def test_every_day_is_in_one_period_with_one_name(day: date, per: Period) -> None:
    first, last = first_of(day, per), last_of(day, per)
    assert first <= day <= last
    assert first_of(last, per) == first
    assert first_of(last + timedelta(days=1), per) == last + timedelta(days=1)
    assert {name_of(each, per) for each in (first, day, last)} == {name_of(day, per)}
    assert name_of(last + timedelta(days=1), per) != name_of(day, per)


def test_ever_is_one_period() -> None:
    assert (first_of(date(2026, 1, 1), "ever"), last_of(date(2026, 1, 1), "ever")) == (date.min, date.max)
    assert name_of(date(2026, 1, 1), "ever") == "ever"


@given(days, st.integers(0, 60), st.integers(0, 400))
def test_going_later_and_back_loses_days_only_where_a_month_is_shorter(day: date, months: int, more: int) -> None:
    by = Span(months=months, days=more)
    assert timedelta(0) <= later(day, by) - day <= timedelta(days=by.upper_days)
    assert timedelta(0) <= day - earlier(day, by) <= timedelta(days=by.upper_days)
    assert earlier(later(day, Span(days=more)), Span(days=more)) == day
    assert later(day, Span(months=months)).month % 12 == (day.month + months) % 12


@given(moments, zones, st.integers(0, 400), st.integers(0, 200_000))
def test_days_keep_the_clock_and_seconds_pass(moment: datetime, zone: ZoneInfo, more: int, seconds: int) -> None:
    assert moment_after(moment, Span(seconds=seconds), zone) - moment == timedelta(seconds=seconds)
    assert moment - moment_before(moment, Span(seconds=seconds), zone) == timedelta(seconds=seconds)
    found = moment_after(moment, Span(days=more), zone)
    assert found.tzinfo == UTC
    # A time that the clock skips is an hour later at most.
    wanted = (moment.astimezone(zone) + timedelta(days=more)).replace(tzinfo=None)
    assert found.astimezone(zone).replace(tzinfo=None) - wanted in (
        timedelta(0),
        timedelta(hours=1),
        timedelta(minutes=30),
    )


@given(moments, zones, st.integers(0, 200_000))
@example(datetime(2024, 10, 27, 1, 25, tzinfo=UTC), ZoneInfo("Europe/Helsinki"), 900)
def test_seconds_pass_the_same_in_an_hour_that_a_clock_shows_twice(
    moment: datetime, zone: ZoneInfo, seconds: int
) -> None:
    by = Span(seconds=seconds)
    assert moment_after(moment, by, zone) == moment + timedelta(seconds=seconds)
    assert moment_before(moment, by, zone) == moment - timedelta(seconds=seconds)
    assert moment_after(moment.astimezone(zone), by, zone) == moment_after(moment, by, zone)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("P1Y2M", Span(months=14)),
        ("P2W1D", Span(days=15)),
        ("PT1H30M5S", Span(seconds=5405)),
        ("P1DT12H", Span(days=1, seconds=43_200)),
        ("P0D", Span()),
    ],
)
def test_a_duration_is_read(text: str, found: Span) -> None:
    assert span(text) == found


@pytest.mark.parametrize("text", ["", "P", "PT", "1D", "P1.5D", "P-1D", "P1D2M", "P1DT", "p1d", "P1D "])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an ISO 8601 duration"):
        span(text)
