"""The rows of earnings under review: written in the ledger's transaction, read by whoever looks at them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import asyncpg

from kernel.bulk import columns_of
from kernel.database import Connection
from kernel.errors import Conflict, NotFound
from kernel.ids import is_id, new_id
from points.commands import Judge
from points.decision import Decision
from points.writing import Answered

Verdict = Literal["approve", "reject"]

MOST_LISTED: Final = 500

STATE: Final[dict[Verdict, str]] = {"approve": "approved", "reject": "rejected"}

_COLUMNS = (
    "id", "journal_id", "member_id", "partner_id", "reasons", "terminal", "cashier", "points", "state", "created_at",
    "decided_at", "decided_by", "note",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM review"

# An array of arrays would be one flat array: the reasons come as one text.
_OPEN = """
INSERT INTO review (id, journal_id, member_id, partner_id, reasons, terminal, cashier, points, created_at)
SELECT id, journal_id, member_id, partner_id, string_to_array(reasons, ' '), terminal, cashier, points, $1
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[])
    AS new (id, journal_id, member_id, partner_id, reasons, terminal, cashier, points)
"""
_DECIDE = """
UPDATE review SET state = new.state, decided_at = $1, decided_by = new.actor, note = new.note
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS new (id, journal_id, state, actor, note)
WHERE review.id = new.id AND review.journal_id = new.journal_id AND review.state = 'open'
"""


class UnknownReview(NotFound):
    """There is no such review, or not of this partner."""

    code = "unknown_review"
    title = "No such review"


class ReviewDecided(Conflict):
    """The review was decided the other way before; facts: `state`."""

    code = "review_decided"
    title = "The review was decided before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """An earning that somebody must look at, or has. `member_id` is whose card it was, `points` what it gave; they wait
    while it is open."""

    id: str
    journal_id: str
    member_id: str
    partner_id: str
    reasons: list[str]
    terminal: str | None
    cashier: str | None
    points: int
    state: Literal["open", "approved", "rejected"]
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    note: str | None


async def waiting(
    connection: Connection, partner_id: str | None, *, limit: int = 50, after: str | None = None
) -> list[Review]:
    """Open reviews, oldest first, of one partner or of all; those that follow the id `after`. At most MOST_LISTED."""
    rows = await connection.fetch(
        f"{_SELECT} WHERE state = 'open' AND ($1::text IS NULL OR partner_id = $1) AND ($2::text IS NULL OR id > $2)"
        " ORDER BY id LIMIT $3",
        partner_id,
        after,
        min(limit, MOST_LISTED),
    )
    return [_review(row) for row in rows]


async def review(connection: Connection, review_id: str, partner_id: str | None = None) -> Review:
    """One of them, of the given partner or of any. Raises UnknownReview."""
    row = None
    if is_id(review_id, "rvw"):
        row = await connection.fetchrow(
            f"{_SELECT} WHERE id = $1 AND ($2::text IS NULL OR partner_id = $2)", review_id, partner_id
        )
    if row is None:
        raise UnknownReview(f"There is no review '{review_id}'.")
    return _review(row)


async def write_reviews(connection: Connection, done: Sequence[Answered], now: datetime) -> None:
    """A step of the ledger's transaction: what must be looked at from now on, and what was decided."""
    rows = [_row(d, answered) for answered in done for d in answered.journals if d.review]
    if rows:
        await connection.execute(_OPEN, now, *columns_of(rows, 8))
    verdicts = [
        (c.review_id, c.journal_id, STATE["approve" if c.approve else "reject"], c.actor, c.note)
        for c in (answered.command for answered in done)
        if isinstance(c, Judge)
    ]
    if verdicts:
        status = await connection.execute(_DECIDE, now, *columns_of(verdicts, 5))
        if status != f"UPDATE {len(verdicts)}":
            raise ReviewDecided("The review is not open.", state="decided")


def _row(decision: Decision, answered: Answered) -> tuple[object, ...]:
    till = decision.command.till
    return (
        new_id("rvw"),
        decision.journal_id,
        answered.by_member_id or decision.member_id,
        decision.command.partner_id,
        " ".join(decision.review),
        (till.terminal if till else "") or None,
        (till.cashier if till else "") or None,
        decision.points,
    )


def _review(row: asyncpg.Record) -> Review:
    return Review(**row)
