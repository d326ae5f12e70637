"""What a terminal may let members spend while it has no connection: a signed document with a limit and an end.

The document is for the terminal: it is a JSON Web Signature (RFC 7515, compact, EdDSA with Ed25519 of RFC 8037) which
the till's software checks with the public key, so that nobody who can write to the till's disk gives it a larger one.
We ourselves go by our own row. A terminal has one allowance at a time, up to its float; the next one ends the one
before. How much was used under it is counted under a lock on its row.
"""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kernel.clock import Clock
from kernel.database import Connection, Unit
from kernel.errors import Conflict
from kernel.ids import new_id
from kernel.secrets import Keyring
from network.floats import locked_float
from network.terminals import Terminal

LONGEST: Final = timedelta(days=3)
# How long after its end what was done under an allowance may still arrive.
ACCEPTED_LATE: Final = timedelta(days=7)
_CLOCKS_DIFFER = timedelta(minutes=5)

Reason = Literal["no_allowance", "other_time", "over_redemption", "over_allowance"]

_COLUMNS = "id, terminal_id, partner_id, points, per_redemption, used, valid_from, valid_until, ended_at, document"


class FloatTooSmall(Conflict):
    """The terminal's float does not stand for so many points; facts: `balance`."""

    code = "float_too_small"
    title = "The terminal's float is too small"


class IdUsedTwice(Conflict):
    """A terminal used one id for two different things."""

    code = "offline_id_reused"
    title = "The terminal used this id for something else"


@dataclass(frozen=True, slots=True)
class Allowance:
    """An allowance as it is now; `document` is what the terminal keeps."""

    id: str
    terminal_id: str
    partner_id: str
    points: int
    per_redemption: int
    used: int
    valid_from: datetime
    valid_until: datetime
    ended_at: datetime | None
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A redemption that a terminal says it honoured, under the id that it gave it."""

    id: str
    fingerprint: bytes
    allowance_id: str
    points: int
    occurred_at: datetime


class AllowanceSigner:
    """Signs documents with a key derived from the master secret."""

    def __init__(self, keyring: Keyring) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(keyring.derive("network.allowances"))
        public = _b64(self._key.public_key().public_bytes_raw())
        # RFC 8037 section 2; the id is the thumbprint of RFC 7638, which is the same on every machine.
        self.key_id = public[:16]
        self.public_key = {
            "kty": "OKP",
            "crv": "Ed25519",
            "use": "sig",
            "alg": "EdDSA",
            "kid": self.key_id,
            "x": public,
        }

    def sign(self, claims: dict[str, object]) -> str:
        """`claims` as a compact JSON Web Signature."""
        head = _b64(msgspec.json.encode({"alg": "EdDSA", "kid": self.key_id, "typ": "JWT"}))
        signed = f"{head}.{_b64(msgspec.json.encode(claims))}"
        return f"{signed}.{_b64(self._key.sign(signed.encode()))}"


async def grant_allowance(
    unit: Unit,
    clock: Clock,
    signer: AllowanceSigner,
    terminal: Terminal,
    points: int,
    per_redemption: int,
    lasts: timedelta,
) -> Allowance:
    """A new allowance for the terminal, which ends the one before. Raises FloatTooSmall."""
    now = clock.now()
    balance = await locked_float(unit, terminal.id)
    if points > balance:
        raise FloatTooSmall(f"The float is {balance} points.", balance=balance)
    await unit.connection.execute(
        "UPDATE allowance SET ended_at = $2 WHERE terminal_id = $1 AND ended_at IS NULL", terminal.id, now
    )
    allowance_id, until = new_id("alw"), now + min(lasts, LONGEST)
    document = signer.sign(
        {
            "sub": terminal.id, "jti": allowance_id, "partner": terminal.partner_id, "points": points,
            "per_redemption": min(per_redemption, points), "nbf": int(now.timestamp()), "exp": int(until.timestamp()),
        }
    )  # fmt: skip
    row = await unit.connection.fetchrow(
        "INSERT INTO allowance (id, terminal_id, partner_id, points, per_redemption, valid_from, valid_until, document)"
        f" VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {_COLUMNS}",
        allowance_id, terminal.id, terminal.partner_id, points, min(per_redemption, points), now, until, document,
    )  # fmt: skip
    assert row is not None
    return Allowance(**row)


async def current_allowance(connection: Connection, terminal_id: str) -> Allowance | None:
    """The terminal's newest allowance, if it was not ended."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM allowance WHERE terminal_id = $1 AND ended_at IS NULL ORDER BY id DESC LIMIT 1",
        terminal_id,
    )
    return Allowance(**row) if row else None


async def judge_use(unit: Unit, terminal_id: str, use: Use, now: datetime) -> tuple[Reason | None, bool]:
    """Whether a use is within the allowance it names: (why not, or None; whether it was judged before).

    It is judged once: delivered again, the first judgement holds. What is within counts as used from here on. Raises
    IdUsedTwice.
    """
    # Its twin, if there is one, is waited for here and seen by the statements below.
    allowance = await _locked(unit, terminal_id, use.allowance_id)
    reason = _reason(allowance, use, now) if allowance else "no_allowance"
    row = (
        terminal_id, use.id, use.fingerprint, allowance.id if allowance else None, use.points, reason is None, reason,
        use.occurred_at, now,
    )  # fmt: skip
    if await unit.connection.fetchval(_KEEP, *row) is None:
        known = await unit.connection.fetchrow(_KNOWN, terminal_id, use.id)
        assert known is not None, "the insert met this row, and rows of this table stay"
        if known["fingerprint"] != use.fingerprint:
            raise IdUsedTwice(f"The id '{use.id}' was used for something else.")
        return known["reason"], True
    if allowance is not None and reason is None:
        await unit.connection.execute("UPDATE allowance SET used = used + $2 WHERE id = $1", allowance.id, use.points)
    return reason, False


async def _locked(unit: Unit, terminal_id: str, allowance_id: str) -> Allowance | None:
    row = await unit.connection.fetchrow(
        f"SELECT {_COLUMNS} FROM allowance WHERE id = $1 AND terminal_id = $2 FOR NO KEY UPDATE",
        allowance_id, terminal_id,
    )  # fmt: skip
    return Allowance(**row) if row else None


_KNOWN = "SELECT fingerprint, reason FROM offline_use WHERE terminal_id = $1 AND id = $2"
_KEEP = """
INSERT INTO offline_use (terminal_id, id, fingerprint, allowance_id, points, within, reason, occurred_at, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING true
"""


def _reason(allowance: Allowance, use: Use, now: datetime) -> Reason | None:
    ended = min(allowance.valid_until, allowance.ended_at or allowance.valid_until)
    in_time = allowance.valid_from - _CLOCKS_DIFFER <= use.occurred_at <= ended + _CLOCKS_DIFFER
    if not in_time or now > allowance.valid_until + ACCEPTED_LATE:
        return "other_time"
    if use.points > allowance.per_redemption:
        return "over_redemption"
    return "over_allowance" if allowance.used + use.points > allowance.points else None


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
