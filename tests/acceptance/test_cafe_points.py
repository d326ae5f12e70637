"""The café with points: amounts, Friday hours, a drink for a hundred; and the rows that need no more than a café."""

from datetime import datetime

import pytest

from tests.support.acceptance import Street, days, eventually, file_of, helsinki, line, named

pytest_plugins = ["tests.support.street"]
pytestmark = pytest.mark.asyncio(loop_scope="module")


def _spend(**changed: object) -> list[dict[str, object]]:
    (rule,) = file_of("cafe_points")["earn"]
    return [rule | changed]


async def test_E1_a_point_per_purchase_of_at_least_five_euros(street: Street) -> None:
    earn = [{"id": "purchase", "kind": "visit", "points": 1, "minimum_basket": 5.00}]
    guest = await (await street.shop("cafe_points", earn=earn)).member()
    assert (await guest.buys(amount=499))["points"] == 0
    assert (await guest.buys(amount=500))["points"] == 1


async def test_E2_points_by_the_amount_without_tax_dropping_the_fraction(street: Street) -> None:
    shop = await street.shop("cafe_points", earn_base={"tax": "excluded"}, earn=_spend(rounding="floor"))
    guest = await shop.member()
    assert (await guest.buys(amount=1999 + 480, tax=480))["points"] == 19
    assert (await guest.buys(amount=1999 + 480, tax=480))["points"] == 19


async def test_E2_points_by_the_amount_with_tax_carrying_the_fraction(street: Street) -> None:
    guest = await (await street.shop("cafe_points")).member()
    assert [(await guest.buys(amount=250))["points"] for _ in range(4)] == [2, 3, 2, 3]


async def test_E2_gift_cards_tips_and_what_rewards_took_off_earn_nothing(street: Street) -> None:
    guest = await (await street.shop("cafe_points")).member()
    assert (await guest.buys(line("gift_cards", 5000), line("cold_drinks", 300)))["points"] == 3
    assert (await guest.buys(line("cold_drinks", 300), line("tips", 100)))["points"] == 3
    assert (await guest.buys(amount=1000, discount=200, reward=300))["points"] == 5


async def test_E2_the_share_paid_with_points_earns_nothing(street: Street) -> None:
    guest = await (await street.shop("cafe_points")).member()
    tenders = [{"kind": "points", "amount": 400}, {"kind": "card", "amount": 600}]
    assert (await guest.buys(amount=1000, tenders=tenders))["points"] == 6


async def test_Y1_R1_a_hundred_points_are_a_drink_and_ninety_nine_are_one_short(street: Street) -> None:
    shop = await street.shop("cafe_points")
    guest = await shop.member()
    await guest.buys(amount=9900)
    refused = await shop.asks("/v1/claims", {"member_id": guest.id, "reward": "drink"})
    assert (refused.status_code, refused.json()["code"], refused.json()["facts"]["short"]) == (
        409,
        "insufficient_points",
        1,
    )
    await guest.buys(amount=100)
    await guest.gets("drink")
    assert await guest.balance() == 0


async def test_R2_the_ladder_says_what_can_be_had_and_how_far_the_next_is(street: Street) -> None:
    rewards = [
        {"id": f"for_{cost}", "names": named(str(cost)), "kind": "product", "cost": cost} for cost in (25, 60, 100, 200)
    ]
    guest = await (await street.shop("cafe_points", rewards=rewards, engagement=None)).member()
    await guest.buys(amount=13_000)
    ladder = await guest.rewards()
    assert [reward["reward"] for reward in ladder["rewards"] if reward["claimable"]] == ["for_25", "for_60", "for_100"]
    assert (ladder["next"]["reward"], ladder["next"]["distance"]) == ("for_200", 70)


FRIDAYS = [
    ("2026-03-06 14:59", 10),
    ("2026-03-06 15:00", 20),
    ("2026-03-06 17:59", 20),
    ("2026-03-06 18:00", 10),
    ("2026-03-05 15:00", 10),
    # In Finland clocks change on Sunday, 29 March 2026: three in the afternoon is an hour earlier after that.
    ("2026-04-03 14:59", 10),
    ("2026-04-03 15:00", 20),
    ("2026-10-30 15:00", 20),
    ("2026-10-30 18:00", 10),
]


@pytest.mark.parametrize(("when", "points"), FRIDAYS)
async def test_Y4_friday_hours_are_by_the_wall_clock(street: Street, when: str, points: int) -> None:
    guest = await (await street.shop("cafe_points")).member()
    await street.at(helsinki(when))
    assert (await guest.buys(amount=1000))["points"] == points


async def test_Y4_a_purchase_counts_when_it_happened_and_not_when_it_was_sent(street: Street) -> None:
    guest = await (await street.shop("cafe_points")).member()
    await street.at(helsinki("2026-03-06 19:30"))
    assert (await guest.buys(amount=1000, occurred_at=helsinki("2026-03-06 16:00").isoformat()))["points"] == 20


async def test_Y8_points_keep_the_terms_they_were_earned_under(street: Street) -> None:
    shop = await street.shop("cafe_points", lots={"expiry": {"kind": "never"}})
    guest = await shop.member()
    await guest.buys(amount=1000)
    await street.later(days(1))
    await shop.publishes("cafe_points")  # now with twelve months
    await guest.buys(amount=500)
    assert await guest.balance() == 15
    await street.at(datetime.fromisoformat("2027-03-31T20:00:00+00:00"))
    assert await guest.balance() == 15
    await street.at(datetime.fromisoformat("2027-03-31T21:00:01+00:00"))
    await eventually(guest.balance, 10)


async def test_E14_a_sale_that_began_before_joining_earns_when_it_closes(street: Street) -> None:
    shop = await street.shop("cafe_points")
    began = street.now()
    await street.later(days(0.002))
    guest = await shop.member()
    assert (await guest.buys(amount=1000, occurred_at=began.isoformat()))["points"] == 10


async def test_E12_a_bonus_for_an_action_is_given_once_per_member(street: Street) -> None:
    install = {"id": "install", "kind": "event", "event": "pass.installed", "points": 50, "once_per": "member"}
    guest = await (await street.shop("cafe_points", earn=[*_spend(), install])).member()
    got = [(await guest.does("pass.installed", subject=device))["points"] for device in ("phone", "tablet")]
    assert got == [50, 0]


async def test_E8_sharing_is_rewarded_once(street: Street) -> None:
    share = {"id": "share", "kind": "event", "event": "campaign.shared", "points": 10, "once_per": "subject"}
    guest = await (await street.shop("cafe_points", earn=[*_spend(), share])).member()
    got = [(await guest.does("campaign.shared", subject="spring"))["points"] for _ in range(2)]
    assert (got, await guest.balance()) == ([10, 0], 10)


async def test_E9_coming_to_an_event_counts_once_however_often_the_card_is_scanned(street: Street) -> None:
    tasting = {"id": "tasting", "kind": "event", "event": "event.attended", "points": 20, "once_per": "subject"}
    guest = await (await street.shop("cafe_points", earn=[*_spend(), tasting])).member()
    got = [(await guest.does("event.attended", subject=event))["points"] for event in ("e1", "e1", "e2")]
    assert got == [20, 0, 20]


async def test_U3_an_entry_explains_itself_in_three_languages(street: Street) -> None:
    shop = await street.shop("cafe_points")
    guest = await shop.member()
    await street.at(helsinki("2026-03-06 16:00"))
    entry = await guest.buys(amount=1234)
    version = (await shop.reads("/v1/programmes"))["in_force"]
    said = {}
    for language in ("en", "fi", "hu"):
        read = await shop.reads(f"/v1/entries/{entry['id']}", language)
        assert (read["points"], read["facts"]["version"]) == (24, version)
        said[language] = " ".join(read["why"])
    assert "Friday happy hours" in said["en"]
    assert "Perjantain tuplatunnit" in said["fi"]
    assert "Pénteki dupla órák" in said["hu"]


async def test_U9_a_pilot_place_earns_and_the_others_do_not(street: Street) -> None:
    shop = await street.shop("cafe_points")
    door, till = street.door, shop.till
    other = await door.made(
        f"/v1/partners/{till.partner_id}/locations", door.operator_key, {"name": "Harbour", "zone": "Europe/Helsinki"}
    )
    pilot = [{"id": "pilot", "kind": "spend", "per": 1.00, "points": 1, "match": {"locations": ["main"]}}]
    shop.ids["main"] = till.location_id  # type: ignore[index]
    await street.later(days(1))
    await shop.publishes("cafe_points", earn=pilot, locations={"main": "Main Street"})
    guest = await shop.member()
    assert (await guest.buys(amount=1000, location_id=other["id"]))["points"] == 0
    assert (await guest.buys(amount=1000, location_id=till.location_id))["points"] == 10


async def test_V4_finnish_and_hungarian_numbers_take_the_right_form(street: Street) -> None:
    unit = {"code": "STAR", "names": {"en": ["star", "stars"], "fi": ["tähti", "tähteä"], "hu": ["csillag", "csillag"]}}
    shop = await street.shop("cafe_points", unit=unit)
    guest = await shop.member()
    one, five = await guest.buys(amount=100), await guest.buys(amount=500)
    for entry, language, words in (
        (one, "en", "1 star"), (five, "en", "5 stars"), (one, "fi", "1 tähti"), (five, "fi", "5 tähteä"),
        (one, "hu", "1 csillag"), (five, "hu", "5 csillag"),
    ):  # fmt: skip
        why = (await shop.reads(f"/v1/entries/{entry['id']}", language))["why"]
        assert any(words in sentence for sentence in why), (words, why)


async def test_V1_a_programme_says_what_it_is_for_and_when_it_is_judged(street: Street) -> None:
    shop = await street.shop("cafe_points")
    version = (await shop.reads("/v1/programmes"))["in_force"]
    goal = (await shop.reads(f"/v1/programmes/{version}"))["content"]["goal"]
    assert (goal["metric"], goal["review_on"]) == ("repeat_purchase_rate", "2027-05-31")


async def test_U4_lots_add_up_to_the_balance_and_say_until_when(street: Street) -> None:
    shop = await street.shop("cafe_points")
    guest = await shop.member()
    for _ in range(3):
        await guest.buys(amount=5000)
        await street.later(days(20))
    await guest.gets("drink")
    listed = await shop.reads(f"/v1/members/{guest.id}/lots")
    assert sum(lot["points"] for lot in listed["data"]) == listed["balance"] == await guest.balance() == 50
    assert [lot["expires_at"] for lot in listed["data"]] == ["2027-04-30T21:00:00Z"]


async def test_U2_a_name_is_enough_to_join_and_a_card_is_offered_at_once(street: Street) -> None:
    shop = await street.shop("cafe_points")
    joined = await shop.does("/v1/members", {"name": "Alex"})
    path = joined["card_url"].removeprefix(street.door.parts.settings.public_url)
    assert (await street.door.client.get(path)).status_code == 200


async def test_R1_a_quote_of_a_claim_is_what_it_takes_and_takes_nothing(street: Street) -> None:
    shop = await street.shop("cafe_points")
    guest = await shop.member()
    claim = {"member_id": guest.id, "reward": "drink"}
    await guest.buys(amount=9900)
    refused = await shop.asks("/v1/quotes", {"claim": claim})
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_points")
    await guest.buys(amount=2000)
    quoted = (await shop.asks("/v1/quotes", {"claim": claim})).json()
    assert (quoted["points"], quoted["balance"], quoted["held"], await guest.balance()) == (-100, 19, 100, 119)
    made = await shop.does("/v1/claims", claim)
    assert (made["balance"], made["held"], made["why"]) == (quoted["balance"], quoted["held"], quoted["why"])


async def test_R1_a_claim_that_is_not_fetched_gives_its_points_back(street: Street) -> None:
    shop = await street.shop("cafe_points")
    guest = await shop.member()
    await guest.buys(amount=10_000)
    claim = await guest.claims("drink")
    assert (claim["state"], await guest.balance()) == ("held", 0)
    await street.later(days(16 / 24 / 60))
    await eventually(guest.balance, 100)
    late = await shop.asks(f"/v1/claims/{claim['id']}/capture", None)
    assert (late.status_code, late.json()["code"]) == (409, "claim_ended")
