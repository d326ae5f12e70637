"""Provider tokens: how a team's push key (.p8) opens the push service for all of its pass types.

https://developer.apple.com/documentation/usernotifications/establishing-a-token-based-connection-to-apns

A token may be an hour old and may not be renewed more often than every 20 minutes, by however many processes a
service has and however often they start. So a token belongs to a half hour of the clock and is signed without chance
(RFC 6979): everybody who needs one makes the same.
"""

import base64
import time
from collections.abc import Callable
from typing import Final, Protocol

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

RENEWED_EVERY_S: Final = 1800
# A token is dated back at least this far: a clock that is a little fast must not date it into the future.
_SLOW_S: Final = 60


class SigningKey(Protocol):
    """A team's push key."""

    @property
    def key_id(self) -> str:
        """Apple's name of the key, ten characters."""
        ...

    @property
    def team(self) -> str: ...

    @property
    def key(self) -> EllipticCurvePrivateKey: ...


class ProviderToken:
    """The token of the moment for one key."""

    def __init__(self, key: SigningKey, now: Callable[[], float] = time.time) -> None:
        self.key_id, self.team = key.key_id, key.team
        self._key = key.key
        self._now = now
        self._issued = -1
        self._bearer = ""

    def bearer(self) -> str:
        """The JWT to show with each push."""
        issued = issued_at(self._now())
        if issued != self._issued:
            self._bearer, self._issued = provider_token(self.key_id, self.team, self._key, issued), issued
        return self._bearer


def issued_at(now: float) -> int:
    """The date of the token that is shown at `now` (Unix seconds): 1 to 31 minutes earlier."""
    return (int(now) - _SLOW_S) // RENEWED_EVERY_S * RENEWED_EVERY_S


def provider_token(key_id: str, team: str, key: EllipticCurvePrivateKey, issued: int) -> str:
    """A JWT (RFC 7519) signed with ES256: `kid` the key, `iss` the team, `iat` in Unix seconds."""
    said = b".".join(_base64(msgspec.json.encode(part)) for part in (
        {"alg": "ES256", "kid": key_id}, {"iss": team, "iat": issued},
    ))  # fmt: skip
    first, second = decode_dss_signature(_signature(key, said))
    return (said + b"." + _base64(first.to_bytes(32, "big") + second.to_bytes(32, "big"))).decode()


def _signature(key: EllipticCurvePrivateKey, said: bytes) -> bytes:
    try:
        return key.sign(said, ECDSA(SHA256(), deterministic_signing=True))
    except UnsupportedAlgorithm:  # an OpenSSL before 3.2: tokens of one half hour differ by process
        return key.sign(said, ECDSA(SHA256()))


def _base64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
