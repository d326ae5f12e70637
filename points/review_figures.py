"""Reviews as lists and figures: what a manager goes through, and what the day's report says of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from kernel.database import Connection
from points.reviews import Review

State = Literal["open", "approved", "rejected"]

# Reasons for which an earning may be somebody's own: the cashier's account, or one card again and again at one cashier
# or till.
SELF_CREDIT: Final = (
    "own_account",
    "member_at_cashier_times",
    "member_at_cashier_points",
    "member_at_terminal_times",
    "member_at_terminal_points",
)
MOST_ALERTS: Final = 100

_WINDOW = """
SELECT * FROM review
WHERE ($1::text IS NULL OR partner_id = $1) AND ($2::text IS NULL OR state = $2)
  AND ($3::text IS NULL OR id > $3) AND ($4::text IS NULL OR id < $4)
ORDER BY id {direction} LIMIT $5
"""

_OF_DAY = "created_at >= $2 AND created_at < $3 AND ($1::text IS NULL OR partner_id = $1)"

_BY_STATE = f"""
SELECT state, count(*) AS number, coalesce(sum(points), 0)::bigint AS points FROM review WHERE {_OF_DAY} GROUP BY state
"""

_BY_REASON = f"""
SELECT reason, count(*) AS number, sum(points)::bigint AS points
FROM review, unnest(reasons) AS reason WHERE {_OF_DAY} GROUP BY reason ORDER BY number DESC, reason
"""

_ALERTS = f"""
SELECT partner_id, member_id, coalesce(cashier, '') AS cashier, coalesce(terminal, '') AS terminal,
       count(*) AS number, sum(points)::bigint AS points, bool_or('own_account' = ANY(reasons)) AS own_account
FROM review WHERE {_OF_DAY} AND reasons && $4::text[]
GROUP BY 1, 2, 3, 4 ORDER BY own_account DESC, number DESC, 1, 2, 3, 4 LIMIT {MOST_ALERTS}
"""

_OPEN = """
SELECT count(*) AS number, coalesce(sum(points), 0)::bigint AS points, min(created_at) AS oldest
FROM review WHERE state = 'open' AND ($1::text IS NULL OR partner_id = $1)
"""


@dataclass(frozen=True, slots=True)
class Sum:
    """How many reviews, and the points that the earnings gave."""

    number: int
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Earnings of one card at one cashier and till that may be the cashier's own. "" is not told."""

    partner_id: str
    member_id: str
    cashier: str
    terminal: str
    number: int
    points: int
    own_account: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The reviews that a day brought, by what became of them and by reason (an earning may have several), and what is
    open by now, of whatever day; `oldest_open` is since when."""

    by_state: dict[State, Sum]
    by_reason: dict[str, Sum]
    alerts: list[Alert]
    open_now: Sum
    oldest_open: datetime | None


async def window(
    connection: Connection,
    partner_id: str | None,
    state: State | None,
    after: str | None,
    before: str | None,
    limit: int,
) -> list[Review]:
    """Up to `limit` reviews of a partner (None: of all) next to a place in id order, oldest first."""
    backwards = after is None and before is not None
    sql = _WINDOW.format(direction="DESC" if backwards else "ASC")
    found = [Review(**row) for row in await connection.fetch(sql, partner_id, state, after, before, limit)]
    return found[::-1] if backwards else found


async def figures(connection: Connection, partner_id: str | None, since: datetime, until: datetime) -> Figures:
    """Of the reviews that began from `since` until before `until`, at a partner (None: at all)."""
    between = partner_id, since, until
    states = await connection.fetch(_BY_STATE, *between)
    reasons = await connection.fetch(_BY_REASON, *between)
    alerts = await connection.fetch(_ALERTS, *between, list(SELF_CREDIT))
    now_open = await connection.fetchrow(_OPEN, partner_id)
    assert now_open is not None
    none: dict[State, Sum] = {"open": Sum(0, 0), "approved": Sum(0, 0), "rejected": Sum(0, 0)}
    return Figures(
        by_state=none | {row["state"]: Sum(row["number"], row["points"]) for row in states},
        by_reason={row["reason"]: Sum(row["number"], row["points"]) for row in reasons},
        alerts=[Alert(**row) for row in alerts],
        open_now=Sum(now_open["number"], now_open["points"]),
        oldest_open=now_open["oldest"],
    )
