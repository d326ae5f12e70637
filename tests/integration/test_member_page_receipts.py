"""A purchase without a card, made one's own from the receipt: on the card's page, or from the receipt's own address."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from tests.support.service import Door, Till, door

OWN = {"sec-fetch-site": "same-origin"}


@dataclass(frozen=True)
class Scene:
    door: Door
    cafe: Till
    member: dict[str, Any]

    @property
    def page(self) -> str:
        return str(self.member["card_url"]).partition("8000")[2]

    async def receipt(self, amount: int = 1250, **more: object) -> dict[str, Any]:
        return await self.door.made("/v1/receipts", self.cafe.key, {"amount": amount, "currency": "EUR", **more})

    async def get(self, path: str, language: str = "en") -> Response:
        return await self.door.client.get(path, headers={"accept-language": language})

    async def send(self, path: str, **form: str) -> Response:
        return await self.door.client.post(path, data=form, headers=OWN)

    async def balance(self) -> int:
        answer = await self.door.ask("GET", f"/v1/members/{self.member['id']}", self.cafe.key)
        points: int = answer.json()["points"]["balance"]
        return points


@pytest.fixture
async def scene(database_url: str, twins_folder: Path) -> AsyncIterator[Scene]:
    async with door(database_url, twins_folder) as opened:
        cafe = await opened.partner("Kulma Café")
        yield Scene(opened, cafe, await opened.member(cafe, "Aino", "fi"))


def token_of(receipt: dict[str, Any]) -> str:
    return str(receipt["token"]).removeprefix("CPR1.")


async def test_a_member_collects_a_receipt_on_their_card_once_and_may_ask_again(scene: Scene) -> None:
    receipt = await scene.receipt()
    assert 'name="receipt"' in (await scene.get(f"{scene.page}/receipts")).text
    for said in (receipt["token"], receipt["url"], token_of(receipt).lower()):
        done = await scene.send(f"{scene.page}/receipts", receipt=said)
        assert done.status_code == 200, done.text
        assert "Tästä ostoksesta: 12 pistettä." in done.text
    assert await scene.balance() == 12


async def test_a_known_card_needs_one_press(scene: Scene) -> None:
    token = token_of(await scene.receipt())
    shown = await scene.get(f"{scene.page}/r/{token}")
    assert "12,50 EUR" in shown.text
    assert f'type="hidden" name="receipt" value="{token}"' in shown.text
    assert await scene.balance() == 0  # looking is not claiming


async def test_whoever_holds_the_paper_says_the_number_of_their_card(scene: Scene) -> None:
    token = token_of(await scene.receipt())
    page = await scene.get(f"/r/{token}", "hu-HU,hu;q=0.9")
    assert (page.status_code, page.headers["cache-control"]) == (200, "private, no-store")
    assert '<html lang="hu">' in page.text
    assert "12,50 EUR értékű vásárlás: Kulma Café" in page.text
    code = scene.member["code"]
    typed = f"{code[:4]} {code[4:8]}-{code[8:]}".lower().replace("0", "o").replace("1", "l")
    done = await scene.send(f"/r/{token}", card=typed)
    assert done.status_code == 200
    assert f"card that ends in {code[-4:]}" in done.text
    assert "Aino" not in done.text
    assert await scene.balance() == 12


async def test_a_number_that_no_card_has_leaves_the_receipt_as_it_is(scene: Scene) -> None:
    token = token_of(await scene.receipt())
    for number in ("", "XXXXXXXXXXXX", "<b>", "x" * 3000):
        refused = await scene.send(f"/r/{token}", card=number)
        assert refused.status_code == 404
        assert "No card has this number" in refused.text
        assert "<b>" not in refused.text
    assert (await scene.send(f"{scene.page}/receipts", receipt=token)).status_code == 200


async def test_a_receipt_of_somebody_else_is_not_collected_again(scene: Scene) -> None:
    token = token_of(await scene.receipt())
    other = await scene.door.member(scene.cafe, "Bo")
    assert (await scene.send(f"/r/{token}", card=other["code"])).status_code == 200
    refused = await scene.send(f"{scene.page}/receipts", receipt=token)
    assert refused.status_code == 409
    assert "on jo kerätty" in refused.text
    assert await scene.balance() == 0
    seen = await scene.get(f"/r/{token}")
    assert "have been collected" in seen.text
    assert "<form" not in seen.text


async def test_a_void_receipt_says_so(scene: Scene) -> None:
    receipt = await scene.receipt()
    answer = await scene.door.ask("POST", f"/v1/receipts/{receipt['id']}/void", scene.cafe.key)
    assert answer.status_code == 200, answer.text
    assert "has cancelled" in (await scene.get(f"/r/{token_of(receipt)}")).text
    refused = await scene.send(f"{scene.page}/receipts", receipt=receipt["token"])
    assert refused.status_code == 409
    assert "mitätöinyt" in refused.text


async def test_guesses_of_receipts_run_out(scene: Scene) -> None:
    answers = [await scene.send(f"{scene.page}/receipts", receipt=f"CPR1.{n:026}") for n in range(13)]
    assert {answer.status_code for answer in answers[:8]} == {404}
    assert answers[-1].status_code == 429
    assert "Liian monta" in answers[-1].text


@pytest.mark.parametrize("text", ["x", "%00", "%3Cscript%3E", "0" * 26, "9" * 400])
async def test_an_address_of_no_receipt_says_so_in_words(scene: Scene, text: str) -> None:
    for path in (f"/r/{text}", f"{scene.page}/r/{text}"):
        page = await scene.get(path)
        assert page.status_code == 404, (path, page.text)
        assert page.headers["content-type"].startswith("text/html")
        assert "<script>" not in page.text


async def test_another_site_cannot_collect_for_anybody(scene: Scene) -> None:
    token = token_of(await scene.receipt())
    for path, form in (
        (f"/r/{token}", {"card": scene.member["code"]}),
        (f"{scene.page}/receipts", {"receipt": token}),
    ):
        refused = await scene.door.client.post(path, data=form, headers={"origin": "https://evil.example"})
        assert (refused.status_code, refused.json()["code"]) == (403, "foreign_form")
    assert await scene.balance() == 0
