"""The whole way of a design: from the partner's file to the pass on a phone, and to what Google is told."""

import asyncio
import json
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from httpx import Response

from tests.support.drawings import opened, png
from tests.support.service import Door, Till, door


def package(body: bytes) -> dict[str, bytes]:
    """The members of a .pkpass."""
    with ZipFile(BytesIO(body)) as file:
        return {name: file.read(name) for name in file.namelist()}


async def apple(at: Door, till: Till, member_id: str) -> dict[str, bytes]:
    answer = await at.ask("GET", f"/v1/members/{member_id}/passes/apple", till.key)
    assert answer.status_code == 200, answer.text
    return package(answer.content)


async def showing(at: Door, till: Till, member_id: str, background: str) -> dict[str, bytes]:
    """The package, once it has that background."""
    async with asyncio.timeout(30):
        while True:
            files = await apple(at, till, member_id)
            if json.loads(files["pass.json"])["backgroundColor"] == background:
                return files
            await asyncio.sleep(0.05)


async def asked(at: Door, path: str, body: object) -> Any:
    answer: Response = await at.ask("POST", path, at.operator_key, body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_published_design_reaches_the_passes_and_going_back_does_too(
    database_url: str, twins_folder: Path
) -> None:
    async with door(database_url, twins_folder) as at:
        till = await at.partner("Kulma")
        member = (await at.member(till, language="fi"))["id"]
        before = await apple(at, till, member)
        assert json.loads(before["pass.json"])["backgroundColor"] == "rgb(31, 41, 55)"

        path = f"/v1/partners/{till.partner_id}"
        headers = {"authorization": f"Bearer {at.operator_key}"}
        sent = await at.client.post(f"{path}/pictures", content=png(size=(700, 700)), headers=headers)
        assert sent.status_code == 201, sent.text
        labels = {"balance": {"en": "Beans", "fi": "Pavut", "hu": "Babok"}}
        body = {"background": "#3b2417", "pictures": {"logo": sent.json()["id"]}, "labels": labels}
        made = await asked(at, f"{path}/designs", body)
        await asked(at, f"{path}/designs/{made['id']}/publish", {"share": 100})

        files = await showing(at, till, member, "rgb(59, 36, 23)")
        header = json.loads(files["pass.json"])["storeCard"]["headerFields"][0]
        assert header["label"] == "Pavut"
        assert "Beans" in files["en.lproj/pass.strings"].decode()
        assert opened(files["logo@3x.png"]).size == (150, 150)
        assert files["logo@3x.png"] != before["logo@3x.png"]
        logo = await at.client.get(f"/designs/{made['id']}/logo.png")
        assert opened(logo.content).size == (660, 660)

        await asked(at, f"{path}/designs/brand/publish", {})
        files = await showing(at, till, member, "rgb(31, 41, 55)")
        assert files["logo@3x.png"] == before["logo@3x.png"]
