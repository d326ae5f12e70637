"""Every refusal is a problem that names its request; every route under /v1 wants a scope."""

import re
from typing import Annotated, Any

import asyncpg
import httpx
import pytest
import structlog
from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.routes import HTTPRoute

from api.app import create_app
from api.auth import requires
from api.body import LARGEST_BODY_BYTES
from kernel.clock import MovableClock
from kernel.database import Database
from kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from kernel.secrets import Keyring
from kernel.settings import Settings
from network.keys import SCOPES, create_key
from tests.support.http_ground import GroundParts, as_caller, ground_client, key_of, operator_key

_SECRET = "the-inner-secret-of-a-fault"

_ERRORS: dict[str, Exception] = {
    "not-found": NotFound("No such thing."),
    "conflict": Conflict("Not now."),
    "forbidden": Forbidden("Not you."),
    "invalid": Invalid("Not so."),
    "unavailable": Unavailable("Away.", retry_after_s=2.4),
    "bad-text": asyncpg.CharacterNotInRepertoireError("0x00"),
    "bug": RuntimeError(_SECRET),
    "recursion": RecursionError(_SECRET),
}


@get("/raise/{name:str}")
async def raise_it(name: FromPath[str]) -> None:
    raise _ERRORS[name]


@get("/number")
async def number(n: Annotated[int, QueryParameter(ge=1)]) -> int:
    return n


def _assert_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["type"] == f"/docs/problems#{code}"
    assert problem["title"]
    assert problem["instance"] == answer.headers["x-request-id"]
    return problem


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("not-found", 404, "not_found"),
        ("conflict", 409, "conflict"),
        ("forbidden", 403, "forbidden"),
        ("invalid", 400, "invalid"),
        ("unavailable", 503, "unavailable"),
        ("bad-text", 400, "text_not_storable"),
        ("bug", 500, "internal_error"),
        ("recursion", 500, "internal_error"),
    ],
)
async def test_each_kind_of_error_has_its_status(db: Database, name: str, status: int, code: str) -> None:
    async with ground_client(GroundParts(db), [raise_it]) as client:
        _assert_problem(await client.get(f"/raise/{name}"), status, code)


async def test_an_absent_part_says_when_to_try_again(db: Database) -> None:
    async with ground_client(GroundParts(db), [raise_it]) as client:
        answer = await client.get("/raise/unavailable")
    assert answer.headers["retry-after"] == "3"


async def test_a_fault_is_logged_under_the_request_id_and_its_text_is_not_shown(db: Database) -> None:
    with structlog.testing.capture_logs() as logs:
        async with ground_client(GroundParts(db), [raise_it]) as client:
            answer = await client.get("/raise/bug")
    assert _SECRET not in answer.text
    assert "RuntimeError" not in answer.text
    assert [entry["request_id"] for entry in logs if entry["event"] == "unexpected_error"] == [
        answer.headers["x-request-id"]
    ]


async def test_what_no_route_takes_is_a_problem_too(db: Database) -> None:
    async with ground_client(GroundParts(db), [number]) as client:
        _assert_problem(await client.get("/nowhere/at/all"), 404, "route_not_found")
        wrong_method = await client.delete("/number")
        _assert_problem(wrong_method, 405, "method_not_allowed")
        assert "GET" in wrong_method.headers["allow"]
        wrong_parameter = _assert_problem(await client.get("/number?n=five"), 400, "invalid_request")
        assert [one["parameter"] for one in wrong_parameter["errors"]] == ["n"]
        _assert_problem(await client.get("/number"), 400, "invalid_request")


async def test_every_answer_has_a_request_id_and_a_harmless_given_one_is_kept(db: Database) -> None:
    async with ground_client(GroundParts(db)) as client:
        made = await client.get("/livez")
        assert re.fullmatch(r"req_[0-9a-z]{26}", made.headers["x-request-id"])
        kept = await client.get("/livez", headers={"x-request-id": "till-7.2026-11-22"})
        assert kept.headers["x-request-id"] == "till-7.2026-11-22"
        for bad in ("a b c d e f g h", "x" * 65, "short", "<script>alert(1)</script>"):
            replaced = await client.get("/livez", headers={"x-request-id": bad})
            assert replaced.headers["x-request-id"].startswith("req_")


async def _post(client: httpx.AsyncClient, key: str, content: bytes, **headers: str) -> Any:
    sent = {
        "content-type": "application/json",
        **as_caller(key),
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    return await client.post("/v1/partners", content=content, headers=sent)


async def test_bodies_are_guarded_behind_the_door(db: Database) -> None:
    parts = GroundParts(db)
    async with ground_client(parts) as client:
        key = await operator_key(parts)
        _assert_problem(await _post(client, key, b'{"name":5}'), 400, "body_invalid")
        _assert_problem(await _post(client, key, b'{"name":"a","name":"b"}'), 400, "body_malformed")
        _assert_problem(await _post(client, key, b'{"name":"a\\u0000"}'), 400, "body_malformed")
        _assert_problem(await _post(client, key, b"[" * 40_000), 400, "body_malformed")
        _assert_problem(await _post(client, key, b" " * (LARGEST_BODY_BYTES + 1)), 413, "body_too_large")
        _assert_problem(
            await _post(client, key, b'{"name":"a"}', content_type="text/plain"), 415, "media_type_unsupported"
        )
        missing = _assert_problem(await _post(client, key, b""), 400, "invalid_request")
        assert missing["errors"] == [{"code": "body_missing", "detail": "A JSON body is needed.", "pointer": ""}]
        assert (
            await _post(client, key, b'{"name":"a"}', content_type="application/json; charset=utf-8")
        ).status_code == 201


async def test_a_stream_without_length_is_cut_off_at_the_limit(db: Database) -> None:
    parts = GroundParts(db)

    async def endless() -> Any:
        for _ in range(200):
            yield b" " * 4096

    async with ground_client(parts) as client:
        headers = {"content-type": "application/json", **as_caller(await operator_key(parts))}
        answer = await client.post("/v1/partners", content=endless(), headers=headers)
    _assert_problem(answer, 413, "body_too_large")


async def test_a_caller_without_an_accepted_key_gets_401_and_is_told_how(db: Database) -> None:
    parts = GroundParts(db)
    good = await operator_key(parts)
    other_secret = await create_elsewhere(parts)
    async with ground_client(parts) as client:
        bare = await client.get("/v1/partners")
        _assert_problem(bare, 401, "unauthenticated")
        assert bare.headers["www-authenticate"] == 'Bearer realm="commonpoint"'
        for header in ("", f"Basic {good}", good):
            _assert_problem(await client.get("/v1/partners", headers={"authorization": header}), 401, "unauthenticated")
        for text in ("", good[:-1], good + "0", good[:-1] + "g", "cp_test_", "x" * 5000, good.upper(), other_secret):
            answer = await client.get("/v1/partners", headers=as_caller(text))
            _assert_problem(answer, 401, "key_refused")
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        assert (await client.get("/v1/partners", headers=as_caller(good))).status_code == 200


async def create_elsewhere(parts: GroundParts) -> str:
    """A well-formed key whose hash was made under another master secret."""
    async with parts.db.unit() as unit:
        stranger = Keyring(b"another master secret, 32 bytes!")
        made = await create_key(unit, MovableClock(parts.clock.now()), stranger, "test", None, SCOPES)
    return made.text


async def test_a_key_is_refused_before_the_body_is_looked_at(db: Database) -> None:
    async with ground_client(GroundParts(db)) as client:
        _assert_problem(await client.post("/v1/partners", content=b"[" * 40_000), 401, "unauthenticated")


async def test_a_key_without_the_scope_gets_403(db: Database) -> None:
    parts = GroundParts(db)
    async with ground_client(parts) as client:
        key = await operator_key(parts, "earn")
        problem = _assert_problem(await client.get("/v1/partners", headers=as_caller(key)), 403, "scope_missing")
        assert "network:read" in problem["detail"]


async def test_a_live_key_is_told_that_this_service_tests(db: Database) -> None:
    async with db.unit() as unit:
        parts = GroundParts(db)
        made = await create_key(unit, parts.clock, parts.keyring, "live", None, SCOPES)
    async with ground_client(parts) as client:
        problem = _assert_problem(await client.get("/v1/partners", headers=as_caller(made.text)), 401, "key_mode_wrong")
    assert "cp_test_" in problem["detail"]


async def test_two_authorization_headers_are_refused(db: Database) -> None:
    parts = GroundParts(db)
    good = await operator_key(parts)
    async with ground_client(parts) as client:
        answer = await client.get("/v1/partners", headers=[("authorization", f"Bearer {good}")] * 2)
    _assert_problem(answer, 401, "unauthenticated")


def test_every_route_under_v1_declares_a_scope() -> None:
    routes = [
        (f"{method} {route.path}", handler)
        for route in create_app(Settings(test_clock=True)).routes
        if route.path.startswith("/v1") and isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
        if method != "OPTIONS"
    ]
    assert len(routes) >= 20
    guarded = [any(isinstance(_bare(guard), requires) for guard in one.resolve_guards()) for _, one in routes]
    assert [name for (name, _), has in zip(routes, guarded, strict=True) if not has] == []


def _bare(guard: Any) -> Any:
    return getattr(guard, "func", guard)


async def test_a_partner_key_never_passes_an_operator_guard_even_with_the_scope(db: Database) -> None:
    parts = GroundParts(db)
    async with ground_client(parts) as client:
        made = await _post(client, await operator_key(parts), b'{"name":"Cafe"}')
        key = await key_of(parts, made.json()["id"], "network:read")
        async with db.unit() as unit:
            await unit.connection.execute(
                "UPDATE api_key SET scopes = scopes || '{network:write}'::text[] WHERE partner_id IS NOT NULL"
            )
        _assert_problem(await _post(client, key, b'{"name":"Mine"}'), 403, "operator_only")
