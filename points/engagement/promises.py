"""Promises: what was decided here and is given by the ledger, each exactly once.

A promise is written in the transaction that decides it. Keeping it asks the ledger under the promise's own key, so it
may be tried by many at once and again after a crash; whatever the ledger will never give ends as refused.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import asyncpg
import structlog

from kernel.clock import Clock
from kernel.database import Connection, Database
from kernel.errors import CommonpointError, Conflict, Forbidden, Invalid, NotFound
from points.commands import INTERNAL, Grant
from points.deciding.errors import CapReached
from points.engagement.ports import Asks, Programmes
from points.programme.periods import day_ends
from points.programme.schema.engagement import Gain
from points.programme.standing import Award, Change
from points.programme.version import InForce, Version

log = structlog.get_logger(__name__)

AT_ONCE = 500
AGAIN_AFTER = timedelta(days=1)
MOST_ATTEMPTS = 30

_INSERT = """
INSERT INTO promise
    (key, member_id, partner_id, at, points, reward, badge, reason, about, cap_id, cap_size, award, period, last_day,
    due, made_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)
ON CONFLICT (key) DO NOTHING
"""

_DUE = """
SELECT * FROM promise WHERE due <= $1 AND journal_id IS NULL AND refused IS NULL AND key > $2 ORDER BY key LIMIT $3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A gain for a member from a partner, by the programme in force there `at` a moment.

    `reason` is a code that explanations know, `about` what it is for. `cap` is a shared budget, (id, size in points),
    that the points are taken from, `award` what the standing keeps of it: (name, period). A voucher that is given is
    good until the end of `last_day`, or as long as its reward says if that is shorter.
    """

    key: str
    member_id: str
    partner_id: str
    at: datetime
    gain: Gain
    reason: str
    about: str
    cap: tuple[str, int] | None = None
    award: tuple[str, str] | None = None
    last_day: date | None = None


async def promise(connection: Connection, now: datetime, promises: Sequence[Promise]) -> None:
    """Write promises down; one that was made before (by its key) stays as it is."""
    rows = [
        (p.key, p.member_id, p.partner_id, p.at, p.gain.points or 0, p.gain.reward, p.gain.badge, p.reason, p.about)
        + (p.cap or (None, None))
        + (p.award or (None, None))
        + (p.last_day, now)
        for p in promises
    ]
    await connection.executemany(_INSERT, rows)


async def keep(db: Database, teller: Asks, programmes: Programmes, clock: Clock, keys: Sequence[str]) -> None:
    """Keep these promises now, if they are not kept yet."""
    async with db.read() as read:
        rows = await read.connection.fetch(
            "SELECT * FROM promise WHERE key = ANY($1::text[]) AND journal_id IS NULL AND refused IS NULL", list(keys)
        )
    for row in rows:
        await _keep(db, teller, programmes, clock.now(), row)


async def run_due(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> int:
    """Keep every promise that is due; how many were looked at. One that fails does not stop the others."""
    now, after, looked = clock.now(), "", 0
    while True:
        async with db.read() as read:
            rows = await read.connection.fetch(_DUE, now, after, AT_ONCE)
        for row in rows:
            await _keep(db, teller, programmes, now, row)
        looked += len(rows)
        if len(rows) < AT_ONCE:
            return looked
        after = rows[-1]["key"]


def grant_of(promised: Promise, in_force: InForce) -> Grant:
    """The command that keeps a promise. Its fingerprint is that of the key alone: a promise never changes."""
    gain = promised.gain
    day = in_force.version.day(promised.at).toordinal()
    won = [promised.award] if promised.award else []
    if gain.badge is not None:
        won.append((f"badge/{gain.badge}", promised.key))
    return Grant(
        partner_id=promised.partner_id,
        key=promised.key,
        key_owner=INTERNAL,
        fingerprint=hashlib.sha256(promised.key.encode()).digest(),
        occurred_at=promised.at,
        member_id=promised.member_id,
        points=gain.points or 0,
        reward=gain.reward,
        reason=promised.reason,
        about=promised.about,
        in_force=in_force,
        change=Change(awards={name: [Award(period=period, day=day)] for name, period in won}),
        valid_until=_end(in_force.version, promised.last_day),
        uses=((*promised.cap, gain.points or 0),) if promised.cap else (),
    )


def _end(version: Version, last_day: date | None) -> datetime | None:
    return None if last_day is None else day_ends(last_day, version.zone, version.day_starts)


async def _keep(db: Database, teller: Asks, programmes: Programmes, now: datetime, row: asyncpg.Record) -> None:
    promised = _promise(row)
    try:
        in_force = await programmes.in_force(promised.partner_id, promised.at)
        answer = await teller.ask(grant_of(promised, in_force))
    except CommonpointError as error:
        await _put_off(db, now, row, error)
        return
    async with db.unit() as unit:
        await unit.connection.execute(
            "UPDATE promise SET journal_id = $2 WHERE key = $1 AND journal_id IS NULL", row["key"], answer.outcome.id
        )


async def _put_off(db: Database, now: datetime, row: asyncpg.Record, error: CommonpointError) -> None:
    """For good if it can never be given; to the next day if it may (a frozen account); else it stays due."""
    last = row["attempts"] + 1 >= MOST_ATTEMPTS
    never = isinstance(error, CapReached | NotFound | Invalid) or (last and isinstance(error, Conflict | Forbidden))
    if not never and not isinstance(error, Conflict | Forbidden):
        log.warning("promise.put_off", key=row["key"], code=error.code)
        return
    async with db.unit() as unit:
        await unit.connection.execute(
            "UPDATE promise SET attempts = attempts + 1, due = $2, refused = $3"
            " WHERE key = $1 AND attempts = $4 AND journal_id IS NULL AND refused IS NULL",
            row["key"],
            now + AGAIN_AFTER,
            error.code if never else None,
            row["attempts"],
        )


def _promise(row: asyncpg.Record) -> Promise:
    return Promise(
        key=row["key"],
        member_id=row["member_id"],
        partner_id=row["partner_id"],
        at=row["at"],
        gain=Gain(points=row["points"] or None, reward=row["reward"], badge=row["badge"]),
        reason=row["reason"],
        about=row["about"],
        cap=(row["cap_id"], row["cap_size"]) if row["cap_id"] else None,
        last_day=row["last_day"],
        award=(row["award"], row["period"]) if row["award"] else None,
    )
