"""A chain that changes its mind: what it took back is undone and sent again."""

import pytest

from kernel.database import Database
from tests.support.chain import Coalition, a_coalition, anvil
from tests.support.ledger import a_member, earn, redeem
from tokens.indexer import ZONE_BLOCKS

EVENTS_OFF_CHAIN = """
SELECT count(*) FROM chain_event event LEFT JOIN chain_block block ON block.hash = event.block_hash
WHERE block.hash IS NULL
"""


async def a_busy_coalition(db: Database, url: str) -> tuple[Coalition, str]:
    """One member, four batches in blocks 2 to 5 (the contract is in block 1)."""
    coalition = await a_coalition(db, url)
    anna = await a_member(db)
    for minor in (1_000, 2_000, 3_000, 4_000):
        await coalition.do(earn(anna, minor))
        await coalition.follow()
    return coalition, anna


@pytest.mark.parametrize("depth", [1, 3, 4, 5])
async def test_batches_taken_back_are_mined_again(db: Database, depth: int) -> None:
    async with anvil() as node:
        coalition, anna = await a_busy_coalition(db, node.url)
        raw = await coalition.value("SELECT array_agg(raw ORDER BY nonce) FROM mirror_batch")
        await node.rpc("anvil_reorg", depth, [])
        await coalition.mirror.index_once()
        assert await coalition.on_chain(anna) == 100
        assert await coalition.value("SELECT array_agg(raw ORDER BY nonce) FROM mirror_batch") == raw
        assert await coalition.value(EVENTS_OFF_CHAIN) == 0
        assert await coalition.value("SELECT count(*) FROM chain_event WHERE name = 'batch_applied'") == 4
        assert await coalition.agrees()


async def test_a_batch_mined_again_elsewhere_counts_once(db: Database) -> None:
    async with anvil() as node:
        coalition, anna = await a_busy_coalition(db, node.url)
        raw = await coalition.value("SELECT raw FROM mirror_batch ORDER BY nonce DESC LIMIT 1")
        before = await coalition.value("SELECT block_hash FROM mirror_batch ORDER BY nonce DESC LIMIT 1")
        await node.rpc("anvil_reorg", 1, [])
        await node.rpc("eth_sendRawTransaction", "0x" + raw.hex())
        await coalition.mirror.index_once()
        assert await coalition.value("SELECT block_hash FROM mirror_batch ORDER BY nonce DESC LIMIT 1") != before
        assert await coalition.on_chain(anna) == 100
        assert await coalition.value("SELECT count(*) FROM chain_event WHERE name = 'batch_applied'") == 4
        assert await coalition.agrees()


async def test_the_ledger_goes_on_while_the_chain_changes(db: Database) -> None:
    async with anvil() as node:
        coalition, anna = await a_busy_coalition(db, node.url)
        for spent in (10, 20, 30):
            await node.rpc("anvil_reorg", 2, [])
            await coalition.do(redeem(anna, spent))
            assert await coalition.follow() == 0
        assert await coalition.on_chain(anna) == 40
        assert await coalition.agrees()


async def test_a_lower_head_is_a_reorganisation_too(db: Database) -> None:
    async with anvil() as node:
        coalition, anna = await a_busy_coalition(db, node.url)
        await node.rpc("anvil_rollback", 2)
        await coalition.mirror.index_once()
        assert await coalition.on_chain(anna) == 100
        assert await coalition.agrees()


async def test_a_chain_cut_off_below_the_contract_gets_it_again(db: Database) -> None:
    async with anvil() as node:
        await node.rpc("anvil_mine", hex(10))
        coalition, anna = await a_busy_coalition(db, node.url)
        await node.rpc("anvil_rollback", 15)
        await coalition.mirror.index_once()
        assert await coalition.on_chain(anna) == 100
        assert await coalition.value("SELECT min(block_number) FROM mirror_batch") < 11
        assert await coalition.value("SELECT count(*) FROM chain_event WHERE name = 'batch_applied'") == 4
        assert await coalition.agrees()


async def test_batches_deep_enough_are_final(db: Database) -> None:
    async with anvil() as node:
        coalition, _ = await a_busy_coalition(db, node.url)
        await node.rpc("anvil_mine", hex(70))  # anvil calls final what lies 64 blocks deep
        await coalition.mirror.index_once()
        assert await coalition.value("SELECT count(*) FROM mirror_batch WHERE status = 'final'") == 5
        assert await coalition.value("SELECT count(*) FROM mirror_move") == 0
        assert await coalition.agrees()


async def test_a_long_absence_is_read_in_stretches(db: Database) -> None:
    async with anvil() as node:
        coalition, anna = await a_busy_coalition(db, node.url)
        async with db.unit() as unit:  # the indexer was not there from the second block on
            await unit.connection.execute("DELETE FROM chain_event WHERE block_number > 1")
            await unit.connection.execute("DELETE FROM chain_block WHERE number > 1")
        await node.rpc("anvil_mine", hex(3 * ZONE_BLOCKS))
        await coalition.mirror.index_once()
        assert await coalition.value("SELECT count(*) FROM chain_event WHERE name = 'batch_applied'") == 4
        assert await coalition.value("SELECT count(*) FROM chain_block") <= ZONE_BLOCKS + 1
        await coalition.do(redeem(anna, 10))
        assert await coalition.follow() == 0
        assert await coalition.agrees()


async def test_reading_the_same_blocks_again_adds_nothing(db: Database) -> None:
    async with anvil() as node:
        coalition, _ = await a_busy_coalition(db, node.url)
        await coalition.mirror.index_once()
        async with db.unit() as unit:  # as if the cursor had been restored from before
            await unit.connection.execute("DELETE FROM chain_block WHERE number > 2")
        events = await coalition.value("SELECT count(*) FROM chain_event")
        await coalition.mirror.index_once()
        assert await coalition.value("SELECT count(*) FROM chain_event") == events
        assert await coalition.agrees()
