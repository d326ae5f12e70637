"""The phones' door as HTTP: exact paths, methods, lengths, and connections that stay open."""

import asyncio
import json

import pytest

from api.http.phones import LARGEST_BODY_BYTES
from kernel.database import Database
from passes.sandbox.authority import PASS_TYPE
from tests.support.apple import DEVICE, AppleSide, apple_side, token_of
from tests.support.web import exchange

REGISTRATIONS = f"/devices/{DEVICE}/registrations/{PASS_TYPE}"


def percent(text: str) -> str:
    """Every character encoded, as a client may."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


def head_of(side: AppleSide, method: str, path: str, *more: str) -> bytes:
    """A request's first lines; more headers may follow."""
    return "\r\n".join((f"{method} /apple/v1{path} HTTP/1.1", "host: x", *more)).encode() + b"\r\n\r\n"


async def test_every_step_of_a_path_may_be_encoded_in_full(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        paper = f"/passes/{percent(PASS_TYPE)}/{percent(pass_id)}"
        assert (await side.call("GET", paper, token=token_of(pass_id)))[0] == 200
        path = f"/devices/{percent(DEVICE)}/registrations/{percent(PASS_TYPE)}"
        body = json.dumps({"pushToken": "ab" * 32}).encode()
        status, _, _ = await side.call("POST", f"{path}/{percent(pass_id)}", token=token_of(pass_id), data=body)
        assert status == 201
        assert (await side.call("GET", path))[0] == 200


async def test_an_encoded_slash_is_part_of_a_step_and_an_encoded_percent_is_not_decoded_twice(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        token = token_of(pass_id)
        twice = percent(pass_id).replace("%", "%25")
        for path in (f"/passes/{PASS_TYPE}/{twice}", f"/passes/{PASS_TYPE}/x%2F{pass_id}"):
            assert (await side.call("GET", path, token=token))[0] == 401
        for path in (f"/passes/{PASS_TYPE}%2F{pass_id}", f"/passes%2F{PASS_TYPE}/{pass_id}"):
            assert (await side.call("GET", path, token=token))[0] == 404


@pytest.mark.parametrize(
    "path",
    ["", "/", "//", "/log/", "//log", "/passes", "/passes/", f"/passes/{PASS_TYPE}", f"/passes/{PASS_TYPE}/a/b",
     f"/passes/{PASS_TYPE}/a/personalize/", "/devices", f"/devices/{DEVICE}", f"/devices/{DEVICE}/registrations",
     f"/devices/{DEVICE}/registration/{PASS_TYPE}", f"{REGISTRATIONS}/a/b", "/logs", "/v1/log", "/Log", "/%6cogs"],
)  # fmt: skip
async def test_what_is_no_call_is_not_found(db: Database, path: str) -> None:
    async with apple_side(db) as side:
        for method in ("GET", "POST", "DELETE"):
            assert (await side.call(method, path))[0] == 404


@pytest.mark.parametrize(
    ("path", "allowed"),
    [(f"/passes/{PASS_TYPE}/a", "GET, HEAD"), (REGISTRATIONS, "GET, HEAD"), (f"{REGISTRATIONS}/a", "POST, DELETE"),
     ("/log", "POST"), (f"/passes/{PASS_TYPE}/a/personalize", "POST")],
)  # fmt: skip
async def test_a_wrong_method_is_told_the_right_ones(db: Database, path: str, allowed: str) -> None:
    async with apple_side(db) as side:
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"} - set(allowed.split(", ")):
            status, headers, body = await side.call(method, path)
            assert (status, headers["allow"], body) == (405, allowed, b"")


async def test_a_connection_is_kept_over_every_kind_of_answer(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        token, paper = token_of(pass_id), f"/passes/{PASS_TYPE}/{pass_id}"
        body = json.dumps({"pushToken": "ab" * 32}).encode()
        opened = side.phones.wire.opened
        for method, path, data, status in (
            ("POST", f"{REGISTRATIONS}/{pass_id}", body, 201), ("POST", f"{REGISTRATIONS}/{pass_id}", body, 200),
            ("GET", REGISTRATIONS, None, 200), ("GET", "/devices/none/registrations/x", None, 204),
            ("HEAD", paper, None, 200), ("GET", paper, None, 200), ("GET", f"{paper}x", None, 401),
            ("POST", f"{REGISTRATIONS}/{pass_id}", b"{}", 400), ("POST", "/log", b'{"logs": []}', 200),
            ("GET", "/nowhere", None, 404), ("PUT", "/log", b"", 405), ("HEAD", REGISTRATIONS, None, 200),
            ("DELETE", f"{REGISTRATIONS}/{pass_id}", None, 200),
        ):  # fmt: skip
            assert (await side.call(method, path, token=token, data=data))[0] == status
        assert side.phones.wire.opened <= opened + 1


async def test_requests_sent_in_one_breath_are_answered_in_order(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        secret = f"authorization: ApplePass {token_of(pass_id)}"
        paper = f"/passes/{PASS_TYPE}/{pass_id}"
        said = await exchange(
            side.port,
            head_of(side, "HEAD", paper, secret)
            + head_of(side, "GET", "/devices/none/registrations/x")
            + head_of(side, "HEAD", REGISTRATIONS)
            + head_of(side, "GET", "/nowhere", "connection: close"),
        )
        lines = [line for line in said.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
        assert [line.split(b" ")[1] for line in lines] == [b"200", b"204", b"204", b"404"]


@pytest.mark.parametrize("path", ["/log", f"{REGISTRATIONS}/x", f"/passes/{PASS_TYPE}/x/personalize"])
async def test_a_body_that_is_too_large_is_refused_before_it_is_sent(db: Database, path: str) -> None:
    async with apple_side(db) as side:
        said = await exchange(side.port, head_of(side, "POST", path, "content-length: 100000000000000000000"))
        assert said.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 "))  # beyond 64 bits it is no length at all
        said = await exchange(side.port, head_of(side, "POST", path, f"content-length: {LARGEST_BODY_BYTES + 1}"))
        assert said.startswith(b"HTTP/1.1 413 ")
        said = await exchange(
            side.port, head_of(side, "POST", path, "expect: 100-continue", f"content-length: {LARGEST_BODY_BYTES + 1}")
        )
        assert said.startswith(b"HTTP/1.1 413 ")


async def test_a_body_without_a_length_is_refused_as_soon_as_it_is_too_large(db: Database) -> None:
    async with apple_side(db) as side:
        piece = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
        request = head_of(side, "POST", "/log", "transfer-encoding: chunked") + piece * 3
        assert (await exchange(side.port, request)).startswith(b"HTTP/1.1 413 ")  # it never ends


async def test_a_body_of_the_largest_size_is_read(db: Database) -> None:
    async with apple_side(db) as side:
        body = b'{"logs": []}'
        for length, status in ((LARGEST_BODY_BYTES, 200), (LARGEST_BODY_BYTES + 1, 413)):
            assert (await side.call("POST", "/log", data=body.ljust(length)))[0] == status


async def test_a_phone_that_hangs_up_in_the_middle_disturbs_nobody(db: Database) -> None:
    async with apple_side(db) as side:
        request = head_of(side, "POST", "/log", "content-length: 100") + b'{"logs":'
        await asyncio.gather(*(exchange(side.port, request, wait_s=0.05) for _ in range(20)))
        assert (await side.call("POST", "/log", data=b'{"logs": []}'))[0] == 200
        assert ("log", 500) not in side.service.answers


async def test_answers_are_counted_by_call_and_status(db: Database) -> None:
    async with apple_side(db) as side:
        await side.call("GET", f"/passes/{PASS_TYPE}/x")
        await side.call("POST", "/log", data=b"junk")
        await side.call("GET", "/nowhere")
        assert side.service.answers == {("fetch", 401): 1, ("log", 400): 1, ("unknown", 404): 1}


async def test_a_database_that_is_away_is_told_as_such_and_then_all_goes_on(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phone = await side.phone_with(pass_id)
        async with db.unit() as unit:  # what an operator's restart does to connections
            await unit.connection.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """
            )
        await side.change(pass_id, balance=2)
        assert await phone.refresh() == 1
        assert phone.shown().balance == 2
