"""API keys: `cp_live_` or `cp_test_`, the key's id, 256 bits of secret and a checksum, without separators.

The text is shown once. Stored is a keyed BLAKE2b of the secret: a random 256-bit secret cannot be guessed, so a slow
password hash would only slow the till, while the key of the hash (derived from the master secret, not in the database)
makes a stolen table useless. The checksum lets scanners and the service see a typing mistake without asking anybody.
"""

import binascii
import contextlib
import hashlib
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from kernel.clock import Clock
from kernel.database import Connection, Database, DatabaseAway, Unit
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.ids import is_id, new_id
from kernel.secrets import Keyring, constant_time_equals
from kernel.shared import Shared
from network.partners import partner

Mode = Literal["test", "live"]

SCOPES: Final = frozenset(
    {
        "earn",
        "redeem",
        "reverse",
        "claim",
        "programmes:read",
        "programmes:write",
        "transfer",
        "adjust",
        "members:read",
        "members:write",
        "passes:read",
        "designs:write",
        "taps",
        "presentations",
        "reviews",
        "receipts",
        "offline",
        "network:read",
        "network:write",
        "clearing:read",
        "clearing:write",
    }
)
# What only the operator's keys may carry: these change or show other partners' affairs.
OPERATOR_SCOPES: Final = frozenset({"network:write", "clearing:write"})

# Published so that secret scanners can find a leaked key.
KEY_PATTERN: Final = r"cp_(?:live|test)_[0-7][0-9a-hjkmnp-tv-z]{25}[0-9a-hjkmnp-tv-z]{52}[0-9a-f]{8}"

_KEY = re.compile(KEY_PATTERN)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_LENGTH, _SECRET_LENGTH, _CHECKSUM_LENGTH = 26, 52, 8
_NO_HASH = bytes(32)
_USE_NOTED_EVERY_S = 3600


class KeyRefused(Forbidden):
    """The key is malformed, unknown, revoked or its partner is gone; the caller is not told which."""

    code = "key_refused"
    title = "The API key is not accepted"


class KeyModeWrong(KeyRefused):
    """A test key was sent to a live service or the other way round; the prefix shows it, so it may be said."""

    code = "key_mode_wrong"
    title = "The API key is for the other mode"


class KeyUnknown(NotFound):
    """There is no such key, or not for this caller."""

    code = "key_unknown"
    title = "API key not found"


class ScopeUnknown(Invalid):
    """A scope that does not exist, or that this kind of key may not carry."""

    code = "scope_unknown"
    title = "Unknown scope"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: `partner_id` None is the operator."""

    key_id: str
    partner_id: str | None
    scopes: frozenset[str]

    @property
    def is_operator(self) -> bool:
        """Whether the operator calls."""
        return self.partner_id is None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made; `text` is the only copy there will ever be."""

    id: str
    partner_id: str | None
    scopes: frozenset[str]
    mode: Mode
    created_at: datetime
    text: str


async def create_key(
    unit: Unit, clock: Clock, keyring: Keyring, mode: Mode, partner_id: str | None, scopes: Collection[str]
) -> NewKey:
    """Make a key for a partner, or for the operator with `partner_id` None. Raises ScopeUnknown, PartnerUnknown."""
    wanted = frozenset(scopes)
    allowed = SCOPES if partner_id is None else SCOPES - OPERATOR_SCOPES
    if not wanted or not wanted <= allowed:
        raise ScopeUnknown(f"Choose one or more of {', '.join(sorted(allowed))}.", unknown=sorted(wanted - allowed))
    if partner_id is not None:
        await partner(unit.connection, partner_id)
    key_id = new_id("key")
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    now = clock.now()
    await unit.connection.execute(
        "INSERT INTO api_key (id, partner_id, hash, scopes, mode, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        key_id,
        partner_id,
        _hash(keyring, key_id, secret),
        sorted(wanted),
        mode,
        now,
    )
    body = f"cp_{mode}_{key_id.removeprefix('key_')}{secret}"
    return NewKey(key_id, partner_id, wanted, mode, now, body + _checksum(body))


async def revoke_key(unit: Unit, clock: Clock, partner_id: str | None, key_id: str) -> None:
    """Refuse this partner's (or, with None, the operator's) key from now on; twice is no error. Raises KeyUnknown.

    Running processes notice within Gate.MAX_AGE_S.
    """
    found = None
    if is_id(key_id, "key") and (partner_id is None or is_id(partner_id, "ptn")):
        found = await unit.connection.fetchval(
            "UPDATE api_key SET revoked_at = coalesce(revoked_at, $3)"
            " WHERE id = $1 AND partner_id IS NOT DISTINCT FROM $2 RETURNING id",
            key_id,
            partner_id,
            clock.now(),
        )
    if found is None:
        raise KeyUnknown("There is no such API key.")


async def authenticate(connection: Connection, keyring: Keyring, text: str, mode: Mode) -> Caller:
    """Whose key `text` is. Raises KeyRefused, KeyModeWrong; the secret is compared in constant time."""
    key_id, secret = _parse(text, mode)
    row = await connection.fetchrow(
        "SELECT k.partner_id, k.hash, k.scopes FROM api_key k LEFT JOIN partner p ON p.id = k.partner_id"
        " WHERE k.id = $1 AND k.mode = $2 AND k.revoked_at IS NULL"
        " AND (k.partner_id IS NULL OR p.status <> 'closed')",
        key_id,
        mode,
    )
    # An unknown id costs the same comparison as a wrong secret.
    stored = _NO_HASH if row is None else bytes(row["hash"])
    if not constant_time_equals(_hash(keyring, key_id, secret), stored) or row is None:
        raise KeyRefused("The API key is not accepted.", key_id=key_id)
    return Caller(key_id, row["partner_id"], frozenset(row["scopes"]))


class Gate:
    """Authenticates callers, remembering who a key belongs to for a moment: this stands before every request.

    A key revoked in the database is refused here after at most MAX_AGE_S. Only accepted keys are remembered, by a
    digest, not by their text.
    """

    MAX_AGE_S: Final = 0.9
    MOST_REMEMBERED: Final = 4096

    def __init__(self, db: Database, keyring: Keyring, mode: Mode) -> None:
        self._db = db
        self._keyring = keyring
        self._mode: Mode = mode
        self._known: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()
        self._use_noted: OrderedDict[str, float] = OrderedDict()
        self._reading = Shared[Caller]()

    async def caller(self, text: str) -> Caller:
        """Whose key `text` is. Raises KeyRefused, KeyModeWrong, DatabaseAway."""
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        asked_at = time.monotonic()
        known = self._known.get(digest)
        if known is not None and asked_at - known[0] < self.MAX_AGE_S:
            return known[1]
        self._known.pop(digest, None)
        _parse(text, self._mode)  # a malformed key does not reach the database
        # The age counts from before the database was asked: a revocation in between must not be missed for longer.
        self._known[digest] = known = await self._reading.of(digest.hex(), lambda: self._authenticate(text))
        caller = known[1]
        if len(self._known) > self.MOST_REMEMBERED:
            self._known.popitem(last=False)
        await self._note_use(caller.key_id, asked_at)
        return caller

    async def _authenticate(self, text: str) -> Caller:
        async with self._db.read() as read:
            return await authenticate(read.connection, self._keyring, text, self._mode)

    async def _note_use(self, key_id: str, now_s: float) -> None:
        """Write down about once an hour that the key is in use, so that forgotten keys can be found."""
        noted_at_s = self._use_noted.get(key_id)
        if noted_at_s is not None and now_s - noted_at_s < _USE_NOTED_EVERY_S:
            return
        self._use_noted[key_id] = now_s
        if len(self._use_noted) > self.MOST_REMEMBERED:
            self._use_noted.popitem(last=False)
        # A note is not worth refusing a caller for: a full disk stops writing, reading goes on.
        with contextlib.suppress(DatabaseAway):
            async with self._db.unit() as unit:
                await unit.connection.execute("UPDATE api_key SET last_used_at = now() WHERE id = $1", key_id)


def _parse(text: str, mode: Mode) -> tuple[str, str]:
    """Key id and secret of a well-formed key of this mode."""
    if _KEY.fullmatch(text) is None or _checksum(text[:-_CHECKSUM_LENGTH]) != text[-_CHECKSUM_LENGTH:]:
        raise KeyRefused("The API key is malformed.")
    prefix = f"cp_{mode}_"
    if not text.startswith(prefix):
        raise KeyModeWrong(f"This service runs in {mode} mode and takes keys that start with {prefix}.")
    body = text[len(prefix) :]
    return f"key_{body[:_ID_LENGTH]}", body[_ID_LENGTH : _ID_LENGTH + _SECRET_LENGTH]


def _checksum(body: str) -> str:
    return f"{binascii.crc32(body.encode()):08x}"


def _hash(keyring: Keyring, key_id: str, secret: str) -> bytes:
    """Keyed BLAKE2b (RFC 7693 section 2.9), bound to the key's id so that hashes cannot be swapped between rows."""
    key = keyring.derive("api-key", length=64)
    return hashlib.blake2b(f"{key_id}:{secret}".encode(), key=key, digest_size=32).digest()
