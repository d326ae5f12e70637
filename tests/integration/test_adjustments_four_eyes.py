"""Corrections by hand: a reason, a role, a limit, a second person, never one's own account; and accounts that stop."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from network.staff import end_staff
from points.audit import audit
from tests.support.reward_shop import RewardShop, reward_shop


@dataclass
class Desk:
    """A café with a cashier, two managers, and a second API key."""

    shop: RewardShop
    cashier: str
    manager: str
    other: str
    second_key: str

    async def adjust(
        self, member_id: str, points: object, staff_id: str | None = None, key: str | None = None, **more: object
    ) -> Response:
        """A correction by a manager unless said otherwise."""
        body = {"member_id": member_id, "points": points, "reason": "machine broke", **more}
        body |= {"staff_id": staff_id or self.manager}
        return await self.shop.door.move("/v1/adjustments", self.shop.cafe.key, body, key)

    async def decide(
        self, adjustment_id: str, staff_id: str | None = None, key: str | None = None, what: str = "approve"
    ) -> Response:
        """A decision of the other manager with the second key unless said otherwise."""
        path = f"/v1/adjustments/{adjustment_id}/{what}"
        return await self.shop.door.ask("POST", path, key or self.second_key, {"staff_id": staff_id or self.other})


@pytest.fixture
async def desk(database_url: str, twins_folder: Path) -> AsyncIterator[Desk]:
    async with reward_shop(database_url, twins_folder) as shop:
        yield Desk(
            shop,
            await shop.staff("Cay", "cashier"),
            await shop.staff("Mia", "manager"),
            await shop.staff("Max", "manager"),
            await shop.key(shop.cafe),
        )


async def _waiting(desk: Desk, member: str, points: int = 101) -> str:
    made = await desk.adjust(member, points)
    assert (made.status_code, made.json()["state"]) == (202, "waiting"), made.text
    adjustment_id: str = made.json()["id"]
    return adjustment_id


async def test_a_small_correction_is_done_at_once_and_names_its_reason(desk: Desk) -> None:
    member = await desk.shop.member(10)
    made = (await desk.adjust(member, 100)).json()
    assert (made["state"], made["actor"], made["role"], made["approver"]) == ("done", desk.manager, "manager", None)
    assert await desk.shop.points(member) == 110
    entry = (await desk.shop.door.ask("GET", f"/v1/entries/{made['entry_id']}", desk.shop.cafe.key)).json()
    assert (entry["kind"], entry["points"], entry["facts"]["reason"]) == ("adjust", 100, "machine broke")
    assert entry["facts"]["actor"] == desk.manager


async def test_points_are_taken_by_hand_but_never_below_zero(desk: Desk) -> None:
    member = await desk.shop.member(30)
    assert (await desk.adjust(member, -20)).json()["state"] == "done"
    refused = await desk.adjust(member, -11)
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_points")
    assert await desk.shop.points(member) == 10


async def test_above_the_limit_of_the_role_nothing_is_done(desk: Desk) -> None:
    member = await desk.shop.member(10)
    for staff_id, points in ((desk.cashier, 51), (desk.cashier, -51), (desk.manager, 501)):
        refused = await desk.adjust(member, points, staff_id)
        assert (refused.status_code, refused.json()["code"]) == (403, "adjustment_refused")
    assert (await desk.adjust(member, 50, desk.cashier)).status_code == 201
    assert await desk.shop.points(member) == 60


async def test_above_the_programmes_limit_a_second_person_must_approve(desk: Desk) -> None:
    member = await desk.shop.member(10)
    adjustment_id = await _waiting(desk, member)
    assert await desk.shop.points(member) == 10
    done = await desk.decide(adjustment_id)
    assert (done.status_code, done.json()["state"], done.json()["approver"]) == (200, "done", desk.other)
    assert await desk.shop.points(member) == 111
    again = await desk.decide(adjustment_id)
    assert again.json() == done.json()
    assert await desk.shop.points(member) == 111


async def test_the_second_person_is_another_one_with_another_key(desk: Desk) -> None:
    adjustment_id = await _waiting(desk, await desk.shop.member(10))
    for staff_id, key in ((desk.manager, None), (desk.other, desk.shop.cafe.key)):
        refused = await desk.decide(adjustment_id, staff_id, key)
        assert (refused.status_code, refused.json()["code"]) == (403, "second_person_needed")
    cashier = await desk.decide(adjustment_id, desk.cashier)
    assert (cashier.status_code, cashier.json()["code"]) == (403, "not_an_approver")


async def test_the_operator_may_be_the_second_person(desk: Desk) -> None:
    member = await desk.shop.member(10)
    path = f"/v1/adjustments/{await _waiting(desk, member)}/approve"
    done = await desk.shop.door.ask("POST", path, desk.shop.door.operator_key, {})
    assert (done.status_code, done.json()["state"]) == (200, "done")
    assert await desk.shop.points(member) == 111


async def test_the_operator_corrects_for_a_partner(desk: Desk) -> None:
    member = await desk.shop.member(10)
    body = {"member_id": member, "points": 80, "reason": "complaint", "partner_id": desk.shop.gym.partner_id}
    done = await desk.shop.door.move("/v1/adjustments", desk.shop.door.operator_key, body)
    assert (done.status_code, done.json()["role"]) == (201, "operator")
    nobody = await desk.shop.door.move(
        "/v1/adjustments", desk.shop.door.operator_key, {k: v for k, v in body.items() if k != "partner_id"}
    )
    assert (nobody.status_code, nobody.json()["code"]) == (400, "correction_incomplete")


async def test_what_the_second_person_refuses_is_never_done(desk: Desk) -> None:
    member = await desk.shop.member(10)
    adjustment_id = await _waiting(desk, member)
    refused = (await desk.decide(adjustment_id, what="reject")).json()
    assert (refused["state"], refused["refusal"]) == ("refused", "rejected")
    late = await desk.decide(adjustment_id)
    assert (late.status_code, late.json()["code"]) == (409, "adjustment_ended")
    assert await desk.shop.points(member) == 10


async def test_yes_and_no_at_the_same_moment_have_one_outcome(desk: Desk) -> None:
    for _ in range(6):
        member = await desk.shop.member(10)
        adjustment_id = await _waiting(desk, member)
        yes, no = await asyncio.gather(desk.decide(adjustment_id), desk.decide(adjustment_id, what="reject"))
        assert sorted((yes.status_code, no.status_code)) == [200, 409]
        assert await desk.shop.points(member) == (111 if yes.status_code == 200 else 10)


async def test_many_approvals_at_once_add_the_points_once(desk: Desk) -> None:
    member = await desk.shop.member(10)
    adjustment_id = await _waiting(desk, member)
    answers = await asyncio.gather(*(desk.decide(adjustment_id) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert await desk.shop.points(member) == 111
    async with desk.shop.door.parts.db.read() as read:
        assert await audit(read.connection) == []


async def test_nobody_adjusts_or_approves_their_own_account(desk: Desk) -> None:
    member = await desk.shop.member(10)
    own = await desk.shop.staff("Zoe", "manager", member)
    refused = await desk.adjust(member, 5, own)
    assert (refused.status_code, refused.json()["code"]) == (403, "own_account")
    approval = await desk.decide(await _waiting(desk, member), own)
    assert (approval.status_code, approval.json()["code"]) == (403, "own_account")
    assert await desk.shop.points(member) == 10


async def test_an_account_that_staff_share_with_others_is_their_own_too(desk: Desk) -> None:
    mine, shared = await desk.shop.member(10), await desk.shop.member(10, "Bo")
    own = await desk.shop.staff("Zoe", "manager", mine)
    await desk.shop.door.made(f"/v1/members/{mine}/merge", desk.shop.cafe.key, {"into": shared})
    refused = await desk.adjust(shared, 5, own)
    assert (refused.status_code, refused.json()["code"]) == (403, "own_account")


async def test_only_staff_of_the_partner_who_work_there_now_correct(desk: Desk) -> None:
    member, parts = await desk.shop.member(10), desk.shop.door.parts
    trainee = await desk.shop.staff("Tea", "trainee")
    stranger = await desk.shop.staff("Guy", "manager", till=desk.shop.gym)
    gone = await desk.shop.staff("Old", "manager")
    async with parts.db.unit() as unit:
        await end_staff(unit, parts.clock, desk.shop.cafe.partner_id, gone)
    for staff_id, status, code in (
        (trainee, 403, "trainee"),
        (stranger, 404, "staff_unknown"),
        (gone, 404, "staff_unknown"),
        ("stf_nobody", 404, "staff_unknown"),
    ):
        refused = await desk.adjust(member, 5, staff_id)
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert await desk.shop.points(member) == 10


async def test_the_same_correction_delivered_again_is_one_correction(desk: Desk) -> None:
    member = await desk.shop.member(10)
    answers = await asyncio.gather(*(desk.adjust(member, 20, key="same") for _ in range(5)))
    assert {answer.json()["id"] for answer in answers} == {answers[0].json()["id"]}
    assert await desk.shop.points(member) == 30
    other = await desk.adjust(member, 21, key="same")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_correction_that_broke_off_before_the_ledger_is_finished_by_its_repetition(desk: Desk) -> None:
    member = await desk.shop.member(10)
    first = (await desk.adjust(member, 20, key="same")).json()
    async with desk.shop.door.parts.db.unit() as unit:  # as if the process had died before it heard the ledger
        await unit.connection.execute("UPDATE adjustment SET state = 'asked', journal_id = NULL")
    again = (await desk.adjust(member, 20, key="same")).json()
    assert (again["state"], again["entry_id"]) == ("done", first["entry_id"])
    assert await desk.shop.points(member) == 30


async def test_a_partner_sees_its_own_corrections_and_the_operator_all(desk: Desk) -> None:
    member = await desk.shop.member(10)
    adjustment_id = await _waiting(desk, member)
    await desk.adjust(member, 5)
    listed = (await desk.shop.door.ask("GET", "/v1/adjustments?state=waiting", desk.shop.cafe.key)).json()
    assert [one["id"] for one in listed["data"]] == [adjustment_id]
    newest = (await desk.shop.door.ask("GET", "/v1/adjustments?limit=1", desk.shop.door.operator_key)).json()
    assert (newest["data"][0]["points"], newest["has_more"]) == (5, True)
    assert (await desk.shop.door.ask("GET", "/v1/adjustments", desk.shop.gym.key)).json()["data"] == []
    for method, path, body in (
        ("GET", f"/v1/adjustments/{adjustment_id}", None),
        ("POST", f"/v1/adjustments/{adjustment_id}/approve", {"staff_id": desk.other}),
    ):
        hidden = await desk.shop.door.ask(method, path, desk.shop.gym.key, body)
        assert (hidden.status_code, hidden.json()["code"]) == (404, "unknown_adjustment")


BAD: list[tuple[str, dict[str, Any], int, str]] = [
    ("nothing", {"points": 0}, 400, "invalid"),
    ("a part of a point", {"points": 1.5}, 400, "body_invalid"),
    ("a text", {"points": "5"}, 400, "body_invalid"),
    ("no reason", {"reason": ""}, 400, "body_invalid"),
    ("an empty reason", {"reason": "   "}, 400, "bad_reason"),
    ("an unprintable reason", {"reason": "a\nb"}, 400, "bad_reason"),
    ("nobody", {"member_id": "mbr_nobody"}, 404, "unknown_member"),
    ("another's points", {"partner_id": "ptn_other"}, 403, "partner_only"),
]


@pytest.mark.parametrize(("what", "change", "status", "code"), BAD, ids=[row[0] for row in BAD])
async def test_a_correction_of_no_sense_is_refused(
    desk: Desk, what: str, change: dict[str, Any], status: int, code: str
) -> None:
    member = await desk.shop.member(10)
    body: dict[str, Any] = {
        "member_id": member, "points": 5, "reason": "oops", "staff_id": desk.manager, **change,
    }  # fmt: skip
    refused = await desk.shop.door.move("/v1/adjustments", desk.shop.cafe.key, body)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert await desk.shop.count("SELECT count(*) FROM adjustment") == 0


async def test_a_frozen_account_stands_still_until_it_is_let_go(desk: Desk) -> None:
    shop, member = desk.shop, await desk.shop.member(200)
    path, reason = f"/v1/members/{member}", {"reason": "stolen phone"}
    frozen = await shop.door.move(f"{path}/freeze", shop.cafe.key, reason)
    assert (frozen.status_code, frozen.json()["frozen"]) == (200, True)
    earning = {"member_id": member, "amount": 100, "currency": "EUR"}
    for where, body in (
        ("/v1/redemptions", {"member_id": member, "points": 1}),
        ("/v1/claims", {"member_id": member, "reward": "drink"}),
        ("/v1/earnings", earning),
        ("/v1/transfers", {"member_id": member, "to_member_id": await shop.member(0, "Bo"), "points": 1}),
    ):
        refused = await shop.door.move(where, shop.cafe.key, body)
        assert (refused.status_code, refused.json()["code"]) == (409, "member_frozen"), where
    await shop.door.move(f"{path}/unfreeze", shop.door.operator_key, {"reason": "found"})
    assert (await shop.claim(member, "drink")).status_code == 201


async def test_points_are_given_to_another_member_within_the_limits(desk: Desk) -> None:
    shop = desk.shop
    giver, taker = await shop.member(200), await shop.member(0, "Bo")
    body = {"member_id": giver, "to_member_id": taker, "points": 60}
    assert (await shop.door.move("/v1/transfers", shop.cafe.key, body)).status_code == 201
    assert (await shop.points(giver), await shop.points(taker)) == (140, 60)
    beyond = await shop.door.move("/v1/transfers", shop.cafe.key, {**body, "points": 41})
    assert (beyond.status_code, beyond.json()["code"], beyond.json()["facts"]["left"]) == (409, "transfer_limit", 40)
    back = await shop.door.move("/v1/transfers", shop.cafe.key, {**body, "to_member_id": giver})
    assert back.status_code == 403


async def test_two_members_become_one(desk: Desk) -> None:
    shop = desk.shop
    old, new = await shop.member(70), await shop.member(30, "Bo")
    await shop.door.made(f"/v1/members/{old}/merge", shop.cafe.key, {"into": new})
    assert (await shop.points(old), await shop.points(new)) == (100, 100)
    again = await shop.door.move(f"/v1/members/{old}/merge", shop.cafe.key, {"into": new})
    assert (again.status_code, again.json()["code"]) == (400, "not_reversible")
    nobody = await shop.door.move(f"/v1/members/{old}/merge", shop.cafe.key, {"into": "mbr_nobody"})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "unknown_member")
    async with shop.door.parts.db.read() as read:
        assert await audit(read.connection) == []
