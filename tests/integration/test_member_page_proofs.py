"""What a member shows or says on their own page lets them spend what a static code does not: also without a wallet."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from tests.support.service import Door, Till, door

PROGRAMME = """
programme: careful_cafe
names: {en: Careful café}
zone: Europe/Helsinki
currency: EUR
unit: {code: PT, value: 0.01}
earn: [{id: base, kind: spend, per: 1.00, points: 1}]
redemptions: {proof: {above: 50}}
"""


@dataclass(frozen=True)
class Scene:
    door: Door
    cafe: Till
    member: dict[str, Any]

    @property
    def page(self) -> str:
        return str(self.member["card_url"]).partition("8000")[2]

    async def show(self, content: str, **more: str) -> dict[str, Any]:
        body = {"shown": {"kind": "scan", "content": content}, **more}
        return await self.door.made("/v1/presentations", self.cafe.key, body)

    async def redeem(self, points: int, proof_id: str | None = None) -> Response:
        body = {"member_id": self.member["id"], "points": points} | ({"proof_id": proof_id} if proof_id else {})
        return await self.door.move("/v1/redemptions", self.cafe.key, body)

    async def send(self, path: str, **form: str) -> Response:
        return await self.door.client.post(self.page + path, data=form, headers={"sec-fetch-site": "same-origin"})


@pytest.fixture
async def scene(database_url: str, twins_folder: Path) -> AsyncIterator[Scene]:
    async with door(database_url, twins_folder) as opened:
        cafe = await opened.partner("Kulma Café")
        await opened.made("/v1/programmes", opened.operator_key, {"text": PROGRAMME})
        member = await opened.member(cafe, "Aino")
        await opened.earn(cafe, member["id"], 100_000)
        yield Scene(opened, cafe, member)


async def test_the_live_code_on_the_page_proves_and_the_cards_own_code_does_not(scene: Scene) -> None:
    static = await scene.show(scene.member["code"])
    assert (static["assurance"], static["proof_id"]) == ("identified", None)
    assert (await scene.redeem(300)).json()["code"] == "proof_needed"
    code = (await scene.door.client.get(f"{scene.page}/live/code")).json()["code"]
    live = await scene.show(code)
    assert (live["assurance"], live["member"]["id"]) == ("proved_present", scene.member["id"])
    assert (await scene.redeem(300, live["proof_id"])).status_code == 201
    again = await scene.show(code)
    assert (again["assurance"], again["proof_id"]) == ("identified", None)


async def test_a_confirmation_on_the_page_lets_so_much_be_spent_once(scene: Scene) -> None:
    body = {"member_id": scene.member["id"], "points": 300}
    question = await scene.door.made("/v1/confirmations", scene.cafe.key, body)
    await scene.send(f"/questions/{question['id']}", answer="yes")
    asked = (await scene.door.ask("GET", f"/v1/confirmations/{question['id']}", scene.cafe.key)).json()
    assert (await scene.redeem(301, asked["proof_id"])).json()["code"] == "proof_refused"
    assert (await scene.redeem(300, asked["proof_id"])).status_code == 201
    assert (await scene.redeem(300, asked["proof_id"])).json()["code"] == "proof_refused"


async def test_the_pin_set_on_the_page_proves_at_the_till(scene: Scene) -> None:
    await scene.send("/pin", pin="4071", again="4071")
    wrong = await scene.door.move(
        "/v1/presentations", scene.cafe.key,
        {"shown": {"kind": "scan", "content": scene.member["code"]}, "pin": "0000"},
    )  # fmt: skip
    assert wrong.json().get("proof_id") is None
    right = await scene.show(scene.member["code"], pin="4071")
    assert right["assurance"] == "proved_present"
    assert (await scene.redeem(300, right["proof_id"])).status_code == 201
