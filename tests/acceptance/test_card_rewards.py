"""The card of an online shop, through the door: per cents by place and subscription (vectors of template T4)."""

from datetime import UTC, datetime

import pytest

from tests.support.acceptance import Guest, Shop, Street, days, eventually, line

pytest_plugins = ["tests.support.street"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
CARD = "rewards_card"


async def _town(street: Street) -> tuple[dict[str, Shop], Shop, Guest]:
    """The partners of the file, another place that takes the card, and a member."""
    shops = await street.town("card_rewards", currency="USD")
    elsewhere = Shop(street, await street.door.partner("Elsewhere", currency="USD"), "USD", 0)
    return shops, elsewhere, await shops["shop"].member()


async def _subscribes(guest: Guest, until: datetime | None = None) -> None:
    ends = {} if until is None else {"until": until.isoformat()}
    await guest.home.does(f"/v1/members/{guest.id}/memberships", {"membership": "subscription", **ends})


async def _pays(guest: Guest, amount: int, category: str | None = None, here: Shop | None = None) -> int:
    """Points for a purchase paid with the card."""
    tenders = [{"kind": CARD, "amount": amount}]
    lines = [line(category, amount)] if category else []
    n: int = (await guest.buys(*lines, amount=amount, tenders=tenders, here=here))["points"]
    return n


async def test_T4_the_same_purchase_gives_five_three_two_or_one_per_cent(street: Street) -> None:
    shops, elsewhere, guest = await _town(street)
    assert await _pays(guest, 5999) == 179
    assert await _pays(guest, 5999, "restaurants", elsewhere) == 119
    assert await _pays(guest, 5999, "clothes", elsewhere) == 59
    await _subscribes(guest)
    assert await _pays(guest, 5999) == 299
    assert await _pays(guest, 5999, here=shops["grocer"]) == 299
    assert await _pays(guest, 5999, "restaurants", elsewhere) == 119


async def test_E15_the_rate_depends_on_the_card_and_on_the_subscription(street: Street) -> None:
    shops, _, subscriber = await _town(street)
    await _subscribes(subscriber)
    other = await shops["shop"].member()
    assert [await _pays(guest, 10_000) for guest in (subscriber, other)] == [500, 300]
    assert (await subscriber.buys(amount=10_000, tenders=[{"kind": "cash", "amount": 10_000}]))["points"] == 0
    halves = [{"kind": CARD, "amount": 5000}, {"kind": "cash", "amount": 5000}]
    assert (await subscriber.buys(amount=10_000, tenders=halves))["points"] == 250


async def test_T4_featured_items_give_ten_per_cent_to_subscribers(street: Street) -> None:
    shops, _, guest = await _town(street)
    other = await shops["shop"].member()
    await _subscribes(guest)
    assert await _pays(guest, 5000, "featured") == 500
    assert await _pays(other, 5000, "featured") == 150


async def test_T4_a_subscription_that_lapses_at_noon_gives_three_per_cent_a_minute_later(street: Street) -> None:
    _, _, guest = await _town(street)
    noon = datetime(2026, 3, 9, 17, tzinfo=UTC)
    await _subscribes(guest, until=noon)
    await street.at(datetime(2026, 3, 9, 16, 59, tzinfo=UTC))
    assert await _pays(guest, 10_000) == 500
    await street.at(datetime(2026, 3, 9, 17, 1, tzinfo=UTC))
    assert await _pays(guest, 10_000) == 300


async def test_T4_points_can_be_used_from_the_next_day(street: Street) -> None:
    _, _, guest = await _town(street)
    await _pays(guest, 10_000)
    assert (await guest.balance(), (await guest.points())["pending"]) == (0, 300)
    status, code = await guest.is_refused("pay_with_points", points=300, basket=300)
    assert (status, code) == (409, "insufficient_points")
    await street.at(datetime(2026, 3, 3, 5, 1, tzinfo=UTC))  # a minute past midnight in New York
    await eventually(guest.balance, 300)
    await guest.gets("pay_with_points", points=300, basket=300)
    assert await guest.balance() == 0


async def test_R3_three_hundred_and_fifty_points_on_three_dollars_use_three_hundred(street: Street) -> None:
    _, _, guest = await _town(street)
    await _pays(guest, 11_700)  # 351
    await street.later(days(1))
    claim = await guest.claims("pay_with_points", points=350, basket=300)
    assert (claim["points"], claim["worth"]) == (300, 300)
    assert await guest.balance() == 51


async def test_T4_a_refund_takes_todays_points_and_leaves_those_of_yesterday(street: Street) -> None:
    shops, _, guest = await _town(street)
    await _pays(guest, 10_000)
    await street.later(days(1))
    tenders = [{"kind": CARD, "amount": 5999}]
    entry = await guest.buys(amount=5999, tenders=tenders)
    assert (await guest.balance(), (await guest.points())["pending"]) == (300, 179)
    await shops["shop"].takes_back(entry)
    assert (await guest.balance(), (await guest.points())["pending"], (await guest.points())["owed"]) == (300, 0, 0)


async def test_T4_a_refund_in_parts_never_leaves_a_point_too_many(street: Street) -> None:
    shops, _, guest = await _town(street)
    tenders = [{"kind": CARD, "amount": 5999}]
    entry = await guest.buys(amount=5999, tenders=tenders)  # 179.97
    for amount, left in ((1999, 120), (2000, 60), (2000, 0)):
        await shops["shop"].takes_back(entry, amount=amount)
        assert (await guest.points())["pending"] == left
