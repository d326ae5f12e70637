"""Save links over HTTP: for partners with a key."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import Door, Till, door


@dataclass(frozen=True)
class Scene:
    door: Door
    cafe: Till
    member: dict[str, Any]

    async def link(self, path: str, key: str | None = None) -> Any:
        return await self.door.ask("GET", f"/v1{path}", key or self.cafe.key)


@pytest.fixture
async def scene(database_url: str, twins_folder: Path) -> AsyncIterator[Scene]:
    async with door(database_url, twins_folder) as the_door:
        cafe = await the_door.partner("Kulma Café")
        yield Scene(the_door, cafe, await the_door.member(cafe, "Aino"))


async def test_a_link_saves_the_card_and_says_whether_it_is_on_a_phone(scene: Scene) -> None:
    path = f"/members/{scene.member['id']}/passes/google"
    answer = await scene.link(path)
    assert answer.status_code == 200
    assert "/gp/v/save/" in answer.json()["save_url"]
    assert answer.json()["saved"] is False
    assert answer.headers["cache-control"] == "private, no-store"
    async with scene.door.parts.db.unit() as unit:
        await unit.connection.execute("UPDATE google_object SET held = 'saved'")
    assert (await scene.link(path)).json()["saved"] is True
    assert "/gp/v/save/" in (await scene.link(f"{path}/all")).json()["save_url"]


async def test_a_link_is_for_members_and_vouchers_that_exist_and_for_keys_that_may(scene: Scene) -> None:
    for path, code in (
        ("/members/mbr_nobody/passes/google", "unknown_member"),
        ("/members/mbr_nobody/passes/google/all", "unknown_member"),
        ("/vouchers/NOBODYSCODE1/passes/google", "unknown_voucher"),
    ):
        answer = await scene.link(path)
        assert (answer.status_code, answer.json()["code"]) == (404, code)
    made = await scene.door.made(
        f"/v1/partners/{scene.cafe.partner_id}/keys", scene.door.operator_key, {"scopes": ["earn"]}
    )
    refused = await scene.link(f"/members/{scene.member['id']}/passes/google", made["key"])
    assert refused.status_code == 403


async def test_everything_that_brings_changes_to_google_runs(scene: Scene) -> None:
    assert {"pass", "google.push", "google.class"} <= {one.kind for one in scene.door.parts.followers}
