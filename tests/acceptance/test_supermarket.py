"""The supermarket, through the door: quarterly vouchers, and what they are worth elsewhere (vectors of template T5)."""

from datetime import UTC, datetime

import pytest

from tests.support.acceptance import Guest, Shop, Street, eventually, line

pytest_plugins = ["tests.support.street"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
BEFORE_MAY = datetime(2026, 4, 20, 12, tzinfo=UTC)
IN_MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)
IN_AUGUST = datetime(2026, 8, 3, 12, tzinfo=UTC)


async def _guest(street: Street) -> tuple[Shop, Guest]:
    shop = await street.shop("supermarket", currency="GBP")
    return shop, await shop.member()


async def _voucher(street: Street, spent: int, when: datetime) -> tuple[Shop, Guest, str]:
    """The quarterly voucher of somebody who spent so much a week before `when`."""
    await street.at(when.replace(day=20, month=when.month - 1))
    shop, guest = await _guest(street)
    await guest.buys(amount=spent)
    await street.at(when)
    await eventually(lambda: _values(guest), [spent // 100])
    return shop, guest, (await guest.vouchers())[0]["code"]


async def _values(guest: Guest) -> list[int]:
    return [voucher["value"] for voucher in await guest.vouchers()]


async def test_T5_a_hundred_and_forty_nine_points_wait_and_a_hundred_and_fifty_become_one_pound_fifty(
    street: Street,
) -> None:
    await street.at(BEFORE_MAY)
    _, guest = await _guest(street)
    await guest.buys(amount=14_900)
    await street.at(IN_MAY)
    assert (await guest.vouchers(), await guest.balance()) == ([], 149)
    await guest.buys(amount=100)
    await street.at(IN_AUGUST)
    await eventually(lambda: _values(guest), [150])
    assert await guest.balance() == 0


async def test_T5_vouchers_come_in_steps_of_fifty_pence_and_the_rest_stays(street: Street) -> None:
    await street.at(BEFORE_MAY)
    _, guest = await _guest(street)
    await guest.buys(amount=27_300)
    await street.at(IN_MAY)
    await eventually(lambda: _values(guest), [250])
    assert await guest.balance() == 23


async def test_T5_five_hundred_points_are_five_pounds_in_the_shop_and_ten_at_a_partner(street: Street) -> None:
    _, guest, code = await _voucher(street, 50_000, IN_MAY)
    assert await _values(guest) == [500]
    partner = Shop(street, await street.door.partner("Days out", currency="GBP"), "GBP", 0)
    exchanged = await partner.asks(f"/v1/vouchers/{code}/exchange", {})
    assert exchanged.status_code == 200, exchanged.text
    assert exchanged.json()["into"]["value"] == 1000


async def test_T5_a_code_ordered_on_the_last_day_of_three_times_keeps_it_for_twelve_months(street: Street) -> None:
    _, _, code = await _voucher(street, 50_000, datetime(2023, 5, 1, 12, tzinfo=UTC))
    partner = Shop(street, await street.door.partner("Days out", currency="GBP"), "GBP", 0)
    await street.at(datetime(2023, 6, 13, 22, 30, tzinfo=UTC))  # half past eleven in the evening in London
    exchanged = (await partner.asks(f"/v1/vouchers/{code}/exchange", {})).json()["into"]
    assert exchanged["value"] == 1500
    await street.at(datetime(2024, 6, 12, 12, tzinfo=UTC))
    assert (await partner.uses(exchanged["code"])).status_code == 200


async def test_T5_from_the_next_day_a_code_is_worth_twice_and_is_good_for_six_months(street: Street) -> None:
    _, _, code = await _voucher(street, 50_000, datetime(2023, 5, 1, 12, tzinfo=UTC))
    partner = Shop(street, await street.door.partner("Days out", currency="GBP"), "GBP", 0)
    await street.at(datetime(2023, 6, 14, 0, 30, tzinfo=UTC))
    exchanged = (await partner.asks(f"/v1/vouchers/{code}/exchange", {})).json()["into"]
    assert exchanged["value"] == 1000
    await street.at(datetime(2023, 12, 16, 12, tzinfo=UTC))
    assert (await partner.uses(exchanged["code"])).status_code == 409


async def test_T5_a_voucher_of_february_2021_cannot_be_used_in_march_2023(street: Street) -> None:
    shop, _, code = await _voucher(street, 20_000, datetime(2021, 2, 1, 12, tzinfo=UTC))
    await street.at(datetime(2023, 1, 31, 12, tzinfo=UTC))
    assert (await shop.reads(f"/v1/vouchers/{code}"))["state"] == "issued"
    await street.at(datetime(2023, 3, 1, 12, tzinfo=UTC))
    assert (await shop.uses(code)).status_code == 409


async def test_T5_a_voucher_is_used_in_parts(street: Street) -> None:
    shop, guest, code = await _voucher(street, 50_000, IN_MAY)
    assert (await shop.uses(code, amount=200)).status_code == 200
    assert await _values(guest) == [300]


async def test_T5_fuel_gives_a_point_for_two_litres_and_not_by_its_price(street: Street) -> None:
    _, guest = await _guest(street)
    assert (await guest.buys(line("fuel", 6300, quantity=45_000)))["points"] == 22
    assert (await guest.buys(line("fuel", 6300, quantity=45_000), line("food", 1099)))["points"] == 22 + 10


async def test_T5_tobacco_and_gift_cards_give_nothing(street: Street) -> None:
    _, guest = await _guest(street)
    assert (await guest.buys(line("tobacco", 1500), line("gift_cards", 5000), line("food", 250)))["points"] == 2


async def test_T5_the_credit_card_gives_a_point_for_four_pounds_besides(street: Street) -> None:
    _, guest = await _guest(street)
    paid = [{"kind": "credit_card", "amount": 1000}]
    assert (await guest.buys(line("food", 1000), tenders=paid))["points"] == 10 + 2
    assert (await guest.buys(line("mobile", 1000)))["points"] == 10


async def test_R6_members_have_member_prices(street: Street) -> None:
    _, guest = await _guest(street)
    assert [benefit["id"] for benefit in (await guest.standing())["entitlements"]] == ["member_prices"]
