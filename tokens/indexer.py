"""Following the chain: every block in order, linked by hashes, with the rows and the cursor in one transaction."""

from collections.abc import Sequence

from kernel.bulk import columns_of, insert_many
from kernel.database import Connection, Database
from tokens.chain import Block, Chain, ChainAway, Log
from tokens.contract import BatchApplied, Transfer, event
from tokens.deploying import Deployment
from tokens.reorg import common_ancestor, free_stranded, undo_above
from tokens.tables import ChainBlock, ChainEvent

ZONE_BLOCKS = 128  # kept with their hashes; deeper reorganisations start over from the deployment
BLOCKS_AT_ONCE = 64
RANGE_BLOCKS = 1_000
ROUNDS_MAX = 10_000

_TIP = "SELECT number, hash, parent_hash FROM chain_block ORDER BY number DESC LIMIT 1"
_EVENT_COLUMNS = (
    "block_hash",
    "log_index",
    "block_number",
    "tx_hash",
    "name",
    "batch_id",
    "sender",
    "receiver",
    "points",
)

_BATCHES_MINED = """
UPDATE mirror_batch batch SET status = 'mined', block_number = seen.number, block_hash = seen.hash
FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) AS seen (id, number, hash)
WHERE batch.id = seen.id AND (batch.status <> 'final' OR batch.block_hash <> seen.hash)
"""

_FINAL = """
WITH done AS (
    UPDATE mirror_batch SET status = 'final'
    WHERE status = 'mined' AND block_number <= least($1, (SELECT max(number) FROM chain_block)) RETURNING id
) DELETE FROM mirror_move WHERE batch_id IN (SELECT id FROM done)
"""


class Indexer:
    """Keeps `chain_block` and `chain_event` equal to what the chain says of one contract."""

    def __init__(self, db: Database, chain: Chain, deployment: Deployment) -> None:
        self._db = db
        self._chain = chain
        self._deployment = deployment

    async def run_once(self) -> int:
        """Catch up with the head; returns how many blocks were read. Raises ChainAway."""
        read = 0
        for _ in range(ROUNDS_MAX):
            head = await self._chain.head()
            tip = await self._tip_on_chain()
            # Without a cursor a zone earlier than needed: after a deep reorganisation the contract may lie lower.
            first = max(0, min(self._deployment.first_block, head.number - ZONE_BLOCKS))
            next_number = tip.number + 1 if tip else first
            if next_number > head.number:
                break
            if head.number - next_number > ZONE_BLOCKS:
                read += await self._read_range(next_number, head.number - ZONE_BLOCKS)
            else:
                read += await self._read_blocks(tip, next_number, min(head.number, next_number + BLOCKS_AT_ONCE - 1))
        await self._finalise()
        return read

    async def _tip_on_chain(self) -> Block | None:
        """The cursor, after going back to where it lies on the chain."""
        async with self._db.read() as read:
            row = await read.connection.fetchrow(_TIP)
        if row is None:
            return None
        tip = Block(row["number"], row["hash"], row["parent_hash"])
        if await self._chain.block(tip.number) == tip:
            return tip
        ancestor = await common_ancestor(self._db, self._chain)
        async with self._db.unit() as unit:
            await undo_above(unit.connection, -1 if ancestor is None else ancestor)
        return await self._tip_on_chain()

    async def _read_blocks(self, tip: Block | None, first: int, last: int) -> int:
        """Blocks one by one, each linked to the one before; stops where the chain has changed under our hands."""
        blocks: list[Block] = []
        logs: list[Log] = []
        for number in range(first, last + 1):
            block = await self._chain.block(number)
            if block is None or (tip is not None and block.parent_hash != tip.hash):
                break
            found = await self._chain.logs(self._deployment.contract, block)
            if found is None:
                break
            blocks.append(block)
            logs.extend(found)
            tip = block
        await self._write(blocks, logs)
        return len(blocks)

    async def _read_range(self, first: int, last: int) -> int:
        """A stretch that lies behind the zone, in one question; the span is halved while the node refuses it."""
        span = min(RANGE_BLOCKS, last - first + 1)
        while True:
            try:
                logs = await self._chain.logs_between(self._deployment.contract, first, first + span - 1)
                break
            except ChainAway:
                if span == 1:
                    raise
                span //= 2
        end = await self._chain.block(first + span - 1)
        if end is None:
            return 0
        await self._write([end], logs)
        return span

    async def _write(self, blocks: Sequence[Block], logs: Sequence[Log]) -> None:
        if not blocks:
            return
        async with self._db.unit() as unit:
            connection = unit.connection
            columns = ("number", "hash", "parent_hash")
            rows = [(block.number, block.hash, block.parent_hash) for block in blocks]
            await connection.execute(
                insert_many(ChainBlock, columns) + " ON CONFLICT DO NOTHING", *columns_of(rows, len(columns))
            )
            await _write_events(connection, logs)
            await free_stranded(connection)
            await connection.execute("DELETE FROM chain_block WHERE number < $1", blocks[-1].number - ZONE_BLOCKS)

    async def _finalise(self) -> None:
        finalized = await self._chain.finalized_number()
        async with self._db.unit() as unit:
            await unit.connection.execute(_FINAL, finalized)


async def _write_events(connection: Connection, logs: Sequence[Log]) -> None:
    rows = [row for row in map(_row, logs) if row is not None]
    await connection.execute(
        insert_many(ChainEvent, _EVENT_COLUMNS) + " ON CONFLICT DO NOTHING", *columns_of(rows, len(_EVENT_COLUMNS))
    )
    applied = [(row[5], row[2], row[0]) for row in rows if row[4] == "batch_applied"]
    await connection.execute(_BATCHES_MINED, *columns_of(applied, 3))


def _row(log: Log) -> tuple[object, ...] | None:
    found = event(log)
    place = (log.block_hash, log.log_index, log.block_number, log.transaction_hash)
    if isinstance(found, Transfer):
        return (*place, "transfer", None, found.sender, found.receiver, found.points)
    if isinstance(found, BatchApplied):
        return (*place, "batch_applied", found.batch_id, None, None, found.members)
    return None
