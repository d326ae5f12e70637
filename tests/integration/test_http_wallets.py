"""The member's page, the passes behind it, and the passes web service as a phone meets it over HTTP."""

import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import zxingcpp
from PIL import Image, ImageDraw

from tests.support.service import Door, Till, door


@dataclass(frozen=True)
class Scene:
    door: Door
    cafe: Till
    member: dict[str, Any]

    @property
    def page(self) -> str:
        return str(self.member["card_url"]).partition("8000")[2]


@pytest.fixture
async def scene(database_url: str, twins_folder: Path) -> AsyncIterator[Scene]:
    async with door(database_url, twins_folder) as the_door:
        cafe = await the_door.partner("Kulma Café")
        member = await the_door.member(cafe, "Ödön", "hu")
        await the_door.earn(cafe, member["id"], 4200)
        yield Scene(the_door, cafe, member)


async def test_the_page_shows_the_card_in_the_members_language(scene: Scene) -> None:
    page = await scene.door.client.get(scene.page)
    assert page.status_code == 200
    assert '<html lang="hu">' in page.text
    for shown in ("Kulma Café", "Ödön", "<strong>42</strong>", "58 pont: Ebéd", "Hozzáadás az Apple Wallethez"):
        assert shown in page.text


async def test_the_page_runs_one_script_of_ours_and_tells_no_stranger_its_address(scene: Scene) -> None:
    page = await scene.door.client.get(scene.page)
    (nonce,) = re.findall(r'<script nonce="([^"]{20,})" src="/docs/assets/js/member.js" defer></script>', page.text)
    assert page.text.count("<script") == 1
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'nonce-" + nonce + "'; ")
    assert "form-action 'self'; frame-ancestors 'none'" in policy
    assert nonce not in (await scene.door.client.get(scene.page)).text
    # To our own pages it is told: browsers vouch for a form only then.
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "private, no-store"


async def test_a_till_can_read_the_code_on_the_page(scene: Scene) -> None:
    page = await scene.door.client.get(scene.page)
    (path,) = re.findall(r'<path [^>]*class="qrline"[^>]*d="([^"]+)"', page.text) or re.findall(
        r'stroke="#111827"[^>]*d="([^"]+)"', page.text
    )
    size = int(re.findall(r'viewBox="0 0 (\d+) ', page.text)[0])
    (read,) = zxingcpp.read_barcodes(_drawn(path, size))
    assert (read.text, read.format) == (scene.member["code"], zxingcpp.BarcodeFormat.QRCode)


async def test_the_page_opens_to_its_own_address_alone(scene: Scene) -> None:
    token = scene.page.removeprefix("/c/")
    member_id, _, mac = token.partition(".")
    stranger = (await scene.door.member(scene.cafe))["id"]
    for wrong in (member_id, f"{member_id}.", f"{member_id}.{mac[:-1]}", f"{stranger}.{mac}", "x", "mbr_.x", "%00"):
        for part in ("", "/apple", "/google"):
            refused = await scene.door.client.get(f"/c/{wrong}{part}")
            assert refused.status_code == 404, (wrong, part, refused.text)


async def test_names_are_text_and_never_markup(scene: Scene) -> None:
    member = await scene.door.member(scene.cafe, '<script>alert("x")</script>')
    page = await scene.door.client.get(str(member["card_url"]).partition("8000")[2])
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_the_page_hands_out_both_passes(scene: Scene) -> None:
    apple = await scene.door.client.get(f"{scene.page}/apple")
    assert apple.headers["content-type"] == "application/vnd.apple.pkpass"
    assert _paper(apple.content)["storeCard"]["headerFields"][0]["value"] == "42"
    for part in ("/google", "/google/all"):
        google = await scene.door.client.get(f"{scene.page}{part}")
        assert google.status_code == 303
        assert "/gp/v/save/" in google.headers["location"]
        assert (google.headers["cache-control"], google.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert (await scene.door.client.get(f"{scene.page}/coupons/NOSUCHCODE/google")).status_code == 404


async def test_a_phone_walks_through_the_passes_web_service(scene: Scene) -> None:
    http = scene.door.client
    paper = _paper((await http.get(f"{scene.page}/apple")).content)
    serial, kind = paper["serialNumber"], paper["passTypeIdentifier"]
    sent = {"authorization": f"ApplePass {paper['authenticationToken']}"}
    registration = f"/apple/v1/devices/aabbcc/registrations/{kind}"
    for expected in (201, 200):
        answer = await http.post(f"{registration}/{serial}", json={"pushToken": "ab" * 32}, headers=sent)
        assert answer.status_code == expected
    listed = (await http.get(registration)).json()
    assert listed["serialNumbers"] == [serial]
    fetched = await http.get(f"/apple/v1/passes/{kind}/{serial}", headers=sent)
    headed = await http.head(f"/apple/v1/passes/{kind}/{serial}", headers=sent)
    assert fetched.status_code == headed.status_code == 200
    assert headed.headers["content-length"] == str(len(fetched.content))
    assert headed.headers["last-modified"] == fetched.headers["last-modified"]
    since = {**sent, "if-modified-since": fetched.headers["last-modified"]}
    assert (await http.get(f"/apple/v1/passes/{kind}/{serial}", headers=since)).status_code == 304
    assert (await http.get(registration, params={"passesUpdatedSince": listed["lastUpdated"]})).status_code == 204
    assert (await http.post("/apple/v1/log", json={"logs": ["a line"]})).status_code == 200
    for _ in range(2):
        assert (await http.delete(f"{registration}/{serial}", headers=sent)).status_code == 200


async def test_a_wrong_token_and_an_unknown_serial_get_the_same_answer(scene: Scene) -> None:
    http = scene.door.client
    paper = _paper((await http.get(f"{scene.page}/apple")).content)
    kind = paper["passTypeIdentifier"]
    sent = {"authorization": "ApplePass " + "0" * 40}
    answers = [
        await http.get(f"/apple/v1/passes/{kind}/{serial}", headers=sent)
        for serial in (paper["serialNumber"], "pass_00000000000000000000000000")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].content == answers[1].content


async def test_partners_fetch_passes_with_a_scope_and_for_members_that_exist(scene: Scene) -> None:
    path = f"/v1/members/{scene.member['id']}/passes"
    file = await scene.door.ask("GET", f"{path}/apple", scene.cafe.key)
    assert _paper(file.content)["organizationName"] == "Kulma Café"
    assert "/gp/v/save/" in (await scene.door.ask("GET", f"{path}/google", scene.cafe.key)).json()["save_url"]
    missing = await scene.door.ask("GET", "/v1/members/mbr_nobody/passes/apple", scene.cafe.key)
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_member")


async def test_the_brands_picture_is_large_enough_for_google(scene: Scene) -> None:
    look = await scene.door.parts.looks.whole(scene.cafe.partner_id)
    picture = await scene.door.client.get(f"/designs/{quote(look.id)}/logo.png")
    assert picture.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(picture.content)).size == (660, 660)


def _paper(file: bytes) -> dict[str, Any]:
    paper: dict[str, Any] = json.loads(zipfile.ZipFile(io.BytesIO(file)).read("pass.json"))
    return paper


def _drawn(path: str, size: int, scale: int = 8) -> Image.Image:
    """The picture of an SVG path made of horizontal strokes: `M x y` (`m dx dy`) and `h length`."""
    picture = Image.new("L", (size * scale, size * scale), 255)
    draw = ImageDraw.Draw(picture)
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])([-0-9. ]+)", path):
        values = [float(number) for number in re.findall(r"-?[0-9.]+", numbers)]
        if command == "h":
            top = (y - 0.5) * scale
            draw.rectangle((x * scale, top, (x + values[0]) * scale - 1, top + scale - 1), fill=0)
            x += values[0]
        else:
            x, y = (values[0], values[1]) if command == "M" else (x + values[0], y + values[1])
    return picture
