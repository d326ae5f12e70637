"""The whole application on a test's own database, with twins for the vendors, asked through its HTTP door."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, cast

from httpx import ASGITransport, AsyncClient, Response
from litestar import Litestar

from api.app import create_app
from api.wiring import Parts
from kernel.settings import Settings
from network.keys import SCOPES, create_key

ALL_PARTNER_SCOPES = [
    "earn", "redeem", "reverse", "claim", "adjust", "transfer", "members:read", "members:write", "passes:read",
    "designs:write", "taps", "presentations", "reviews", "receipts", "offline",
    "programmes:read", "programmes:write",
    "network:read", "clearing:read",
]  # fmt: skip
TERMS = {
    "currency": "EUR",
    "earn_points": 1,
    "earn_per_minor": 100,
    "issuer_pays_micros": 12_000,
    "acceptor_gets_micros": 10_000,
}


@dataclass(frozen=True)
class Till:
    """A partner with its key and place."""

    partner_id: str
    location_id: str
    key: str


class Door:
    """Requests to the application."""

    def __init__(self, client: AsyncClient, parts: Parts, operator_key: str) -> None:
        self.client = client
        self.parts = parts
        self.operator_key = operator_key
        self._keys = count(1)

    async def ask(
        self, method: str, path: str, key: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Response:
        """One request with a key."""
        return await self.client.request(
            method, path, json=body, headers={"authorization": f"Bearer {key}", **(headers or {})}
        )

    async def move(self, path: str, key: str, body: object, idempotency_key: str | None = None) -> Response:
        """A POST that moves value, under a new key unless one is given."""
        headers = {"idempotency-key": idempotency_key or f"k{next(self._keys)}"}
        return await self.ask("POST", path, key, body, headers)

    async def made(self, path: str, key: str, body: object) -> dict[str, Any]:
        """The body of a POST that must succeed."""
        response = await self.move(path, key, body)
        assert response.status_code == 201, response.text
        made: dict[str, Any] = response.json()
        return made

    async def partner(self, name: str = "Café", **terms: object) -> Till:
        """A partner with terms, a place and a key with all scopes a partner may have."""
        partner_id = (await self.made("/v1/partners", self.operator_key, {"name": name}))["id"]
        path = f"/v1/partners/{partner_id}"
        place = {"name": "Main Street", "zone": "Europe/Helsinki"}
        location_id = (await self.made(f"{path}/locations", self.operator_key, place))["id"]
        await self.made(f"{path}/terms", self.operator_key, {**TERMS, **terms})
        key = (await self.made(f"{path}/keys", self.operator_key, {"scopes": ALL_PARTNER_SCOPES}))["key"]
        return Till(partner_id, location_id, key)

    async def member(self, till: Till, name: str = "Alex", language: str = "en") -> dict[str, Any]:
        """A member who joins at the till."""
        return await self.made("/v1/members", till.key, {"name": name, "language": language})

    async def earn(self, till: Till, member_id: str, amount: int) -> dict[str, Any]:
        """A purchase that earns."""
        body = {"member_id": member_id, "amount": amount, "currency": "EUR"}
        return await self.made("/v1/earnings", till.key, body)


@asynccontextmanager
async def _living(app: Litestar) -> AsyncIterator[None]:
    """The application's life in one task: a fixture ends in another task than it began in, which anyio refuses."""
    started, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await stop.wait()

    life = asyncio.create_task(live())
    starting = asyncio.create_task(started.wait())
    await asyncio.wait({life, starting}, return_when=asyncio.FIRST_COMPLETED)
    starting.cancel()
    if life.done():
        life.result()
    try:
        yield
    finally:
        stop.set()
        await life


@asynccontextmanager
async def door(database_url: str, directory: Path, **settings: object) -> AsyncIterator[Door]:
    """The application with these settings; the chain is off unless named."""
    chosen: dict[str, Any] = {"database_url": database_url, "data_dir": directory, "chain_url": "off", **settings}
    app = create_app(Settings(**chosen))
    transport = ASGITransport(cast(Any, app), raise_app_exceptions=False)
    # In the test's own loop, as the parts are: the framework's test client would run them in another one.
    async with _living(app), AsyncClient(transport=transport, base_url="http://test") as client:
        parts: Parts = app.state["parts"]
        async with parts.db.unit() as unit:
            made = await create_key(unit, parts.clock, parts.keyring, "test", None, SCOPES)
        yield Door(client, parts, made.text)
