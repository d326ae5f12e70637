"""What was shown and what came of it, kept so that the same message gets the same answer and the same proof."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, cast

import asyncpg

from kernel.database import Connection
from kernel.ids import new_id
from passes.presentation_shown import ShownBy, WhyNot
from passes.taken import Assurance
from points.answers import KeyReused
from points.proofs import GOOD_FOR

# Longer than a tap is remembered; what comes so late is answered as if it were new, and proves nothing by then.
REMEMBERED: Final = timedelta(days=30)
_FORGOTTEN_AT_ONCE = 64

_COLUMNS = """
id, partner_id, key, fingerprint, terminal_id, location_id, member_id, pass_id, way, assurance, reasons, proof_id,
shown_at
"""
_FIND = f"SELECT {_COLUMNS} FROM presentation WHERE partner_id = $1 AND key = $2"
_TAKE = f"""
INSERT INTO presentation ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (partner_id, key) DO NOTHING RETURNING true
"""
_JUDGE = """
UPDATE presentation SET way = $2, assurance = $3, reasons = $4, proof_id = $5, shown_at = $6
WHERE id = ANY($1::text[])
"""
_FORGET = """
DELETE FROM presentation WHERE id IN (
    SELECT id FROM presentation WHERE shown_at < $1 ORDER BY shown_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """Who showed something at a partner's till, and how surely it was them.

    `way` is what it was judged by; no `reasons` means that they proved to be there, and then `proof_id` names what one
    spending may use until `proof_until`. `replayed`: the same message was answered before.
    """

    id: str
    partner_id: str
    member_id: str
    pass_id: str | None
    terminal_id: str | None
    location_id: str | None
    way: ShownBy
    reasons: tuple[WhyNot, ...]
    proof_id: str | None
    shown_at: datetime
    replayed: bool = False

    @property
    def assurance(self) -> Assurance:
        """Whether they were proved to be there, or only said to be somebody."""
        return "identified" if self.proof_id is None else "proved_present"

    @property
    def proof_until(self) -> datetime | None:
        """Until when the proof is good, in business time."""
        return None if self.proof_id is None else self.shown_at + GOOD_FOR


@dataclass(frozen=True, slots=True)
class Message:
    """What a request is known by: the partner's key and a keyed hash of its content, which tells nobody a PIN or a
    telephone number."""

    partner_id: str
    key: str
    fingerprint: bytes


def tap_message(partner_id: str, what: str) -> Message:
    """The message of a tap whatever request it came with: no Idempotency-Key begins with a space."""
    return Message(partner_id, f" {what}", b"")


def new_presentation_id() -> str:
    """An id for a presentation."""
    return new_id("shw")


async def answered(connection: Connection, message: Message) -> Presented | None:
    """What the same message was answered, if it was. Raises KeyReused if the key stood for another one."""
    row = await connection.fetchrow(_FIND, message.partner_id, message.key)
    if row is None:
        return None
    if not hmac.compare_digest(row["fingerprint"], message.fingerprint):
        raise KeyReused("This Idempotency-Key was used with other content; use a new key for a new request.")
    return _presented(row)


async def taken_first(connection: Connection, message: Message, one: Presented) -> bool:
    """Note the message, if nobody did: of two at the same moment the second waits here for the first."""
    first = await connection.fetchval(
        _TAKE, one.id, message.partner_id, message.key, message.fingerprint, one.terminal_id, one.location_id,
        one.member_id, one.pass_id, one.way, one.assurance, list(one.reasons), one.proof_id, one.shown_at,
    )  # fmt: skip
    return bool(first)


async def judge(connection: Connection, one: Presented, ids: Sequence[str]) -> None:
    """Note of these messages what came of them."""
    await connection.execute(_JUDGE, list(ids), one.way, one.assurance, list(one.reasons), one.proof_id, one.shown_at)


def same_as(first: Presented, one: Presented) -> Presented:
    """What `one` says once it is known that `first` was the same tap."""
    return replace(
        one, member_id=first.member_id, way=first.way, reasons=first.reasons, proof_id=first.proof_id,
        shown_at=first.shown_at,
    )  # fmt: skip


async def forget_old(connection: Connection, now: datetime) -> None:
    """Forget some of what nobody sends again. `now` is business time."""
    await connection.execute(_FORGET, now - REMEMBERED, _FORGOTTEN_AT_ONCE)


def _presented(row: asyncpg.Record) -> Presented:
    return Presented(
        id=row["id"],
        partner_id=row["partner_id"],
        member_id=row["member_id"],
        pass_id=row["pass_id"],
        terminal_id=row["terminal_id"],
        location_id=row["location_id"],
        way=cast(ShownBy, row["way"]),
        reasons=tuple(row["reasons"]),
        proof_id=row["proof_id"],
        shown_at=row["shown_at"],
        replayed=True,
    )
