"""Making, rotating and retiring the keys of taps. Each is one transaction, and may be asked for again without harm."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import asyncpg

from kernel.database import Connection, Database, Unit
from kernel.errors import Conflict, NotFound
from kernel.secrets import Keyring
from network.partners import partner
from passes.apple.tap_keys import PURPOSE, Sweep, TapKeys, new_pair

# How long a phone may have been away and still be expected to tap with its old card.
OVERLAP: Final = timedelta(days=30)
MOST_LISTED: Final = 1000

State = Literal["current", "retiring", "retired"]

_COLUMNS = "key_id, partner_id, state, public_key, created_at, retiring_at, retired_at"
_COALITION = ""


class TapKeyUnknown(NotFound):
    """There is no such key."""

    code = "tap_key_unknown"
    title = "Key of taps not found"


class TapKeyExists(Conflict):
    """There is a current key already: rotate it."""

    code = "tap_key_exists"
    title = "There is a current key already"


class TapKeyRetired(Conflict):
    """The key is out of use for good."""

    code = "tap_key_retired"
    title = "The key is retired"


class TapKeyNeeded(Conflict):
    """Cards still carry the key; taps with them would be refused."""

    code = "tap_key_needed"
    title = "The key is still needed"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as the operator sees it. `partner_id` None: the coalition's."""

    key_id: str
    partner_id: str | None
    state: State
    public_key: str
    created_at: datetime
    retiring_at: datetime | None
    retired_at: datetime | None


class TapKeyChanges:
    """What the operator does with keys. `sweep` (connection, partner or None for all) tells the cards of a brand to be
    made anew, in the transaction that changes the key."""

    def __init__(self, db: Database, keyring: Keyring, keys: TapKeys, sweep: Sweep) -> None:
        self._db = db
        self._keyring = keyring
        self._keys = keys
        self._sweep = sweep

    async def generate(self, partner_id: str | None) -> KeyRow:
        """The first key of a partner, or of the coalition. Raises PartnerUnknown, TapKeyExists."""
        async with self._db.unit() as unit:
            if partner_id is not None:
                await partner(unit.connection, partner_id)
            await _one_at_a_time(unit, partner_id)
            if await _current(unit, partner_id) is not None:
                raise TapKeyExists("There is a current key already; rotate it.")
            made = await self._insert(unit, partner_id)
            await self._sweep(unit.connection, partner_id)
        self._keys.forget()
        return made

    async def rotate(self, key_id: str) -> KeyRow:
        """A new key in the place of this one, which goes on opening taps. Asked again, the same new key is answered.

        Raises TapKeyUnknown, TapKeyRetired.
        """
        async with self._db.unit() as unit:
            owner = (await _key(unit.connection, key_id)).partner_id
            await _one_at_a_time(unit, owner)
            old = await _key(unit.connection, key_id)
            if old.state == "retired":
                raise TapKeyRetired("A retired key is not rotated; make a new one.")
            current = await _current(unit, owner)
            if old.state == "retiring" and current is not None:
                return current
            await unit.connection.execute(
                "UPDATE apple_tap_key SET state = 'retiring', retiring_at = now() WHERE key_id = $1", key_id
            )
            made = await self._insert(unit, owner)
            await self._sweep(unit.connection, owner)
        self._keys.forget()
        return made

    async def retire(self, key_id: str, force: bool = False) -> KeyRow:
        """Open no more taps with a retiring key, and destroy its private half; twice is no error.

        Raises TapKeyUnknown, and TapKeyNeeded for a current key, or (unless `force`) for one that cards still carry or
        that phones may: it began to retire less than OVERLAP ago.
        """
        async with self._db.unit() as unit:
            owner = (await _key(unit.connection, key_id)).partner_id
            await _one_at_a_time(unit, owner)
            key = await _key(unit.connection, key_id)
            if key.state == "retired":
                return key
            if key.state == "current":
                raise TapKeyNeeded("New cards carry this key; rotate it first.")
            if not force:
                await _check_unneeded(unit, key)
            row = await unit.connection.fetchrow(
                "UPDATE apple_tap_key SET state = 'retired', retired_at = now(), sealed_key = ''"
                f" WHERE key_id = $1 RETURNING {_COLUMNS}",
                key_id,
            )
        self._keys.forget()
        assert row is not None
        return KeyRow(**row)

    async def listed(self) -> list[KeyRow]:
        """All keys, the newest first (at most MOST_LISTED)."""
        async with self._db.read() as read:
            rows = await read.connection.fetch(
                f"SELECT {_COLUMNS} FROM apple_tap_key ORDER BY created_at DESC, key_id LIMIT $1", MOST_LISTED
            )
        return [KeyRow(**row) for row in rows]

    async def _insert(self, unit: Unit, partner_id: str | None) -> KeyRow:
        while True:  # four bytes name a key, so a new one may by chance be called as an old one
            pair = new_pair()
            sealed = self._keyring.seal(PURPOSE, pair.key_id, pair.private_key)
            row = await unit.connection.fetchrow(
                "INSERT INTO apple_tap_key (key_id, partner_id, state, public_key, sealed_key)"
                f" VALUES ($1, $2, 'current', $3, $4) ON CONFLICT (key_id) DO NOTHING RETURNING {_COLUMNS}",
                pair.key_id,
                partner_id,
                pair.public_key,
                sealed,
            )
            if row is not None:
                return KeyRow(**row)


async def _one_at_a_time(unit: Unit, partner_id: str | None) -> None:
    await unit.connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('apple_tap_key/' || $1::text, 0))", partner_id or _COALITION
    )


async def _current(unit: Unit, partner_id: str | None) -> KeyRow | None:
    return _row(
        await unit.connection.fetchrow(
            f"SELECT {_COLUMNS} FROM apple_tap_key WHERE state = 'current' AND coalesce(partner_id, '') = $1",
            partner_id or _COALITION,
        )
    )


async def _key(connection: Connection, key_id: str) -> KeyRow:
    found = None
    if len(key_id) == 8 and key_id.isalnum():  # anything else, such as U+0000, is not worth a question
        found = _row(await connection.fetchrow(f"SELECT {_COLUMNS} FROM apple_tap_key WHERE key_id = $1", key_id))
    if found is None:
        raise TapKeyUnknown("There is no such key.")
    return found


async def _check_unneeded(unit: Unit, key: KeyRow) -> None:
    ends = await unit.connection.fetchval(
        "SELECT $1::timestamptz + $2 FROM (SELECT) AS one WHERE now() < $1::timestamptz + $2", key.retiring_at, OVERLAP
    )
    if ends is not None:
        detail = f"Phones that were away may still carry the key until {ends:%Y-%m-%d %H:%M} UTC."
        raise TapKeyNeeded(detail, until=ends.isoformat())
    carried = await unit.connection.fetchval(
        "SELECT id FROM wallet_pass WHERE wallet = 'apple' AND NOT voided AND card->>'tap_key' = $1"
        " AND ($2::text IS NULL OR brand_id = $2) LIMIT 1",
        key.key_id,
        key.partner_id,
    )
    if carried is not None:
        raise TapKeyNeeded("Passes still carry the key; they are being renewed.", pass_id=carried)


def _row(row: asyncpg.Record | None) -> KeyRow | None:
    return None if row is None else KeyRow(**row)
