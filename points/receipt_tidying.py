"""What becomes of old receipts: those that a process died over are marked, and those that nobody claimed are forgotten.

Nothing depends on it: what a row does not say yet, the ledger does. It keeps the table as small as what is of use.
"""

from datetime import timedelta
from typing import Final

from kernel.clock import Clock
from kernel.database import Database
from points.commands import INTERNAL

KEPT_FOR: Final = timedelta(days=30)
_AT_ONCE: Final = 1_000
_GUESSES_KEPT: Final = timedelta(days=1)

_OLD = f"""
SELECT id FROM receipt WHERE state = 'open' AND good_until < $1 ORDER BY good_until LIMIT {_AT_ONCE}
FOR UPDATE SKIP LOCKED
"""

_MARK = f"""
UPDATE receipt SET state = 'claimed', journal_id = journal.id, claimed_at = journal.recorded_at,
    member_id = coalesce(journal.by_member_id, journal.member_id)
FROM idempotency JOIN journal ON journal.id = idempotency.effect_id
WHERE receipt.id = ANY($1::text[]) AND idempotency.partner_id = '{INTERNAL}'
    AND idempotency.key = 'receipt/' || receipt.id
"""

_FORGET = "DELETE FROM receipt WHERE id = ANY($1::text[]) AND state = 'open'"

_FORGET_GUESSES = f"""
DELETE FROM attempt WHERE id = ANY(ARRAY(
    SELECT id FROM attempt WHERE id LIKE 'receipt/%' AND since < clock_timestamp() - $1::interval LIMIT {_AT_ONCE}))
"""


async def tidy_receipts(db: Database, clock: Clock) -> int:
    """Mark or forget a batch; how many receipts that was (0: nothing is left to do). May run as often as wished."""
    async with db.unit() as unit:
        rows = await unit.connection.fetch(_OLD, clock.now() - KEPT_FOR)
        old = [row["id"] for row in rows]
        if old:
            # Only when those that somebody earned with are marked, what is still open was claimed by nobody. A claim
            # that begins now is too late by a month.
            await unit.connection.execute(_MARK, old)
            await unit.connection.execute(_FORGET, old)
        await unit.connection.execute(_FORGET_GUESSES, _GUESSES_KEPT)
    return len(old)
