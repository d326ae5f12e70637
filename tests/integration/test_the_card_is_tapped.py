"""From a design with taps to the member who is met at the till, through the public door, with a rotation in between."""

import asyncio
import io
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import msgspec
from PIL import Image

from passes.sandbox.apple_tap import PhoneOfTaps
from passes.sandbox.apple_tap_terminal import TapTerminal
from tests.support.service import Door, Till, door

DESIGN = {
    "brand_name": "Kulma Café",
    "background": "#3b2417",
    "label_colour": "#e8d5c4",
    "layout": {"header": ["balance"], "secondary": ["holder"], "auxiliary": ["next_reward"], "back": ["member_code"]},
    "labels": {"balance": {"en": "Beans", "fi": "Pavut", "hu": "Babok"}},
    "taps": True,
}


async def paper_of(service: Door, till: Till, member_id: str) -> dict[str, Any]:
    """The pass document that a phone of the member gets now."""
    answer = await service.ask("GET", f"/v1/members/{member_id}/passes/apple", till.key)
    assert answer.status_code == 200, answer.text
    with ZipFile(io.BytesIO(answer.content)) as file:
        paper: dict[str, Any] = msgspec.json.decode(file.read("pass.json"))
    return paper


async def until_key_is_other_than(service: Door, till: Till, member_id: str, public_key: str) -> dict[str, Any]:
    """The document once it is made for another key."""
    async with asyncio.timeout(20):
        while True:
            paper = await paper_of(service, till, member_id)
            if paper["nfc"]["encryptionPublicKey"] != public_key:
                return paper
            await asyncio.sleep(0.05)


def a_logo() -> bytes:
    """A picture as a partner would send it."""
    out = io.BytesIO()
    Image.new("RGB", (480, 150), "#c8102e").save(out, "JPEG")
    return out.getvalue()


async def tap(service: Door, terminal: TapTerminal, phone: PhoneOfTaps) -> dict[str, Any]:
    """What the service says of a phone that is held to the reader."""
    answer = await service.client.post("/v1/taps", json=terminal.read(phone), headers=terminal.headers())
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def test_a_designed_card_is_tapped_and_so_it_is_after_its_key_was_rotated(
    database_url: str, twins_folder: Path
) -> None:
    async with door(database_url, twins_folder) as service:
        till = await service.partner("Kulma Café")
        at = f"/v1/partners/{till.partner_id}"
        bearer = {"authorization": f"Bearer {till.key}"}
        picture = (await service.client.post(f"{at}/pictures", content=a_logo(), headers=bearer)).json()["id"]
        design = await service.made(f"{at}/designs", till.key, {**DESIGN, "pictures": {"logo": picture}})
        key = await service.made("/v1/tap-keys", service.operator_key, {})
        await service.move(f"{at}/designs/{design['id']}/publish", till.key, {"share": 100})
        enrolled = await service.made(
            "/v1/terminals", service.operator_key, {"partner_id": till.partner_id, "name": "Counter"}
        )

        member = await service.member(till, "Aino", "fi")
        await service.earn(till, member["id"], 4200)
        paper = await paper_of(service, till, member["id"])
        assert paper["storeCard"]["headerFields"][0]["label"] == "Pavut"
        phone = PhoneOfTaps()
        phone.add(paper)
        terminal = TapTerminal(enrolled["id"], enrolled["key"], till.key, paper["passTypeIdentifier"])
        met = await tap(service, terminal, phone)
        assert (met["member_id"], met["balance"], met["assurance"]) == (member["id"], 42, "proved_present")

        await service.move(f"/v1/tap-keys/{key['key_id']}/rotate", service.operator_key, {})
        assert (await tap(service, terminal, phone))["member_id"] == member["id"]
        renewed = await until_key_is_other_than(service, till, member["id"], paper["nfc"]["encryptionPublicKey"])
        phone.add(renewed)
        assert (await tap(service, terminal, phone))["member_id"] == member["id"]
