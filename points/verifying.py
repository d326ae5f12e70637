"""Recomputes the hash chain over the whole ledger and names the first entry that is not as it was written."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from hashlib import sha256

import asyncpg

from kernel.database import Connection
from points.hashchain import (
    ALLOCATION,
    ARREAR,
    ENTRY,
    JOURNAL,
    LOT,
    NOTHING,
    Content,
    Row,
    canonical_text,
    digest_after,
)

# How many seals are read at once, and about how many journals: few, so that the garbage collector has little to walk.
_SEALS = 1_000
_JOURNALS = 500

_READ_SEALS = "SELECT height, digest, hash, journals FROM seal WHERE height > $1 ORDER BY height LIMIT $2"
_READ_JOURNALS = f"""
SELECT height, place, id, digest, facts::text, occurred_at, recorded_at, {", ".join(JOURNAL)} FROM journal
WHERE height > $1 AND height <= $2 AND height > 0 ORDER BY height, place, id
"""
_BESIDE = 7  # columns before those that the digest covers as a row
_PARTS = {"entry": ENTRY, "lot": LOT, "arrear": ARREAR, "allocation": ALLOCATION}
_READ_PARTS = tuple(
    f"SELECT journal_id, {', '.join(columns)} FROM {table} WHERE journal_id = ANY($1::text[])"
    for table, columns in _PARTS.items()
)
_OUTSIDE = "SELECT id FROM journal WHERE height <= 0 OR height > $1 ORDER BY id LIMIT 1"
_HOMELESS = """
SELECT journal_id FROM {table} WHERE NOT EXISTS (SELECT FROM journal WHERE journal.id = journal_id)
ORDER BY journal_id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Head:
    """How far the chain goes: write it down somewhere else, and nobody can cut off or rewrite what is below it."""

    height: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.height}:{self.hash.hex()}"


@dataclass(frozen=True, slots=True)
class Broken:
    """The first thing that is not as it was written: a journal if one can be named, its batch and place, and why."""

    says: str
    height: int
    place: int | None = None
    journal_id: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """How much was read (journals, entries) up to `head`, and what is broken, if anything is."""

    journals: int
    entries: int
    head: Head
    broken: Broken | None = None


class _Found(Exception):
    def __init__(self, says: str, height: int, place: int | None = None, journal_id: str | None = None) -> None:
        super().__init__(says)
        self.broken = Broken(says, height, place, journal_id)


@dataclass(frozen=True, slots=True)
class _Block:
    """Some seals, the journals that they close by height, and what belongs to those by id; how many entries."""

    seals: Sequence[asyncpg.Record]
    batches: Mapping[int, Sequence[asyncpg.Record]]
    parts: Sequence[Mapping[str, list[Row]]]
    entries: int


@dataclass(slots=True)
class _Reader:
    """How far the chain was followed."""

    connection: Connection
    height: int = 0
    hash: bytes = NOTHING
    journals: int = 0
    entries: int = 0


async def verify(
    connection: Connection, noted: Head | None = None, progress: Callable[[int], None] | None = None
) -> Report:
    """Read the chain from its beginning inside one snapshot, about `_JOURNALS` journals at a time.

    `noted` is a head written down earlier, which the chain must still contain. `progress` is called with how many
    journals were read since the last call.
    """
    reader = _Reader(connection)
    broken = None
    try:
        async with aclosing(_ahead(connection)) as blocks:
            async for block in blocks:
                before = reader.journals
                await _follow(reader, block)
                if progress is not None:
                    progress(reader.journals - before)
        await _nothing_besides(reader, noted)
    except _Found as found:
        broken = found.broken
    return Report(reader.journals, reader.entries, Head(reader.height, reader.hash), broken)


async def _ahead(connection: Connection) -> AsyncGenerator[_Block, None]:
    """Blocks in order, the next one being read while the last one is looked at."""
    seals = _seals(connection)
    reading = asyncio.create_task(_block(connection, seals))
    try:
        while (block := await reading) is not None:
            reading = asyncio.create_task(_block(connection, seals))
            yield block
    finally:
        await asyncio.wait([reading])


async def _seals(connection: Connection) -> AsyncGenerator[Sequence[asyncpg.Record], None]:
    """Seals in order, as many at once as close about `_JOURNALS` journals."""
    last = 0
    while seals := await connection.fetch(_READ_SEALS, last, _SEALS):
        block: list[asyncpg.Record] = []
        journals = 0
        for seal in seals:
            block.append(seal)
            journals += seal["journals"]
            if journals >= _JOURNALS:
                yield block
                block, journals = [], 0
        if block:
            yield block
        last = seals[-1]["height"]


async def _block(connection: Connection, seals: AsyncGenerator[Sequence[asyncpg.Record], None]) -> _Block | None:
    """The next seals with everything that they close."""
    closed = await anext(seals, None)
    if closed is None:
        return None
    rows = await connection.fetch(_READ_JOURNALS, closed[0]["height"] - 1, closed[-1]["height"])
    ids = [row["id"] for row in rows]
    parts = [await connection.fetch(sql, ids) for sql in _READ_PARTS]
    return _Block(closed, _by_height(rows), [_by_journal(part) for part in parts], len(parts[0]))


async def _follow(reader: _Reader, block: _Block) -> None:
    for seal in block.seals:
        if seal["height"] != reader.height + 1:
            raise _Found("the seal of a batch is missing", reader.height + 1)
        batch = block.batches.get(seal["height"], [])
        digest = _batch(reader, batch, block.parts)
        _closed(reader, seal, batch, digest)
        await asyncio.sleep(0)  # lets the next block come in
    reader.entries += block.entries


def _by_journal(rows: Sequence[asyncpg.Record]) -> Mapping[str, list[Row]]:
    grouped: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[0]].append(row[1:])
    return grouped


def _by_height(rows: Sequence[asyncpg.Record]) -> Mapping[int, list[asyncpg.Record]]:
    grouped: defaultdict[int, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        grouped[row[0]].append(row)
    return grouped


def _batch(reader: _Reader, batch: Sequence[asyncpg.Record], parts: Sequence[Mapping[str, list[Row]]]) -> bytes:
    """The digest of the last journal of a batch, whose places and digests are compared on the way."""
    entries, lots, arrears, allocations = parts
    digest = NOTHING
    for place, row in enumerate(batch, start=1):
        height, found, id_, stored, facts, occurred_at, recorded_at = row[:_BESIDE]
        if found > place:
            raise _Found("an entry was deleted", height, place)
        if found < place:
            raise _Found("an entry was put in beside another", height, found, id_)
        content = Content(
            row[_BESIDE:],
            occurred_at,
            recorded_at,
            canonical_text(facts),
            entries.get(id_, ()),
            lots.get(id_, ()),
            arrears.get(id_, ()),
            allocations.get(id_, ()),
        )
        digest = digest_after(digest, content)
        if digest != stored:
            raise _Found("an entry is not what was written", height, place, id_)
        reader.journals += 1
    return digest


def _closed(reader: _Reader, seal: asyncpg.Record, batch: Sequence[asyncpg.Record], digest: bytes) -> None:
    """The seal closes exactly these journals and follows the seal before it."""
    height, sealed = seal["height"], seal["journals"]
    if len(batch) < sealed:
        raise _Found("an entry was deleted", height, len(batch) + 1)
    if len(batch) > sealed:
        raise _Found("an entry was added after its batch was sealed", height, sealed + 1, batch[sealed]["id"])
    if digest != seal["digest"]:
        raise _Found("a batch was rewritten after it was sealed", height, 1, batch[0]["id"] if batch else None)
    chained = sha256(reader.hash + digest).digest()
    if chained != seal["hash"]:
        raise _Found("a seal does not follow the one before it", height, 1, batch[0]["id"] if batch else None)
    reader.height, reader.hash = height, chained


async def _nothing_besides(reader: _Reader, noted: Head | None) -> None:
    """The chain ends at its head, contains the head that was noted, and nothing lies outside of it."""
    head = await reader.connection.fetchrow("SELECT height, hash FROM chain_head")
    ends = (head["height"], head["hash"]) if head else (0, NOTHING)
    if ends != (reader.height, reader.hash):
        raise _Found("the end of the chain was cut off", reader.height + 1)
    if noted is not None:
        hash_ = await reader.connection.fetchval("SELECT hash FROM seal WHERE height = $1", noted.height)
        if (hash_ or NOTHING) != noted.hash:
            says = "the chain ends below the noted head" if hash_ is None else "the chain is not the noted one"
            raise _Found(says, min(noted.height, reader.height + 1))
    outside = await reader.connection.fetchval(_OUTSIDE, reader.height)
    if outside is not None:
        raise _Found("an entry is outside of the chain", reader.height, None, outside)
    for table in _PARTS:
        homeless = await reader.connection.fetchval(_HOMELESS.format(table=table))
        if homeless is not None:
            raise _Found(f"a row of '{table}' belongs to an entry that does not exist", reader.height, None, homeless)
