"""Google's root keys are fetched once and kept while they are good; nobody can make us ask for them again and again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from kernel.clock import MovableClock
from passes.google.root_keys import FORCED_EVERY_S, LONGEST_S, SHORTEST_S, RootKeys, RootKeysUnavailable
from passes.sandbox.google_faults import Fault
from passes.sandbox.wallet_api import WalletApiSandbox
from tests.support.google_callbacks import Seconds


@dataclass
class Side:
    """Google, and a service that has just started."""

    sandbox: WalletApiSandbox
    clock: MovableClock
    seconds: Seconds
    roots: RootKeys

    @property
    def fetches(self) -> int:
        return self.sandbox.requests["GET keys"]

    def pass_time(self, seconds: float) -> None:
        self.seconds.now += seconds
        self.clock.advance(timedelta(seconds=seconds))


@pytest.fixture
async def side() -> AsyncIterator[Side]:
    sandbox = WalletApiSandbox()
    await sandbox.start()
    clock, seconds = MovableClock(datetime.now(UTC)), Seconds()
    async with aiohttp.ClientSession() as http:
        yield Side(sandbox, clock, seconds, RootKeys(http, sandbox.root_keys_url, clock, seconds))
    await sandbox.stop()


async def test_keys_are_fetched_once_a_day(side: Side) -> None:
    for _ in range(10):
        assert len(await side.roots.keys()) == 1
    side.pass_time(LONGEST_S - 1)
    await side.roots.keys()
    assert side.fetches == 1
    side.pass_time(1)
    await side.roots.keys()
    assert side.fetches == 2


async def test_many_at_once_fetch_once(side: Side) -> None:
    assert {len(keys) for keys in await asyncio.gather(*(side.roots.keys() for _ in range(50)))} == {1}
    assert side.fetches == 1


async def test_a_key_that_is_about_to_end_is_looked_at_more_often_but_not_without_a_pause(side: Side) -> None:
    key, _ = side.sandbox.signer.roots[0]
    side.sandbox.signer.roots = [(key, side.clock.now() + timedelta(minutes=30))]
    await side.roots.keys()
    side.pass_time(SHORTEST_S - 1)
    await side.roots.keys()
    assert side.fetches == 1
    side.pass_time(1)
    await side.roots.keys()
    assert side.fetches == 2


async def test_an_ended_key_is_worth_nothing_even_when_google_is_away(side: Side) -> None:
    key, _ = side.sandbox.signer.roots[0]
    side.sandbox.signer.roots = [(key, side.clock.now() + timedelta(hours=12))]
    await side.roots.keys()
    side.sandbox.faults.add(Fault("hang_up", call="GET keys"))
    side.pass_time(11 * 3600 + 60)
    assert len(await side.roots.keys()) == 1
    side.pass_time(3600)
    with pytest.raises(RootKeysUnavailable) as raised:
        await side.roots.keys()
    assert raised.value.retry_after_s is not None
    assert 1 <= raised.value.retry_after_s <= SHORTEST_S


@pytest.mark.parametrize("status", [302, 403, 429, 500])
async def test_a_google_that_refuses_is_asked_once_a_minute(side: Side, status: int) -> None:
    side.sandbox.faults.add(Fault("refuse", call="GET keys", status=status))
    for _ in range(5):
        with pytest.raises(RootKeysUnavailable):
            await side.roots.keys()
    assert side.fetches == 1
    side.sandbox.faults.mend()
    side.pass_time(SHORTEST_S)
    assert len(await side.roots.keys()) == 1


async def test_a_list_without_a_good_key_does_not_replace_one_that_has_it(side: Side) -> None:
    before = await side.roots.keys()
    for listed in ([], [(side.sandbox.signer.root, side.clock.now())]):
        side.sandbox.signer.roots = listed
        side.pass_time(LONGEST_S)
        assert await side.roots.keys() == before


async def test_out_of_turn_google_is_asked_once_in_five_minutes(side: Side) -> None:
    keys = await side.roots.keys()
    assert not await side.roots.newer(keys)
    for _ in range(10):
        assert not await side.roots.newer(keys)
    assert side.fetches == 2
    side.sandbox.signer.rotate()
    side.pass_time(FORCED_EVERY_S)
    assert await side.roots.newer(keys)
    assert await side.roots.newer(keys)
    assert side.fetches == 3
    assert len(await side.roots.keys()) == 2
