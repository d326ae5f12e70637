"""/v1/programmes: files are checked and published, and everybody may read what is in force."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import httpx
import msgspec
import pytest

from api.http.programmes import programmes_router
from kernel.database import Database
from network.programmes import Programmes
from points.programme.canonical import id_of
from points.programme.registry import Versions
from points.programme.shelf import default_version, names, template
from tests.support.http_ground import START, GroundParts, as_caller, ground_client, key_of, operator_key
from tests.support.points_out import put_points_out
from tests.support.programme_files import HEAD


@dataclass
class Parts(GroundParts):
    """The ground, with programmes."""

    @cached_property
    def programmes(self) -> Programmes:
        return Programmes(self.db, Versions(self.db))


@pytest.fixture
def parts(db: Database) -> Parts:
    return Parts(db)


@pytest.fixture
async def client(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    async with ground_client(parts, [programmes_router]) as one:
        yield one


@pytest.fixture
async def operator(parts: Parts) -> dict[str, str]:
    return as_caller(await operator_key(parts))


async def partner(client: httpx.AsyncClient, parts: Parts, operator: dict[str, str]) -> tuple[str, dict[str, str]]:
    """A new partner: its id and the header of its key."""
    answer = await client.post("/v1/partners", json={"name": "Café"}, headers=operator)
    partner_id = answer.json()["id"]
    return partner_id, as_caller(await key_of(parts, partner_id, "programmes:read", "programmes:write"))


async def publish(client: httpx.AsyncClient, caller: dict[str, str], text: str, **more: Any) -> httpx.Response:
    return await client.post("/v1/programmes", json={"text": text, **more}, headers=caller)


async def test_a_file_is_checked_without_being_kept(client: httpx.AsyncClient, operator: dict[str, str]) -> None:
    answer = await client.post("/v1/programmes/lint", json={"text": template("cafe")}, headers=operator)
    assert answer.status_code == 200
    assert answer.json()["programme"] == "cafe"
    assert answer.json()["unfair"] == []
    listed = (await client.get("/v1/programmes", headers=operator)).json()
    assert listed == {"in_force": default_version().id, "programme": "commonpoint", "publications": []}


async def test_faults_are_a_problem_that_lists_every_place(client: httpx.AsyncClient, operator: dict[str, str]) -> None:
    text = HEAD + "earn:\n  - {id: a, kind: visit, points: 0}\n  - {id: b, kind: visit, pionts: 1}\n"
    for path in ("/v1/programmes/lint", "/v1/programmes"):
        answer = await client.post(path, json={"text": text}, headers=operator)
        assert (answer.status_code, answer.json()["code"]) == (400, "programme_faults")
        errors = answer.json()["errors"]
        assert [(one["line"], one["column"], one["path"]) for one in errors] == [
            (6, 26, "earn[0].points"),
            (7, 5, "earn[1]"),
            (7, 26, "earn[1].pionts"),
        ]
        assert {one["pointer"] for one in errors} == {"/text"}
        assert "did you mean `points`" in errors[2]["detail"]


async def test_advice_comes_with_its_line(client: httpx.AsyncClient, operator: dict[str, str]) -> None:
    text = (
        HEAD
        + "earn: [{id: a, kind: visit, points: 1}]\nrewards:\n  - {id: r, names: {en: R}, kind: product, cost: 999}\n"
    )
    answer = await client.post("/v1/programmes/lint", json={"text": text}, headers=operator)
    found = {one["code"]: (one["line"], one["path"]) for one in answer.json()["advice"]}
    assert found["unreachable_reward"] == (7, "rewards[0].cost")


async def test_a_partner_publishes_for_itself(
    client: httpx.AsyncClient, parts: Parts, operator: dict[str, str]
) -> None:
    partner_id, caller = await partner(client, parts, operator)
    assert (await parts.programmes.in_force(partner_id, START)).version is default_version()
    answer = await publish(client, caller, HEAD)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["partner_id"], made["programme"], made["status"]) == (partner_id, "corner_cafe", "in_force")
    assert (await parts.programmes.in_force(partner_id, START)).version.id == made["version_id"]
    again = await publish(client, caller, "# the same\n" + HEAD)
    assert again.json()["id"] == made["id"]
    later = await publish(client, caller, HEAD + "arrears: {cap: 5}\n", effective_from="2026-04-01T00:00:00+03:00")
    assert later.json()["status"] == "to_come"
    listed = (await client.get("/v1/programmes", headers=caller)).json()
    assert listed["in_force"] == made["version_id"]
    assert [one["id"] for one in listed["publications"]] == [later.json()["id"], made["id"]]


async def test_superseded_publications_are_no_longer_listed(
    client: httpx.AsyncClient, parts: Parts, operator: dict[str, str]
) -> None:
    _, caller = await partner(client, parts, operator)
    await publish(client, caller, HEAD)
    parts.clock.advance(timedelta(days=1))
    second = (await publish(client, caller, HEAD + "arrears: {cap: 5}\n")).json()
    listed = (await client.get("/v1/programmes", headers=caller)).json()
    assert [one["id"] for one in listed["publications"]] == [second["id"]]


async def test_the_operator_publishes_for_the_coalition_with_all_names_bound(
    client: httpx.AsyncClient, parts: Parts, operator: dict[str, str]
) -> None:
    cafe, caller = await partner(client, parts, operator)
    place = await client.post(f"/v1/partners/{cafe}/locations", json={"name": "N", "zone": "UTC"}, headers=operator)
    text = HEAD + "partners: {cafe: {name: Café}}\nlocations: {north: North}\n"
    ids = {"cafe": cafe, "north": place.json()["id"]}
    for wrong, code in (
        ({}, "programme_names_unbound"),
        ({**ids, "cafe": "ptn_00000000000000000000000000"}, "programme_bound_to_nobody"),
        ({**ids, "north": cafe}, "programme_bound_to_nobody"),
    ):
        refused = await publish(client, operator, text, ids=wrong)
        assert (refused.status_code, refused.json()["code"]) == (400, code)
    made = await publish(client, operator, text, ids=ids)
    assert (made.status_code, made.json()["partner_id"], made.json()["ids"]) == (201, None, ids)
    seen = (await client.get("/v1/programmes", headers=caller)).json()
    assert seen["in_force"] == made.json()["version_id"]
    assert (await parts.programmes.in_force(cafe, START)).names[cafe] == "cafe"


async def test_partners_do_not_touch_or_see_each_others_programmes(
    client: httpx.AsyncClient, parts: Parts, operator: dict[str, str]
) -> None:
    cafe, one = await partner(client, parts, operator)
    _, other = await partner(client, parts, operator)
    assert (await publish(client, one, HEAD)).status_code == 201
    assert (await publish(client, other, HEAD + "arrears: {cap: 1}\n", partner_id=cafe)).status_code == 404
    assert (await client.get(f"/v1/programmes?partner_id={cafe}", headers=other)).status_code == 404
    assert (await client.get("/v1/programmes", headers=other)).json()["publications"] == []
    seen = (await client.get(f"/v1/programmes?partner_id={cafe}", headers=operator)).json()
    assert len(seen["publications"]) == 1
    taken = await publish(client, other, HEAD)
    assert (taken.status_code, taken.json()["code"]) == (409, "programme_name_taken")


async def test_publishing_needs_the_right_and_a_start_that_is_not_past(
    client: httpx.AsyncClient, parts: Parts, operator: dict[str, str]
) -> None:
    cafe, caller = await partner(client, parts, operator)
    reader = as_caller(await key_of(parts, cafe, "programmes:read"))
    assert (await publish(client, reader, HEAD)).status_code == 403
    assert (await client.post("/v1/programmes", json={"text": HEAD})).status_code == 401
    past = await publish(client, caller, HEAD, effective_from="2020-01-01T00:00:00Z")
    assert (past.status_code, past.json()["code"]) == (400, "publication_in_past")
    zoneless = await publish(client, caller, HEAD, effective_from="2026-04-01T00:00:00")
    assert (zoneless.status_code, zoneless.json()["errors"][0]["pointer"]) == (400, "/effective_from")


async def test_an_unfair_change_is_refused_with_its_reasons(
    client: httpx.AsyncClient, parts: Parts, operator: dict[str, str]
) -> None:
    _, caller = await partner(client, parts, operator)
    await publish(client, caller, HEAD + "unit: {value: 0.02}\n")
    parts.clock.advance(timedelta(days=1))
    async with parts.db.unit() as unit:
        await put_points_out(unit)
    worse = HEAD + "unit: {value: 0.01}\n"
    lint = await client.post("/v1/programmes/lint", json={"text": worse}, headers=caller)
    assert lint.json()["unfair"] == ["the value of a point falls from 0.02 to 0.01"]
    refused = await publish(client, caller, worse)
    assert (refused.status_code, refused.json()["code"]) == (400, "programme_change_unfair")
    assert "0.02 to 0.01" in refused.json()["detail"]


async def test_a_programme_counts_in_the_money_that_is_cleared(
    client: httpx.AsyncClient, parts: Parts, operator: dict[str, str]
) -> None:
    cafe, caller = await partner(client, parts, operator)
    terms = {"currency": "HUF", "earn_points": 1, "earn_per_minor": 100}
    prices = {"issuer_pays_micros": 1, "acceptor_gets_micros": 1}
    await client.post(f"/v1/partners/{cafe}/terms", json={**terms, **prices}, headers=operator)
    refused = await publish(client, caller, HEAD)
    assert (refused.status_code, refused.json()["code"]) == (409, "programme_currency")


async def test_the_content_of_a_version_is_what_its_id_is_the_hash_of(
    client: httpx.AsyncClient, parts: Parts, operator: dict[str, str]
) -> None:
    _, caller = await partner(client, parts, operator)
    made = (await publish(client, caller, template("cafe"))).json()
    for version_id in (made["version_id"], default_version().id):
        answer = await client.get(f"/v1/programmes/{version_id}", headers=caller)
        shown = msgspec.json.decode(answer.content, type=dict[str, msgspec.Raw])
        assert id_of(bytes(shown["content"])) == version_id
    for unknown in ("0" * 64, "x", "%00"):
        assert (await client.get(f"/v1/programmes/{unknown}", headers=caller)).status_code == 404


async def test_the_schema_is_published(client: httpx.AsyncClient, operator: dict[str, str]) -> None:
    answer = await client.get("/v1/programmes/schema", headers=operator)
    assert answer.json()["$schema"].endswith("2020-12/schema")
    assert "programme" in answer.json()["$defs"]["programme.Programme"]["properties"]


async def test_every_template_can_be_published_as_it_is(
    client: httpx.AsyncClient, parts: Parts, operator: dict[str, str]
) -> None:
    for name in names():
        answer = await client.post("/v1/programmes/lint", json={"text": template(name)}, headers=operator)
        assert answer.status_code == 200, name
