"""Whatever a phone may say is understood; whatever is changed on the way is not."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from hypothesis import given
from hypothesis import strategies as st

from api.http.taps import blob_of
from passes.apple.tap import EPOCH, TapRefused, decrypt, key_id_in, key_id_of
from passes.sandbox.apple_tap import cryptogram, tags, tlv

KEY = generate_private_key(SECP256R1())
PASS_TYPE = "pass.org.commonpoint.test"
MESSAGES = st.binary(max_size=64)
VARIANTS: st.SearchStrategy[Literal[1, 2]] = st.sampled_from([1, 2])
SECONDS = st.integers(0, 2**32 - 1)


@given(MESSAGES, SECONDS, VARIANTS)
def test_every_message_and_time_comes_through(message: bytes, seconds: int, variant: Literal[1, 2]) -> None:
    at = EPOCH + timedelta(seconds=seconds)
    tap = decrypt(KEY, PASS_TYPE, cryptogram(KEY.public_key(), PASS_TYPE, message, at, variant=variant))
    assert (tap.message, tap.at, tap.variant) == (message, at, variant)


@given(MESSAGES, VARIANTS, st.data())
def test_a_tap_that_was_changed_anywhere_is_refused(
    message: bytes, variant: Literal[1, 2], data: st.DataObject
) -> None:
    blob = bytearray(cryptogram(KEY.public_key(), PASS_TYPE, message, datetime.now(UTC), variant=variant))
    place = data.draw(st.integers(0, len(blob) - 1))
    blob[place] ^= data.draw(st.integers(1, 255))
    if place < 4:
        assert key_id_in(bytes(blob)) != key_id_of(KEY.public_key())
    else:
        with pytest.raises(TapRefused):
            decrypt(KEY, PASS_TYPE, bytes(blob))


@given(st.binary(max_size=200))
def test_noise_is_refused(blob: bytes) -> None:
    with pytest.raises(TapRefused):
        decrypt(KEY, PASS_TYPE, blob)


@given(st.text(max_size=200))
def test_any_text_is_some_bytes_or_none(text: str) -> None:
    assert len(blob_of(text)) <= len(text)


@given(st.binary(min_size=56, max_size=120))
def test_hex_and_both_kinds_of_base64_say_the_same(blob: bytes) -> None:
    plain, web = base64.b64encode(blob).decode(), base64.urlsafe_b64encode(blob).decode()
    for text in (blob.hex(), blob.hex().upper(), plain, plain.rstrip("="), web, web.rstrip("=")):
        assert blob_of(text) == blob


@given(st.dictionaries(st.sampled_from([b"\x50", b"\x9f\x27", b"\x9f\x2a", b"\x70"]), st.binary(max_size=130)))
def test_data_objects_are_read_as_they_were_written(objects: dict[bytes, bytes]) -> None:
    assert tags(b"".join(tlv(tag, value) for tag, value in objects.items())) == objects
