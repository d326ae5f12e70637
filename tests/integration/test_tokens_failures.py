"""Crashes, outages and lost answers: every change reaches the chain once."""

from pathlib import Path

import pytest

from kernel.database import Database
from tests.support.chain import ANVIL_KEY, BreakingChain, a_coalition, anvil, free_port, running_chain
from tests.support.ledger import a_member, earn, redeem
from tokens.chain import ChainAway, open_chain
from tokens.sending import NotMinedYet


@pytest.mark.parametrize("kind", ["memory", "anvil"])
@pytest.mark.parametrize("moment", ["before_send", "after_send", "receipt"])
async def test_a_crash_at_any_step_resumes_with_the_same_bytes(db: Database, kind: str, moment: str) -> None:
    async with running_chain(kind) as url:
        chain = BreakingChain(open_chain(url))
        coalition = await a_coalition(db, url, chain=chain, **_key(kind))
        anna = await a_member(db)
        await coalition.do(earn(anna, 5_000))
        await coalition.follow()
        await coalition.do(redeem(anna, 20))
        chain.sent.clear()
        chain.moment = moment
        with pytest.raises(ChainAway):
            await coalition.mirror.follower.follow([anna])
        assert await coalition.value("SELECT status FROM mirror_batch ORDER BY nonce DESC LIMIT 1") in (
            "signed",
            "sent",
        )
        again = await a_coalition(db, url, chain=BreakingChain(chain.chain), **_key(kind))  # the next process
        assert await again.follow() == 0
        assert await again.on_chain(anna) == 30
        assert await again.value("SELECT count(*) FROM mirror_batch") == 3
        stored = await again.value("SELECT raw FROM mirror_batch ORDER BY nonce DESC LIMIT 1")
        resent = again.mirror.chain.sent if isinstance(again.mirror.chain, BreakingChain) else []
        assert set(chain.sent + resent) == {stored}
        assert await again.agrees()


@pytest.mark.parametrize("moment", ["before_send", "after_send"])
async def test_a_crash_while_the_contract_is_created_leaves_one_contract(db: Database, moment: str) -> None:
    async with anvil() as node:
        chain = BreakingChain(open_chain(node.url), moment)
        coalition = await a_coalition(db, node.url, chain=chain)
        anna = await a_member(db)
        await coalition.do(earn(anna, 5_000))
        with pytest.raises(ChainAway):
            await coalition.mirror.follower.follow([anna])
        chain.moment = ""
        assert await coalition.follow() == 0
        assert await coalition.value("SELECT count(*) FROM chain_deployment") == 1
        assert await coalition.agrees()


async def test_while_the_node_is_down_tills_go_on_and_notes_wait(db: Database) -> None:
    coalition = await a_coalition(db, f"http://127.0.0.1:{free_port()}")
    anna = await a_member(db)
    await coalition.do(earn(anna, 5_000))
    await coalition.do(redeem(anna, 20))
    assert await coalition.follow() == 1
    assert await coalition.value("SELECT parked_at IS NULL FROM outbox WHERE subject = $1", anna)
    with pytest.raises(ChainAway):
        await coalition.mirror.index_once()


async def test_a_node_that_comes_back_gets_what_it_missed(db: Database, tmp_path: Path) -> None:
    async with anvil(tmp_path / "state.json") as node:
        coalition = await a_coalition(db, node.url)
        anna = await a_member(db)
        await coalition.do(earn(anna, 5_000))
        await coalition.follow()
        await node.stop()
        await coalition.do(redeem(anna, 20))
        assert await coalition.follow() == 1
        await node.start()
        assert await coalition.follow() == 0
        assert await coalition.on_chain(anna) == 30
        assert await coalition.value("SELECT count(*) FROM chain_deployment") == 1
        assert await coalition.agrees()


async def test_a_chain_that_forgot_everything_is_mirrored_anew(db: Database) -> None:
    coalition = await a_coalition(db, "memory:")
    members = [await a_member(db) for _ in range(3)]
    await coalition.do(*(earn(member, 5_000) for member in members))
    await coalition.follow()
    restarted = await a_coalition(db, "memory:")
    await restarted.mirror.index_once()
    assert await restarted.waiting() == 3
    assert await restarted.follow() == 0
    assert [await restarted.on_chain(member) for member in members] == [50, 50, 50]
    assert await restarted.value("SELECT count(*) FROM chain_deployment WHERE retired_at IS NULL") == 1
    assert await restarted.agrees()


async def test_a_block_that_does_not_come_is_waited_for_and_not_replaced(db: Database) -> None:
    async with anvil() as node:
        coalition = await a_coalition(db, node.url, receipt_timeout_s=0.2)
        anna = await a_member(db)
        await coalition.do(earn(anna, 5_000))
        await coalition.follow()
        await node.rpc("evm_setAutomine", False)
        await coalition.do(redeem(anna, 20))
        for _ in range(2):
            with pytest.raises(NotMinedYet):
                await coalition.mirror.follower.follow([anna])
        await node.rpc("evm_mine")
        await node.rpc("evm_setAutomine", True)
        assert await coalition.follow() == 0
        assert await coalition.value("SELECT count(*) FROM mirror_batch") == 3
        assert await coalition.agrees()


def _key(kind: str) -> dict[str, bytes]:
    return {"sender_key": ANVIL_KEY} if kind == "memory" else {}
