"""Friends: bound once, rewarded once, and only for a purchase that stays."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from kernel.database import Database
from points.engagement import referral
from tests.support.engagement import Shop, at_once, shop

RULES = """
engagement:
  referral: {referrer: 50, friend: 25, minimum_basket: 10.00, hold: P14D, max_friends: 2, per: year}
households: {max_members: 4}
"""


@pytest.fixture
async def salon(db: Database) -> AsyncIterator[Shop]:
    """A shop that rewards referrals."""
    async with shop(db, RULES) as opened:
        yield opened


async def bring(salon: Shop, referrer: str, friend: str) -> None:
    async with salon.db.unit() as unit:
        code = await referral.code_of(unit, salon.clock, referrer)
        await referral.bind(unit, salon.clock, friend, code)


async def look(salon: Shop) -> None:
    await referral.run_due(*salon.services)


async def test_both_are_rewarded_when_the_friends_first_purchase_has_stood_for_the_hold(salon: Shop) -> None:
    one, friend = await salon.members(2)
    await bring(salon, one, friend)
    await salon.buys(friend, 2000)
    await look(salon)
    salon.later(timedelta(days=14) - timedelta(seconds=1))
    await look(salon)
    assert (await salon.balance(one), await salon.balance(friend)) == (0, 20)
    salon.later(timedelta(seconds=1))
    await look(salon)
    await look(salon)
    assert (await salon.balance(one), await salon.balance(friend)) == (50, 45)


async def test_a_friend_who_returns_the_order_before_day_14_brings_nothing_to_either(salon: Shop) -> None:
    one, friend = await salon.members(2)
    await bring(salon, one, friend)
    entry = await salon.buys(friend, 2000)
    salon.later(timedelta(days=13))
    await salon.returns(entry)
    await salon.buys(friend, 2000)  # a later purchase is not the first one
    salon.later(timedelta(days=30))
    await look(salon)
    assert (await salon.balance(one), await salon.balance(friend)) == (0, 20)
    assert await salon.value("SELECT reason FROM referral") == "returned"


async def test_a_return_in_part_counts_by_what_is_left(salon: Shop) -> None:
    one, kept, short = await salon.members(3)
    for friend, back in ((kept, 1000), (short, 1001)):
        await bring(salon, one, friend)
        await salon.returns(await salon.buys(friend, 2000), back)
    salon.later(timedelta(days=14))
    await look(salon)
    assert await salon.balance(one) == 50
    assert await salon.value("SELECT state FROM referral WHERE friend_id = $1", short) == "refused"


async def test_a_return_after_the_hold_changes_nothing_however_late_the_day_is_looked_at(salon: Shop) -> None:
    one, friend = await salon.members(2)
    await bring(salon, one, friend)
    entry = await salon.buys(friend, 2000)
    salon.later(timedelta(days=14))
    await salon.returns(entry)
    await look(salon)
    assert (await salon.balance(one), await salon.balance(friend)) == (50, 25)


async def test_a_purchase_below_the_minimum_and_a_visit_do_not_start_the_hold(salon: Shop) -> None:
    one, friend = await salon.members(2)
    await bring(salon, one, friend)
    await salon.buys(friend, 0, name="visit")
    await salon.buys(friend, 999)
    await look(salon)
    assert await salon.value("SELECT state FROM referral") == "bound"
    await salon.buys(friend, 1000)
    await look(salon)
    assert await salon.value("SELECT state FROM referral") == "waiting"


async def test_only_so_many_friends_count_in_a_period(salon: Shop) -> None:
    one, *friends = await salon.members(4)
    for friend in friends:
        await bring(salon, one, friend)
        await salon.buys(friend, 2000)
    salon.later(timedelta(days=14))
    await at_once(look(salon), look(salon), look(salon))
    assert await salon.balance(one) == 100
    assert await salon.value("SELECT count(*) FROM referral WHERE reason = 'too_many_friends'") == 1


async def test_nobody_refers_themselves_nor_back(salon: Shop) -> None:
    one, friend = await salon.members(2)
    with pytest.raises(referral.OwnCode):
        await bring(salon, one, one)
    await bring(salon, one, friend)
    with pytest.raises(referral.OwnCode):
        await bring(salon, friend, one)


async def test_a_friend_has_one_referrer_and_has_not_bought_before(salon: Shop) -> None:
    one, other, friend, customer = await salon.members(4)
    await bring(salon, one, friend)
    await bring(salon, one, friend)
    with pytest.raises(referral.AlreadyReferred):
        await bring(salon, other, friend)
    await salon.buys(customer, 100)
    with pytest.raises(referral.NotNew):
        await bring(salon, one, customer)


async def test_of_two_referrers_at_once_one_wins(salon: Shop) -> None:
    one, other, friend = await salon.members(3)
    answers = await at_once(bring(salon, one, friend), bring(salon, other, friend))
    assert sorted(type(answer).__name__ for answer in answers) == ["AlreadyReferred", "NoneType"]


async def test_looking_from_many_sides_at_once_pays_once(salon: Shop) -> None:
    one, friend = await salon.members(2)
    await bring(salon, one, friend)
    await salon.buys(friend, 2000)
    salon.later(timedelta(days=14))
    answers = await at_once(*[look(salon) for _ in range(8)])
    assert [answer for answer in answers if answer is not None] == []
    assert (await salon.balance(one), await salon.balance(friend)) == (50, 45)
