"""From the till to the phone and the chain, over sockets and processes, with parts of the outside failing."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from api.demo.client import ApiClient
from api.demo.coalition import Partner, found
from api.demo.phones import Phones
from api.demo.service import Service, service
from api.twins import Twins, twins
from network.keys import KEY_PATTERN
from passes.sandbox.apns import Said
from passes.sandbox.google_faults import Fault
from tests.support.chain import ANVIL_KEY, anvil

PATIENCE_S = 60.0


@dataclass
class Road:
    """A served coalition of four partners; phones are reached through the twins."""

    api: ApiClient
    twins: Twins
    phones: Phones
    operator_key: str
    partners: list[Partner]
    members: dict[str, str] = field(default_factory=dict)

    async def joined(self, kind: str, name: str) -> str:
        """A member with a phone that holds the card."""
        at = self.partners[0]
        body = {"name": name, "language": "en"}
        member_id: str = (await self.api.ask("POST", "/v1/members", at.key, body, f"join-{kind}")).body["id"]
        path = f"/v1/members/{member_id}/passes/{'apple' if kind == 'iphone' else 'google'}"
        answer = await self.api.ask("GET", path, at.key)
        if kind == "iphone":
            await self.phones.add_iphone(member_id, answer.body, answer.headers["last-modified"], "en")
        else:
            await self.phones.add_android(member_id, answer.body["save_url"])
        return member_id

    async def earn(self, member_id: str, amount: int, key: str, partner: int = 0) -> dict[str, Any]:
        at = self.partners[partner]
        body = {"member_id": member_id, "amount": amount, "currency": "USD"}
        entry: dict[str, Any] = (await self.api.ask("POST", "/v1/earnings", at.key, body, key)).body
        return entry

    async def shows(self, member_id: str, balance: int) -> None:
        """Wait until the member's phone shows this balance."""
        await _until(lambda: self._shows(member_id, balance))

    async def _shows(self, member_id: str, balance: int) -> bool:
        return self.phones.face(member_id).balance == balance

    async def notes(self) -> dict[str, dict[str, Any]]:
        found = (await self.api.ask("GET", "/v1/notes", self.operator_key)).body
        return {note["kind"]: note for note in found}

    async def failing(self, kind: str) -> None:
        """Wait until a note of this kind waits with an error."""

        async def fails() -> bool:
            return (await self.notes()).get(kind, {}).get("error") is not None

        await _until(fails)

    async def followed(self) -> None:
        """Mend and wait until nothing waits."""
        await self.api.ask("POST", "/v1/notes/retry", self.operator_key, {})

        async def quiet() -> bool:
            return not await self.notes()

        await _until(quiet)


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await holds():  # noqa: ASYNC110  (what is waited for is in another process)
            await asyncio.sleep(0.05)


async def _road(stack: AsyncExitStack, folder: Path, **settings: object) -> tuple[Road, Service]:
    sandbox = await stack.enter_async_context(
        twins(folder / "twins", "pass.org.commonpoint.test", "TESTTEAM01", "3388000000000000001")
    )
    running = await stack.enter_async_context(service(folder, {**sandbox.settings, **settings}))
    phones = Phones(sandbox)
    await phones.start()
    stack.push_async_callback(phones.close)
    api = ApiClient(running.url, await stack.enter_async_context(aiohttp.ClientSession()))
    operator_key = (await running.command("key", "create", "--operator")).strip()
    return Road(api, sandbox, phones, operator_key, await found(api, operator_key)), running


@pytest.fixture
async def road(tmp_path: Path, database_url: str) -> AsyncIterator[Road]:
    async with AsyncExitStack() as stack:
        yield (await _road(stack, tmp_path, database_url=database_url, chain_url="off"))[0]


async def test_both_phones_follow_the_till(road: Road) -> None:
    iphone, android = await road.joined("iphone", "Ada"), await road.joined("android", "Béla")
    for member_id in (iphone, android):
        entry = await road.earn(member_id, 5000, f"sale-{member_id}")
        assert entry["balance"] == 50
        await road.shows(member_id, 50)
        face = road.phones.face(member_id)
        assert (face.tier, face.next_reward) == ("Member", "50 points to Lunch")


async def test_with_apples_push_server_down_the_till_works_and_the_phone_hears_later(road: Road) -> None:
    member_id = await road.joined("iphone", "Ada")
    await road.twins.push_server.stop()
    assert (await road.earn(member_id, 5000, "sale-1"))["balance"] == 50
    await road.failing("apple.push")
    assert (await road.earn(member_id, 1000, "sale-2"))["balance"] == 60
    assert road.phones.face(member_id).balance == 0
    await road.twins.push_server.start()
    await road.followed()
    await road.shows(member_id, 60)


@pytest.mark.parametrize("status", [429, 500])
async def test_with_google_refusing_the_till_works_and_the_phone_hears_later(road: Road, status: int) -> None:
    member_id = await road.joined("android", "Béla")
    road.twins.wallet_api.faults.add(Fault("refuse", times=1000, call="PATCH loyaltyObject", status=status))
    assert (await road.earn(member_id, 5000, "sale-1"))["balance"] == 50
    await road.failing("google.push")
    assert road.phones.face(member_id).balance == 0
    road.twins.wallet_api.faults.mend()
    await road.followed()
    await road.shows(member_id, 50)


async def test_a_push_that_apple_puts_off_is_sent_again(road: Road) -> None:
    member_id = await road.joined("iphone", "Ada")
    road.twins.push_server.answer_with(Said(503, "ServiceUnavailable"))
    await road.earn(member_id, 5000, "sale-1")
    await road.failing("apple.push")
    await road.followed()
    await road.shows(member_id, 50)


async def test_with_the_chain_down_the_till_and_the_phone_go_on_and_the_tokens_follow_later(
    tmp_path: Path, database_url: str
) -> None:
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(anvil(tmp_path / "chain.json"))
        chain = {"chain_url": node.url, "chain_key": ANVIL_KEY.hex()}
        road, _ = await _road(stack, tmp_path, database_url=database_url, **chain)
        member_id = await road.joined("iphone", "Ada")
        await road.earn(member_id, 5000, "sale-1")
        await road.followed()
        await node.stop()
        assert (await road.earn(member_id, 2500, "sale-2", partner=3))["balance"] == 87
        await road.shows(member_id, 87)
        await road.failing("mirror")
        await node.start()
        await road.followed()
        mirror = (await road.api.ask("GET", "/v1/mirror", road.operator_key)).body
        assert mirror["differences"] == []
        assert mirror["ledger_points"] == mirror["mirrored_points"] == mirror["chain_supply"] == 87


async def test_a_service_killed_between_the_answer_and_the_push_delivers_after_it_is_back(
    tmp_path: Path, database_url: str
) -> None:
    async with AsyncExitStack() as outer:
        sandbox = await outer.enter_async_context(
            twins(tmp_path / "twins", "pass.org.commonpoint.test", "TESTTEAM01", "3388000000000000001")
        )
        settings = {**sandbox.settings, "database_url": database_url, "chain_url": "off"}
        phones = Phones(sandbox)
        await phones.start()
        outer.push_async_callback(phones.close)
        http = await outer.enter_async_context(aiohttp.ClientSession())
        async with service(tmp_path, settings) as first:
            api = ApiClient(first.url, http)
            operator_key = (await first.command("key", "create", "--operator")).strip()
            road = Road(api, sandbox, phones, operator_key, await found(api, operator_key))
            member_id = await road.joined("iphone", "Ada")
            await sandbox.push_server.stop()
            await road.earn(member_id, 5000, "sale-1")
            first.kill()
        await sandbox.push_server.start()
        async with service(tmp_path, settings, port=first.port) as second:
            road.api = ApiClient(second.url, http)
            again = await road.earn(member_id, 5000, "sale-1")
            assert again["balance"] == 50
            await road.followed()
            await road.shows(member_id, 50)


async def test_the_followers_work_in_a_process_of_their_own(tmp_path: Path, database_url: str) -> None:
    async with AsyncExitStack() as stack:
        apart = {"database_url": database_url, "chain_url": "off", "worker_in_process": False}
        road, running = await _road(stack, tmp_path, **apart)
        member_id = await road.joined("iphone", "Ada")
        await road.earn(member_id, 5000, "sale-1")
        assert set(await road.notes()) == {"pass"}
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "api", "worker", env=dict(running.environment), stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await road.shows(member_id, 50)
            await road.followed()
        finally:
            worker.terminate()
        assert await asyncio.wait_for(worker.wait(), PATIENCE_S) == 0


async def test_the_commands_of_an_operator_say_what_they_did(tmp_path: Path, database_url: str) -> None:
    async with AsyncExitStack() as stack:
        road, running = await _road(stack, tmp_path, database_url=database_url, chain_url="off")
        assert await running.command("migrate") == "Schema 0004 -> 0004\n"
        made = (await running.command("key", "create", "--partner", road.partners[0].id, "--scope", "earn")).strip()
        assert re.fullmatch(KEY_PATTERN, made)
        report = {line["name"]: line for line in await running.doctor()}
        assert {report[name]["verdict"] for name in ("settings", "ledger", "notes", "apple", "google", "chain")} == {
            "ok"
        }
        # The tests' database is fast because it may forget: no operator should run on one like it unwarned.
        assert report["database"]["verdict"] == "bad"
        assert "fsync" in report["database"]["says"]
