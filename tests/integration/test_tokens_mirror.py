"""The chain follows the ledger, in memory and on a node."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from kernel.database import Database
from kernel.outbox import follow_once
from tests.support.chain import ANVIL_KEY, SECRET, BreakingChain, Coalition, a_coalition, running_chain
from tests.support.ledger import a_member, earn, redeem, reverse
from tokens.batches import Counters, Limits, gas, member_address
from tokens.chain import open_chain
from tokens.contract import ContractPaused, ContractRefused, DatabaseBehindChain, PartnerState, Points
from tokens.opening import SenderKeyMissing, open_mirror


@pytest.fixture(params=["memory", "anvil"])
async def chain_url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    async with running_chain(request.param) as url:
        yield url


async def earned(coalition: Coalition, members: int, minor: int = 5_000) -> list[str]:
    ids = [await a_member(coalition.db) for _ in range(members)]
    await coalition.do(*(earn(member, minor + 100 * n) for n, member in enumerate(ids)))
    return ids


async def test_what_members_earn_spend_and_give_back_shows_on_the_chain(db: Database, chain_url: str) -> None:
    coalition = await a_coalition(db, chain_url)
    anna, bela, cili = await earned(coalition, 3)
    assert await coalition.follow() == 0
    assert [await coalition.on_chain(m) for m in (anna, bela, cili)] == [50, 51, 52]
    (spent,) = await coalition.do(redeem(anna, 30, "ptn_b"))
    await coalition.do(earn(bela, 1_000, "ptn_b"))
    await coalition.follow()
    assert [await coalition.on_chain(m) for m in (anna, bela, cili)] == [20, 61, 52]
    await coalition.do(reverse(spent, points=10, partner_id="ptn_b"))
    await coalition.follow()
    assert await coalition.on_chain(anna) == 30
    assert await coalition.agrees()


async def test_partners_owe_on_the_chain_what_they_owe_in_the_ledger(db: Database, chain_url: str) -> None:
    coalition = await a_coalition(db, chain_url)
    anna, _ = await earned(coalition, 2)
    await coalition.do(redeem(anna, 30, "ptn_b"))
    await coalition.follow()
    points = Points(coalition.mirror.chain, await coalition.contract())
    issuer = await coalition.value("SELECT number FROM mirror_partner WHERE partner_id = 'ptn_a'")
    acceptor = await coalition.value("SELECT number FROM mirror_partner WHERE partner_id = 'ptn_b'")
    assert (await points.partner(issuer)).counters == Counters(101, 0, 30, 0)
    assert (await points.partner(acceptor)).counters == Counters(0, 0, 0, 30)


async def test_a_repeated_note_changes_nothing(db: Database, chain_url: str) -> None:
    coalition = await a_coalition(db, chain_url)
    members = await earned(coalition, 2)
    await coalition.follow()
    batches = await coalition.value("SELECT count(*) FROM mirror_batch")
    assert await coalition.mirror.follower.follow(members + members) == {}
    assert await coalition.value("SELECT count(*) FROM mirror_batch") == batches
    assert await coalition.agrees()


async def test_workers_at_the_same_time_mirror_each_change_once(db: Database, chain_url: str) -> None:
    coalition = await a_coalition(db, chain_url)
    members = await earned(coalition, 6)
    follower = coalition.mirror.follower
    answers = await asyncio.gather(*(follower.follow(members[n:] + members[:n]) for n in range(4)))
    assert answers == [{}, {}, {}, {}]
    assert await coalition.value("SELECT count(*) FROM mirror_batch WHERE change_count > 0") == 1
    assert await coalition.value("SELECT count(*) FROM mirror_batch WHERE status = 'reverted'") == 0
    await coalition.follow()
    assert await coalition.agrees()


class OvertakenChain(BreakingChain):
    """Lets somebody else act between the plan and its rehearsal, once."""

    overtaking: Callable[[], Awaitable[object]] | None = None

    async def call(self, to: str, data: bytes, sender: str | None = None, block: int | None = None) -> bytes:
        if sender is not None and self.overtaking is not None:
            act, self.overtaking = self.overtaking, None
            await act()
        return await super().call(to, data, sender, block)


async def test_a_worker_that_was_overtaken_finds_the_work_done(db: Database, chain_url: str) -> None:
    chain = OvertakenChain(open_chain(chain_url))
    slow = await a_coalition(db, chain_url, chain=chain, sender_key=ANVIL_KEY)
    quick = await a_coalition(db, chain_url, chain=chain.chain, sender_key=ANVIL_KEY)
    (anna,) = await earned(slow, 1)
    await slow.follow()
    await slow.do(redeem(anna, 20))
    chain.overtaking = lambda: quick.mirror.follower.follow([anna])
    assert await slow.mirror.follower.follow([anna]) == {}
    assert await slow.on_chain(anna) == 30
    await slow.follow()
    assert await slow.agrees()


async def test_changes_that_do_not_fit_one_transaction_take_several(db: Database, chain_url: str) -> None:
    coalition = await a_coalition(db, chain_url, limits=Limits(gas=gas(3, 1)))
    await earned(coalition, 7)
    await coalition.follow()
    assert await coalition.value("SELECT array_agg(change_count ORDER BY nonce) FROM mirror_batch") == [0, 3, 3, 1]
    assert await coalition.agrees()


async def test_earning_and_spending_between_two_looks_still_reaches_the_partners(db: Database) -> None:
    coalition = await a_coalition(db, "memory:")
    (anna,) = await earned(coalition, 1)
    await coalition.do(redeem(anna, 50, "ptn_b"))
    await coalition.follow()
    assert await coalition.on_chain(anna) == 0
    assert await coalition.agrees()


async def test_a_cap_stops_its_partner_and_nobody_else(db: Database, chain_url: str) -> None:
    coalition = await a_coalition(db, chain_url, opening_cap=100)
    anna, bela = await a_member(db), await a_member(db)
    await coalition.do(earn(anna, 9_000, "ptn_a"))
    await coalition.follow()
    await coalition.do(earn(anna, 2_000, "ptn_a"), earn(bela, 4_000, "ptn_b"))
    failed = await coalition.mirror.follower.follow([anna, bela])
    assert list(failed) == [anna]
    refused = failed[anna]
    assert isinstance(refused, ContractRefused)
    assert refused.name == "CapExceeded"
    assert (await coalition.on_chain(anna), await coalition.on_chain(bela)) == (90, 40)
    number = await coalition.value("SELECT number FROM mirror_partner WHERE partner_id = 'ptn_a'")
    await (await coalition.admin()).do("setPartner", number, PartnerState.ACTIVE, 1_000)
    assert await coalition.follow() == 0
    assert await coalition.on_chain(anna) == 110
    assert await coalition.agrees()


async def test_a_pause_makes_notes_wait_and_ends_by_itself(db: Database, chain_url: str) -> None:
    coalition = await a_coalition(db, chain_url)
    (anna,) = await earned(coalition, 1)
    await coalition.follow()
    admin = await coalition.admin()
    await admin.do("pause")
    await coalition.do(redeem(anna, 20))
    with pytest.raises(ContractPaused):
        await coalition.mirror.follower.follow([anna])
    await follow_once(db, coalition.mirror.follower)
    assert await coalition.value("SELECT count(*) FROM outbox WHERE parked_at IS NULL") == 1
    await admin.do("unpause")
    assert await coalition.follow() == 0
    assert await coalition.on_chain(anna) == 30


async def test_a_batch_that_reverts_in_spite_of_the_rehearsal_is_taken_back(db: Database, chain_url: str) -> None:
    coalition = await a_coalition(db, chain_url)
    (anna,) = await earned(coalition, 1)
    await coalition.follow()
    await coalition.do(redeem(anna, 20))
    follower = coalition.mirror.follower
    deployment = await follower.settle()
    plan = await follower._plan(deployment, [anna])
    assert plan is not None
    await follower._store(deployment, plan)
    admin = await coalition.admin()
    await admin.do("pause")  # between rehearsal and transaction
    await follower.settle()
    assert await coalition.value("SELECT status FROM mirror_batch ORDER BY nonce DESC LIMIT 1") == "reverted"
    await admin.do("unpause")
    assert await coalition.follow() == 0
    assert await coalition.on_chain(anna) == 30
    assert await coalition.agrees()


async def test_a_key_used_elsewhere_stops_the_mirror(db: Database, chain_url: str) -> None:
    coalition = await a_coalition(db, chain_url)
    (anna,) = await earned(coalition, 1)
    await coalition.follow()
    async with db.unit() as unit:  # as if the database came from a backup taken before the last batch
        await unit.connection.execute("DELETE FROM mirror_batch WHERE nonce = 1")
        await unit.connection.execute("UPDATE chain_sender SET next_nonce = 1")
        await unit.connection.execute("DELETE FROM mirror_position")
        await unit.connection.execute("DELETE FROM mirror_balance")
    with pytest.raises(DatabaseBehindChain):
        await coalition.mirror.follower.follow([anna])
    assert await coalition.on_chain(anna) == 50


async def test_nothing_on_the_chain_tells_who_a_member_is(db: Database) -> None:
    coalition = await a_coalition(db, "memory:")
    (anna,) = await earned(coalition, 1)
    await coalition.follow()
    payload = await coalition.value("SELECT payload FROM mirror_batch WHERE change_count > 0")
    assert bytes.fromhex(member_address(SECRET, anna)[2:]) in payload
    assert anna.encode() not in payload
    assert b"ptn_" not in payload


async def test_a_node_wants_a_key_of_ones_own(db: Database) -> None:
    with pytest.raises(SenderKeyMissing):
        await open_mirror(db, "http://127.0.0.1:1", SECRET)
