"""Closing a clearing cycle and reading it, as the operator and as a partner."""

import httpx

from kernel.database import Database
from network.obligations import record_obligations
from network.terms import Rates, publish
from points.ledger import Ledger
from tests.support.http_ground import GroundParts, as_caller, ground_client, key_of, operator_key
from tests.support.ledger import a_member, earn, redeem

_ZERO = "00000000000000000000000000"


async def _two_partners(client: httpx.AsyncClient, parts: GroundParts, key: str) -> tuple[str, str]:
    made = [await client.post("/v1/partners", json={"name": "P"}, headers=as_caller(key)) for _ in range(2)]
    issuer, acceptor = (str(one.json()["id"]) for one in made)
    async with parts.db.unit() as unit:
        for partner_id in (issuer, acceptor):
            await publish(unit, parts.clock, partner_id, Rates("EUR", 1, 100, 10_000, 9_500))
    return issuer, acceptor


async def _redeem_1000(parts: GroundParts, issuer: str, acceptor: str) -> None:
    member = await a_member(parts.db)
    ledger = Ledger(parts.clock, steps=[record_obligations])
    async with parts.db.unit() as unit:
        await ledger.apply(unit.connection, [earn(member, 1000_00, issuer), redeem(member, 1000, acceptor)])


async def test_a_cycle_is_closed_once_and_shows_a_partner_only_its_own_line(db: Database) -> None:
    parts = GroundParts(db)
    key = await operator_key(parts)
    operator = as_caller(key)
    async with ground_client(parts) as client:
        issuer, acceptor = await _two_partners(client, parts, key)
        await _redeem_1000(parts, issuer, acceptor)
        closed = await client.post("/v1/clearing-cycles", headers=operator)
        assert closed.status_code == 201, closed.text
        nets = {one["party_id"]: one["net_minor"] for one in closed.json()["positions"]}
        assert nets == {issuer: -1000, acceptor: 950, "operator": 50}
        again = await client.post("/v1/clearing-cycles", headers=operator)
        assert (again.status_code, again.json()["code"]) == (409, "nothing_to_clear")
        address = f"/v1/clearing-cycles/{closed.json()['id']}"
        assert (await client.get(address, headers=operator)).json() == closed.json()
        listed = (await client.get("/v1/clearing-cycles", headers=operator)).json()
        assert [one["id"] for one in listed["data"]] == [closed.json()["id"]]
        partner = as_caller(await key_of(parts, acceptor, "clearing:read"))
        own = (await client.get(address, headers=partner)).json()["positions"]
        assert [one["party_id"] for one in own] == [acceptor]
        assert (await client.post("/v1/clearing-cycles", headers=partner)).json()["code"] == "scope_missing"


async def test_cycles_that_do_not_exist_are_not_found(db: Database) -> None:
    parts = GroundParts(db)
    operator = as_caller(await operator_key(parts))
    async with ground_client(parts) as client:
        for name in (f"cyc_{_ZERO}", f"ptn_{_ZERO}", "x", "%00", "cyc_%F0%9F%8E%89"):
            answer = await client.get(f"/v1/clearing-cycles/{name}", headers=operator)
            assert (answer.status_code, answer.json()["code"]) == (404, "clearing_cycle_unknown"), name
        assert (await client.post("/v1/clearing-cycles", headers=operator)).json()["code"] == "nothing_to_clear"
