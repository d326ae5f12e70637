"""The long-term keys of Smart Tap: what a reader proves to phones with, a partner's own or else the coalition's.

Phones believe a signature only when Google knows the public half, under the version that the reader names. So a new
key does not sign at once: the oldest of an owner's keys signs, and the next one does when that is retired. Private
halves are stored sealed with the master secret, and never leave the service.
"""

from dataclasses import dataclass
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)  # fmt: skip

from kernel.database import Connection
from kernel.errors import Conflict, Unavailable
from kernel.secrets import Keyring, SealBroken

log = structlog.get_logger(__name__)

PURPOSE: Final = "google.smart_tap_key"

# The partner's own before the coalition's, and of these the oldest.
_SIGNING = """
SELECT id, partner_id, collector_id, version, sealed FROM smart_tap_key
WHERE state <> 'retired' AND (partner_id = $1 OR partner_id IS NULL)
ORDER BY partner_id NULLS LAST, id LIMIT 1
"""


class SmartTapKeyMissing(Conflict):
    """Neither the partner nor the coalition has a key of Smart Tap."""

    code = "smart_tap_key_missing"
    title = "There is no key of Smart Tap"


class SmartTapKeyClosed(Unavailable):
    """A stored key cannot be opened: the master secret of this process is another one."""

    code = "smart_tap_key_closed"
    title = "The key of Smart Tap cannot be opened"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key that a partner's readers sign with now."""

    id: str
    collector_id: int
    version: int
    private_key: EllipticCurvePrivateKey


class SmartTapKeys:
    """Reads keys. Which one signs is asked of the database each time, so that a retired one is out of use at once;
    only the opened private half of the one that signs is kept, by owner ("" is the coalition)."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._opened: dict[str, tuple[str, EllipticCurvePrivateKey]] = {}

    async def signing(self, connection: Connection, partner_id: str) -> SigningKey:
        """The key for a partner's readers. Raises SmartTapKeyMissing, SmartTapKeyClosed."""
        row = await connection.fetchrow(_SIGNING, partner_id)
        if row is None:
            raise SmartTapKeyMissing("The operator makes one with POST /v1/smart-tap-keys.")
        owner, key_id = row["partner_id"] or "", row["id"]
        known = self._opened.get(owner)
        if known is None or known[0] != key_id:
            known = self._opened[owner] = key_id, self._open(key_id, row["sealed"])
        return SigningKey(key_id, row["collector_id"], row["version"], known[1])

    def _open(self, key_id: str, sealed: bytes) -> EllipticCurvePrivateKey:
        try:
            key = load_der_private_key(self._keyring.open(PURPOSE, key_id, sealed), None)
        except SealBroken as broken:
            log.error("smart_tap.key_closed", key_id=key_id, error=broken.detail)
            raise SmartTapKeyClosed("The stored key was sealed with another master secret.") from None
        assert isinstance(key, EllipticCurvePrivateKey)
        return key


@dataclass(frozen=True, slots=True)
class NewPair:
    """A key pair just made: the public half as Google wants it (PEM), the private half as PKCS #8."""

    public_key: str
    private_key: bytes


def new_pair() -> NewPair:
    """A P-256 key pair."""
    key = generate_private_key(SECP256R1())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return NewPair(public.decode(), key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
