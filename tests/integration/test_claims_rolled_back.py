"""A batch that is rolled back takes the rows of its limits along; the process that lost it must not forget them."""

from kernel.clock import MovableClock
from kernel.database import Database
from points.answers import Done
from points.commands import Claim
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
