"""A designed card in Google Wallet is held to a reader and shown to a scanner, through the public door."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from passes.sandbox.android import AndroidFleet, AndroidPhone
from passes.sandbox.apple_tap import APPLICATION, tags
from passes.sandbox.apple_tap_terminal import NoTap
from passes.sandbox.google_totp import RotatingScreen
from passes.sandbox.nfc_terminal import command, content, select
from passes.sandbox.smart_tap_device import Merchants, SmartTapPhone
from tests.support.service import Door, Till, door

DESIGN = {"brand_name": "Kulma Café", "background": "#3b2417", "label_colour": "#e8d5c4", "taps": True}
COLLECTOR = 20180608


@dataclass
class Scene:
    """A café with a reader, and a member whose phone has the card."""

    door: Door
    till: Till
    reader: dict[str, Any]
    member: dict[str, Any]
    merchants: Merchants
    fleet: AndroidFleet
    android: AndroidPhone
    object_id: str
    sequence: int = 0

    def held(self) -> SmartTapPhone:
        """The phone, as readers meet it: with what Google pushed to it."""
        phone = SmartTapPhone(self.merchants)
        phone.add(self.body, self.fleet.classes[self.body["classId"]])
        return phone

    @property
    def body(self) -> dict[str, Any]:
        """The card on the phone, as Google pushed it last."""
        body = self.android.body(self.object_id)
        assert body is not None
        return body

    async def present(self, shown: dict[str, Any]) -> dict[str, Any]:
        """What the service says of something that was shown to the reader."""
        self.sequence += 1
        headers = {"terminal-key": self.reader["key"], "idempotency-key": f"shown{self.sequence}"}
        body = {"terminal_id": self.reader["id"], "shown": shown}
        answer = await self.door.ask("POST", "/v1/presentations", self.till.key, body, headers)
        assert answer.status_code == 201, answer.text
        said: dict[str, Any] = answer.json()
        return said

    async def tap(self, phone: SmartTapPhone) -> dict[str, Any]:
        """What the service says of the phone that is held to the reader."""
        nonce = tags(tags(content(phone.answer(select(APPLICATION))))[b"\x6f"])[b"\xc2"]
        self.sequence += 1
        body = {"terminal_id": self.reader["id"], "sequence": self.sequence, "device_nonce": nonce.hex()}
        begun = await self.door.ask("POST", "/v1/smart-taps", self.till.key, body, {"terminal-key": self.reader["key"]})
        assert begun.status_code == 201, begun.text
        negotiated = content(phone.answer(command("90530000", bytes.fromhex(begun.json()["negotiate"]))))
        answer = phone.answer(command("90500000", bytes.fromhex(begun.json()["request"])))
        while answer[-2:] == b"\x91\x00":
            answer = answer[:-2] + phone.answer(bytes.fromhex("90c0000000"))
        shown = {"kind": "smart_tap_session", "session_id": begun.json()["id"], "negotiated": negotiated.hex()}
        return await self.present({**shown, "answer": content(answer).hex()})


def a_logo() -> bytes:
    """A picture as a partner would send it."""
    out = io.BytesIO()
    Image.new("RGB", (480, 150), "#c8102e").save(out, "JPEG")
    return out.getvalue()


async def designed(service: Door, till: Till) -> None:
    """A design with taps is what cards look like."""
    at, bearer = f"/v1/partners/{till.partner_id}", {"authorization": f"Bearer {till.key}"}
    picture = (await service.client.post(f"{at}/pictures", content=a_logo(), headers=bearer)).json()["id"]
    design = await service.made(f"{at}/designs", till.key, {**DESIGN, "pictures": {"logo": picture}})
    await service.move(f"{at}/designs/{design['id']}/publish", till.key, {"share": 100})


@asynccontextmanager
async def phones_at(service: Door) -> AsyncIterator[AndroidFleet]:
    """Phones of the Google that the service talks to."""
    fleet = AndroidFleet(f"{service.parts.settings.google_base_url}/phones")
    await fleet.start()
    try:
        yield fleet
    finally:
        await fleet.close()


@pytest.fixture
async def scene(database_url: str, twins_folder: Path) -> AsyncIterator[Scene]:
    async with door(database_url, twins_folder, google_smart_tap=True) as service, phones_at(service) as fleet:
        till = await service.partner("Kulma Café")
        await designed(service, till)
        key = await service.made("/v1/smart-tap-keys", service.operator_key, {"collector_id": COLLECTOR})
        merchants = Merchants()
        merchants.publish(service.parts.settings.google_issuer, COLLECTOR, key["version"], key["public_key"])
        reader = {"partner_id": till.partner_id, "name": "Counter"}
        enrolled = await service.made("/v1/terminals", service.operator_key, reader)
        member = await service.member(till, "Aino", "fi")
        await service.earn(till, member["id"], 4200)
        link = await service.ask("GET", f"/v1/members/{member['id']}/passes/google", till.key)
        android = fleet.phone()
        card = await android.save(link.json()["save_url"])
        yield Scene(service, till, enrolled, member, merchants, fleet, android, card.object_id)


async def test_a_designed_card_in_google_wallet_is_tapped(scene: Scene) -> None:
    met = await scene.tap(scene.held())
    assert (met["member"]["id"], met["card"]["balance"]) == (scene.member["id"], 42)
    assert (met["assurance"], met["reasons"]) == ("proved_present", [])
    value = scene.body["smartTapRedemptionValue"]  # said by NFC alone: nothing that is shown or told says it
    assert value not in str({name: said for name, said in scene.body.items() if name != "smartTapRedemptionValue"})
    assert value not in str(scene.member) + str(met)


async def test_a_card_that_is_not_active_is_not_handed_out(scene: Scene) -> None:
    phone = scene.held()
    phone.add({**scene.body, "state": "INACTIVE"}, scene.fleet.classes[scene.body["classId"]])
    with pytest.raises(NoTap):
        await scene.tap(phone)


async def test_the_rotating_codes_that_google_draws_prove_once_on_phones_with_wrong_clocks(scene: Scene) -> None:
    for off_s in (-20.0, 20.0):  # so far apart that they draw different codes
        screen = RotatingScreen(scene.body["rotatingBarcode"], off_s)
        shown = {"kind": "scan", "content": screen.shown(datetime.now(UTC))}
        first, again = await scene.present(shown), await scene.present(shown)
        assert [one["member"]["id"] for one in (first, again)] == [scene.member["id"]] * 2
        assert [one["assurance"] for one in (first, again)] == ["proved_present", "identified"]
