"""Tills that work without a connection: what they did counts once, and what was not covered is the till's to bear."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from kernel.clock import MovableClock
from passes.live_code import live_code
from passes.sandbox.offline_till import NotAllowed, OfflineTill
from points.audit import audit
from tests.support.service import Door, Till, door

Body = dict[str, Any]


@dataclass
class Shop:
    """A partner, its till without a connection, and the way to send what it did."""

    service: Door
    partner: Till
    terminal_id: str
    headers: dict[str, str]
    till: OfflineTill

    async def send(self, items: list[Body]) -> Body:
        """The service's answer to a batch."""
        path = f"/v1/terminals/{self.terminal_id}/batches"
        answer = await self.service.ask("POST", path, self.partner.key, {"items": items}, self.headers)
        assert answer.status_code == 200, answer.text
        said: Body = answer.json()
        return said

    async def allowance(self, points: int, per_redemption: int) -> Body:
        """A new allowance, installed."""
        body = {"points": points, "per_redemption": per_redemption, "hours": 24}
        path = f"/v1/terminals/{self.terminal_id}/allowances"
        answer = await self.service.ask("POST", path, self.partner.key, body, self.headers)
        assert answer.status_code == 201, answer.text
        made: Body = answer.json()
        self.till.install(made["document"])
        return made

    async def pay(self, points: int) -> None:
        """Points into the float."""
        path = f"/v1/terminals/{self.terminal_id}/float"
        await self.service.made(path, self.partner.key, {"points": points, "reason": "opening float"})

    async def float(self) -> int:
        """The float now."""
        answer = await self.service.ask("GET", f"/v1/terminals/{self.terminal_id}/float", self.partner.key)
        balance: int = answer.json()["balance"]
        return balance

    def now(self) -> datetime:
        """The till's clock, which goes as the service's does."""
        return self.service.parts.clock.now()

    async def balance(self, member: Body) -> int:
        """What the member can spend now."""
        answer = await self.service.ask("GET", f"/v1/members/{member['id']}", self.partner.key)
        balance: int = answer.json()["points"]["balance"]
        return balance


@pytest_asyncio.fixture
async def shop(database_url: str, twins_folder: Path, tmp_path: Path) -> AsyncIterator[Shop]:
    """A café whose counter has lost its connection."""
    async with door(database_url, twins_folder, test_clock=True) as service:
        partner = await service.partner("Kulma Café")
        clock = service.parts.clock
        assert isinstance(clock, MovableClock)
        clock.advance(timedelta(hours=12))  # the shop has been open for a while
        yield await a_shop(service, partner, tmp_path)


async def a_shop(service: Door, partner: Till, folder: Path) -> Shop:
    """A till of the partner."""
    body = {"partner_id": partner.partner_id, "name": "Counter", "location_id": partner.location_id}
    enrolled = await service.made("/v1/terminals", service.operator_key, body)
    public_key = (await service.ask("GET", "/v1/allowance-key", partner.key)).json()
    till = OfflineTill(folder, public_key, enrolled["id"])
    return Shop(service, partner, enrolled["id"], {"Terminal-Key": enrolled["key"]}, till)


async def test_a_sale_that_waited_on_the_till_earns_what_it_would_have(shop: Shop) -> None:
    member = await shop.service.member(shop.partner)
    shop.till.sell(member["code"], 1250, shop.now() - timedelta(hours=5))
    said = await shop.send(shop.till.waiting)
    assert [(r["state"], r["points"], r["replayed"]) for r in said["results"]] == [("applied", 12, False)]
    assert await shop.balance(member) == 12
    entry = (await shop.service.ask("GET", f"/v1/entries/{said['results'][0]['entry_id']}", shop.partner.key)).json()
    assert entry["occurred_at"] < entry["recorded_at"]


async def test_sales_count_once_in_any_order_and_however_often_they_are_sent(shop: Shop) -> None:
    members = [await shop.service.member(shop.partner) for _ in range(3)]
    chance = random.Random(7)
    for _ in range(30):
        at = shop.now() - timedelta(minutes=chance.randrange(600))
        shop.till.sell(chance.choice(members)["code"], chance.randrange(100, 3000), at)
    items = shop.till.waiting
    batches = [chance.sample(items, chance.randrange(1, 12)) for _ in range(12)] + [items, items]
    chance.shuffle(batches)
    await asyncio.gather(*(shop.send(batch) for batch in batches))
    for member in members:
        sold = sum(i["sale"]["amount"] for i in items if i["shown"] == member["code"])
        assert await shop.balance(member) == sold // 100, "one point per whole euro, fractions carried, nothing twice"


async def test_one_id_for_two_different_sales_is_refused_and_the_first_stands(shop: Shop) -> None:
    member = await shop.service.member(shop.partner)
    item = shop.till.sell(member["code"], 1000, shop.now())
    await shop.send([item])
    other = {**item, "sale": {**item["sale"], "amount": 9000}}
    said = await shop.send([other, item])
    assert [r["state"] for r in said["results"]] == ["refused", "applied"]
    assert said["results"][0]["problem"]["code"] == "idempotency_key_reused"
    assert await shop.balance(member) == 10


async def test_one_bad_item_spoils_no_other(shop: Shop) -> None:
    member = await shop.service.member(shop.partner)
    good = shop.till.sell(member["code"], 1000, shop.now())
    nobody = shop.till.sell("NOBODYSCARD0", 1000, shop.now())
    old = shop.till.sell(member["code"], 1000, shop.now() - timedelta(days=31))
    early = shop.till.sell(member["code"], 1000, shop.now() + timedelta(hours=1))
    said = await shop.send([nobody, old, early, good])
    assert [(r["state"], (r["problem"] or {}).get("code")) for r in said["results"]] == [
        ("refused", "card_unknown"),
        ("refused", "offline_too_old"),
        ("refused", "in_the_future"),
        ("applied", None),
    ]
    assert await shop.balance(member) == 10


async def test_a_rotating_code_that_was_scanned_hours_ago_still_says_whose_card_it_was(shop: Shop) -> None:
    member = await shop.service.member(shop.partner)
    at = shop.now() - timedelta(hours=3)
    code = live_code(shop.service.parts.keyring, member["code"], int(at.timestamp()))
    forged = code[:-1] + str((int(code[-1]) + 1) % 10)
    said = await shop.send([shop.till.sell(code, 1000, at), shop.till.sell(forged, 1000, at)])
    assert [r["state"] for r in said["results"]] == ["applied", "refused"]


async def test_only_the_till_itself_sends_what_it_did(shop: Shop) -> None:
    member = await shop.service.member(shop.partner)
    items = [shop.till.sell(member["code"], 1000, shop.now())]
    path = f"/v1/terminals/{shop.terminal_id}/batches"
    for headers in ({}, {"Terminal-Key": "ctk_" + "0" * 64}):
        answer = await shop.service.ask("POST", path, shop.partner.key, {"items": items}, headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "terminal_refused")
    stranger = await shop.service.partner("Another")
    answer = await shop.service.ask("POST", path, stranger.key, {"items": items}, shop.headers)
    assert answer.status_code == 403
    await shop.service.ask("POST", f"/v1/terminals/{shop.terminal_id}/revoke", shop.service.operator_key)
    answer = await shop.service.ask("POST", path, shop.partner.key, {"items": items}, shop.headers)
    assert answer.status_code == 403
    assert await shop.balance(member) == 0


async def test_a_till_gets_no_allowance_beyond_its_float(shop: Shop) -> None:
    path = f"/v1/terminals/{shop.terminal_id}/allowances"
    wish = {"points": 100, "per_redemption": 50}
    answer = await shop.service.ask("POST", path, shop.partner.key, wish, shop.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "float_too_small")
    await shop.pay(100)
    assert (await shop.allowance(100, 50))["per_redemption"] == 50
    answer = await shop.service.ask("POST", path, shop.partner.key, {**wish, "points": 101}, shop.headers)
    assert answer.json()["facts"] == {"balance": 100}


async def test_the_till_keeps_to_its_allowance_and_trusts_no_other(shop: Shop, tmp_path: Path) -> None:
    await shop.pay(500)
    made = await shop.allowance(100, 60)
    head, payload, signature = made["document"].split(".")
    with pytest.raises(NotAllowed):
        shop.till.install(f"{head}.{payload[:-4]}AAAA.{signature}")
    other = await a_shop(shop.service, shop.partner, tmp_path / "..")
    with pytest.raises(NotAllowed):
        other.till.install(made["document"])
    with pytest.raises(NotAllowed):
        shop.till.redeem("X", 61, shop.now())
    shop.till.redeem("X", 60, shop.now())
    again = OfflineTill(
        tmp_path, (await shop.service.ask("GET", "/v1/allowance-key", shop.partner.key)).json(), shop.terminal_id
    )
    with pytest.raises(NotAllowed):
        again.redeem("X", 41, shop.now())
    with pytest.raises(NotAllowed):
        again.redeem("X", 10, shop.now() + timedelta(hours=25))
    assert again.redeem("X", 40, shop.now())["points"] == 40


async def test_what_was_honoured_offline_is_taken_once_and_settled_as_ever(shop: Shop) -> None:
    member = await shop.service.member(shop.partner)
    await shop.service.earn(shop.partner, member["id"], 10_000)
    await shop.pay(500)
    await shop.allowance(200, 100)
    item = shop.till.redeem(member["code"], 80, shop.now())
    answers = await asyncio.gather(*(shop.send([item]) for _ in range(8)))
    assert {r["results"][0]["state"] for r in answers} == {"applied"}
    assert sum(not r["results"][0]["replayed"] for r in answers) == 1
    assert await shop.balance(member) == 20
    assert await shop.float() == 500


async def test_points_that_were_spent_twice_are_charged_to_the_tills_float(shop: Shop) -> None:
    member = await shop.service.member(shop.partner)
    await shop.service.earn(shop.partner, member["id"], 10_000)
    await shop.pay(500)
    await shop.allowance(300, 100)
    item = shop.till.redeem(member["code"], 70, shop.now())
    await shop.service.made("/v1/redemptions", shop.partner.key, {"member_id": member["id"], "points": 80})
    said = await shop.send([item])
    result = said["results"][0]
    assert (result["state"], result["charged"], said["float"]) == ("applied", 50, 450)
    assert await shop.balance(member) == 0
    await shop.service.earn(shop.partner, member["id"], 10_000)
    assert (await shop.send([item]))["float"] == 450, "sent again it is charged no second time, and takes nothing new"
    assert await shop.balance(member) == 100
    moves = (await shop.service.ask("GET", f"/v1/terminals/{shop.terminal_id}/float/moves", shop.partner.key)).json()
    assert [(m["kind"], m["points"], m["reason"], m["member_id"]) for m in moves["data"]] == [
        ("paid_in", 500, "opening float", None),
        ("charged", -50, "double_spent", member["id"]),
    ]


async def test_a_member_whose_points_are_gone_costs_the_till_all_of_it(shop: Shop) -> None:
    member = await shop.service.member(shop.partner)
    await shop.pay(100)
    await shop.allowance(100, 100)
    item = shop.till.redeem(member["code"], 40, shop.now())
    forged = shop.till.redeem("NOBODYSCARD0", 30, shop.now())
    said = await shop.send([item, forged, forged])
    assert [r["charged"] for r in said["results"]] == [40, 30, 30]
    assert said["float"] == 30


async def test_no_allowance_no_points_of_the_member(shop: Shop) -> None:
    """A till that makes up redemptions, or goes on after its allowance ended, takes nothing from members."""
    member = await shop.service.member(shop.partner)
    await shop.service.earn(shop.partner, member["id"], 100_000)
    await shop.pay(1000)
    first = await shop.allowance(100, 60)

    def honoured(points: int, at: datetime, allowance_id: str) -> Body:
        number = f"{points}-{at.timestamp()}-{allowance_id[-4:]}"
        return {
            "kind": "redeem", "id": number, "shown": member["code"], "points": points, "allowance_id": allowance_id,
            "occurred_at": at.isoformat(),
        }  # fmt: skip

    beyond = [
        honoured(60, shop.now(), first["id"]),
        honoured(41, shop.now(), first["id"]),
        honoured(61, shop.now(), first["id"]),
    ]
    said = await shop.send(beyond)
    assert sorted(r["charged"] for r in said["results"]) in ([0, 41, 61], [0, 60, 61])
    late = honoured(5, shop.now() - timedelta(hours=1), first["id"])
    nothing = honoured(5, shop.now(), "alw_none")
    said = await shop.send([late, nothing])
    assert [r["charged"] for r in said["results"]] == [5, 5]
    assert await shop.balance(member) == 1000 - (
        60 if 41 in [r["charged"] for r in (await shop.send(beyond))["results"]] else 41
    )


async def test_many_batches_at_once_stay_within_the_allowance(shop: Shop) -> None:
    member = await shop.service.member(shop.partner)
    await shop.service.earn(shop.partner, member["id"], 100_000)
    await shop.pay(1000)
    made = await shop.allowance(100, 10)
    items = [
        {
            "kind": "redeem", "id": f"r{number}", "shown": member["code"], "points": 10, "allowance_id": made["id"],
            "occurred_at": shop.now().isoformat(),
        }
        for number in range(25)
    ]  # fmt: skip
    await asyncio.gather(*(shop.send(items[number:] + items[:number]) for number in range(0, 25, 5)))
    assert await shop.balance(member) == 900, "exactly what the allowance says"
    assert await shop.float() == 1000 - 150
    async with shop.service.parts.db.read() as read:
        assert await audit(read.connection) == []


async def test_a_frozen_account_loses_nothing_and_the_till_bears_it(shop: Shop) -> None:
    member = await shop.service.member(shop.partner)
    await shop.service.earn(shop.partner, member["id"], 10_000)
    await shop.pay(100)
    await shop.allowance(100, 100)
    item = shop.till.redeem(member["code"], 40, shop.now())
    path = f"/v1/members/{member['id']}/freeze"
    frozen = await shop.service.move(path, shop.service.operator_key, {"reason": "phone stolen"})
    assert frozen.status_code in (200, 201), frozen.text
    said = await shop.send([item])
    assert (said["results"][0]["charged"], said["float"]) == (40, 60)
    assert await shop.balance(member) == 100


async def test_the_queue_outlives_the_till_and_forgets_only_what_has_an_answer(shop: Shop, tmp_path: Path) -> None:
    member = await shop.service.member(shop.partner)
    shop.till.sell(member["code"], 1000, shop.now())
    shop.till.sell(member["code"], 2000, shop.now())
    sent = shop.till.waiting
    said = await shop.send(sent)  # and the answer is lost
    key = (await shop.service.ask("GET", "/v1/allowance-key", shop.partner.key)).json()
    again = OfflineTill(tmp_path, key, shop.terminal_id)
    assert again.waiting == sent
    repeated = await shop.send(again.waiting)
    assert [r["replayed"] for r in repeated["results"]] == [True, True]
    assert [r["entry_id"] for r in repeated["results"]] == [r["entry_id"] for r in said["results"]]
    again.answered(sent, repeated["results"])
    assert OfflineTill(tmp_path, key, shop.terminal_id).waiting == []
    assert await shop.balance(member) == 30


async def test_a_sale_that_counts_has_its_first_answer_also_when_it_is_old_by_now(shop: Shop) -> None:
    member = await shop.service.member(shop.partner)
    item = shop.till.sell(member["code"], 1000, shop.now())
    first = (await shop.send([item]))["results"][0]
    clock = shop.service.parts.clock
    assert isinstance(clock, MovableClock)
    clock.advance(timedelta(days=31))
    again = (await shop.send([item]))["results"][0]
    assert (again["state"], again["replayed"], again["entry_id"]) == ("applied", True, first["entry_id"])
