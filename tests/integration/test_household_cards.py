"""Cards of a household say what the account in use says: after joining it and after leaving it."""

import asyncio
import io
from pathlib import Path
from zipfile import ZipFile

import msgspec

from tests.support.service import Door, Till, door


async def until_it_shows(service: Door, till: Till, member_id: str, balance: str) -> None:
    """Wait until the member's pass shows this balance."""
    async with asyncio.timeout(20):
        while True:
            answer = await service.ask("GET", f"/v1/members/{member_id}/passes/apple", till.key)
            with ZipFile(io.BytesIO(answer.content)) as file:
                paper = msgspec.json.decode(file.read("pass.json"))
            if paper["storeCard"]["headerFields"][0]["value"] == balance:
                return
            await asyncio.sleep(0.05)


async def test_a_card_shows_the_households_points_and_after_leaving_its_own(
    database_url: str, twins_folder: Path
) -> None:
    async with door(database_url, twins_folder) as service:
        till = await service.partner()
        published = await service.move("/v1/programmes", till.key, {"text": PROGRAMME})
        assert published.status_code == 201, published.text
        rich, poor = [await service.member(till, name) for name in ("Aino", "Eino")]
        await service.earn(till, rich["id"], 4200)
        for member in (rich, poor):
            await service.ask("GET", f"/v1/members/{member['id']}/passes/apple", till.key)
        household = await service.made("/v1/households", till.key, {"member_id": rich["id"]})
        at = f"/v1/households/{household['id']}"
        await service.move(f"{at}/invitations", till.key, {"member_id": poor["id"], "by_member_id": rich["id"]})
        joined = await service.move(f"{at}/members", till.key, {"member_id": poor["id"]})
        assert joined.status_code in (200, 201), joined.text
        await until_it_shows(service, till, poor["id"], "42")
        left = await service.ask("DELETE", f"{at}/members/{poor['id']}", till.key)
        assert left.status_code in (200, 204), left.text
        await until_it_shows(service, till, poor["id"], "0")


PROGRAMME = """
programme: family
names: {en: Family}
zone: Europe/Helsinki
currency: EUR
earn: [{id: terms, kind: terms}]
households: {max_members: 4}
"""


async def test_who_was_merged_into_a_member_goes_where_that_member_goes(database_url: str, twins_folder: Path) -> None:
    async with door(database_url, twins_folder) as service:
        till = await service.partner()
        await service.move("/v1/programmes", till.key, {"text": PROGRAMME})
        old, new, friend = [await service.member(till, name) for name in ("Aino", "Aino M", "Eino")]
        await service.earn(till, friend["id"], 4200)
        for member in (old, new, friend):
            await service.ask("GET", f"/v1/members/{member['id']}/passes/apple", till.key)
        await service.made(f"/v1/members/{old['id']}/merge", till.key, {"into": new["id"]})
        household = await service.made("/v1/households", till.key, {"member_id": friend["id"]})
        at = f"/v1/households/{household['id']}"
        await service.move(f"{at}/members", till.key, {"member_id": new["id"]})
        for member in (old, new, friend):
            await until_it_shows(service, till, member["id"], "42")
        await service.ask("DELETE", f"{at}/members/{new['id']}", till.key)
        for member in (old, new):
            await until_it_shows(service, till, member["id"], "0")
        await service.earn(till, old["id"], 700)
        for member, balance in ((old, "7"), (new, "7"), (friend, "42")):
            await until_it_shows(service, till, member["id"], balance)
        await service.made(f"/v1/members/{new['id']}/merge", till.key, {"into": friend["id"]})
        for member in (old, new, friend):
            await until_it_shows(service, till, member["id"], "49")
