"""The café's stamp card, through the door: ten paid drinks and a free one (vectors of template T1)."""

import asyncio
from typing import Any

import pytest
from httpx import Request

from tests.support.acceptance import Guest, Shop, Street, days, eventually, file_of, line, minutes

pytest_plugins = ["tests.support.street"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
COFFEE = line("hot_drinks", 320)


def _cup(**changed: object) -> list[dict[str, object]]:
    """The café's one reward, changed."""
    (cup,) = file_of("cafe")["rewards"]
    return [cup | changed]


async def _coffees(street: Street, guest: Guest, n: int) -> list[str]:
    """So many coffees on as many mornings: the ids of the entries."""
    entries = []
    for _ in range(n):
        await street.later(days(1))
        entries.append((await guest.buys(COFFEE))["id"])
    return entries


async def _guest(street: Street, **parts: Any) -> tuple[Shop, Guest]:
    shop = await street.shop("cafe", **parts)
    return shop, await shop.member()


async def test_T1_ten_coffees_make_one_voucher_and_no_stamps(street: Street) -> None:
    _, guest = await _guest(street)
    await _coffees(street, guest, 10)
    assert await guest.balance() == 0
    assert [voucher["reward"] for voucher in await guest.vouchers()] == ["free_cup"]


async def test_E3_the_card_shows_nine_of_ten_and_the_tenth_coffee_brings_the_free_one(street: Street) -> None:
    _, guest = await _guest(street)
    await _coffees(street, guest, 9)
    ladder = await guest.rewards()
    assert (await guest.balance(), await guest.vouchers()) == (9, [])
    assert (ladder["next"]["reward"], ladder["next"]["distance"]) == ("free_cup", 1)
    await _coffees(street, guest, 1)
    assert (await guest.balance(), len(await guest.vouchers())) == (0, 1)


@pytest.mark.parametrize("paid", [8, 9])
async def test_T1_the_number_of_paid_coffees_is_one_number_in_the_file(street: Street, paid: int) -> None:
    _, guest = await _guest(street, rewards=_cup(cost=paid))
    await _coffees(street, guest, paid - 1)
    assert await guest.vouchers() == []
    await _coffees(street, guest, 1)
    assert (await guest.balance(), len(await guest.vouchers())) == (0, 1)


async def test_T1_two_coffees_four_minutes_apart_are_one_stamp(street: Street) -> None:
    _, guest = await _guest(street)
    first = await guest.buys(COFFEE)
    await street.later(minutes(4))
    second = await guest.buys(COFFEE)
    await street.later(minutes(6))
    third = await guest.buys(COFFEE)
    assert [entry["points"] for entry in (first, second, third)] == [1, 0, 1]


async def test_T1_there_are_three_stamps_a_day_at_most(street: Street) -> None:
    _, guest = await _guest(street)
    got = []
    for _ in range(4):
        got.append((await guest.buys(COFFEE))["points"])
        await street.later(minutes(60))
    assert got == [1, 1, 1, 0]
    await street.later(days(1))
    assert (await guest.buys(COFFEE))["points"] == 1


async def test_T1_only_hot_drinks_are_stamped(street: Street) -> None:
    _, guest = await _guest(street)
    assert (await guest.buys(line("bakery", 450)))["points"] == 0
    assert (await guest.buys(line("bakery", 450), COFFEE))["points"] == 1


async def test_R4_a_voucher_shown_at_two_tills_at_once_is_used_once(street: Street) -> None:
    shop, guest = await _guest(street)
    await _coffees(street, guest, 10)
    (voucher,) = await guest.vouchers()
    answers = await asyncio.gather(*(shop.uses(voucher["code"], order=f"till-{n}") for n in range(2)))
    assert sorted(answer.status_code // 100 for answer in answers) == [2, 4]
    assert sorted(answer.status_code for answer in answers)[1] == 409
    assert await guest.vouchers() == []


async def test_T1_a_refund_of_the_tenth_coffee_takes_back_the_unused_voucher_and_leaves_nine_stamps(
    street: Street,
) -> None:
    shop, guest = await _guest(street)
    entries = await _coffees(street, guest, 10)
    (voucher,) = await guest.vouchers()
    await shop.takes_back({"id": entries[-1]})
    assert (await guest.balance(), (await guest.points())["owed"]) == (9, 0)
    assert (await shop.reads(f"/v1/vouchers/{voucher['code']}"))["state"] == "voided"
    assert (await shop.uses(voucher["code"])).status_code == 409


async def test_T1_a_refund_of_the_tenth_coffee_after_the_free_one_was_drunk_leaves_a_stamp_owed(street: Street) -> None:
    shop, guest = await _guest(street)
    entries = await _coffees(street, guest, 10)
    (voucher,) = await guest.vouchers()
    assert (await shop.uses(voucher["code"])).status_code == 200
    await shop.takes_back({"id": entries[-1]})
    assert (await guest.balance(), (await guest.points())["owed"]) == (0, 1)
    await _coffees(street, guest, 2)
    assert (await guest.balance(), (await guest.points())["owed"]) == (1, 0)


async def test_T1_the_free_cup_is_good_for_sixty_days(street: Street) -> None:
    shop, guest = await _guest(street)
    await _coffees(street, guest, 10)
    (voucher,) = await guest.vouchers()
    await street.later(days(62))
    refused = await shop.uses(voucher["code"])
    assert refused.status_code == 409, refused.text


async def test_U7_a_cafe_is_live_within_ten_requests(street: Street) -> None:
    sent: list[str] = []

    async def counted(request: Request) -> None:
        sent.append(f"{request.method} {request.url.path}")

    street.door.client.event_hooks = {"request": [counted]}
    try:
        _, guest = await _guest(street)
        assert (await guest.buys(COFFEE))["points"] == 1
    finally:
        street.door.client.event_hooks = {}
    assert len(sent) <= 10, sent


async def test_V4_stamps_are_called_stamps_in_every_language(street: Street) -> None:
    shop, guest = await _guest(street)
    entry = await guest.buys(COFFEE)
    for language, word in (("en", "1 stamp"), ("fi", "1 leima"), ("hu", "1 pecsét")):
        why = (await shop.reads(f"/v1/entries/{entry['id']}", language))["why"]
        assert any(word in sentence for sentence in why), why


async def test_R2_what_is_next_is_always_one_card_away(street: Street) -> None:
    _, guest = await _guest(street)
    for left in range(10, 7, -1):
        await eventually(lambda: _short(guest), left)
        await _coffees(street, guest, 1)


async def _short(guest: Guest) -> int:
    n: int = (await guest.rewards())["next"]["distance"]
    return n
