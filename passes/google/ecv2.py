"""Google's word that somebody saved or deleted a card, and whether it is Google's: ECv2SigningOnly.

Google's root key signs an intermediate key, which lives for about a week and signs the messages. What is signed are
the texts exactly as they were received, each after its length in bytes; decoding and encoding them again would change
them (real messages write `=` as six characters). Pure: keys, issuer and time are handed in.

Source: https://developers.google.com/wallet/generic/use-cases/use-callbacks-for-saves-and-deletions
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kernel.errors import Forbidden

PROTOCOL: Final = "ECv2SigningOnly"
# A version of Google's page says GoogleWalletPasses: no callback that Google really sent verifies with that name.
SENDER: Final = "GooglePayPasses"
LARGEST_CALLBACK_BYTES: Final = 16 * 1024

Event = Literal["save", "del"]
Reason = Literal["malformed", "protocol", "root", "key_expired", "signature", "expired", "issuer"]

_ECDSA: Final = ec.ECDSA(hashes.SHA256())
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MILLIS: Final = 253_402_300_799_000  # the end of the year 9999
_MOST_SIGNATURES: Final = 10
_ID: Final = re.compile(r"([0-9]{1,20})\.[A-Za-z0-9._-]{1,200}")
_NONCE: Final = re.compile(r"[!-~]{1,200}")


class CallbackRefused(Forbidden):
    """The callback is not Google's word to us now; fact `reason` says why (see `Reason`)."""

    code = "google_callback_refused"
    title = "The callback is not accepted"

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"The callback is refused: {reason}.", reason=reason)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class RootKey:
    """A key of Google's that signs intermediate keys, until it expires."""

    key: ec.EllipticCurvePublicKey
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Callback:
    """What Google says: `event` happened to an object; `said_until` is when the message itself ends, which orders the
    messages about one object. `nonce` is unique."""

    class_id: str
    object_id: str
    event: Event
    count: int
    said_until: datetime
    nonce: str


class _Intermediate(msgspec.Struct, rename="camel"):
    signed_key: str
    signatures: list[str]


class _Envelope(msgspec.Struct, rename="camel"):
    signature: str
    intermediate_signing_key: _Intermediate
    protocol_version: str
    signed_message: str


class _SignedKey(msgspec.Struct, rename="camel"):
    key_value: str
    key_expiration: int


class _Message(msgspec.Struct, rename="camel"):
    class_id: str
    object_id: str
    event_type: Event
    exp_time_millis: int
    nonce: str
    count: int = 1


class _Root(msgspec.Struct, rename="camel"):
    key_value: str = ""
    protocol_version: str = ""
    key_expiration: int = 0


class _Roots(msgspec.Struct):
    keys: list[_Root]


# Lenient: numbers arrive as numbers or as texts of digits.
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_SIGNED_KEY = msgspec.json.Decoder(_SignedKey, strict=False)
_MESSAGE = msgspec.json.Decoder(_Message, strict=False)
_ROOTS = msgspec.json.Decoder(_Roots, strict=False)


def signed_bytes(*parts: str) -> bytes:
    """What is signed for these texts: each one's length in UTF-8 as 4 bytes, little end first, and the text."""
    out = bytearray()
    for part in parts:
        raw = part.encode()
        out += len(raw).to_bytes(4, "little") + raw
    return bytes(out)


def public_key(text: str) -> ec.EllipticCurvePublicKey:
    """The P-256 key of a SubjectPublicKeyInfo in base64. Raises ValueError."""
    key = serialization.load_der_public_key(base64.b64decode(text, validate=True))
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise ValueError("not a P-256 key")
    return key


def root_keys(document: bytes) -> list[RootKey]:
    """The keys of Google's list that may sign callbacks, expired ones too; entries we cannot read are left out.

    Raises ValueError if it is no such list.
    """
    try:
        listed = _ROOTS.decode(document).keys
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"not a list of keys ({error})") from error
    found = []
    for one in listed[:100]:
        if one.protocol_version == PROTOCOL:
            try:
                found.append(RootKey(public_key(one.key_value), moment(min(one.key_expiration, _LATEST_MILLIS))))
            except ValueError:
                continue
    return found


def verified(body: bytes, roots: Sequence[RootKey], issuer_id: str, now: datetime, sender: str = SENDER) -> Callback:
    """The message in a callback's body, if Google signed it, for this issuer, and it is still good. `roots` may hold
    expired keys. Raises CallbackRefused; with reason `root` a newer list of root keys might help.
    """
    envelope = _envelope(body)
    key = _intermediate(envelope.intermediate_signing_key, roots, now, sender)
    said = signed_bytes(sender, issuer_id, PROTOCOL, envelope.signed_message)
    if not _signed(key, [envelope.signature], said):
        raise CallbackRefused("signature")
    try:
        message = _MESSAGE.decode(envelope.signed_message)
        callback = Callback(
            message.class_id, message.object_id, message.event_type, message.count, moment(message.exp_time_millis),
            message.nonce,
        )  # fmt: skip
    except (ValueError, RecursionError) as error:
        raise CallbackRefused("malformed") from error
    ids = [_ID.fullmatch(callback.class_id), _ID.fullmatch(callback.object_id)]
    if _NONCE.fullmatch(callback.nonce) is None or not -(2**31) <= callback.count < 2**31 or None in ids:
        raise CallbackRefused("malformed")
    if any(found is not None and found[1] != issuer_id for found in ids):
        raise CallbackRefused("issuer")
    if callback.said_until <= now:
        raise CallbackRefused("expired")
    return callback


def refuse_misshapen(body: bytes) -> None:
    """Raises CallbackRefused for what cannot be a callback whatever keys there are, before any key is needed."""
    _envelope(body)


def moment(millis: int) -> datetime:
    """Unix milliseconds as a moment. Raises ValueError for what is no date."""
    if not 0 <= millis <= _LATEST_MILLIS:
        raise ValueError("not a moment")
    return _EPOCH + timedelta(milliseconds=millis)


def _envelope(body: bytes) -> _Envelope:
    try:
        envelope = _ENVELOPE.decode(body)
        for text in (envelope.signed_message, envelope.intermediate_signing_key.signed_key):
            text.encode()  # a lone surrogate is no text that anybody could have signed
    except (ValueError, RecursionError) as error:
        raise CallbackRefused("malformed") from error
    if envelope.protocol_version != PROTOCOL:
        raise CallbackRefused("protocol")
    if len(envelope.intermediate_signing_key.signatures) > _MOST_SIGNATURES:
        raise CallbackRefused("malformed")
    return envelope


def _intermediate(
    named: _Intermediate, roots: Sequence[RootKey], now: datetime, sender: str
) -> ec.EllipticCurvePublicKey:
    """The key that signs messages, if a root key vouches for it."""
    said = signed_bytes(sender, PROTOCOL, named.signed_key)
    if not any(_signed(root.key, named.signatures, said) for root in roots if root.expires_at > now):
        raise CallbackRefused("root")
    try:
        signed = _SIGNED_KEY.decode(named.signed_key)
        key, ends = public_key(signed.key_value), moment(signed.key_expiration)
    except (ValueError, RecursionError) as error:
        raise CallbackRefused("malformed") from error
    if ends <= now:
        raise CallbackRefused("key_expired")
    return key


def _signed(key: ec.EllipticCurvePublicKey, signatures: Sequence[str], said: bytes) -> bool:
    """Whether any of the signatures (DER in base64) is this key's under `said`."""
    for signature in signatures:
        try:
            key.verify(base64.b64decode(signature, validate=True), said, _ECDSA)
        except (ValueError, InvalidSignature):
            continue
        return True
    return False
