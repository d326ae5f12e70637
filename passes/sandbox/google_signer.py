"""The sandbox's Google as it signs callbacks: a root key, keys signed by it, and messages signed by those.

It shares nothing with what verifies them. Source of the form:
https://developers.google.com/wallet/generic/use-cases/use-callbacks-for-saves-and-deletions
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_SENDER = "GooglePayPasses"
_PROTOCOL = "ECv2SigningOnly"
_ROOT_LIFETIME = timedelta(days=300)
_KEY_LIFETIME = timedelta(days=7)
_MESSAGE_LIFETIME = timedelta(hours=1)

Key = ec.EllipticCurvePrivateKey


class CallbackSigner:
    """Google's keys for one issuer. `root` is what `root_keys` lists first; `rotate` replaces it."""

    def __init__(self, issuer_id: str) -> None:
        self.issuer_id = issuer_id
        self.roots: list[tuple[Key, datetime]] = []
        self.rotate()
        self._key = _new_key()

    @property
    def root(self) -> Key:
        """The root key that signs now."""
        return self.roots[0][0]

    def rotate(self) -> None:
        """A new root key signs from now on; the one before stays listed."""
        self.roots = [(_new_key(), datetime.now(UTC) + _ROOT_LIFETIME), *self.roots[:1]]

    def root_keys(self) -> bytes:
        """What Google publishes: these keys, and one for something else which nobody must take."""
        others = [{"keyValue": _public(_new_key()), "protocolVersion": "ECv2", "keyExpiration": "2154841200000"}]
        ours = [
            {"keyValue": _public(key), "protocolVersion": _PROTOCOL, "keyExpiration": _millis(ends)}
            for key, ends in self.roots
        ]
        return json.dumps({"keys": [*others, *ours]}).encode()

    def message(
        self, class_id: str, object_id: str, event: str, *, ends_at: datetime | None = None, nonce: str = ""
    ) -> dict[str, Any]:
        """What a callback says."""
        ends_at = ends_at or datetime.now(UTC) + _MESSAGE_LIFETIME
        return {
            "classId": class_id, "objectId": object_id, "eventType": event, "expTimeMillis": int(_millis(ends_at)),
            "count": 1, "nonce": nonce or str(uuid4()),
        }  # fmt: skip

    def envelope(
        self,
        message: Mapping[str, Any],
        *,
        sender: str = _SENDER,
        protocol: str = _PROTOCOL,
        issuer_id: str = "",
        root: Key | None = None,
        key: Key | None = None,
        key_ends_at: datetime | None = None,
    ) -> dict[str, Any]:
        """The signed body of a callback; what is named makes it differ from what Google would send."""
        key = key or self._key
        ends = _millis(key_ends_at or datetime.now(UTC) + _KEY_LIFETIME)
        # Google writes `=` as six characters; a reader that decodes and encodes the text again loses them.
        signed_key = json.dumps({"keyValue": _public(key), "keyExpiration": ends}).replace("=", "\\u003d")
        signed_message = json.dumps(dict(message), separators=(",", ":"))
        return {
            "signature": _signature(key, sender, issuer_id or self.issuer_id, protocol, signed_message),
            "intermediateSigningKey": {
                "signedKey": signed_key,
                "signatures": [_signature(root or self.root, sender, protocol, signed_key)],
            },
            "protocolVersion": protocol,
            "signedMessage": signed_message,
        }

    def body(self, class_id: str, object_id: str, event: str, **differing: Any) -> bytes:
        """The bytes that Google posts when a user saves (`save`) or deletes (`del`) an object."""
        of_message = {name: differing.pop(name) for name in ("ends_at", "nonce") if name in differing}
        return json.dumps(self.envelope(self.message(class_id, object_id, event, **of_message), **differing)).encode()


def _new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def _public(key: Key) -> str:
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip
    return base64.b64encode(der).decode()


def _signature(key: Key, *texts: str) -> str:
    framed = b"".join(len(raw).to_bytes(4, "little") + raw for raw in (text.encode() for text in texts))
    return base64.b64encode(key.sign(framed, ec.ECDSA(hashes.SHA256()))).decode()


def _millis(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))
