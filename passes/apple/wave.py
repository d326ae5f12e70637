"""Passes that were pushed as some of many and not yet fetched: what is out bounds how many follow.

The table is a gauge, not a record: a pass that nobody fetches (a phone in a drawer) stops counting after a while.
"""

from collections.abc import Sequence
from typing import Final

from kernel.database import Connection

FETCHED_WITHIN_S: Final = 10.0


async def pushed(connection: Connection, pass_ids: Sequence[str]) -> None:
    """These are about to be pushed; `registry.fetched` takes them out again."""
    await connection.execute(
        """
        INSERT INTO apple_wave (pass_id, pushed_at)
        SELECT DISTINCT pass_id, clock_timestamp() FROM unnest($1::text[]) AS pass_id ORDER BY pass_id
        ON CONFLICT (pass_id) DO UPDATE SET pushed_at = excluded.pushed_at
        """,
        list(pass_ids),
    )


async def still_out(connection: Connection) -> tuple[int, int]:
    """How many were pushed lately and are not fetched yet; and how many were given up on by this call."""
    # Ids in order, locked ones left alone: phones fetch while this runs.
    given_up = await connection.execute(
        """
        DELETE FROM apple_wave WHERE pass_id IN (
            SELECT pass_id FROM apple_wave WHERE pushed_at < now() - make_interval(secs => $1)
            ORDER BY pass_id FOR UPDATE SKIP LOCKED
        )
        """,
        FETCHED_WITHIN_S,
    )
    out: int = await connection.fetchval(
        "SELECT count(*) FROM apple_wave WHERE pushed_at >= now() - make_interval(secs => $1)", FETCHED_WITHIN_S
    )
    return out, int(given_up.rsplit(" ", 1)[1])
