"""Designs and their pictures over HTTP: a partner's own affair, refused in words, never a server error."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.designs import DesignBody, designs_router
from api.http.pictures import design_pictures_router, pictures_router
from kernel.database import Database
from kernel.ids import new_id
from network.partners import Brand, add_partner
from passes.design.darkroom import Darkroom
from passes.design.gallery import MOST_PICTURES
from passes.design.intake import LARGEST_FILE_BYTES
from passes.design.looks import Looks
from passes.design.preview import preview
from passes.look import Look
from tests.support.drawings import corner_marked as corner_marked
from tests.support.drawings import encoded, jpeg, opened, png, png_of
from tests.support.http_ground import GroundParts, as_caller, ground_app, ground_client, key_of, operator_key
from tests.support.web import exchange, free_port, listening

_ROUTES = [designs_router, pictures_router, design_pictures_router]
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'

_MOVING = encoded(corner_marked(), "PNG", save_all=True, append_images=[corner_marked().rotate(90)])


@dataclass
class DesignParts(GroundParts):
    """What the routes of designs take besides."""

    darkroom: Darkroom = field(default_factory=Darkroom)

    @cached_property
    def looks(self) -> Looks:
        return Looks(self.db)


class Studio:
    """A partner's designer."""

    def __init__(self, client: httpx.AsyncClient, partner_id: str, key: str) -> None:
        self.client, self.partner_id, self.key = client, partner_id, key
        self.path = f"/v1/partners/{partner_id}"

    async def ask(self, method: str, path: str, body: object = None, key: str = "") -> httpx.Response:
        return await self.client.request(method, self.path + path, json=body, headers=as_caller(key or self.key))

    async def upload(self, raw: bytes, kind: str = "image/png") -> httpx.Response:
        headers = {**as_caller(self.key), "content-type": kind}
        return await self.client.post(f"{self.path}/pictures", content=raw, headers=headers)

    async def picture(self, raw: bytes) -> str:
        answer = await self.upload(raw)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def design(self, **body: object) -> dict[str, Any]:
        answer = await self.ask("POST", "/designs", body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


@asynccontextmanager
async def studio(db: Database, **parts: Any) -> AsyncIterator[Studio]:
    """A partner's own key, which may read and write what is the partner's."""
    ground = DesignParts(db, **parts)
    async with db.unit() as unit:
        one = await add_partner(unit, ground.clock, "Café", Brand("Café"))
    key = await key_of(ground, one.id, "network:read", "designs:write")
    async with ground_client(ground, _ROUTES) as client:
        yield Studio(client, one.id, key)


async def test_a_partner_designs_previews_and_publishes_its_card(db: Database) -> None:
    async with studio(db) as at:
        logo = await at.picture(png(size=(700, 700)))
        made = await at.design(background="#102030", pictures={"logo": logo}, labels={"balance": {"en": "Beans"}})
        assert (made["number"], made["actor"], made["design"]["brand_name"]) == (1, at.partner_id, "Café")
        assert [one["code"] for one in made["warnings"]] == ["language_missing"]
        read = await at.ask("GET", f"/designs/{made['id']}")
        assert read.json() == made
        shown = (await at.ask("GET", f"/designs/{made['id']}/preview?language=fi")).json()
        balance = shown["apple"]["areas"]["header"][0]
        assert (balance["key"], balance["label"]) == ("balance", "Beans")
        assert shown["apple"]["document"]["backgroundColor"] == "rgb(16, 32, 48)"
        sizes = {one["path"]: (one["width"], one["height"]) for one in shown["apple"]["pictures"]}
        assert (sizes["logo@3x.png"], sizes["icon@3x.png"]) == ((150, 150), (87, 87))
        assert shown["google"]["loyalty_class"]["hexBackgroundColor"] == "#102030"
        first = await at.ask("POST", f"/designs/{made['id']}/publish", {"share": 10})
        again = await at.ask("POST", f"/designs/{made['id']}/publish", {"share": 10})
        assert (first.status_code, again.json()) == (201, first.json())
        assert (await at.ask("POST", f"/designs/{made['id']}/publish", {"share": 9})).json()["code"] == "share_falls"
        await at.ask("POST", f"/designs/{made['id']}/publish", {})
        await at.ask("POST", "/designs/brand/publish", {})
        listed = (await at.ask("GET", "/releases")).json()["data"]
        assert [(one["design_id"], one["share"]) for one in listed] == [
            (made["id"], 10),
            (made["id"], 100),
            ("brand", 100),
        ]


async def test_the_same_design_sent_twice_is_one_version(db: Database) -> None:
    async with studio(db) as at:
        first = await at.design(background="#000000", user_info={"a": [1, 2.5]})
        assert (await at.design(background="#000000", user_info={"a": [1, 2.5]}))["id"] == first["id"]
        both = await asyncio.gather(*(at.design(background="#000001") for _ in range(4)))
        assert {one["number"] for one in both} == {2}
        assert (await at.design(background="#000000", user_info={"a": [1, 2.5]}))["number"] == 3
        page = (await at.ask("GET", "/designs?limit=2")).json()
        rest = (await at.ask("GET", f"/designs?limit=2&after={page['next']}")).json()
        assert [one["number"] for one in page["data"] + rest["data"]] == [1, 2, 3]


async def test_faults_are_listed_with_their_places_and_nothing_is_kept(db: Database) -> None:
    body = {
        "foreground": "#808080",
        "background": "#7f7f7f",
        "layout": {"header": ["balance", "tier", "vouchers", "pending"]},
        "links": [{"label": {"en": "Shop"}, "url": "http://shop.example"}],
        "pictures": {"logo": "0" * 64},
    }
    async with studio(db) as at:
        refused = await at.ask("POST", "/designs", body)
        assert (refused.status_code, refused.json()["code"]) == (400, "design_faults")
        pointers = {one["pointer"] for one in refused.json()["errors"]}
        assert pointers == {
            *("/foreground", "/label_colour", "/layout/header/3", "/layout/secondary/1", "/links/0/url"),
            "/pictures/logo",
        }
        drawn = await at.ask("POST", "/designs/preview", body)
        assert (drawn.status_code, drawn.json().get("apple")) == (200, None)
        assert pointers <= {one["pointer"] for one in drawn.json()["findings"]}
        assert (await at.ask("GET", "/designs")).json()["data"] == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"colour": "#000000"}, "/colour"),
        ({"style": "boarding_pass"}, "/style"),
        ({"layout": {"header": ["password"]}}, "/layout/header/0"),
        ({"layout": {"middle": []}}, "/layout/middle"),
        ({"pictures": {"logo": 7}}, "/pictures/*"),
        ({"relevant": [{"start": "tomorrow"}]}, "/relevant/0/start"),
        ({"store_ids": ["1"]}, "/store_ids/0"),
        ({"id": "dsn_x"}, "/id"),
    ],
)
async def test_a_body_of_another_shape_is_refused_with_its_place(db: Database, body: object, pointer: str) -> None:
    async with studio(db) as at:
        for path in ("/designs", "/designs/preview"):
            answer = await at.ask("POST", path, body)
            assert (answer.status_code, answer.json()["code"]) == (400, "body_invalid"), answer.text
            assert answer.json()["errors"][0]["pointer"].split("/")[1] == pointer.split("/")[1]


async def test_pictures_come_in_as_files_and_are_kept_as_clean_png(db: Database) -> None:
    async with studio(db) as at:
        for raw, kind in ((jpeg(), "image/jpeg"), (png(), "image/gif"), (png(size=(60, 41)), "application/json")):
            answer = await at.upload(raw, kind)
            assert answer.status_code == 201, answer.text
            kept = await at.ask("GET", f"/pictures/{answer.json()['id']}")
            assert (kept.headers["content-type"], kept.headers["x-content-type-options"]) == ("image/png", "nosniff")
            assert opened(kept.content).size == (answer.json()["width"], answer.json()["height"])
            assert len(kept.content) == answer.json()["bytes"]
        assert len((await at.ask("GET", "/pictures")).json()["data"]) == 3
        assert (await at.upload(png())).json()["id"] in {
            one["id"] for one in (await at.ask("GET", "/pictures")).json()["data"]
        }
        assert len((await at.ask("GET", "/pictures")).json()["data"]) == 3


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (_SVG, 400, "picture_kind_unknown"),
        (b"", 400, "picture_kind_unknown"),
        (png()[:-5], 400, "picture_broken"),
        (png_of(60_000, 60_000, bytes(1000)), 400, "picture_too_large"),
        (_MOVING, 400, "picture_moves"),
        (png() + bytes(LARGEST_FILE_BYTES), 413, "body_too_large"),
    ],
    ids=["svg", "empty", "cut off", "bomb", "animation", "heavy"],
)  # fmt: skip
async def test_hostile_pictures_are_refused_in_words(db: Database, raw: bytes, status: int, code: str) -> None:
    async with studio(db) as at:
        answer = await at.upload(raw)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        assert (await at.ask("GET", "/pictures")).json()["data"] == []


async def test_a_picture_that_a_design_shows_stays(db: Database) -> None:
    async with studio(db) as at:
        shown, spare = await at.picture(png()), await at.picture(png("L", size=(61, 40)))
        await at.design(pictures={"strip.fi": shown})
        assert (await at.ask("DELETE", f"/pictures/{shown}")).json()["code"] == "picture_used"
        assert (await at.ask("DELETE", f"/pictures/{spare}")).status_code == 204
        for picture_id in (spare, "x", "%00"):
            assert (await at.ask("DELETE", f"/pictures/{picture_id}")).status_code in (400, 404)
            assert (await at.ask("GET", f"/pictures/{picture_id}")).status_code in (400, 404)


async def test_a_partner_keeps_a_bounded_number_of_pictures(db: Database) -> None:
    async with studio(db) as at:
        async with db.unit() as unit:
            await unit.connection.execute(
                "INSERT INTO picture (id, partner_id, width, height, png)"
                " SELECT 'p' || number, $1, 1, 1, '' FROM generate_series(1, $2::int) AS number",
                at.partner_id,
                MOST_PICTURES - 1,
            )
        # Four at once for the last place.
        files = [png(size=(60, 40 + number)) for number in range(4)]
        answers = await asyncio.gather(*(at.upload(raw) for raw in files))
        assert sorted(one.json().get("code", "") for one in answers) == ["", *["gallery_full"] * 3]
        kept = next(raw for raw, one in zip(files, answers, strict=True) if one.status_code == 201)
        assert (await at.upload(kept)).status_code == 201  # it is there already


async def test_designers_wait_in_a_line_that_has_an_end(db: Database) -> None:
    async with studio(db, darkroom=Darkroom(at_once=1, most_waiting=1)) as at:
        answers = await asyncio.gather(*(at.upload(png(size=(3000, 2000))) for _ in range(6)))
        refused = [one for one in answers if one.status_code == 503]
        assert {one.status_code for one in answers} == {201, 503}
        assert all(one.json()["code"] == "pictures_busy" and int(one.headers["retry-after"]) > 0 for one in refused)


async def test_one_partner_sees_and_touches_nothing_of_another(db: Database) -> None:
    async with studio(db) as at:
        picture, made = await at.picture(png()), await at.design()
        parts = DesignParts(db)
        async with db.unit() as unit:
            stranger_id = (await add_partner(unit, parts.clock, "Bar", Brand("Bar"))).id
        stranger = await key_of(parts, stranger_id, "network:read", "designs:write")
        reader = await key_of(parts, at.partner_id, "network:read")
        asked: list[tuple[str, str, object]] = [
            ("GET", "/pictures", None), ("GET", f"/pictures/{picture}", None), ("DELETE", f"/pictures/{picture}", None),
            ("POST", "/pictures", None), ("GET", "/designs", None), ("POST", "/designs", {}),
            ("POST", "/designs/preview", {}), ("GET", f"/designs/{made['id']}", None),
            ("GET", f"/designs/{made['id']}/preview", None), ("POST", f"/designs/{made['id']}/publish", {}),
            ("GET", "/releases", None),
        ]  # fmt: skip
        for method, path, body in asked:
            answer = await at.ask(method, path, body, stranger)
            assert (answer.status_code, answer.json()["code"]) == (404, "partner_unknown"), path
        for method, path, body in (("POST", "/designs", {}), ("POST", "/pictures", None)):
            assert (await at.ask(method, path, body, reader)).json()["code"] == "scope_missing"
        theirs = Studio(at.client, stranger_id, stranger)
        refused = await theirs.ask("POST", "/designs", {"pictures": {"logo": picture}})
        assert refused.json()["errors"][0]["code"] == "picture_unknown"
        assert (await theirs.ask("POST", f"/designs/{made['id']}/publish", {})).json()["code"] == "design_unknown"
        operator = await operator_key(parts)
        assert (await at.ask("GET", f"/designs/{made['id']}", None, operator)).status_code == 200
        assert (await at.ask("POST", "/designs", {"background": "#000000"}, operator)).json()["actor"] == "operator"


async def test_google_fetches_a_designs_pictures_without_a_key(db: Database) -> None:
    async with studio(db) as at:
        strip = await at.picture(png(size=(1125, 432)))
        plain, dressed = await at.design(), await at.design(pictures={"strip": strip})
        for made, hero in ((plain, 404), (dressed, 200)):
            logo = await at.client.get(f"/designs/{made['id']}/logo.png")
            assert opened(logo.content).size == (660, 660)
            assert "immutable" in logo.headers["cache-control"]
            assert (await at.client.get(f"/designs/{made['id']}/hero.png")).status_code == hero
        for unknown in (new_id("dsn"), "brand:x", "%00", "%F0%9F%98%80", "x" * 300):
            assert (await at.client.get(f"/designs/{unknown}/logo.png")).status_code in (400, 404)
        assert (await at.client.get(f"/designs/brand:{at.partner_id}:0/logo.png")).status_code == 200


async def test_over_a_real_socket_files_may_be_larger_than_other_bodies(db: Database) -> None:
    """The server hands the body over in pieces, with or without its length; other routes keep their small limit."""
    parts = DesignParts(db)
    async with db.unit() as unit:
        partner_id = (await add_partner(unit, parts.clock, "Café", Brand("Café"))).id
    key = await key_of(parts, partner_id, "network:read", "designs:write")
    port = free_port()
    heavy = encoded(opened(png_of(1000, 700, noise(1000 * 700 + 700))), "PNG", compress_level=0)
    assert 512 * 1024 < len(heavy) < LARGEST_FILE_BYTES

    def head(path: str, *more: str) -> bytes:
        lines = [f"POST /v1/partners/{partner_id}/{path} HTTP/1.1", "host: x", f"authorization: Bearer {key}"]
        return "\r\n".join([*lines, *more, "connection: close", "", ""]).encode()

    def chunked(body: bytes) -> bytes:
        pieces = [body[at : at + 60_000] for at in range(0, len(body), 60_000)]
        return b"".join(f"{len(one):x}\r\n".encode() + one + b"\r\n" for one in pieces) + b"0\r\n\r\n"

    too_much = heavy + bytes(LARGEST_FILE_BYTES)
    async with listening(ground_app(parts, _ROUTES), port):
        sized = await exchange(port, head("pictures", f"content-length: {len(heavy)}") + heavy, 20)
        streamed = await exchange(port, head("pictures", "transfer-encoding: chunked") + chunked(heavy), 20)
        assert sized.startswith(b"HTTP/1.1 201")
        assert streamed.startswith(b"HTTP/1.1 201")
        promised = await exchange(port, head("pictures", f"content-length: {len(too_much)}") + too_much[:1000], 20)
        assert promised.startswith(b"HTTP/1.1 413")
        endless = await exchange(port, head("pictures", "transfer-encoding: chunked") + chunked(too_much), 20)
        assert not endless.startswith(b"HTTP/1.1 2")
        assert not endless.startswith(b"HTTP/1.1 5")
        text = json.dumps({"logo_text": base64.b64encode(heavy[:80_000]).decode()}).encode()
        design = head("designs", "content-type: application/json", f"content-length: {len(text)}") + text
        assert (await exchange(port, design, 20)).startswith(b"HTTP/1.1 413")
    async with db.read() as read:
        assert await read.connection.fetchval("SELECT count(*) FROM picture") == 1


def noise(count: int) -> bytes:
    """Bytes that do not compress, each row of 1000 beginning with filter 0."""
    body = bytearray((number * number * 2654435761 >> 13) & 0xFF for number in range(count))
    body[::1001] = bytes(len(body[::1001]))
    return bytes(body)


_texts = st.text(max_size=70)
_words = st.dictionaries(st.sampled_from(["en", "fi", "hu", "sv", ""]), _texts, max_size=3)
_colours = st.one_of(_texts, st.from_regex("#[0-9a-f]{6}", fullmatch=True))
_addresses = st.one_of(_texts, _texts.map(lambda rest: f"https://{rest}"))
_json = st.recursive(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), _texts), st.lists)
_bodies = st.fixed_dictionaries(
    {},
    optional={
        "brand_name": _texts,
        "logo_text": _texts,
        "background": _colours,
        "foreground": _colours,
        "labels": st.dictionaries(_texts, _words, max_size=3),
        "links": st.lists(st.fixed_dictionaries({"label": _words, "url": _addresses}), max_size=3),
        "texts": st.lists(st.fixed_dictionaries({"key": _texts, "label": _words, "text": _words}), max_size=3),
        "pictures": st.dictionaries(_texts, _texts, max_size=3),
        "app_url": _addresses,
        "store_ids": st.lists(st.integers(-(2**60), 2**60), max_size=3),
        "user_info": st.dictionaries(_texts, _json, max_size=3),
    },
)


@given(_bodies, st.sampled_from(["en", "fi", "hu"]))
def test_any_texts_of_a_design_are_judged_and_the_good_ones_drawn(body: dict[str, Any], language: str) -> None:
    given_body = msgspec.convert(body, DesignBody)
    fields = {name: getattr(given_body, name) for name in DesignBody.__struct_fields__}
    look = Look(id="", partner_id="ptn_x", **{**fields, "brand_name": given_body.brand_name or "Café"})
    drawn = preview(look, {}, language)
    assert all(one.says and one.code for one in drawn.findings)
    assert (drawn.apple is None) == any(one.level == "fault" for one in drawn.findings)
