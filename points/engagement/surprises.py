"""Surprises: each purchase in a commitment's window is drawn once, and a win is paid while the budget lasts.

Purchases are drawn in the order of the ledger, by one process at a time for each commitment, so that when a budget runs
short it is the earlier winners who are paid. The budget itself is held by the ledger: a grant that would exceed it is
refused, however many come at once.
"""

from datetime import datetime
from fractions import Fraction

import asyncpg

from kernel.clock import Clock
from kernel.database import Connection, Database
from points.engagement import promises
from points.engagement.draws import won
from points.engagement.ports import Asks, Programmes
from points.engagement.promises import Promise, promise
from points.programme.periods import name_of
from points.programme.schema.engagement import Gain, Surprise
from points.programme.version import InForce, Version

AT_ONCE = 500
# Entries get their number before they are committed: those that others were writing a moment ago may still come in
# below what was looked at.
STILL_COMING = 10_000

_OPEN = "SELECT id FROM commitment WHERE kind = 'surprise' AND NOT finished AND opens <= $1 ORDER BY id"

_LOCK = "SELECT * FROM commitment WHERE id = $1 AND NOT finished FOR UPDATE SKIP LOCKED"

_PURCHASES = f"""
SELECT journal.id, journal.seq, coalesce(by_member_id, journal.member_id) AS member_id, partner_id, recorded_at
FROM journal
WHERE seq > $2 AND recorded_at >= $3 AND recorded_at < $4 AND kind = 'earn' AND amount_minor > 0
AND coalesce(facts->'event'->>'name', 'purchase') = 'purchase'
AND NOT EXISTS (SELECT 1 FROM draw WHERE draw.commitment_id = $1 AND draw.subject = journal.id)
ORDER BY seq LIMIT {AT_ONCE}
"""


async def run_due(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> None:
    """Draw what was bought since the last time and pay the wins."""
    async with db.read() as read:
        rows = await read.connection.fetch(_OPEN, clock.now())
    for row in rows:
        while keys := await _draw(db, programmes, clock.now(), row["id"]):
            await promises.keep(db, teller, programmes, clock, [key for key in keys if key])


def surprise_of(in_force: InForce, programme: str, name: str) -> Surprise | None:
    """The surprise by that name, if the programme in force is that one and has it."""
    content = in_force.version.programme
    if content.programme != programme:
        return None
    return next((surprise for surprise in content.engagement.surprises if surprise.id == name), None)


def budget_of(version: Version, surprise: Surprise, at: datetime) -> tuple[str, int] | None:
    """The cap (id, points) that a win at a moment is taken from; None if there is no limit."""
    budget, unit = surprise.budget, version.programme.unit
    sizes = [budget.points] if budget.points is not None else []
    if budget.money is not None and unit.value:
        sizes.append(int(Fraction(budget.money) / Fraction(unit.value)))
    if not sizes:
        return None
    period = name_of(version.day(at), budget.per)
    return f"{version.programme.programme}/surprise/{surprise.id}/points/{period}", min(sizes)


async def _draw(db: Database, programmes: Programmes, now: datetime, commitment_id: str) -> list[str]:
    """Draw the next purchases: a key for each that won, an empty text for each that did not; nothing if all are drawn
    (or another process is drawing)."""
    async with db.unit() as unit:
        row = await unit.connection.fetchrow(_LOCK, commitment_id)
        if row is None:
            return []
        bought = await unit.connection.fetch(
            _PURCHASES, commitment_id, max(0, row["looked_seq"] - STILL_COMING), row["opens"], row["closes"]
        )
        keys = [await _draw_one(unit.connection, programmes, now, row, purchase) for purchase in bought]
        # A window that closed a day ago has no purchases on their way any more.
        over = not bought and (now - row["closes"]).days >= 1
        await unit.connection.execute(
            "UPDATE commitment SET looked_seq = greatest(looked_seq, $2), finished = $3 WHERE id = $1",
            commitment_id,
            max((purchase["seq"] for purchase in bought), default=0),
            over,
        )
    return keys


async def _draw_one(
    connection: Connection, programmes: Programmes, now: datetime, row: asyncpg.Record, purchase: asyncpg.Record
) -> str:
    in_force = await programmes.in_force(purchase["partner_id"], purchase["recorded_at"])
    surprise = surprise_of(in_force, row["programme"], row["name"])
    wins = surprise is not None and won(row["seed"], purchase["id"], Fraction(surprise.chance))
    await connection.execute(
        "INSERT INTO draw (commitment_id, subject, member_id, outcome, instead, at) VALUES ($1, $2, $3, $4, $5, $6)",
        row["id"],
        purchase["id"],
        purchase["member_id"],
        "won" if wins else None,
        None if surprise else "not_offered",
        purchase["recorded_at"],
    )
    if surprise is None or not wins:
        return ""
    key = f"surprise/{row['id']}/{purchase['id']}"
    gift = Promise(
        key=key,
        member_id=purchase["member_id"],
        partner_id=purchase["partner_id"],
        at=purchase["recorded_at"],
        gain=Gain(points=surprise.points),
        reason="surprise",
        about=purchase["id"],
        cap=budget_of(in_force.version, surprise, purchase["recorded_at"]),
    )
    await promise(connection, now, [gift])
    return key
