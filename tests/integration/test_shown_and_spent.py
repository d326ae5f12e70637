"""From what is shown at the till to the points that are spent, through the public door: copies buy next to nothing."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from passes.live_code import live_code
from tests.support.service import Door, Till, door

ABOVE = 50
PROGRAMME = f"""
programme: proven
names: {{en: Proven}}
zone: Europe/Helsinki
currency: EUR
unit: {{code: PT, value: 0.01}}
partners: {{cafe: {{name: Café}}}}
earn: [{{id: base, kind: spend, per: 1.00, points: 1}}]
redemptions: {{proof: {{above: {ABOVE}}}}}
rewards: [{{id: meal, names: {{en: Meal}}, kind: product, cost: 200}}]
"""


@dataclass
class Shop:
    """A café with this programme, and a member with 1,000 points."""

    door: Door
    cafe: Till
    member: dict[str, Any]

    async def show(self, content: str, key: str) -> dict[str, Any]:
        """The answer to a scan."""
        body = {"shown": {"kind": "scan", "content": content}}
        answer = await self.door.move("/v1/presentations", self.cafe.key, body, key)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def spend(self, points: int, proof_id: str | None = None, member_id: str | None = None) -> Response:
        """A redemption at the café."""
        body = {"member_id": member_id or self.member["id"], "points": points, "proof_id": proof_id}
        return await self.door.move("/v1/redemptions", self.cafe.key, body)

    def code(self) -> str:
        """What the member's own page shows now."""
        return live_code(self.door.parts.keyring, self.member["code"], int(time.time()))


@pytest.fixture
async def shop(database_url: str, twins_folder: Path) -> AsyncIterator[Shop]:
    async with door(database_url, twins_folder) as service:
        cafe = await service.partner()
        await service.made("/v1/programmes", cafe.key, {"text": PROGRAMME, "ids": {"cafe": cafe.partner_id}})
        member = await service.member(cafe)
        await service.earn(cafe, member["id"], 100_000)
        yield Shop(service, cafe, member)


async def test_a_live_code_buys_once_what_a_static_code_does_not(shop: Shop) -> None:
    scanned = await shop.show(shop.member["code"], "static")
    assert (scanned["assurance"], scanned["unproved_left"]) == ("identified", ABOVE)
    needed = await shop.spend(ABOVE + 1)
    assert (needed.status_code, needed.json()["code"]) == (409, "proof_needed")
    assert needed.json()["facts"]["left"] == ABOVE
    live = await shop.show(shop.code(), "live")
    assert (await shop.spend(400, live["proof_id"])).status_code == 201
    again = await shop.spend(400, live["proof_id"])
    assert (again.status_code, again.json()["code"]) == (409, "proof_refused")
    assert (await shop.show(shop.member["code"], "after"))["unproved_left"] == ABOVE


async def test_whoever_sends_the_showing_again_spends_no_second_time(shop: Shop) -> None:
    code = shop.code()
    shown = [await shop.show(code, "live") for _ in range(3)]
    answers = await asyncio.gather(*(shop.spend(300, one["proof_id"]) for one in shown))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


async def test_a_proof_is_its_members_alone(shop: Shop) -> None:
    thief = await shop.door.member(shop.cafe, "Thief")
    await shop.door.earn(shop.cafe, thief["id"], 100_000)
    live = await shop.show(shop.code(), "live")
    stolen = await shop.spend(300, live["proof_id"], member_id=thief["id"])
    assert (stolen.status_code, stolen.json()["code"]) == (409, "proof_refused")
    assert (await shop.spend(300, live["proof_id"])).status_code == 201


async def test_of_two_hundred_tries_with_static_codes_none_buys_more_than_the_programme_lets(shop: Shop) -> None:
    """A screenshot of the card, shown at many tills at once."""
    numbers, spent = count(), 0

    async def one_try(points: int) -> int:
        seen = await shop.show(shop.member["code"], f"copy{next(numbers)}")
        answer = await shop.spend(points, seen["proof_id"])
        assert answer.status_code in (201, 409), answer.text
        return points if answer.status_code == 201 else 0

    for _ in range(20):
        spent += sum(await asyncio.gather(*(one_try(points) for points in (51, 20, 7, 400, 3, 60, 11, 50, 1, 999))))
    assert spent == ABOVE
    claimed = await shop.door.move("/v1/claims", shop.cafe.key, {"member_id": shop.member["id"], "reward": "meal"})
    assert (claimed.status_code, claimed.json()["code"]) == (409, "proof_needed")
    live = await shop.show(shop.code(), "live")
    body = {"member_id": shop.member["id"], "reward": "meal", "proof_id": live["proof_id"]}
    assert (await shop.door.move("/v1/claims", shop.cafe.key, body)).status_code == 201
