"""The contract and the seam to the chain behave alike in memory and on a node."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from eth_utils.crypto import keccak

from tests.support.chain import ADMIN_KEY, ANVIL_KEY, Transactor, free_port, running_chain
from tokens.batches import Counters, pack
from tokens.chain import Chain, ChainAway, ChainUrlInvalid, Reverted, TransactionRefused, open_chain
from tokens.contract import (
    BatchApplied,
    ContractPaused,
    ContractRefused,
    DatabaseBehindChain,
    PartnerState,
    Points,
    Transfer,
    apply_batch,
    call_data,
    deployment,
    event,
    refusal,
)
from tokens.signing import FeeOffer

ANNA, BELA = "0x" + "a1" * 20, "0x" + "b2" * 20


@dataclass
class Deployed:
    chain: Chain
    poster: Transactor
    admin: Transactor
    points: Points


@pytest.fixture(params=["memory", "anvil"])
async def deployed(request: pytest.FixtureRequest) -> AsyncIterator[Deployed]:
    async with running_chain(request.param) as url:
        chain = open_chain(url)
        poster, admin = Transactor(chain, ANVIL_KEY), Transactor(chain, ADMIN_KEY)
        await chain.fund(poster.address)
        await chain.fund(admin.address)
        receipt = await poster.deploy(deployment(admin.address, poster.address, admin.address, 1_000, 5))
        assert receipt.succeeded
        admin.contract = poster.contract
        yield Deployed(chain, poster, admin, Points(chain, poster.contract))
        await chain.close()


def batch(name: str, deltas: dict[int, Counters], **members: int) -> bytes:
    entries = [(bytes.fromhex({"anna": ANNA, "bela": BELA}[who][2:]), delta) for who, delta in members.items()]
    return apply_batch(name.encode().ljust(32, b"\0"), deltas, pack(entries))


async def why(deployed: Deployed, data: bytes) -> Exception:
    with pytest.raises(Reverted) as caught:
        await deployed.chain.call(deployed.poster.contract, data, sender=deployed.poster.address)
    return refusal(caught.value.data)


async def test_a_batch_reaches_members_partners_and_the_event(deployed: Deployed) -> None:
    await deployed.poster.apply(batch("first", {1: Counters(issued=100)}, anna=70, bela=30))
    receipt = await deployed.poster.apply(
        batch("second", {1: Counters(0, 0, 20, 0), 2: Counters(0, 0, 0, 20)}, anna=-20)
    )
    assert await deployed.points.balances([BELA, ANNA]) == [30, 50]
    assert await deployed.points.total_supply() == 80
    account = await deployed.points.partner(1)
    assert (account.state, account.cap, account.counters) == (PartnerState.ACTIVE, 1_000, Counters(100, 0, 20, 0))
    block = await deployed.chain.block(receipt.block_number)
    assert block is not None
    found = [event(log) for log in await deployed.chain.logs(deployed.poster.contract, block) or []]
    assert Transfer(ANNA, "0x" + "00" * 20, 20) in found
    (applied,) = [e for e in found if isinstance(e, BatchApplied)]
    assert (applied.batch_id, applied.members, applied.total_supply) == (b"second".ljust(32, b"\0"), 1, 80)


async def test_reads_can_be_asked_of_an_older_block(deployed: Deployed) -> None:
    receipt = await deployed.poster.apply(batch("first", {1: Counters(issued=5)}, anna=5))
    await deployed.poster.apply(batch("second", {1: Counters(issued=5)}, anna=5))
    assert await deployed.points.total_supply(receipt.block_number) == 5


async def test_a_batch_cannot_be_applied_twice(deployed: Deployed) -> None:
    data = batch("once", {1: Counters(issued=5)}, anna=5)
    await deployed.poster.apply(data)
    assert isinstance(await why(deployed, data), DatabaseBehindChain)
    receipt = await deployed.poster.apply(data)
    assert not receipt.succeeded
    assert await deployed.points.total_supply() == 5


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (batch("x", {}, anna=1), "Unbalanced"),
        (batch("x", {1: Counters(issued=1_001)}, anna=1_001), "CapExceeded"),
        (batch("x", {1: Counters(issued=1, redeemed_of=1)}), "RedemptionsUnbalanced"),
        (batch("x", {1: Counters(withdrawn=1)}, anna=-1), "OutstandingNegative"),
        (batch("x", {n: Counters(issued=1) for n in range(1, 7)}, anna=6), "PartnerNotOpened"),
        (apply_batch(bytes(32), {}, bytes(25)), "PackedLengthInvalid"),
    ],
)
async def test_a_refusal_has_a_name(deployed: Deployed, data: bytes, name: str) -> None:
    error = await why(deployed, data)
    assert isinstance(error, ContractRefused)
    assert error.name == name


async def test_the_facts_of_a_refusal_are_readable(deployed: Deployed) -> None:
    error = await why(deployed, batch("x", {1: Counters(issued=1_001)}, anna=1_001))
    assert isinstance(error, ContractRefused)
    assert error.arguments == {"partner": 1, "outstanding": 1_001, "cap": 1_000}


async def test_a_stranger_may_not_post(deployed: Deployed) -> None:
    with pytest.raises(Reverted) as caught:
        await deployed.chain.call(deployed.poster.contract, batch("x", {}), sender=deployed.admin.address)
    error = refusal(caught.value.data)
    assert isinstance(error, ContractRefused)
    assert error.name == "AccessControlUnauthorizedAccount"


async def test_the_guardian_stops_and_the_admin_starts_again(deployed: Deployed) -> None:
    data = batch("x", {1: Counters(issued=1)}, anna=1)
    await deployed.admin.do("pause")
    assert isinstance(await why(deployed, data), ContractPaused)
    await deployed.admin.do("unpause")
    assert (await deployed.poster.apply(data)).succeeded


async def test_members_cannot_pay_each_other(deployed: Deployed) -> None:
    with pytest.raises(Reverted) as caught:
        await deployed.chain.call(
            deployed.poster.contract, call_data("transfer", [BELA, 1]), sender=deployed.poster.address
        )
    error = refusal(caught.value.data)
    assert isinstance(error, ContractRefused)
    assert error.name == "ClosedLoop"


async def test_sending_the_same_bytes_again_is_no_error(deployed: Deployed) -> None:
    chain, poster = deployed.chain, deployed.poster
    data = batch("x", {1: Counters(issued=1)}, anna=1)
    offer = FeeOffer(3 * 10**9, 10**9)
    nonce = await chain.nonce(poster.address)
    signed = poster.signer.sign(await chain.chain_id(), nonce, poster.contract, data, 500_000, offer)
    await chain.send_raw(signed.raw, signed.hash)
    await chain.send_raw(signed.raw, signed.hash)
    assert await deployed.points.total_supply() == 1


async def test_a_nonce_that_another_transaction_took_is_refused(deployed: Deployed) -> None:
    chain, poster = deployed.chain, deployed.poster
    signed = poster.signer.sign(await chain.chain_id(), 0, poster.contract, b"", 100_000, FeeOffer(3 * 10**9, 10**9))
    with pytest.raises(TransactionRefused):
        await chain.send_raw(signed.raw, signed.hash)


async def test_what_is_not_there_is_none(deployed: Deployed) -> None:
    assert await deployed.chain.receipt(os.urandom(32)) is None
    assert await deployed.chain.block(10_000) is None


async def test_blocks_are_linked_by_their_hashes(deployed: Deployed) -> None:
    await deployed.poster.apply(batch("x", {1: Counters(issued=1)}, anna=1))
    head = await deployed.chain.head()
    before = await deployed.chain.block(head.number - 1)
    assert before is not None
    assert head.parent_hash == before.hash
    assert await deployed.chain.finalized_number() <= head.number


async def test_the_event_commits_to_the_whole_call(deployed: Deployed) -> None:
    data = batch("x", {1: Counters(issued=3)}, anna=1, bela=2)
    receipt = await deployed.poster.apply(data)
    logs = await deployed.chain.logs_between(deployed.poster.contract, receipt.block_number, receipt.block_number)
    assert [e.payload_hash for e in map(event, logs) if isinstance(e, BatchApplied)] == [keccak(data)]


async def test_two_memory_chains_are_never_the_same_chain() -> None:
    first, second = await open_chain("memory:").block(0), await open_chain("memory:").block(0)
    assert first is not None
    assert second is not None
    assert first.hash != second.hash


async def test_a_node_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(ChainAway):
        await open_chain(f"http://127.0.0.1:{free_port()}").head()


@pytest.mark.parametrize("url", ["", "memory", "ws://127.0.0.1:1", "file:///etc/passwd"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ChainUrlInvalid):
        open_chain(url)
