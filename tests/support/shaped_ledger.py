"""The real ledger on a real database under a shaped programme, for tests that take many steps and leave no trace.

Everything happens in one transaction that is rolled back; each command is a savepoint inside it.
"""

import asyncio
import hashlib
from collections.abc import Coroutine
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

import asyncpg

from kernel.clock import MovableClock
from kernel.database import Connection, Database
from kernel.errors import CommonpointError
from network.audit import SETTLEMENT
from network.obligations import record_obligations
from points.answers import Done
from points.audit import CHECKS, Finding, audit
from points.commands import Command
from points.ledger import BuiltIn, Ledger
from points.outcome import Outcome
from points.programme.canonical import canonical
from points.programme.version import InForce, Version

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PARTNERS = ("ptn_a", "ptn_b")
# What can break from one step to the next; columns do not change.
ALL_CHECKS = tuple(
    check for check in (*CHECKS, *SETTLEMENT) if check.name != "no column holds a number with a fraction"
)

Result = TypeVar("Result")


class Room:
    """A connection, and a loop to wait on it, for many ledgers one after the other."""

    def __init__(self, url: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.connection: Connection = self.run(self._open(url))

    async def _open(self, url: str) -> Connection:
        database = await Database.connect(url, pool_size=1)
        connection = await database.dedicated()
        await database.close()
        return connection

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Wait for work."""
        return self.loop.run_until_complete(work)

    def close(self) -> None:
        """Leave it."""
        self.run(self.connection.close())
        self.loop.close()


class ShapedLedger:
    """A ledger, its clock and its members."""

    def __init__(self, room: Room, version: Version, members: int = 3) -> None:
        self.run, self.connection = room.run, room.connection
        self.clock = MovableClock(START)
        self.in_force = InForce(version)
        self.members = [f"mbr_{number}" for number in range(members)]
        self._keys = count(1)
        ids = count(1)
        shelf = BuiltIn()
        shelf[version.id] = version
        self.ledger = Ledger(
            self.clock,
            ["pass"],
            [record_obligations],
            make_id=lambda prefix: f"{prefix}_{next(ids):08}",
            versions=shelf,
        )
        self._whole = self.connection.transaction()
        self.run(self._begin(self.connection))

    async def _begin(self, connection: Connection) -> None:
        await self._whole.start()
        version = self.in_force.version
        await connection.execute(
            "INSERT INTO programme_version (id, content, created_at) VALUES ($1, $2, $3)",
            version.id,
            canonical(version.programme),
            START,
        )
        for partner in PARTNERS:
            await connection.execute(
                "INSERT INTO terms (id, partner_id, effective_from, created_at, currency, earn_points, earn_per_minor,"
                " issuer_pays_micros, acceptor_gets_micros) VALUES ($1, $2, $3, $3, 'EUR', 1, 100, 10000, 9000)",
                f"trm_{partner}",
                partner,
                datetime(2026, 1, 1, tzinfo=UTC),
            )
        for member in self.members:
            await self._join(connection, member)

    async def _join(self, connection: Connection, member: str) -> None:
        await connection.execute(
            "INSERT INTO member (id, code, partner_id, joined_at) VALUES ($1::text, $1 || 'code', $2, $3)",
            member,
            PARTNERS[0],
            START,
        )
        await connection.execute(
            "INSERT INTO account (id, member_id, standing) VALUES"
            " ($1::text || '/spendable', $1, jsonb_build_object('joined', $2::int)), ($1 || '/arrears', $1, '{}')",
            member,
            START.date().toordinal(),
        )

    def close(self) -> None:
        """Forget everything."""
        self.run(self._whole.rollback())

    def asked(self, partner: str, content: str = "") -> dict[str, Any]:
        """What every command carries, under a new key."""
        return {
            "partner_id": partner,
            "key": f"key-{next(self._keys)}",
            "fingerprint": hashlib.sha256(content.encode()).digest(),
            "occurred_at": self.clock.now(),
        }

    def do(self, command: Command) -> Done | CommonpointError:
        """Apply a command alone, as one request would."""

        async def once() -> Done | CommonpointError:
            async with self.connection.transaction():
                return (await self.ledger.apply(self.connection, [command]))[0]

        return self.run(once())

    def quote(self, command: Command) -> Outcome | CommonpointError:
        """What the command would do, without doing it."""

        async def once() -> Outcome | CommonpointError:
            savepoint = self.connection.transaction()
            await savepoint.start()
            try:
                return await self.ledger.quote(self.connection, command)
            except CommonpointError as refusal:
                return refusal
            finally:
                await savepoint.rollback()

        return self.run(once())

    def findings(self) -> list[Finding]:
        """What the audit says."""
        return self.run(audit(self.connection, 5, ALL_CHECKS))

    def rows(self, sql: str, *parameters: object) -> list[asyncpg.Record]:
        """What a question to the database answers."""
        return self.run(self.connection.fetch(sql, *parameters))
