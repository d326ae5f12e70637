"""Claims through HTTP: held, handed over, given up, timed out; refused with the reason and its numbers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from points.audit import audit
from tests.support.acceptance import eventually
from tests.support.reward_shop import RewardShop, reward_shop


@pytest.fixture
async def shop(database_url: str, twins_folder: Path) -> AsyncIterator[RewardShop]:
    async with reward_shop(database_url, twins_folder) as opened:
        yield opened


async def test_a_reward_is_refused_at_one_point_less_and_says_so_for_programs(shop: RewardShop) -> None:
    member = await shop.member(99)
    refused = await shop.claim(member, "drink")
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["facts"]["short"]) == (409, "insufficient_points", 1)
    await shop.door.earn(shop.cafe, member, 100)
    assert (await shop.claim(member, "drink")).status_code == 201


async def test_a_claim_holds_points_until_the_reward_is_handed_over(shop: RewardShop) -> None:
    member = await shop.member(130)
    made = (await shop.claim(member, "drink")).json()
    assert (made["claim"]["state"], made["balance"], made["held"]) == ("held", 30, 100)
    path = f"/v1/claims/{made['claim']['id']}"
    captured = (await shop.door.move(f"{path}/capture", shop.gym.key, None)).json()
    assert (captured["claim"]["state"], captured["balance"], captured["held"]) == ("captured", 30, 0)
    assert (await shop.door.ask("GET", path, shop.cafe.key)).json()["state"] == "captured"
    again = await shop.door.move(f"{path}/capture", shop.gym.key, None)
    assert (again.status_code, again.json()["code"]) == (409, "claim_ended")


async def test_whoever_captures_a_claim_is_owed_for_it(shop: RewardShop) -> None:
    member = await shop.member(100)
    claim_id = (await shop.claim(member, "drink")).json()["claim"]["id"]
    await shop.door.move(f"/v1/claims/{claim_id}/capture", shop.gym.key, None)
    cycle = (await shop.door.ask("POST", "/v1/clearing-cycles", shop.door.operator_key)).json()
    nets = {position["party_id"]: position["net_minor"] for position in cycle["positions"]}
    assert nets == {shop.cafe.partner_id: -120, shop.gym.partner_id: 100, "operator": 20}


async def test_a_reward_of_one_place_is_claimed_and_handed_over_there_alone(shop: RewardShop) -> None:
    member = await shop.member(100)
    elsewhere = await shop.claim(member, "cafe_only", shop.gym)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "not_here")
    claim_id = (await shop.claim(member, "cafe_only")).json()["claim"]["id"]
    refused = await shop.door.move(f"/v1/claims/{claim_id}/capture", shop.gym.key, None)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_here")
    assert (await shop.door.move(f"/v1/claims/{claim_id}/capture", shop.cafe.key, None)).status_code == 200


async def test_a_claim_that_is_given_up_leaves_no_trace_in_the_points(shop: RewardShop) -> None:
    member = await shop.member(100)
    claim_id = (await shop.claim(member, "last_one")).json()["claim"]["id"]
    released = (await shop.door.move(f"/v1/claims/{claim_id}/release", shop.cafe.key, None)).json()
    assert (released["claim"]["state"], released["balance"], released["held"]) == ("released", 100, 0)
    assert (await shop.claim(member, "last_one")).status_code == 201, "its stock is free again"


async def test_a_claim_that_nobody_ends_is_timed_out(shop: RewardShop) -> None:
    member = await shop.member(100)
    claim_id = (await shop.claim(member, "drink")).json()["claim"]["id"]
    await shop.at(shop.now() + timedelta(minutes=15))
    late = await shop.door.move(f"/v1/claims/{claim_id}/capture", shop.cafe.key, None)
    assert (late.status_code, late.json()["code"]) == (409, "claim_ended")
    await eventually(lambda: shop.points(member), 100)
    ended = (await shop.door.ask("GET", f"/v1/claims/{claim_id}", shop.cafe.key)).json()
    assert ended["state"] == "timed_out"
    assert (await shop.claim(member, "drink")).status_code == 201


async def test_the_same_claim_delivered_twice_is_one_claim(shop: RewardShop) -> None:
    member = await shop.member(300)
    body = {"member_id": member, "reward": "drink"}
    first = await shop.door.move("/v1/claims", shop.cafe.key, body, "claim-1")
    again = await shop.door.move("/v1/claims", shop.cafe.key, body, "claim-1")
    assert first.content == again.content
    assert again.headers["idempotent-replayed"] == "true"
    other = await shop.door.move("/v1/claims", shop.cafe.key, {**body, "reward": "meal"}, "claim-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await shop.points(member) == 200


async def test_points_pay_three_of_three_fifty_and_the_rest_is_kept(shop: RewardShop) -> None:
    member = await shop.member(350)
    made = (await shop.claim(member, "cash", basket=300)).json()
    assert (made["claim"]["points"], made["claim"]["worth"], made["balance"]) == (300, 300, 50)


async def test_a_donation_goes_to_the_charity_and_never_comes_back(shop: RewardShop) -> None:
    member = await shop.member(100)
    made = (await shop.claim(member, "gift", points=100)).json()
    assert (made["claim"]["state"], made["claim"]["worth"], made["balance"]) == ("captured", 100, 0)
    assert made["claim"]["acceptor"] == shop.charity.partner_id
    refused = await shop.door.move("/v1/reversals", shop.cafe.key, {"entry_id": made["entry_id"]})
    assert (refused.status_code, refused.json()["code"]) == (400, "not_reversible")
    cycle = (await shop.door.ask("POST", "/v1/clearing-cycles", shop.door.operator_key)).json()
    nets = {position["party_id"]: position["net_minor"] for position in cycle["positions"]}
    assert nets[shop.charity.partner_id] == 100


REFUSALS: list[tuple[str, int, dict[str, Any], int, str]] = [
    ("another tier's", 100, {"reward": "golden"}, 403, "reward_for_tiers"),
    ("unknown", 100, {"reward": "nothing"}, 404, "unknown_reward"),
    ("without its order", 100, {"reward": "lone"}, 400, "order_needed"),
    ("money of no purchase", 100, {"reward": "cash"}, 400, "basket_needed"),
    ("an odd donation", 100, {"reward": "gift", "points": 75}, 400, "not_a_multiple"),
    ("a price of one's own", 100, {"reward": "drink", "points": 1}, 400, "cost_is_fixed"),
    ("no points", 0, {"reward": "drink"}, 409, "insufficient_points"),
    ("not a name", 0, {"reward": "Drink!"}, 400, "body_invalid"),
    ("negative points", 100, {"reward": "cash", "basket": 100, "points": -1}, 400, "body_invalid"),
]


@pytest.mark.parametrize(("what", "points", "body", "status", "code"), REFUSALS, ids=[row[0] for row in REFUSALS])
async def test_a_claim_that_may_not_be_is_refused_and_writes_nothing(
    shop: RewardShop, what: str, points: int, body: dict[str, Any], status: int, code: str
) -> None:
    member = await shop.member(points)
    refused = await shop.claim(member, **body)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert await shop.points(member) == points
    assert await shop.count("SELECT count(*) FROM claim") == 0


async def test_the_reason_names_the_tiers(shop: RewardShop) -> None:
    problem = (await shop.claim(await shop.member(100), "golden")).json()
    assert problem["facts"] == {"tiers": ["gold"], "tier": "green"}


async def test_an_order_takes_one_lone_reward(shop: RewardShop) -> None:
    member = await shop.member(300)
    assert (await shop.claim(member, "lone", order="o1")).status_code == 201
    second = await shop.claim(member, "drink", order="o1")
    assert (second.status_code, second.json()["code"]) == (409, "order_already_rewarded")
    assert (await shop.claim(member, "drink", order="o2")).status_code == 201


async def test_of_twenty_who_want_the_last_one_exactly_one_gets_it(shop: RewardShop) -> None:
    members = [await shop.member(60, f"Member {n}") for n in range(20)]
    answers = await asyncio.gather(*(shop.claim(member, "last_one") for member in members))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"out_of_stock"}
    assert sorted([await shop.points(member) for member in members]) == [10] + [60] * 19
    assert await shop.count("SELECT used FROM cap WHERE id LIKE '%/last_one/stock/ever'") == 1
    async with shop.door.parts.db.read() as read:
        assert await audit(read.connection) == []


async def test_one_member_at_many_tills_claims_no_more_than_there_is(shop: RewardShop) -> None:
    member = await shop.member(250)
    tills = [shop.cafe, shop.gym] * 5
    answers = await asyncio.gather(*(shop.claim(member, "drink", till) for till in tills))
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * 8
    assert await shop.points(member) == 50


async def test_the_catalogue_shows_what_is_reached_and_what_is_next(shop: RewardShop) -> None:
    member = await shop.member(130)
    path = f"/v1/members/{member}/rewards"
    seen = (await shop.door.ask("GET", path, shop.cafe.key, headers={"accept-language": "fi"})).json()
    reached = {offer["reward"] for offer in seen["rewards"] if offer["claimable"]}
    assert {"drink", "last_one", "cash", "gift", "card"} <= reached
    assert not {"meal", "golden"} & reached
    assert seen["next"] == {"reward": "meal", "name": "Meal", "points": 200, "distance": 70}
    by_id = {offer["reward"]: offer for offer in seen["rewards"]}
    assert by_id["drink"]["name"] == "Juoma"
    assert by_id["golden"]["reasons"][0]["code"] == "reward_for_tiers"
    assert by_id["meal"]["short"] == 70


async def test_the_catalogue_names_the_codes_that_the_member_holds(shop: RewardShop) -> None:
    member = await shop.member(130)
    code = await shop.code(member, "card")
    seen = (await shop.door.ask("GET", f"/v1/members/{member}/rewards", shop.gym.key)).json()
    assert [(held["code"], held["value"], held["uses_left"]) for held in seen["vouchers"]] == [(code, 1000, 5)]


async def test_scopes_and_roles_are_checked(shop: RewardShop) -> None:
    member = await shop.member(130)
    body = {"member_id": member, "reward": "drink"}
    operator = await shop.door.move("/v1/claims", shop.door.operator_key, body)
    assert (operator.status_code, operator.json()["code"]) == (403, "partner_only")
    missing = await shop.door.ask("GET", "/v1/claims/clm_nothing", shop.cafe.key)
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_claim")
    nobody = await shop.door.ask("GET", "/v1/members/mbr_nobody/rewards", shop.cafe.key)
    assert (nobody.status_code, nobody.json()["code"]) == (404, "unknown_member")
