"""Provider tokens as Apple's push service checks them.

https://developer.apple.com/documentation/usernotifications/establishing-a-token-based-connection-to-apns
"""

import base64
import binascii
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

OLDEST_S: Final = 3600
UPDATES_APART_S: Final = 1200
_AHEAD_S: Final = 30


class _Head(msgspec.Struct):
    alg: str
    kid: str


class _Claims(msgspec.Struct):
    iss: str
    iat: int


@dataclass(slots=True)
class _Key:
    team: str
    public: EllipticCurvePublicKey
    topics: frozenset[str] | None
    bearer: str = ""
    updated_at: float | None = None


class ProviderTokens:
    """The push keys that are known, and the token that each of them shows at present."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self._keys: dict[str, _Key] = {}

    def trust(
        self, key_id: str, team: str, public: EllipticCurvePublicKey, topics: Collection[str] | None = None
    ) -> None:
        """A team made this key; it opens `topics`, or everything."""
        self._keys[key_id] = _Key(team, public, None if topics is None else frozenset(topics))

    def revoke(self, key_id: str) -> None:
        """The team withdrew the key."""
        self._keys.pop(key_id, None)

    def refusal(self, authorization: str | None, topic: str) -> tuple[int, str] | None:
        """Status and reason; None when the token lets pushes to `topic` in."""
        if authorization is None:
            return 403, "MissingProviderToken"
        scheme, _, bearer = authorization.partition(" ")
        found = self._verified(bearer) if scheme.lower() == "bearer" else None
        if found is None:
            return 403, "InvalidProviderToken"
        key, issued = found
        if self.now() - issued > OLDEST_S:
            return 403, "ExpiredProviderToken"
        if not topic:
            return 400, "MissingTopic"
        if key.topics is not None and topic not in key.topics:
            return 400, "TopicDisallowed"
        return None if self._shown(key, bearer) else (429, "TooManyProviderTokenUpdates")

    def _verified(self, bearer: str) -> tuple[_Key, int] | None:
        said, _, signature = bearer.rpartition(".")
        try:
            head, claims = said.split(".")
            key = self._keys[msgspec.json.decode(_raw(head), type=_Head).kid]
            told = msgspec.json.decode(_raw(claims), type=_Claims)
            raw = _raw(signature)
            pair = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
            key.public.verify(pair, said.encode(), ECDSA(SHA256()))
        except (ValueError, KeyError, binascii.Error, msgspec.DecodeError, InvalidSignature):
            return None
        right = len(raw) == 64 and told.iss == key.team and told.iat <= self.now() + _AHEAD_S
        return (key, told.iat) if right else None

    def _shown(self, key: _Key, bearer: str) -> bool:
        if bearer != key.bearer:
            now, before = self.now(), key.updated_at
            if before is not None and now - before < UPDATES_APART_S:
                return False
            key.updated_at = now if key.bearer else None  # the first one updates nothing
            key.bearer = bearer
        return True


def _raw(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
