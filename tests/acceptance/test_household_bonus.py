"""The household's bonus, through the door: one rate for the whole month's total (vectors of template T5's variant)."""

from datetime import timedelta

import pytest

from tests.support.acceptance import Guest, Shop, Street, eventually, helsinki

pytest_plugins = ["tests.support.street"]
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _next_month(street: Street, text: str = "2026-04-01 00:10") -> None:
    await street.at(helsinki(text))


async def _household(shop: Shop, *guests: Guest) -> str:
    made: str = (await shop.does("/v1/households", {"member_id": guests[0].id}))["id"]
    for guest in guests[1:]:
        await shop.does(f"/v1/households/{made}/members", {"member_id": guest.id})
    return made


async def test_T5_one_rate_found_from_the_months_total_is_given_for_all_of_it_at_its_end(street: Street) -> None:
    shops = await street.town("household_bonus")
    guest = await shops["shop"].member()
    for amount in (15_000, 15_000, 15_000):
        assert (await guest.buys(amount=amount))["points"] == 0
    await street.at(helsinki("2026-03-31 23:50"))
    assert await guest.balance() == 0
    await _next_month(street)
    await eventually(guest.balance, 1350)  # 450.00 at 3 %


@pytest.mark.parametrize(
    ("total", "points"), [(4999, 0), (5000, 50), (19_999, 199), (20_000, 400), (90_000, 4500), (90_099, 4504)]
)
async def test_T5_the_steps_change_the_rate_of_the_whole_total(street: Street, total: int, points: int) -> None:
    shops = await street.town("household_bonus")
    guest = await shops["shop"].member()
    await guest.buys(amount=total)
    await _next_month(street)
    await eventually(guest.balance, points)


async def test_T5_two_cards_of_a_household_pool_their_totals(street: Street) -> None:
    shops = await street.town("household_bonus")
    shop = shops["shop"]
    one, two = await shop.member("Aino"), await shop.member("Eino")
    await _household(shop, one, two)
    await one.buys(amount=20_000)
    await two.buys(amount=25_000)
    await _next_month(street)
    await eventually(one.balance, 1350)
    assert await two.balance() == 1350


async def test_T5_some_outlets_pay_double_in_a_named_period_without_raising_the_rate(street: Street) -> None:
    shops = await street.town("household_bonus")
    await street.at(helsinki("2026-06-10 12:00"))
    guest = await shops["shop"].member()
    await guest.buys(amount=10_000)
    await guest.buys(amount=9_000, here=shops["hotel"])
    await _next_month(street, "2026-07-01 00:10")
    await eventually(guest.balance, 100 + 180)  # 190.00 in all is 1 %; the hotel's 90.00 count twice


async def test_T5_a_refund_within_the_month_lowers_the_total(street: Street) -> None:
    shops = await street.town("household_bonus")
    guest = await shops["shop"].member()
    await guest.buys(amount=15_000)
    entry = await guest.buys(amount=6_000)
    await shops["shop"].takes_back(entry)
    await _next_month(street)
    await eventually(guest.balance, 150)


async def test_T5_a_refund_after_the_months_end_takes_back_what_the_rest_would_not_have_given(street: Street) -> None:
    shops = await street.town("household_bonus")
    guest = await shops["shop"].member()
    await guest.buys(amount=15_000)
    entry = await guest.buys(amount=6_000)
    await _next_month(street)
    await eventually(guest.balance, 420)
    await shops["shop"].takes_back(entry)
    await eventually(guest.balance, 150)


async def test_T5_bonus_pays_for_purchases(street: Street) -> None:
    shops = await street.town("household_bonus")
    guest = await shops["shop"].member()
    await guest.buys(amount=40_000)
    await _next_month(street)
    await eventually(guest.balance, 1200)
    await street.later(timedelta(hours=8))
    await guest.gets("pay_with_bonus", points=1000, basket=2500)
    assert await guest.balance() == 200
