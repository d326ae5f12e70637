"""Whatever is sent in place of a callback is refused; nothing that differs from what Google said is ever believed."""

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from passes.google.ecv2 import Callback, CallbackRefused, root_keys, verified
from passes.sandbox.google_signer import CallbackSigner

ISSUER = "3388000000000000000"
NOW = datetime.now(UTC)
SIGNER = CallbackSigner(ISSUER)
ROOTS = root_keys(SIGNER.root_keys())
GOOD = SIGNER.body(f"{ISSUER}.ptn_cafe", f"{ISSUER}.pass_1", "save", ends_at=NOW + timedelta(days=1))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def read(body: bytes) -> Callback | None:
    try:
        return verified(body, ROOTS, ISSUER, NOW)
    except CallbackRefused:
        return None


@given(st.binary(max_size=2000))
def test_any_bytes_are_refused(body: bytes) -> None:
    assert read(body) is None


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_changed_byte_changes_nothing_that_is_believed(at: int, byte: int) -> None:
    changed = bytearray(GOOD)
    changed[at] = byte
    assert read(bytes(changed)) in (None, read(GOOD))


@given(st.integers(0, len(GOOD)), st.integers(0, len(GOOD)), st.binary(max_size=30))
def test_a_changed_stretch_changes_nothing_that_is_believed(one: int, other: int, instead: bytes) -> None:
    start, end = sorted((one, other))
    assert read(GOOD[:start] + instead + GOOD[end:]) in (None, read(GOOD))


@given(st.dictionaries(st.sampled_from(["classId", "objectId", "eventType", "expTimeMillis", "count", "nonce"]), JSON))
def test_what_google_signs_but_nobody_expects_is_refused_and_breaks_nothing(differing: dict[str, object]) -> None:
    message = {**SIGNER.message(f"{ISSUER}.c", f"{ISSUER}.o", "save", ends_at=NOW + timedelta(days=1)), **differing}
    callback = read(json.dumps(SIGNER.envelope(message)).encode())
    if callback is not None:
        assert callback.said_until > NOW
        assert callback.object_id.startswith(f"{ISSUER}.")
        assert callback.nonce.isascii()
        assert callback.nonce
        assert -(2**31) <= callback.count < 2**31
