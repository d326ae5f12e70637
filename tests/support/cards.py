"""A coalition whose members have passes, on the real ledger, renderer and followers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import asyncpg
import msgspec

from kernel.clock import MovableClock
from kernel.database import Database
from kernel.ids import new_id
from kernel.outbox import BULK, follow_once, touch
from kernel.secrets import Keyring
from network.locations import add_location
from network.partners import Brand, add_partner
from network.programmes import Programmes
from passes.apple.tap_keys import TapKeys
from passes.card import Card, card_from_json, said
from passes.design.looks import Looks
from passes.design.release import publish as publish_design
from passes.issue import Wallet, issue
from passes.look import Look
from passes.refresh import KIND, SWEEP_KIND, PassRefresh, PassSweep
from passes.rendering import Renderer
from points.answers import Done
from points.commands import Claim, Command, Earn, Mature, Merge, Redeem, Reverse
from points.ledger import Ledger
from points.members import join
from points.outcome import Outcome
from points.programme.events import Event
from points.programme.publishing import publish
from points.programme.registry import Versions
from points.programme.text import read_programme

START = datetime(2026, 6, 1, 9, tzinfo=UTC)
KEYRING = Keyring(b"only for tests, at least 32 bytes")
PAGES = "https://points.example.org"
BISTRO = """\
programme: corner_bistro
names: {en: Corner bistro, fi: Kulmabistro, hu: Sarki bisztró}
zone: Europe/Helsinki
currency: EUR
unit:
  names: {en: [point, points], fi: [piste, pistettä], hu: [pont, pont]}
earn:
  - {id: spend, kind: spend, points: 1, per: 1.00}
rewards:
  - {id: coffee, kind: product, cost: 25, names: {en: Free coffee, fi: Ilmainen kahvi, hu: Ingyenes kávé}}
"""


@dataclass
class Town:
    """A partner, its programme, and everything between the tills and the wallet_pass table."""

    db: Database
    clock: MovableClock
    programmes: Programmes
    ledger: Ledger
    renderer: Renderer
    partner_id: str
    _keys: "count[int]" = field(default_factory=lambda: count(1))
    _writer: asyncio.Lock = field(default_factory=asyncio.Lock)  # a process has one, as the teller is

    @property
    def refresh(self) -> PassRefresh:
        """The follower of members' accounts."""
        return PassRefresh(self.db, self.renderer)

    @property
    def sweep(self) -> PassSweep:
        """The follower of changes of many passes."""
        return PassSweep(self.db, self.renderer)

    async def member(self, name: str = "Aino", language: str = "en", partner_id: str | None = None) -> str:
        """A new member."""
        async with self.db.unit() as unit:
            joined = await join(unit, self.clock, partner_id or self.partner_id, name, language)
        return joined.member.id

    async def partner(self, name: str, programme: str | None = None) -> str:
        """One more business."""
        return await _partner(self.db, self.clock, name, programme)

    async def place(self, name: str, *where: float, partner_id: str | None = None, **more: Any) -> str:
        """One more place, at `where` (latitude, longitude) if that is known."""
        latitude, longitude = where or (None, None)
        async with self.db.unit() as unit:
            made = await add_location(
                unit, self.clock, partner_id or self.partner_id, name, "Europe/Helsinki", latitude=latitude,
                longitude=longitude, **more,
            )  # fmt: skip
        return made.id

    async def wallet(self, member_id: str, wallet: Wallet = "apple", **more: Any) -> str:
        """A pass in a wallet; its id."""
        return await issue(self.db, self.renderer, member_id, wallet, **more)

    async def do(self, kind: Callable[..., Command], /, **said: Any) -> Outcome:
        """A command; raises what it is refused with."""
        key = f"key-{next(self._keys)}"
        asked = {"partner_id": self.partner_id, "occurred_at": self.clock.now(), "key": key, "fingerprint": b"x"}
        command = kind(**(asked | said))
        async with self._writer, self.db.unit() as unit:
            (answer,) = await self.ledger.apply(unit.connection, [command])
        if not isinstance(answer, Done):
            raise answer
        return answer.outcome

    async def buys(self, member_id: str, euros: int, location_id: str | None = None) -> str:
        """A purchase; the id of its entry."""
        in_force = await self.programmes.in_force(self.partner_id, self.clock.now())
        event = Event(amount_minor=euros * 100)
        outcome = await self.do(
            Earn, member_id=member_id, event=event, currency="EUR", in_force=in_force, location_id=location_id
        )
        return outcome.id

    async def returns(self, entry_id: str) -> None:
        """The purchase comes back."""
        await self.do(Reverse, journal_id=entry_id)

    async def spends(self, member_id: str, points: int) -> str:
        """Points are used; the id of the entry."""
        return (await self.do(Redeem, member_id=member_id, points=points)).id

    async def claims(self, member_id: str, reward: str) -> Outcome:
        """A reward is claimed."""
        in_force = await self.programmes.in_force(self.partner_id, self.clock.now())
        return await self.do(Claim, member_id=member_id, reward=reward, in_force=in_force)

    async def merges(self, member_id: str, into: str) -> None:
        """The member uses another account from now on."""
        in_force = await self.programmes.in_force(self.partner_id, self.clock.now())
        await self.do(Merge, member_id=member_id, to_member_id=into, in_force=in_force)

    async def matures(self, member_id: str) -> None:
        """What is due by the clock is done."""
        in_force = await self.programmes.in_force(self.partner_id, self.clock.now())
        await self.do(Mature, member_id=member_id, in_force=in_force)

    async def looks_again(self) -> None:
        """Both followers take every note that waits."""
        for follower in (self.refresh, self.sweep):
            while await follow_once(self.db, follower):
                pass

    async def row(self, pass_id: str) -> asyncpg.Record:
        """The stored pass."""
        async with self.db.read() as read:
            row = await read.connection.fetchrow("SELECT *, card::text AS text FROM wallet_pass WHERE id = $1", pass_id)
        assert row is not None
        return row

    async def card(self, pass_id: str) -> Card:
        """What the stored pass says."""
        return card_from_json((await self.row(pass_id))["text"])

    async def news(self, pass_id: str, language: str = "en") -> str:
        """The sentence on a pass."""
        return said((await self.card(pass_id)).values["news"].text, language)

    async def notes(self, *kinds: str) -> list[tuple[str, str, int]]:
        """The notes that wait: (kind, subject, lane)."""
        async with self.db.read() as read:
            rows = await read.connection.fetch(
                "SELECT kind, subject, lane FROM outbox WHERE kind = ANY($1::text[]) ORDER BY kind, subject",
                list(kinds or (KIND, SWEEP_KIND, "apple.push", "google.push")),
            )
        return [(row["kind"], row["subject"], row["lane"]) for row in rows]

    async def forget_push_notes(self) -> None:
        """The wallets were told."""
        async with self.db.unit() as unit:
            await unit.connection.execute("DELETE FROM outbox WHERE kind LIKE '%.push'")

    async def shows(self, **look: Any) -> None:
        """The partner's new design, released to all; every pass of the brand has a note of it."""
        made = Look(id=new_id("dsn"), partner_id=self.partner_id, brand_name="Bistro", **look)
        async with self.db.unit() as unit:
            await unit.connection.execute(
                "INSERT INTO card_design (id, partner_id, number, look, actor, created_at)"
                " SELECT $1, $2, 1 + count(*), $3::jsonb, 'test', now() FROM card_design",
                made.id,
                self.partner_id,
                msgspec.json.encode(made).decode(),
            )
            await publish_design(unit, self.clock, self.partner_id, made.id, 100)
            rows = await unit.connection.fetch("SELECT id FROM wallet_pass WHERE brand_id = $1", self.partner_id)
            await touch(unit.connection, SWEEP_KIND, [row["id"] for row in rows], BULK)


async def town(db: Database, programme: str = BISTRO) -> Town:
    """A town with one business."""
    clock = MovableClock(START)
    versions = Versions(db)
    programmes = Programmes(db, versions)
    partner_id = await _partner(db, clock, "Bistro", programme)
    renderer = Renderer(programmes, clock, KEYRING, PAGES, Looks(db), TapKeys(db, KEYRING))
    return Town(db, clock, programmes, Ledger(clock, [KIND], versions=versions), renderer, partner_id)


async def _partner(db: Database, clock: MovableClock, name: str, programme: str | None) -> str:
    async with db.unit() as unit:
        made = await add_partner(unit, clock, name, Brand(name))
        if programme is not None:
            await publish(unit, clock, read_programme(programme), {}, made.id)
    return made.id
