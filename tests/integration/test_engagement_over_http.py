"""Engagement through the door: who may ask, what is answered, what is refused."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.http.boards import boards_router
from api.http.consents import consents_router
from api.http.engagement import engagement_router, shared_router
from api.http.games import games_router
from api.http.households import households_router
from api.http.recognition import recognition_router
from api.http.surveys import surveys_router
from kernel.database import Database
from network.programmes import Programmes
from points.engagement import jobs
from points.teller import Teller
from tests.support.engagement import Shop, shop
from tests.support.http_ground import GroundParts, as_caller, ground_client, key_of

ROUTERS = [
    boards_router, consents_router, engagement_router, shared_router, games_router, households_router,
    recognition_router, surveys_router,
]  # fmt: skip
SCOPES = ("members:read", "members:write", "redeem", "network:read")
RULES = """
households: {max_members: 3}
campaigns:
  - {id: double, stacking: stack, times: 2, activation: true, names: {en: Double, fi: Tupla, hu: Dupla}}
engagement:
  referral: {referrer: 50, friend: 25, hold: P14D}
  birthday: {gain: {points: 100}}
  badges: [{id: star, names: {en: Star, fi: Tähti, hu: Csillag}}]
  milestones:
    - {id: first, names: {en: First, fi: Eka, hu: Első}, goal: {count: 1, of: purchases}, gain: {badge: star}}
  leaderboards:
    - {id: visits, names: {en: Visits, fi: Käynnit, hu: Látogatások}, of: visits, per: month}
  surveys: [{id: how_was_it, kind: nps, points: 20}]
  games:
    - id: wheel
      names: {en: The wheel, fi: Pyörä, hu: Szerencsekerék}
      prizes: [{id: mug, odds: 1, stock: 1, gain: {points: 100}}]
  staff: {unit: RECOGNITION}
"""


@dataclass
class EngagedParts(GroundParts):
    """What the routes of engagement take from the parts of the service."""

    teller: Teller | None = None
    programmes: Programmes | None = None


@dataclass
class Door:
    """A till of the shop."""

    shop: Shop
    client: httpx.AsyncClient
    parts: EngagedParts

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        return await self.client.request(method, path, json=body, headers=headers)

    async def does(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        answer = await self.ask(method, path, body, **headers)
        assert answer.status_code in (200, 201, 204), answer.text
        return answer.json() if answer.content else None

    async def refused(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str]:
        answer = await self.ask(method, path, body, **headers)
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code, answer.json()["code"]


@pytest.fixture
async def door(db: Database) -> AsyncIterator[Door]:
    """The till of a shop with everything."""
    async with shop(db, RULES) as opened:
        parts = EngagedParts(db, opened.clock, teller=opened.teller, programmes=opened.programmes)
        async with ground_client(parts, ROUTERS) as client:
            client.headers.update(as_caller(await key_of(parts, opened.partner_id, *SCOPES)))
            yield Door(opened, client, parts)


async def test_a_referral_runs_from_code_to_reward(door: Door) -> None:
    one, friend = await door.shop.members(2)
    code = (await door.does("POST", f"/v1/members/{one}/referral-code"))["code"]
    assert await door.does("POST", f"/v1/members/{friend}/referral", {"code": code.lower()}) == {"bound": True}
    await door.shop.buys(friend)
    door.shop.later(timedelta(days=14))
    await jobs.run_due(*door.shop.services)
    listed = (await door.does("GET", f"/v1/members/{one}/referrals"))["data"]
    assert [(row["state"], friend in str(row)) for row in listed] == [("paid", False)]
    assert await door.shop.balance(one) == 50
    own = await door.refused("POST", f"/v1/members/{one}/referral", {"code": code})
    assert own == (403, "self_referral")
    unknown = await door.refused("POST", f"/v1/members/{friend}/referral", {"code": "NOSUCH"})
    assert unknown == (404, "referral_code_unknown")


async def test_a_birthday_is_set_shown_and_forgotten(door: Door) -> None:
    member_id = await door.shop.member()
    path = f"/v1/members/{member_id}/birthday"
    assert await door.refused("GET", path) == (404, "birthday_unknown")
    shown = await door.does("PUT", path, {"month": 6, "day": 10})
    assert (shown["month"], shown["day"], shown["year"], shown["choices"]) == (6, 10, None, [])
    assert await door.refused("PUT", path, {"month": 2, "day": 30}) == (400, "bad_birthday")
    assert await door.refused("POST", f"{path}-choice", {"choice": "gift"}) == (409, "nothing_to_choose")
    await door.does("DELETE", path)
    assert await door.refused("GET", path) == (404, "birthday_unknown")


async def test_a_link_needs_no_key_and_names_nobody(door: Door) -> None:
    member_id = await door.shop.member()
    assert await door.refused("POST", f"/v1/members/{member_id}/shares", {"award": "badge/star"}) == (
        409,
        "nothing_to_share",
    )
    await door.shop.buys(member_id, 5000)
    link = await door.does("POST", f"/v1/members/{member_id}/shares", {"award": "badge/star"})
    del door.client.headers["authorization"]
    page = await door.ask("GET", link["path"])
    assert page.json()["achievement"]["en"] == "Star"
    assert not any(secret in page.text for secret in (member_id, "Guest", "50"))
    assert await door.refused("GET", "/shared/nothing") == (404, "share_unknown")


async def test_a_household_is_begun_joined_and_left(door: Door) -> None:
    one, other = await door.shop.members(2)
    await door.shop.buys(one, 1000)
    made = await door.does("POST", "/v1/households", {"member_id": one})
    path = f"/v1/households/{made['id']}"
    await door.does("POST", f"{path}/invitations", {"by_member_id": one, "member_id": other, "may_spend": False})
    joined = await door.does("POST", f"{path}/members", {"member_id": other})
    assert [(seat["state"], seat["may_spend"]) for seat in joined["seats"]] == [("active", True), ("active", False)]
    rights = {"by_member_id": one, "may_view": True, "may_spend": True}
    await door.does("PUT", f"{path}/members/{other}", rights)
    assert await door.refused("PUT", f"{path}/members/{one}", {**rights, "by_member_id": other}) == (
        403,
        "household_owner_only",
    )
    await door.does("DELETE", f"{path}/members/{other}?by_member_id={one}")
    assert [seat["member_id"] for seat in (await door.does("GET", path))["seats"]] == [one]
    assert await door.refused("POST", "/v1/households", {"member_id": one}) == (409, "in_household")
    assert await door.refused("GET", "/v1/households/hsh_x") == (404, "household_unknown")


async def test_consents_memberships_and_offers_are_recorded_and_shown(door: Door) -> None:
    path = f"/v1/members/{await door.shop.member()}"
    consent = {"kind": "marketing", "given": True, "evidence": "form 7, 2026-01"}
    await door.does("POST", f"{path}/consents", consent)
    listed = await door.does("GET", f"{path}/consents")
    assert (listed["now"]["marketing"], listed["now"]["sensitive"], len(listed["data"])) == (True, False, 1)
    assert await door.refused("POST", f"{path}/consents", {**consent, "kind": "all"}) == (400, "body_invalid")
    await door.does("POST", f"{path}/memberships", {"membership": "prime", "until": "2027-01-01T00:00:00Z"})
    assert [one["membership"] for one in (await door.does("GET", f"{path}/memberships"))["data"]] == ["prime"]
    naive = {"membership": "prime", "until": "2027-01-01T00:00:00"}
    assert await door.refused("POST", f"{path}/memberships", naive) == (400, "bad_membership")
    assert (await door.does("POST", f"{path}/offers", {"campaign": "double"}))["data"][0]["on"] is True
    assert await door.refused("POST", f"{path}/offers", {"campaign": "triple"}) == (404, "not_offered")


async def test_a_board_shows_pseudonyms(door: Door) -> None:
    member_id = await door.shop.member()
    joined = await door.does("POST", f"/v1/members/{member_id}/boards", {"pseudonym": "Lark"})
    assert joined["boards"] == ["visits"]
    await door.shop.buys(member_id)
    board = await door.does("GET", "/v1/leaderboards/visits")
    assert [(place["place"], place["pseudonym"], place["count"]) for place in board["data"]] == [(1, "Lark", 1)]
    assert member_id not in str(board)
    assert await door.refused("GET", "/v1/leaderboards/visits?period=2025-01") == (404, "not_offered")
    await door.does("DELETE", f"/v1/members/{member_id}/boards/visits")
    assert (await door.does("GET", "/v1/leaderboards/visits"))["data"] == []


async def test_a_survey_is_answered_and_counted(door: Door) -> None:
    for score in (9, 9, 10, 10, 10, 7, 8, 8, 0, 6):
        body = {"member_id": await door.shop.member(), "score": score}
        await door.does("POST", "/v1/surveys/how_was_it/answers", body)
    figures = await door.does("GET", "/v1/surveys/how_was_it")
    assert (figures["score"], figures["answers"], figures["counts"]["9"]) == ("30.0", 10, 2)
    again = {**body, "score": 1}
    assert await door.refused("POST", "/v1/surveys/how_was_it/answers", again) == (409, "already_answered")


async def test_a_game_is_played_under_published_odds(door: Door) -> None:
    member_id = await door.shop.member()
    body = {"member_id": member_id}
    assert await door.refused("POST", "/v1/games/wheel/plays", body) == (400, "idempotency_key_missing")
    played = await door.does("POST", "/v1/games/wheel/plays", body, **{"idempotency-key": "one"})
    again = await door.ask("POST", "/v1/games/wheel/plays", body, **{"idempotency-key": "one"})
    assert (played["prize"], again.json(), again.headers["idempotent-replayed"]) == ("mug", played, "true")
    shown = await door.does("GET", "/v1/games/wheel")
    assert shown["prizes"] == [{"prize": "mug", "odds": "1", "stock": 1, "won": 1}]
    committed = (await door.does("GET", "/v1/commitments?kind=game&name=wheel"))["data"][0]
    assert committed == await door.does("GET", f"/v1/commitments/{played['commitment_id']}")
    assert committed["seed"] is None
    draws = await door.does("GET", f"/v1/commitments/{played['commitment_id']}/draws")
    assert [(draw["subject"], draw["outcome"]) for draw in draws["data"]] == [(played["subject"], "mug")]
    door.shop.later(timedelta(days=31))
    assert (await door.does("GET", f"/v1/commitments/{played['commitment_id']}"))["seed"] is not None


async def test_staff_are_hired_nominated_and_recognised(door: Door) -> None:
    own, customer = await door.shop.members(2)
    kati = await door.does("POST", "/v1/staff", {"display_name": "Kati", "member_id": own})
    visit = await door.shop.buys(customer)
    body = {"member_id": customer, "staff_id": kati["id"], "entry_id": visit, "words": "So kind"}
    own_body = {**body, "member_id": own, "entry_id": await door.shop.buys(own)}
    assert await door.refused("POST", "/v1/nominations", own_body) == (403, "self_nomination")
    made = await door.does("POST", "/v1/nominations", body)
    assert customer not in str(made)
    assert [one["id"] for one in (await door.does("GET", "/v1/nominations"))["data"]] == [made["id"]]
    decision = f"/v1/nominations/{made['id']}/decision"
    assert await door.refused("POST", decision, {"approve": True, "by_staff_id": kati["id"]}) == (403, "own_decision")
    assert (await door.does("POST", decision, {"approve": True}))["state"] == "approved"
    month = await door.does("GET", "/v1/recognition/2026-03")
    assert (month["counts"], month["award"]) == ({kati["id"]: 1}, None)
    await door.does("DELETE", f"/v1/staff/{kati['id']}")
    assert (await door.does("GET", "/v1/staff"))["data"] == []


async def test_every_route_but_the_shared_page_needs_a_key_with_its_scope(door: Door) -> None:
    member_id = await door.shop.member()
    writes: tuple[tuple[str, str, object], ...] = (
        ("POST", f"/v1/members/{member_id}/boards", {"pseudonym": "Lark"}),
        ("POST", "/v1/households", {"member_id": member_id}),
        ("PUT", f"/v1/members/{member_id}/birthday", {"month": 6, "day": 10}),
        ("POST", "/v1/games/wheel/plays", {"member_id": member_id}),
    )
    door.client.headers.update(as_caller(await key_of(door.parts, door.shop.partner_id, "members:read")))
    for method, path, body in writes:
        assert await door.refused(method, path, body) == (403, "scope_missing")
    del door.client.headers["authorization"]
    for method, path, body in (*writes, ("GET", "/v1/leaderboards/visits", None)):
        assert (await door.refused(method, path, body))[0] == 401


async def test_nobody_is_found_where_there_is_nobody(door: Door) -> None:
    for method, path, body in (
        ("POST", "/v1/members/mbr_x/referral-code", None),
        ("GET", "/v1/members/mbr_x/referrals", None),
        ("PUT", "/v1/members/mbr_x/birthday", {"month": 6, "day": 10}),
        ("GET", "/v1/members/mbr_x/consents", None),
        ("POST", "/v1/members/mbr_x/consents", {"kind": "marketing", "given": True, "evidence": "x"}),
        ("POST", "/v1/members/mbr_x/boards", {"pseudonym": "Lark"}),
        ("POST", "/v1/households", {"member_id": "mbr_x"}),
        ("POST", "/v1/surveys/how_was_it/answers", {"member_id": "mbr_x", "score": 5}),
    ):
        assert await door.refused(method, path, body) == (404, "unknown_member"), path


async def test_another_partners_staff_and_nominations_do_not_exist(door: Door) -> None:
    kati = await door.does("POST", "/v1/staff", {"display_name": "Kati"})
    member_id = await door.shop.member()
    body = {"member_id": member_id, "staff_id": kati["id"], "entry_id": await door.shop.buys(member_id), "words": "x"}
    made = await door.does("POST", "/v1/nominations", body)
    async with shop(door.shop.db, "", head=other_head()) as elsewhere:
        door.client.headers.update(as_caller(await key_of(door.parts, elsewhere.partner_id, *SCOPES)))
        assert await door.refused("DELETE", f"/v1/staff/{kati['id']}") == (404, "staff_unknown")
        decision = f"/v1/nominations/{made['id']}/decision"
        assert await door.refused("POST", decision, {"approve": True}) == (404, "nomination_unknown")


def other_head() -> str:
    """A programme under another name."""
    return (
        "programme: elsewhere\nnames: {en: Elsewhere, fi: Muualla, hu: Máshol}\nzone: UTC\ncurrency: EUR\n"
        "earn: [{id: spend, kind: spend, per: 1.00}]\n"
    )
