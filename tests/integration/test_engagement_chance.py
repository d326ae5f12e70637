"""Surprises and games: budgets and stock hold whatever comes at once, and all can be repeated with the seed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from kernel.database import Database
from points.engagement import commitments, games, promises, surprises
from points.engagement.draws import commitment, draw, pick, winners
from points.engagement.promises import Promise, promise
from points.programme.reward_refusals import PointsShort
from points.programme.schema.engagement import Gain
from tests.support.engagement import Shop, at_once, shop

RULES = """
engagement:
  surprises:
    - {id: small_joy, points: 50, chance: 0.5, budget: {points: 500, per: month}}
  games:
    - id: wheel
      names: {en: The wheel, fi: Pyörä, hu: Szerencsekerék}
      cost: 5
      per_member: {times: 3, per: day}
      prizes:
        - {id: mug, odds: 0.5, stock: 4, gain: {points: 100}}
        - {id: sticker, odds: 0.25, gain: {points: 1}}
    - id: lottery
      names: {en: Lottery, fi: Arpa, hu: Sorsjegy}
      prizes: [{id: jackpot, odds: 1, stock: 1, gain: {points: 1000}}]
"""


@pytest.fixture
async def salon(db: Database) -> AsyncIterator[Shop]:
    """A shop with surprises and games, whose commitments are published."""
    async with shop(db, RULES) as opened:
        await commitments.run_due(opened.db, opened.programmes, opened.clock)
        yield opened


async def committed(salon: Shop, name: str) -> str:
    found: str = await salon.value("SELECT id FROM commitment WHERE name = $1 AND period = '2026-03'", name)
    return found


async def given(salon: Shop, reason: str) -> int:
    found: int = await salon.value(
        "SELECT coalesce(sum(points), 0)::bigint FROM journal WHERE kind = 'grant' AND facts->>'reason' = $1", reason
    )
    return found


async def test_the_hash_is_published_before_and_the_seed_after(salon: Shop) -> None:
    commitment_id = await committed(salon, "small_joy")
    async with salon.db.read() as read:
        before = await commitments.shown(read.connection, commitment_id, salon.clock.now())
        after = await commitments.shown(read.connection, commitment_id, before.closes)
    assert before.published_at <= before.opens < before.closes
    assert before.seed is None
    assert after.seed is not None
    assert commitment(bytes.fromhex(after.seed)) == before.hash


async def test_next_months_hash_is_published_this_month_and_none_twice(salon: Shop) -> None:
    await at_once(*[commitments.run_due(salon.db, salon.programmes, salon.clock) for _ in range(5)])
    assert await salon.value("SELECT count(*) FROM commitment") == 6
    opens = await salon.value("SELECT opens FROM commitment WHERE name = 'wheel' AND period = '2026-04'")
    assert opens == datetime(2026, 3, 31, 21, tzinfo=UTC)  # midnight in Helsinki


async def test_purchases_are_drawn_once_and_a_replay_chooses_the_same(salon: Shop) -> None:
    buyers = await salon.members(40)
    entries = [await salon.buys(buyer, 100) for buyer in buyers]
    await surprises.run_due(*salon.services)
    await at_once(*[surprises.run_due(*salon.services) for _ in range(4)])
    commitment_id = await committed(salon, "small_joy")
    async with salon.db.read() as read:
        shown = await commitments.shown(read.connection, commitment_id, salon.clock.now() + timedelta(days=40))
        drawn = await commitments.draws_of(read.connection, commitment_id, "", 1000)
    assert sorted(one.subject for one in drawn) == sorted(entries)
    replayed = winners(bytes.fromhex(shown.seed or ""), sorted(entries), Fraction("0.5"))
    assert replayed
    assert [one.subject for one in drawn if one.outcome] == replayed
    assert await given(salon, "surprise") == min(500, 50 * len(replayed))


async def test_the_budget_stops_exactly_under_fifty_triggers_at_once(salon: Shop) -> None:
    buyers, now = await salon.members(50), salon.clock.now()
    cap = ("corner_salon/surprise/small_joy/points/2026-03", 520)
    made = [
        Promise(
            key=f"surprise/test/{member_id}",
            member_id=member_id,
            partner_id=salon.partner_id,
            at=now,
            gain=Gain(points=50),
            reason="surprise",
            about="test",
            cap=cap,
        )
        for member_id in buyers
    ]
    async with salon.db.unit() as unit:
        await promise(unit.connection, now, made)
    answers = await at_once(*[promises.keep(*salon.services, [one.key]) for one in made])
    assert answers == [None] * 50
    assert await given(salon, "surprise") == 500  # an eleventh would be 550
    assert await salon.value("SELECT count(*) FROM promise WHERE refused = 'cap_reached'") == 40
    assert await salon.value("SELECT used FROM cap WHERE id = $1", cap[0]) == 500


async def test_a_busy_month_never_gives_more_than_its_budget_and_the_next_has_its_own(salon: Shop) -> None:
    for member_id in await salon.members(30):
        for _ in range(3):
            await salon.buys(member_id, 100)
    await at_once(*[surprises.run_due(*salon.services) for _ in range(6)])
    assert await given(salon, "surprise") == 500
    salon.clock.move_to(datetime(2026, 4, 10, tzinfo=UTC))
    for member_id in await salon.members(30):
        await salon.buys(member_id, 100)
    await surprises.run_due(*salon.services)
    assert 500 < await given(salon, "surprise") <= 1000


async def test_what_was_bought_before_the_hash_was_published_is_not_drawn(db: Database) -> None:
    async with shop(db, RULES) as salon:
        member_id = await salon.member()
        await salon.buys(member_id, 100)
        salon.later(timedelta(hours=1))
        await commitments.run_due(salon.db, salon.programmes, salon.clock)
        await surprises.run_due(*salon.services)
        assert await salon.value("SELECT count(*) FROM draw") == 0
        await salon.buys(member_id, 100)
        await surprises.run_due(*salon.services)
        assert await salon.value("SELECT count(*) FROM draw") == 1


async def play(salon: Shop, member_id: str, key: str, game: str = "wheel") -> games.Played:
    return await games.play(*salon.services, salon.partner_id, member_id, game, key)


async def test_a_play_costs_its_points_once_and_is_decided_by_its_number(salon: Shop) -> None:
    member_id = await salon.member()
    await salon.buys(member_id, 1000)
    first = await play(salon, member_id, "one")
    again = await play(salon, member_id, "one")
    assert (again.id, again.prize, again.replayed) == (first.id, first.prize, True)
    seed = await salon.value("SELECT seed FROM commitment WHERE id = $1", first.commitment_id)
    odds = [("mug", Fraction(1, 2)), ("sticker", Fraction(1, 4))]
    assert first.prize == pick(draw(bytes(seed), first.subject), odds)
    won = {"mug": 100, "sticker": 1, None: 0}[first.prize]
    assert await salon.balance(member_id) == 10 - 5 + won


async def test_stock_is_never_below_zero_and_an_empty_prize_gives_nothing(salon: Shop) -> None:
    players = await salon.members(20)
    for member_id in players:
        await salon.buys(member_id, 1000)
    answers = await at_once(*[play(salon, member_id, f"go-{member_id}") for member_id in players])
    prizes = [answer.prize for answer in answers]
    assert prizes.count("mug") == 4
    assert await salon.value("SELECT won FROM prize_stock WHERE prize = 'mug'") == 4
    instead = await salon.value("SELECT count(*) FROM draw WHERE instead = 'out_of_stock' AND outcome = 'mug'")
    drawn = await salon.value("SELECT count(*) FROM draw WHERE outcome = 'mug'")
    assert drawn == 4 + instead
    assert sorted(answer.subject for answer in answers) == [f"{n:09}" for n in range(1, 21)]
    for member_id, prize in zip(players, prizes, strict=True):
        assert await salon.balance(member_id) == 5 + {"mug": 100, "sticker": 1, None: 0}[prize]


async def test_one_jackpot_is_won_once_by_twenty_at_once(salon: Shop) -> None:
    players = await salon.members(20)
    answers = await at_once(*[play(salon, member_id, member_id, "lottery") for member_id in players])
    assert [answer.prize for answer in answers].count("jackpot") == 1
    assert sum([await salon.balance(member_id) for member_id in players]) == 1000


async def test_a_member_plays_only_as_often_as_allowed_even_at_once(salon: Shop) -> None:
    member_id = await salon.member()
    await salon.buys(member_id, 10_000)
    answers = await at_once(*[play(salon, member_id, f"go-{n}") for n in range(8)])
    assert [type(answer).__name__ for answer in answers].count("PlayedEnough") == 5
    salon.later(timedelta(days=1))
    await play(salon, member_id, "tomorrow")


async def test_who_cannot_pay_does_not_play_and_may_try_again_later(salon: Shop) -> None:
    member_id = await salon.member()
    with pytest.raises(PointsShort):
        await play(salon, member_id, "poor")
    with pytest.raises(games.PlayRefused):
        await play(salon, member_id, "poor")
    assert await salon.value("SELECT count(*) FROM draw") == 0
    await salon.buys(member_id, 2000)
    for n in range(3):
        await play(salon, member_id, f"rich-{n}")


async def test_the_same_key_at_once_is_one_play(salon: Shop) -> None:
    member_id = await salon.member()
    await salon.buys(member_id, 10_000)
    answers = await at_once(*[play(salon, member_id, "same") for _ in range(6)])
    assert len({answer.id for answer in answers}) == 1
    assert await salon.value("SELECT count(*) FROM draw") == 1
    assert await salon.value("SELECT count(*) FROM journal WHERE kind = 'redeem'") == 1


async def test_a_play_that_was_left_in_the_middle_is_finished(salon: Shop) -> None:
    member_id = await salon.member()
    await salon.buys(member_id, 10_000)
    played = await play(salon, member_id, "one")
    async with salon.db.unit() as unit:
        await unit.connection.execute(
            "INSERT INTO play (id, partner_id, key, programme, game, member_id, period, state, cost, started_at)"
            " SELECT 'ply_left', partner_id, 'left', programme, game, member_id, period, 'paying', cost, started_at"
            " FROM play WHERE id = $1",
            played.id,
        )
    salon.later(timedelta(minutes=2))
    await at_once(*[games.run_due(*salon.services) for _ in range(4)])
    assert await salon.value("SELECT state FROM play WHERE id = 'ply_left'") == "drawn"
    assert await salon.value("SELECT count(*) FROM journal WHERE kind = 'redeem'") == 2


async def test_the_odds_can_be_exported(salon: Shop) -> None:
    in_force = await salon.in_force()
    async with salon.db.read() as read:
        odds = await games.odds_of(read.connection, "corner_salon", games.game_of(in_force, "wheel"))
    assert [(one.prize, one.odds, one.stock, one.won) for one in odds] == [
        ("mug", Fraction(1, 2), 4, 0),
        ("sticker", Fraction(1, 4), None, 0),
    ]
