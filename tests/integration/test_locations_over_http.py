"""Places with coordinates and beacons, over HTTP."""

from typing import Any

import httpx
import pytest

from kernel.database import Database
from tests.support.http_ground import GroundParts, as_caller, ground_client, key_of, operator_key

UUID = "F7826DA6-4FA2-4E98-8024-BC5B71E0893E"
HARBOUR = {"name": "Harbour", "zone": "Europe/Helsinki"}


async def _partner(client: httpx.AsyncClient, key: str, name: str = "Aalto") -> str:
    return str((await client.post("/v1/partners", json={"name": name}, headers=as_caller(key))).json()["id"])


async def test_a_place_says_where_it_is_and_what_transmits_there(db: Database) -> None:
    parts = GroundParts(db)
    me = as_caller(await operator_key(parts))
    async with ground_client(parts) as client:
        owner = await _partner(client, me["authorization"].removeprefix("Bearer "))
        url = f"/v1/partners/{owner}/locations"
        plain = await client.post(url, json=HARBOUR, headers=me)
        assert (plain.json()["latitude"], plain.json()["longitude"], plain.json()["beacon"]) == (None, None, None)
        beacon = {"uuid": UUID.lower(), "major": 1, "minor": 65535}
        body = {**HARBOUR, "latitude": 60.167409999, "longitude": 24.94257690001, "beacon": beacon}
        made = await client.post(url, json=body, headers=me)
        assert made.status_code == 201
        # To a centimetre, and the UUID in the form of the standard.
        assert (made.json()["latitude"], made.json()["longitude"]) == (60.16741, 24.9425769)
        assert made.json()["beacon"] == {"uuid": UUID, "major": 1, "minor": 65535}
        listed = await client.get(url, headers=me)
        assert listed.json()["data"] == [plain.json(), made.json()]
        first = await client.get(f"{url}?limit=1", headers=me)
        second = await client.get(f"{url}?limit=1&after={first.json()['next']}", headers=me)
        assert [first.json()["data"], second.json()["data"]] == [[plain.json()], [made.json()]]


async def test_a_place_is_said_anew_as_a_whole(db: Database) -> None:
    parts = GroundParts(db)
    key = await operator_key(parts)
    me = as_caller(key)
    async with ground_client(parts) as client:
        owner, other = await _partner(client, key), await _partner(client, key, "Other")
        body = {**HARBOUR, "latitude": -90, "longitude": 180, "beacon": {"uuid": UUID}}
        made = await client.post(f"/v1/partners/{owner}/locations", json=body, headers=me)
        place = made.json()["id"]
        moved = await client.put(
            f"/v1/partners/{owner}/locations/{place}",
            json={**HARBOUR, "latitude": 0, "longitude": -180},
            headers=me,
        )
        assert moved.status_code == 200
        assert (moved.json()["id"], moved.json()["beacon"]) == (place, None)
        assert (await client.get(f"/v1/partners/{owner}/locations", headers=me)).json()["data"] == [moved.json()]
        for wrong in (f"{other}/locations/{place}", f"{owner}/locations/loc_x", f"%00/locations/{place}"):
            answer = await client.put(f"/v1/partners/{wrong}", json=HARBOUR, headers=me)
            assert (answer.status_code, answer.json()["code"]) == (404, "location_unknown")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"latitude": 60.1}, "bad_coordinates"),
        ({"longitude": 24.9}, "bad_coordinates"),
        ({"latitude": 90.1, "longitude": 0}, "body_invalid"),
        ({"latitude": 0, "longitude": -180.5}, "body_invalid"),
        ({"latitude": "60.1", "longitude": 24.9}, "body_invalid"),
        ({"latitude": True, "longitude": 24.9}, "body_invalid"),
        ({"beacon": {"uuid": "F7826DA64FA24E988024BC5B71E0893E"}}, "body_invalid"),
        ({"beacon": {"uuid": "G7826DA6-4FA2-4E98-8024-BC5B71E0893E"}}, "bad_beacon"),
        ({"beacon": {"uuid": UUID, "major": 65536}}, "body_invalid"),
        ({"beacon": {"uuid": UUID, "major": -1}}, "body_invalid"),
        ({"beacon": {"uuid": UUID, "minor": 3}}, "bad_beacon"),
        ({"beacon": {"major": 3}}, "body_invalid"),
        ({"beacon": {"uuid": UUID, "power": 3}}, "body_invalid"),
    ],
)
async def test_what_is_no_place_and_no_beacon_is_refused(db: Database, said: dict[str, Any], code: str) -> None:
    parts = GroundParts(db)
    key = await operator_key(parts)
    async with ground_client(parts) as client:
        owner = await _partner(client, key)
        answer = await client.post(f"/v1/partners/{owner}/locations", json={**HARBOUR, **said}, headers=as_caller(key))
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("number", ["1e400", "NaN", "Infinity", "1e-400"])
async def test_numbers_that_are_none_are_refused_or_as_good_as_zero(db: Database, number: str) -> None:
    parts = GroundParts(db)
    key = await operator_key(parts)
    body = f'{{"name": "H", "zone": "UTC", "latitude": {number}, "longitude": 0}}'
    async with ground_client(parts) as client:
        owner = await _partner(client, key)
        headers = as_caller(key) | {"content-type": "application/json"}
        answer = await client.post(f"/v1/partners/{owner}/locations", content=body, headers=headers)
    assert (answer.status_code, answer.json().get("latitude")) == ((201, 0.0) if number == "1e-400" else (400, None))


async def test_a_partner_sees_its_own_places_and_changes_none(db: Database) -> None:
    parts = GroundParts(db)
    key = await operator_key(parts)
    async with ground_client(parts) as client:
        owner, other = await _partner(client, key), await _partner(client, key, "Other")
        made = await client.post(f"/v1/partners/{owner}/locations", json=HARBOUR, headers=as_caller(key))
        theirs = as_caller(await key_of(parts, owner, "network:read"))
        assert (await client.get(f"/v1/partners/{owner}/locations", headers=theirs)).json()["data"] == [made.json()]
        assert (await client.get(f"/v1/partners/{other}/locations", headers=theirs)).status_code == 404
        place = f"/v1/partners/{owner}/locations/{made.json()['id']}"
        assert (await client.put(place, json=HARBOUR, headers=theirs)).status_code == 403
        gone = await client.get("/v1/partners/ptn_00000000000000000000000000/locations", headers=as_caller(key))
        assert (gone.status_code, gone.json()["code"]) == (404, "partner_unknown")
