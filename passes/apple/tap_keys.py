"""The key pairs that taps are encrypted for: a partner's own, else the coalition's.

Of each owner one key is `current`: new and renewed cards carry it. The one before is `retiring`: phones that have not
fetched their new card still use it, so it opens taps until it is retired, when its private half is destroyed.
Private halves are stored sealed with the master secret. A change in one process is seen by the others within a second.
"""

import base64
import time
from collections.abc import Awaitable, Callable, Iterable
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

from kernel.database import Connection, Database
from kernel.errors import Unavailable
from kernel.secrets import Keyring, SealBroken
from kernel.shared import Shared
from passes.apple.tap import key_id_of

log = structlog.get_logger(__name__)

PURPOSE: Final = "apple.tap_key"
# DER of a SubjectPublicKeyInfo for P-256 with a compressed point, up to the point (RFC 5480 section 2).
_SPKI: Final = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")

Sweep = Callable[[Connection, str | None], Awaitable[object]]

_USABLE = "SELECT key_id, partner_id, state, public_key FROM apple_tap_key WHERE state <> 'retired'"
_CURRENT = """
SELECT wanted.id AS partner_id, key.key_id, key.public_key
FROM unnest($1::text[]) AS wanted (id) CROSS JOIN LATERAL (
    SELECT key_id, public_key FROM apple_tap_key
    WHERE state = 'current' AND coalesce(partner_id, '') IN (wanted.id, '')
    ORDER BY partner_id NULLS LAST LIMIT 1
) AS key
"""


class TapKeyClosed(Unavailable):
    """A stored key cannot be opened: the master secret of this process is another one."""

    code = "tap_key_closed"
    title = "The key of this tap cannot be opened"


@dataclass(frozen=True, slots=True)
class TapPublicKey:
    """What a card's nfc dictionary carries. `key_id` is eight hex digits, `public_key` the 80 characters for
    `encryptionPublicKey`."""

    key_id: str
    public_key: str


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A key that taps are opened with. `partner_id` None: the coalition's."""

    key_id: str
    partner_id: str | None
    private_key: EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class _Usable:
    """Keys as the database had them: id -> owner, and owner ("" is the coalition) -> the current one."""

    owners: dict[str, str | None]
    current: dict[str, TapPublicKey]


class TapKeys:
    """Reads keys. What is read is remembered for a moment, so that strangers' key ids cost the database nothing."""

    MAX_AGE_S: Final = 0.9
    MOST_REMEMBERED: Final = 4096

    def __init__(self, db: Database, keyring: Keyring) -> None:
        self._db = db
        self._keyring = keyring
        self._usable: tuple[float, _Usable] | None = None
        self._reading = Shared[_Usable]()
        self._opened: dict[str, EllipticCurvePrivateKey] = {}
        self._public: dict[str, TapPublicKey] = {}

    async def current(self, partner_id: str) -> TapPublicKey | None:
        """The key that new cards of a brand carry; None: they carry none. About a second old at most."""
        known = (await self._known()).current
        return known.get(partner_id) or known.get("")

    async def currents(self, connection: Connection, partner_ids: Iterable[str]) -> dict[str, TapPublicKey]:
        """The same for many brands, as the caller's transaction sees it; those without a key are missing.

        Whoever renders cards takes this one: a key remembered during a rotation would stay on a card for good.
        """
        rows = await connection.fetch(_CURRENT, sorted(set(partner_ids)))
        return {row["partner_id"]: TapPublicKey(row["key_id"], row["public_key"]) for row in rows}

    async def public(self, key_id: str) -> TapPublicKey | None:
        """The public half of a key in any state: a pass that is fetched late carries the key that it was made with."""
        known = self._public.get(key_id)
        if known is None:
            async with self._db.read() as read:
                text = await read.connection.fetchval("SELECT public_key FROM apple_tap_key WHERE key_id = $1", key_id)
            if text is None:
                return None
            if len(self._public) >= self.MOST_REMEMBERED:
                self._public.clear()
            known = self._public[key_id] = TapPublicKey(key_id, text)
        return known

    async def private(self, key_id: str) -> OpenKey | None:
        """The key that a tap names, if taps are still opened with it. Raises TapKeyClosed."""
        usable = await self._known()
        if key_id not in usable.owners:
            return None
        if key_id not in self._opened:
            opened = await self._open(key_id)
            if opened is None:
                return None
            self._opened[key_id] = opened
        return OpenKey(key_id, usable.owners[key_id], self._opened[key_id])

    def forget(self) -> None:
        """Keys were changed: read them at the next question."""
        self._usable = None
        self._reading.forget()

    async def _known(self) -> _Usable:
        known = self._usable
        if known is None or time.monotonic() - known[0] > self.MAX_AGE_S:
            known = self._usable = await self._reading.of("", self._read)
            self._opened = {one: key for one, key in self._opened.items() if one in known[1].owners}
        return known[1]

    async def _read(self) -> _Usable:
        async with self._db.read() as read:
            rows = await read.connection.fetch(_USABLE)
        return _Usable(
            owners={row["key_id"]: row["partner_id"] for row in rows},
            current={
                row["partner_id"] or "": TapPublicKey(row["key_id"], row["public_key"])
                for row in rows
                if row["state"] == "current"
            },
        )

    async def _open(self, key_id: str) -> EllipticCurvePrivateKey | None:
        async with self._db.read() as read:
            sealed = await read.connection.fetchval(
                "SELECT sealed_key FROM apple_tap_key WHERE key_id = $1 AND state <> 'retired'", key_id
            )
        if sealed is None:
            return None
        try:
            key = load_der_private_key(self._keyring.open(PURPOSE, key_id, sealed), None)
        except SealBroken as broken:
            log.error("taps.key_closed", key_id=key_id, error=broken.detail)
            raise TapKeyClosed("The stored key was sealed with another master secret.") from None
        assert isinstance(key, EllipticCurvePrivateKey)
        return key


@dataclass(frozen=True, slots=True)
class NewPair:
    """A key pair just made, its private half as PKCS #8."""

    key_id: str
    public_key: str
    private_key: bytes


def new_pair() -> NewPair:
    """A P-256 key pair as cards want it: with a compressed point."""
    key = generate_private_key(SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return NewPair(key_id_of(key.public_key()), base64.b64encode(_SPKI + point).decode(), plain)
