"""Single rules on an otherwise plain programme, through the door: history, categories, stacking, budgets, refunds."""

import asyncio
from typing import Any

import pytest
import yaml

from tests.support.acceptance import Guest, Shop, Street, days, eventually, file_of, helsinki, line, named

pytest_plugins = ["tests.support.street"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
ONE_PER_EURO: dict[str, Any] = {"id": "spend", "kind": "spend", "per": 1.00, "points": 1}
PLAIN: dict[str, Any] = {"earn": [ONE_PER_EURO], "campaigns": None, "engagement": None}
LEVELS = {
    "measure": "points",
    "window": {"kind": "lifetime"},
    "levels": [{"id": "base", "names": named("Base"), "from": 0}, {"id": "gold", "names": named("Gold"), "from": 500}],
}


async def _guest(street: Street, **parts: Any) -> tuple[Shop, Guest]:
    shop = await street.shop("cafe_points", **(PLAIN | parts))
    return shop, await shop.member()


async def test_E11_the_fourth_purchase_in_thirty_days_earns_half_as_much_again(street: Street) -> None:
    regulars = {
        "id": "regulars",
        "stacking": "best_of",
        "times": 1.5,
        "when": {"nth": {"at_least": 4, "within": "P30D"}},
    }
    _, guest = await _guest(street, campaigns=[regulars])
    got = []
    for _ in range(4):
        got.append((await guest.buys(amount=1000))["points"])
        await street.later(days(7))
    assert got == [10, 10, 10, 15]
    await street.later(days(25))
    assert (await guest.buys(amount=1000))["points"] == 10


async def test_E13_new_things_count_three_times_and_the_rest_once(street: Street) -> None:
    new = {"id": "new_things", "stacking": "best_of", "times": 3, "match": {"categories": ["new"]}}
    _, guest = await _guest(street, campaigns=[new])
    assert (await guest.buys(line("new", 1000), line("known", 1000)))["points"] == 30 + 10


async def _gold_on_friday(street: Street, stacking: str) -> int:
    """Points for 10.00 of somebody at gold, on a Friday afternoon."""
    gold = {"id": "for_gold", "stacking": stacking, "times": 1.5, "when": {"tiers": ["gold"]}}
    friday = {
        "id": "friday", "stacking": stacking, "times": 2,
        "schedule": {"rrule": "FREQ=WEEKLY;BYDAY=FR", "starts": "15:00", "lasts": "PT3H"},
    }  # fmt: skip
    _, guest = await _guest(street, tiers=LEVELS, campaigns=[gold, friday])
    await guest.buys(amount=50_000)
    await street.at(helsinki("2026-03-06 16:00"))
    n: int = (await guest.buys(amount=1000))["points"]
    return n


@pytest.mark.parametrize(("stacking", "points"), [("best_of", 20), ("stack", 30), ("exclusive", 15)])
async def test_Y5_how_campaigns_combine_is_written_in_the_file(street: Street, stacking: str, points: int) -> None:
    assert await _gold_on_friday(street, stacking) == points


async def test_Y2_gold_earns_half_as_much_again_and_base_does_not(street: Street) -> None:
    rule = ONE_PER_EURO | {"tiers": {"gold": 1.5}}
    shop, guest = await _guest(street, tiers=LEVELS, earn=[rule])
    await guest.buys(amount=50_000)
    base = await shop.member()
    assert [(await one.buys(amount=10_000))["points"] for one in (guest, base)] == [150, 100]


async def test_R19_a_budget_of_a_thousand_points_gives_a_thousand_under_any_concurrency(street: Street) -> None:
    bonus = {"id": "opening", "stacking": "stack", "adds": 50, "budget": {"points": 1000}}
    shop, first = await _guest(street, campaigns=[bonus])
    guests = [first, *[await shop.member(f"Guest {n}") for n in range(20)]]
    entries = await asyncio.gather(*(guest.buys(amount=100) for guest in guests))
    assert sum(entry["points"] for entry in entries) == 21 + 1000
    assert (await first.buys(amount=100))["points"] == 1


async def test_R19_the_last_grant_of_a_budget_may_be_a_part_and_a_refund_gives_it_back(street: Street) -> None:
    bonus = {"id": "opening", "stacking": "stack", "adds": 50, "budget": {"points": 120}}
    shop, guest = await _guest(street, campaigns=[bonus])
    entries = [await guest.buys(amount=100) for _ in range(4)]
    assert [entry["points"] for entry in entries] == [51, 51, 21, 1]
    await shop.takes_back(entries[0])
    assert (await guest.buys(amount=100))["points"] == 51


async def test_R19_a_budget_in_money_is_points_at_their_value(street: Street) -> None:
    unit = file_of("cafe_points")["unit"] | {"value": 0.01}
    bonus = {"id": "opening", "stacking": "stack", "adds": 50, "budget": {"money": 1.00}}
    _, guest = await _guest(street, unit=unit, campaigns=[bonus])
    assert [(await guest.buys(amount=100))["points"] for _ in range(3)] == [51, 51, 1]


async def test_P3_a_group_by_a_sensitive_category_has_nobody_who_did_not_consent(street: Street) -> None:
    parts = {
        "sensitive_categories": ["baby"],
        "segments": [{"id": "parents", "where": {"purchases_at_least": 1, "category": "baby"}, "consent": "sensitive"}],
        "campaigns": [{"id": "for_parents", "stacking": "best_of", "times": 2, "when": {"segments": ["parents"]}}],
    }
    shop, guest = await _guest(street, **parts)
    await guest.buys(line("baby", 1000))
    assert (await guest.buys(amount=1000))["points"] == 10
    await shop.does(f"/v1/members/{guest.id}/consents", {"kind": "sensitive", "given": True, "evidence": "form"})
    assert (await guest.buys(amount=1000))["points"] == 20
    await shop.does(f"/v1/members/{guest.id}/consents", {"kind": "sensitive", "given": False, "evidence": "form"})
    assert (await guest.buys(amount=1000))["points"] == 10


async def test_P2_whoever_buys_coffee_weekly_gets_the_coffee_offer(street: Street) -> None:
    parts = {
        "segments": [{"id": "weekly", "where": {"purchases_at_least": 4, "within": "P28D", "category": "coffee"}}],
        "campaigns": [
            {"id": "beans", "stacking": "best_of", "times": 2, "match": {"categories": ["coffee"]},
             "when": {"segments": ["weekly"]}}
        ],
    }  # fmt: skip
    _, guest = await _guest(street, **parts)
    got = []
    for _ in range(5):
        got.append((await guest.buys(line("coffee", 1000)))["points"])
        await street.later(days(6))
    assert got == [10, 10, 10, 10, 20]


async def test_P1_a_group_is_left_with_the_purchase_that_ends_it(street: Street) -> None:
    away = [{"id": "away", "where": {"no_purchase_for": "P60D"}}]
    _, guest = await _guest(street, segments=away)
    await guest.buys(amount=100)
    await street.later(days(61))
    assert (await guest.standing())["segments"] == ["away"]
    await guest.buys(amount=100)
    assert (await guest.standing())["segments"] == []


async def test_U3_a_quote_is_what_the_purchase_then_gives(street: Street) -> None:
    friday = {"id": "friday", "stacking": "stack", "times": 2, "schedule": {"rrule": "FREQ=WEEKLY;BYDAY=MO"}}
    shop, guest = await _guest(street, campaigns=[friday])
    for amount in (333, 1999, 5):
        body = guest.purchase(amount=amount)
        quoted = await shop.asks("/v1/quotes", {"earning": body})
        assert quoted.status_code // 100 == 2, quoted.text
        before = await guest.balance()
        entry = await shop.does("/v1/earnings", body)
        assert (quoted.json()["points"], quoted.json()["why"]) == (entry["points"], entry["why"])
        assert await guest.balance() == before + entry["points"]


async def test_E2_three_refunds_of_a_third_take_back_exactly_what_was_given(street: Street) -> None:
    tenth = ONE_PER_EURO | {"per": 10.00, "rounding": "floor"}
    shop, guest = await _guest(street, earn=[tenth])
    entry = await guest.buys(amount=2190)
    left = [2]
    for _ in range(3):
        await shop.takes_back(entry, amount=730)
        left.append(await guest.balance())
    assert left == [2, 1, 0, 0]


async def test_E2_thirty_and_twenty_at_one_in_fifty_are_a_point(street: Street) -> None:
    _, guest = await _guest(street, earn=[ONE_PER_EURO | {"per": 50.00}])
    assert [(await guest.buys(amount=amount))["points"] for amount in (3000, 2000)] == [0, 1]


async def test_E5_a_first_purchase_can_be_worth_more(street: Street) -> None:
    welcome = {"id": "welcome", "stacking": "stack", "adds": 20, "when": {"first_purchase": True}}
    _, guest = await _guest(street, campaigns=[welcome])
    assert [(await guest.buys(amount=1000))["points"] for _ in range(2)] == [30, 10]


async def test_E1_a_rule_can_hold_in_the_morning_only(street: Street) -> None:
    early = {
        "id": "early", "kind": "visit", "points": 3, "adds": True,
        "schedule": {"rrule": "FREQ=DAILY", "starts": "06:00", "lasts": "PT4H"},
    }  # fmt: skip
    _, guest = await _guest(street, earn=[ONE_PER_EURO, early])
    for when, points in (("2026-03-03 05:59", 10), ("2026-03-03 09:59", 13), ("2026-03-03 10:00", 10)):
        await street.at(helsinki(when))
        assert (await guest.buys(amount=1000))["points"] == points


async def test_G5_prizes_never_outrun_their_stock_and_the_odds_are_told(street: Street) -> None:
    wheel = {
        "id": "wheel", "names": named("Wheel"), "cost": 1,
        "prizes": [
            {"id": "jackpot", "odds": 0.9, "gain": {"points": 100}, "stock": 3}, {"id": "nothing", "odds": 0.1},
        ],
    }  # fmt: skip
    shop, first = await _guest(street, engagement={"games": [wheel]})
    guests = [first, *[await shop.member(f"Guest {n}") for n in range(11)]]
    for guest in guests:
        await guest.buys(amount=100)
    played = await asyncio.gather(*(shop.asks("/v1/games/wheel/plays", {"member_id": guest.id}) for guest in guests))
    assert {answer.status_code for answer in played} == {201}, [answer.text for answer in played]
    won = [answer.json()["prize"] for answer in played]
    assert won.count("jackpot") == 3

    async def balances() -> list[int]:
        return sorted([await guest.balance() for guest in guests])

    await eventually(balances, [0] * 9 + [100] * 3)
    told = await shop.reads("/v1/games/wheel")
    assert [(prize["prize"], prize["odds"], prize["stock"]) for prize in told["prizes"]] == [
        ("jackpot", "9/10", 3),
        ("nothing", "1/10", None),
    ]
    assert told["prizes"][0]["won"] == 3


async def test_P4_without_any_scorer_offers_work_by_rules(street: Street) -> None:
    offer = {"id": "offer", "stacking": "best_of", "times": 2, "activation": True}
    shop, guest = await _guest(street, campaigns=[offer])
    assert (await guest.buys(amount=1000))["points"] == 10
    await shop.does(f"/v1/members/{guest.id}/offers", {"campaign": "offer"})
    assert (await guest.buys(amount=1000))["points"] == 20


async def test_R18_a_discount_out_of_the_band_is_told_before_publishing(street: Street) -> None:
    shop, _ = await _guest(street)
    half = {"id": "half", "names": named("Half"), "kind": "amount_off", "cost": 100, "amount": 50.00}
    content = file_of("cafe_points", **PLAIN, rewards=[half], reward_band={"low": 0.01, "high": 0.10})
    answer = await shop.asks("/v1/programmes/lint", {"text": yaml.safe_dump(content, allow_unicode=True)})
    assert answer.status_code == 200, answer.text
    assert any("50 %" in advice["text"] for advice in answer.json()["advice"]), answer.text
