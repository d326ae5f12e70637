"""Invariants of the mirror, as far as tables can tell: number 18. `tokens.reconcile` asks the chain itself."""

from kernel.database import Connection
from points.auditing.check import Check, Found, by_sql
from tokens.deploying import current
from tokens.mirror import out_of_step
from tokens.sending import MIRROR

_PAGE = 500
_MEMBERS = """
SELECT id FROM member WHERE id > $1
  AND NOT EXISTS (SELECT FROM outbox WHERE kind = $2 AND subject = member.id) ORDER BY id LIMIT $3
"""


async def _behind(connection: Connection, most: int) -> Found:
    """Members of whom the mirror says something else than the ledger, though no note waits for it to look again."""
    found: list[tuple[str, str]] = []
    if await current(connection) is None:
        return found
    last = ""
    while len(found) < most and (rows := await connection.fetch(_MEMBERS, last, MIRROR, _PAGE)):
        members = [row["id"] for row in rows]
        found.extend((c.member_id, f"off by {c.delta}") for c in await out_of_step(connection, members))
        last = members[-1]
    return found


MIRRORED: tuple[Check, ...] = (
    Check(18, "the mirror says what the ledger says, or is about to look again", _behind),
    by_sql(
        18,
        "a mirrored balance is what batches moved",
        """
        WITH moved AS (
            SELECT member_id, CASE kind WHEN 'issued' THEN points ELSE -points END AS points FROM mirror_position
            UNION ALL SELECT member_id, -mirrored FROM mirror_balance)
        SELECT member_id AS subject, 'off by ' || sum(points) AS detail
        FROM moved GROUP BY member_id HAVING sum(points) <> 0""",
    ),
)
