"""Accounts that were merged into one that moves on itself: whoever used it follows, so that one step always leads from
a member to the account they use.
"""

from collections.abc import Sequence

import asyncpg

from kernel.database import Connection
from kernel.outbox import touch

_FOLLOW = """
UPDATE account SET pool_id = $2 WHERE pool_id = $1 AND member_id <> $2 RETURNING member_id
"""

# Whom the journals lead to the account that steps out of the pool, over however many merges.
_GO_BACK = """
WITH RECURSIVE path AS (
    SELECT member_id AS start, member_id AS at FROM account WHERE pool_id = $1 AND member_id <> $2
    UNION
    SELECT path.start, journal.facts->>'to' FROM path
    JOIN journal ON journal.member_id = path.at AND journal.kind = 'merge_out' AND path.at <> $2
)
UPDATE account SET pool_id = $2 FROM path
WHERE account.member_id = path.start AND path.at = $2 AND account.pool_id = $1 RETURNING account.member_id
"""


async def follow(connection: Connection, merged_id: str, into_id: str, note_kinds: Sequence[str]) -> None:
    """Who used the account `merged_id` uses `into_id` from now on, and the followers hear of them."""
    await _tell(connection, await connection.fetch(_FOLLOW, merged_id, into_id), note_kinds)


async def go_back(connection: Connection, pool_id: str, member_id: str, note_kinds: Sequence[str]) -> None:
    """The member's own account is used again, by them and by all who had been merged into it before."""
    await _tell(connection, await connection.fetch(_GO_BACK, pool_id, member_id), note_kinds)


async def _tell(connection: Connection, rows: Sequence[asyncpg.Record], note_kinds: Sequence[str]) -> None:
    members = sorted({row["member_id"] for row in rows})
    for kind in sorted(note_kinds):
        await touch(connection, kind, members)
