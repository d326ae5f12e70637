"""Secrets: derived where they can be, and sealed where they must be stored."""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kernel.errors import Invalid


class WeakSecret(Invalid):
    """The master secret is too short to derive anything from."""

    code = "weak_secret"
    title = "The master secret is too short"


class SealBroken(Invalid):
    """A stored secret was made with another master secret, for something else, or was changed."""

    code = "seal_broken"
    title = "A stored secret cannot be opened"


class Keyring:
    """Derives purpose-bound secrets from one master secret (HMAC-SHA256 in the counter mode of NIST SP 800-108).

    A pass's token must be in every rebuild of the pass and may never change, so it is derived from the pass's id and a
    key version rather than stored.
    """

    def __init__(self, master: bytes) -> None:
        if len(master) < 32:
            raise WeakSecret("The master secret needs at least 32 bytes.", length=len(master))
        self._master = master

    def derive(self, purpose: str, *parts: str, version: int = 1, length: int = 32) -> bytes:
        """`length` bytes bound to purpose, parts (kept apart by their lengths) and version."""
        label = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (p.encode() for p in (purpose, *parts)))
        blocks = (
            hmac.digest(self._master, counter.to_bytes(4, "big") + version.to_bytes(4, "big") + label, hashlib.sha256)
            for counter in range(1, (length + 31) // 32 + 1)
        )
        return b"".join(blocks)[:length]

    def seal(self, purpose: str, owner: str, plain: bytes) -> bytes:
        """`plain` encrypted for storing (AES-256-GCM under a derived key), bound to purpose and owner.

        The first byte is the version of the form, then come 12 bytes of nonce, then ciphertext and tag.
        """
        nonce = os.urandom(12)
        return _SEAL_VERSION + nonce + AESGCM(self.derive("seal", purpose)).encrypt(nonce, plain, owner.encode())

    def open(self, purpose: str, owner: str, sealed: bytes) -> bytes:
        """What `seal` was given. Raises SealBroken, also when the secret is shown as another owner's."""
        if sealed[:1] != _SEAL_VERSION or len(sealed) < 29:
            raise SealBroken("The stored secret has a form that is not known here.")
        try:
            return AESGCM(self.derive("seal", purpose)).decrypt(sealed[1:13], sealed[13:], owner.encode())
        except InvalidTag:
            raise SealBroken("The master secret is another one, or the stored secret was changed.") from None


_SEAL_VERSION = b"\x01"


def constant_time_equals(left: str | bytes, right: str | bytes) -> bool:
    """Compare without telling by the time taken where the first difference is."""
    return hmac.compare_digest(_raw(left), _raw(right))


def _raw(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
