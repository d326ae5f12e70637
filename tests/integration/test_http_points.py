"""Earning, redeeming and reversing through HTTP: what a till may say, and what it is told when it may not."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import Door, Till, door


@dataclass(frozen=True)
class Scene:
    door: Door
    cafe: Till
    gym: Till
    member_id: str


@pytest.fixture
async def scene(database_url: str, twins_folder: Path) -> AsyncIterator[Scene]:
    async with door(database_url, twins_folder) as the_door:
        cafe, gym = await the_door.partner("Café"), await the_door.partner("Gym")
        yield Scene(the_door, cafe, gym, (await the_door.member(cafe))["id"])


async def _journals(scene: Scene) -> int:
    async with scene.door.parts.db.read() as read:
        found: int = await read.connection.fetchval("SELECT count(*) FROM journal")
        return found


async def test_a_purchase_earns_and_says_why(scene: Scene) -> None:
    entry = await scene.door.earn(scene.cafe, scene.member_id, 1234)
    assert (entry["points"], entry["balance"], entry["owed"]) == (12, 12, 0)
    assert any("12.34" in sentence for sentence in entry["why"])


async def test_points_of_one_partner_are_spent_at_another_and_cleared(scene: Scene) -> None:
    await scene.door.earn(scene.cafe, scene.member_id, 10_000)
    spent = await scene.door.made("/v1/redemptions", scene.gym.key, {"member_id": scene.member_id, "points": 60})
    assert (spent["points"], spent["balance"]) == (-60, 40)
    cycle = (await scene.door.ask("POST", "/v1/clearing-cycles", scene.door.operator_key)).json()
    nets = {position["party_id"]: position["net_minor"] for position in cycle["positions"]}
    assert nets == {scene.cafe.partner_id: -72, scene.gym.partner_id: 60, "operator": 12}


async def test_the_same_request_again_gets_the_same_answer_and_is_marked(scene: Scene) -> None:
    body = {"member_id": scene.member_id, "amount": 500, "currency": "EUR"}
    first = await scene.door.move("/v1/earnings", scene.cafe.key, body, "sale-1")
    again = await scene.door.move("/v1/earnings", scene.cafe.key, body, "sale-1")
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await _journals(scene) == 1


async def test_a_key_is_never_good_for_another_request(scene: Scene) -> None:
    body = {"member_id": scene.member_id, "amount": 500, "currency": "EUR"}
    await scene.door.move("/v1/earnings", scene.cafe.key, body, "sale-1")
    for path, other in (
        ("/v1/earnings", {**body, "amount": 501}),
        ("/v1/redemptions", {"member_id": scene.member_id, "points": 1}),
        ("/v1/members", {"name": "Somebody else"}),
    ):
        refused = await scene.door.move(path, scene.cafe.key, other, "sale-1")
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused"), path
    assert await _journals(scene) == 1


async def test_the_same_key_of_another_partner_is_another_key(scene: Scene) -> None:
    body = {"member_id": scene.member_id, "amount": 500, "currency": "EUR"}
    first = await scene.door.move("/v1/earnings", scene.cafe.key, body, "sale-1")
    other = await scene.door.move("/v1/earnings", scene.gym.key, body, "sale-1")
    assert first.json()["id"] != other.json()["id"]


async def test_moving_value_needs_a_key(scene: Scene) -> None:
    body = {"member_id": scene.member_id, "amount": 500, "currency": "EUR"}
    refused = await scene.door.ask("POST", "/v1/earnings", scene.cafe.key, body)
    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_missing")
    assert await _journals(scene) == 0


async def test_joining_twice_with_one_key_is_one_member(scene: Scene) -> None:
    first = await scene.door.move("/v1/members", scene.cafe.key, {"name": "Bo"}, "join-1")
    again = await scene.door.move("/v1/members", scene.cafe.key, {"name": "Bo"}, "join-1")
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_refund_in_parts_takes_back_what_the_whole_would(scene: Scene) -> None:
    entry = await scene.door.earn(scene.cafe, scene.member_id, 1999)
    part = {"entry_id": entry["id"], "amount": 550}
    assert (await scene.door.made("/v1/reversals", scene.cafe.key, part))["balance"] == 14
    rest = await scene.door.made("/v1/reversals", scene.cafe.key, {"entry_id": entry["id"]})
    assert (rest["balance"], rest["owed"], rest["amount"]) == (0, 0, 1449)
    refused = await scene.door.move("/v1/reversals", scene.cafe.key, {"entry_id": entry["id"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "more_than_left")


async def test_a_refund_of_spent_points_is_owed_and_never_a_minus(scene: Scene) -> None:
    entry = await scene.door.earn(scene.cafe, scene.member_id, 1000)
    await scene.door.made("/v1/redemptions", scene.gym.key, {"member_id": scene.member_id, "points": 8})
    refund = await scene.door.made("/v1/reversals", scene.cafe.key, {"entry_id": entry["id"]})
    assert (refund["balance"], refund["owed"]) == (0, 8)
    later = await scene.door.earn(scene.gym, scene.member_id, 1500)
    assert (later["balance"], later["owed"]) == (7, 0)


async def test_a_refused_redemption_says_what_is_there(scene: Scene) -> None:
    await scene.door.earn(scene.cafe, scene.member_id, 9900)
    refused = await scene.door.move("/v1/redemptions", scene.gym.key, {"member_id": scene.member_id, "points": 100})
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "insufficient_points")
    assert "99" in problem["detail"]
    assert refused.headers["content-type"] == "application/problem+json"


MEMBER = "{member}"
EARNING = {"member_id": MEMBER, "amount": 1, "currency": "EUR"}
REDEMPTION = {"member_id": MEMBER, "points": 1}
BAD_BODIES: list[tuple[str, str, object, int, str]] = [
    ("unknown member", "/v1/earnings", {**EARNING, "member_id": "mbr_nobody"}, 404, "unknown_member"),
    ("no member", "/v1/earnings", {"amount": 1, "currency": "EUR"}, 400, "body_invalid"),
    ("unknown currency", "/v1/earnings", {**EARNING, "currency": "XXX"}, 400, "currency_mismatch"),
    ("small letters", "/v1/earnings", {**EARNING, "currency": "eur"}, 400, "body_invalid"),
    ("other currency", "/v1/earnings", {**EARNING, "currency": "USD"}, 400, "currency_mismatch"),
    ("unknown field", "/v1/earnings", {**EARNING, "x": 1}, 400, "body_invalid"),
    ("list as body", "/v1/earnings", [1], 400, "body_invalid"),
    ("unknown entry", "/v1/reversals", {"entry_id": "ern_nothing"}, 404, "unknown_entry"),
    ("unknown place", "/v1/redemptions", {**REDEMPTION, "location_id": "loc_x"}, 404, "location_unknown"),
    ("not yet", "/v1/redemptions", {**REDEMPTION, "occurred_at": "2099-01-01T00:00:00Z"}, 400, "in_the_future"),
    ("no zone", "/v1/redemptions", {**REDEMPTION, "occurred_at": "2026-01-01T00:00:00"}, 400, "invalid"),
]
BAD_NUMBERS = ["0", "-1", "1.5", "5.0", "1e3", '"5"', "true", "null", "NaN", "[]", "{}", "9" * 20, "-0", "1e400"]


@pytest.mark.parametrize(("what", "path", "body", "status", "code"), BAD_BODIES, ids=[row[0] for row in BAD_BODIES])
async def test_a_bad_request_is_refused_and_writes_nothing(
    scene: Scene, what: str, path: str, body: Any, status: int, code: str
) -> None:
    filled = {k: scene.member_id if v == MEMBER else v for k, v in body.items()} if isinstance(body, dict) else body
    refused = await scene.door.move(path, scene.cafe.key, filled)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert await _journals(scene) == 0


async def test_amounts_are_positive_integers_and_nothing_else(scene: Scene) -> None:
    headers = {"authorization": f"Bearer {scene.cafe.key}", "content-type": "application/json", "idempotency-key": "n"}
    for number in BAD_NUMBERS:
        for path, raw in (
            ("/v1/earnings", f'{{"member_id": "{scene.member_id}", "amount": {number}, "currency": "EUR"}}'),
            ("/v1/redemptions", f'{{"member_id": "{scene.member_id}", "points": {number}}}'),
        ):
            refused = await scene.door.client.post(path, content=raw, headers=headers)
            assert refused.status_code == 400, (path, number, refused.text)
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.json()["code"] in ("body_invalid", "body_malformed"), (path, number)
    assert await _journals(scene) == 0


HOSTILE: list[tuple[str, bytes, int]] = [
    ("cut off", b'{"member_id": ', 400),
    ("too large", b'{"member_id": "' + b"x" * 70_000 + b'"}', 413),
    ("too deep", b"[" * 40_000, 400),
    ("key twice", b'{"member_id": "a", "member_id": "b", "amount": 1, "currency": "EUR"}', 400),
    ("nul", rb'{"member_id": "a\u0000", "amount": 1, "currency": "EUR"}', 400),
    ("lone surrogate", rb'{"member_id": "\ud800", "amount": 1, "currency": "EUR"}', 400),
    ("not utf-8", b'{"member_id": "\xff", "amount": 1, "currency": "EUR"}', 400),
    ("nothing", b"", 400),
]


@pytest.mark.parametrize(("what", "raw", "status"), HOSTILE, ids=[row[0] for row in HOSTILE])
async def test_a_hostile_body_is_a_problem_answer(scene: Scene, what: str, raw: bytes, status: int) -> None:
    headers = {"authorization": f"Bearer {scene.cafe.key}", "content-type": "application/json", "idempotency-key": "h"}
    refused = await scene.door.client.post("/v1/earnings", content=raw, headers=headers)
    assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")
    assert await _journals(scene) == 0


async def test_another_partners_entries_and_places_do_not_exist(scene: Scene) -> None:
    entry = await scene.door.earn(scene.cafe, scene.member_id, 1000)
    stolen = await scene.door.move("/v1/reversals", scene.gym.key, {"entry_id": entry["id"]})
    assert (stolen.status_code, stolen.json()["code"]) == (404, "unknown_entry")
    body = {"member_id": scene.member_id, "amount": 1, "currency": "EUR", "location_id": scene.cafe.location_id}
    elsewhere = await scene.door.move("/v1/earnings", scene.gym.key, body)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "location_unknown")
    assert await _journals(scene) == 1


async def test_a_partner_sees_its_own_lines_and_the_operator_all(scene: Scene) -> None:
    await scene.door.earn(scene.cafe, scene.member_id, 1000)
    await scene.door.earn(scene.gym, scene.member_id, 2000)
    path = f"/v1/members/{scene.member_id}"
    for key, expected in (
        (scene.cafe.key, [scene.cafe.partner_id]),
        (scene.gym.key, [scene.gym.partner_id]),
        (scene.door.operator_key, [scene.gym.partner_id, scene.cafe.partner_id]),
    ):
        state = (await scene.door.ask("GET", path, key)).json()
        assert [line["partner_id"] for line in state["statement"]["data"]] == expected
        assert state["points"]["balance"] == 30


async def test_a_statement_is_read_in_pages_without_gaps(scene: Scene) -> None:
    made = [(await scene.door.earn(scene.cafe, scene.member_id, 100 * n))["id"] for n in range(1, 8)]
    path, seen, after = f"/v1/members/{scene.member_id}?limit=3", [], ""
    while True:
        page = (await scene.door.ask("GET", path + after, scene.cafe.key)).json()["statement"]
        seen += [line["id"] for line in page["data"]]
        if not page["has_more"]:
            break
        after = f"&after={page['next']}"
    assert seen == made[::-1]


async def test_scopes_keys_and_roles_are_checked(scene: Scene) -> None:
    body = {"member_id": scene.member_id, "amount": 100, "currency": "EUR"}
    path = f"/v1/partners/{scene.cafe.partner_id}/keys"
    weak = (await scene.door.made(path, scene.door.operator_key, {"scopes": ["members:read"]}))["key"]
    for key, status, code in (
        (weak, 403, "scope_missing"),
        ("cp_test_nonsense", 401, "key_refused"),
        (scene.door.operator_key, 403, "partner_only"),
    ):
        refused = await scene.door.move("/v1/earnings", key, body)
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert await _journals(scene) == 0


async def test_a_member_is_found_by_the_code_of_the_card(scene: Scene) -> None:
    member = await scene.door.member(scene.cafe, "Åsa")
    found = await scene.door.ask("GET", f"/v1/members?code={member['code'].lower()}", scene.gym.key)
    assert found.json()["member"]["id"] == member["id"]
    missing = await scene.door.ask("GET", "/v1/members?code=NOBODY", scene.gym.key)
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_member")
