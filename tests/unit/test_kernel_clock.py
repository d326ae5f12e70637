"""Business time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from kernel.clock import MovableClock, SystemClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_system_clock_tells_the_time_in_utc() -> None:
    before, now, after = datetime.now(UTC), SystemClock().now(), datetime.now(UTC)
    assert before <= now <= after
    assert now.tzinfo is UTC


def test_a_movable_clock_stands_still_until_it_is_moved() -> None:
    clock = MovableClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.advance(timedelta(days=40))
    assert clock.now() == datetime(2026, 4, 10, 12, tzinfo=UTC)
    clock.move_to(NOON - timedelta(hours=1))
    assert clock.now() == datetime(2026, 3, 1, 11, tzinfo=UTC)


def test_a_movable_clock_answers_in_utc_whatever_zone_it_was_set_in() -> None:
    clock = MovableClock(datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        MovableClock(datetime(2026, 3, 1, 12))  # the missing zone is the point
    with pytest.raises(ValueError, match="time zone"):
        MovableClock(NOON).move_to(datetime(2026, 3, 1, 12))
