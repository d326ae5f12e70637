"""Sixteen connections at the edge of a limit: exactly as many pass as may, and a proof is used once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from kernel.clock import MovableClock
from kernel.database import Database
from kernel.errors import CommonpointError
from points import meters
from points.answers import Done
from points.audit import audit
from points.commands import Command
from points.ledger import Ledger
from points.programme.version import Version
from points.proofs import ProofTaken, make_proof, use_proofs
from points.teller import Teller
from tests.support.ledger import START, a_member, earn
from tests.support.watched import Asks, programme, publish, till

CONNECTIONS = 16
LIMIT = 7
REFUSING = programme(
    f"misuse: {{velocity: [{{of: cashier, on: earn, within: PT1H, times: {LIMIT}, then: refuse}},"
    f" {{of: terminal, on: spend, within: PT1H, points: {LIMIT * 10}, then: refuse}}]}}\n"
)
REVIEWING = programme(f"misuse: {{velocity: [{{of: terminal, on: earn, within: PT1H, times: {LIMIT}}}]}}\n")
PROOF = programme("redemptions: {proof: {above: 0}}\n")
Answers = list[Done | CommonpointError]


@asynccontextmanager
async def street(db: Database, *versions: Version) -> AsyncIterator[list[Teller]]:
    """Tellers as of sixteen processes."""
    shelf = await publish(db, *versions)
    tellers = [Teller(db, Ledger(MovableClock(START), ("pass",), versions=shelf)) for _ in range(CONNECTIONS)]
    for teller in tellers:
        await teller.start()
    yield tellers
    for teller in tellers:
        await teller.stop()


async def at_once(tellers: Sequence[Teller], commands: Sequence[Command]) -> Answers:
    asked = [tellers[n % CONNECTIONS].ask(command) for n, command in enumerate(commands)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(answer, Done | CommonpointError) for answer in answers), answers
    return [answer for answer in answers if isinstance(answer, Done | CommonpointError)]


def codes(answers: Answers) -> Counter[str]:
    return Counter(answer.code for answer in answers if isinstance(answer, CommonpointError))


async def broken(db: Database) -> set[str]:
    async with db.read() as read:
        return {finding.rule for finding in await audit(read.connection)}


async def number(db: Database, sql: str) -> int:
    async with db.read() as read:
        return int(await read.connection.fetchval(sql) or 0)


async def test_exactly_as_many_earnings_pass_at_one_cashier_as_may(db: Database) -> None:
    members = [await a_member(db) for _ in range(CONNECTIONS)]
    async with street(db, REFUSING) as tellers:
        for day in range(5):
            by = till(cashier=f"kim {day}")
            answers = await at_once(tellers, [Asks(REFUSING, m).buy(10, till=by) for m in members])
            assert codes(answers) == {"too_often": CONNECTIONS - LIMIT}
    assert await number(db, "SELECT count(*) FROM journal") == 5 * LIMIT
    assert await broken(db) == set()


async def test_exactly_as_many_points_are_spent_at_one_terminal_as_may(db: Database) -> None:
    members = [await a_member(db) for _ in range(CONNECTIONS)]
    async with street(db, REFUSING) as tellers:
        await at_once(tellers, [earn(m, 10_000) for m in members])
        answers = await at_once(tellers, [Asks(REFUSING, m).spend(10, till=till(terminal="1")) for m in members])
        assert codes(answers) == {"too_often": CONNECTIONS - LIMIT}
    assert await number(db, "SELECT sum(balance) FROM account") == CONNECTIONS * 100 - LIMIT * 10
    assert await broken(db) == set()


async def test_above_a_limit_exactly_the_rest_waits_for_a_look(db: Database) -> None:
    members = [await a_member(db) for _ in range(CONNECTIONS)]
    async with street(db, REVIEWING) as tellers:
        answers = await at_once(tellers, [Asks(REVIEWING, m).buy(10, till=till(terminal="1")) for m in members])
    waiting = [answer.outcome for answer in answers if isinstance(answer, Done) and answer.outcome.review]
    assert {outcome.review for outcome in waiting} == {("terminal_times",)}
    assert len(waiting) == CONNECTIONS - LIMIT == await number(db, "SELECT count(*) FROM review WHERE state = 'open'")
    assert await number(db, "SELECT sum(balance) FROM account") == LIMIT * 10
    assert await broken(db) == set()


async def test_without_the_lock_on_meters_more_pass(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    looking = "SELECT id, slots FROM meter WHERE id = ANY($1::text[])"
    members = [await a_member(db) for _ in range(CONNECTIONS)]
    async with street(db, REFUSING) as tellers:
        too_many = 0
        for day in range(50):
            by = till(cashier=f"kim {day}")
            await at_once(tellers[:1], [Asks(REFUSING, members[0]).buy(10, till=by)])
            monkeypatch.setattr(meters, "_LOCK", looking)
            answers = await at_once(tellers, [Asks(REFUSING, m).buy(10, till=by) for m in members])
            monkeypatch.undo()
            if too_many := CONNECTIONS - codes(answers)["too_often"] - (LIMIT - 1):
                break
    assert too_many > 0


async def test_a_proof_is_used_once_however_many_use_it_at_once(db: Database) -> None:
    member = await a_member(db)
    asks = Asks(PROOF, member)
    async with street(db, PROOF) as tellers:
        await at_once(tellers, [earn(member, 100_000)])
        for _ in range(10):
            async with db.unit() as unit:
                proof = await make_proof(unit.connection, member, "ptn_a", "tap", START)
            answers = await at_once(tellers, [asks.spend(1 + n, proof_id=proof) for n in range(CONNECTIONS)])
            assert codes(answers) == {"proof_refused": CONNECTIONS - 1}
    assert await number(db, "SELECT count(*) FROM proof WHERE used_by IS NOT NULL") == 10
    assert await broken(db) == set()


async def test_a_proof_is_used_once_by_one_process_in_one_transaction(db: Database) -> None:
    member = await a_member(db)
    asks = Asks(PROOF, member)
    async with street(db, PROOF) as tellers:
        await at_once(tellers, [earn(member, 100_000)])
        async with db.unit() as unit:
            proof = await make_proof(unit.connection, member, "ptn_a", "tap", START)
        spendings = [asks.spend(1, proof_id=proof) for _ in range(CONNECTIONS)]
        answers = await asyncio.gather(*(tellers[0].ask(one) for one in spendings), return_exceptions=True)
        done = [answer for answer in answers if isinstance(answer, Done)]
        assert len(done) == 1
        spent = next(one for one, answer in zip(spendings, answers, strict=True) if isinstance(answer, Done))
        again = await tellers[5].ask(spent)
        assert (again.replayed, again.outcome) == (True, done[0].outcome)
    assert await broken(db) == set()


async def test_a_proof_is_not_used_by_what_is_refused_for_another_reason(db: Database) -> None:
    member = await a_member(db)
    asks = Asks(PROOF, member)
    async with street(db, PROOF) as tellers:
        await at_once(tellers, [earn(member, 1_000)])
        async with db.unit() as unit:
            proof = await make_proof(unit.connection, member, "ptn_a", "tap", START)
        assert codes(await at_once(tellers, [asks.spend(11, proof_id=proof)])) == {"insufficient_points": 1}
        await tellers[0].ask(asks.spend(10, proof_id=proof))
    assert await broken(db) == set()


async def test_points_without_a_proof_are_counted_by_account_not_by_till(db: Database) -> None:
    version = programme("redemptions: {proof: {above: 50}}\n")
    member = await a_member(db)
    async with street(db, version) as tellers:
        await at_once(tellers, [earn(member, 100_000)])
        asks = Asks(version, member)
        asked = [asks.spend(10, partner_id=f"ptn_{n % 4}", till=till(terminal=str(n))) for n in range(CONNECTIONS)]
        answers = await at_once(tellers, asked)
        assert codes(answers) == {"proof_needed": CONNECTIONS - 5}
    assert await broken(db) == set()


async def test_a_proof_that_is_used_is_never_written_as_used_by_something_else(db: Database) -> None:
    member = await a_member(db)
    async with db.unit() as unit:
        proof = await make_proof(unit.connection, member, "ptn_a", "tap", START)
        await use_proofs(unit.connection, {proof: "jrn_1"})
        with pytest.raises(ProofTaken):
            await use_proofs(unit.connection, {proof: "jrn_2"})
