"""Going back when the chain changes its mind.

Everything read from a block hangs on the block's row. When the chain shows another block at a height, the blocks from
there on are forgotten with all that came from them, and their batches count as sent again: nodes do not put a removed
transaction back into their pool by themselves, so the sender will.
"""

import structlog

from kernel.database import Connection, Database
from tokens.chain import Chain

log = structlog.get_logger(__name__)

_TIPS = "SELECT number, hash FROM chain_block WHERE number < $1 ORDER BY number DESC LIMIT $2"
_STEP = 16

_BATCHES_BACK = """
UPDATE mirror_batch SET status = 'sent', block_number = NULL, block_hash = NULL, gas_used = NULL
WHERE status IN ('mined', 'final') AND block_number > $1
"""

# A receipt can be older than the reorganisation that removed its block before the indexer ever saw it.
_STRANDED = """
UPDATE mirror_batch batch SET status = 'sent', block_number = NULL, block_hash = NULL, gas_used = NULL
FROM chain_block block
WHERE batch.status = 'mined' AND block.number = batch.block_number AND block.hash <> batch.block_hash
"""


async def common_ancestor(db: Database, chain: Chain) -> int | None:
    """The height up to which the stored blocks are still those of the chain; None when nothing stored is."""
    below = 2**62
    while True:
        async with db.read() as read:
            tips = await read.connection.fetch(_TIPS, below, _STEP)
        if not tips:
            return None
        for tip in tips:
            block = await chain.block(tip["number"])
            if block is not None and block.hash == tip["hash"]:
                return int(tip["number"])
        below = tips[-1]["number"]


async def undo_above(connection: Connection, ancestor: int) -> None:
    """Forget the blocks above `ancestor` and what came from them; their batches are to be sent again."""
    await connection.execute("DELETE FROM chain_event WHERE block_number > $1", ancestor)
    await connection.execute("DELETE FROM chain_block WHERE number > $1", ancestor)
    moved = await connection.execute(_BATCHES_BACK, ancestor)
    log.warning("indexer.reorganised", ancestor=ancestor, batches=int(moved.rsplit(" ", 1)[1]))


async def free_stranded(connection: Connection) -> None:
    """Batches recorded as mined in a block that is not the chain's are to be sent again."""
    await connection.execute(_STRANDED)
