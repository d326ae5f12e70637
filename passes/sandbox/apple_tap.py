"""The phone's side of a tap: a wallet that answers a reader's commands as an iPhone does.

What is said on the air is Apple's "value added services": SELECT of `OSE.VAS.01`, then GET DATA with the SHA-256 of a
pass type identifier; the phone answers with a cryptogram for the key that its pass names. The cryptogram is made here
by the steps of ANSI X9.63 with the library's own derivation, apart from how the service opens it.
"""

import base64
import hashlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)  # fmt: skip
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

APPLICATION: Final = b"OSE.VAS.01"
DONE, LOCKED, NO_PASS, UNKNOWN_COMMAND, UNKNOWN_APPLICATION = 0x9000, 0x6287, 0x6A83, 0x6D00, 0x6A82
LONGEST_MESSAGE: Final = 64
APPLE_EPOCH: Final = 978_307_200  # 2001-01-01 00:00:00 UTC in seconds of Unix
_LABEL: Final = b"ApplePay encrypted VAS data"

Tags = dict[bytes, bytes]


class PhoneOfTaps:
    """The passes of one phone, by pass type, as a reader meets them.

    `unlocked` is whether its owner has just looked at it; `variant` how it seals; `clock_off_s` how wrong its clock is.
    """

    def __init__(self, *, unlocked: bool = True, variant: Literal[1, 2] = 1, clock_off_s: float = 0.0) -> None:
        self.unlocked = unlocked
        self.variant: Literal[1, 2] = variant
        self.clock_off_s = clock_off_s
        self._papers: dict[bytes, Mapping[str, Any]] = {}
        self._selected = False

    def add(self, paper: Mapping[str, Any]) -> None:
        """Take a pass by its pass.json; a newer one of the same type takes the place of the older."""
        self._papers[hashlib.sha256(paper["passTypeIdentifier"].encode()).digest()] = paper

    @property
    def papers(self) -> list[Mapping[str, Any]]:
        """The passes that it holds."""
        return list(self._papers.values())

    def answer(self, command: bytes, now: datetime | None = None) -> bytes:
        """The answer to a command (ISO 7816-4): data, then two bytes of status."""
        header, data = command[:4], command[5 : 5 + command[4]] if len(command) > 4 else b""
        if header == bytes.fromhex("00a40400"):
            self._selected = data == APPLICATION
            return (
                _reply(DONE, tlv(b"\x6f", tlv(b"\x50", b"ApplePay"))) if self._selected else _reply(UNKNOWN_APPLICATION)
            )
        if self._selected and header == bytes.fromhex("80ca0101"):
            return self._say(tags(data), now or datetime.now(UTC))
        return _reply(UNKNOWN_COMMAND)

    def _say(self, asked: Tags, now: datetime) -> bytes:
        paper = self._papers.get(asked.get(b"\x9f\x25", b""))
        nfc = paper.get("nfc") if paper else None
        if paper is None or nfc is None or paper.get("voided"):
            return _reply(NO_PASS)
        if nfc.get("requiresAuthentication") and not self.unlocked:
            return _reply(LOCKED)
        key = load_der_public_key(base64.b64decode(nfc["encryptionPublicKey"], validate=True))
        assert isinstance(key, EllipticCurvePublicKey)
        at = datetime.fromtimestamp(now.timestamp() + self.clock_off_s, UTC)
        blob = cryptogram(key, paper["passTypeIdentifier"], nfc["message"].encode(), at, variant=self.variant)
        return _reply(DONE, tlv(b"\x70", tlv(b"\x9f\x2a", b"") + tlv(b"\x9f\x27", blob)))


def cryptogram(
    key: EllipticCurvePublicKey, pass_type: str, message: bytes, at: datetime, *, variant: Literal[1, 2] = 1,
    ephemeral: EllipticCurvePrivateKey | None = None,
) -> bytes:  # fmt: skip
    """What a phone says of a pass of this type whose nfc dictionary holds this key and message."""
    once = ephemeral or generate_private_key(SECP256R1())
    name = hashlib.sha256(pass_type.encode()).digest()
    info = b"\x0did-aes256-GCM" + _LABEL + name if variant == 1 else _LABEL
    secret = X963KDF(SHA256(), 32, info).derive(once.exchange(ECDH(), key))
    plain = (int(at.timestamp()) - APPLE_EPOCH).to_bytes(4, "big") + message[:LONGEST_MESSAGE]
    sealed = AESGCM(secret).encrypt(bytes(16), plain, None if variant == 1 else name)
    return hashlib.sha256(_x(key)).digest()[:4] + _x(once.public_key()) + sealed


def garbled(blob: bytes) -> bytes:
    """The same tap with one bit of it changed on the way."""
    place = int.from_bytes(os.urandom(2), "big") % len(blob)
    return blob[:place] + bytes([blob[place] ^ (1 << (place % 8))]) + blob[place + 1 :]


def tlv(tag: bytes, value: bytes) -> bytes:
    """A BER-TLV data object (ISO 7816-4); values up to 255 bytes."""
    length = bytes([len(value)]) if len(value) < 0x80 else bytes([0x81, len(value)])
    return tag + length + value


def tags(data: bytes) -> Tags:
    """The data objects of one level. Raises ValueError for what is cut off."""
    found: Tags = {}
    while data:
        size = 2 if data[0] & 0x1F == 0x1F else 1
        tag, rest = data[:size], data[size:]
        if not rest:
            raise ValueError("a data object without a length")
        length, start = (rest[1], 2) if rest[0] == 0x81 and len(rest) > 1 else (rest[0], 1)
        if len(rest) < start + length:
            raise ValueError("a data object that is cut off")
        found[tag], data = rest[start : start + length], rest[start + length :]
    return found


def _x(key: EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)[1:]


def _reply(status: int, data: bytes = b"") -> bytes:
    return data + status.to_bytes(2, "big")
