"""What the ledger promises, one short story each: these are the tests that planted faults must not survive."""

import asyncio
from collections.abc import Callable, Iterator
from contextvars import Context
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import asyncpg
import pytest

from kernel.clock import MovableClock
from kernel.database import Database
from kernel.errors import CommonpointError
from points.answers import Done
from points.commands import Claim, Command, Release
from points.ledger import BuiltIn, Ledger
from points.outcome import Outcome
from points.programme.version import InForce
from points.verifying import verify
from tests.support.ledger import START, a_key, a_member, earn, redeem
from tests.support.programme_shapes import Campaign, version_for
from tests.support.promised import Desk, shaped
from tests.support.shaped_ledger import Room


@pytest.fixture
def room(database_url: str) -> Iterator[Room]:
    opened = Room(database_url)
    yield opened
    opened.close()


def in_order(desk: Desk) -> bool:
    """The audit has nothing to say."""
    findings = desk.ledger.findings()
    assert not findings, "\n" + "\n".join(map(str, findings))
    return True


def test_fractions_are_carried_and_refunds_in_pieces_take_back_what_was_given(room: Room) -> None:
    desk = Desk(room)
    bills = [desk.buy(amount) for amount in (150, 150, 199, 75)]
    assert desk.balance() == 5
    for bill, piece in zip(bills, (50, 70, 33, 75), strict=True):
        desk.refund(bill, piece)
    for bill in bills[:3]:
        desk.refund(bill)
    assert desk.balance() == 0
    assert in_order(desk)


def test_points_end_when_their_last_day_is_over_in_the_programmes_zone(room: Room) -> None:
    desk = Desk(room, shaped(expiry=("rolling", 10)))
    desk.buy(1_000)
    over = datetime(2026, 3, 12, 22, tzinfo=UTC)  # midnight in Helsinki
    desk.ledger.clock.move_to(over - timedelta(seconds=1))
    desk.wait()
    assert desk.balance() == 10
    desk.wait(seconds=1)
    assert desk.balance() == 0
    assert in_order(desk)


def test_restored_points_keep_their_expiry(room: Room) -> None:
    desk = Desk(room, shaped(expiry=("rolling", 10)))
    desk.buy(1_000)
    desk.wait(days=5)
    spent = desk.spend(6)
    desk.wait(days=1)
    desk.give_back(spent)
    desk.wait(days=5)
    assert desk.balance() == 0
    assert in_order(desk)


def test_points_that_were_sent_keep_their_expiry(room: Room) -> None:
    desk = Desk(room, shaped(expiry=("rolling", 10)))
    desk.buy(1_000)
    desk.wait(days=5)
    desk.send(7)
    assert desk.balance(member=1) == 7
    desk.wait(member=1, days=6)
    assert desk.balance(member=1) == 0
    assert in_order(desk)


def test_a_hold_ends_once(room: Room) -> None:
    desk = Desk(room)
    desk.buy(2_500)
    first, second = desk.claim(), desk.claim()
    assert isinstance(first, Outcome)
    assert isinstance(second, Outcome)
    assert desk.balance() == 5
    assert isinstance(desk.capture(first), Outcome)
    assert [isinstance(again, CommonpointError) for again in (desk.capture(first), desk.release(first))] == [True, True]
    desk.wait(hours=2)
    assert desk.balance() == 15
    assert isinstance(desk.capture(second), CommonpointError)
    assert in_order(desk)


def test_a_refund_gives_the_budget_and_the_counters_back(room: Room) -> None:
    desk = Desk(room, shaped(campaign=Campaign(Fraction(2), None, 8), gold=(5_000, Fraction(2))))
    bill = desk.buy(6_000)
    assert (desk.balance(), bill.tier) == (68, "gold")
    desk.refund(bill)
    assert desk.buy(700).points == 14
    assert in_order(desk)


def test_spending_does_not_lower_a_tier(room: Room) -> None:
    desk = Desk(room, shaped(gold=(5_000, Fraction(2))))
    desk.buy(5_000)
    desk.spend(50)
    assert desk.buy(1_000).points == 20
    assert in_order(desk)


def test_points_come_to_who_owes_as_a_cure(room: Room) -> None:
    desk = Desk(room)
    bill = desk.buy(3_000)
    desk.spend(30)
    assert desk.refund(bill).arrears == 30
    after = desk.buy(5_000)
    assert (after.balance, after.arrears) == (20, 0)
    assert in_order(desk)


def test_own_points_are_used_first_where_the_programme_says_so(room: Room) -> None:
    desk = Desk(room, shaped(consume=("own_issuer_first", "oldest")))
    desk.buy(1_000)
    desk.here = "ptn_b"
    desk.buy(1_000)
    desk.spend(10)
    lots = desk.ledger.rows("SELECT issuer_id FROM lot WHERE remaining > 0")
    assert [row["issuer_id"] for row in lots] == ["ptn_a"]


def test_every_change_leaves_a_note_for_the_followers(room: Room) -> None:
    desk = Desk(room)
    changes: list[Callable[[], Outcome]] = [lambda: desk.buy(1_000), lambda: desk.spend(5)]
    for change in changes:
        desk.ledger.run(desk.ledger.connection.execute("DELETE FROM outbox"))
        change()
        notes = desk.ledger.rows("SELECT subject FROM outbox WHERE kind = 'pass'")
        assert [row["subject"] for row in notes] == [desk.who(0)]


def test_the_chain_over_the_entries_is_whole(room: Room) -> None:
    desk = Desk(room)
    desk.refund(desk.buy(1_000), 300)
    connection = desk.ledger.connection
    assert desk.ledger.run(verify(connection)).broken is None
    swap = "UPDATE journal SET height = 3 - height WHERE height IN (1, 2)"
    desk.ledger.run(connection.execute("DROP INDEX journal_chain"))
    desk.ledger.run(connection.execute(swap))
    assert desk.ledger.run(verify(connection)).broken is not None


async def test_a_key_stands_for_one_effect_in_the_database_itself(db: Database) -> None:
    insert = "INSERT INTO idempotency (partner_id, key, fingerprint, effect_id, answer) VALUES ('p', 'k', '', $1, '')"
    async with db.unit() as unit:
        await unit.connection.execute(insert, "one")
    with pytest.raises(asyncpg.UniqueViolationError):
        async with db.unit() as unit:
            await unit.connection.execute(insert, "two")


async def _both_at_once(db: Database, ledger: Ledger, first: Command, second: Command) -> list[object]:
    """Two tills ask in two transactions, the second before the first has committed."""
    answers: list[object] = []

    async def later() -> None:
        async with db.unit() as unit:
            answers.extend(await ledger.apply(unit.connection, [second]))

    async with db.unit() as unit:
        answers.extend(await ledger.apply(unit.connection, [first]))
        waiting = asyncio.create_task(later(), context=Context())
        await asyncio.sleep(0.3)  # it has looked by now, or waits for the lock
    await waiting
    return answers


async def test_of_two_tills_that_spend_the_same_points_one_is_refused(db: Database) -> None:
    member = await a_member(db)
    ledger = Ledger(MovableClock(START))
    async with db.unit() as unit:
        await ledger.apply(unit.connection, [earn(member, 1_000)])
    answers = await _both_at_once(db, ledger, redeem(member, 8), redeem(member, 8))
    assert sorted(isinstance(answer, Done) for answer in answers) == [False, True]


async def test_of_two_members_who_claim_the_last_reward_one_is_refused(db: Database) -> None:
    version = version_for(shaped(stock=1))
    versions = BuiltIn()
    versions[version.id] = version
    ledger = Ledger(MovableClock(START), versions=versions)
    both = [await a_member(db), await a_member(db)]
    async with db.unit() as unit:
        await ledger.apply(unit.connection, [earn(member, 5_000) for member in both])

    def asked(member: str) -> dict[str, Any]:
        return {"partner_id": "ptn_a", "key": a_key(), "fingerprint": b"", "occurred_at": START, "member_id": member}

    def claim(member: str) -> Claim:
        return Claim(**asked(member), reward="prize", in_force=InForce(version))

    async with db.unit() as unit:  # the stock was counted before, and is whole again
        [first] = await ledger.apply(unit.connection, [claim(both[0])])
        assert isinstance(first, Done)
        given_up = {name: value for name, value in asked("").items() if name != "member_id"}
        await ledger.apply(unit.connection, [Release(**given_up, claim_id=first.outcome.id)])
    answers = await _both_at_once(db, ledger, *map(claim, both))
    assert sorted(isinstance(answer, Done) for answer in answers) == [False, True]
