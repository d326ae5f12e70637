"""How often something may be tried: wrong digits of a rotating code, and looking people up by what is no secret.

What is tried is counted before it is answered, and the count is committed whatever the answer is, so that neither a
crash nor many tries at once give more of them. Time here is the system's, not business time.
"""

from datetime import datetime, timedelta
from typing import Final

from kernel.database import Connection
from kernel.errors import Unavailable

WINDOW: Final = timedelta(minutes=10)
WRONG_CODES: Final = 20  # per subject and window; what comes after only identifies
LOOKUPS: Final = 1_000  # per partner and window, in these weights:
FOUND, NOT_FOUND = 1, 10  # a till finds nearly everybody whom it asks for, who tries numbers finds few

# A window that began in the future was begun by a clock that was set back since.
_CHARGE = """
INSERT INTO attempt AS known (id, tries, since) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET
    tries = $2 + CASE WHEN known.since > $3 - $4::interval AND known.since <= $3 THEN known.tries ELSE 0 END,
    since = CASE WHEN known.since > $3 - $4::interval AND known.since <= $3 THEN known.since ELSE $3 END
RETURNING tries, since
"""
_GIVE_BACK = "UPDATE attempt SET tries = greatest(tries - $2, 0) WHERE id = $1"


class TooManyLookups(Unavailable):
    """The partner looked up too many people by their telephone number or wallet address."""

    code = "too_many_lookups"
    title = "Too many look-ups"
    status = 429


async def charge_code(connection: Connection, subject: str, now: datetime) -> bool:
    """Count a code of the subject that is about to be looked at, as a wrong one; whether too many were wrong by now."""
    row = await connection.fetchrow(_CHARGE, _codes_of(subject), 1, now, WINDOW)
    assert row is not None
    return bool(row["tries"] > WRONG_CODES)


async def code_was_right(connection: Connection, subject: str) -> None:
    """The code was no wrong one."""
    await connection.execute(_GIVE_BACK, _codes_of(subject), 1)


async def charge_lookup(connection: Connection, partner_id: str, now: datetime) -> float | None:
    """Count a look-up that is about to be made, as one that finds nobody; None: it may be made, else how long the
    partner has to wait, in seconds."""
    row = await connection.fetchrow(_CHARGE, _lookups_of(partner_id), NOT_FOUND, now, WINDOW)
    assert row is not None
    return None if row["tries"] <= LOOKUPS else max(float((row["since"] + WINDOW - now).total_seconds()), 1.0)


async def lookup_found(connection: Connection, partner_id: str) -> None:
    """The look-up found somebody: it cost less than was counted."""
    await connection.execute(_GIVE_BACK, _lookups_of(partner_id), NOT_FOUND - FOUND)


def _codes_of(subject: str) -> str:
    return f"live/{subject}"


def _lookups_of(partner_id: str) -> str:
    return f"lookup/{partner_id}"
