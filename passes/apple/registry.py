"""Which devices want to hear of which passes: steps in the caller's transaction.

Locks are taken in one order everywhere, device before registrations before pass, so that a phone that adds and deletes
passes at once cannot lock itself up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from kernel.database import Connection
from kernel.outbox import touch
from passes.issue import change_numbers

PUSH_KIND: Final = "apple.push"

# A pass is mirrored to a family's or one person's devices. More than this are devices that come back under ever new
# ids (reported from the field); the newest are the living ones.
REGISTRATIONS_PER_PASS: Final = 32
LISTED_AT_ONCE: Final = 500

# The registration of a pass is a row of its own; a push token belongs to the device and the newest one counts.
# clock_timestamp(): a 410 is compared with the moment of registering, not with that of a transaction's begin.
_REGISTER = """
WITH device AS (
    INSERT INTO apple_device (library_id, push_token, updated_at) VALUES ($1, $2, clock_timestamp())
    ON CONFLICT (library_id) DO UPDATE SET push_token = excluded.push_token, updated_at = excluded.updated_at
    RETURNING library_id
), registration AS (
    INSERT INTO apple_registration (library_id, pass_id, registered_at)
    SELECT library_id, $3, clock_timestamp() FROM device
    ON CONFLICT DO NOTHING RETURNING 1
)
SELECT EXISTS (SELECT FROM registration)
"""

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

# FOR SHARE: a change that is just being written is waited for, or waits until this registration can be seen.
_CHANGED_LATELY = """
SELECT last_modified > date_trunc('second', created_at) AND last_modified > now() - interval '1 hour'
FROM wallet_pass WHERE id = $1 FOR SHARE
"""

# IS TRUE keeps an index that begins with the wallet, and so finds every pass, out of the plan (see Reading).
# One statement is one snapshot: the tag is the highest number among the rows that are returned, never "now".
# A tag above all numbers ever drawn is not ours (or from before the database was restored): everything is listed.
CHANGED_SINCE = """
SELECT q.n - 1 AS place, c.pass_id, c.seq
FROM pass_change s
CROSS JOIN unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS q (library_id, pass_type, since, n)
CROSS JOIN LATERAL (
    SELECT r.pass_id, greatest(p.change_seq, r.owed_seq) AS seq
    FROM apple_registration r JOIN wallet_pass p ON p.id = r.pass_id
    WHERE r.library_id = q.library_id AND p.pass_type = q.pass_type AND (p.wallet = 'apple') IS TRUE
      AND greatest(p.change_seq, r.owed_seq) > CASE WHEN q.since > s.last_value THEN -1 ELSE q.since END
    ORDER BY 2 LIMIT $4
) c
ORDER BY q.n, c.seq
"""

_WISHES = """
SELECT s.subject, p.pass_type, d.push_token
FROM unnest($1::text[], $2::text[], $3::text[]) AS s (subject, pass_id, library_id)
JOIN apple_registration r ON r.pass_id = s.pass_id AND s.library_id IN ('', r.library_id)
JOIN apple_device d ON d.library_id = r.library_id
JOIN wallet_pass p ON p.id = r.pass_id
ORDER BY s.subject, d.push_token
"""


class Since(NamedTuple):
    """A device's question: which of its passes of a type changed after a change number (-1: all of them)."""

    library_id: str
    pass_type: str
    change_seq: int


class Changed(NamedTuple):
    """A pass that a device is told of, with the number that makes the device's next tag."""

    pass_id: str
    change_seq: int


@dataclass(frozen=True, slots=True)
class Wish:
    """A device's wish to be woken. `pass_id` is the subject of the note that asked: a pass, or one device of it."""

    pass_id: str
    pass_type: str
    push_token: str


async def register(connection: Connection, library_id: str, pass_id: str, push_token: str) -> bool:
    """Insert the registration or renew the device's push token; returns whether the registration is new."""
    new: bool = await connection.fetchval(_REGISTER, library_id, push_token, pass_id)
    if new:
        await connection.execute(_KEEP_NEWEST, pass_id, REGISTRATIONS_PER_PASS)
    return new


async def catch_up(connection: Connection, library_id: str, pass_id: str) -> bool:
    """After a new registration: if the pass changed lately, list it to this device once more and wake it.

    A change between the download and the registration finds no one to wake, and the tag of a device with other passes
    may be past it already: the welcome points would stay unseen until the next visit. Only this registration gets the
    new number: the pass's other devices would be told of a change that they have seen.
    """
    if not await connection.fetchval(_CHANGED_LATELY, pass_id):
        return False
    (number,) = await change_numbers(connection, 1)
    await connection.execute(
        "UPDATE apple_registration SET owed_seq = $3 WHERE library_id = $1 AND pass_id = $2",
        library_id,
        pass_id,
        number,
    )
    await touch(connection, PUSH_KIND, [f"{pass_id}/{library_id}"])
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


async def changed_since(connection: Connection, questions: Sequence[Since]) -> list[list[Changed]]:
    """For each question the passes with a later change, at most `LISTED_AT_ONCE`, oldest first.

    The last one's number is the device's new tag. It is above the tag that was asked with, so that a phone never gets
    a list with the tag that it had.
    """
    library_ids, pass_types, numbers = zip(*questions, strict=True)
    rows = await connection.fetch(CHANGED_SINCE, library_ids, pass_types, numbers, LISTED_AT_ONCE)
    answers: list[list[Changed]] = [[] for _ in questions]
    for place, pass_id, number in rows:
        answers[place].append(Changed(pass_id, number))
    return answers


async def wishes(connection: Connection, subjects: Sequence[str]) -> list[Wish]:
    """Whom to wake for these subjects: a pass id means all devices of the pass, `pass_id/library_id` that one alone."""
    parts = [subject.partition("/") for subject in subjects]
    rows = await connection.fetch(_WISHES, list(subjects), [part[0] for part in parts], [part[2] for part in parts])
    return [Wish(*row) for row in rows]


async def fetched(connection: Connection, pass_ids: Sequence[str]) -> None:
    """Phones came for these passes: they count no longer among those that were pushed in bulk and are still out."""
    await connection.execute("DELETE FROM apple_wave WHERE pass_id = ANY($1::text[])", sorted(pass_ids))


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
