"""The beauty club, through the door: levels by a year of spending, rewards for some, inactivity (template T3)."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.acceptance import Guest, Shop, Street, days, eventually, file_of

pytest_plugins = ["tests.support.street"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
FEBRUARY_3 = datetime(2026, 2, 3, 17, tzinfo=UTC)


async def _guest(street: Street, **parts: Any) -> tuple[Shop, Guest]:
    shop = await street.shop("beauty", currency="USD", **parts)
    return shop, await shop.member()


def _rewards(**changed: dict[str, object]) -> list[dict[str, Any]]:
    """The rewards of the file, some of them changed."""
    return [reward | changed.get(reward["id"], {}) for reward in file_of("beauty")["rewards"]]


async def test_T3_a_cent_makes_the_difference_between_insider_and_vib(street: Street) -> None:
    await street.at(FEBRUARY_3)
    _, guest = await _guest(street)
    await guest.buys(amount=34_999)
    assert await guest.tier() == "insider"
    await guest.buys(amount=1)
    assert await guest.tier() == "vib"
    assert (await guest.standing())["tier"]["until"] == "2027-12-31"


async def test_R10_vib_is_held_to_the_end_of_the_next_year_and_falls_to_what_was_spent(street: Street) -> None:
    await street.at(FEBRUARY_3)
    _, guest = await _guest(street)
    await guest.buys(amount=35_000)
    await street.at(datetime(2027, 12, 2, 17, tzinfo=UTC))
    assert await guest.tier() == "vib"
    await street.at(datetime(2028, 1, 1, 4, 59, tzinfo=UTC))
    assert await guest.tier() == "vib"
    await street.at(datetime(2028, 1, 1, 5, 1, tzinfo=UTC))
    await eventually(guest.tier, "insider")


async def test_R10_the_member_is_warned_thirty_days_before(street: Street) -> None:
    await street.at(FEBRUARY_3)
    _, guest = await _guest(street)
    await guest.buys(amount=35_000)
    await street.at(datetime(2027, 11, 30, 17, tzinfo=UTC))
    assert (await guest.standing())["tier"]["warning"] is None
    await street.at(datetime(2027, 12, 2, 17, tzinfo=UTC))
    assert (await guest.standing())["tier"]["warning"] == {"to": "insider", "on": "2028-01-01"}


async def test_R10_who_spends_enough_in_the_next_year_keeps_the_level(street: Street) -> None:
    await street.at(FEBRUARY_3)
    _, guest = await _guest(street)
    await guest.buys(amount=35_000)
    await street.at(datetime(2027, 6, 1, 17, tzinfo=UTC))
    await guest.buys(amount=35_000)
    await street.at(datetime(2028, 6, 1, 17, tzinfo=UTC))
    assert await guest.tier() == "vib"


async def test_T3_five_hundred_points_expire_after_twelve_months_without_activity_in_one_entry(street: Street) -> None:
    shop, guest = await _guest(street)
    await guest.buys(amount=30_000)
    await guest.buys(amount=20_000)
    await street.at(datetime(2027, 3, 2, 17, tzinfo=UTC))
    assert await guest.balance() == 500
    await street.at(datetime(2027, 3, 3, 17, tzinfo=UTC))
    await eventually(guest.balance, 0)
    lines = (await shop.reads(f"/v1/members/{guest.id}"))["statement"]["data"]
    assert [(entry["kind"], entry["points"]) for entry in lines[:1]] == [("expire", -500)]
    assert [entry["kind"] for entry in lines].count("expire") == 1


async def test_T3_spending_points_in_the_eleventh_month_begins_the_twelve_months_again(street: Street) -> None:
    _, guest = await _guest(street)
    await guest.buys(amount=60_000)
    await street.at(datetime(2027, 2, 2, 17, tzinfo=UTC))
    await guest.claims("ten_off")
    await street.at(datetime(2028, 2, 2, 17, tzinfo=UTC))
    assert await guest.balance() == 100
    await street.at(datetime(2028, 2, 3, 17, tzinfo=UTC))
    await eventually(guest.balance, 0)


async def test_R5_of_twenty_who_claim_the_last_rouge_reward_one_gets_it_and_the_others_lose_nothing(
    street: Street,
) -> None:
    shop, first = await _guest(street, rewards=_rewards(rouge_reward={"stock": {"count": 1, "per": "quarter"}}))
    guests = [first, *[await shop.member(f"Guest {n}") for n in range(19)]]
    await asyncio.gather(*(guest.buys(amount=250_000) for guest in guests))
    body = {"reward": "rouge_reward"}
    answers = await asyncio.gather(*(shop.asks("/v1/claims", {"member_id": guest.id, **body}) for guest in guests))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"out_of_stock"}
    assert sorted([await guest.balance() for guest in guests]) == [0] + [2500] * 19


async def test_R11_the_rouge_reward_is_refused_to_vib_with_the_reason(street: Street) -> None:
    shop, guest = await _guest(street, rewards=_rewards(rouge_reward={"cost": 500}))
    await guest.buys(amount=60_000)
    assert await guest.tier() == "vib"
    refused = await shop.asks("/v1/claims", {"member_id": guest.id, "reward": "rouge_reward"})
    assert (refused.status_code, refused.json()["code"]) == (403, "reward_for_tiers")
    assert (refused.json()["facts"]["tier"], refused.json()["facts"]["tiers"]) == ("vib", ["rouge"])
    assert await guest.balance() == 600


async def test_R6_rouge_has_free_shipping_and_the_others_do_not(street: Street) -> None:
    _, guest = await _guest(street)
    for spent, expected in ((10_000, {"community"}), (25_000, {"community", "early_access"})):
        await guest.buys(amount=spent)
        assert await _entitlements(guest) == expected
    await guest.buys(amount=65_000)
    assert await _entitlements(guest) == {"community", "early_access", "free_shipping"}


async def _entitlements(guest: Guest) -> set[str]:
    return {benefit["id"] for benefit in (await guest.standing())["entitlements"]}


async def test_R5_a_drop_can_be_had_in_its_week_only(street: Street) -> None:
    _, guest = await _guest(street)
    await guest.buys(amount=200_000)
    assert await guest.is_refused("bazaar_set") == (409, "reward_not_available")
    await street.at(datetime(2026, 5, 5, 17, tzinfo=UTC))
    await guest.gets("bazaar_set")
    assert await guest.is_refused("bazaar_set") == (409, "reward_limit_reached")
    await street.at(datetime(2026, 5, 12, 17, tzinfo=UTC))
    _, other = await _guest(street)
    await other.buys(amount=200_000)
    assert await other.is_refused("bazaar_set") == (409, "reward_not_available")


async def test_E6_the_same_review_posted_twice_is_five_points_once(street: Street) -> None:
    _, guest = await _guest(street)
    got = [(await guest.does("review.posted", subject=order))["points"] for order in ("o1", "o1", "o2", "o3", "o4")]
    assert got == [5, 0, 5, 5, 0]  # three a day
    await street.later(days(1))
    assert (await guest.does("review.posted", subject="o4"))["points"] == 5


async def test_T3_joining_the_profile_and_the_card_on_the_phone_are_rewarded_once_each(street: Street) -> None:
    _, guest = await _guest(street)
    for event, points in (("account.registered", 50), ("profile.completed", 50), ("pass.installed", 40)):
        assert [(await guest.does(event))["points"] for _ in range(2)] == [points, 0]
    assert await guest.balance() == 140


async def test_P2_an_offer_holds_for_those_who_switched_it_on(street: Street) -> None:
    shop, guest = await _guest(street)
    other = await shop.member()
    await street.at(datetime(2026, 6, 2, 17, tzinfo=UTC))
    await shop.does(f"/v1/members/{guest.id}/offers", {"campaign": "points_event"})
    assert (await guest.buys(amount=1000))["points"] == 20
    assert (await other.buys(amount=1000))["points"] == 10
    await street.at(datetime(2026, 6, 8, 17, tzinfo=UTC))
    assert (await guest.buys(amount=1000))["points"] == 10


async def test_T3_the_older_terms_multiply_by_level(street: Street) -> None:
    shop = await street.shop("beauty_earlier", currency="USD")
    guest = await shop.member()
    got = [(await guest.buys(amount=amount))["points"] for amount in (35_000, 65_000, 1000)]
    assert got == [350, 812, 15]  # 65 000 at 1.25 is 812.5, and the half is carried at its own rule


async def test_T3_the_older_terms_let_points_live_eighteen_months(street: Street) -> None:
    shop = await street.shop("beauty_earlier", currency="USD")
    guest = await shop.member()
    await guest.buys(amount=10_000)
    await street.at(datetime(2027, 9, 2, 17, tzinfo=UTC))
    assert await guest.balance() == 100
    await street.at(datetime(2027, 9, 3, 17, tzinfo=UTC))
    await eventually(guest.balance, 0)


async def _choices(guest: Guest) -> list[str]:
    read = await guest.home.reads(f"/v1/members/{guest.id}/birthday")
    return [choice["id"] for choice in read["choices"]]


async def test_T3_vib_picks_points_for_the_birthday_once_a_year_and_then_no_gift(street: Street) -> None:
    shop, guest = await _guest(street)
    await guest.was_born(1990, 5, 20)
    await guest.buys(amount=35_000)
    path = f"/v1/members/{guest.id}/birthday-choice"
    assert await _choices(guest) == []
    await street.at(datetime(2026, 5, 20, 17, tzinfo=UTC))
    assert await _choices(guest) == ["gift", "points"]
    await shop.does(path, {"choice": "points"})
    await eventually(guest.balance, 350 + 250)
    assert await _choices(guest) == []
    assert await shop.is_refused(path, {"choice": "gift"}) == (409, "nothing_to_choose")
    await shop.asks(path, {"choice": "points"})
    await street.at(datetime(2027, 1, 21, 17, tzinfo=UTC))
    await guest.buys(amount=100)
    await street.at(datetime(2027, 5, 21, 17, tzinfo=UTC))
    assert (await guest.balance(), await guest.vouchers()) == (601, [])
    await shop.does(path, {"choice": "gift"})
    assert [voucher["reward"] for voucher in await guest.vouchers()] == ["birthday_gift"]


async def test_T3_insiders_are_offered_the_gift_alone(street: Street) -> None:
    shop, guest = await _guest(street)
    await guest.was_born(1990, 5, 20)
    await street.at(datetime(2026, 5, 20, 17, tzinfo=UTC))
    assert await _choices(guest) == ["gift"]
    refused = await shop.asks(f"/v1/members/{guest.id}/birthday-choice", {"choice": "points"})
    assert refused.status_code in (403, 404, 409), refused.text
    assert await guest.balance() == 0
