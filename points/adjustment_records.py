"""Corrections by hand in the database: what was asked, by whom, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import asyncpg

from kernel.bulk import insert_many
from kernel.database import Connection, Unit
from kernel.errors import NotFound
from kernel.ids import new_id
from points.adjustment_tables import AdjustmentRow
from points.answers import KeyReused
from points.tables import Idempotency

Role = Literal["cashier", "manager", "operator"]
State = Literal["waiting", "asked", "done", "refused"]

_FIELDS = (
    "id", "member_id", "partner_id", "location_id", "points", "reason", "actor", "actor_key", "role", "state",
    "asked_at",
)  # fmt: skip
_COLUMNS = (
    "id, member_id, partner_id, location_id, points, reason, actor, actor_key, role, state, approver, approver_key,"
    " journal_id, refusal, asked_at, decided_at"
)
_LIST = f"""
SELECT {_COLUMNS} FROM adjustment
WHERE ($1::text IS NULL OR partner_id = $1) AND ($2::text IS NULL OR state = $2)
  AND ($3::text IS NULL OR id < $3) AND ($4::text IS NULL OR id > $4)
ORDER BY id {{direction}} LIMIT $5
"""


class UnknownAdjustment(NotFound):
    """No such request, or not of this partner."""

    code = "unknown_adjustment"
    title = "No such adjustment"


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts, with which API key; `member_id` is the membership of their own, if any."""

    id: str
    role: Role
    key_id: str
    member_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is asked: `points` to add, or negative to take. `key_owner`, `key` and `fingerprint` are the request's."""

    member_id: str
    partner_id: str
    points: int
    reason: str
    key_owner: str
    key: str
    fingerprint: bytes
    location_id: str | None = None


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A request and what became of it; the fields as in `points.adjustment_tables`."""

    id: str
    member_id: str
    partner_id: str
    location_id: str | None
    points: int
    reason: str
    actor: str
    actor_key: str
    role: Role
    state: State
    approver: str | None
    approver_key: str | None
    journal_id: str | None
    refusal: str | None
    asked_at: datetime
    decided_at: datetime | None


async def adjustment(connection: Connection, adjustment_id: str) -> Adjustment:
    """The request as it is now. Raises UnknownAdjustment."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM adjustment WHERE id = $1", adjustment_id)
    if row is None:
        raise UnknownAdjustment("There is no such adjustment.")
    return _adjustment(row)


async def adjustments(
    connection: Connection,
    partner_id: str | None,
    state: str | None,
    limit: int,
    after: str | None = None,
    before: str | None = None,
) -> Sequence[Adjustment]:
    """Up to `limit` requests of a partner (None: of all), the newest first; with `after` the older ones that follow it,
    else with `before` the newer ones just before it."""
    backwards = after is None and before is not None
    sql = _LIST.format(direction="ASC" if backwards else "DESC")
    found = [_adjustment(row) for row in await connection.fetch(sql, partner_id, state, after, before, limit)]
    return found[::-1] if backwards else found


async def known_request(unit: Unit, asked: Correction) -> Adjustment | None:
    """The request that this key stands for, if any. Raises KeyReused."""
    row = await unit.connection.fetchrow(
        "SELECT fingerprint, effect_id FROM idempotency WHERE partner_id = $1 AND key = $2", asked.key_owner, asked.key
    )
    if row is None:
        return None
    if row["fingerprint"] != asked.fingerprint:
        raise KeyReused("This Idempotency-Key was used with other content; use a new key for a new request.")
    return await adjustment(unit.connection, row["effect_id"])


async def write_request(unit: Unit, asked: Correction, actor: Person, state: State, now: datetime) -> Adjustment:
    """The request and its key; the one that is there if the same request came at the same moment. Raises KeyReused."""
    made = new_id("adq")
    key = ("partner_id", "key", "fingerprint", "effect_id", "answer")
    taken = await unit.connection.execute(
        insert_many(Idempotency, key) + " ON CONFLICT (partner_id, key) DO NOTHING",
        [asked.key_owner], [asked.key], [asked.fingerprint], [made], [b""],
    )  # fmt: skip
    if taken != "INSERT 0 1":  # the same request at the same moment: the other one's is the one
        known = await known_request(unit, asked)
        assert known is not None, "whoever took the key wrote its request in the same transaction"
        return known
    row: dict[str, Any] = {
        "id": made, "member_id": asked.member_id, "partner_id": asked.partner_id, "location_id": asked.location_id,
        "points": asked.points, "reason": asked.reason.strip(), "actor": actor.id, "actor_key": actor.key_id,
        "role": actor.role, "state": state, "asked_at": now,
    }  # fmt: skip
    await unit.connection.execute(insert_many(AdjustmentRow, _FIELDS), *([row[name]] for name in _FIELDS))
    return await adjustment(unit.connection, made)


async def locked_request(unit: Unit, adjustment_id: str) -> Adjustment:
    """The request, locked until the unit ends. Raises UnknownAdjustment."""
    await unit.connection.execute("SELECT FROM adjustment WHERE id = $1 FOR UPDATE", adjustment_id)
    return await adjustment(unit.connection, adjustment_id)


async def decided(
    unit: Unit, known: Adjustment, state: State, approver: Person, now: datetime, refusal: str | None = None
) -> Adjustment:
    """What the second person said."""
    row = await unit.connection.fetchrow(
        "UPDATE adjustment SET state = $2, approver = $3, approver_key = $4, refusal = $5,"
        f" decided_at = $6 WHERE id = $1 RETURNING {_COLUMNS}",
        known.id, state, approver.id, approver.key_id, refusal, now,
    )  # fmt: skip
    assert row is not None, "the row is locked"
    return _adjustment(row)


async def ended(
    unit: Unit, adjustment_id: str, state: State, journal_id: str | None, refusal: str | None, now: datetime
) -> Adjustment:
    """What the ledger said; what is done stays done, whoever comes later with an older answer."""
    await unit.connection.execute(
        "UPDATE adjustment SET state = $2, journal_id = $3, refusal = $4, decided_at = $5"
        " WHERE id = $1 AND state <> 'done'",
        adjustment_id, state, journal_id, refusal, now,
    )  # fmt: skip
    return await adjustment(unit.connection, adjustment_id)


def _adjustment(row: asyncpg.Record) -> Adjustment:
    return Adjustment(**row)
