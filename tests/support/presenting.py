"""A café where cards of all kinds are shown: for tests of presentations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import httpx
import msgspec

from kernel.database import Database
from kernel.ids import new_code, new_id
from passes.live_code import live_code
from passes.sandbox.apple_tap_terminal import TapTerminal
from points.contacts import contact_of, keep
from points.programme.publishing import publish
from points.programme.text import read_programme
from tests.support.taps import TapShop, Till, tap_shop


@dataclass(frozen=True)
class Customer:
    """A member with a card in Google Wallet. `tap_code` is what the card says when it is tapped."""

    id: str
    code: str
    pass_id: str
    tap_code: str


class Counter:
    """Cards are shown here. Time for phones is the shop's; business time stands still unless it is moved."""

    def __init__(self, shop: TapShop) -> None:
        self.shop = shop
        self._keys = count(1)

    async def customer(self, name: str = "Aino") -> Customer:
        """A member with a card in Google Wallet."""
        made = await self.shop.made("/v1/members", self.shop.cafe.key, {"name": name})
        pass_id, tap_code = new_id("pass"), new_code(20)
        async with self.shop.parts.db.unit() as unit:
            await unit.connection.execute(
                "INSERT INTO wallet_pass (id, member_id, brand_id, wallet, card, change_seq, last_modified, tap_code)"
                " VALUES ($1, $2, $3, 'google', $4, 1, now(), $5)",
                pass_id, made["id"], self.shop.cafe.partner_id, msgspec.json.encode({}).decode(), tap_code,
            )  # fmt: skip
        return Customer(made["id"], made["code"], pass_id, tap_code)

    def shows(self, subject: str, clock_off_s: float = 0.0) -> str:
        """What a phone shows now whose clock is so far ahead."""
        return live_code(self.shop.parts.keyring, subject, int(self.shop.now.timestamp() + clock_off_s))

    async def present(
        self, shown: dict[str, Any], *, till: Till | None = None, key: str | None = None,
        terminal: TapTerminal | None = None, **more: Any,
    ) -> httpx.Response:  # fmt: skip
        """One request, under a new key unless one is given."""
        headers = {"authorization": f"Bearer {(till or self.shop.cafe).key}"}
        headers["idempotency-key"] = key or f"shown{next(self._keys)}"
        body: dict[str, Any] = {"shown": shown, **more}
        if terminal is not None:
            body["terminal_id"], headers["terminal-key"] = terminal.terminal_id, terminal.terminal_key
        return await self.shop.client.post("/v1/presentations", json=body, headers=headers)

    async def scanned(self, content: str, **more: Any) -> dict[str, Any]:
        """The answer to a scan that must be answered."""
        return told(await self.present({"kind": "scan", "content": content}, **more))

    async def phone_number(self, member_id: str, number: str) -> None:
        """The member told this number."""
        parts = self.shop.parts
        async with parts.db.unit() as unit:
            await keep(unit.connection, parts.keyring, member_id, contact_of(phone=number), "+358")

    async def pool(self, member_id: str, pool_id: str | None) -> None:
        """From now on the member uses this account."""
        async with self.shop.parts.db.unit() as unit:
            await unit.connection.execute("UPDATE account SET pool_id = $2 WHERE member_id = $1", member_id, pool_id)

    async def programme(self, text: str) -> None:
        """The programme in force at the café, from now on."""
        parts = self.shop.parts
        async with parts.db.unit() as unit:
            await publish(unit, parts.clock, read_programme(text), {"cafe": self.shop.cafe.partner_id}, None)
        parts.programmes.forget()

    async def proofs(self) -> int:
        """How many proofs were made."""
        return await self.shop.number("SELECT count(*) FROM proof")

    async def row(self, sql: str, *arguments: object) -> dict[str, Any]:
        """The one row that there must be."""
        async with self.shop.parts.db.read() as read:
            (row,) = await read.connection.fetch(sql, *arguments)
        return dict(row)


def told(answer: httpx.Response) -> dict[str, Any]:
    """The body of an answer that is no refusal."""
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["code"]


def moment(text: str) -> datetime:
    """A moment as answers tell it."""
    return datetime.fromisoformat(text)


@asynccontextmanager
async def counter(db: Database) -> AsyncIterator[Counter]:
    """The counter of a café, where taps are read too."""
    async with tap_shop(db) as shop:
        yield Counter(shop)
