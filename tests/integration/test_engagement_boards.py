"""Leaderboards: opt-in pseudonyms, ties by who was there first, closed for good; links without a person."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from kernel.database import Database
from points.engagement import boards, sharing
from points.engagement.promises import Promise, keep, promise
from points.programme.schema.engagement import Gain
from tests.support.engagement import Shop, at_once, shop

RULES = """
engagement:
  leaderboards:
    - {id: visits, names: {en: Visits, fi: Käynnit, hu: Látogatások}, of: visits, per: month, places: 3}
    - {id: points, names: {en: Points, fi: Pisteet, hu: Pontok}, of: points, per: week, places: 3}
  badges: [{id: star, names: {en: Star, fi: Tähti, hu: Csillag}}]
"""


@pytest.fixture
async def salon(db: Database) -> AsyncIterator[Shop]:
    """A shop with boards and a badge."""
    async with shop(db, RULES) as opened:
        yield opened


async def plays(salon: Shop, member_id: str, pseudonym: str, board: str = "visits") -> None:
    async with salon.db.unit() as unit:
        await boards.opt_in(unit, salon.clock, await salon.in_force(), salon.partner_id, board, member_id, pseudonym)


async def seen(salon: Shop, board: str = "visits", period: str | None = None) -> boards.Board:
    async with salon.db.read() as read:
        return await boards.standings(read.connection, await salon.in_force(), board, salon.clock.now(), period)


async def names(salon: Shop, board: str = "visits", period: str | None = None) -> list[tuple[str, int]]:
    return [(place.pseudonym, place.score) for place in (await seen(salon, board, period)).places]


async def test_only_those_who_opted_in_are_on_the_board(salon: Shop) -> None:
    keen, shy = await salon.members(2)
    await plays(salon, keen, "Lark")
    for member_id in (keen, shy, shy):
        await salon.buys(member_id)
    assert await names(salon) == [("Lark", 1)]
    async with salon.db.unit() as unit:
        await boards.opt_out(unit, await salon.in_force(), "visits", keen)
    assert await names(salon) == []


async def test_of_equals_the_earlier_one_leads_to_the_entry(salon: Shop) -> None:
    late, early, most = await salon.members(3)
    for member_id, name in ((late, "Lark"), (early, "Owl"), (most, "Hawk")):
        await plays(salon, member_id, name)
    for member_id in (late, early, most, most, early, late, most):
        await salon.buys(member_id)  # all in one moment: the order of the ledger tells
    assert await names(salon) == [("Hawk", 3), ("Owl", 2), ("Lark", 2)]


async def test_a_refund_takes_the_visit_back(salon: Shop) -> None:
    one, other = await salon.members(2)
    await plays(salon, one, "Owl")
    await plays(salon, other, "Lark")
    await salon.buys(one)
    entry = await salon.buys(other)
    salon.later(timedelta(hours=1))
    await salon.buys(other)
    assert await names(salon) == [("Lark", 2), ("Owl", 1)]
    await salon.returns(entry)
    assert await names(salon) == [("Owl", 1), ("Lark", 1)]


async def test_a_pseudonym_is_nobodys_name_and_only_ones_own(salon: Shop) -> None:
    one, other = await salon.members(2)
    await plays(salon, one, "Lark")
    with pytest.raises(boards.PseudonymTaken):
        await plays(salon, other, "lark")
    with pytest.raises(boards.BadPseudonym):
        await plays(salon, other, " guest 2 ")
    await plays(salon, one, "Robin")
    await plays(salon, other, "Lark")


async def test_of_two_who_want_one_name_at_once_one_gets_it(salon: Shop) -> None:
    one, other = await salon.members(2)
    answers = await at_once(plays(salon, one, "Lark"), plays(salon, other, "Lark"))
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", "PseudonymTaken"]


async def test_a_closed_board_never_changes(salon: Shop) -> None:
    one, other = await salon.members(2)
    await plays(salon, one, "Lark")
    await plays(salon, other, "Owl")
    await salon.buys(one)
    entry = await salon.buys(one)
    await salon.buys(other)
    salon.clock.move_to(datetime(2026, 4, 1, 20, 59, tzinfo=UTC))  # a day after the month ended in Helsinki
    await boards.run_due(salon.db, salon.programmes, salon.clock)
    assert await salon.value("SELECT count(*) FROM board_closed WHERE board = 'visits'") == 0
    salon.later(timedelta(minutes=1))
    answers = await at_once(*[boards.run_due(salon.db, salon.programmes, salon.clock) for _ in range(5)])
    assert answers == [None] * 5
    closed = await seen(salon, period="2026-03")
    assert [(p.pseudonym, p.score) for p in closed.places] == [("Lark", 2), ("Owl", 1)]
    assert closed.tie_rule == "earliest_reached"
    await salon.returns(entry)
    async with salon.db.unit() as unit:
        await boards.opt_out(unit, await salon.in_force(), "visits", one)
    await boards.run_due(salon.db, salon.programmes, salon.clock)
    assert await seen(salon, period="2026-03") == closed
    assert await names(salon) == []


async def test_points_and_weeks_can_be_boards_too(salon: Shop) -> None:
    one, other = await salon.members(2)
    await plays(salon, one, "Lark", "points")
    await plays(salon, other, "Owl", "points")
    await salon.buys(one, 1500)
    await salon.buys(other, 2500)
    assert await names(salon, "points") == [("Owl", 25), ("Lark", 15)]
    assert (await seen(salon, "points")).period == "2026-W10"
    salon.later(timedelta(days=7))
    assert await names(salon, "points") == []


async def badge(salon: Shop, member_id: str) -> None:
    now = salon.clock.now()
    made = Promise(
        key=f"badge/{member_id}", member_id=member_id, partner_id=salon.partner_id, at=now,
        gain=Gain(badge="star", points=777), reason="gift", about="test",
    )  # fmt: skip
    async with salon.db.unit() as unit:
        await promise(unit.connection, now, [made])
    await keep(*salon.services, [made.key])


async def test_a_shared_link_shows_the_achievement_and_no_person(salon: Shop) -> None:
    member_id = await salon.member()
    await badge(salon, member_id)
    async with salon.db.unit() as unit:
        token = await sharing.share(
            unit, salon.clock, await salon.in_force(), salon.partner_id, member_id, "badge/star"
        )
    async with salon.db.read() as read:
        shown = await sharing.shared(read.connection, salon.programmes, salon.clock.now(), token)
    assert (shown.achievement["fi"], shown.times) == ("Tähti", 1)
    page = msgspec.json.encode(shown).decode()
    for secret in (member_id, "Guest", "777", await salon.value("SELECT code FROM member")):
        assert secret not in page
    async with salon.db.unit() as unit:
        await sharing.withdraw(unit, salon.clock, token)
    async with salon.db.read() as read:
        with pytest.raises(sharing.ShareUnknown):
            await sharing.shared(read.connection, salon.programmes, salon.clock.now(), token)


async def test_what_was_not_won_cannot_be_shared(salon: Shop) -> None:
    member_id = await salon.member()
    async with salon.db.unit() as unit:
        with pytest.raises(sharing.NothingToShare):
            await sharing.share(unit, salon.clock, await salon.in_force(), salon.partner_id, member_id, "badge/star")
