"""What is remembered of a tap of an Android phone, one row for each number of a terminal.

While a session is under way the row keeps what we signed and the key of one use (sealed); when it is over, what came of
it. The key is destroyed with its use, and with the row when nobody came back with the phone's answer.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, derive_private_key

from kernel.database import Connection
from kernel.secrets import Keyring
from passes.google.smart_tap import Signed
from passes.taken import Reason

_PURPOSE: Final = "google.smart_tap_session"
_PRUNED_AT_ONCE = 8  # more than one, so that what is over goes faster than it comes
_SCALAR_LENGTH = 32

_FIND = """
SELECT id, sealed, transcript, made_at, good_until FROM smart_tap_session WHERE id = $1 AND terminal_id = $2
"""
_MAKE = """
INSERT INTO smart_tap_session (id, terminal_id, sequence, key_id, sealed, transcript, made_at, good_until, used_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_USE = """
UPDATE smart_tap_session SET sealed = NULL, transcript = $2, used_at = $3, good_until = $4 WHERE id = $1
"""
_PRUNE = """
DELETE FROM smart_tap_session WHERE id IN (
    SELECT id FROM smart_tap_session WHERE good_until < $1 ORDER BY good_until LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class UnderWay(msgspec.Struct, frozen=True, array_like=True, tag="under_way"):
    """What we said to the phone, whose answer is not known yet. `version` is that of the key that signed."""

    session: bytes
    signed: bytes
    signature: bytes
    version: int

    @property
    def said(self) -> Signed:
        """The same, as the protocol wants it."""
        return Signed(self.session, self.signed, self.signature)


class Over(msgspec.Struct, frozen=True, array_like=True, tag="over"):
    """What came of a tap. `digest` is of the message, to know it again."""

    digest: bytes
    pass_id: str
    tapped_at: datetime
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """A row as it is stored. `good_until` is until when it opens, or, when it is over, is remembered."""

    id: str
    sealed: bytes | None
    transcript: UnderWay | Over
    made_at: datetime
    good_until: datetime


class Sessions:
    """Reads and writes the rows; the caller has the terminal locked."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def id_of(self, terminal_id: str, sequence: int) -> str:
        """One for each number of a terminal, so that a number is used once, and found again without another index."""
        return f"sts_{self._keyring.derive(_PURPOSE, terminal_id, str(sequence), length=16).hex()}"

    async def find(self, connection: Connection, session_id: str, terminal_id: str) -> Session | None:
        """The terminal's session, if it is remembered."""
        row = await connection.fetchrow(_FIND, session_id, terminal_id)
        return None if row is None else _session(row)

    async def begin(
        self, connection: Connection, terminal_id: str, sequence: int, key_id: str, once: EllipticCurvePrivateKey,
        said: UnderWay, now: datetime, good_until: datetime,
    ) -> Session:  # fmt: skip
        """Remember what we said, and the key that opens the answer."""
        made = self.id_of(terminal_id, sequence)
        scalar = once.private_numbers().private_value.to_bytes(_SCALAR_LENGTH, "big")
        sealed = self._keyring.seal(_PURPOSE, made, scalar)
        await connection.execute(
            _MAKE, made, terminal_id, sequence, key_id, sealed, msgspec.msgpack.encode(said), now, good_until, None
        )
        return Session(made, sealed, said, now, good_until)

    def key_of_one_use(self, session: Session) -> EllipticCurvePrivateKey:
        """The key that opens the phone's answer. Raises SealBroken, and ValueError for a session that is over."""
        if session.sealed is None:
            raise ValueError("the key is destroyed")
        scalar = self._keyring.open(_PURPOSE, session.id, session.sealed)
        return derive_private_key(int.from_bytes(scalar, "big"), SECP256R1())

    async def end(self, connection: Connection, session: Session, over: Over, now: datetime, until: datetime) -> None:
        """Destroy the key and remember what came of it."""
        await connection.execute(_USE, session.id, msgspec.msgpack.encode(over), now, until)

    async def note(
        self, connection: Connection, terminal_id: str, sequence: int, over: Over, now: datetime, until: datetime
    ) -> None:
        """Remember what came of a number that needed no session."""
        made = self.id_of(terminal_id, sequence)
        await connection.execute(
            _MAKE, made, terminal_id, sequence, "", None, msgspec.msgpack.encode(over), now, until, now
        )

    async def prune(self, connection: Connection, now: datetime) -> None:
        """Forget some of what is of no more use."""
        await connection.execute(_PRUNE, now, _PRUNED_AT_ONCE)


def digest_of(*parts: bytes) -> bytes:
    """What a message is known again by."""
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()


def _session(row: asyncpg.Record) -> Session:
    transcript = msgspec.msgpack.decode(row["transcript"], type=UnderWay | Over)
    return Session(row["id"], row["sealed"], transcript, row["made_at"], row["good_until"])
