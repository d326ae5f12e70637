"""Transactions that are stored before they are sent, sent again with the same bytes until mined, and never twice."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from kernel.bulk import columns_of, insert_many
from kernel.database import Connection, Database, Unit
from kernel.errors import Unavailable
from kernel.outbox import touch
from tokens.batches import Move
from tokens.chain import Chain, Receipt, TransactionRefused
from tokens.contract import DatabaseBehindChain
from tokens.tables import MirrorMove

log = structlog.get_logger(__name__)

MIRROR = "mirror"
RECEIPT_TIMEOUT_S = 30.0
IN_FLIGHT_MAX = 16  # what go-ethereum's pool guarantees one sender

_OPEN = """
SELECT id, sender, nonce, raw, tx_hash, payload FROM mirror_batch
WHERE status IN ('signed', 'sent') ORDER BY sender, nonce LIMIT $1
"""

_INSERT = """
INSERT INTO mirror_batch (id, sender, nonce, status, raw, tx_hash, payload, change_count)
VALUES ($1, $2, $3, 'signed', $4, $5, $6, $7)
"""

_SENT = "UPDATE mirror_batch SET status = 'sent' WHERE id = $1 AND status = 'signed'"

_MINED = """
UPDATE mirror_batch SET status = $2, gas_used = $3, block_number = $4, block_hash = $5
WHERE id = $1 AND status IN ('signed', 'sent') RETURNING id
"""

# A batch that reverted changed nothing: what it would have mirrored is out of step again.
_TAKE_BACK_POSITIONS = """
UPDATE mirror_position position SET points = position.points - move.points FROM mirror_move move
WHERE move.batch_id = $1 AND (position.member_id, position.issuer_id, position.acceptor_id, position.kind)
      = (move.member_id, move.issuer_id, move.acceptor_id, move.kind)
"""

_TAKE_BACK_BALANCES = """
UPDATE mirror_balance balance SET mirrored = balance.mirrored - move.delta
FROM (SELECT member_id, sum(CASE kind WHEN 'issued' THEN points ELSE -points END)::bigint AS delta
      FROM mirror_move WHERE batch_id = $1 GROUP BY member_id) move
WHERE balance.member_id = move.member_id
"""


class NotMinedYet(Unavailable):
    """The chain has not taken the transaction into a block in time; it is sent again at the next look."""

    code = "not_mined_yet"
    title = "The transaction is not mined yet"


@dataclass(frozen=True, slots=True)
class Stored:
    """A transaction as it lies in the database."""

    id: bytes
    sender: str
    nonce: int
    raw: bytes
    tx_hash: bytes
    payload: bytes


async def reserve_nonce(connection: Connection, sender: str, nonce: int) -> bool:
    """Take `nonce` if it is the sender's next and no batch is on its way; false: look again.

    The row lock makes others wait until this transaction ends, so nonces are given out once and in order.
    """
    await connection.execute("SELECT 1 FROM chain_sender WHERE address = $1 FOR UPDATE", sender)
    if not await is_next(connection, sender, nonce):
        return False
    await connection.execute("UPDATE chain_sender SET next_nonce = next_nonce + 1 WHERE address = $1", sender)
    return True


async def is_next(connection: Connection, sender: str, nonce: int) -> bool:
    """Whether `nonce` is still the sender's next and no batch is on its way, so that a plan made for it still holds."""
    next_nonce = await connection.fetchval("SELECT next_nonce FROM chain_sender WHERE address = $1", sender)
    return next_nonce == nonce and not await connection.fetch(_OPEN, 1)


async def store(connection: Connection, transaction: Stored, moves: Sequence[Move], change_count: int) -> None:
    """Write the signed transaction and what it mirrors; only after the commit may it be sent."""
    t = transaction
    await connection.execute(_INSERT, t.id, t.sender, t.nonce, t.raw, t.tx_hash, t.payload, change_count)
    columns = ("batch_id", "member_id", "issuer_id", "acceptor_id", "kind", "points")
    rows = [(t.id, *move.key, move.points) for move in moves]
    await connection.execute(insert_many(MirrorMove, columns), *columns_of(rows, len(columns)))


class Sender:
    """Brings stored transactions into the chain; whoever signed them, the bytes are complete."""

    def __init__(self, db: Database, chain: Chain, receipt_timeout_s: float = RECEIPT_TIMEOUT_S) -> None:
        self._db = db
        self._chain = chain
        self._receipt_timeout_s = receipt_timeout_s

    async def finish_open(self) -> None:
        """Send (again) whatever is not mined, in the order of the nonces, and wait for each. Raises Unavailable."""
        while open_ := await self._open():
            for transaction in open_:
                await self._finish(transaction)

    async def _finish(self, transaction: Stored) -> None:
        receipt = await self._chain.receipt(transaction.tx_hash)
        if receipt is None:
            await self._send(transaction)
            async with self._db.unit() as unit:
                await unit.connection.execute(_SENT, transaction.id)
            receipt = await self._wait(transaction.tx_hash)
        async with self._db.unit() as unit:
            await self._record(unit, transaction.id, receipt)

    async def _send(self, transaction: Stored) -> None:
        try:
            await self._chain.send_raw(transaction.raw, transaction.tx_hash)
        except TransactionRefused as error:
            if await self._chain.nonce(transaction.sender) > transaction.nonce:
                raise DatabaseBehindChain(
                    "Another transaction has taken the nonce.", sender=transaction.sender, nonce=transaction.nonce
                ) from error
            raise

    async def _wait(self, tx_hash: bytes) -> Receipt:
        pause_s = 0.02
        loop = asyncio.get_running_loop()
        end = loop.time() + self._receipt_timeout_s
        while (receipt := await self._chain.receipt(tx_hash)) is None:
            if loop.time() > end:
                raise NotMinedYet("The chain has not mined the transaction yet.", 5.0, tx_hash=tx_hash.hex())
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.5)
        return receipt

    async def _record(self, unit: Unit, batch_id: bytes, receipt: Receipt) -> None:
        status = "mined" if receipt.succeeded else "reverted"
        found = (status, receipt.gas_used, receipt.block_number, receipt.block_hash)
        recorded = await unit.connection.fetchval(_MINED, batch_id, *found)
        if recorded is not None and not receipt.succeeded:
            log.warning("mirror.reverted", batch=batch_id.hex(), block=receipt.block_number)
            await take_back(unit.connection, batch_id)

    async def _open(self) -> list[Stored]:
        async with self._db.read() as read:
            rows = await read.connection.fetch(_OPEN, IN_FLIGHT_MAX)
        return [Stored(**row) for row in rows]


async def take_back(connection: Connection, batch_id: bytes) -> None:
    """Forget what a reverted batch would have mirrored, and have its members looked at again."""
    await connection.execute(_TAKE_BACK_POSITIONS, batch_id)
    await connection.execute(_TAKE_BACK_BALANCES, batch_id)
    rows = await connection.fetch("DELETE FROM mirror_move WHERE batch_id = $1 RETURNING member_id", batch_id)
    await touch(connection, MIRROR, [row["member_id"] for row in rows])
