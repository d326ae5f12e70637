"""A coalition of a café and a gym with a catalogue, asked through HTTP: for tests of what points are for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from httpx import Response

from network.keys import create_key
from network.staff import Role, add_staff
from points.programme.publishing import publish
from points.programme.text import read_programme
from tests.support.service import Door, Till, door

# What staff and tills of these tests may do.
SCOPES = [
    "earn", "redeem", "reverse", "claim", "transfer", "adjust", "members:read", "members:write", "network:read",
]  # fmt: skip

PROGRAMME = """
programme: reward_shop
names: {en: Reward shop}
zone: Europe/Helsinki
currency: EUR
unit: {code: PT, value: 0.01}
partners: {cafe: {name: Café}, gym: {name: Gym}, charity: {name: Charity}}
earn: [{id: base, kind: spend, per: 1.00, points: 1}]
tiers:
  measure: points
  window: {kind: lifetime}
  levels: [{id: green, names: {en: Green}, from: 0}, {id: gold, names: {en: Gold}, from: 500}]
rewards:
  - {id: drink, names: {en: Drink, fi: Juoma}, kind: product, cost: 100}
  - {id: meal, names: {en: Meal}, kind: product, cost: 200}
  - {id: last_one, names: {en: Last one}, kind: product, cost: 50, stock: {count: 1}}
  - {id: golden, names: {en: Golden}, kind: product, cost: 60, eligible: {tiers: [gold]}}
  - {id: lone, names: {en: Lone}, kind: product, cost: 10, one_per_order: true}
  - {id: cash, names: {en: Cash}, kind: points_as_money}
  - {id: gift, names: {en: Gift}, kind: donation, multiple_of: 50, partner: charity}
  - {id: code, names: {en: Code}, kind: product, cost: 20, voucher: true, valid: P60D}
  - {id: card, names: {en: Card}, kind: amount_off, amount: 10.00, cost: 30, voucher: true, uses: 5}
  - {id: mine, names: {en: Mine}, kind: percent_off, percent: 0.2, cost: 15, voucher: true, personal: true}
  - {id: at_cafe, names: {en: At the café}, kind: product, cost: 5, voucher: true, item: {partners: [cafe]}}
  - {id: cafe_only, names: {en: Café only}, kind: product, cost: 5, item: {partners: [cafe]}}
adjustments: {limits: {cashier: 50, manager: 500, operator: 10000}, four_eyes_above: 100}
transfers: {max_points_per_day: 100, max_points_per_month: 150}
"""


@dataclass
class RewardShop:
    """The service with its two shops; `charity` takes donations."""

    door: Door
    cafe: Till
    gym: Till
    charity: Till
    _amounts: Any = field(default_factory=lambda: count(1))

    async def member(self, points: int = 0, name: str = "Alex") -> str:
        """A member with so many points of the café."""
        member_id: str = (await self.door.member(self.cafe, name))["id"]
        if points:
            await self.door.earn(self.cafe, member_id, points * 100)
        return member_id

    async def points(self, member_id: str) -> int:
        """What the member can spend."""
        state = (await self.door.ask("GET", f"/v1/members/{member_id}", self.door.operator_key)).json()
        balance: int = state["points"]["balance"]
        return balance

    async def claim(self, member_id: str, reward: str, till: Till | None = None, **more: object) -> Response:
        """A claim at a till (default: the café's)."""
        body = {"member_id": member_id, "reward": reward, **more}
        return await self.door.move("/v1/claims", (till or self.cafe).key, body)

    async def code(self, member_id: str, reward: str = "code") -> str:
        """A voucher's code, claimed."""
        answer = await self.claim(member_id, reward)
        assert answer.status_code == 201, answer.text
        code: str = answer.json()["vouchers"][0]["code"]
        return code

    async def use(self, code: str, till: Till | None = None, key: str | None = None, **body: object) -> Response:
        """A code at a till (default: the café's)."""
        return await self.door.move(f"/v1/vouchers/{code}/use", (till or self.cafe).key, body, key)

    async def staff(self, name: str, role: Role, member_id: str | None = None, till: Till | None = None) -> str:
        """Someone who works at a shop (default: the café)."""
        parts = self.door.parts
        async with parts.db.unit() as unit:
            found = await add_staff(unit, parts.clock, (till or self.cafe).partner_id, name, role, member_id)
        return found.id

    async def key(self, till: Till) -> str:
        """Another API key of a shop."""
        parts = self.door.parts
        async with parts.db.unit() as unit:
            return (await create_key(unit, parts.clock, parts.keyring, "test", till.partner_id, SCOPES)).text

    async def at(self, moment: datetime) -> None:
        """Move the time."""
        moved = await self.door.ask("PUT", "/v1/test-clock", self.door.operator_key, {"now": moment.isoformat()})
        assert moved.status_code == 200, moved.text

    def now(self) -> datetime:
        """The business time."""
        return self.door.parts.clock.now()

    async def count(self, sql: str, *arguments: object) -> int:
        """A number from the database."""
        async with self.door.parts.db.read() as read:
            return int(await read.connection.fetchval(sql, *arguments))


@asynccontextmanager
async def reward_shop(database_url: str, folder: Path, programme: str = PROGRAMME) -> AsyncIterator[RewardShop]:
    """The service with the programme in force in the whole coalition."""
    async with door(database_url, folder, test_clock=True) as opened:
        tills = [await opened.partner(name) for name in ("Café", "Gym", "Charity")]
        shop = RewardShop(opened, *tills)
        shop.cafe, shop.gym, shop.charity = [
            Till(till.partner_id, till.location_id, await shop.key(till)) for till in tills
        ]
        ids = {"cafe": tills[0].partner_id, "gym": tills[1].partner_id, "charity": tills[2].partner_id}
        async with opened.parts.db.unit() as unit:
            await publish(unit, opened.parts.clock, read_programme(programme), ids, None)
        opened.parts.programmes.forget()
        yield shop
