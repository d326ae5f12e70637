"""Smart Tap: what a reader and an Android phone say to each other by NFC, the reader's side, with keys held here. Pure.

The reader proves to the phone who it is: it signs both nonces and a key of one use with the collector's long-term key,
whose public half Google knows. The phone answers with a key of one use of its own, and then with its pass, encrypted
for the two:

    signed  = reader's nonce [32] | phone's nonce [32] | collector id [4] | reader's key of one use [33]
    48 bytes = HKDF-SHA256(ECDH, salt = phone's key of one use [33], info = signed | signature): 16 for AES, 32 for HMAC
    bundle  = flags [1] | IV [12] | ciphertext (AES-128-CTR) | HMAC-SHA256 over IV and ciphertext [32]

The phone's own key is signed by nobody: whoever knows what a pass says (its redemption value) can answer as a phone
does. What a session proves is that this was said to this reader now, by somebody who knows the value.

Version 2.1 of the protocol; https://developers.google.com/wallet/smart-tap/introduction/communication-flow. The bytes
are not in Google's public text: they are as its sample reader and others in the field use them.
"""

import hmac
import zlib
from dataclasses import dataclass
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)  # fmt: skip
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kernel.errors import Invalid
from passes.google.smart_tap_ndef import BadNdef, Record, external, message, named, records, text_of

NONCE_LENGTH: Final = 32
POINT_LENGTH: Final = 33
SESSION_LENGTH: Final = 8
LONGEST_ANSWER: Final = 4096  # a pass is a few hundred bytes; over more than this nobody holds their phone
LONGEST_OPENED: Final = 16_384
MOST_PASSES: Final = 8  # a phone hands out one; with it may come words on the customer

_VERSION: Final = b"\x00\x01"
_BINARY: Final = b"\x04"
_LIVE: Final = b"\x01"
_STATUS_OK: Final = 1
_LOYALTY: Final = b"\x03"
# What the reader can do: stand alone, online, unpack zlib (first byte); read a pass without a payment (last byte).
_CAPABILITIES: Final = bytes([0x01 | 0x08 | 0x40, 0, 0, 0, 0x01])
_ENCRYPTED, _COMPRESSED = 0x01, 0x02
_IV_LENGTH, _TAG_LENGTH = 12, 32
_CURVE: Final = SECP256R1()

Service = Literal["loyalty", "offer", "gift_card", "generic", "event", "flight", "transit", "private_label"]
_SERVICES: Final[dict[bytes, Service]] = {
    b"ly": "loyalty", b"of": "offer", b"gc": "gift_card", b"gr": "generic", b"et": "event", b"fl": "flight",
    b"tr": "transit", b"pl": "private_label",
}  # fmt: skip


class SmartTapRefused(Invalid):
    """The tap cannot be used. Whoever sent it is not told why: `why` is for our own log."""

    code = "tap_refused"
    title = "The tap cannot be used"

    def __init__(self, why: str) -> None:
        super().__init__(
            "Read the phone once more. If it happens again, compare the terminal's clock, key version and sequence."
        )
        self.why = why


@dataclass(frozen=True, slots=True)
class Signed:
    """What the reader said to the phone, which both put into the keys of the session."""

    session: bytes
    signed: bytes
    signature: bytes

    @property
    def device_nonce(self) -> bytes:
        """What the phone gave to be signed."""
        return self.signed[NONCE_LENGTH : 2 * NONCE_LENGTH]

    @property
    def collector(self) -> bytes:
        """The collector's id, as it is said on the air."""
        return self.signed[2 * NONCE_LENGTH : -POINT_LENGTH]

    @property
    def collector_id(self) -> int:
        """The collector's id, as Google writes it."""
        return int.from_bytes(self.collector, "big")


@dataclass(frozen=True, slots=True)
class Shown:
    """A pass as the phone handed it out. `value` is its redemption value, `issuer` the bytes that name its issuer."""

    service: Service
    value: str
    issuer: bytes


def compressed(key: EllipticCurvePublicKey) -> bytes:
    """A point as Smart Tap writes it (33 bytes)."""
    return key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def sign(
    key: EllipticCurvePrivateKey, collector_id: int, session: bytes, nonce: bytes, device_nonce: bytes,
    once: EllipticCurvePublicKey,
) -> Signed:  # fmt: skip
    """The reader's word to the phone, signed with the collector's long-term key. `session` has 8 bytes, nonces 32."""
    if len(session) != SESSION_LENGTH or len(nonce) != NONCE_LENGTH or len(device_nonce) != NONCE_LENGTH:
        raise ValueError("a session id has 8 bytes and a nonce 32")
    signed = nonce + device_nonce + collector_id.to_bytes(4, "big") + compressed(once)
    return Signed(session, signed, key.sign(signed, ECDSA(SHA256())))


def negotiate(said: Signed, key_version: int) -> bytes:
    """The data of NEGOTIATE SECURE CHANNEL (90 53 00 00): an `ngr` message."""
    nonce, once = said.signed[:NONCE_LENGTH], said.signed[-POINT_LENGTH:]
    proof = message([external(b"sig", _BINARY + said.signature), external(b"cld", _BINARY + said.collector)])
    parameters = nonce + _LIVE + once + key_version.to_bytes(4, "big") + proof
    inside = message([_session(said.session, 0), external(b"cpr", parameters)])
    return message([external(b"ngr", _VERSION + inside)])


def request(said: Signed) -> bytes:
    """The data of GET DATA (90 50 00 00): an `srq` message that asks for one loyalty card."""
    merchant = message([external(b"cld", _BINARY + said.collector)])
    wanted = message([external(b"str", _LOYALTY)])
    inside = message(
        [
            _session(said.session, 1),
            external(b"mer", merchant),
            external(b"slr", wanted),
            external(b"pcr", _CAPABILITIES),
        ]
    )
    return message([external(b"srq", _VERSION + inside)])


def opened(once: EllipticCurvePrivateKey, said: Signed, negotiated: bytes, answer: bytes) -> list[Shown]:
    """The passes that the phone handed out, at most MOST_PASSES.

    `negotiated` is its `nrs` message, `answer` its `srs` message (the answers to GET DATA and GET MORE DATA, joined).
    Raises SmartTapRefused for everything that is not a phone's answer in this session.
    """
    if len(answer) > LONGEST_ANSWER or len(negotiated) > LONGEST_ANSWER:
        raise SmartTapRefused("length")
    try:
        device_key = _said(negotiated, b"nrs", said.session, b"dpk")
        bundle = _said(answer, b"srs", said.session, b"reb")
        return _shown(_unpacked(bundle, session_keys(once, device_key, said)))
    except BadNdef:
        raise SmartTapRefused("form") from None


def session_keys(once: EllipticCurvePrivateKey, device_key: bytes, said: Signed) -> bytes:
    """The 48 bytes that both sides come to: 16 for AES, 32 for HMAC. Raises SmartTapRefused."""
    if len(device_key) != POINT_LENGTH:
        raise SmartTapRefused("point")
    try:
        point = EllipticCurvePublicKey.from_encoded_point(_CURVE, device_key)
    except ValueError:
        raise SmartTapRefused("point") from None
    secret = once.exchange(ECDH(), point)
    return HKDF(SHA256(), 48, salt=device_key, info=said.signed + said.signature).derive(secret)


def _session(session: bytes, sequence: int) -> Record:
    return external(b"ses", session + bytes([sequence, _STATUS_OK]))


def _said(answer: bytes, name: bytes, session: bytes, wanted: bytes) -> bytes:
    """What the phone's message of this name says under `wanted`, if it is of this session and the phone is content."""
    inside = named(answer, name)
    said = named(inside, b"ses")
    if said[:SESSION_LENGTH] != session or len(said) != SESSION_LENGTH + 2 or said[-1] != _STATUS_OK:
        raise SmartTapRefused("session")
    return named(inside, wanted)


def _unpacked(bundle: bytes, keys: bytes) -> bytes:
    """What is in a record bundle. One that is not encrypted, and so not authenticated, says nothing."""
    if len(bundle) < 1 + _IV_LENGTH + _TAG_LENGTH:
        raise SmartTapRefused("length")
    flags, sealed, tag = bundle[0], bundle[1:-_TAG_LENGTH], bundle[-_TAG_LENGTH:]
    if flags & ~_COMPRESSED != _ENCRYPTED:
        raise SmartTapRefused("flags")
    if not hmac.compare_digest(hmac.digest(keys[16:], sealed, "sha256"), tag):
        raise SmartTapRefused("cryptogram")
    cipher = Cipher(AES(keys[:16]), CTR(sealed[:_IV_LENGTH] + bytes(4))).decryptor()
    plain = cipher.update(sealed[_IV_LENGTH:]) + cipher.finalize()
    return _inflated(plain) if flags & _COMPRESSED else plain


def _inflated(packed: bytes) -> bytes:
    """zlib, stopped at LONGEST_OPENED: a few bytes can be made to unpack to gigabytes."""
    unpacking = zlib.decompressobj()
    try:
        plain = unpacking.decompress(packed, LONGEST_OPENED)
    except zlib.error:
        raise SmartTapRefused("packing") from None
    if not unpacking.eof or unpacking.unused_data:
        raise SmartTapRefused("packing")
    return plain


def _shown(plain: bytes) -> list[Shown]:
    found: list[Shown] = []
    for value in (record for record in records(plain) if record.name == b"asv"):
        for record in records(value.payload):
            service = _SERVICES.get(record.name)
            if service is not None:
                found += _pass(service, records(record.payload))
    if not 0 < len(found) <= MOST_PASSES:
        raise SmartTapRefused("message")
    return found


def _pass(service: Service, fields: list[Record]) -> list[Shown]:
    """The pass in the fields of a service record, if they say a redemption value."""
    number = next((field for field in fields if field.name == b"n"), None)
    if number is None:
        return []
    issuer = next((field.payload[1:] for field in fields if field.name == b"i"), b"")
    return [Shown(service, _value(number), issuer)]


def _value(number: Record) -> str:
    """The redemption value: a Text, or one byte of format and then the value. Google allows ASCII alone."""
    try:
        return text_of(number.payload) if number.is_text else number.payload[1:].decode("ascii")
    except UnicodeDecodeError:
        raise SmartTapRefused("message") from None
