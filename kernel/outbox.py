"""Notes from a transaction to the followers that must hear of it.

A note says "look again", never "add five": a follower reads the state as it is now and brings its side to match. So a
note may be repeated, merged or late without harm. Two rules keep every change from being lost:

1. touching a note that already waits raises its version (an insert that "does nothing" on conflict would lose the
   change if a follower has just read the older state);
2. a note is deleted after success only if its version is what the follower claimed; else it is due again at once.
   No version is given twice, so a follower that wakes after its lease cannot take a younger note for its own.

There are two lanes with a worker each. What a till did goes by `LIVE`; a change of many at once (a design, a rotation)
goes by `BULK` and never stands in front of it. A note that is touched from both is live.

Leases, waits and ages use the database's clock.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

import asyncpg
import structlog

from kernel.database import Connection, Database
from kernel.errors import Invalid, Unavailable

log = structlog.get_logger(__name__)

CHANNEL = "commonpoint_outbox"
SHORTEST_WAIT_S = 0.1
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 300.0
STUCK_AFTER_ATTEMPTS = 8
LIVE, BULK = 0, 1
_BULK_MARK = " bulk"  # what follows the kind when a worker of that lane is woken
LEASE_S = 60.0
POLL_S = 1.0
NO_ROOM_S = 0.05
_ERROR_LENGTH = 500

_TOUCH = """
INSERT INTO outbox (kind, subject, lane)
SELECT kind, subject, {lane} FROM unnest($1::text[], $2::text[]) AS note (kind, subject)
ORDER BY kind, subject
ON CONFLICT (kind, subject) DO UPDATE SET
    version = excluded.version,
    lane = least(outbox.lane, excluded.lane),
    touched_at = now(),
    due = CASE WHEN outbox.parked_at IS NULL THEN outbox.due ELSE now() END,
    attempts = CASE WHEN outbox.parked_at IS NULL THEN outbox.attempts ELSE 0 END,
    parked_at = NULL
"""

TOUCH = _TOUCH.format(lane=LIVE)
_TOUCH_BULK = _TOUCH.format(lane=BULK)

# Chosen apart and once: as a part of the UPDATE the choice may be made again and again, past its limit.
_CLAIM = """
WITH chosen AS MATERIALIZED (
    SELECT kind, subject FROM outbox
    WHERE kind = $1 {lane} AND due <= now() AND parked_at IS NULL
    ORDER BY due LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE outbox SET due = now() + make_interval(secs => $3)
FROM chosen WHERE outbox.kind = chosen.kind AND outbox.subject = chosen.subject
RETURNING outbox.subject, version, attempts
"""
_CLAIM_OF = {
    LIVE: _CLAIM.format(lane="AND lane = 0"),
    BULK: _CLAIM.format(lane="AND lane = 1"),
    None: _CLAIM.format(lane=""),
}

# Writers touch notes in this order too; finishing them in any other would end in deadlocks with the writers.
_HOLD = "SELECT 1 FROM outbox WHERE kind = $1 AND subject = ANY($2::text[]) ORDER BY subject FOR UPDATE"

_DELETE_DONE = """
DELETE FROM outbox USING unnest($2::text[], $3::bigint[]) AS done (subject, version)
WHERE outbox.kind = $1 AND outbox.subject = done.subject AND outbox.version = done.version
"""

_DUE_AGAIN = """
UPDATE outbox SET due = now(), attempts = 0, last_error = NULL
FROM unnest($2::text[], $3::bigint[]) AS done (subject, version)
WHERE outbox.kind = $1 AND outbox.subject = done.subject AND outbox.version <> done.version
"""

_WAIT = """
UPDATE outbox SET
    due = now() + make_interval(secs => failed.wait_s),
    attempts = outbox.attempts + 1,
    last_error = failed.error,
    parked_at = CASE WHEN failed.park AND outbox.version = failed.version THEN now() END
FROM unnest($2::text[], $3::bigint[], $4::float8[], $5::text[], $6::bool[])
    AS failed (subject, version, wait_s, error, park)
WHERE outbox.kind = $1 AND outbox.subject = failed.subject
"""


class Follower(Protocol):
    """Brings one outside thing to match the ledger."""

    @property
    def kind(self) -> str:
        """Which notes it hears."""
        ...

    @property
    def batch(self) -> int:
        """How many subjects it takes at once."""
        ...

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        """Look at the subjects as they are now and act; return those that failed and why. Raising fails all."""
        ...


@runtime_checkable
class Paced(Protocol):
    """A follower whose bulk lane waits for the other side: `room` is how many subjects it may take there now."""

    async def room(self) -> int:
        """0 asks to come again in a moment."""
        ...


@dataclass(frozen=True, slots=True)
class Note:
    """A claimed note."""

    subject: str
    version: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many notes of a kind wait, how many of them are stuck, since when the oldest waits, and an example error."""

    kind: str
    waiting: int
    stuck: int
    oldest: datetime
    error: str | None


async def touch(connection: Connection, kind: str, subjects: Sequence[str], lane: int = LIVE) -> None:
    """Write or raise the notes for `subjects` in the caller's transaction, and wake the workers when it commits."""
    if subjects:
        unique = sorted(set(subjects))
        await connection.execute(TOUCH if lane == LIVE else _TOUCH_BULK, [kind] * len(unique), unique)
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, kind if lane == LIVE else f"{kind}{_BULK_MARK}")


async def claim(db: Database, kind: str, limit: int, lease_s: float = LEASE_S, lane: int | None = None) -> list[Note]:
    """Take up to `limit` due notes (of one lane) for `lease_s` seconds; others skip them until the lease ends."""
    async with db.unit() as unit:
        rows = await unit.connection.fetch(_CLAIM_OF[lane], kind, limit, lease_s)
    return [Note(row["subject"], row["version"], row["attempts"]) for row in rows]


async def settle(db: Database, kind: str, notes: Sequence[Note], failed: Mapping[str, Exception]) -> None:
    """Finish claimed notes: done ones go (or are due again if touched meanwhile), failed ones wait longer each time."""
    done = [note for note in notes if note.subject not in failed]
    async with db.unit() as unit:
        await unit.connection.execute(_HOLD, kind, [note.subject for note in notes])
        if done:
            subjects, versions = [n.subject for n in done], [n.version for n in done]
            await unit.connection.execute(_DELETE_DONE, kind, subjects, versions)
            await unit.connection.execute(_DUE_AGAIN, kind, subjects, versions)
        rows = [_failure(note, failed[note.subject]) for note in notes if note.subject in failed]
        if rows:
            await unit.connection.execute(_WAIT, kind, *(list(column) for column in zip(*rows, strict=True)))


async def waiting(connection: Connection) -> list[Waiting]:
    """What waits, by kind; stuck notes are parked ones and those that failed `STUCK_AFTER_ATTEMPTS` times."""
    rows = await connection.fetch(
        """
        SELECT kind, count(*) AS waiting, min(touched_at) AS oldest, max(last_error) AS error,
               count(*) FILTER (WHERE parked_at IS NOT NULL OR attempts >= $1) AS stuck
        FROM outbox GROUP BY kind ORDER BY kind
        """,
        STUCK_AFTER_ATTEMPTS,
    )
    return [Waiting(r["kind"], r["waiting"], r["stuck"], r["oldest"], r["error"]) for r in rows]


async def retry_now(connection: Connection, kind: str | None = None) -> int:
    """Make every waiting or parked note (of `kind`) due at once, as an operator does after mending a fault."""
    status = await connection.execute(
        "UPDATE outbox SET due = now(), attempts = 0, parked_at = NULL WHERE $1::text IS NULL OR kind = $1", kind
    )
    return int(status.rsplit(" ", 1)[1])


def wait_s(attempts: int, error: Exception) -> float:
    """Seconds until the next try: doubling with jitter up to `LONGEST_WAIT_S`, or what the other side asked for.

    What was asked for counts within `SHORTEST_WAIT_S` and `LONGEST_WAIT_S`: a wait of 0 would knock without a pause.
    """
    if isinstance(error, Unavailable) and error.retry_after_s is not None:
        return min(max(error.retry_after_s, SHORTEST_WAIT_S), LONGEST_WAIT_S)
    longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempts, 20))
    return longest * random.uniform(0.5, 1.0)


def _failure(note: Note, error: Exception) -> tuple[str, int, float, str, bool]:
    said = f"{type(error).__name__}: {error}"[:_ERROR_LENGTH]
    text = said.encode("utf-8", "replace").decode().replace("\0", "?")  # what a stranger said may not be storable
    return note.subject, note.version, wait_s(note.attempts, error), text, isinstance(error, Invalid)


async def follow_once(db: Database, follower: Follower, lane: int | None = None, limit: int | None = None) -> int:
    """Claim a batch (of `limit` at most) for `follower`, let it look, settle; returns how many notes were claimed."""
    notes = await claim(db, follower.kind, min(follower.batch, limit or follower.batch), lane=lane)
    if not notes:
        return 0
    try:
        async with asyncio.timeout(LEASE_S):  # after that the notes are another's anyway
            failed = await follower.follow([note.subject for note in notes])
    except Exception as error:
        failed = {note.subject: error for note in notes}
    if failed:
        example = next(iter(failed.values()))
        log.warning("outbox.failed", kind=follower.kind, failed=len(failed), of=len(notes), error=repr(example)[:300])
    await settle(db, follower.kind, notes, failed)
    return len(notes)


class Runner:
    """Runs followers until stopped: a task per follower and lane, woken by LISTEN and by a poll as the safety net."""

    def __init__(self, db: Database, followers: Sequence[Follower], poll_s: float = POLL_S) -> None:
        self._db = db
        self._followers = followers
        self._poll_s = poll_s
        self._wakes = {(follower.kind, lane): asyncio.Event() for follower in followers for lane in (LIVE, BULK)}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Follow until `stop`; a database that is away is waited for."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            for follower in self._followers:
                for lane in (LIVE, BULK):
                    group.create_task(self._follow(follower, lane))

    def stop(self) -> None:
        """Finish the batches in hand, then return from `run`."""
        self._stopping.set()
        for wake in self._wakes.values():
            wake.set()

    async def _follow(self, follower: Follower, lane: int) -> None:
        wake = self._wakes[follower.kind, lane]
        while not self._stopping.is_set():
            wake.clear()
            claimed, room = 0, follower.batch
            try:
                if lane == BULK and isinstance(follower, Paced):
                    room = await follower.room()
                if room > 0:
                    claimed = await follow_once(self._db, follower, lane, room)
            except Unavailable as error:
                log.warning("outbox.database_away", kind=follower.kind, error=str(error))
            except Exception:
                log.exception("outbox.unexpected", kind=follower.kind)
            if claimed == 0:
                await self._sleep(wake, self._poll_s if room > 0 else NO_ROOM_S)

    async def _sleep(self, wake: asyncio.Event, wait_s: float) -> None:
        try:
            await asyncio.wait_for(wake.wait(), wait_s)
        except TimeoutError:
            return

    async def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                connection = await self._db.dedicated()
            except (Unavailable, asyncpg.PostgresError) as error:
                log.warning("outbox.listen_refused", error=str(error))
                await asyncio.sleep(self._poll_s)
                continue
            try:
                await connection.add_listener(CHANNEL, self._heard)
                await self._until_stopped_or_lost(connection)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("outbox.listen_lost", error=str(error))
            finally:
                connection.terminate()

    async def _until_stopped_or_lost(self, connection: Connection) -> None:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        waits = [asyncio.create_task(event.wait()) for event in (self._stopping, lost)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _heard(self, connection: object, pid: int, channel: str, payload: object) -> None:
        kind = str(payload)
        lane = BULK if kind.endswith(_BULK_MARK) else LIVE
        wake = self._wakes.get((kind.removesuffix(_BULK_MARK), lane))
        if wake is not None:
            wake.set()
