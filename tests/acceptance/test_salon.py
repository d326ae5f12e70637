"""The salon, through the door: services, feedback, friends, birthdays, surprises, thanks for staff (template T7)."""

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.acceptance import Guest, Shop, Street, days, eventually, file_of, helsinki, line, minutes

pytest_plugins = ["tests.support.street"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
HAIRCUT = line("haircut", 4200)
SURPRISES = "/v1/commitments?kind=surprise&name=small_joy"


# Chance is for the tests of chance: elsewhere a surprise would now and then add to what is counted.
NO_SURPRISES = file_of("salon")["engagement"] | {"surprises": []}


async def _guest(street: Street, **parts: Any) -> tuple[Shop, Guest]:
    shop = await street.shop("salon", **({"engagement": NO_SURPRISES} | parts))
    return shop, await shop.member()


async def _codes(guest: Guest, reward: str) -> list[str]:
    return [voucher["code"] for voucher in await guest.vouchers() if voucher["reward"] == reward]


async def test_E4_four_haircuts_are_a_hair_mask_and_then_nothing(street: Street) -> None:
    _, guest = await _guest(street)
    assert [(await guest.buys(HAIRCUT))["points"] for _ in range(4)] == [25] * 4
    await guest.gets("hair_mask")
    assert await guest.balance() == 0


async def test_T7_services_and_products_earn_each_in_its_way(street: Street) -> None:
    _, guest = await _guest(street)
    entry = await guest.buys(HAIRCUT, line("colour", 9000), line("products", 1890), line("coffee", 300))
    assert entry["points"] == 25 + 40 + 18
    assert (await guest.buys(line("haircut", 8400, quantity=2000)))["points"] == 50


async def test_T7_a_refund_of_one_line_takes_back_what_that_line_gave(street: Street) -> None:
    shop, guest = await _guest(street)
    entry = await guest.buys(HAIRCUT, line("products", 2000))
    await shop.takes_back(entry, lines=[{"line": 1, "amount": 2000}])
    assert await guest.balance() == 25
    await shop.takes_back(entry)
    assert await guest.balance() == 0


async def test_T7_two_feedbacks_on_one_visit_are_five_points_once(street: Street) -> None:
    _, guest = await _guest(street)
    entry = await guest.buys(HAIRCUT)
    assert [(await guest.does("feedback.given", subject=entry["id"]))["points"] for _ in range(2)] == [5, 0]


async def _code(shop: Shop, guest: Guest) -> str:
    code: str = (await shop.asks(f"/v1/members/{guest.id}/referral-code", None)).json()["code"]
    return code


async def _referred(shop: Shop, referrer: Guest) -> Guest:
    """A friend who joined with the referrer's code."""
    code = await _code(shop, referrer)
    friend = await shop.member("Friend")
    await shop.does(f"/v1/members/{friend.id}/referral", {"code": code})
    return friend


async def test_E5_a_friend_brings_points_to_both_after_the_hold(street: Street) -> None:
    shop, guest = await _guest(street)
    friend = await _referred(shop, guest)
    await friend.buys(HAIRCUT)
    await street.later(days(13))
    assert (await guest.balance(), await friend.balance()) == (0, 25)
    await street.later(days(2))
    await eventually(guest.balance, 50)
    await eventually(friend.balance, 50)


async def test_E5_a_friend_who_returns_the_first_order_within_the_hold_brings_nothing(street: Street) -> None:
    shop, guest = await _guest(street)
    friend = await _referred(shop, guest)
    other = await _referred(shop, guest)
    entry = await friend.buys(HAIRCUT)
    await other.buys(HAIRCUT)
    await street.later(days(10))
    await shop.takes_back(entry)
    await street.later(days(6))
    await eventually(guest.balance, 50)  # for the other one, so the day's work is done
    assert await friend.balance() == 0


async def test_E5_nobody_refers_themselves(street: Street) -> None:
    shop, guest = await _guest(street)
    code = await _code(shop, guest)
    assert await shop.is_refused(f"/v1/members/{guest.id}/referral", {"code": code}) == (403, "self_referral")


async def test_R12_a_birthday_brings_fifteen_per_cent_once_for_a_fortnight(street: Street) -> None:
    shop, guest = await _guest(street)
    await guest.was_born(1990, 5, 20)
    await street.at(helsinki("2026-05-19 12:00"))
    assert await _codes(guest, "birthday_discount") == []
    await street.at(helsinki("2026-05-20 12:00"))
    await eventually(lambda: _count(guest, "birthday_discount"), 1)
    (code,) = await _codes(guest, "birthday_discount")
    assert (await shop.reads(f"/v1/vouchers/{code}"))["valid_until"] == "2026-06-03T21:00:00Z"  # midnight in Helsinki
    used = await shop.uses(code, member_id=guest.id, basket=10_000)
    assert used.status_code == 200, used.text
    assert used.json()["taken"] == 1500


async def _count(guest: Guest, reward: str) -> int:
    return len(await _codes(guest, reward))


async def test_R12_who_was_born_on_29_february_celebrates_on_the_28th_and_a_new_date_brings_no_second_gift(
    street: Street,
) -> None:
    _, guest = await _guest(street)
    await guest.was_born(1996, 2, 29)
    await street.at(helsinki("2027-02-27 12:00"))
    assert await _codes(guest, "birthday_discount") == []
    await street.at(helsinki("2027-02-28 12:00"))
    await eventually(lambda: _count(guest, "birthday_discount"), 1)
    await guest.was_born(1996, 6, 1)
    await street.at(helsinki("2027-06-01 12:00"))
    await guest.buys(HAIRCUT)
    await street.at(helsinki("2027-06-02 12:00"))
    assert await _codes(guest, "birthday_discount") == []  # the one of February is over, and there is no other


async def test_P6_a_personal_code_is_refused_to_everybody_else_and_works_once(street: Street) -> None:
    shop, guest = await _guest(street)
    other = await shop.member("Other")
    for _ in range(3):
        await guest.buys(line("products", 1000))
        await street.later(days(1))
    await eventually(lambda: _count(guest, "product_code"), 1)
    (code,) = await _codes(guest, "product_code")
    assert (await shop.uses(code, member_id=other.id, basket=2000)).status_code == 403
    assert (await shop.uses(code, basket=2000)).status_code == 403
    assert (await shop.uses(code, member_id=guest.id, basket=2000)).status_code == 200
    assert (await shop.uses(code, member_id=guest.id, basket=2000)).status_code == 409


async def test_P1_who_was_away_for_ninety_days_earns_double_once_and_has_left_the_group(street: Street) -> None:
    _, guest = await _guest(street)
    await guest.buys(HAIRCUT)
    await street.later(days(89))
    assert await _segments(guest) == []
    await street.later(days(2))
    assert await _segments(guest) == ["not_seen_90d"]
    assert (await guest.buys(HAIRCUT))["points"] == 50
    assert await _segments(guest) == []
    assert (await guest.buys(HAIRCUT))["points"] == 25


async def test_P1_after_a_fortnight_the_offer_is_over(street: Street) -> None:
    _, guest = await _guest(street)
    await guest.buys(HAIRCUT)
    await street.later(days(105))
    assert (await guest.buys(HAIRCUT))["points"] == 25


async def _segments(guest: Guest) -> list[str]:
    found: list[str] = (await guest.standing())["segments"]
    return found


async def test_R13_surprises_never_exceed_the_months_budget_under_fifty_purchases_at_once(street: Street) -> None:
    engagement = file_of("salon")["engagement"]
    certain = {**engagement, "surprises": [{**engagement["surprises"][0], "chance": 1}]}
    shop, first = await _guest(street, engagement=certain)
    guests = [first, *[await shop.member(f"Guest {n}") for n in range(49)]]
    await _promised(street, shop)
    await asyncio.gather(*(guest.buys(line("coffee", 300)) for guest in guests))

    async def given() -> int:
        return sum([await guest.balance() for guest in guests])

    await street.later(minutes(2))
    await eventually(given, 500)
    await street.later(days(1))
    await guests[0].buys(line("coffee", 300))
    await street.later(minutes(2))
    await street.at(helsinki("2026-04-01 12:00"))
    await guests[0].buys(line("coffee", 300))
    await street.later(minutes(2))
    await eventually(given, 550)


async def test_R13_the_seed_is_promised_before_and_told_after_and_repeats_the_draws(street: Street) -> None:
    shop = await street.shop("salon")
    await _promised(street, shop)
    promised = (await shop.reads(SURPRISES))["data"][-1]
    await street.at(datetime(2026, 4, 2, 12, tzinfo=UTC))
    told = (await shop.reads(SURPRISES))["data"][-1]
    assert (promised["period"], promised["seed"]) == ("2026-03", None)
    assert told["hash"] == promised["hash"] == hashlib.sha256(bytes.fromhex(told["seed"])).hexdigest()


async def _promised(street: Street, shop: Shop) -> None:
    """The seeds of this month and the next are promised within the hour."""
    await street.later(minutes(61))

    async def periods() -> list[str]:
        return [one["period"] for one in (await shop.reads(SURPRISES))["data"]]

    await eventually(periods, ["2026-04", "2026-03"])


async def test_G9_a_nomination_with_a_visit_is_one_recognition_and_nobody_nominates_themselves(street: Street) -> None:
    shop, guest = await _guest(street)
    cashier = await shop.member("Cashier")
    staff = (await shop.does("/v1/staff", {"display_name": "Kim", "member_id": cashier.id}))["id"]
    entry = await guest.buys(HAIRCUT, cashier=staff)
    nomination = {"member_id": guest.id, "entry_id": entry["id"], "staff_id": staff, "words": "Wonderful"}
    made = await shop.does("/v1/nominations", nomination)
    assert (await shop.reads("/v1/recognition/2026-03"))["counts"] == {}
    approved = await shop.asks(f"/v1/nominations/{made['id']}/decision", {"approve": True})
    assert approved.status_code == 200, approved.text
    assert (await shop.reads("/v1/recognition/2026-03"))["counts"] == {staff: 1}
    colleague = (await shop.does("/v1/staff", {"display_name": "Sam"}))["id"]
    assert await shop.is_refused("/v1/nominations", nomination | {"staff_id": colleague}) == (409, "visit_nominated")
    own = await cashier.buys(HAIRCUT, cashier=staff)
    himself = {"member_id": cashier.id, "entry_id": own["id"], "staff_id": staff, "words": "Me"}
    assert await shop.is_refused("/v1/nominations", himself) == (403, "self_nomination")


async def test_T7_recognitions_are_no_points(street: Street) -> None:
    shop, guest = await _guest(street)
    staff = (await shop.does("/v1/staff", {"display_name": "Kim"}))["id"]
    entry = await guest.buys(HAIRCUT, cashier=staff)
    nomination = {"member_id": guest.id, "entry_id": entry["id"], "staff_id": staff, "words": "Wonderful"}
    made = await shop.does("/v1/nominations", nomination)
    assert made["unit"] == "RECOGNITION"
    await shop.asks(f"/v1/nominations/{made['id']}/decision", {"approve": True})
    assert (await guest.balance(), (await guest.points())["earned_in_all"]) == (25, 25)
