"""How fast Google may be called, and whose turn it is."""

import asyncio

import pytest

from passes.google.pace import Bucket, GooglePaceExceeded, Lane, Pace


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


async def turns(pace: Pace, lanes: list[Lane]) -> list[Lane]:
    """In which order callers get their turns who all ask at once, in this order."""
    order: list[Lane] = []

    async def call(lane: Lane) -> None:
        await pace.turn(lane)
        order.append(lane)

    await asyncio.gather(*(call(lane) for lane in lanes))
    return order


async def test_the_most_urgent_goes_first_and_spare_turns_are_what_nobody_else_wants() -> None:
    pace = Pace(rate_per_s=200.0, burst=1)
    await pace.turn()
    asked = [Lane.SPARE, Lane.BULK, Lane.BULK, Lane.LIVE, Lane.INTERACTIVE]
    assert await turns(pace, asked) == sorted(asked)


async def test_a_busy_day_starves_nobody_but_those_who_only_want_what_is_left() -> None:
    pace = Pace(rate_per_s=2000.0, burst=1)
    await pace.turn()
    order = await turns(pace, [Lane.SPARE, Lane.BULK, Lane.BULK, *[Lane.LIVE] * 40])
    assert order.index(Lane.BULK) < 12
    assert order[-1] is Lane.SPARE


async def test_a_caller_who_gives_up_costs_nobody_a_turn() -> None:
    pace = Pace(rate_per_s=100.0, burst=1)
    await pace.turn()
    given_up = asyncio.create_task(pace.turn(Lane.INTERACTIVE))
    waiting = asyncio.create_task(pace.turn(Lane.LIVE))
    await asyncio.sleep(0)
    assert pace.waiting() == 2
    given_up.cancel()
    await waiting
    assert pace.waiting() == 0


async def test_a_spare_call_does_not_take_from_the_burst_of_others() -> None:
    pace = Pace(rate_per_s=0.1, burst=3, max_wait_s=1.0)
    await pace.turn(Lane.SPARE)
    with pytest.raises(GooglePaceExceeded):
        await pace.turn(Lane.SPARE)
    await pace.turn(Lane.LIVE)
    await pace.turn(Lane.LIVE)


def test_a_refused_rate_grows_back_by_one_a_second_every_minute() -> None:
    bucket = Bucket(18.0, 2, now=0.0)
    bucket.refused(100.0, None, jitter=0.0)
    assert [bucket.rate_per_s(100.0 + minutes * 60) for minutes in (0, 1, 5, 9, 60)] == [9, 10, 14, 18, 18]


def test_refusals_in_a_row_pause_ever_longer_until_one_call_is_accepted() -> None:
    bucket, pauses = Bucket(18.0, 2, now=0.0), []
    for turn in range(4):
        now = 1000.0 * (turn + 1)
        bucket.refused(now, None, jitter=1.0)
        pauses.append(bucket.ready_at(now) - now)
    assert pauses == [0.5, 1.0, 2.0, 4.0]
    bucket.accepted()
    bucket.refused(10_000.0, None, jitter=1.0)
    assert bucket.ready_at(10_000.0) == 10_000.5


def test_a_pause_that_google_asks_for_is_kept_within_five_minutes() -> None:
    bucket = Bucket(18.0, 2, now=0.0)
    bucket.refused(0.0, 1e9, jitter=1.0)
    assert bucket.ready_at(0.0) == 300.0
