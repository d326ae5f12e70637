"""Limits that members share, where transactions are rolled back or overtake each other."""

import asyncio
from datetime import timedelta

from kernel.clock import MovableClock
from kernel.database import Database
from points.answers import Done
from points.commands import INTERNAL, Claim, Mature
from points.ledger import BuiltIn, Ledger
from points.programme.canonical import version_of
from points.programme.text import read_programme
from points.programme.version import InForce
from tests.support.ledger import START, a_key, a_member, earn

VERSION = version_of(
    read_programme(
        """
programme: lost
names: {en: Lost}
zone: Europe/Helsinki
currency: EUR
earn: [{id: terms, kind: terms}]
rewards: [{id: last, names: {en: Last}, kind: product, cost: 50, stock: {count: 1}}]
"""
    )
)

LATER = START + timedelta(hours=1)


def claim(member: str) -> Claim:
    return Claim(
        partner_id="ptn_b", key=a_key(), fingerprint=b"last", occurred_at=START, member_id=member, reward="last",
        in_force=InForce(VERSION),
    )  # fmt: skip


async def test_stock_holds_after_a_batch_was_rolled_back(db: Database) -> None:
    versions = BuiltIn()
    versions[VERSION.id] = VERSION
    ledger = Ledger(MovableClock(START), versions=versions)
    members = [await a_member(db) for _ in range(3)]
    connection = await db.dedicated()
    async with connection.transaction():
        await ledger.apply(connection, [earn(member, 6000) for member in members])
    lost = connection.transaction()
    await lost.start()
    await ledger.apply(connection, [claim(members[0])])
    await lost.rollback()
    answers = []
    for member in members:
        async with connection.transaction():
            answers += await ledger.apply(connection, [claim(member)])
    assert [isinstance(answer, Done) for answer in answers] == [True, False, False]
    assert await connection.fetchval("SELECT used FROM cap WHERE id = 'lost/last/stock/ever'") == 1
    await connection.close()


async def test_a_claim_that_came_up_while_time_was_looked_at_gives_its_stock_back(db: Database) -> None:
    versions = BuiltIn()
    versions[VERSION.id] = VERSION
    early, late = Ledger(MovableClock(START), versions=versions), Ledger(MovableClock(LATER), versions=versions)
    member = await a_member(db)
    one, other = await db.dedicated(), await db.dedicated()
    async with one.transaction():
        await early.apply(one, [earn(member, 6000)])
    due = Mature(
        partner_id="ptn_a", key="due", key_owner=INTERNAL, fingerprint=b"", occurred_at=LATER, member_id=member,
        in_force=InForce(VERSION),
    )  # fmt: skip

    async def mature() -> None:
        async with other.transaction():
            (answer,) = await late.apply(other, [due])
        assert isinstance(answer, Done), answer
        assert (answer.outcome.kind, answer.outcome.balance, answer.outcome.held) == ("time_out", 60, 0)

    async with one.transaction():
        await early.apply(one, [claim(member)])
        # It looks before the claim is there, and then waits for the member's row.
        maturing = asyncio.create_task(mature())
        for _ in range(1000):
            if await one.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                break
            await asyncio.sleep(0.01)
    await maturing
    assert await one.fetchval("SELECT used FROM cap WHERE id = 'lost/last/stock/ever'") == 0
    await one.close()
    await other.close()
