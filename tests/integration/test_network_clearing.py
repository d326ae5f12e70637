"""From redemptions in the ledger to a closed cycle: each obligation once, money kept to the micro."""

import asyncio
import contextlib
from collections import Counter
from datetime import timedelta

import pytest

from kernel.clock import MovableClock
from kernel.database import Database
from kernel.errors import CommonpointError
from network.clearing import CycleUnknown, NothingToClear, close_cycle, cycle, cycle_window, verify_cycle
from network.netting import OPERATOR
from network.obligations import ObligationTooLarge, record_obligations
from network.partners import Brand, add_partner
from network.terms import Rates, TermsMissing, publish
from points.answers import Done
from points.commands import Command
from points.ledger import Ledger
from points.outcome import Outcome
from points.programme.version import TermsRate
from tests.support.ledger import START, a_member, earn, redeem, reverse

ROUND = Rates("EUR", 1, 100, 10_000, 9_000)
ODD = Rates("EUR", 1, 100, 3_333, 2_221)


async def _partner(db: Database, clock: MovableClock, rates: Rates | None = ROUND) -> str:
    async with db.unit() as unit:
        made = await add_partner(unit, clock, "P", Brand("P"))
        if rates is not None:
            await publish(unit, clock, made.id, rates)
    return made.id


async def _do(db: Database, clock: MovableClock, *commands: Command) -> list[Outcome]:
    ledger = Ledger(clock, steps=[record_obligations])
    async with db.unit() as unit:
        answers = await ledger.apply(unit.connection, commands)
    done = []
    for answer in answers:
        if isinstance(answer, CommonpointError):
            raise answer
        assert isinstance(answer, Done)
        done.append(answer.outcome)
    return done


async def _obligations(db: Database) -> list[tuple[str, str, int, int, int]]:
    async with db.read() as read:
        rows = await read.connection.fetch(
            "SELECT issuer_id, acceptor_id, points, issuer_micros, acceptor_micros FROM obligation ORDER BY id"
        )
    return [tuple(row) for row in rows]


async def test_a_redemption_makes_one_obligation_per_issuer_and_none_towards_oneself(db: Database) -> None:
    clock = MovableClock(START)
    a, b, c = [await _partner(db, clock) for _ in range(3)]
    member = await a_member(db)
    await _do(db, clock, *(earn(member, 100_00, partner) for partner in (a, b, c)))
    await _do(db, clock, redeem(member, 300, c))
    assert await _obligations(db) == [(a, c, 100, 1_000_000, 900_000), (b, c, 100, 1_000_000, 900_000)]


async def test_points_given_back_are_priced_as_they_were_honoured(db: Database) -> None:
    clock = MovableClock(START)
    a, b = await _partner(db, clock), await _partner(db, clock)
    member = await a_member(db)
    await _do(db, clock, earn(member, 100_00, a))
    (spent,) = await _do(db, clock, redeem(member, 100, b))
    clock.advance(timedelta(days=1))
    async with db.unit() as unit:
        await publish(unit, clock, a, ODD)
        await publish(unit, clock, b, ODD)
    await _do(db, clock, reverse(spent.id, points=40, partner_id=b))
    await _do(db, clock, reverse(spent.id, points=60, partner_id=b))
    totals = [sum(column) for column in zip(*((o[2], o[3], o[4]) for o in await _obligations(db)), strict=True)]
    assert totals == [0, 0, 0]


async def test_a_redemption_where_no_terms_are_in_force_is_undone(db: Database) -> None:
    clock = MovableClock(START)
    a, b = await _partner(db, clock), await _partner(db, clock, rates=None)
    member = await a_member(db)
    await _do(db, clock, earn(member, 100_00, a))
    with pytest.raises(TermsMissing):
        await _do(db, clock, redeem(member, 50, b))
    assert await _obligations(db) == []
    (left,) = await _do(db, clock, redeem(member, 100, a))
    assert left.balance == 0


async def test_more_money_than_can_be_held_is_refused(db: Database) -> None:
    clock = MovableClock(START)
    a, b = [await _partner(db, clock, Rates("EUR", 1_000_000, 1, 10**9, 10**9)) for _ in range(2)]
    member = await a_member(db)
    await _do(db, clock, earn(member, 10**5, a, rule=TermsRate("trm_generous", 1_000_000, 1)))
    with pytest.raises(ObligationTooLarge):
        await _do(db, clock, redeem(member, 10**11, b))


async def test_a_cycle_nets_what_is_open_and_carries_what_is_below_a_cent(db: Database) -> None:
    clock = MovableClock(START)
    a, b, c = [await _partner(db, clock, ODD) for _ in range(3)]
    member = await a_member(db)
    owed: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    carry: dict[str, int] = {}
    for number in range(1, 5):
        await _do(db, clock, earn(member, 777_00, a), earn(member, 31_00, b), redeem(member, 13 * number, c))
        await _do(db, clock, redeem(member, 7, b))
        before = await _obligations(db)
        closed = await close_cycle(db, clock)
        assert closed.number == number
        assert sum(one.net_minor for one in closed.positions) == 0
        assert sum(one.carry_micros for one in closed.positions) == 0
        for one in closed.positions:
            paid[one.party_id] += one.net_minor
        carry = {one.party_id: one.carry_micros for one in closed.positions}
        owed.clear()
        for issuer, acceptor, _, issuer_micros, acceptor_micros in before:
            owed[issuer] -= issuer_micros
            owed[acceptor] += acceptor_micros
            owed[OPERATOR] += issuer_micros - acceptor_micros
        async with db.read() as read:
            assert await cycle(read.connection, closed.id) == closed
    assert {party: paid[party] * 10_000 + carry[party] for party in carry} == {party: owed[party] for party in carry}


async def test_of_many_who_close_at_once_one_gets_the_cycle(db: Database) -> None:
    clock = MovableClock(START)
    a, b = await _partner(db, clock), await _partner(db, clock)
    member = await a_member(db)
    await _do(db, clock, earn(member, 1000_00, a))
    await _do(db, clock, *(redeem(member, 10, b) for _ in range(20)))
    answers = await asyncio.gather(*(close_cycle(db, clock) for _ in range(8)), return_exceptions=True)
    closed = [one for one in answers if not isinstance(one, BaseException)]
    assert len(closed) == 1
    assert closed[0].obligations == 20
    assert [type(one) for one in answers if isinstance(one, BaseException)] == [NothingToClear] * 7


async def test_closing_while_redemptions_go_on_takes_each_obligation_exactly_once(db: Database) -> None:
    clock = MovableClock(START)
    a, b = await _partner(db, clock), await _partner(db, clock)
    members = [await a_member(db) for _ in range(4)]
    await _do(db, clock, *(earn(member, 1000_00, a) for member in members))

    async def spend(member: str) -> None:
        for _ in range(10):
            await _do(db, clock, redeem(member, 1, b))

    async def close() -> int:
        taken = 0
        for _ in range(10):
            try:
                taken += (await close_cycle(db, clock)).obligations
            except NothingToClear:
                await asyncio.sleep(0)
        return taken

    results = await asyncio.gather(close(), close(), *(spend(member) for member in members))
    taken = sum(one for one in results if one is not None)
    with contextlib.suppress(NothingToClear):
        taken += (await close_cycle(db, clock)).obligations
    assert taken == 40
    async with db.read() as read:
        cycles = await cycle_window(read.connection, None, None, 100)
        assert [one.number for one in cycles] == list(range(1, len(cycles) + 1))
        assert await read.connection.fetchval("SELECT count(*) FROM obligation WHERE cycle_id IS NULL") == 0


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE obligation SET issuer_micros = issuer_micros + 1",
        "UPDATE obligation SET points = points + 1",
        "DELETE FROM obligation",
        "UPDATE net_position SET net_minor = net_minor + 1 WHERE party_id = 'operator'",
        "UPDATE clearing_cycle SET closed_at = closed_at + interval '1 second' WHERE number = 2",
        "UPDATE clearing_cycle SET content_hash = 'x' WHERE number = 1",
    ],
)
async def test_the_hash_tells_when_a_closed_cycle_was_changed(db: Database, tampering: str) -> None:
    clock = MovableClock(START)
    a, b = await _partner(db, clock), await _partner(db, clock)
    member = await a_member(db)
    await _do(db, clock, earn(member, 100_00, a))
    for _ in range(2):
        await _do(db, clock, redeem(member, 10, b))
        closed = await close_cycle(db, clock)
    async with db.read() as read:
        assert await verify_cycle(read.connection, closed.id)
    async with db.unit() as unit:
        await unit.connection.execute(tampering)
    async with db.read() as read:
        assert not await verify_cycle(read.connection, closed.id)


async def test_a_cycle_that_does_not_exist_is_unknown(db: Database) -> None:
    async with db.read() as read:
        for name in ("cyc_00000000000000000000000000", "x", "\x00"):
            with pytest.raises(CycleUnknown):
                await cycle(read.connection, name)
