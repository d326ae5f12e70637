"""A tap: what an iPhone says to a reader by NFC, decrypted. Pure.

The reader passes on what the phone made for the programme's key alone (Apple's "value added services"):

    key id [4] | X of the phone's key of one use [32] | ciphertext [4 + n] | tag [16]        n <= 64: 56 to 120 bytes

The plaintext is the phone's time (seconds since 2001-01-01 UTC) and the message of the pass. Two variants are in use,
which differ in what the key and the tag are bound to; a wrong one fails to authenticate, so both are tried.

The card carries the public key (https://developer.apple.com/documentation/walletpasses/pass/nfc-data.dictionary);
there is no public text of Apple's on the cryptogram itself, but several readers agree on it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)  # fmt: skip
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kernel.errors import Invalid

SHORTEST: Final = 56
LONGEST: Final = 120
EPOCH: Final = datetime(2001, 1, 1, tzinfo=UTC)

_LABEL: Final = b"ApplePay encrypted VAS data"
_ALGORITHM: Final = b"\x0did-aes256-GCM"
_ONE_BLOCK: Final = b"\x00\x00\x00\x01"  # ANSI X9.63: the counter of the only block of 32 bytes
_NONCE: Final = bytes(16)
_CURVE: Final = SECP256R1()
_AGREEMENT: Final = ECDH()

Variant = Literal[1, 2]


class TapRefused(Invalid):
    """The tap cannot be used. Whoever sent it is not told why: `why` is for our own log."""

    code = "tap_refused"
    title = "The tap cannot be used"

    def __init__(self, why: str) -> None:
        super().__init__(
            "Read the phone once more. If it happens again, compare the terminal's clock, pass type and sequence."
        )
        self.why = why


@dataclass(frozen=True, slots=True)
class Tap:
    """What a phone said. `ephemeral` (X, 32 bytes) is never used twice by a phone; `at` is the phone's own clock."""

    at: datetime
    message: bytes
    ephemeral: bytes
    pass_type: str
    variant: Variant


def key_id_of(public_key: EllipticCurvePublicKey) -> str:
    """What a phone calls this key: the first four bytes of SHA-256 of its X, in hex."""
    x = public_key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)[1:]
    return hashlib.sha256(x).digest()[:4].hex()


def key_id_in(blob: bytes) -> str:
    """The key that a tap was made for, in hex. Raises TapRefused for what has not the length of a tap."""
    if not SHORTEST <= len(blob) <= LONGEST:
        raise TapRefused("length")
    return blob[:4].hex()


def decrypt(private_key: EllipticCurvePrivateKey, pass_type: str, blob: bytes) -> Tap:
    """What the phone said. Raises TapRefused."""
    return decrypt_any(private_key, [pass_type], blob)


def decrypt_any(private_key: EllipticCurvePrivateKey, pass_types: Iterable[str], blob: bytes) -> Tap:
    """What the phone said, by a pass of one of these types. The key agreement, which is nearly all of the work, is done
    once for all of them. The key must be the one of `key_id_in(blob)`. Raises TapRefused."""
    if not SHORTEST <= len(blob) <= LONGEST:
        raise TapRefused("length")
    ephemeral, sealed = blob[4:36], blob[36:]
    secret = _agree(private_key, ephemeral) + _ONE_BLOCK
    for pass_type in pass_types:
        for variant, info, bound in _bindings(pass_type):
            try:
                plain = AESGCM(hashlib.sha256(secret + info).digest()).decrypt(_NONCE, sealed, bound)
            except InvalidTag:
                continue
            at = EPOCH + timedelta(seconds=int.from_bytes(plain[:4], "big"))
            return Tap(at, plain[4:], ephemeral, pass_type, variant)
    raise TapRefused("cryptogram")


def _agree(private_key: EllipticCurvePrivateKey, ephemeral: bytes) -> bytes:
    """The shared secret. Which of the two points with this X is taken does not matter: both give the same."""
    try:
        point = EllipticCurvePublicKey.from_encoded_point(_CURVE, b"\x02" + ephemeral)
    except ValueError:
        raise TapRefused("point") from None
    return private_key.exchange(_AGREEMENT, point)


@lru_cache(maxsize=1024)
def _bindings(pass_type: str) -> tuple[tuple[Variant, bytes, bytes | None], ...]:
    """By variant: what the key is derived with, and what the tag covers besides the ciphertext."""
    name = hashlib.sha256(pass_type.encode()).digest()
    return (1, _ALGORITHM + _LABEL + name, None), (2, _LABEL, name)
