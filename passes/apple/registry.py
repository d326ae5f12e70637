"""Which devices want to hear of which passes: steps in the caller's transaction.

Locks are taken in one order everywhere, device before registrations, so that a phone that adds and deletes passes at
once cannot lock itself up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.database import Connection
from kernel.outbox import touch
from passes.issue import change_numbers

PUSH_KIND: Final = "apple.push"

# A pass is mirrored to a family's or one person's devices. More than this are devices that come back under ever new
# ids (reported from the field); the newest are the living ones.
REGISTRATIONS_PER_PASS: Final = 32
LISTED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Changed:
    """A pass that changed after the tag a device named."""

    pass_id: str
    change_seq: int


@dataclass(frozen=True, slots=True)
class Wish:
    """A device's wish to be woken for a pass."""

    pass_id: str
    push_token: str


async def register(connection: Connection, library_id: str, pass_id: str, push_token: str) -> bool:
    """Insert the registration or renew the device's push token; returns whether the registration is new."""
    # clock_timestamp(): a 410 is compared with the moment of registering, not with that of a transaction's begin.
    await connection.execute(
        """
        INSERT INTO apple_device (library_id, push_token, updated_at) VALUES ($1, $2, clock_timestamp())
        ON CONFLICT (library_id) DO UPDATE SET push_token = excluded.push_token, updated_at = excluded.updated_at
        """,
        library_id,
        push_token,
    )
    status = await connection.execute(
        """
        INSERT INTO apple_registration (library_id, pass_id, registered_at) VALUES ($1, $2, clock_timestamp())
        ON CONFLICT DO NOTHING
        """,
        library_id,
        pass_id,
    )
    new: bool = status.endswith(" 1")
    if new:
        await connection.execute(_KEEP_NEWEST, pass_id, REGISTRATIONS_PER_PASS)
    return new


_KEEP_NEWEST = """
WITH surplus AS (
    SELECT library_id FROM apple_registration WHERE pass_id = $1
    ORDER BY registered_at DESC, library_id OFFSET $2
    FOR UPDATE SKIP LOCKED
), dropped AS (
    DELETE FROM apple_registration r USING surplus s
    WHERE r.pass_id = $1 AND r.library_id = s.library_id RETURNING r.library_id
), idle AS (
    SELECT d.library_id FROM apple_device d JOIN dropped USING (library_id)
    WHERE NOT EXISTS (SELECT FROM apple_registration r WHERE r.library_id = d.library_id AND r.pass_id <> $1)
    FOR UPDATE OF d SKIP LOCKED
)
DELETE FROM apple_device d USING idle WHERE d.library_id = idle.library_id
"""


async def catch_up(connection: Connection, pass_id: str) -> bool:
    """After a new registration: if the pass changed lately, list it once more and wake the device.

    A change between the download and the registration finds no one to wake, and the tag of a device with other passes
    may be past it already: the welcome points would stay unseen until the next visit.
    """
    lately = await connection.fetchval(
        """
        SELECT last_modified > date_trunc('second', created_at) AND last_modified > now() - interval '1 hour'
        FROM wallet_pass WHERE id = $1 FOR UPDATE
        """,
        pass_id,
    )
    if not lately:
        return False
    (number,) = await change_numbers(connection, 1)
    await connection.execute("UPDATE wallet_pass SET change_seq = $2 WHERE id = $1", pass_id, number)
    await touch(connection, PUSH_KIND, [pass_id])
    return True


async def unregister(connection: Connection, library_id: str, pass_id: str) -> None:
    """Delete the registration, and the device with its last one. Nothing to delete is no error."""
    await connection.execute("SELECT FROM apple_device WHERE library_id = $1 FOR UPDATE", library_id)
    await connection.execute(
        "DELETE FROM apple_registration WHERE library_id = $1 AND pass_id = $2", library_id, pass_id
    )
    await connection.execute(
        """
        DELETE FROM apple_device d WHERE library_id = $1
          AND NOT EXISTS (SELECT FROM apple_registration r WHERE r.library_id = d.library_id)
        """,
        library_id,
    )


async def changed_since(connection: Connection, library_id: str, change_seq: int) -> list[Changed]:
    """The device's passes with a later change, at most `LISTED_AT_ONCE`, oldest first: the last one is the new tag."""
    rows = await connection.fetch(
        """
        SELECT p.id, p.change_seq FROM apple_registration r JOIN wallet_pass p ON p.id = r.pass_id
        WHERE r.library_id = $1 AND p.wallet = 'apple' AND p.change_seq > $2
        ORDER BY p.change_seq LIMIT $3
        """,
        library_id,
        change_seq,
        LISTED_AT_ONCE,
    )
    return [Changed(row["id"], row["change_seq"]) for row in rows]


async def wishes(connection: Connection, pass_ids: Sequence[str]) -> list[Wish]:
    """Whom to wake for these passes."""
    rows = await connection.fetch(
        """
        SELECT r.pass_id, d.push_token FROM apple_registration r JOIN apple_device d USING (library_id)
        WHERE r.pass_id = ANY($1::text[]) ORDER BY r.pass_id, d.push_token
        """,
        list(pass_ids),
    )
    return [Wish(row["pass_id"], row["push_token"]) for row in rows]


async def forget(connection: Connection, push_token: str, gone_since: datetime | None) -> int:
    """Delete the devices with a dead push token and their registrations; returns how many devices.

    With `gone_since`, a device that registered again after that moment is kept: its token is alive once more.
    """
    rows = await connection.fetch(
        """
        DELETE FROM apple_device
        WHERE push_token = $1 AND ($2::timestamptz IS NULL OR updated_at <= $2) RETURNING library_id
        """,
        push_token,
        gone_since,
    )
    await connection.execute(
        "DELETE FROM apple_registration WHERE library_id = ANY($1::text[])", [row["library_id"] for row in rows]
    )
    return len(rows)
