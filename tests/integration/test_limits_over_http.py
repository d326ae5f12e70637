"""Limits, proofs and approvals through HTTP: what a till says, what it is told, and what a repeated request gets."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from api.http.claims import ClaimBody
from api.http.entries import RedemptionBody
from api.http.purchases import ApprovalBody, EarningBody
from api.http.tills import print_of
from points.audit import audit
from points.proofs import make_proof
from points.reviews import decide, waiting
from tests.support.service import Door, Till, door

PIN = "274958"
PROGRAMME = """
programme: watched_shop
names: {en: Watched}
zone: Europe/Helsinki
currency: EUR
earn: [{id: base, kind: spend, per: 1, points: 1}]
campaigns: [{id: double, names: {en: Double}, times: 2, stacking: exclusive}]
rewards: [{id: mug, names: {en: Mug}, kind: product, cost: 60}]
redemptions: {proof: {above: 50}}
misuse:
  staff_campaigns: false
  velocity:
    - {of: member_at_terminal, on: earn, within: PT1H, times: 2}
    - {of: cashier, on: spend, within: P1D, points: 60}
"""


@dataclass
class Scene:
    """A shop with a cashier, who is a member, and a manager with a PIN."""

    door: Door
    till: Till
    member: str
    cashier: str
    cashiers_own: str
    manager: str

    async def earn(self, points: int, member: str | None = None, key: str | None = None, **more: object) -> Response:
        body = {"member_id": member or self.member, "amount": points * 100, "currency": "EUR", **more}
        return await self.door.move("/v1/earnings", self.till.key, body, key)

    async def spend(self, points: int, key: str | None = None, **more: object) -> Response:
        body = {"member_id": self.member, "points": points, **more}
        return await self.door.move("/v1/redemptions", self.till.key, body, key)

    async def prove(self) -> str:
        parts = self.door.parts
        async with parts.db.unit() as unit:
            return await make_proof(unit.connection, self.member, self.till.partner_id, "tap", parts.clock.now())

    def approval(self, **other: str) -> dict[str, str]:
        return {"staff_id": self.manager, "pin": PIN, **other}

    async def is_sound(self) -> bool:
        async with self.door.parts.db.read() as read:
            return await audit(read.connection) == []


@pytest.fixture
async def scene(database_url: str, twins_folder: Path) -> AsyncIterator[Scene]:
    async with door(database_url, twins_folder) as the_door:
        till = await the_door.partner("Shop")
        body = {"text": PROGRAMME, "partner_id": till.partner_id}
        await the_door.made("/v1/programmes", the_door.operator_key, body)
        member, own = [(await the_door.member(till, name))["id"] for name in ("Alex", "Kim")]
        cashier, manager = [
            (await the_door.made("/v1/staff", till.key, {"display_name": name, "role": role, "member_id": of}))["id"]
            for name, role, of in (("Kim", "cashier", own), ("Max", "manager", None))
        ]
        await the_door.parts.pins.set(manager, PIN)
        yield Scene(the_door, till, member, cashier, own, manager)


def told(response: Response) -> tuple[int, Any]:
    return response.status_code, response.json().get("code")


async def test_above_what_a_picture_of_a_card_may_spend_the_till_shows_a_proof(scene: Scene) -> None:
    await scene.earn(100)
    assert (await scene.spend(50)).status_code == 201
    refused = await scene.spend(1)
    assert told(refused) == (409, "proof_needed")
    assert refused.json()["facts"]["left"] == 0
    proof = await scene.prove()
    spent = await scene.spend(100, "k-proved", proof_id=proof, cashier="Pat", approval=scene.approval())
    assert (spent.status_code, spent.json()["balance"]) == (201, 50)
    assert any("reader" in sentence for sentence in spent.json()["why"])
    again = await scene.spend(100, "k-proved", proof_id=proof, cashier="Pat")
    assert (again.content, again.headers["idempotent-replayed"]) == (spent.content, "true")
    assert told(await scene.spend(1, proof_id=proof, cashier="Sam")) == (409, "proof_refused")
    assert await scene.is_sound()


async def test_a_claim_takes_a_proof_and_a_quote_uses_none_up(scene: Scene) -> None:
    await scene.earn(100)
    body = {"member_id": scene.member, "reward": "mug"}
    assert told(await scene.door.move("/v1/claims", scene.till.key, body)) == (409, "proof_needed")
    proved = {**body, "proof_id": await scene.prove()}
    quote = await scene.door.ask("POST", "/v1/quotes", scene.till.key, {"claim": proved})
    assert (quote.status_code, quote.json()["held"]) == (200, 60)
    made = await scene.door.move("/v1/claims", scene.till.key, proved)
    assert (made.status_code, made.json()["claim"]["state"]) == (201, "held")
    proved["cashier"] = "Sam"
    assert told(await scene.door.move("/v1/claims", scene.till.key, proved)) == (409, "proof_refused")


async def test_the_third_basket_at_one_terminal_waits_for_a_look_or_is_approved_at_once(scene: Scene) -> None:
    for _ in range(2):
        assert (await scene.earn(10, terminal="7")).json()["review"] == []
    third = (await scene.earn(10, terminal="7", cashier="Pat")).json()
    assert (third["review"], third["balance"], third["pending"]) == (["member_at_terminal_times"], 40, 20)
    assert any("looked at" in sentence for sentence in third["why"])
    fourth = (await scene.earn(10, terminal="7", approval=scene.approval())).json()
    assert (fourth["review"], fourth["balance"]) == ([], 60)
    parts = scene.door.parts
    async with parts.db.read() as read:
        (open_,) = await waiting(read.connection, scene.till.partner_id)
    assert (open_.journal_id, open_.cashier, open_.terminal, open_.points) == (third["id"], "Pat", "7", 20)
    await decide(parts.db, parts.teller, parts.clock, open_.id, "approve", scene.manager)
    state = (await scene.door.ask("GET", f"/v1/members/{scene.member}", scene.till.key)).json()["points"]
    assert (state["balance"], state["pending"]) == (80, 0)
    assert await scene.is_sound()


async def test_a_cashier_who_rings_up_their_own_purchase_waits_and_gets_no_campaign(scene: Scene) -> None:
    own = (await scene.earn(10, scene.cashiers_own, cashier=scene.cashier)).json()
    assert (own["review"], own["points"], own["balance"], own["pending"]) == (["own_account"], 10, 0, 10)
    other = (await scene.earn(10, scene.cashiers_own, cashier="somebody else")).json()
    assert (other["review"], other["points"], other["balance"]) == ([], 10, 10)
    assert (await scene.earn(10, cashier=scene.cashier)).json()["points"] == 20
    assert await scene.is_sound()


async def test_a_household_hides_no_cashier(scene: Scene) -> None:
    async with scene.door.parts.db.unit() as unit:
        await unit.connection.execute(
            "UPDATE account SET pool_id = $1 WHERE id = $2", scene.member, f"{scene.cashiers_own}/spendable"
        )
    served = (await scene.earn(10, scene.member, cashier=scene.cashier)).json()
    assert (served["review"], served["points"]) == (["own_account"], 10)


async def test_a_spending_above_a_limit_needs_a_managers_pin(scene: Scene) -> None:
    await scene.earn(100)
    at = {"cashier": "Pat", "terminal": "7"}
    assert (await scene.spend(60, proof_id=await scene.prove(), **at)).status_code == 201
    proof = await scene.prove()
    refused = await scene.spend(60, "k-approved", proof_id=proof, **at)
    assert told(refused) == (409, "approval_needed")
    assert refused.json()["facts"]["reasons"] == ["cashier_points"]
    wrong = await scene.spend(60, "k-approved", proof_id=proof, approval=scene.approval(pin="918273"), **at)
    assert told(wrong) == (403, "approval_refused")
    for staff_id in (scene.cashier, "stf_none", "Pat"):
        answer = await scene.spend(60, "k-approved", proof_id=proof, approval=scene.approval(staff_id=staff_id), **at)
        assert told(answer) == (403, "approval_refused")
    passed = await scene.spend(60, "k-approved", proof_id=proof, approval=scene.approval(), **at)
    assert (passed.status_code, passed.json()["balance"]) == (201, 80)
    again = await scene.spend(60, "k-approved", proof_id=proof, **at)
    assert (again.content, again.headers["idempotent-replayed"]) == (passed.content, "true")
    assert await scene.is_sound()


async def test_a_manager_at_the_till_does_not_approve_what_they_do_themselves(scene: Scene) -> None:
    answer = await scene.earn(10, cashier=scene.manager, approval=scene.approval())
    assert told(answer) == (403, "approval_refused")


async def test_no_pin_is_kept_in_the_ledger(scene: Scene) -> None:
    await scene.earn(10, approval=scene.approval(), terminal="7")
    async with scene.door.parts.db.read() as read:
        facts = await read.connection.fetchval("SELECT string_agg(facts::text, '') FROM journal")
    assert scene.manager in facts
    assert PIN not in facts


async def test_bad_approvals_are_refused_by_shape(scene: Scene) -> None:
    for bad in ({"staff_id": scene.manager}, {"staff_id": scene.manager, "pin": "12a4"}, {"pin": PIN}, "manager"):
        assert (await scene.earn(10, approval=bad)).status_code == 400


def test_requests_are_known_by_what_they_were_known_by_before_there_were_proofs() -> None:
    spent = print_of("redeem", RedemptionBody("m", 5), "proof_id", "cashier", "terminal")
    assert spent.hex() == "1cadfffbea48ab18634ce3310b9f2f9561397fb806e00dcce7eab56f4070f751"
    claimed = print_of("claim", ClaimBody("m", "mug"), "proof_id", "cashier", "terminal")
    assert claimed.hex() == "3f949f34c34242ed0a36123dcf8339f95366684ec375cea132ead44784b5cf0b"
    earned = print_of("earn", EarningBody("m", amount=500, currency="EUR"))
    assert earned.hex() == "91c62cea7d8a85c9f68a650da9e5cdfc6d73238e56663daa94a5e00c82a66bec"
    approved = RedemptionBody("m", 5, approval=ApprovalBody("s", PIN))
    assert print_of("redeem", approved, "proof_id", "cashier", "terminal") == spent
    assert print_of("redeem", RedemptionBody("m", 5, proof_id="p"), "proof_id", "cashier", "terminal") != spent
