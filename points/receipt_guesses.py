"""How often somebody may try tokens that no receipt has: counted in the database, for all processes together.

With 128 bits a token cannot be guessed; the count stops who floods the service with tries, and shows it.
"""

from dataclasses import dataclass
from typing import Final

from kernel.database import Connection
from kernel.errors import Unavailable

MOST: Final = 10
WITHIN_S: Final = 3600

# Time is the database's: guesses are made in real time, whatever the time of business is. The row is the lock.
_COUNT = f"""
INSERT INTO attempt AS known (id, tries, since) VALUES ($1, 1, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET
    tries = CASE WHEN known.since < clock_timestamp() - interval '{WITHIN_S} s' THEN 1
                 ELSE least(known.tries, {MOST}) + 1 END,
    since = CASE WHEN known.since < clock_timestamp() - interval '{WITHIN_S} s' THEN clock_timestamp()
                 ELSE known.since END
RETURNING tries, {WITHIN_S} - extract(epoch FROM clock_timestamp() - since)::float AS left_s
"""

_FORGIVE = "UPDATE attempt SET tries = tries - 1 WHERE id = $1 AND tries > 0"


class TooManyGuesses(Unavailable):
    """Too many tokens that no receipt has, by the same member in the same place."""

    code = "too_many_guesses"
    title = "Too many tokens that do not exist"


@dataclass(frozen=True, slots=True)
class Tries:
    """How many there were since the count began, this one included, and when it begins anew."""

    number: int
    left_s: float

    def check(self) -> None:
        """Raises TooManyGuesses."""
        if not may_guess(self):
            raise TooManyGuesses("Wait before trying more tokens.", retry_after_s=max(1.0, self.left_s))


def may_guess(tries: Tries) -> bool:
    """Whether this one is looked at."""
    return tries.number <= MOST


async def count_guess(connection: Connection, guesser: str) -> Tries:
    """One more, in the caller's transaction, which keeps other tries of the same waiting."""
    row = await connection.fetchrow(_COUNT, f"receipt/{guesser}")
    assert row is not None
    return Tries(row["tries"], row["left_s"])


async def forgive_guess(connection: Connection, guesser: str) -> None:
    """It was none."""
    await connection.execute(_FORGIVE, f"receipt/{guesser}")
