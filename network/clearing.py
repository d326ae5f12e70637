"""Clearing cycles: closed sets of obligations, netted to one amount per party.

An obligation is in exactly one cycle. Closing is one transaction under a lock, so of two who close at once one gets the
cycle and the other NothingToClear; a repeat after a lost answer makes no empty cycle either. Each cycle's content hash
covers its obligations, its positions and the hash of the cycle before, so that anybody who keeps one hash can prove
that nothing before it was changed.
"""

import hashlib
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from kernel.bulk import columns_of, insert_many
from kernel.clock import Clock
from kernel.database import Connection, Database
from kernel.errors import Conflict, NotFound
from kernel.ids import is_id, new_id
from kernel.money import micros_per_minor
from network.netting import Flow, Position, net
from network.tables import NetPositionRow

_CLOSE_LOCK = 0x636C656172
_STREAM_ROWS = 2000

_HEAD = "id, number, currency, closed_at, obligations, content_hash"
_POSITION = ("party_id", "pays_micros", "gets_micros", "carried_in_micros", "net_minor", "carry_micros")

_TAKE = """
WITH taken AS (
    UPDATE obligation SET cycle_id = $1 WHERE cycle_id IS NULL AND currency = $2
    RETURNING issuer_id, acceptor_id, issuer_micros, acceptor_micros
)
SELECT issuer_id, acceptor_id, sum(issuer_micros)::numeric AS issuer_micros,
       sum(acceptor_micros)::numeric AS acceptor_micros, count(*) AS obligations
FROM taken GROUP BY issuer_id, acceptor_id
"""

_CONTENT = """
SELECT allocation_id, issuer_id, acceptor_id, points, issuer_micros, acceptor_micros
FROM obligation WHERE cycle_id = $1 ORDER BY allocation_id COLLATE "C"
"""


class NothingToClear(Conflict):
    """No obligation is open, so there is no cycle to close."""

    code = "nothing_to_clear"
    title = "Nothing to clear"


class CycleUnknown(NotFound):
    """There is no such clearing cycle, or not for this caller."""

    code = "clearing_cycle_unknown"
    title = "Clearing cycle not found"


@dataclass(frozen=True, slots=True)
class Cycle:
    """A closed cycle; `content_hash` is SHA-256 in hex."""

    id: str
    number: int
    currency: str
    closed_at: datetime
    obligations: int
    content_hash: str
    positions: tuple[Position, ...] = ()


async def close_cycle(db: Database, clock: Clock) -> Cycle:
    """Close all open obligations into a new cycle. Raises NothingToClear."""
    async with db.unit() as unit:
        connection = unit.connection
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _CLOSE_LOCK)
        currency = await connection.fetchval(
            "SELECT currency FROM obligation WHERE cycle_id IS NULL ORDER BY recorded_at, id LIMIT 1"
        )
        if currency is None:
            raise NothingToClear("No obligation is open.")
        cycle_id = new_id("cyc")
        pairs = await connection.fetch(_TAKE, cycle_id, currency)
        positions = net(
            [Flow(p["issuer_id"], p["acceptor_id"], int(p["issuer_micros"]), int(p["acceptor_micros"])) for p in pairs],
            await _carried(connection, currency),
            micros_per_minor(currency),
        )
        last = await connection.fetchval("SELECT max(number) FROM clearing_cycle") or 0
        taken = sum(pair["obligations"] for pair in pairs)
        cycle = Cycle(cycle_id, last + 1, currency, clock.now(), taken, "", tuple(positions))
        return await _keep(connection, cycle)


async def cycle(connection: Connection, cycle_id: str, only_party: str | None = None) -> Cycle:
    """One cycle with its positions; `only_party` shows one party's alone. Raises CycleUnknown."""
    row = None
    if is_id(cycle_id, "cyc"):
        row = await connection.fetchrow(f"SELECT {_HEAD} FROM clearing_cycle WHERE id = $1", cycle_id)
    if row is None:
        raise CycleUnknown("There is no such clearing cycle.")
    rows = await connection.fetch(
        f"SELECT {', '.join(_POSITION)} FROM net_position"
        ' WHERE cycle_id = $1 AND ($2::text IS NULL OR party_id = $2) ORDER BY party_id COLLATE "C"',
        cycle_id,
        only_party,
    )
    return replace(Cycle(*row), positions=tuple(Position(*position) for position in rows))


async def cycle_window(connection: Connection, after: str | None, before: str | None, limit: int) -> list[Cycle]:
    """Up to `limit` cycles next to a place in id order, in id order, without their positions."""
    backwards = after is None and before is not None
    rows = await connection.fetch(
        f"SELECT {_HEAD} FROM clearing_cycle WHERE ($1::text IS NULL OR id > $1) AND ($2::text IS NULL OR id < $2)"
        f" ORDER BY id {'DESC' if backwards else 'ASC'} LIMIT $3",
        after,
        before,
        limit,
    )
    found = [Cycle(*row) for row in rows]
    return found[::-1] if backwards else found


async def verify_cycle(connection: Connection, cycle_id: str) -> bool:
    """Whether obligations and positions still are what the cycle was closed with. Raises CycleUnknown."""
    kept = await cycle(connection, cycle_id)
    return await _content_hash(connection, kept) == kept.content_hash


async def _carried(connection: Connection, currency: str) -> dict[str, int]:
    """What the last cycle in this currency left below a minor unit."""
    rows = await connection.fetch(
        "SELECT party_id, carry_micros FROM net_position WHERE carry_micros <> 0 AND cycle_id ="
        " (SELECT id FROM clearing_cycle WHERE currency = $1 ORDER BY number DESC LIMIT 1)",
        currency,
    )
    return {row["party_id"]: row["carry_micros"] for row in rows}


async def _keep(connection: Connection, cycle: Cycle) -> Cycle:
    content_hash = await _content_hash(connection, cycle)
    await connection.execute(
        f"INSERT INTO clearing_cycle ({_HEAD}) VALUES ($1, $2, $3, $4, $5, $6)",
        cycle.id,
        cycle.number,
        cycle.currency,
        cycle.closed_at,
        cycle.obligations,
        content_hash,
    )
    rows = [(cycle.id, *astuple(position)) for position in cycle.positions]
    columns = ("cycle_id", *_POSITION)
    await connection.execute(insert_many(NetPositionRow, columns), *columns_of(rows, len(columns)))
    return replace(cycle, content_hash=content_hash)


async def _content_hash(connection: Connection, cycle: Cycle) -> str:
    """SHA-256 over one JSON array per line: the head with the previous hash, the obligations, the positions."""
    previous = await connection.fetchval("SELECT content_hash FROM clearing_cycle WHERE number = $1", cycle.number - 1)
    digest = hashlib.sha256(
        _line([previous or "", cycle.id, cycle.number, cycle.currency, cycle.closed_at.isoformat(), cycle.obligations])
    )
    async for row in connection.cursor(_CONTENT, cycle.id, prefetch=_STREAM_ROWS):
        digest.update(_line(tuple(row)))
    for position in cycle.positions:
        digest.update(_line(astuple(position)))
    return digest.hexdigest()


def _line(values: Any) -> bytes:
    return msgspec.json.encode(values) + b"\n"
