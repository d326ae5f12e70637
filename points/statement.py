"""What the ledger says of members: balances, positions by partner, and the list of what happened."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

import asyncpg
import msgspec

from kernel.database import Connection
from points.book import LotState
from points.programme.standing import Standing, total


@dataclass(frozen=True, slots=True)
class MemberState:
    """A member's points now, or those of their household (`holder_id`).

    `pending` points wait, `held` ones are reserved by claims; `standing` is what the rules know of their history. `seq`
    is the number of the account's newest journal (0: there is none).
    """

    member_id: str
    holder_id: str
    version: int
    spendable: int
    arrears: int
    pending: int
    held: int
    frozen: bool
    standing: Standing
    seq: int

    @property
    def lifetime(self) -> int:
        """What they earned in all, less what refunds took back."""
        return total(self.standing, "points")


@dataclass(frozen=True, slots=True)
class Position:
    """A cumulative total of a member's points by issuer (and acceptor).

    A member's spendable points are the sum of `issued` less `withdrawn` less `redeemed`.
    """

    member_id: str
    kind: Literal["issued", "withdrawn", "redeemed"]
    issuer_id: str
    acceptor_id: str | None
    points: int


@dataclass(frozen=True, slots=True)
class Line:
    """A journal as a statement shows it; `points` is signed as the member sees it."""

    seq: int
    id: str
    kind: str
    partner_id: str
    location_id: str | None
    points: int
    amount_minor: int | None
    currency: str | None
    reverses_id: str | None
    cause_id: str | None
    occurred_at: datetime
    recorded_at: datetime
    facts: dict[str, Any]


# Points that wait are nobody's yet, and points held for a claim are still the member's.
_POSITIONS = """
SELECT member_id, 'issued' AS kind, issuer_id, NULL AS acceptor_id, sum(original)::bigint AS points
FROM lot WHERE member_id = ANY($1::text[]) AND NOT pending GROUP BY member_id, issuer_id
UNION ALL
SELECT allocation.member_id, CASE WHEN purpose = 'honoured' THEN 'redeemed' ELSE 'withdrawn' END,
       allocation.issuer_id, acceptor_id, sum(points)::bigint
FROM allocation JOIN lot ON lot.id = allocation.lot_id
WHERE allocation.member_id = ANY($1::text[]) AND purpose <> 'held' AND NOT lot.pending
GROUP BY allocation.member_id, purpose = 'honoured', allocation.issuer_id, acceptor_id
"""

_STATES = """
SELECT own.member_id, spendable.member_id AS holder_id, spendable.version, spendable.balance AS spendable,
       -arrears.balance AS arrears, own.frozen OR spendable.frozen AS frozen, spendable.standing,
       coalesce((SELECT sum(remaining) FROM lot WHERE member_id = spendable.member_id AND pending AND remaining > 0),
                0)::bigint AS pending,
       coalesce((SELECT sum(points) FROM claim WHERE member_id = spendable.member_id AND state = 'held'),
                0)::bigint AS held,
       coalesce((SELECT max(seq) FROM journal WHERE member_id = spendable.member_id), 0)::bigint AS seq
FROM account own
JOIN account spendable ON spendable.id = coalesce(own.pool_id, own.member_id) || '/spendable'
JOIN account arrears ON arrears.id = spendable.member_id || '/arrears'
WHERE own.id = ANY($1::text[])
"""

# What only the rules look at is not shown.
_LINE = """
seq, id, kind, partner_id, location_id, amount_minor, currency, reverses_id, cause_id, occurred_at, recorded_at, facts,
       coalesce((SELECT sum(amount) FROM entry WHERE journal_id = journal.id AND account_id IN
                 (journal.member_id || '/spendable', journal.member_id || '/arrears', journal.member_id || '/pending')),
                0)::bigint AS points
"""

_LINES = f"""
SELECT {_LINE} FROM journal
WHERE member_id IN ($1::text, (SELECT pool_id FROM account WHERE id = $1::text || '/spendable'))
  AND ($2::text IS NULL OR partner_id = $2) AND kind NOT IN ('mark', 'tier')
  AND ($3::bigint IS NULL OR seq < $3) AND ($4::bigint IS NULL OR seq > $4)
ORDER BY seq {{direction}} LIMIT $5
"""


async def member_states(connection: Connection, member_ids: Sequence[str]) -> dict[str, MemberState]:
    """The state of those of the members that exist, by id."""
    rows = await connection.fetch(_STATES, [f"{member_id}/spendable" for member_id in member_ids])
    return {row["member_id"]: _state(row) for row in rows}


def _state(row: asyncpg.Record) -> MemberState:
    known = dict(row)
    known["standing"] = msgspec.convert(known["standing"], Standing, strict=False)
    return MemberState(**known)


async def positions(connection: Connection, member_ids: Sequence[str]) -> list[Position]:
    """Cumulative totals of the members by issuer and acceptor."""
    return [Position(**row) for row in await connection.fetch(_POSITIONS, list(member_ids))]


async def line_of(connection: Connection, journal_id: str, partner_id: str | None = None) -> Line | None:
    """One journal, if it exists and is that partner's (None: anybody's)."""
    row = await connection.fetchrow(
        f"SELECT {_LINE} FROM journal WHERE id = $1 AND ($2::text IS NULL OR partner_id = $2)", journal_id, partner_id
    )
    return Line(**row) if row else None


async def lines(
    connection: Connection,
    member_id: str,
    limit: int,
    after: int | None = None,
    before: int | None = None,
    partner_id: str | None = None,
) -> list[Line]:
    """Up to `limit` journals of a member, the newest first; of one partner if it is named.

    With `after` (a line's `seq`) the older ones that follow it, else with `before` the newer ones just before it.
    """
    backwards = after is None and before is not None
    sql = _LINES.format(direction="ASC" if backwards else "DESC")
    rows = await connection.fetch(sql, member_id, partner_id, after, before, limit)
    found = [Line(**row) for row in rows]
    return found[::-1] if backwards else found


# What a household shares and what a member was given alone are both theirs to use.
_OPEN_VOUCHERS = """
SELECT asked.member_id, count(*) AS vouchers
FROM unnest($1::text[], $2::text[]) AS asked (member_id, holder_id)
JOIN voucher ON voucher.member_id IN (asked.member_id, asked.holder_id)
WHERE voucher.state = 'issued' AND (voucher.valid_until IS NULL OR voucher.valid_until > $3)
GROUP BY asked.member_id
"""

_LOT = ", ".join(field.name for field in fields(LotState) if field.name not in ("root", "elsewhere"))
_ENDING_LOTS = f"""
SELECT member_id, {_LOT} FROM lot
WHERE member_id = ANY($1::text[]) AND remaining > 0 AND NOT pending AND expires_at IS NOT NULL ORDER BY id
"""


async def open_vouchers(connection: Connection, states: Sequence[MemberState], now: datetime) -> dict[str, int]:
    """How many codes each member can use at `now`; members without any are missing."""
    members, holders = [state.member_id for state in states], [state.holder_id for state in states]
    rows = await connection.fetch(_OPEN_VOUCHERS, members, holders, now)
    return {row["member_id"]: row["vouchers"] for row in rows}


async def ending_lots(connection: Connection, holder_ids: Sequence[str]) -> dict[str, list[LotState]]:
    """The lots with points left that may end, by whose account they are in."""
    found: dict[str, list[LotState]] = {}
    for row in await connection.fetch(_ENDING_LOTS, list(holder_ids)):
        known = dict(row)
        found.setdefault(known.pop("member_id"), []).append(LotState(**known))
    return found
