"""The town's coalition, through the door: issuers, acceptors, gifts to charity and who owes whom (template T8)."""

import asyncio
from datetime import UTC, datetime

import pytest

from tests.support.acceptance import Guest, Shop, Street, days, file_of, line

pytest_plugins = ["tests.support.street"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
ONE_CENT = {"issuer_pays_micros": 10_000, "acceptor_gets_micros": 10_000}
TERMS = dict.fromkeys(("cafe", "bookshop", "charity"), ONE_CENT)


async def _lots(guest: Guest) -> dict[str, int]:
    """Points that can be spent, by the id of the partner that issued them."""
    by_issuer: dict[str, int] = {}
    door = guest.home.street.door
    listed = await door.ask("GET", f"/v1/members/{guest.id}/lots", door.operator_key)
    for lot in listed.json()["data"]:
        by_issuer[lot["issuer_id"]] = by_issuer.get(lot["issuer_id"], 0) + lot["points"]
    return by_issuer


async def _nets(street: Street, shops: dict[str, Shop]) -> dict[str, int]:
    """The newly closed cycle: what each of these partners (and the operator) gets, in minor units."""
    closed = (await street.door.ask("POST", "/v1/clearing-cycles", street.door.operator_key)).json()
    nets = {position["party_id"]: position["net_minor"] for position in closed["positions"]}
    named = {name: nets.get(shop.till.partner_id, 0) for name, shop in shops.items()}
    return named | {"operator": nets.get("operator", 0)}


async def test_E16_each_partner_issues_at_its_own_rate(street: Street) -> None:
    shops = await street.town("town_coalition")
    cafe, bookshop = shops["cafe"], shops["bookshop"]
    guest = await cafe.member()
    assert (await guest.buys(amount=1000, here=cafe))["points"] == 10
    assert (await guest.buys(amount=1000, here=bookshop))["points"] == 5
    assert await _lots(guest) == {cafe.till.partner_id: 10, bookshop.till.partner_id: 5}


async def test_T8_an_own_cup_brings_two_points_twice_a_day(street: Street) -> None:
    guest = await (await street.town("town_coalition"))["cafe"].member()
    assert [(await guest.does("own_cup.used"))["points"] for _ in range(3)] == [2, 2, 0]
    await street.later(days(1))
    assert (await guest.does("own_cup.used"))["points"] == 2


async def test_R16_what_is_repaired_or_used_counts_twice(street: Street) -> None:
    shops = await street.town("town_coalition")
    guest = await shops["bookshop"].member()
    assert (await guest.buys(line("second_hand", 1000), line("books", 1000)))["points"] == 10 + 5


async def test_R16_a_gift_goes_to_the_charity_in_the_next_clearing_and_never_comes_back(street: Street) -> None:
    shops = await street.town("town_coalition", terms=TERMS)
    cafe = shops["cafe"]
    guest = await cafe.member()
    await guest.buys(amount=10_000)
    assert await guest.is_refused("donation", points=70) == (400, "not_a_multiple")
    claim = await guest.claims("donation", points=100)
    assert (await guest.balance(), claim["state"]) == (0, "captured")
    assert await cafe.is_refused("/v1/reversals", {"entry_id": claim["entry_id"]}) == (400, "not_reversible")
    assert await _nets(street, shops) == {"cafe": -100, "bookshop": 0, "charity": 100, "operator": 0}


async def test_T8_the_example_of_netting(street: Street) -> None:
    shops = await street.town("town_coalition", terms=TERMS)
    cafe, bookshop = shops["cafe"], shops["bookshop"]
    of_cafe, of_bookshop = await cafe.member("A"), await bookshop.member("B")
    await of_cafe.buys(amount=40_000)
    await of_bookshop.buys(amount=60_000)
    await bookshop.does("/v1/redemptions", {"member_id": of_cafe.id, "points": 300})
    await cafe.does("/v1/redemptions", {"member_id": of_bookshop.id, "points": 200})
    await of_cafe.claims("donation", points=100)
    await of_bookshop.claims("donation", points=100)
    assert await _nets(street, shops) == {"cafe": -200, "bookshop": 0, "charity": 200, "operator": 0}


async def test_T8_what_an_acceptor_gets_less_than_the_issuer_pays_goes_to_the_operator(street: Street) -> None:
    less = {"bookshop": {**ONE_CENT, "acceptor_gets_micros": 9_000}}
    shops = await street.town("town_coalition", terms={**TERMS, **less})
    guest = await shops["cafe"].member()
    await guest.buys(amount=30_000)
    await shops["bookshop"].does("/v1/redemptions", {"member_id": guest.id, "points": 300})
    nets = await _nets(street, shops)
    assert (nets["cafe"], nets["bookshop"], nets["operator"]) == (-300, 270, 30)
    assert sum(nets.values()) == 0


async def test_T8_coffee_for_points_is_had_at_the_cafe_only(street: Street) -> None:
    shops = await street.town("town_coalition")
    guest = await shops["cafe"].member()
    await guest.buys(amount=25_000)
    assert await guest.is_refused("coffee", here=shops["bookshop"]) == (403, "not_here")
    await guest.gets("coffee")
    assert await guest.balance() == 0


async def test_R3_points_pay_for_half_of_a_basket_at_the_bookshop(street: Street) -> None:
    shops = await street.town("town_coalition")
    bookshop = shops["bookshop"]
    guest = await bookshop.member()
    await guest.buys(amount=200_000)
    claim = await guest.claims("pay_with_points", points=900, basket=1500)
    assert (claim["points"], claim["worth"]) == (750, 750)


async def test_T8_no_more_than_twenty_euros_of_points_are_spent_in_a_day(street: Street) -> None:
    shops = await street.town("town_coalition")
    bookshop = shops["bookshop"]
    guest = await bookshop.member()
    await guest.buys(amount=600_000)
    await guest.gets("pay_with_points", points=2000, basket=10_000)
    assert await guest.is_refused("donation", points=50) == (409, "daily_redemption_limit")
    await street.later(days(1))
    await guest.claims("donation", points=50)
    assert await guest.balance() == 950


async def test_T8_points_live_to_the_end_of_the_quarter_after_two_years(street: Street) -> None:
    shops = await street.town("town_coalition")
    guest = await shops["cafe"].member()
    await street.later(days(40))  # into April
    await guest.buys(amount=10_000)
    await street.at(datetime(2028, 6, 30, 20, 30, tzinfo=UTC))  # half past eleven in the evening in Helsinki
    assert await guest.balance() == 100
    await street.at(datetime(2028, 6, 30, 21, 1, tzinfo=UTC))
    assert await guest.balance() == 0


async def test_T8_the_acceptors_own_points_go_first_then_those_that_expire_soonest(street: Street) -> None:
    shops = await street.town("town_coalition")
    cafe, bookshop = shops["cafe"], shops["bookshop"]
    guest = await cafe.member()
    await guest.buys(amount=10_000, here=cafe)
    await street.later(days(100))
    await guest.buys(amount=20_000, here=bookshop)
    await bookshop.does("/v1/redemptions", {"member_id": guest.id, "points": 60})
    assert await _lots(guest) == {cafe.till.partner_id: 100, bookshop.till.partner_id: 40}
    await shops["charity"].does("/v1/redemptions", {"member_id": guest.id, "points": 60})
    assert await _lots(guest) == {cafe.till.partner_id: 40, bookshop.till.partner_id: 40}


async def test_T8_a_refund_gives_back_the_points_that_paid_and_takes_those_that_were_earned(street: Street) -> None:
    shops = await street.town("town_coalition")
    bookshop = shops["bookshop"]
    guest = await bookshop.member()
    await guest.buys(amount=200_000)
    claim = await guest.claims("pay_with_points", points=500, basket=2000, order="o1")
    spent = (await bookshop.asks(f"/v1/claims/{claim['id']}/capture", None)).json()
    tenders = [{"kind": "points", "amount": 500}, {"kind": "card", "amount": 1500}]
    earned = await guest.buys(amount=2000, tenders=tenders, order="o1")
    assert (earned["points"], await guest.balance()) == (7, 507)
    await bookshop.takes_back({"id": spent["entry_id"]})
    await bookshop.takes_back(earned)
    assert (await guest.balance(), (await guest.points())["owed"]) == (1000, 0)


async def test_R17_a_reward_of_a_partner_is_owed_at_the_agreed_price(street: Street) -> None:
    concert = {
        "id": "concert", "names": {"en": "Concert"}, "kind": "partner", "cost": 300, "partner": "bookshop",
        "price": 2.50, "voucher": True, "valid": "P30D",
    }  # fmt: skip
    shops = await street.town("town_coalition", terms=TERMS, rewards=[*file_of("town_coalition")["rewards"], concert])
    guest = await shops["cafe"].member()
    await guest.buys(amount=30_000)
    await guest.claims("concert")
    nets = await _nets(street, shops)
    assert (nets["cafe"], nets["bookshop"]) == (-250, 250)


async def test_T8_points_are_given_to_another_member_within_limits(street: Street) -> None:
    shops = await street.town("town_coalition")
    cafe = shops["cafe"]
    giver, taker = await cafe.member("Giver"), await cafe.member("Taker")
    await giver.buys(amount=100_000)
    await cafe.does("/v1/transfers", {"member_id": giver.id, "to_member_id": taker.id, "points": 400})
    assert (await giver.balance(), await taker.balance()) == (600, 400)
    status, _ = await cafe.is_refused("/v1/transfers", {"member_id": giver.id, "to_member_id": taker.id, "points": 101})
    assert status == 409


async def test_T8_no_cashier_adds_points_by_hand(street: Street) -> None:
    shops = await street.town("town_coalition")
    guest = await shops["cafe"].member()
    cashier = (await shops["cafe"].does("/v1/staff", {"display_name": "Kim"}))["id"]
    body = {"member_id": guest.id, "points": 1, "reason": "kindness", "staff_id": cashier}
    status, _ = await shops["cafe"].is_refused("/v1/adjustments", body)
    assert status == 403
    assert await guest.balance() == 0


async def test_Y7_points_of_everyone_are_spent_at_everyone_by_many_at_once(street: Street) -> None:
    shops = await street.town("town_coalition", terms=TERMS)
    cafe, bookshop = shops["cafe"], shops["bookshop"]
    guests = [await cafe.member(f"Guest {n}") for n in range(8)]
    await asyncio.gather(*(guest.buys(amount=10_000, here=cafe) for guest in guests))
    await asyncio.gather(
        *(bookshop.does("/v1/redemptions", {"member_id": guest.id, "points": 100}) for guest in guests)
    )
    assert [await guest.balance() for guest in guests] == [0] * 8
    assert await _nets(street, shops) == {"cafe": -800, "bookshop": 800, "charity": 0, "operator": 0}
