"""Which rotating codes were shown: each proves at most once that somebody is there, at whichever till.

Time here is that of phones, not business time.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from kernel.database import Connection
from passes.live_code import PERIOD_S, LiveCode

STEPS: Final = 1  # how many steps the phone's clock may be off, either way
STEPS_AGAIN: Final = 2  # and within how many it is worth showing the next code
# Longer than a code is live: our own clock may be set back.
REMEMBERED: Final = timedelta(days=1)
_FORGOTTEN_AT_ONCE = 64

_TAKE = """
INSERT INTO live_code_use (subject, counter, used_at) VALUES ($1, $2, $3)
ON CONFLICT (subject, counter) DO NOTHING RETURNING true
"""
_FORGET = """
DELETE FROM live_code_use WHERE (subject, counter) IN (
    SELECT subject, counter FROM live_code_use WHERE used_at < $1 ORDER BY used_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


def steps_off(code: LiveCode, now: datetime) -> int:
    """How many steps the code is ahead of our clock; below zero it is behind."""
    return code.counter - int(now.timestamp()) // PERIOD_S


async def first_showing(connection: Connection, code: LiveCode, now: datetime) -> bool:
    """Whether nobody showed this code before; nobody shows it for the first time again. Of two at the same moment the
    second waits here for the first.

    A code that a phone drew ahead of time is remembered until after that time.
    """
    drawn = datetime.fromtimestamp(code.unix_s, UTC)
    first = await connection.fetchval(_TAKE, code.subject, code.counter, max(now, drawn))
    return bool(first)


async def forget_old(connection: Connection, now: datetime) -> None:
    """Forget some of what cannot be live any more."""
    await connection.execute(_FORGET, now - REMEMBERED, _FORGOTTEN_AT_ONCE)
