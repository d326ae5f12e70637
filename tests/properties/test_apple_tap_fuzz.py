"""Whatever is sent to the readers' route, the answer is one of the documented ones."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.taps import blob_of
from kernel.database import Database
from tests.support.taps import TapShop, tap_shop

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
BYTES = st.binary(max_size=130)
BLOBS = (
    st.text(max_size=300)
    | BYTES.map(bytes.hex)
    | BYTES.map(lambda raw: base64.b64encode(raw).decode())
    | BYTES.map(lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="))
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "blob": BLOBS,
    "sequence": st.integers(-1, 2**70),
    "read_at": st.datetimes().map(lambda at: at.isoformat() + "Z") | st.text(max_size=30),
    "pass_type": st.text(max_size=150),
    "offline": st.booleans(),
    "terminal_id": st.text(max_size=70),
}
CHANGES = st.fixed_dictionaries({}, optional={name: strategy | JSON for name, strategy in FIELDS.items()})
SPLICES = st.lists(st.tuples(st.integers(0, 119), st.integers(1, 255)), max_size=3)


def _encoded(body: object) -> bytes:
    try:
        return msgspec.json.encode(body)
    except (UnicodeEncodeError, msgspec.MsgspecError, OverflowError):
        return repr(body).encode("utf-8", "replace")


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[TapShop]:
    async with tap_shop(db) as opened:
        yield opened


@given(st.lists(st.tuples(CHANGES, SPLICES), min_size=3, max_size=8), st.binary(max_size=80), JSON)
async def test_no_tap_is_answered_by_an_error_of_ours(
    shop: TapShop, bodies: list[tuple[dict[str, Any], list[tuple[int, int]]]], key: bytes, junk: object
) -> None:
    terminal, phone = await shop.terminal(), await shop.phone(await shop.member())
    for changes, splices in bodies:
        good = terminal.read(phone, shop.now)
        spliced = bytearray(bytes.fromhex(good["blob"]))
        for place, mask in splices:
            spliced[place % len(spliced)] ^= mask
        body = {**good, "blob": spliced.hex(), **changes}
        status = await _sent(shop, _encoded(body), terminal.headers())
        assert status in (200, 400, 403)
        assert status != 200 or blob_of(body["blob"]) == bytes.fromhex(good["blob"])
    assert await _sent(shop, _encoded(junk), terminal.headers()) == 400
    stranger = {**terminal.headers(), "terminal-key": key.replace(b"\r", b"").replace(b"\n", b"").decode("latin-1")}
    assert await _sent(shop, _encoded(terminal.read(phone, shop.now)), stranger) == 403


async def _sent(shop: TapShop, content: bytes, headers: dict[str, str]) -> int:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await shop.client.post("/v1/taps", content=content, headers=[*raw, (b"content-type", b"application/json")])
    assert answer.status_code < 500, answer.text
    return answer.status_code
