"""Writes that are gathered, and rations of strangers."""

import asyncio

from passes.apple.later import KEYS_KEPT, Later, PerMinute


async def test_what_is_asked_for_meanwhile_shares_one_call() -> None:
    calls: list[int] = []

    async def work() -> None:
        calls.append(len(calls))

    later = Later(work, wait_s=0.01)
    for _ in range(5):
        later.ask()
    await asyncio.sleep(0.1)
    assert len(calls) == 1
    later.ask()
    await asyncio.sleep(0.1)
    assert len(calls) == 2


async def test_what_is_asked_for_while_the_work_is_done_is_done_once_more() -> None:
    calls: list[int] = []

    async def work() -> None:
        if not calls:
            later.ask()
        calls.append(len(calls))

    later = Later(work, wait_s=0.0)
    later.ask()
    await asyncio.sleep(0.1)
    assert len(calls) == 2


async def test_closing_does_at_once_what_waits_and_a_failure_disturbs_nobody() -> None:
    calls: list[int] = []

    async def work() -> None:
        calls.append(1)
        raise RuntimeError("no database")

    later = Later(work, wait_s=3600.0)
    later.ask()
    await later.close()
    assert calls == [1]


def test_everybody_has_an_allowance_for_each_minute() -> None:
    now = [0.0]
    ration = PerMinute(3, lambda: now[0])
    assert [ration.take("a"), ration.take("a", 5), ration.take("a"), ration.take("b", 2)] == [1, 2, 0, 2]
    now[0] = 59.9
    assert ration.take("a") == 0
    now[0] = 60.0
    assert ration.take("a") == 1


def test_inventing_names_does_not_grow_the_memory() -> None:
    ration = PerMinute(2, lambda: 0.0)
    granted = sum(ration.take(f"name {number}", 2) for number in range(KEYS_KEPT + 1_000))
    assert granted == 2 * KEYS_KEPT + 2  # those who came too late share one allowance
