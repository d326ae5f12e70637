"""Whatever a stranger sends to the phones' door, the answer is a prescribed one, and the next phone is served."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.database import Database
from passes.sandbox.authority import PASS_TYPE
from tests.support.apple import DEVICE, AppleSide, apple_side, token_of
from tests.support.web import exchange

# What may stand in a header (RFC 9110 section 5.5), whether or not it makes sense.
header_texts = st.text(st.characters(max_codepoint=255, exclude_characters="\x7f", exclude_categories=["Cc"])).map(
    str.strip
)
# A step of a path: texts, bytes that are no text, and things that mean something elsewhere; always encoded.
steps = st.one_of(
    st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=300),
    st.sampled_from(
        [b"..", b"%", b"%00", b"*", b"'; DROP TABLE wallet_pass; --", b"\\", b"?", b"#", b"pass_", b"null"]
    ),
).map(lambda raw: quote_from_bytes(raw, safe="") or "_")
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["pushToken", "logs"]), inner),
    max_leaves=20,
)
bodies = st.one_of(
    st.binary(max_size=2_000),
    jsons.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({"pushToken": jsons}).map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({"logs": st.lists(jsons)}).map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({"logs": st.lists(st.text())}).map(lambda value: json.dumps(value).encode()),
)
methods = st.sampled_from(["GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "BREW"])


@pytest.fixture
async def side(db: Database) -> AsyncIterator[AppleSide]:
    """One service for all examples of a property."""
    async with apple_side(db) as made:
        yield made


@pytest.fixture
async def pass_id(side: AppleSide) -> str:
    return await side.issue()


async def answered(side: AppleSide, method: str, path: str, allowed: set[int], **more: Any) -> None:
    """One request whose answer must be among `allowed`, and without a body unless it is a good one."""
    status, headers, body = await side.call(method, path, **more)
    assert status in allowed, f"{method} {path} {more}"
    assert status == 200 or not body
    if status == 401:
        assert headers["www-authenticate"] == "ApplePass"


@given(serial=steps, pass_type=steps, device=steps, authorization=header_texts, since=header_texts, body=bodies)
async def test_without_a_token_nothing_opens(
    side: AppleSide, serial: str, pass_type: str, device: str, authorization: str, since: str, body: bytes
) -> None:
    headers = {"authorization": authorization, "if-modified-since": since}
    for method in ("GET", "HEAD"):
        await answered(side, method, f"/passes/{pass_type}/{serial}", {401}, headers=headers)
    path = f"/devices/{device}/registrations/{pass_type}/{serial}"
    await answered(side, "POST", path, {401}, headers=headers, data=body)
    await answered(side, "DELETE", path, {401}, headers=headers)
    await answered(side, "POST", f"/passes/{pass_type}/{serial}/personalize", {401}, headers=headers, data=body)


@given(device=steps, pass_type=steps | st.just(PASS_TYPE), tag=steps, rest=st.text("&=%+;?aé1.", max_size=20))
async def test_a_list_is_asked_with_anything(side: AppleSide, device: str, pass_type: str, tag: str, rest: str) -> None:
    query = quote_from_bytes(rest.encode(), safe="&=%+;?")
    path = f"/devices/{device}/registrations/{pass_type}"
    for sent in (f"{path}?passesUpdatedSince={tag}", f"{path}?{query}", f"{path}?passesUpdatedSince={query}"):
        await answered(side, "GET", sent, {204})


@given(tag=steps)
async def test_a_tag_that_was_never_given_brings_everything(side: AppleSide, pass_id: str, tag: str) -> None:
    registration = f"/devices/{DEVICE}/registrations/{PASS_TYPE}"
    body = json.dumps({"pushToken": "ab" * 32}).encode()
    await answered(side, "POST", f"{registration}/{pass_id}", {200, 201}, token=token_of(pass_id), data=body)
    status, _, listed = await side.call("GET", f"{registration}?passesUpdatedSince={tag}")
    assert status == 200
    assert json.loads(listed)["serialNumbers"] == [pass_id]


@given(since=header_texts)
async def test_a_pass_is_fetched_with_any_date(side: AppleSide, pass_id: str, since: str) -> None:
    headers = {"if-modified-since": since}
    await answered(side, "GET", f"/passes/{PASS_TYPE}/{pass_id}", {200, 304}, token=token_of(pass_id), headers=headers)


@given(device=steps, body=bodies | st.just(b'{"pushToken": "abababab"}'))
async def test_a_phone_registers_with_anything(side: AppleSide, pass_id: str, device: str, body: bytes) -> None:
    path = f"/devices/{device}/registrations/{PASS_TYPE}/{pass_id}"
    await answered(side, "POST", path, {200, 201, 400}, token=token_of(pass_id), data=body)
    await answered(side, "DELETE", path, {200}, token=token_of(pass_id))
    assert await side.rows("apple_device") == 0


@given(body=bodies)
async def test_anything_is_logged_or_refused(side: AppleSide, body: bytes) -> None:
    await answered(side, "POST", "/log", {200, 400}, data=body)
    assert all(len(one.sample) <= 300 for one in (await side.reported()).values())


@given(method=methods, path=st.lists(steps, max_size=8), body=bodies)
async def test_any_path_and_method_has_an_answer(side: AppleSide, method: str, path: list[str], body: bytes) -> None:
    await answered(
        side, method, "/" + "/".join(path), {200, 204, 400, 401, 404, 405}, data=body if method == "POST" else None
    )


@given(
    method=st.binary(min_size=1, max_size=10) | methods.map(str.encode),
    path=st.binary(max_size=60),
    headers=st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=40)), max_size=5),
    body=st.binary(max_size=200),
)
async def test_bytes_that_are_hardly_http_break_nothing(
    side: AppleSide, pass_id: str, method: bytes, path: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    lines = [method + b" /apple/v1/" + path + b" HTTP/1.1", b"host: x", b"connection: close"]
    lines += [name + b": " + value for name, value in headers]
    answer = await exchange(side.port, b"\r\n".join(lines) + b"\r\n\r\n" + body, wait_s=0.3)
    if answer.startswith(b"HTTP/1.1 "):
        assert answer[9:10] in b"1234", answer[:100]
    await answered(side, "GET", f"/passes/{PASS_TYPE}/{pass_id}", {200}, token=token_of(pass_id))
