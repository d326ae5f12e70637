"""The member's own page: the code that changes, what tills ask, the PIN, and forms that only our own pages may send."""

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from passes.live_code import PERIOD_S, genuine, read_live
from points.pins import has_pin
from tests.support.service import Door, Till, door

OWN = {"sec-fetch-site": "same-origin", "origin": "http://test"}


@dataclass(frozen=True)
class Scene:
    door: Door
    cafe: Till
    member: dict[str, Any]

    @property
    def page(self) -> str:
        return str(self.member["card_url"]).partition("8000")[2]

    async def get(self, path: str = "") -> Response:
        return await self.door.client.get(self.page + path)

    async def send(self, path: str, form: dict[str, str], headers: dict[str, str] | None = None) -> Response:
        sent = OWN if headers is None else headers
        return await self.door.client.post(self.page + path, data=form, headers=sent)

    async def ask(self, points: int = 300, member: str = "", **more: object) -> dict[str, Any]:
        body = {"member_id": member or self.member["id"], "points": points, **more}
        return await self.door.made("/v1/confirmations", self.cafe.key, body)

    async def asked(self, question: dict[str, Any]) -> dict[str, Any]:
        answer = await self.door.ask("GET", f"/v1/confirmations/{question['id']}", self.cafe.key)
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
async def scene(database_url: str, twins_folder: Path) -> AsyncIterator[Scene]:
    async with door(database_url, twins_folder) as the_door:
        cafe = await the_door.partner("Kulma Café")
        member = await the_door.member(cafe, "Aino", "fi")
        await the_door.earn(cafe, member["id"], 400_000)
        yield Scene(the_door, cafe, member)


async def test_the_live_code_is_the_members_genuine_and_for_now(scene: Scene) -> None:
    before = int(time.time()) // PERIOD_S
    answer = await scene.get("/live/code")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-store")
    body = answer.json()
    code = read_live(body["code"])
    assert code is not None
    assert code.subject == scene.member["code"]
    assert genuine(scene.door.parts.keyring, code)
    assert before <= code.counter <= int(time.time()) // PERIOD_S
    assert 0 < body["left_s"] <= PERIOD_S
    assert body["svg"].startswith("<svg")


async def test_a_browser_without_scripts_gets_a_live_code_that_renews_itself(scene: Scene) -> None:
    page = await scene.get("/live")
    assert page.status_code == 200
    assert 1 <= int(page.headers["refresh"]) <= PERIOD_S
    assert "<script" not in page.text
    assert "Uusi koodi" in page.text
    assert f'href="{scene.page}/live"' in (await scene.get()).text


async def test_no_page_tells_the_secret_of_the_live_code(scene: Scene) -> None:
    secret = scene.door.parts.keyring.derive("passes.live", scene.member["code"])[:20]
    for path in ("", "/live", "/live/code"):
        assert secret.hex() not in (await scene.get(path)).text


async def test_a_question_of_a_till_appears_and_a_yes_proves_it_to_the_till(scene: Scene) -> None:
    assert (await scene.get("/questions")).text == ""
    question = await scene.ask(1200, terminal="Kassa 2")
    for shown in (await scene.get("/questions"), await scene.get()):
        for words in ("Kulma Café kysyy", "Käytetäänkö 1\N{NO-BREAK SPACE}200 pistettä?", "Kassa: Kassa 2", "Vahvista"):
            assert words in shown.text, words
    for _ in range(2):
        said = await scene.send(f"/questions/{question['id']}", {"answer": "yes"})
        assert said.status_code == 200
        assert "Vahvistettu" in said.text
    found = await scene.asked(question)
    assert found["state"] == "confirmed"
    assert found["proof_id"]
    assert (await scene.get("/questions")).text == ""


async def test_a_no_is_no_proof_and_stays_no(scene: Scene) -> None:
    question = await scene.ask()
    assert "Hylätty" in (await scene.send(f"/questions/{question['id']}", {"answer": "no"})).text
    late = await scene.send(f"/questions/{question['id']}", {"answer": "yes"})
    assert late.status_code == 409
    assert "Kysymys ei ole enää avoin" in late.text
    found = await scene.asked(question)
    assert (found["state"], found["proof_id"]) == ("declined", None)


async def test_whoever_sends_something_else_than_yes_has_not_agreed(scene: Scene) -> None:
    question = await scene.ask()
    assert "Hylätty" in (await scene.send(f"/questions/{question['id']}", {"answer": "YES"})).text
    assert (await scene.asked(question))["state"] == "declined"


async def test_a_question_is_answered_on_the_page_of_whom_it_was_put_to_alone(scene: Scene) -> None:
    stranger = await scene.door.member(scene.cafe, "Bo", "en")
    question = await scene.ask(member=stranger["id"])
    assert (await scene.get("/questions")).text == ""
    refused = await scene.send(f"/questions/{question['id']}", {"answer": "yes"})
    assert refused.status_code == 409
    assert (await scene.asked(question))["state"] == "asked"
    assert (await scene.send("/questions/x", {"answer": "yes"})).status_code == 409


async def test_a_reward_in_a_question_is_named_and_never_markup(scene: Scene) -> None:
    await scene.ask(terminal="<b>Kassa</b>")
    shown = (await scene.get("/questions")).text
    assert "&lt;b&gt;Kassa&lt;/b&gt;" in shown
    assert "<b>" not in shown


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site", "origin": "http://test"},
        {"sec-fetch-site": "same-site", "origin": "http://test"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
    ],
    ids=str,
)
async def test_a_form_of_another_site_changes_nothing(scene: Scene, headers: dict[str, str]) -> None:
    question = await scene.ask()
    forms = (f"/questions/{question['id']}", {"answer": "yes"}), ("/pin", {"pin": "4071", "again": "4071"})
    for path, form in forms:
        refused = await scene.send(path, form, headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "foreign_form")
    assert (await scene.asked(question))["state"] == "asked"
    assert "Nykyinen PIN" not in (await scene.get("/pin")).text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://test"},
        {"origin": "http://127.0.0.1:8000"},
        {"sec-fetch-site": "same-origin", "origin": "null"},
        {"sec-fetch-site": "same-origin"},
    ],
    ids=str,
)
async def test_our_own_form_is_taken_from_old_and_new_browsers(scene: Scene, headers: dict[str, str]) -> None:
    question = await scene.ask()
    assert (await scene.send(f"/questions/{question['id']}", {"answer": "yes"}, headers)).status_code == 200


async def test_what_is_no_form_is_refused_and_never_an_error_of_ours(scene: Scene) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for content, headers, status in (
        (b"answer=yes", {"content-type": "text/plain"}, 400),
        (b"answer=yes", {}, 400),
        (b"pin=%ff&again=%ff", kind, 400),
        (b"pin=%00&again=%00", kind, 400),
        (b"&".join(b"a=%d" % n for n in range(50)), kind, 400),
        (b"pin=" + b"1" * 5000, kind, 413),
    ):
        answer = await scene.door.client.post(f"{scene.page}/pin", content=content, headers={**OWN, **headers})
        assert answer.status_code == status, (content[:30], answer.text)
    assert (await scene.send("/pin", {})).status_code == 400


async def test_a_member_sets_a_pin_and_changes_it_by_saying_the_old_one(scene: Scene) -> None:
    pins, member = scene.door.parts.pins, scene.member["id"]
    assert (await scene.send("/pin", {"pin": "4071", "again": "4071"})).status_code == 200
    assert await pins.check(member, "till", "4071")
    page = await scene.get("/pin")
    assert 'name="current"' in page.text
    assert "4071" not in page.text
    new = {"pin": "8152", "again": "8152"}
    for form, status, words in (
        (new, 400, "4–8 numeroa"),
        ({**new, "current": "0000"}, 403, "Nykyinen PIN ei ole oikein"),
        ({**new, "current": "4071", "again": "8153"}, 400, "eivät ole samat"),
        ({"pin": "1234", "again": "1234", "current": "4071"}, 400, "helppo arvata"),
    ):
        refused = await scene.send("/pin", form)
        assert refused.status_code == status
        assert words in refused.text
    assert (await scene.send("/pin", {**new, "current": "4071"})).status_code == 200
    assert await pins.check(member, "till", "8152")
    assert not await pins.check(member, "till", "4071")


async def test_whoever_has_the_address_cannot_guess_the_pin_on_the_page(scene: Scene) -> None:
    await scene.send("/pin", {"pin": "4071", "again": "4071"})
    form = {"pin": "8152", "again": "8152"}
    answers = [await scene.send("/pin", {**form, "current": f"{n:04}"}) for n in range(7)]
    assert [answer.status_code for answer in answers] == [403] * 7
    assert ["Liian monta" in answer.text for answer in answers] == [False] * 5 + [True] * 2
    assert "Liian monta" in (await scene.send("/pin", {**form, "current": "4071"})).text


async def test_a_forgotten_pin_is_reset_where_the_member_joined_and_nowhere_else(scene: Scene) -> None:
    other = await scene.door.partner("Town Gym")
    await scene.send("/pin", {"pin": "4071", "again": "4071"})
    path = f"/v1/members/{scene.member['id']}/pin"
    refused = await scene.door.ask("DELETE", path, other.key)
    assert (refused.status_code, refused.json()["code"]) == (403, "member_of_another_partner")
    for _ in range(2):
        assert (await scene.door.ask("DELETE", path, scene.cafe.key)).status_code == 204
    async with scene.door.parts.db.read() as read:
        assert not await has_pin(read.connection, scene.member["id"])
    assert (await scene.door.ask("PUT", path, scene.cafe.key, {"pin": "4071"})).status_code == 405


async def test_managers_get_a_pin_from_their_own_partner(scene: Scene) -> None:
    other = await scene.door.partner("Town Gym")
    boss = await scene.door.made("/v1/staff", scene.cafe.key, {"display_name": "Eeva", "role": "manager"})
    path = f"/v1/staff/{boss['id']}/pin"
    assert (await scene.door.ask("PUT", path, other.key, {"pin": "4071"})).status_code == 404
    assert (await scene.door.ask("PUT", path, scene.cafe.key, {"pin": "4071"})).status_code == 204
    assert await scene.door.parts.pins.check(boss["id"], "till", "4071")
    for pin, code in (("1234", "bad_pin"), ("12", "body_invalid"), ("12345678901", "body_invalid")):
        refused = await scene.door.ask("PUT", path, scene.cafe.key, {"pin": pin})
        assert (refused.status_code, refused.json()["code"]) == (400, code)
        assert pin not in re.sub(r"req_\w+", "", refused.text)
    assert (await scene.door.ask("DELETE", path, scene.cafe.key)).status_code == 204
    assert not await scene.door.parts.pins.check(boss["id"], "till", "4071")


async def test_the_pages_open_to_their_own_address_alone(scene: Scene) -> None:
    member_id = scene.member["id"]
    for path in ("/live", "/live/code", "/questions", "/pin", "/receipts", "/r/x"):
        for wrong in (member_id, f"{member_id}.x", "x", "%00"):
            refused = await scene.door.client.get(f"/c/{wrong}{path}")
            assert (refused.status_code, refused.json()["code"]) == (404, "unknown_page"), (wrong, path)
    for path in ("/questions/x", "/pin", "/receipts"):
        refused = await scene.door.client.post(f"/c/{member_id}.x{path}", data={"pin": "1"}, headers=OWN)
        assert refused.status_code == 404


async def test_a_person_reads_in_words_what_programs_read_as_a_problem(scene: Scene) -> None:
    asked = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "accept-language": "hu"}
    gone = await scene.door.client.get("/c/mbr_x.y", headers=asked)
    assert (gone.status_code, gone.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "Nincs ilyen oldal" in gone.text
    assert gone.headers["content-security-policy"].startswith("default-src 'none'")
    foreign = await scene.send("/pin", {"pin": "4071", "again": "4071"}, {**asked, "origin": "https://evil.example"})
    assert (foreign.status_code, "Ez nem lehetséges" in foreign.text) == (403, True)
    assert (await scene.door.client.get("/c/mbr_x.y")).json()["code"] == "unknown_page"
