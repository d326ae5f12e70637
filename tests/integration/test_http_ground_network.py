"""Partners, their places, terms and keys, over HTTP."""

import re
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from kernel.database import Database
from network.keys import KEY_PATTERN, SCOPES
from tests.support.http_ground import GroundParts, as_caller, ground_client, key_of, operator_key

_TERMS = {
    "currency": "EUR",
    "earn_points": 1,
    "earn_per_minor": 100,
    "issuer_pays_micros": 10_000,
    "acceptor_gets_micros": 9_500,
}


async def _add(client: httpx.AsyncClient, key: str, name: str = "Café Aalto") -> str:
    answer = await client.post("/v1/partners", json={"name": name}, headers=as_caller(key))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_the_operator_takes_a_partner_in_and_reads_it_back(db: Database) -> None:
    parts = GroundParts(db)
    me = as_caller(await operator_key(parts))
    brand = {"name": "Aalto", "background": "#102030", "foreground": "#ffffff", "label": "#A0b0c0", "logo_text": "A"}
    async with ground_client(parts) as client:
        made = await client.post("/v1/partners", json={"name": "Café Aalto", "brand": brand}, headers=me)
        assert made.status_code == 201
        assert made.json()["brand"] == brand
        assert made.json()["created_at"] == "2026-03-01T12:00:00Z"
        read = await client.get(f"/v1/partners/{made.json()['id']}", headers=me)
    assert read.json() == made.json()


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "#1234567", "#123456\n", "url(x)", ""])
async def test_a_colour_is_six_hex_digits(db: Database, colour: str) -> None:
    parts = GroundParts(db)
    me = as_caller(await operator_key(parts))
    async with ground_client(parts) as client:
        body = {"name": "x", "brand": {"name": "x", "background": colour}}
        answer = await client.post("/v1/partners", json=body, headers=me)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/brand/background")


async def test_places_need_a_known_zone_and_a_known_partner(db: Database) -> None:
    parts = GroundParts(db)
    key = await operator_key(parts)
    async with ground_client(parts) as client:
        partner = await _add(client, key)

        async def place(owner: str, zone: str) -> httpx.Response:
            body = {"name": "Harbour", "zone": zone}
            return await client.post(f"/v1/partners/{owner}/locations", json=body, headers=as_caller(key))

        made = await place(partner, "Europe/Helsinki")
        assert made.status_code == 201
        assert made.json()["partner_id"] == partner
        for zone in ("Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Europe", "x" * 64):
            assert (await place(partner, zone)).json()["code"] == "zone_unknown", zone
        assert (await place("ptn_00000000000000000000000000", "Europe/Helsinki")).json()["code"] == "partner_unknown"
        assert (await place("%00", "Europe/Helsinki")).json()["code"] == "partner_unknown"


async def test_terms_are_versions_in_one_currency(db: Database) -> None:
    parts = GroundParts(db)
    key = await operator_key(parts)
    async with ground_client(parts) as client:
        partner = await _add(client, key)
        other = await _add(client, key, "Other")

        async def publish(owner: str, **change: Any) -> httpx.Response:
            return await client.post(f"/v1/partners/{owner}/terms", json={**_TERMS, **change}, headers=as_caller(key))

        first = await publish(partner)
        assert (first.status_code, first.json()["effective_from"]) == (201, "2026-03-01T12:00:00Z")
        assert (await publish(partner)).json()["code"] == "terms_collide"
        assert (await publish(partner, effective_from="2026-04-01T00:00:00Z")).status_code == 201
        assert (await publish(partner, effective_from="2026-02-01T00:00:00Z")).json()["code"] == "terms_in_past"
        assert (await publish(partner, effective_from="2026-04-01T00:00:00")).json()["code"] == "body_invalid"
        assert (await publish(other, currency="HUF")).json()["code"] == "coalition_currency"
        assert (await publish(other, currency="XXX")).json()["code"] == "unknown_currency"
        assert (await publish(other, currency="eur")).json()["code"] == "body_invalid"
        for name in ("earn_points", "earn_per_minor", "issuer_pays_micros", "acceptor_gets_micros"):
            for bad in (-1, 10**13, 1.5, "1", True, None):
                answer = await publish(other, **{name: bad})
                assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, f"/{name}")


async def test_a_key_is_shown_once_and_works_until_it_is_revoked(db: Database) -> None:
    parts = GroundParts(db)
    key = await operator_key(parts)
    async with ground_client(parts) as client:
        partner = await _add(client, key)
        made = await client.post(
            f"/v1/partners/{partner}/keys", json={"scopes": ["earn", "network:read"]}, headers=as_caller(key)
        )
        assert made.status_code == 201
        text, key_id = made.json()["key"], made.json()["id"]
        assert re.fullmatch(KEY_PATTERN, text)
        assert made.json()["scopes"] == ["earn", "network:read"]
        async with db.read() as read:
            stored = await read.connection.fetchval(
                "SELECT row_to_json(api_key)::text FROM api_key WHERE id = $1", key_id
            )
        assert text not in stored
        assert text[34:86] not in stored
        assert (await client.get("/v1/partners", headers=as_caller(text))).status_code == 200
        revoked = await client.post(f"/v1/partners/{partner}/keys/{key_id}/revoke", headers=as_caller(key))
        assert revoked.status_code == 200
    async with ground_client(parts) as other_process:
        assert (await other_process.get("/v1/partners", headers=as_caller(text))).status_code == 401


async def test_a_partners_key_cannot_carry_the_operators_rights(db: Database) -> None:
    parts = GroundParts(db)
    key = await operator_key(parts)
    async with ground_client(parts) as client:
        partner = await _add(client, key)
        for scopes in (["network:write"], ["earn", "clearing:write"]):
            answer = await client.post(f"/v1/partners/{partner}/keys", json={"scopes": scopes}, headers=as_caller(key))
            assert (answer.status_code, answer.json()["code"]) == (400, "scope_unknown")
        for wrong in ([], ["everything"], "earn"):
            answer = await client.post(f"/v1/partners/{partner}/keys", json={"scopes": wrong}, headers=as_caller(key))
            assert (answer.status_code, answer.json()["code"]) == (400, "body_invalid")


async def test_a_partner_sees_itself_and_no_sign_of_others(db: Database) -> None:
    parts = GroundParts(db)
    key = await operator_key(parts)
    async with ground_client(parts) as client:
        mine, theirs = await _add(client, key, "Mine"), await _add(client, key, "Theirs")
        me = as_caller(await key_of(parts, mine, *(SCOPES - {"network:write", "clearing:write"})))
        assert [one["id"] for one in (await client.get("/v1/partners", headers=me)).json()["data"]] == [mine]
        assert (await client.get(f"/v1/partners/{mine}", headers=me)).status_code == 200
        foreign = await client.get(f"/v1/partners/{theirs}", headers=me)
        unknown = await client.get("/v1/partners/ptn_00000000000000000000000000", headers=me)
        told = [{**one.json(), "instance": ""} for one in (foreign, unknown)]
        assert told[0] == told[1]
        assert told[0]["status"] == 404
        for path in ("", f"/{mine}/locations", f"/{mine}/terms", f"/{mine}/keys", f"/{theirs}/keys/key_x/revoke"):
            answer = await client.post(f"/v1/partners{path}", json={}, headers=me)
            assert answer.status_code == 403, path


async def test_lists_are_walked_in_both_directions_without_gaps(db: Database) -> None:
    parts = GroundParts(db)
    key = await operator_key(parts)
    async with ground_client(parts) as client:
        ids = [await _add(client, key, f"P{n}") for n in range(7)]

        async def page(**query: Any) -> dict[str, Any]:
            answer = await client.get("/v1/partners", params=query, headers=as_caller(key))
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found

        seen, here = [], await page(limit=3)
        while True:
            seen += [one["id"] for one in here["data"]]
            if not here["has_more"]:
                assert here["next"] is None
                break
            here = await page(limit=3, after=here["next"])
        assert seen == ids
        last = (await page(limit=6))["next"]
        back = await page(limit=3, before=last)
        assert [one["id"] for one in back["data"]] == ids[2:5]
        back = await page(limit=3, before=back["next"])
        assert [one["id"] for one in back["data"]] == ids[0:2]
        assert back["has_more"] is False


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=-1", "limit=x", "limit=1.5", "after=x", "after=cHRuX3g", "after=%00", "after=ä",
     "before=" + "x" * 200, "after=bWJyXzAxazNxMDAwMDAwMDAwMDAwMDAwMDAwMDAw", "after=cHRu&before=cHRu"],
)  # fmt: skip
async def test_a_bad_page_is_a_problem(db: Database, query: str) -> None:
    parts = GroundParts(db)
    me = as_caller(await operator_key(parts))
    async with ground_client(parts) as client:
        answer = await client.get(f"/v1/partners?{query}", headers=me)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_readiness_follows_the_schema(db: Database) -> None:
    async with ground_client(GroundParts(db, schema_revision="9999")) as client:
        assert (await client.get("/livez")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).json()["code"] == "migrations_pending"
        async with db.unit() as unit:
            await unit.connection.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num text)")
            await unit.connection.execute("DELETE FROM alembic_version")
            await unit.connection.execute("INSERT INTO alembic_version VALUES ('0002')")
        behind = await client.get("/readyz")
        assert (behind.status_code, behind.json()["code"]) == (503, "migrations_pending")
        assert "retry-after" in behind.headers
        async with db.unit() as unit:
            await unit.connection.execute("UPDATE alembic_version SET version_num = '9999'")
        for path in ("/readyz", "/healthz"):
            assert (await client.get(path)).status_code == 200


async def test_a_database_that_is_away_makes_the_service_unready_but_not_dead(
    db: Database, database_url: str, database_server: str
) -> None:
    name = urlsplit(database_url).path.removeprefix("/")
    admin = await asyncpg.connect(database_server)
    async with ground_client(GroundParts(db)) as client:
        assert (await client.get("/readyz")).status_code == 200
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        away = await client.get("/readyz")
        assert (away.status_code, away.headers["content-type"]) == (503, "application/problem+json")
        assert (await client.get("/livez")).status_code == 200
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        assert (await client.get("/readyz")).status_code == 200
    await admin.close()
