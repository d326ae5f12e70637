"""How fast Google may be called."""

import pytest

from passes.google.pace import GooglePaceExceeded, Pace


async def test_after_a_rest_a_burst_goes_at_once_and_the_rest_is_told_when_to_come_back() -> None:
    pace = Pace(rate_per_s=0.1, burst=3, max_wait_s=1.0)
    for _ in range(3):
        await pace.turn()
    with pytest.raises(GooglePaceExceeded) as refused:
        await pace.turn()
    assert refused.value.retry_after_s is not None
    assert 1.0 < refused.value.retry_after_s <= 10.0


async def test_a_refused_caller_takes_no_turn_away_from_others() -> None:
    pace = Pace(rate_per_s=0.1, burst=1, max_wait_s=1.0)
    await pace.turn()
    waits = []
    for _ in range(3):
        with pytest.raises(GooglePaceExceeded) as refused:
            await pace.turn()
        waits.append(refused.value.retry_after_s)
    assert all(wait is not None and wait <= 10.0 for wait in waits)


async def test_a_refusal_by_google_halves_the_rate_once_for_calls_under_way_together() -> None:
    pace = Pace(rate_per_s=16.0, burst=20)
    for _ in range(5):
        pace.slow_down(None)
    assert 8.0 <= pace.rate_per_s < 9.0


async def test_nobody_calls_during_the_pause_that_google_asked_for() -> None:
    pace = Pace(rate_per_s=16.0, burst=20, max_wait_s=1.0)
    pace.slow_down(30.0)
    with pytest.raises(GooglePaceExceeded):
        await pace.turn()


def test_the_rate_never_falls_to_nothing_nor_above_what_was_given() -> None:
    slow = Pace(rate_per_s=0.5)
    slow.slow_down(None)
    assert slow.rate_per_s == 0.5
