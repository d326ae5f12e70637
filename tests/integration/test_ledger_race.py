"""Many hands on one balance."""

import asyncio

import pytest

from kernel.clock import MovableClock
from kernel.database import Database
from points import reading
from points.audit import audit
from points.ledger import Ledger
from points.programme.reward_refusals import PointsShort
from points.teller import Teller
from tests.support.ledger import START, a_member, earn, redeem

LOCKLESS = reading._LOCK.replace("FOR NO KEY UPDATE", "")
TELLERS = 8


async def spend_all_at_once(db: Database, tellers: list[Teller], balance: int, each: int) -> list[object]:
    """32 redemptions of one balance at the same moment; their answers."""
    member = await a_member(db)
    await tellers[0].ask(earn(member, balance * 100))
    asked = [tellers[n % TELLERS].ask(redeem(member, each, f"ptn_{n % 3}")) for n in range(32)]
    return list(await asyncio.gather(*asked, return_exceptions=True))


async def open_tellers(db: Database) -> list[Teller]:
    tellers = [Teller(db, Ledger(MovableClock(START), ("pass", "mirror"))) for _ in range(TELLERS)]
    for teller in tellers:
        await teller.start()
    return tellers


async def rules_broken(db: Database) -> set[str]:
    async with db.read() as read:
        return {finding.rule for finding in await audit(read.connection)}


async def test_a_balance_is_never_spent_twice(db: Database) -> None:
    tellers = await open_tellers(db)
    for _ in range(10):
        answers = await spend_all_at_once(db, tellers, balance=100, each=30)
        refused = [answer for answer in answers if isinstance(answer, Exception)]
        assert len(answers) - len(refused) == 3
        assert {type(error) for error in refused} == {PointsShort}
    for teller in tellers:
        await teller.stop()
    assert await rules_broken(db) == set()


async def test_without_the_lock_the_same_race_breaks_the_ledger(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_LOCK", LOCKLESS)
    tellers = await open_tellers(db)
    broken: set[str] = set()
    for _ in range(100):
        answers = await spend_all_at_once(db, tellers, balance=100, each=30)
        honoured = sum(not isinstance(answer, Exception) for answer in answers)
        if honoured > 3 and (broken := await rules_broken(db)):
            break
    for teller in tellers:
        await teller.stop()
    assert "a balance is the sum of its entries" in broken


async def test_members_named_in_any_order_are_locked_without_deadlock(db: Database) -> None:
    tellers = await open_tellers(db)
    members = [await a_member(db) for _ in range(6)]
    orders = [members, members[::-1], members[3:] + members[:3]]
    asked = [tellers[n % TELLERS].ask(earn(m, 500)) for n in range(24) for m in orders[n % 3]]
    done = await asyncio.gather(*asked)
    assert len(done) == 24 * 6
    for teller in tellers:
        await teller.stop()
    assert await rules_broken(db) == set()
    async with db.read() as read:
        spendable = await read.connection.fetch("SELECT balance FROM account WHERE id LIKE '%/spendable'")
    assert {row["balance"] for row in spendable} == {24 * 5}
