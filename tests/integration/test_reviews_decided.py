"""Reviews on the real ledger: decided once, whoever decides how often, whatever happened in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from kernel.clock import MovableClock
from kernel.database import Connection, Database
from kernel.errors import CommonpointError
from kernel.ids import new_id
from points import ledger as ledgers
from points.audit import audit
from points.commands import Act, Merge, Redeem
from points.deciding.errors import NotReversible, TooOften
from points.ledger import Ledger, Posted
from points.meters import forget_meters
from points.outcome import Outcome
from points.programme.version import Version
from points.proofs import make_proof
from points.reviews import Review, ReviewDecided, UnknownReview, decide, review, waiting
from points.statement import member_states
from points.teller import Teller
from tests.support.ledger import START, a_key, a_member, reverse
from tests.support.watched import Asks, programme, publish, till

REVIEWED = programme("misuse: {velocity: [{of: partner, on: earn, within: PT1H, points: 1}]}\n")
CLOCK = MovableClock(START)


@asynccontextmanager
async def tellers_of(
    db: Database, version: Version = REVIEWED, n: int = 1, **other: object
) -> AsyncIterator[list[Teller]]:
    shelf = await publish(db, version)
    tellers = [Teller(db, Ledger(CLOCK, ("pass",), versions=shelf, **other)) for _ in range(n)]  # type: ignore[arg-type]
    for teller in tellers:
        await teller.start()
    yield tellers
    for teller in tellers:
        await teller.stop()


async def open_review(db: Database, teller: Teller, points: int = 10) -> tuple[str, Review, Outcome]:
    """A member, the review of their one purchase, and the purchase."""
    member = await a_member(db)
    at = till(terminal="1", cashier="kim")
    earned = (await teller.ask(Asks(REVIEWED, member).buy(points, till=at))).outcome
    return member, await of_journal(db, earned.id), earned


async def of_journal(db: Database, journal_id: str) -> Review:
    async with db.read() as read:
        row = await read.connection.fetchval("SELECT id FROM review WHERE journal_id = $1", journal_id)
        return await review(read.connection, str(row))


async def points_of(db: Database, member: str) -> tuple[int, int]:
    """(spendable, pending)"""
    async with db.read() as read:
        state = (await member_states(read.connection, [member]))[member]
    return state.spendable, state.pending


async def is_sound(db: Database) -> bool:
    async with db.read() as read:
        return await audit(read.connection) == []


async def test_a_review_says_whose_what_where_and_why(db: Database) -> None:
    async with tellers_of(db) as (teller,):
        member, made, earned = await open_review(db, teller)
        assert made == Review(
            id=made.id, journal_id=earned.id, member_id=member, partner_id="ptn_a", reasons=["partner_points"],
            terminal="1", cashier="kim", points=10, state="open", created_at=START, decided_at=None, decided_by=None,
            note=None,
        )  # fmt: skip
        assert (earned.review, earned.pending, earned.balance) == (("partner_points",), 10, 0)
        _, second, _ = await open_review(db, teller)
        async with db.read() as read:
            assert await waiting(read.connection, "ptn_a") == [made, second]
            assert await waiting(read.connection, None, after=made.id) == [second]
            assert await waiting(read.connection, "ptn_b") == []
            with pytest.raises(UnknownReview):
                await review(read.connection, made.id, "ptn_b")
            with pytest.raises(UnknownReview):
                await review(read.connection, "nothing")
    assert await is_sound(db)


@pytest.mark.parametrize(("verdict", "state", "points"), [("approve", "approved", 10), ("reject", "rejected", 0)])
async def test_the_same_verdict_again_changes_nothing(db: Database, verdict: str, state: str, points: int) -> None:
    async with tellers_of(db) as (teller,):
        member, made, _ = await open_review(db, teller)
        first = await decide(db, teller, CLOCK, made.id, verdict, "stf_m", "looked")  # type: ignore[arg-type]
        assert (first.state, first.decided_by, first.note, first.decided_at) == (state, "stf_m", "looked", START)
        again = await decide(db, teller, CLOCK, made.id, verdict, "stf_n", "too")  # type: ignore[arg-type]
        assert again == first
        other = "reject" if verdict == "approve" else "approve"
        with pytest.raises(ReviewDecided) as error:
            await decide(db, teller, CLOCK, made.id, other, "stf_n")  # type: ignore[arg-type]
        assert error.value.facts == {"state": state}
        assert await points_of(db, member) == (points, 0)
    assert await is_sound(db)


async def test_of_many_who_decide_at_once_one_decides(db: Database) -> None:
    async with tellers_of(db, n=8) as tellers:
        for _ in range(6):
            member, made, _ = await open_review(db, tellers[0])
            verdicts = ("approve", "reject") * 8
            asked = [
                decide(db, tellers[n % 8], CLOCK, made.id, verdict, f"stf_{n}")  # type: ignore[arg-type]
                for n, verdict in enumerate(verdicts)
            ]
            answers = await asyncio.gather(*asked, return_exceptions=True)
            state = (await of_journal(db, made.journal_id)).state
            won = [answer for answer in answers if isinstance(answer, Review)]
            lost = [answer for answer in answers if isinstance(answer, ReviewDecided)]
            assert (len(won), len(lost)) == (8, 8)
            assert {(one.state, one.decided_by) for one in won} == {(state, won[0].decided_by)}
            assert await points_of(db, member) == ((10, 0) if state == "approved" else (0, 0))
    assert await is_sound(db)


async def test_a_crash_while_deciding_leaves_nothing_or_all(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with tellers_of(db) as (teller,):
        member, made, _ = await open_review(db, teller)

        async def dies(*_: object) -> None:
            raise RuntimeError("power")

        monkeypatch.setattr(ledgers, "write_reviews", dies)
        with pytest.raises(CommonpointError):
            await decide(db, teller, CLOCK, made.id, "approve", "stf_m")
        assert ((await of_journal(db, made.journal_id)).state, await points_of(db, member)) == ("open", (0, 10))
        monkeypatch.undo()
        assert (await decide(db, teller, CLOCK, made.id, "approve", "stf_m")).state == "approved"
        assert await points_of(db, member) == (10, 0)
    assert await is_sound(db)


async def test_a_till_cannot_approve_what_it_did_itself(db: Database) -> None:
    async with tellers_of(db) as (teller,):
        member, made, earned = await open_review(db, teller)
        command = reverse(earned.id)
        act = Act(
            partner_id="ptn_a", key=f"review/{made.id}", fingerprint=b"", occurred_at=START, journal_id=earned.id,
            event="review",
        )  # fmt: skip
        with pytest.raises(NotReversible):
            await teller.ask(act)
        assert await points_of(db, member) == (0, 10)
        await teller.ask(replace(command, key=f"review/{made.id}"))  # a partner's key is not the service's own
        assert (await decide(db, teller, CLOCK, made.id, "approve", "stf_m")).state == "approved"
        assert await points_of(db, member) == (0, 0)
    assert await is_sound(db)


@pytest.mark.parametrize(("verdict", "points"), [("approve", 10), ("reject", 0)])
async def test_points_under_review_are_found_after_merges(db: Database, verdict: str, points: int) -> None:
    async with tellers_of(db) as (teller,):
        member, made, _ = await open_review(db, teller)
        for _ in range(2):
            into = await a_member(db)
            asks = Asks(REVIEWED, member)
            await teller.ask(
                Merge(
                    partner_id="ptn_a",
                    key=a_key(),
                    fingerprint=b"",
                    occurred_at=START,
                    member_id=member,
                    to_member_id=into,
                    in_force=asks.in_force,
                )
            )
            member = into
            assert await points_of(db, member) == (0, 10)
            assert await is_sound(db)
        decided = await decide(db, teller, CLOCK, made.id, verdict, "stf_m")  # type: ignore[arg-type]
        assert decided.member_id != member
        assert await points_of(db, member) == (points, 0)
        async with db.read() as read:
            owed = await read.connection.fetchval("SELECT min(balance) FROM account")
        assert owed == 0
    assert await is_sound(db)


async def test_a_review_that_is_decided_is_not_decided_by_the_ledger_either(db: Database) -> None:
    async with tellers_of(db) as (teller,):
        _, made, _ = await open_review(db, teller)
        async with db.unit() as unit:
            await unit.connection.execute(
                "UPDATE review SET state = 'rejected', decided_at = $2 WHERE id = $1", made.id, START
            )
        with pytest.raises(ReviewDecided):
            await decide(db, teller, CLOCK, made.id, "approve", "stf_m")


async def test_what_was_honoured_offline_is_told_to_the_steps_of_the_transaction(db: Database) -> None:
    told: list[Posted] = []

    async def listen(_: Connection, posted: list[Posted]) -> None:
        told.extend(posted)

    async with tellers_of(db, steps=[listen]) as (teller,):
        member = await a_member(db)
        asks = Asks(REVIEWED, member)
        await teller.ask(asks.buy(30, till=till(approved_by="stf_m")))
        first = (await teller.ask(asks.offline(50))).outcome
        second = (await teller.ask(asks.offline(50))).outcome
        assert [(o.points, o.short) for o in (first, second)] == [(-30, 20), (0, 50)]
        offline = [(p.kind, p.points, p.short, p.offline is not None) for p in told]
        assert offline == [("earn", 30, 0, False), ("redeem", 30, 20, True), ("redeem", 0, 50, True)]
    assert await is_sound(db)


async def test_in_a_household_whoever_may_not_spend_leaves_the_float_to_pay(db: Database) -> None:
    async with tellers_of(db) as (teller,):
        child, pool = await a_member(db), await a_member(db)
        await teller.ask(Asks(REVIEWED, pool).buy(30, till=till(approved_by="stf_m")))
        async with db.unit() as unit:
            await unit.connection.execute(
                "UPDATE account SET pool_id = $1, may_spend = false WHERE id = $2", pool, f"{child}/spendable"
            )
        spent = (await teller.ask(Asks(REVIEWED, child).offline(10))).outcome
        assert (spent.points, spent.short, spent.balance) == (0, 10, 30)


async def test_a_housemate_proves_for_the_account_if_they_may_spend_from_it(db: Database) -> None:
    version = programme("redemptions: {proof: {above: 0}}\n")
    async with tellers_of(db, version) as (teller,):
        one, other, pool = [await a_member(db) for _ in range(3)]
        await teller.ask(Asks(version, pool).buy(100))
        answers = []
        for may_spend in (False, True):
            async with db.unit() as unit:
                await unit.connection.execute(
                    "UPDATE account SET pool_id = $1, may_spend = member_id = $2 OR $3 WHERE id = ANY($4::text[])",
                    pool, one, may_spend, [f"{m}/spendable" for m in (one, other)],
                )  # fmt: skip
                proof = await make_proof(unit.connection, other, "ptn_a", "pin", START)
            answers.append(await _answer(teller, Asks(version, one).spend(10, proof_id=proof)))
        assert answers == ["proof_refused", -10]


async def test_a_confirmation_is_good_for_what_the_member_saw(db: Database) -> None:
    version = programme("redemptions: {proof: {above: 0}}\n")
    async with tellers_of(db, version) as (teller,):
        member = await a_member(db)
        await teller.ask(Asks(version, member).buy(100))
        async with db.unit() as unit:
            proof = await make_proof(unit.connection, member, "ptn_a", "confirmation", START)
            await unit.connection.execute(
                "INSERT INTO confirmation (id, member_id, partner_id, points, state, asked_at, good_until, proof_id)"
                " VALUES ($1, $2, 'ptn_a', 40, 'confirmed', $3, $3, $4)",
                new_id("cnf"), member, START, proof,
            )  # fmt: skip
        assert await _answer(teller, Asks(version, member).spend(41, proof_id=proof)) == "proof_refused"
        assert await _answer(teller, Asks(version, member).spend(40, proof_id=proof)) == -40
    assert await is_sound(db)


async def _answer(teller: Teller, command: Redeem) -> str | int:
    try:
        return (await teller.ask(command)).outcome.points
    except CommonpointError as error:
        return error.code


async def test_who_was_merged_in_the_same_batch_is_judged_by_the_meters_of_the_account_they_use_now(
    db: Database,
) -> None:
    """The meter was not locked under its new name: the batch is taken apart, and nothing passes uncounted."""
    version = programme("misuse: {velocity: [{of: member, on: earn, within: PT1H, times: 1, then: refuse}]}\n")
    member, into = await a_member(db), await a_member(db)
    shelf = await publish(db, version)
    ledger = Ledger(CLOCK, ("pass",), versions=shelf)
    asks = Asks(version, member)
    merge = Merge(
        partner_id="ptn_a", key=a_key(), fingerprint=b"", occurred_at=START, member_id=member, to_member_id=into,
        in_force=asks.in_force,
    )  # fmt: skip
    first = Teller(db, ledger)
    await first.start()
    await first.ask(Asks(version, into).buy(10))
    await first.stop()
    async with db.unit() as unit:
        with pytest.raises(ledgers.MetersMoved):
            async with unit.connection.transaction():
                await ledger.apply(unit.connection, [merge, asks.buy(10, till=till(approved_by="stf_m")), asks.buy(1)])
    second = Teller(db, ledger)
    waiting_in_line = asyncio.gather(second.ask(merge), second.ask(asks.buy(10)), return_exceptions=True)
    await asyncio.sleep(0)
    await second.start()
    moved, refused = await waiting_in_line
    await second.stop()
    assert not isinstance(moved, BaseException)
    assert isinstance(refused, TooOften)
    assert await is_sound(db)


async def test_meters_that_nobody_used_for_long_are_forgotten(db: Database) -> None:
    version = programme("misuse: {velocity: [{of: member, on: earn, within: PT1H, times: 1, then: refuse}]}\n")
    async with tellers_of(db, version) as (teller,):
        for _ in range(3):
            await teller.ask(Asks(version, await a_member(db)).buy(1))
        async with db.unit() as unit:
            await unit.connection.execute(
                "UPDATE meter SET changed_at = now() - interval '401 days' WHERE id IN (SELECT min(id) FROM meter)"
            )
        assert [await forget_meters(db), await forget_meters(db)] == [1, 0]


async def test_approved_points_that_wait_for_a_time_are_due_then(db: Database) -> None:
    version = programme(
        "misuse: {velocity: [{of: partner, on: earn, within: PT1H, points: 1}]}\n",
        earn="earn: [{id: spend, kind: spend, per: 1, points: 1, pending: {after: P14D}}]\n",
    )
    clock = MovableClock(START)
    teller = Teller(db, Ledger(clock, ("pass",), versions=await publish(db, version)))
    await teller.start()
    member = await a_member(db)
    earned = (await teller.ask(Asks(version, member).buy(10))).outcome
    made = await of_journal(db, earned.id)
    await decide(db, teller, clock, made.id, "approve", "stf_m")
    assert await points_of(db, member) == (0, 10)
    clock.advance(timedelta(days=15))
    async with db.read() as read:
        due = await read.connection.fetchval("SELECT due_at FROM account WHERE id = $1", f"{member}/spendable")
    assert due == START + timedelta(days=14)
    spent = (await teller.ask(Asks(version, member).spend(10))).outcome
    await teller.stop()
    assert (spent.balance, spent.pending) == (0, 0)
    assert await is_sound(db)


async def test_limits_slide_with_the_clock_and_are_kept_between_processes(db: Database) -> None:
    version = programme("misuse: {velocity: [{of: terminal, on: earn, within: PT1H, times: 2, then: refuse}]}\n")
    clock, member = MovableClock(START), await a_member(db)
    shelf = await publish(db, version)
    passed = []
    for _ in range(13):  # every ten minutes, each time another process
        teller = Teller(db, Ledger(clock, ("pass",), versions=shelf))
        await teller.start()
        try:
            await teller.ask(Asks(version, member).buy(1, till=till(terminal="1")))
            passed.append(clock.now())
        except TooOften:
            pass
        await teller.stop()
        clock.advance(timedelta(minutes=10, seconds=1))
    gaps = [later - before for before, later in zip(passed, passed[2:], strict=False)]
    assert len(passed) >= 4
    assert all(timedelta(hours=1) < gap <= timedelta(minutes=71) for gap in gaps), gaps


async def test_a_rejected_earning_takes_along_what_was_won_by_it(db: Database) -> None:
    version = programme(
        "misuse: {velocity: [{of: partner, on: earn, within: PT1H, points: 1}]}\n"
        "engagement: {milestones: [{id: first, names: {en: First}, goal: {of: purchases, count: 1},"
        " gain: {points: 5}}]}\n"
    )
    async with tellers_of(db, version) as (teller,):
        for spend, balance, owed in ((0, 0, 0), (5, 0, -5)):
            member = await a_member(db)
            earned = (await teller.ask(Asks(version, member).buy(10))).outcome
            assert (earned.balance, earned.pending) == (5, 10)
            if spend:
                await teller.ask(Asks(version, member).spend(spend))
            made = await of_journal(db, earned.id)
            await decide(db, teller, CLOCK, made.id, "reject", "stf_m")
            assert await points_of(db, member) == (balance, 0)
            async with db.read() as read:
                arrears = await read.connection.fetchval(
                    "SELECT balance FROM account WHERE id = $1", f"{member}/arrears"
                )
            assert arrears == owed
    assert await is_sound(db)
