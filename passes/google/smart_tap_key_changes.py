"""Making, rotating and retiring the keys of Smart Tap: each one transaction that may be asked for again without harm.

A rotation goes in three steps: make the next version here, publish its public half at Google, retire the old one here.
In between the old key goes on signing, so that no tap is lost however long the second step takes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import asyncpg

from kernel.clock import Clock, SystemClock
from kernel.database import Connection, Database, Unit
from kernel.errors import Conflict, NotFound
from kernel.ids import is_id, new_id
from kernel.secrets import Keyring
from network.partners import partner
from passes.google.smart_tap_keys import PURPOSE, new_pair

MOST_LISTED: Final = 1000
LARGEST_COLLECTOR: Final = 2**32 - 1  # four bytes on the air
LARGEST_VERSION: Final = 1_000_000_000  # Google counts in 32 bits with a sign; room is left to go on rotating

State = Literal["current", "retiring", "retired"]

_COLUMNS = """
id, partner_id, collector_id, version, public_key, state, created_at, retired_at,
state <> 'retired' AND NOT EXISTS (
    SELECT FROM smart_tap_key AS older WHERE older.state <> 'retired'
    AND older.partner_id IS NOT DISTINCT FROM smart_tap_key.partner_id AND older.id < smart_tap_key.id
) AS signs
"""


class SmartTapKeyUnknown(NotFound):
    """There is no such key."""

    code = "smart_tap_key_unknown"
    title = "Key of Smart Tap not found"


class SmartTapKeyExists(Conflict):
    """The owner has a key already: rotate it."""

    code = "smart_tap_key_exists"
    title = "There is a key of Smart Tap already"


class SmartTapVersionTaken(Conflict):
    """The collector has a key of this version, or of a higher one."""

    code = "smart_tap_version_taken"
    title = "The version is taken"


class SmartTapKeyRetired(Conflict):
    """The key is out of use for good."""

    code = "smart_tap_key_retired"
    title = "The key is retired"


class SmartTapKeyNeeded(Conflict):
    """It is the only key of its owner: readers could take no taps without it."""

    code = "smart_tap_key_needed"
    title = "The key is still needed"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as the operator sees it. `partner_id` None: the coalition's. `public_key` is PEM. `signs`: readers use it
    now, being the oldest of its owner's that is not retired."""

    id: str
    partner_id: str | None
    collector_id: int
    version: int
    public_key: str
    state: State
    created_at: datetime
    retired_at: datetime | None
    signs: bool


class SmartTapKeyChanges:
    """What the operator does with keys."""

    def __init__(self, db: Database, keyring: Keyring, clock: Clock | None = None) -> None:
        self._db = db
        self._keyring = keyring
        self._clock = clock or SystemClock()

    async def create(self, partner_id: str | None, collector_id: int, version: int | None = None) -> KeyRow:
        """The first key of a partner, or of the coalition, for the collector id that Google gave.

        Without a version the next one of the collector is taken; one is told where Google knows keys from elsewhere.
        Raises PartnerUnknown, SmartTapKeyExists, SmartTapVersionTaken.
        """
        async with self._db.unit() as unit:
            if partner_id is not None:
                await partner(unit.connection, partner_id)
            await _one_at_a_time(unit)
            if await _current(unit, partner_id) is not None:
                raise SmartTapKeyExists("There is a current key already; rotate it.")
            return await self._insert(unit, partner_id, collector_id, version)

    async def rotate(self, key_id: str) -> KeyRow:
        """The next version of this key, which goes on signing until it is retired. Asked again, the same is answered.

        Raises SmartTapKeyUnknown, SmartTapKeyRetired.
        """
        async with self._db.unit() as unit:
            await _one_at_a_time(unit)
            old = await _key(unit.connection, key_id)
            if old.state == "retired":
                raise SmartTapKeyRetired("A retired key is not rotated; make a new one.")
            if old.state == "retiring":
                current = await _current(unit, old.partner_id)
                if current is not None:
                    return current
            await unit.connection.execute("UPDATE smart_tap_key SET state = 'retiring' WHERE id = $1", key_id)
            return await self._insert(unit, old.partner_id, old.collector_id, None)

    async def retire(self, key_id: str, force: bool = False) -> KeyRow:
        """Sign no more with a key, and destroy its private half; twice is no error.

        Raises SmartTapKeyUnknown, and unless `force` SmartTapKeyNeeded for a current key: nothing would take its place.
        """
        async with self._db.unit() as unit:
            await _one_at_a_time(unit)
            key = await _key(unit.connection, key_id)
            if key.state == "retired":
                return key
            if key.state == "current" and not force:
                raise SmartTapKeyNeeded("No other key takes its place; rotate it first, or retire it by force.")
            row = await unit.connection.fetchrow(
                f"UPDATE smart_tap_key SET state = 'retired', retired_at = $2, sealed = '' WHERE id = $1"
                f" RETURNING {_COLUMNS}",
                key_id,
                self._clock.now(),
            )
        assert row is not None
        return KeyRow(**row)

    async def listed(self) -> list[KeyRow]:
        """All keys, the newest first (at most MOST_LISTED)."""
        async with self._db.read() as read:
            rows = await read.connection.fetch(
                f"SELECT {_COLUMNS} FROM smart_tap_key ORDER BY id DESC LIMIT $1", MOST_LISTED
            )
        return [KeyRow(**row) for row in rows]

    async def _insert(self, unit: Unit, partner_id: str | None, collector_id: int, version: int | None) -> KeyRow:
        highest = await unit.connection.fetchval(
            "SELECT coalesce(max(version), 0) FROM smart_tap_key WHERE collector_id = $1", collector_id
        )
        if (version or highest + 1) <= highest:
            raise SmartTapVersionTaken(f"The collector's highest version is {highest}.", highest=highest)
        pair, made = new_pair(), new_id("stk")
        row = await unit.connection.fetchrow(
            "INSERT INTO smart_tap_key (id, partner_id, collector_id, version, public_key, sealed, state, created_at)"
            f" VALUES ($1, $2, $3, $4, $5, $6, 'current', $7) RETURNING {_COLUMNS}",
            made,
            partner_id,
            collector_id,
            version or highest + 1,
            pair.public_key,
            self._keyring.seal(PURPOSE, made, pair.private_key),
            self._clock.now(),
        )
        assert row is not None
        return KeyRow(**row)


async def _one_at_a_time(unit: Unit) -> None:
    """Keys are changed a few times a year; versions of a collector that two owners share must not collide."""
    await unit.connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('smart_tap_key', 0))")


async def _current(unit: Unit, partner_id: str | None) -> KeyRow | None:
    return _row(
        await unit.connection.fetchrow(
            f"SELECT {_COLUMNS} FROM smart_tap_key WHERE state = 'current' AND partner_id IS NOT DISTINCT FROM $1",
            partner_id,
        )
    )


async def _key(connection: Connection, key_id: str) -> KeyRow:
    found = None
    if is_id(key_id, "stk"):
        found = _row(await connection.fetchrow(f"SELECT {_COLUMNS} FROM smart_tap_key WHERE id = $1", key_id))
    if found is None:
        raise SmartTapKeyUnknown("There is no such key.")
    return found


def _row(row: asyncpg.Record | None) -> KeyRow | None:
    return None if row is None else KeyRow(**row)
