"""Many processes at the same moment: stock, limits and balances hold, and whoever does not win loses nothing."""

import asyncio
from datetime import UTC, datetime

from kernel.clock import MovableClock
from kernel.database import Database
from kernel.errors import CommonpointError
from points.answers import Done
from points.audit import audit
from points.commands import Capture, Claim, Command, Release
from points.ledger import BuiltIn, Ledger
from points.programme.canonical import version_of
from points.programme.text import read_programme
from points.programme.version import InForce
from points.teller import Teller
from tests.support.ledger import START, a_key, a_member, earn

TELLERS = 8
VERSION = version_of(
    read_programme(
        """
programme: races
names: {en: Races}
zone: Europe/Helsinki
currency: EUR
earn: [{id: terms, kind: terms}]
rewards:
  - {id: last, names: {en: Last}, kind: product, cost: 50, stock: {count: 1}}
  - {id: seven, names: {en: Seven}, kind: product, cost: 10, voucher: true, stock: {count: 7, per: month}}
  - {id: twice, names: {en: Twice}, kind: product, cost: 5, per_member: {times: 2, per: day}}
"""
    )
)
IN_FORCE = InForce(VERSION)


class Street:
    """Eight tellers, as of eight processes, on one database."""

    def __init__(self, db: Database) -> None:
        self.db = db
        versions = BuiltIn()
        versions[VERSION.id] = VERSION
        self.tellers = [Teller(db, Ledger(MovableClock(START), versions=versions)) for _ in range(TELLERS)]

    async def all_at_once(self, commands: list[Command]) -> list[Done | CommonpointError]:
        """What each was answered, each by the next teller; every one of them has served before."""
        for teller in self.tellers:
            await teller.start()
        poor = await a_member(self.db)
        for teller in self.tellers:
            await asyncio.gather(
                *(teller.ask(claim(poor, reward.id)) for reward in VERSION.programme.rewards), return_exceptions=True
            )
        asked = [self.tellers[n % TELLERS].ask(command) for n, command in enumerate(commands)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for teller in self.tellers:
            await teller.stop()
        assert all(isinstance(answer, Done | CommonpointError) for answer in answers), answers
        return [answer for answer in answers if isinstance(answer, Done | CommonpointError)]

    async def members(self, n: int, points: int) -> list[str]:
        """Members with so many points each."""
        found = [await a_member(self.db) for _ in range(n)]
        fresh = Street(self.db)
        await fresh.all_at_once([earn(member, points * 100) for member in found])
        return found

    async def number(self, sql: str) -> int:
        """A number from the database."""
        async with self.db.read() as read:
            return int(await read.connection.fetchval(sql) or 0)

    async def is_sound(self) -> bool:
        """Whether the ledger keeps its rules."""
        async with self.db.read() as read:
            return await audit(read.connection) == []


def claim(member: str, reward: str, key: str | None = None) -> Claim:
    return Claim(
        partner_id="ptn_b", key=key or a_key(), fingerprint=reward.encode(), occurred_at=START, member_id=member,
        reward=reward, in_force=IN_FORCE,
    )  # fmt: skip


def won(answers: list[Done | CommonpointError]) -> list[Done]:
    return [answer for answer in answers if isinstance(answer, Done)]


def codes(answers: list[Done | CommonpointError]) -> set[str]:
    return {answer.code for answer in answers if isinstance(answer, CommonpointError)}


async def test_the_last_one_is_claimed_once_by_twenty_members_at_eight_processes(db: Database) -> None:
    street = Street(db)
    members = await street.members(20, 60)
    answers = await street.all_at_once([claim(member, "last") for member in members])
    assert (len(won(answers)), codes(answers)) == (1, {"out_of_stock"})
    assert await street.number("SELECT sum(balance) FROM account WHERE id LIKE '%/spendable'") == 20 * 60 - 50
    assert await street.number("SELECT count(*) FROM claim") == 1
    assert await street.is_sound()


async def test_seven_codes_are_issued_to_thirty_who_want_them(db: Database) -> None:
    street = Street(db)
    members = await street.members(30, 10)
    answers = await street.all_at_once([claim(member, "seven") for member in members])
    assert len(won(answers)) == 7
    assert await street.number("SELECT count(*) FROM voucher") == 7
    assert await street.number("SELECT sum(used) FROM cap") == 7
    assert await street.number("SELECT sum(balance) FROM account WHERE id LIKE '%/spendable'") == 23 * 10
    assert await street.is_sound()


async def test_a_members_limit_holds_at_many_processes(db: Database) -> None:
    street = Street(db)
    [member] = await street.members(1, 1000)
    answers = await street.all_at_once([claim(member, "twice") for _ in range(24)])
    assert (len(won(answers)), codes(answers)) == (2, {"reward_limit_reached"})
    assert await street.number("SELECT sum(balance) FROM account WHERE id LIKE '%/spendable'") == 990


async def test_a_claim_is_captured_or_released_but_never_both(db: Database) -> None:
    street = Street(db)
    for _ in range(5):
        [member] = await street.members(1, 60)
        [made] = won(await Street(db).all_at_once([claim(member, "twice")]))
        ends: list[Command] = [
            kind(partner_id="ptn_b", key=a_key(), fingerprint=b"end", occurred_at=START, claim_id=made.outcome.id)
            for kind in (Capture, Release) * 6
        ]
        answers = await Street(db).all_at_once(ends)
        assert (len(won(answers)), codes(answers)) == (1, {"claim_ended"})
    assert await street.is_sound()


async def test_the_same_claim_at_many_processes_is_one_claim(db: Database) -> None:
    street = Street(db)
    [member] = await street.members(1, 500)
    answers = await street.all_at_once([claim(member, "last", "same") for _ in range(16)])
    assert len({done.outcome.id for done in won(answers)}) == 1
    assert sum(not done.replayed for done in won(answers)) == 1
    assert await street.number("SELECT sum(used) FROM cap") == 1
    assert await street.number("SELECT sum(balance) FROM account WHERE id LIKE '%/spendable'") == 450


async def test_stock_of_a_period_is_new_in_the_next(db: Database) -> None:
    street = Street(db)
    members = await street.members(10, 10)
    await street.all_at_once([claim(member, "seven") for member in members])
    later = Street(db)
    versions = BuiltIn()
    versions[VERSION.id] = VERSION
    april = MovableClock(datetime(2026, 4, 1, 12, tzinfo=UTC))
    later.tellers = [Teller(db, Ledger(april, versions=versions)) for _ in range(TELLERS)]
    answers = await later.all_at_once([claim(member, "seven") for member in members])
    assert len(won(answers)) == 3, "those who did not get one in March"
