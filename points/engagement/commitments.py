"""Commitments: a seed per surprise or game and month, its hash published before the window, itself after it."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import asyncpg

from kernel.clock import Clock
from kernel.database import Connection, Database, Unit
from kernel.errors import NotFound
from kernel.ids import new_id
from points.engagement.draws import SEED_BYTES, commitment
from points.engagement.ports import Programmes
from points.programme.periods import day_begins, first_of, last_of, name_of
from points.programme.version import InForce, Version

Kind = Literal["surprise", "game"]

_BY_PERIOD = "SELECT id FROM commitment WHERE programme = $1 AND kind = $2 AND name = $3 AND period = $4"


class CommitmentUnknown(NotFound):
    """There is no such commitment."""

    code = "commitment_unknown"
    title = "Commitment not found"


@dataclass(frozen=True, slots=True)
class Commitment:
    """A commitment as everybody may see it; `seed` (hex) only when its window is over."""

    id: str
    programme: str
    kind: str
    name: str
    period: str
    hash: str
    published_at: datetime
    opens: datetime
    closes: datetime
    seed: str | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """One draw: `outcome` is what the seed gives (None: nothing), `instead` what was given in its place and why."""

    subject: str
    outcome: str | None
    instead: str | None
    at: datetime


async def ensure(connection: Connection, version: Version, kind: Kind, name: str, day: date, now: datetime) -> str:
    """The id of the commitment for the month that `day` is in, made now if there is none. Its window opens with the
    month, but never before it is published."""
    key = (version.programme.programme, kind, name, name_of(day, "month"))
    known: str | None = await connection.fetchval(_BY_PERIOD, *key)
    if known is not None:
        return known
    first, last = first_of(day, "month"), last_of(day, "month")
    seed = secrets.token_bytes(SEED_BYTES)
    await connection.execute(
        "INSERT INTO commitment"
        " (id, programme, kind, name, period, hash, seed, published_at, opens, closes, looked_seq)"
        " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, coalesce(max(seq), 0) FROM journal"
        " ON CONFLICT (programme, kind, name, period) DO NOTHING",
        new_id("cmt"),
        *key,
        commitment(seed),
        seed,
        now,
        max(now, day_begins(first, version.zone, version.day_starts)),
        day_begins(last + timedelta(days=1), version.zone, version.day_starts),
    )
    made: str = await connection.fetchval(_BY_PERIOD, *key)
    return made


async def run_due(db: Database, programmes: Programmes, clock: Clock) -> None:
    """Publish the commitments of this month and the next for every surprise and game that is in force."""
    now = clock.now()
    seen: set[str] = set()
    for partner_id in await programmes.partners():
        version = (await programmes.in_force(partner_id, now)).version
        if version.id in seen:
            continue
        seen.add(version.id)
        async with db.unit() as unit:
            await _publish(unit, version, now)


async def current(unit: Unit, in_force: InForce, kind: Kind, name: str, now: datetime) -> asyncpg.Record:
    """The commitment that is open now, its row locked; it is published at once if the daily work has not done it."""
    version = in_force.version
    commitment_id = await ensure(unit.connection, version, kind, name, version.day(now), now)
    row = await unit.connection.fetchrow("SELECT * FROM commitment WHERE id = $1 FOR UPDATE", commitment_id)
    assert row is not None
    return row


async def shown(connection: Connection, commitment_id: str, now: datetime) -> Commitment:
    """One commitment. Raises CommitmentUnknown."""
    row = await connection.fetchrow("SELECT * FROM commitment WHERE id = $1", commitment_id)
    if row is None:
        raise CommitmentUnknown("There is no such commitment.")
    return _commitment(row, now)


async def listed(connection: Connection, kind: Kind, programme: str, name: str, now: datetime) -> list[Commitment]:
    """The commitments of a surprise or game, newest first, at most those of ten years."""
    rows = await connection.fetch(
        "SELECT * FROM commitment WHERE programme = $1 AND kind = $2 AND name = $3 ORDER BY opens DESC LIMIT 120",
        programme,
        kind,
        name,
    )
    return [_commitment(row, now) for row in rows]


async def draws_of(connection: Connection, commitment_id: str, after: str, limit: int) -> list[Drawn]:
    """The draws under a commitment in the order of their subjects, for anybody to repeat."""
    rows = await connection.fetch(
        "SELECT subject, outcome, instead, at FROM draw WHERE commitment_id = $1 AND subject > $2"
        " ORDER BY subject LIMIT $3",
        commitment_id,
        after,
        limit,
    )
    return [Drawn(**row) for row in rows]


async def _publish(unit: Unit, version: Version, now: datetime) -> None:
    engagement = version.programme.engagement
    today = version.day(now)
    names: list[tuple[Kind, str]] = [
        *(("surprise", surprise.id) for surprise in engagement.surprises),
        *(("game", game.id) for game in engagement.games),
    ]
    for kind, name in names:
        for day in (today, last_of(today, "month") + timedelta(days=1)):
            await ensure(unit.connection, version, kind, name, day, now)


def _commitment(row: asyncpg.Record, now: datetime) -> Commitment:
    return Commitment(
        id=row["id"],
        programme=row["programme"],
        kind=row["kind"],
        name=row["name"],
        period=row["period"],
        hash=row["hash"],
        published_at=row["published_at"],
        opens=row["opens"],
        closes=row["closes"],
        seed=row["seed"].hex() if now >= row["closes"] else None,
    )
