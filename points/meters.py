"""Meters in the database: rows that are locked while a limit is judged, so that of many at once exactly as many pass.

They follow accounts and caps in the order of locking. Only programmes with limits have any.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

import msgspec

from kernel.database import Connection, Database
from points.programme.velocity import Meter, Watch

MOST_AT_ONCE: Final = 5000

# Made if need be, locked, and read as they are then, in the order of their ids.
_LOCK = """
INSERT INTO meter (id) SELECT id FROM unnest($1::text[]) AS id ORDER BY id
ON CONFLICT (id) DO UPDATE SET changed_at = meter.changed_at RETURNING id, slots
"""
_LOOK = "SELECT id, slots FROM meter WHERE id = ANY($1::text[])"
_WRITE = """
UPDATE meter SET slots = new.slots, changed_at = greatest(meter.changed_at, clock_timestamp())
FROM unnest($1::text[], $2::jsonb[]) AS new (id, slots) WHERE meter.id = new.id
"""
_FORGET = """
DELETE FROM meter WHERE id IN (
    SELECT id FROM meter WHERE changed_at < clock_timestamp() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


async def read_meters(connection: Connection, asked: Mapping[str, Watch], *, holding: bool = True) -> dict[str, Meter]:
    """The meters by id, locked until the transaction ends; without `holding` a look at a snapshot."""
    if not asked:
        return {}
    rows = await connection.fetch(_LOCK if holding else _LOOK, sorted(asked))
    meters = {meter_id: watch.meter(meter_id) for meter_id, watch in asked.items()}
    for row in rows:
        meters[row["id"]].slots = msgspec.convert(row["slots"], dict[int, tuple[int, int]], strict=False)
    return meters


async def write_meters(connection: Connection, meters: Iterable[Meter]) -> None:
    """Write what the meters say now."""
    told = [(meter.id, msgspec.json.encode(meter.slots).decode()) for meter in meters]
    if told:
        await connection.execute(_WRITE, [meter_id for meter_id, _ in told], [slots for _, slots in told])


async def forget_meters(db: Database, unused_for: timedelta = timedelta(days=400)) -> int:
    """Delete meters on which nothing was counted for longer than any sensible limit looks back; how many. At most
    MOST_AT_ONCE: ask again while there are as many."""
    async with db.unit() as unit:
        status = await unit.connection.execute(_FORGET, unused_for, MOST_AT_ONCE)
    return int(status.rpartition(" ")[2])
