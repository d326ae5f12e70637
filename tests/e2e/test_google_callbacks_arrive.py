"""A card saved on an Android phone is known to be saved, between the processes of a running service and Google's."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from api.demo.client import ApiClient
from api.demo.coalition import found
from api.demo.service import service
from api.twins import twins
from kernel.database import Database
from kernel.secrets import Keyring
from passes.google.callbacks import callback_url
from passes.sandbox.android import AndroidFleet

ISSUER = "3388000000000000001"
PATIENCE_S = 30.0


async def test_a_save_and_a_deletion_reach_the_service(tmp_path: Path, database_url: str) -> None:
    async with AsyncExitStack() as stack:
        started = await stack.enter_async_context(
            twins(tmp_path / "twins", "pass.org.commonpoint.test", "TESTTEAM01", ISSUER)
        )
        google = started.wallet_api
        settings = {**started.settings, "database_url": database_url, "chain_url": "off"}
        running = await stack.enter_async_context(service(tmp_path, settings))
        google.call_back(callback_url(running.url, Keyring((tmp_path / "master_secret").read_bytes())))
        api = ApiClient(running.url, await stack.enter_async_context(aiohttp.ClientSession()))
        operator_key = (await running.command("key", "create", "--operator")).strip()
        till = (await found(api, operator_key))[0]
        member = (await api.ask("POST", "/v1/members", till.key, {"name": "Béla", "language": "hu"}, "join")).body
        link = (await api.ask("GET", f"/v1/members/{member['id']}/passes/google", till.key)).body["save_url"]
        fleet = AndroidFleet(google.phones_url)
        await fleet.start()
        stack.push_async_callback(fleet.close)
        db = await Database.connect(database_url)
        stack.push_async_callback(db.close)

        async def held() -> str:
            async with db.read() as read:
                return str(await read.connection.fetchval("SELECT held FROM google_object"))

        phone = fleet.phone()
        card = await phone.save(link)
        # Google's robot looks first, and is told that it may.
        robots = await api.ask("GET", "/robots.txt", till.key)
        assert robots.status == 200
        google.callbacks.copies = 2
        await _until(lambda: _is(held, "saved"))
        await phone.delete(card.object_id)
        await _until(lambda: _is(held, "deleted"))
        await google.callbacks.settled()
        assert {status for sent in google.callbacks.sent for status in sent.statuses} == {200}
        assert google.requests["GET keys"] == 1


async def _is(held: Callable[[], Awaitable[str]], wanted: str) -> bool:
    return await held() == wanted


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await holds():  # noqa: ASYNC110  (what is waited for is in another process)
            await asyncio.sleep(0.05)
