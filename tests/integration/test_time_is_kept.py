"""When time may next change something is never forgotten, whichever programme a command comes under."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from kernel.clock import MovableClock
from kernel.database import Database
from points.answers import Done
from points.audit import audit
from points.commands import INTERNAL, Command, Mature
from points.ledger import BuiltIn, Ledger
from points.outcome import Outcome
from points.programme.canonical import version_of
from points.programme.events import Event
from points.programme.publishing import publish
from points.programme.shelf import template
from points.programme.text import read_programme
from points.programme.version import InForce
from tests.support.ledger import IN_FORCE, START, a_member, earn, redeem, reverse

HOME = version_of(read_programme(template("household_bonus")))


async def due_of(db: Database, member: str) -> datetime | None:
    async with db.read() as read:
        due: datetime | None = await read.connection.fetchval(
            "SELECT due_at FROM account WHERE id = $1", f"{member}/spendable"
        )
        return due


async def test_a_months_total_is_paid_although_the_member_shopped_elsewhere_since(db: Database) -> None:
    clock, shelf = MovableClock(START), BuiltIn()
    shelf[HOME.id] = HOME
    ledger = Ledger(clock, versions=shelf)
    member, at_home = await a_member(db), InForce(HOME)
    bought = replace(earn(member, 1), event=Event(amount_minor=60_000), in_force=at_home)
    elsewhere = earn(member, 5_000, "ptn_b")
    async with db.unit() as unit:
        first, second = await ledger.apply(unit.connection, [bought, elsewhere])
        assert isinstance(second, Done)
        spent = replace(redeem(member, 10, "ptn_b"), in_force=IN_FORCE)
        await ledger.apply(unit.connection, [spent, reverse(second.outcome.id, 100, partner_id="ptn_b")])
    assert isinstance(first, Done)
    due = await due_of(db, member)
    assert due is not None
    assert due <= datetime(2026, 3, 31, 22, tzinfo=UTC)
    clock.move_to(datetime(2026, 4, 1, 3, tzinfo=UTC))
    matured = Mature(
        partner_id="ptn_a", key="m", key_owner=INTERNAL, fingerprint=b"", occurred_at=clock.now(), member_id=member,
        in_force=at_home,
    )  # fmt: skip
    async with db.unit() as unit:
        (paid,) = await ledger.apply(unit.connection, [matured])
    assert isinstance(paid, Done)
    assert (paid.outcome.kind, paid.outcome.points > 0) == ("total", True)
    assert (await due_of(db, member) or datetime.max.replace(tzinfo=UTC)) > clock.now()


WAITING = version_of(
    read_programme(
        """
programme: waiting
names: {en: Waiting}
zone: Europe/Helsinki
currency: EUR
earn: [{id: base, kind: spend, per: 1, pending: {after: P14D}}]
rewards: [{id: cup, names: {en: Cup}, kind: product, cost: 10, voucher: true, auto_issue: true, stock: {count: 5}}]
lots: {expiry: {kind: rolling, length: P60D}}
engagement:
  challenges:
    - {id: third, names: {en: Third}, goal: {count: 2}, gain: {points: 3}, per: month}
"""
    )
)
AT_WAITING = InForce(WAITING)


class Time:
    """A member, and a clock that moves; whoever asks is the ledger itself."""

    def __init__(self, db: Database, member: str) -> None:
        self.db, self.member, self.clock = db, member, MovableClock(START)
        shelf = BuiltIn()
        shelf[WAITING.id] = WAITING
        self.ledger = Ledger(self.clock, versions=shelf)

    async def does(self, command: Command) -> Outcome:
        async with self.db.unit() as unit:
            (answer,) = await self.ledger.apply(unit.connection, [command])
        assert isinstance(answer, Done), answer
        return answer.outcome

    async def buys(self, amount_minor: int) -> Outcome:
        command = earn(self.member, amount_minor)
        return await self.does(replace(command, in_force=AT_WAITING, occurred_at=self.clock.now()))

    async def passes(self, days: int) -> Outcome:
        self.clock.advance(timedelta(days=days))
        return await self.does(
            Mature(
                partner_id="ptn_a", key="m", key_owner=INTERNAL, fingerprint=b"", occurred_at=self.clock.now(),
                member_id=self.member, in_force=AT_WAITING,
            )
        )  # fmt: skip


async def a_time(db: Database) -> Time:
    async with db.unit() as unit:
        await publish(unit, MovableClock(START), WAITING.programme, {}, "ptn_a")
    return Time(db, await a_member(db))


async def test_points_that_become_free_become_a_reward_without_another_purchase(db: Database) -> None:
    time = await a_time(db)
    bought = await time.buys(1_000)
    assert (bought.balance, bought.pending, bought.vouchers) == (0, 10, ())
    freed = await time.passes(15)
    assert freed.kind == "activate"
    assert (freed.balance, freed.pending, [voucher.reward for voucher in freed.vouchers]) == (0, 0, ["cup"])
    async with db.read() as read:
        assert await audit(read.connection) == []


async def test_a_bonus_that_has_expired_is_not_taken_back_from_other_points(db: Database) -> None:
    time = await a_time(db)
    await time.buys(100)
    second = await time.buys(100)
    assert [one.points for one in second.consequences] == [3]
    await time.passes(15)
    gone = await time.passes(60)
    assert gone.balance == 0
    await time.buys(800)
    free = await time.passes(15)
    assert free.balance == 8
    undone = await time.does(reverse(second.id))
    assert (undone.balance, undone.arrears) == (8, 0)
    async with db.read() as read:
        assert await audit(read.connection) == []
