"""Joining without a name, being named, and contact data, over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from api.http.member_details import member_details_router
from api.http.members import members_router
from kernel.database import Database
from network.programmes import Programmes
from points.contact_changes import Contacts
from points.contacts import Contact, contact_of, keep, kept
from points.ledger import Ledger
from points.teller import Teller
from tests.support.http_ground import GroundParts, GroundSettings, as_caller, ground_client, key_of, operator_key
from tests.support.voucher_shop import VoucherShop, voucher_shop

AINO = contact_of("aino@example.org", "+358401234567")


@dataclass(frozen=True)
class _Settings(GroundSettings):
    public_url: str = "https://points.example"


@dataclass
class _Parts(GroundParts):
    settings: _Settings = field(default_factory=_Settings)
    programmes: Programmes | None = None
    contacts: Contacts | None = None


@dataclass
class Scene:
    shop: VoucherShop
    parts: _Parts
    client: httpx.AsyncClient
    cafe: str
    gym: str
    operator: str

    async def join(self, body: object, idempotency_key: str = "") -> httpx.Response:
        headers = as_caller(self.cafe) | ({"idempotency-key": idempotency_key} if idempotency_key else {})
        return await self.client.post("/v1/members", json=body, headers=headers)

    async def ask(self, method: str, path: str, key: str, body: object = None) -> httpx.Response:
        return await self.client.request(method, f"/v1/members/{path}", json=body, headers=as_caller(key))


@pytest.fixture
async def scene(db: Database) -> AsyncIterator[Scene]:
    async with voucher_shop(db) as shop:
        parts = _Parts(db, programmes=shop.programmes)
        scopes = ("members:read", "members:write")
        cafe, gym = [await key_of(parts, partner, *scopes) for partner in (shop.cafe, shop.gym)]
        teller = Teller(db, Ledger(shop.clock, []))
        await teller.start()
        parts.contacts = Contacts(db, teller, shop.clock, parts.keyring)
        async with ground_client(parts, [members_router, member_details_router]) as client:
            yield Scene(shop, parts, client, cafe, gym, await operator_key(parts))
        await teller.stop()


async def test_a_member_may_join_without_a_name(scene: Scene) -> None:
    joined = await scene.join({"anonymous": True, "language": "fi"})
    assert joined.status_code == 201, joined.text
    assert (joined.json()["name"], joined.json()["language"]) == ("", "fi")
    found = await scene.ask("GET", joined.json()["id"], scene.cafe)
    assert (found.status_code, found.json()["member"]["name"]) == (200, "")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "name_or_anonymous"), ({"anonymous": False}, "name_or_anonymous"),
        ({"name": "Aino", "anonymous": True}, "name_or_anonymous"), ({"name": None}, "name_or_anonymous"),
        ({"name": ""}, "body_invalid"), ({"name": "", "anonymous": True}, "body_invalid"),
        ({"name": " "}, "bad_name"), ({"anonymous": 1}, "body_invalid"), ({"anonymous": "true"}, "body_invalid"),
    ],
    ids=str,
)  # fmt: skip
async def test_a_name_is_given_or_done_without_and_nothing_in_between(
    scene: Scene, body: dict[str, Any], code: str
) -> None:
    refused = await scene.join(body)
    assert (refused.status_code, refused.json()["code"]) == (400, code)


async def test_a_repeated_join_is_answered_with_the_same_member(scene: Scene) -> None:
    first, again = [await scene.join({"anonymous": True}, "k") for _ in range(2)]
    spelled_out = await scene.join({"anonymous": True, "language": "en", "name": None}, "k")
    assert first.json() == again.json() == spelled_out.json()
    assert again.headers["idempotent-replayed"] == "true"
    other = await scene.join({"name": "Aino"}, "k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_member_is_named_later_and_their_passes_hear_of_it(scene: Scene) -> None:
    member = (await scene.join({"anonymous": True})).json()["id"]
    for _ in range(2):
        named = await scene.ask("PUT", f"{member}/name", scene.cafe, {"name": "Ödön"})
        assert (named.status_code, named.content) == (204, b"")
    assert await scene.shop.notes() == {member}
    assert (await scene.ask("GET", member, scene.gym)).json()["member"]["name"] == "Ödön"
    for body, code in (({"name": "A\nB"}, "bad_name"), ({"name": ""}, "body_invalid"), ({}, "body_invalid")):
        refused = await scene.ask("PUT", f"{member}/name", scene.cafe, body)
        assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert await scene.shop.notes() == set()


async def test_contact_data_are_read_and_forgotten_where_the_member_joined(scene: Scene) -> None:
    member = (await scene.join({"anonymous": True})).json()["id"]
    async with scene.parts.db.unit() as unit:
        await keep(unit.connection, scene.parts.keyring, member, AINO)
    for key in (scene.cafe, scene.operator):
        told = await scene.ask("GET", f"{member}/contact", key)
        assert told.json() == {
            "email": "aino@example.org", "phone": "+358401234567", "postal_code": None, "country": None,
        }  # fmt: skip
        assert told.headers["cache-control"] == "private, no-store"
    for _ in range(2):
        assert (await scene.ask("DELETE", f"{member}/contact", scene.cafe)).status_code == 204
    async with scene.parts.db.read() as read:
        assert await kept(read.connection, scene.parts.keyring, member) == Contact()


async def test_personal_data_are_not_another_partners_business(scene: Scene) -> None:
    member = (await scene.join({"anonymous": True})).json()["id"]
    asked = [("GET", "/contact", None), ("DELETE", "/contact", None), ("PUT", "/name", {"name": "Bo"})]
    asked.append(("PUT", "/contact", {"email": "bo@example.org"}))
    for method, path, body in asked:
        refused = await scene.ask(method, f"{member}{path}", scene.gym, body)
        assert (refused.status_code, refused.json()["code"]) == (403, "member_of_another_partner")
        missing = await scene.ask(method, f"mbr_nobody{path}", scene.gym, body)
        assert (missing.status_code, missing.json()["code"]) == (404, "unknown_member")
    till = await key_of(scene.parts, scene.shop.cafe, "members:read")
    for method, path, body in asked:
        refused = await scene.ask(method, f"{member}{path}", till, body)
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
