"""Phones of both kinds are held to readers, over sockets from the phone's antenna to the service's answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kernel.database import Database
from passes.sandbox.apple_tap import LOCKED, PhoneOfTaps
from passes.sandbox.apple_tap_terminal import NoTap
from passes.sandbox.nfc_field import Field, HeldPhone, PhoneGone, hold
from passes.sandbox.nfc_terminal import CollectorKey, NfcTerminal, ServiceRefused
from passes.sandbox.smart_tap_device import CHOOSE, MORE_AS_TABLED, NO_PASS, SmartTapPhone
from tests.support.smart_taps import COLLECTOR, ISSUER, SmartTapShop, smart_tap_shop


@dataclass
class Street:
    """The café, its readers, and the line between them and the service. Of the paths in `lose` the next answer is lost
    after the service has done its work."""

    shop: SmartTapShop
    http: aiohttp.ClientSession
    stack: AsyncExitStack
    url: str = ""
    lose: set[str] = field(default_factory=set)

    async def reader(self, **changed: Any) -> "Reader":
        """A newly enrolled reader that phones can be held to."""
        enrolled, field_ = await self.shop.terminal(), Field()
        known: dict[str, Any] = {
            "terminal_id": enrolled.terminal_id,
            "terminal_key": enrolled.terminal_key,
            "api_key": enrolled.api_key,
            "pass_type": enrolled.pass_type,
        }
        terminal = NfcTerminal(self.http, self.url, **{**known, **changed})
        address = await self.stack.enter_async_context(field_.open())
        return Reader(self.shop, terminal, field_, address)

    async def pass_on(self, request: web.Request) -> web.Response:
        """One request, on its way to the service and back."""
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        content = await request.read()
        answer = await self.shop.client.request(request.method, request.path_qs, content=content, headers=headers)
        if request.path in self.lose:
            self.lose.discard(request.path)
            assert request.transport is not None
            request.transport.close()
        return web.Response(body=answer.content, status=answer.status_code, content_type="application/json")


@dataclass
class Reader:
    """A reader and the place where phones are held to it."""

    shop: SmartTapShop
    terminal: NfcTerminal
    field: Field
    address: tuple[str, int]

    async def read(self, phone: HeldPhone, commands: int = 1000, *, offline: bool = False) -> dict[str, Any]:
        """Hold a phone to the reader (and take it away after so many commands); what the reader would pass on."""
        holding = asyncio.create_task(hold(phone, *self.address, self.shop.now, commands=commands))
        air = await self.field.met()
        try:
            return await self.terminal.read(air.transmit, self.shop.now, offline=offline)
        finally:
            await air.release()
            await holding

    async def tap(self, phone: HeldPhone) -> dict[str, Any]:
        """The service's answer to a phone that was held to the reader."""
        status, answer = await self.terminal.present(await self.read(phone))
        assert status == 201, answer
        return answer


@asynccontextmanager
async def open_street(shop: SmartTapShop) -> AsyncIterator[Street]:
    async with AsyncExitStack() as stack:
        street = Street(shop, await stack.enter_async_context(aiohttp.ClientSession()), stack)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", street.pass_on)
        street.url = str((await stack.enter_async_context(TestServer(app))).make_url("")).rstrip("/")
        yield street


@pytest.fixture
async def street(db: Database) -> AsyncIterator[Street]:
    async with smart_tap_shop(db) as shop, open_street(shop) as opened:
        yield opened


async def test_one_reader_takes_phones_of_both_kinds(street: Street) -> None:
    shop, reader = street.shop, await street.reader()
    aino, eino = await shop.member("Aino"), await shop.member("Eino")
    phones: dict[str, HeldPhone] = {aino: await shop.phone(aino), eino: await shop.android(eino)}
    for member_id, phone in list(phones.items()) * 2:
        answer = await reader.tap(phone)
        assert (answer["member"]["id"], answer["assurance"], answer["reasons"]) == (member_id, "proved_present", [])
        assert answer["proof_id"]


@pytest.mark.parametrize(
    "how", [{"early": False}, {"piece": 16}, {"piece": 16, "more": MORE_AS_TABLED}, {"packs": False}]
)
async def test_phones_old_and_new_are_understood(street: Street, how: dict[str, Any]) -> None:
    member_id = await street.shop.member()
    answer = await (await street.reader()).tap(await street.shop.android(member_id, **how))
    assert answer["member"]["id"] == member_id


@pytest.mark.parametrize("commands", [0, 1, 2, 4])
async def test_a_phone_that_is_taken_away_too_early_is_held_there_again(street: Street, commands: int) -> None:
    member_id, reader = await street.shop.member(), await street.reader()
    phone = await street.shop.android(member_id, piece=16)
    with pytest.raises(PhoneGone):
        await reader.read(phone, commands=commands)
    assert (await reader.tap(phone))["member"]["id"] == member_id


async def test_an_answer_that_is_lost_on_the_way_costs_nothing(street: Street) -> None:
    member_id, reader = await street.shop.member(), await street.reader()
    phone = await street.shop.android(member_id)
    street.lose = {"/v1/smart-taps", "/v1/presentations"}
    answer = await reader.tap(phone)
    assert (answer["member"]["id"], answer["assurance"], street.lose) == (member_id, "proved_present", set())
    assert await street.shop.number("SELECT count(*) FROM smart_tap_session") == 1
    assert await street.shop.number("SELECT count(*) FROM proof") == 1


async def test_the_same_reading_passed_on_twice_is_one_proof(street: Street) -> None:
    reader = await street.reader()
    for phone in (
        await street.shop.android(await street.shop.member("Eino")),
        await street.shop.phone(await street.shop.member()),
    ):
        read = await reader.read(phone)
        first, again = await reader.terminal.present(read), await reader.terminal.present(read)
        assert first == again
    assert await street.shop.number("SELECT count(*) FROM proof") == 2


async def test_of_two_cards_the_owner_chooses_one(street: Street) -> None:
    shop, reader = street.shop, await street.reader()
    aino, eino = await shop.member("Aino"), await shop.member("Eino")
    phone = await shop.android(aino)
    await shop.put(phone, eino)
    with pytest.raises(NoTap) as asked:
        await reader.read(phone)
    assert asked.value.status == CHOOSE
    async with shop.parts.db.read() as read:
        pass_id = await read.connection.fetchval("SELECT id FROM wallet_pass WHERE member_id = $1", eino)
    phone.chosen = f"{ISSUER}.{pass_id}"
    assert (await reader.tap(phone))["member"]["id"] == eino


async def test_a_phone_without_a_card_or_with_a_locked_screen_says_nothing(street: Street) -> None:
    shop, reader = street.shop, await street.reader()
    locked = PhoneOfTaps(unlocked=False)
    paper = await shop.paper(await shop.member())
    locked.add({**paper, "nfc": {**paper["nfc"], "requiresAuthentication": True}})
    for phone, status in ((SmartTapPhone(shop.merchants), NO_PASS), (locked, LOCKED)):
        with pytest.raises(NoTap) as nothing:
            await reader.read(phone)
        assert nothing.value.status == status


async def test_a_reader_with_a_wrong_key_gets_no_session(street: Street) -> None:
    reader = await street.reader(terminal_key="ctk_" + "0" * 64)
    with pytest.raises(ServiceRefused) as refused:
        await reader.read(await street.shop.android(await street.shop.member()))
    assert (refused.value.status, refused.value.answer["code"]) == (403, "terminal_refused")


async def test_what_the_phone_said_is_worth_nothing_a_minute_later_or_at_another_reader(street: Street) -> None:
    shop, reader, other = street.shop, await street.reader(), await street.reader()
    phone = await shop.android(await shop.member())
    read = await reader.read(phone)
    status, answer = await other.terminal.present({**read, "terminal_id": other.terminal.terminal_id})
    assert (status, answer["code"]) == (400, "tap_refused")
    shop.later(seconds=61)
    status, answer = await reader.terminal.present(read)
    assert (status, answer["code"]) == (400, "tap_refused")


async def reader_with_a_key(street: Street) -> Reader:
    """A reader whose maker put a key of a collector into it, which the coalition's issuer published too."""
    pair = generate_private_key(SECP256R1())
    public = pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    street.shop.merchants.publish(ISSUER, COLLECTOR, 5, public)
    return await street.reader(collector_key=CollectorKey(pair, COLLECTOR, 5))


async def test_a_reader_with_a_key_of_its_own_reads_both_kinds_by_itself(street: Street) -> None:
    shop, reader = street.shop, await reader_with_a_key(street)
    aino, eino = await shop.member("Aino"), await shop.member("Eino")
    phones: dict[str, HeldPhone] = {aino: await shop.phone(aino), eino: await shop.android(eino, early=False)}
    for member_id, phone in phones.items():
        answer = await reader.tap(phone)
        assert (answer["member"]["id"], answer["assurance"]) == (member_id, "proved_present")
    assert await shop.number("SELECT count(*) FROM smart_tap_session WHERE key_id <> ''") == 0


async def test_what_a_reader_kept_while_offline_identifies_once_each(street: Street) -> None:
    shop, reader = street.shop, await reader_with_a_key(street)
    aino, eino = await shop.member("Aino"), await shop.member("Eino")
    kept = [await reader.read(phone, offline=True) for phone in (await shop.phone(aino), await shop.android(eino))]
    shop.later(hours=5)
    for member_id, body in zip((aino, eino), kept, strict=True):
        for _ in range(2):
            status, answer = await reader.terminal.present(body)
            assert (status, answer["member"]["id"], answer["assurance"]) == (201, member_id, "identified")
            assert (answer["reasons"], answer["proof_id"]) == (["offline"], None)


async def test_many_phones_at_many_readers_are_kept_apart(street: Street) -> None:
    shop = street.shop
    readers = [await street.reader() for _ in range(3)]
    members = [await shop.member(f"Member {number}") for number in range(9)]
    phones = [await (shop.android if number % 2 else shop.phone)(one) for number, one in enumerate(members)]

    async def queue(number: int) -> list[str]:
        return [(await readers[number].tap(phone))["member"]["id"] for phone in phones[number::3]]

    seen = await asyncio.gather(*(queue(number) for number in range(3)))
    assert [sorted(one) for one in seen] == [sorted(members[number::3]) for number in range(3)]
