"""What phones say to readers, opened: by vectors of another implementation, and by what must not open."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, derive_private_key

from contracts.toolchain import find_node
from passes.apple.tap import EPOCH, LONGEST, SHORTEST, TapRefused, decrypt, decrypt_any, key_id_in, key_id_of
from passes.apple.tap_keys import new_pair

_FOLDER = Path(__file__).parents[1] / "vectors"
VECTORS: list[dict[str, Any]] = json.loads((_FOLDER / "apple_vas.json").read_text())["vectors"]

# One made by hand from the published steps, by a third implementation.
BY_HAND = {
    "private_key": "13f748ca03c49b001077f499a2402a18280ed22c9dcd081b51979c3fbe38dd2d",
    "pass_type": "pass.com.example.loyalty",
    "key_id": "2dfed7b3",
    "blobs": (
        "2dfed7b3a839a9f51fc4a8ae14bf1e3ed83f8a168d0d684f1d1eff158154332e82a8c682"
        "cd92b9bb3d8f3b22f9e859d1e02ea75c1b58456d4324b89714decf41a59dda64fb",
        "2dfed7b3a839a9f51fc4a8ae14bf1e3ed83f8a168d0d684f1d1eff158154332e82a8c682"
        "5b35782bdc92e260f252a2c81d77361b9a88760ce08ed2badf372f99e248296ac8",
    ),
}


def _key(scalar: str) -> EllipticCurvePrivateKey:
    return derive_private_key(int(scalar, 16), SECP256R1())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['name']}, variant {vector['variant']}")
def test_what_another_implementation_says_is_understood(vector: dict[str, Any]) -> None:
    key, blob = _key(vector["private_key"]), bytes.fromhex(vector["blob"])
    tap = decrypt(key, vector["pass_type"], blob)
    assert key_id_of(key.public_key()) == key_id_in(blob) == vector["key_id"]
    assert tap.message.hex() == vector["message"]
    assert tap.at == EPOCH + timedelta(seconds=vector["timestamp"])
    assert (tap.variant, tap.pass_type, tap.ephemeral) == (vector["variant"], vector["pass_type"], blob[4:36])


def test_the_vectors_are_what_the_other_implementation_prints() -> None:
    node = find_node()
    printed = subprocess.run(
        [str(node.node), str(_FOLDER / "apple_vas.mjs")], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert json.loads(printed)["vectors"] == VECTORS


@pytest.mark.parametrize(("variant", "blob"), [(1, BY_HAND["blobs"][0]), (2, BY_HAND["blobs"][1])])
def test_the_vector_made_by_hand_opens(variant: int, blob: str) -> None:
    tap = decrypt(_key(str(BY_HAND["private_key"])), str(BY_HAND["pass_type"]), bytes.fromhex(blob))
    assert tap.at == datetime(2026, 5, 9, 6, 13, 20, tzinfo=UTC)
    assert (tap.message, tap.variant) == (b"MEMBER-000042", variant)


def test_one_agreement_serves_every_pass_type() -> None:
    vector = VECTORS[0]
    others = [f"pass.org.example.{number}" for number in range(5)]
    tap = decrypt_any(_key(vector["private_key"]), [*others, vector["pass_type"]], bytes.fromhex(vector["blob"]))
    assert tap.pass_type == vector["pass_type"]


def _unusable() -> dict[str, tuple[str, str, bytes]]:
    vector = VECTORS[0]
    key, pass_type, blob = vector["private_key"], vector["pass_type"], bytes.fromhex(vector["blob"])
    off_the_curve = next(x.to_bytes(32, "big") for x in range(1, 99) if not _is_on_the_curve(x))
    return {
        "nothing": (key, pass_type, b""),
        "one byte too short": (key, pass_type, blob[: SHORTEST - 1]),
        "one byte too long": (key, pass_type, blob + bytes(LONGEST - len(blob) + 1)),
        "cut off": (key, pass_type, blob[:-1]),
        "one byte more": (key, pass_type, blob + b"\x00"),
        "another key": (VECTORS[1]["ephemeral_private_key"], pass_type, blob),
        "another pass type": (key, "pass.org.commonpoint.tesu", blob),
        "an X that is on no point": (key, pass_type, blob[:4] + off_the_curve + blob[36:]),
        "an X beyond the field": (key, pass_type, blob[:4] + b"\xff" * 32 + blob[36:]),
        "an X of another tap": (key, pass_type, blob[:4] + bytes.fromhex(VECTORS[2]["blob"])[4:36] + blob[36:]),
        "a changed tag": (key, pass_type, blob[:-1] + bytes([blob[-1] ^ 1])),
        "a changed time": (key, pass_type, blob[:39] + bytes([blob[39] ^ 1]) + blob[40:]),
    }


def _is_on_the_curve(x: int) -> bool:
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    square = (pow(x, 3, p) - 3 * x + b) % p
    return pow(square, (p - 1) // 2, p) == 1


@pytest.mark.parametrize("what", _unusable())
def test_what_cannot_be_used_is_refused_without_saying_why(what: str) -> None:
    key, pass_type, blob = _unusable()[what]
    with pytest.raises(TapRefused) as refused:
        decrypt(_key(key), pass_type, blob)
    assert (refused.value.detail, refused.value.facts) == (TapRefused("anything").detail, {})


def test_a_new_key_is_written_as_cards_want_it() -> None:
    made = new_pair()
    assert len(made.public_key) == 80
    assert made.public_key[:36] in ("MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgAC", "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgAD")
    assert made.public_key.endswith("=")
    assert all(character in "0123456789abcdef" for character in made.key_id)
