"""A café and a gym with vouchers, on a test's database, without the rest of the service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from kernel.clock import MovableClock
from kernel.database import Database
from kernel.ids import new_code, new_id
from network.partners import Brand, add_partner
from network.programmes import Programmes
from points.book import VoucherState
from points.members import join
from points.programme.publishing import publish
from points.programme.registry import Versions
from points.programme.text import read_programme
from points.programme.version import InForce
from points.voucher_records import Moved, Shown, issue
from points.vouchers import Vouchers

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
PROGRAMME = """
programme: voucher_shop
names: {en: Voucher shop}
zone: Europe/Helsinki
currency: EUR
unit: {code: PT, value: 0.01}
partners: {cafe: {name: Café}, gym: {name: Gym}}
earn: [{id: base, kind: spend, per: 1.00, points: 1}]
rewards:
  - {id: coffee, names: {en: Free coffee, fi: Ilmainen kahvi, hu: Ingyen kávé}, kind: product, cost: 20, voucher: true}
  - {id: card, names: {en: Gift card, fi: Lahjakortti, hu: Ajándékkártya}, kind: amount_off, amount: 10.00, cost: 30,
     voucher: true, uses: 5}
  - {id: mine, names: {en: A fifth off, fi: Viidesosa pois, hu: Ötöddel olcsóbb}, kind: percent_off, percent: 0.2,
     cost: 15, voucher: true, personal: true}
conversion:
  {months: [2], min_points: 150, points: 100, money: 1.00, step: 0.50, valid: P2Y, names: {en: Statement},
   boosts: [{times: 3, partner: gym, valid: P12M}]}
"""


@dataclass
class VoucherShop:
    """Two partners, their programme, and codes."""

    db: Database
    clock: MovableClock
    programmes: Programmes
    cafe: str
    gym: str
    in_force: InForce
    keys: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def vouchers(self) -> Vouchers:
        """What tills do; passes hear of it."""
        return Vouchers(self.db, self.clock, self.programmes.versions, ["pass"])

    async def member(self, name: str = "Aino", language: str = "en") -> str:
        """A member who joins at the café; without a name, anonymously."""
        async with self.db.unit() as unit:
            joined = await join(unit, self.clock, self.cafe, name, language, anonymous=not name)
            return joined.member.id

    async def voucher(self, member_id: str, reward: str = "coffee", **changes: Any) -> VoucherState:
        """A fresh code of the café."""
        known: dict[str, Any] = {
            "id": new_id("vch"), "code": new_code(), "reward": reward, "version_id": self.in_force.version.id,
            "partner_id": self.cafe, "journal_id": new_id("clm"), "state": "issued", "valid_until": None,
            "uses_left": 1,
        }  # fmt: skip
        made = VoucherState(**(known | changes))
        async with self.db.unit() as unit:
            await issue(unit, made, member_id)
        return made

    def shown(self, code: str, **more: Any) -> Shown:
        """The code at the café's till."""
        key = f"k{next(self.keys)}"
        return Shown(**({"code": code, "partner_id": self.cafe, "key": key, "fingerprint": b"x", "actor": "a"} | more))

    async def use(self, code: str, **more: Any) -> Moved:
        """One use."""
        return await self.vouchers.use(self.shown(code, **more), self.in_force)

    async def notes(self, kind: str = "pass") -> set[str]:
        """Who is noted, and then no more."""
        async with self.db.unit() as unit:
            rows = await unit.connection.fetch("DELETE FROM outbox WHERE kind = $1 RETURNING subject", kind)
        return {row["subject"] for row in rows}

    async def run(self, sql: str, *arguments: object) -> None:
        """A change that only a test makes."""
        async with self.db.unit() as unit:
            await unit.connection.execute(sql, *arguments)


@asynccontextmanager
async def voucher_shop(db: Database) -> AsyncIterator[VoucherShop]:
    """The shop with its programme in force in the whole coalition."""
    clock = MovableClock(START)
    async with db.unit() as unit:
        cafe = (await add_partner(unit, clock, "Café", Brand("Kulma Café", "#1f3a5f"))).id
        gym = (await add_partner(unit, clock, "Gym", Brand("Town Gym", "#7f1d1d"))).id
        await publish(unit, clock, read_programme(PROGRAMME), {"cafe": cafe, "gym": gym}, None)
    programmes = Programmes(db, Versions(db))
    yield VoucherShop(db, clock, programmes, cafe, gym, await programmes.in_force(cafe, START))
