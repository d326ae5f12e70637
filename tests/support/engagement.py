"""A shop with a programme in which members do things, on the real ledger, database and clock of a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from kernel.clock import MovableClock
from kernel.database import Database
from network.partners import Brand, add_partner
from network.programmes import Programmes
from points.answers import Done
from points.commands import Earn, Reverse
from points.engagement.standings import Known, known_of
from points.ledger import Ledger
from points.members import join
from points.programme.events import Event
from points.programme.publishing import publish
from points.programme.registry import Versions
from points.programme.text import read_programme
from points.programme.version import InForce
from points.teller import Teller

START = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
HEAD = """\
programme: corner_salon
names: {en: Corner salon, fi: Kulmasalonki, hu: Sarki szalon}
zone: Europe/Helsinki
currency: EUR
earn:
  - {id: spend, kind: spend, points: 1, per: 1.00}
"""
_keys = count(1)


@dataclass
class Shop:
    """A partner with its programme, and everything that serves it."""

    db: Database
    clock: MovableClock
    teller: Teller
    programmes: Programmes
    partner_id: str
    names: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def services(self) -> tuple[Database, Teller, Programmes, MovableClock]:
        """What most services of engagement take."""
        return self.db, self.teller, self.programmes, self.clock

    def later(self, step: timedelta) -> None:
        """Time passes."""
        self.clock.advance(step)

    async def in_force(self) -> InForce:
        """The programme in force now."""
        return await self.programmes.in_force(self.partner_id, self.clock.now())

    async def member(self) -> str:
        """A new member."""
        async with self.db.unit() as unit:
            return (await join(unit, self.clock, self.partner_id, f"Guest {next(self.names)}", "en")).member.id

    async def members(self, n: int) -> list[str]:
        """So many new members."""
        return [await self.member() for _ in range(n)]

    async def buys(self, member_id: str, amount_minor: int = 2000, **event: Any) -> str:
        """A purchase (or another event by `name`); the id of its entry."""
        key = f"buy-{next(_keys)}"
        command = Earn(
            partner_id=self.partner_id,
            key=key,
            fingerprint=key.encode(),
            occurred_at=self.clock.now(),
            member_id=member_id,
            event=Event(amount_minor=amount_minor, **event),
            currency="EUR",
            in_force=await self.in_force(),
        )
        return (await self.teller.ask(command)).outcome.id

    async def returns(self, entry_id: str, amount_minor: int | None = None) -> Done:
        """A purchase is returned, in whole or in part."""
        key = f"back-{next(_keys)}"
        return await self.teller.ask(
            Reverse(
                partner_id=self.partner_id,
                key=key,
                fingerprint=key.encode(),
                occurred_at=self.clock.now(),
                journal_id=entry_id,
                amount_minor=amount_minor,
            )
        )

    async def known(self, member_id: str) -> Known:
        """The account that a member uses."""
        async with self.db.read() as read:
            return await known_of(read.connection, member_id)

    async def balance(self, member_id: str) -> int:
        """What a member can spend."""
        return (await self.known(member_id)).balance

    async def value(self, sql: str, *arguments: object) -> Any:
        """One value from the database."""
        async with self.db.read() as read:
            return await read.connection.fetchval(sql, *arguments)


@asynccontextmanager
async def shop(db: Database, rest: str, head: str = HEAD) -> AsyncIterator[Shop]:
    """A shop whose programme is `head` and what follows it."""
    clock = MovableClock(START)
    versions = Versions(db)
    programmes = Programmes(db, versions)
    async with db.unit() as unit:
        partner = await add_partner(unit, clock, "Corner", Brand("Corner"))
        await publish(unit, clock, read_programme(head + rest), {}, partner.id)
    await _warm(db)
    teller = Teller(db, Ledger(clock, versions=versions))
    await teller.start()
    try:
        yield Shop(db, clock, teller, programmes, partner.id)
    finally:
        await teller.stop()


async def _warm(db: Database, connections: int = 10) -> None:
    """Open connections beforehand: who has to wait for one to be opened would miss the race of a test."""
    ready = asyncio.Barrier(connections)

    async def hold() -> None:
        async with db.read():
            await ready.wait()

    await asyncio.gather(*[hold() for _ in range(connections)])


async def at_once(*work: Any) -> list[Any]:
    """All of it at the same time; errors are among the answers."""
    return list(await asyncio.gather(*work, return_exceptions=True))
