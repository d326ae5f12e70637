"""Authentication keys for Apple's push service (.p8): one opens it for all pass types of a team.

https://developer.apple.com/documentation/usernotifications/establishing-a-token-based-connection-to-apns
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from kernel.database import Database
from kernel.errors import CommonpointError, NotFound
from kernel.secrets import Keyring
from passes.apple.certificate_files import BadPushKey, read_push_key

log = structlog.get_logger(__name__)

_PURPOSE: Final = "apple.push_key"
_TEN = re.compile(r"[A-Z0-9]{10}")
_FILE_NAME = re.compile(r"AuthKey_([A-Z0-9]{10})\.p8")


class PushKeyUnknown(NotFound):
    """There is no such authentication key."""

    code = "apple_push_key_unknown"
    title = "There is no such push key"


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """A key with the names that go into its tokens: `key_id` (kid) and `team` (iss)."""

    key_id: str
    team: str
    key: EllipticCurvePrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A stored key as an operator sees it; `fault` says why it cannot be used."""

    key_id: str
    team: str
    created_at: datetime
    fault: str = ""


class PushKeys:
    """The keys in use, by team. With several of a team the one that was installed last is used."""

    def __init__(self, db: Database | None, keyring: Keyring | None) -> None:
        self._db = db
        self._keyring = keyring
        self._by_team: dict[str, ProviderKey] = {}
        self._opened: dict[tuple[str, bytes], ProviderKey] = {}
        self._kept: tuple[KeptKey, ...] = ()
        self._told: set[str] = set()

    @classmethod
    def fixed(cls, *keys: ProviderKey) -> "PushKeys":
        """These keys and no store."""
        made = cls(None, None)
        made._by_team = {key.team: key for key in keys}
        return made

    async def load(self) -> None:
        """Read the store; a key that cannot be opened is left out, it does not stop the others."""
        if self._db is None or self._keyring is None:
            return
        async with self._db.read() as read:
            rows = await read.connection.fetch(
                "SELECT key_id, team, sealed_key, created_at FROM apple_push_key WHERE retired_at IS NULL"
                " ORDER BY created_at, key_id"
            )
        by_team: dict[str, ProviderKey] = {}
        kept: list[KeptKey] = []
        for row in rows:
            fault = ""
            try:
                by_team[row["team"]] = self._open(row, self._keyring)
            except CommonpointError as error:
                fault = error.detail
            kept.append(KeptKey(row["key_id"], row["team"], row["created_at"], fault))
        self._by_team, self._kept = by_team, tuple(kept)

    def tell(self) -> None:
        """Into the log, once for each key that cannot be used."""
        for key in self._kept:
            if key.fault and key.key_id not in self._told:
                self._told.add(key.key_id)
                log.error("apple.push_key.locked", key_id=key.key_id, error=key.fault)

    def of(self, team: str) -> ProviderKey | None:
        """The key of a team; None when pushes of its pass types show their certificate instead."""
        return self._by_team.get(team)

    def all(self) -> tuple[ProviderKey, ...]:
        """Every usable key, one for each team."""
        return tuple(self._by_team.values())

    def kept(self) -> tuple[KeptKey, ...]:
        """What is stored and not retired, with its faults."""
        return self._kept

    def _open(self, row: Any, keyring: Keyring) -> ProviderKey:
        sealed = bytes(row["sealed_key"])
        known = self._opened.get((row["key_id"], sealed))
        if known is None:
            plain = keyring.open(_PURPOSE, _owner(row["team"], row["key_id"]), sealed)
            known = self._opened[row["key_id"], sealed] = ProviderKey(row["key_id"], row["team"], read_push_key(plain))
        return known


def key_id_of(file_name: str) -> str | None:
    """The key's id from the name that Apple gives the file, AuthKey_<id>.p8."""
    found = _FILE_NAME.fullmatch(file_name)
    return found[1] if found else None


async def install_push_key(db: Database, keyring: Keyring, raw: bytes, key_id: str, team: str) -> ProviderKey:
    """Take a .p8 key into use; the team's earlier keys retire. Installing one again is no error. Raises BadPushKey."""
    for what, text in (("id of the key", key_id), ("team", team)):
        if _TEN.fullmatch(text) is None:
            raise BadPushKey(f"The {what} has ten capital letters and digits, not “{text}”.")
    made = ProviderKey(key_id, team, read_push_key(raw))
    plain = made.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    async with db.unit() as unit:
        # One after another per team, so that exactly one key is left in use.
        await unit.connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"apple_push_key:{team}")
        await unit.connection.execute(
            """
            INSERT INTO apple_push_key (key_id, team, sealed_key, created_at)
            VALUES ($1, $2, $3, clock_timestamp())
            ON CONFLICT (key_id) DO UPDATE SET
                team = excluded.team, sealed_key = excluded.sealed_key,
                created_at = excluded.created_at, retired_at = NULL
            """,
            key_id, team, keyring.seal(_PURPOSE, _owner(team, key_id), plain),
        )  # fmt: skip
        await unit.connection.execute(
            "UPDATE apple_push_key SET retired_at = clock_timestamp()"
            " WHERE team = $1 AND key_id <> $2 AND retired_at IS NULL",
            team, key_id,
        )  # fmt: skip
    return made


async def retire_push_key(db: Database, key_id: str) -> None:
    """Use a key no more, as after revoking it at Apple; pushes show the certificate again. Raises PushKeyUnknown."""
    async with db.unit() as unit:
        found = await unit.connection.fetchval(
            "UPDATE apple_push_key SET retired_at = coalesce(retired_at, clock_timestamp())"
            " WHERE key_id = $1 RETURNING key_id",
            key_id,
        )
    if found is None:
        raise PushKeyUnknown(f"There is no push key {key_id}.")


def _owner(team: str, key_id: str) -> str:
    return f"{team}.{key_id}"
