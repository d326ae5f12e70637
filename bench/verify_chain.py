"""Verifying the hash chain: how many entries a second are read back, recomputed and compared.

    python -m bench.verify_chain [journals]

The ledger is made up and loaded in bulk: purchases with facts of the usual size, every fifth journal a redemption from
two lots. Database and verification share the machine.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from api.migrations import migrate
from kernel.database import Connection, Database
from kernel.embedded import ensure_database, start_embedded, stop_embedded
from points.hashchain import ALLOCATION, ENTRY, JOURNAL, LOT, NOTHING, Content, Row, canonical_facts, digests
from points.verifying import verify

PER_BATCH = 64
ROUNDS = 3
_START = datetime(2026, 3, 1, 12, tzinfo=UTC)
_COPIED = {
    "journal": (*JOURNAL, "occurred_at", "recorded_at", "facts", "digest", "height", "place"),
    "entry": ("journal_id", *ENTRY),
    "lot": ("journal_id", *LOT, "remaining"),
    "allocation": ("journal_id", *ALLOCATION),
    "seal": ("height", "digest", "hash", "journals"),
    "chain_head": ("id", "height", "hash"),
}


async def main(journals: int) -> None:
    with tempfile.TemporaryDirectory(prefix="commonpoint-bench-", ignore_cleanup_errors=True) as folder:
        server = start_embedded(Path(folder) / "postgres")
        try:
            url = await ensure_database(server, "commonpoint")
            await migrate(url)
            database = await Database.connect(url)
            try:
                await _load(database, journals)
                await _measure(database)
            finally:
                await database.close()
        finally:
            stop_embedded(Path(folder) / "postgres")


async def _measure(database: Database) -> None:
    best = 0.0
    for _ in range(ROUNDS):
        began, cpu = time.perf_counter(), time.process_time()
        async with database.read() as read:
            report = await verify(read.connection)
        took, used = time.perf_counter() - began, time.process_time() - cpu
        assert report.broken is None, report.broken
        best = max(best, report.entries / took)
    print(f"entries a second                 {best:8.0f}   the best of {ROUNDS} rounds")
    print(f"journals, entries                {report.journals:8d}   {report.entries}")
    print(f"CPU per entry, verification      {1e6 * used / report.entries:8.1f} us")


async def _load(database: Database, journals: int) -> None:
    head = NOTHING
    rows: dict[str, list[Row]] = {table: [] for table in _COPIED}
    async with database.unit() as unit:
        for height, first in enumerate(range(0, journals, PER_BATCH), start=1):
            head = _batch(rows, height, range(first, min(first + PER_BATCH, journals)), head)
            if len(rows["journal"]) > 20_000:
                await _copy(unit.connection, rows)
        rows["chain_head"].append((1, height, head))
        await _copy(unit.connection, rows)
    async with database.read() as read:
        size = await read.connection.fetchval("SELECT pg_database_size(current_database())")
    print(f"database                         {size / 2**20:8.0f} MB")
    connection = await database.dedicated()
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def _copy(connection: Connection, rows: dict[str, list[Row]]) -> None:
    for table, columns in _COPIED.items():
        await connection.copy_records_to_table(table, records=rows[table], columns=columns)
        rows[table].clear()


def _batch(rows: dict[str, list[Row]], height: int, numbers: Sequence[int], head: bytes) -> bytes:
    contents = [_redemption(number) if number % 5 == 4 else _purchase(number) for number in numbers]
    chain = digests(contents)
    for place, (content, digest) in enumerate(zip(contents, chain, strict=True), start=1):
        id_ = content.journal[0]
        moments = (content.occurred_at, content.recorded_at)
        rows["journal"].append((*content.journal, *moments, content.facts.decode(), digest, height, place))
        rows["entry"].extend((id_, *entry) for entry in content.entries)
        rows["lot"].extend((id_, *lot, 0) for lot in content.lots)
        rows["allocation"].extend((id_, *allocation) for allocation in content.allocations)
    head = sha256(head + chain[-1]).digest()
    rows["seal"].append((height, chain[-1], head, len(contents)))
    return head


def _purchase(number: int) -> Content:
    id_, member, moment = f"jrn_{number:026}", f"mbr_{number % 9973:026}", _START + timedelta(seconds=number)
    amount, points = 500 + number % 4001, 5 + number % 40
    journal = (id_, "earn", member, "ptn_a", "loc_a", points, amount, "EUR", None, None, None)
    entries = [("ptn_a/issued", member, -points), (f"{member}/spendable", member, points)]
    lot = (f"lot_{number:026}", member, "ptn_a", points, moment, "v" * 64, None)
    return Content(journal, moment, moment, canonical_facts(_facts(amount, points)), entries, [lot])


def _redemption(number: int) -> Content:
    id_, member, moment = f"jrn_{number:026}", f"mbr_{number % 9973:026}", _START + timedelta(seconds=number)
    journal = (id_, "redeem", member, "ptn_b", "loc_b", 9, None, None, None, None, None)
    entries = [(f"{member}/spendable", member, -9), ("ptn_b/accepted", member, 9)]
    used = [
        (f"alc_{number:024}_{n}", f"lot_{number - n:026}", member, "ptn_a", "ptn_b", 2 + n, "honoured") for n in (1, 4)
    ]
    return Content(journal, moment, moment, canonical_facts({"points": 9}), entries, (), (), used)


def _facts(amount: int, points: int) -> dict[str, Any]:
    """What a purchase pins: version, event, context, and the change of the standing."""
    lines = [{"amount_minor": amount // 2, "sku": "4006381333931", "category": "coffee"}, {"amount_minor": amount // 2}]
    return {
        "version": "v" * 64,
        "event": {"amount_minor": amount, "lines": lines, "subject": "order-1"},
        "context": {"partner": "ptn_a", "at": "2026-03-01T12:00:00Z", "tier": "gold", "nth": {"coffee": 3}},
        "parts": [{"rule": "base", "exact": [amount, 100], "points": points}],
        "change": {
            "counts": {"purchases": {739000: 1}, "spend": {739000: amount}, "points": {739000: points}},
            "carries": {"ptn_a/base": [amount % 100, 100]},
        },
    }


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000))
