"""Google's callbacks are believed when Google signed them, for us, and they are still good; and never otherwise."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from passes.google.ecv2 import (
    LARGEST_CALLBACK_BYTES,
    SENDER,
    CallbackRefused,
    RootKey,
    moment,
    root_keys,
    signed_bytes,
    verified,
)
from passes.sandbox.google_signer import CallbackSigner
from tests.support import tree

VECTORS: list[dict[str, Any]] = json.loads(tree.text(tree.ROOT / "tests" / "vectors" / "google_ecv2.json"))["vectors"]
ISSUER = "3388000000000000000"
NOW = datetime.now(UTC)


def reason(body: bytes, roots: list[RootKey], issuer: str = ISSUER, now: datetime = NOW) -> str:
    try:
        verified(body, roots, issuer, now)
    except CallbackRefused as error:
        return error.reason
    return "ok"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_what_another_implementation_signed_is_judged_as_it_meant_it(vector: dict[str, Any]) -> None:
    roots = root_keys(vector["root_keys"].encode())
    assert reason(vector["body"].encode(), roots, vector["issuer"], moment(vector["now"])) == vector["outcome"]


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["said"]], ids=lambda vector: vector["name"])
def test_a_callback_says_what_was_signed(vector: dict[str, Any]) -> None:
    roots = root_keys(vector["root_keys"].encode())
    callback = verified(vector["body"].encode(), roots, vector["issuer"], moment(vector["now"]))
    said = vector["said"]
    assert (callback.class_id, callback.object_id, callback.event) == (
        said["classId"], said["objectId"], said["eventType"],
    )  # fmt: skip
    assert (callback.nonce, callback.count) == (said["nonce"], int(said["count"]))
    assert callback.said_until == moment(int(said["expTimeMillis"]))


def test_google_signs_as_google_pay_passes() -> None:
    """Callbacks that Google really sent verify with this name alone; one of its pages names another."""
    assert SENDER == "GooglePayPasses"
    signer = CallbackSigner(ISSUER)
    roots = root_keys(signer.root_keys())
    assert reason(signer.body(f"{ISSUER}.c", f"{ISSUER}.o", "save"), roots) == "ok"
    for sender in ("GoogleWalletPasses", "Google", ""):
        assert reason(signer.body(f"{ISSUER}.c", f"{ISSUER}.o", "save", sender=sender), roots) == "root"


def test_lengths_are_counted_in_bytes_little_end_first() -> None:
    assert signed_bytes("a", "", "é") == b"\x01\x00\x00\x00a\x00\x00\x00\x00\x02\x00\x00\x00\xc3\xa9"


def test_an_ended_root_key_vouches_for_nothing() -> None:
    signer = CallbackSigner(ISSUER)
    roots = root_keys(signer.root_keys())
    body = signer.body(f"{ISSUER}.c", f"{ISSUER}.o", "save")
    assert reason(body, roots) == "ok"
    assert reason(body, [RootKey(root.key, NOW) for root in roots]) == "root"
    assert reason(body, [RootKey(root.key, NOW + timedelta(seconds=1)) for root in roots]) == "ok"
    assert reason(body, []) == "root"


def test_a_key_that_signs_messages_ends_too() -> None:
    signer = CallbackSigner(ISSUER)
    roots = root_keys(signer.root_keys())
    ended = signer.body(f"{ISSUER}.c", f"{ISSUER}.o", "save", key_ends_at=NOW - timedelta(seconds=1))
    assert reason(ended, roots) == "key_expired"
    # Whoever finds an old key of Google's cannot lengthen its life.
    forged = signer.body(f"{ISSUER}.c", f"{ISSUER}.o", "save", root=ec.generate_private_key(ec.SECP256R1()))
    assert reason(forged, roots) == "root"


def test_only_keys_that_may_sign_callbacks_are_taken_from_the_list() -> None:
    signer = CallbackSigner(ISSUER)
    listed = json.loads(signer.root_keys())["keys"]
    assert {key["protocolVersion"] for key in listed} == {"ECv2", "ECv2SigningOnly"}
    assert len(root_keys(signer.root_keys())) == 1
    broken = [
        {}, {"keyValue": "x", "protocolVersion": "ECv2SigningOnly", "keyExpiration": "1"},
        {**listed[1], "keyExpiration": "-5"}, {**listed[1], "keyValue": base64.b64encode(b"\x30\x00").decode()},
    ]  # fmt: skip
    assert len(root_keys(json.dumps({"keys": [*broken, *listed]}).encode())) == 1


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b"<html>", b'{"keys": 1}', b'{"keys":' + b"[" * 90_000])
def test_what_is_no_list_of_keys_is_told_apart(document: bytes) -> None:
    with pytest.raises(ValueError, match="not a list of keys"):
        root_keys(document)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"{}", b"[]", b"\xff\xfe", b"[" * LARGEST_CALLBACK_BYTES, b'{"a":' * 3000, b"1" * 10_000,
        b'{"signature":"","intermediateSigningKey":null,"protocolVersion":"ECv2SigningOnly","signedMessage":""}',
        b'{"signature":1,"intermediateSigningKey":{"signedKey":"","signatures":[]},"protocolVersion":"ECv2SigningOnly",'
        b'"signedMessage":""}',
        b'{"signature":"","intermediateSigningKey":{"signedKey":"\\ud800","signatures":[""]},'
        b'"protocolVersion":"ECv2SigningOnly","signedMessage":"\\udc00"}',
    ],
)  # fmt: skip
def test_a_body_of_another_shape_is_malformed(body: bytes) -> None:
    assert reason(body, []) == "malformed"


def test_a_tower_of_signatures_is_not_climbed() -> None:
    signer = CallbackSigner(ISSUER)
    envelope = signer.envelope(signer.message(f"{ISSUER}.c", f"{ISSUER}.o", "save"))
    envelope["intermediateSigningKey"]["signatures"] *= 11
    assert reason(json.dumps(envelope).encode(), root_keys(signer.root_keys())) == "malformed"
