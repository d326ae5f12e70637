"""A service whose tills print receipts, with shorthands for tests of them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, cast

from httpx import ASGITransport, AsyncClient, Response

from api.auth import PARTS_STATE
from api.http.confirmations import confirmations_router
from api.http.entries import entries_router
from api.http.members import members_router
from api.http.receipts import receipts_router
from api.http.reviews import reviews_router
from api.http.test_clock import test_clock_router
from api.http.transfers import transfers_router
from api.wiring import Parts
from kernel.database import Database
from network.programmes import Programmes
from network.staff_desk import StaffDesk
from points.answers import Done
from points.commands import Command
from points.ledger import Ledger
from points.pins import Pins
from points.programme.publishing import publish
from points.programme.registry import Versions
from points.programme.text import read_programme
from points.receipts import Asks
from points.teller import Teller
from tests.support.http_ground import GroundParts, GroundSettings, ground_app, operator_key
from tests.support.service import Door, Till

PROGRAMME = """
programme: receipts
names: {en: Receipts}
zone: Europe/Helsinki
currency: EUR
unit: {code: PT, value: 0.01}
partners: {shop: {name: Shop}}
earn: [{id: base, kind: spend, per: 1.00, points: RATE}]
"""


_ROUTERS = (
    members_router,
    entries_router,
    transfers_router,
    receipts_router,
    confirmations_router,
    reviews_router,
    test_clock_router,
)


class Died(Exception):
    """The process ended here."""


class DiesAfter:
    """A ledger whose process dies when the command is written, before anybody hears of it."""

    def __init__(self, ledger: Asks) -> None:
        self._ledger = ledger

    async def ask(self, command: Command) -> Done:
        """Never answers."""
        await self._ledger.ask(command)
        raise Died


@dataclass
class Counter:
    """A shop, its till, and another shop."""

    door: Door
    shop: Till
    other: Till

    async def member(self, name: str = "Alex") -> str:
        """Somebody with a card."""
        member_id: str = (await self.door.member(self.shop, name))["id"]
        return member_id

    async def sell(self, amount: int = 1_000, key: str | None = None, **more: Any) -> Response:
        """A sale without a card."""
        body = {"amount": amount, "currency": "EUR", **more}
        return await self.door.move("/v1/receipts", self.shop.key, body, key)

    async def printed(self, amount: int = 1_000, **more: Any) -> dict[str, Any]:
        """The receipt of a sale."""
        answer = await self.sell(amount, **more)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def claim(self, token: str, member_id: str, till: Till | None = None) -> Response:
        """A claim at a till."""
        body = {"token": token, "member_id": member_id}
        return await self.door.ask("POST", "/v1/receipts/claims", (till or self.shop).key, body)

    async def shown(self, receipt: Mapping[str, Any]) -> dict[str, Any]:
        """The receipt as it is now."""
        found: dict[str, Any] = (await self.door.ask("GET", f"/v1/receipts/{receipt['id']}", self.shop.key)).json()
        return found

    async def void(self, receipt: Mapping[str, Any], till: Till | None = None) -> Response:
        """Take a receipt back."""
        return await self.door.ask("POST", f"/v1/receipts/{receipt['id']}/void", (till or self.shop).key)

    async def points(self, member_id: str) -> int:
        """What the member can spend."""
        state = (await self.door.ask("GET", f"/v1/members/{member_id}", self.door.operator_key)).json()
        balance: int = state["points"]["balance"]
        return balance

    async def count(self, sql: str) -> int:
        """A number from the database."""
        async with self.door.parts.db.read() as read:
            return int(await read.connection.fetchval(sql))

    async def later(self, step: timedelta) -> datetime:
        """Time passes."""
        now = self.door.parts.clock.now() + step
        moved = await self.door.ask("PUT", "/v1/test-clock", self.door.operator_key, {"now": now.isoformat()})
        assert moved.status_code == 200, moved.text
        return now

    async def publish(self, points_per_euro: int, more: str = "") -> None:
        """A programme that gives so many points for a euro, from now on; `more` are further sections."""
        text = PROGRAMME.replace("RATE", str(points_per_euro)) + more
        async with self.door.parts.db.unit() as unit:
            await publish(unit, self.door.parts.clock, read_programme(text), {"shop": self.shop.partner_id}, None)
        self.door.parts.programmes.forget()


@dataclass(frozen=True)
class CounterSettings(GroundSettings):
    public_url: str = "https://points.example"


@dataclass
class CounterParts(GroundParts):
    """What routes that move points take besides."""

    settings: CounterSettings = CounterSettings()

    @cached_property
    def versions(self) -> Versions:
        return Versions(self.db)

    @cached_property
    def programmes(self) -> Programmes:
        return Programmes(self.db, self.versions)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.clock, versions=self.versions)

    @cached_property
    def teller(self) -> Teller:
        return Teller(self.db, self.ledger)

    @cached_property
    def staff_desk(self) -> StaffDesk:
        return StaffDesk(self.db)

    @cached_property
    def pins(self) -> Pins:
        return Pins(self.db, self.keyring)


@asynccontextmanager
async def counter(db: Database) -> AsyncIterator[Counter]:
    """The routes that these tests need, on a database, with two shops."""
    parts = CounterParts(db)
    app = ground_app(parts, _ROUTERS)
    app.state[PARTS_STATE] = parts
    await parts.teller.start()
    transport = ASGITransport(cast(Any, app), raise_app_exceptions=False)
    try:
        async with AsyncClient(transport=transport, base_url="http://test") as client:
            opened = Door(client, cast(Parts, parts), await operator_key(parts))
            yield Counter(opened, await opened.partner("Shop"), await opened.partner("Other"))
    finally:
        await parts.teller.stop()
