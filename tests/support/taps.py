"""A café with readers, members with cards, and phones: for tests of taps."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import count
from typing import Any, cast

import httpx
import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

from api.auth import PARTS_STATE
from api.http.claims import claims_router
from api.http.entries import entries_router
from api.http.members import members_router
from api.http.presentations import presentations_router
from api.http.taps import tap_keys_router, taps_router
from api.http.terminals import terminals_router
from kernel.clock import MovableClock
from kernel.database import Connection, Database
from kernel.ids import new_code, new_id
from kernel.outbox import BULK, touch
from kernel.secrets import Keyring
from network.keys import Mode
from network.programmes import Programmes
from network.rulebook import Rulebook
from passes.apple.tap_key_changes import TapKeyChanges
from passes.apple.tap_keys import TapKeys
from passes.apple.taps import Reading, Taps
from passes.google.smart_tap_keys import SmartTapKeys
from passes.google.taps import SmartTaps
from passes.presentation import Presentations
from passes.sandbox.apple_tap import PhoneOfTaps
from passes.sandbox.apple_tap_terminal import TapTerminal
from points.contacts import find_by_phone
from points.ledger import Ledger
from points.pins import Pins
from points.programme.registry import Versions
from points.teller import Teller
from tests.support.http_ground import START, ground_app, operator_key
from tokens.holders import member_of_address

PASS_TYPE = "pass.org.commonpoint.test"
OTHER_PASS_TYPE = "pass.org.commonpoint.other"
TERMS = {"currency": "EUR", "earn_points": 1, "earn_per_minor": 100, "issuer_pays_micros": 1, "acceptor_gets_micros": 1}
PARTNER_SCOPES = ["earn", "claim", "members:read", "members:write", "network:read", "taps", "presentations"]
ROUTERS = [
    members_router,
    entries_router,
    claims_router,
    taps_router,
    tap_keys_router,
    terminals_router,
    presentations_router,
]


@dataclass(frozen=True)
class TapSettings:
    mode: Mode = "test"
    public_url: str = "http://points.test"


async def sweep(connection: Connection, partner_id: str | None) -> None:
    """Notes which brand's cards are to be made anew."""
    await touch(connection, "swept", [partner_id or "all"], lane=BULK)


class TapShopParts:
    """What the routes take. `phones_clock` is the time of phones and terminals, `clock` business time."""

    def __init__(self, db: Database, master: bytes = b"a test master secret of 32 bytes") -> None:
        self.db = db
        self.clock = MovableClock(START)
        self.phones_clock = MovableClock(START)
        self.keyring = Keyring(master)
        self.settings = TapSettings()
        self.schema_revision = ""
        self.versions = Versions(db)
        self.programmes = Programmes(db, self.versions)
        self.ledger = Ledger(self.clock, versions=self.versions)
        self.teller = Teller(db, self.ledger)
        self.keys = TapKeys(db, self.keyring)
        self.tap_keys = TapKeyChanges(db, self.keyring, self.keys, sweep)
        self.taps = Taps(db, self.keyring, self.keys, lambda: [OTHER_PASS_TYPE, PASS_TYPE], self.phones_clock)
        self.smart_tap_keys = SmartTapKeys(self.keyring)
        self.smart_taps = SmartTaps(db, self.keyring, self.smart_tap_keys, self.phones_clock)
        self.pins = Pins(db, self.keyring)
        self.presentations = Presentations(
            db, self.keyring, self.clock, self.programmes, self.taps, self.smart_taps,
            find_by_phone=lambda connection, number: find_by_phone(connection, self.keyring, "+358", number),
            find_by_address=member_of_address,
            check_pin=self.pins.check,
            phones_clock=self.phones_clock,
        )  # fmt: skip

    @cached_property
    def rulebook(self) -> Rulebook:
        return Rulebook(self.db)


@dataclass(frozen=True)
class Till:
    """A partner with its key and place."""

    partner_id: str
    location_id: str
    key: str


class TapShop:
    """The service with one café and a key of the coalition."""

    cafe: Till

    def __init__(self, client: httpx.AsyncClient, parts: TapShopParts, operator: str) -> None:
        self.client = client
        self.parts = parts
        self.operator = operator
        self._keys = count(1)

    async def ask(self, method: str, path: str, key: str, body: object = None) -> httpx.Response:
        """One request with a key."""
        headers = {"authorization": f"Bearer {key}", "idempotency-key": f"k{next(self._keys)}"}
        return await self.client.request(method, path, json=body, headers=headers)

    async def made(self, path: str, key: str, body: object) -> dict[str, Any]:
        """The body of a POST that must succeed."""
        answer = await self.ask("POST", path, key, body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def partner(self, name: str = "Café") -> Till:
        """A partner with terms, a place and a key."""
        partner_id = (await self.made("/v1/partners", self.operator, {"name": name}))["id"]
        path, location_id = f"/v1/partners/{partner_id}", new_id("loc")
        async with self.parts.db.unit() as unit:
            await unit.connection.execute(
                "INSERT INTO location (id, partner_id, name, zone, created_at)"
                " VALUES ($1, $2, 'Main Street', 'Europe/Helsinki', now())",
                location_id, partner_id,
            )  # fmt: skip
        await self.made(f"{path}/terms", self.operator, TERMS)
        key = (await self.made(f"{path}/keys", self.operator, {"scopes": PARTNER_SCOPES}))["key"]
        return Till(partner_id, location_id, key)

    async def member(self, name: str = "Aino") -> str:
        """A member who joins at the café."""
        return str((await self.made("/v1/members", self.cafe.key, {"name": name}))["id"])

    async def key(self, partner_id: str | None = None) -> str:
        """A first key of a partner or the coalition, by the operator's wish; returns its id."""
        made = await self.made("/v1/tap-keys", self.operator, {"partner_id": partner_id})
        return str(made["key_id"])

    async def terminal(self, till: Till | None = None, **more: object) -> TapTerminal:
        """A newly enrolled reader."""
        at = till or self.cafe
        body = {"partner_id": at.partner_id, "name": "Till 1", **more}
        made = await self.made("/v1/terminals", self.operator, body)
        return TapTerminal(made["id"], made["key"], at.key, PASS_TYPE)

    async def phone(self, member_id: str, brand: Till | None = None, **how: Any) -> PhoneOfTaps:
        """A phone with a card of the member."""
        phone = PhoneOfTaps(**how)
        phone.add(await self.paper(member_id, brand))
        return phone

    async def paper(
        self, member_id: str, brand: Till | None = None, pass_type: str = PASS_TYPE, code: str | None = None
    ) -> dict[str, Any]:
        """The pass.json of a new card, as far as a reader is concerned; in place of the one that the member had."""
        brand_id = (brand or self.cafe).partner_id
        async with self.parts.db.unit() as unit:
            key = (await self.parts.keys.currents(unit.connection, [brand_id]))[brand_id]
            tap_code, pass_id = code or new_code(20), new_id("pass")
            card = msgspec.json.encode({"tap_key": key.key_id}).decode()
            await unit.connection.execute("DELETE FROM wallet_pass WHERE member_id = $1", member_id)
            await unit.connection.execute(
                "INSERT INTO wallet_pass (id, member_id, brand_id, wallet, pass_type, card, change_seq, last_modified,"
                " tap_code) VALUES ($1, $2, $3, 'apple', $4, $5, 1, now(), $6)",
                pass_id, member_id, brand_id, pass_type, card, tap_code,
            )  # fmt: skip
        nfc = {"message": tap_code, "encryptionPublicKey": key.public_key, "requiresAuthentication": False}
        return {"passTypeIdentifier": pass_type, "serialNumber": pass_id, "nfc": nfc}

    async def send(self, terminal: TapTerminal, body: dict[str, Any]) -> httpx.Response:
        """What a reader passes on."""
        return await self.client.post("/v1/taps", json=body, headers=terminal.headers())

    async def tap(self, terminal: TapTerminal, phone: PhoneOfTaps, **how: Any) -> httpx.Response:
        """A phone is held to a reader now."""
        return await self.send(terminal, terminal.read(phone, self.now, **how))

    def reading(self, terminal: TapTerminal, body: dict[str, Any], **changed: Any) -> Reading:
        """What the route makes of a body, with changes."""
        known: dict[str, Any] = {
            "partner_id": self.cafe.partner_id,
            "terminal_id": terminal.terminal_id,
            "terminal_key": terminal.terminal_key,
            "sequence": body["sequence"],
            "blob": bytes.fromhex(body["blob"]),
            "read_at": datetime.fromisoformat(body["read_at"]),
            "offline": body["offline"],
            "pass_type": body["pass_type"],
        }
        return Reading(**{**known, **changed})

    @property
    def now(self) -> datetime:
        return self.parts.phones_clock.now()

    def later(self, **step: float) -> None:
        """Time passes for phones and terminals."""
        self.parts.phones_clock.advance(timedelta(**step))

    async def number(self, sql: str, *arguments: object) -> int:
        """A number from the database."""
        async with self.parts.db.read() as read:
            return int(await read.connection.fetchval(sql, *arguments))


@asynccontextmanager
async def tap_shop(db: Database) -> AsyncIterator[TapShop]:
    """The shop, with the coalition's key made."""
    parts = TapShopParts(db)
    await parts.teller.start()
    try:
        app = ground_app(cast(Any, parts), ROUTERS)
        app.state[PARTS_STATE] = parts
        transport = httpx.ASGITransport(cast(Any, app), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://points.test") as client:
            shop = TapShop(client, parts, await operator_key(cast(Any, parts)))
            shop.cafe = await shop.partner()
            await shop.key()
            yield shop
    finally:
        await parts.teller.stop()


@asynccontextmanager
async def on_a_socket(client: httpx.AsyncClient) -> AsyncIterator[str]:
    """The address of a server that passes every request on to the application behind `client`."""

    async def passed_on(request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        answer = await client.request(request.method, request.path_qs, content=await request.read(), headers=headers)
        return web.Response(
            body=answer.content, status=answer.status_code, headers={"content-type": "application/json"}
        )

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", passed_on)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")
