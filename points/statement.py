"""What the ledger says of members: balances, positions by partner, and the list of what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from kernel.database import Connection


@dataclass(frozen=True, slots=True)
class MemberState:
    """A member's points now. `lifetime` is what they earned in all, less what refunds took back."""

    member_id: str
    version: int
    spendable: int
    arrears: int
    lifetime: int


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
    occurred_at: datetime
    recorded_at: datetime
    facts: dict[str, Any]


_POSITIONS = """
SELECT member_id, 'issued' AS kind, issuer_id, NULL AS acceptor_id, sum(original)::bigint AS points
FROM lot WHERE member_id = ANY($1::text[]) GROUP BY member_id, issuer_id
UNION ALL
SELECT member_id, CASE WHEN acceptor_id IS NULL THEN 'withdrawn' ELSE 'redeemed' END, issuer_id, acceptor_id,
       sum(points)::bigint
FROM allocation WHERE member_id = ANY($1::text[]) GROUP BY member_id, issuer_id, acceptor_id
"""

# Earnings and their refunds are the journals about money. Lots would not tell: a refund of points already spent takes
# none of them back, and whoever spends first and returns the goods after would keep their tier.
_STATES = """
SELECT spendable.member_id, spendable.version, spendable.balance AS spendable, -arrears.balance AS arrears,
       (SELECT coalesce(sum(CASE WHEN kind = 'earn' THEN points ELSE -points END), 0) FROM journal
        WHERE member_id = spendable.member_id AND amount_minor IS NOT NULL)::bigint AS lifetime
FROM account spendable JOIN account arrears ON arrears.id = spendable.member_id || '/arrears'
WHERE spendable.id = ANY($1::text[])
"""

_LINES = """
SELECT seq, id, kind, partner_id, location_id, amount_minor, currency, reverses_id, occurred_at, recorded_at, facts,
       coalesce((SELECT sum(amount) FROM entry WHERE journal_id = journal.id
                 AND account_id IN (journal.member_id || '/spendable', journal.member_id || '/arrears')), 0)::bigint
       AS points
FROM journal
WHERE member_id = $1 AND ($2::text IS NULL OR partner_id = $2)
  AND ($3::bigint IS NULL OR seq < $3) AND ($4::bigint IS NULL OR seq > $4)
ORDER BY seq {direction} LIMIT $5
"""


async def member_states(connection: Connection, member_ids: Sequence[str]) -> dict[str, MemberState]:
    """The state of those of the members that exist, by id."""
    rows = await connection.fetch(_STATES, [f"{member_id}/spendable" for member_id in member_ids])
    return {row["member_id"]: MemberState(**row) for row in rows}


async def positions(connection: Connection, member_ids: Sequence[str]) -> list[Position]:
    """Cumulative totals of the members by issuer and acceptor."""
    return [Position(**row) for row in await connection.fetch(_POSITIONS, list(member_ids))]


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
