"""Whatever is presented at a till, the answer is one of the documented ones, and none makes a proof by chance."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.database import Database
from tests.support.presenting import Counter, counter

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
TEXTS = st.text(max_size=60) | st.from_regex(r"(CPL1\.[A-Za-z0-9_]{1,12}\.[0-9]{1,10}\.[0-9]{8}|0x[0-9a-fA-F]{40})")
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "kind": st.sampled_from(["scan", "typed", "phone", "wallet", "apple_tap", "smart_tap", "smart_tap_session"]),
    "content": TEXTS,
    "code": TEXTS,
    "number": TEXTS,
    "address": TEXTS,
    "value": TEXTS,
    "session_id": TEXTS,
    "negotiated": TEXTS,
    "answer": TEXTS,
    "blob": TEXTS,
    "sequence": st.integers(-1, 2**60),
    "read_at": st.datetimes().map(lambda at: at.isoformat() + "Z"),
    "offline": st.booleans(),
}
WANTED = {
    "scan": ["content"], "typed": ["code"], "phone": ["number"], "wallet": ["address"],
    "apple_tap": ["blob", "sequence", "read_at", "offline"], "smart_tap": ["value", "sequence", "read_at", "offline"],
    "smart_tap_session": ["session_id", "negotiated", "answer"],
}  # fmt: skip
SHOWN = FIELDS["kind"].flatmap(
    lambda kind: st.fixed_dictionaries({"kind": st.just(kind), **{name: FIELDS[name] for name in WANTED[kind]}})
)
BODIES = st.fixed_dictionaries(
    {"shown": SHOWN | JSON}, optional={"terminal_id": st.text(max_size=40), "pin": st.text(max_size=12), "x": JSON}
)
DOCUMENTED = {400, 403, 404, 409, 422, 429}


@pytest.fixture
async def till(db: Database) -> AsyncIterator[Counter]:
    async with counter(db) as opened:
        yield opened


@settings(max_examples=40)
@given(st.lists(BODIES | JSON, min_size=5, max_size=10), st.text(max_size=30))
async def test_nothing_that_is_presented_is_answered_by_an_error_of_ours(
    till: Counter, bodies: list[Any], junk: str
) -> None:
    terminal = await till.shop.terminal()
    headers = {"authorization": f"Bearer {till.shop.cafe.key}", "terminal-key": terminal.terminal_key}
    for number, body in enumerate(bodies):
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        raw += [(b"content-type", b"application/json"), (b"idempotency-key", f"{junk}{number}".encode())]
        answer = await till.shop.client.post("/v1/presentations", content=_encoded(body), headers=raw)
        assert answer.status_code in DOCUMENTED, answer.text
    assert await till.proofs() == 0


def _encoded(body: object) -> bytes:
    try:
        return msgspec.json.encode(body)
    except (UnicodeEncodeError, msgspec.MsgspecError, OverflowError):
        return repr(body).encode("utf-8", "replace")
