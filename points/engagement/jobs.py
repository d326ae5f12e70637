"""The work of engagement that time brings: each job is safe to run twice, late, and by several at once."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from kernel.clock import Clock
from kernel.database import Database
from points.engagement import (
    birthdays,
    boards,
    commitments,
    games,
    households,
    marks,
    promises,
    recognition,
    referral,
    surprises,
)
from points.engagement.ports import Asks, Programmes

Job = Callable[[Database, Asks, Programmes, Clock], Awaitable[None]]

# Records whose mark was lost (a crash between the two) are found within this time.
MARKS_LOOK_BACK = timedelta(days=2)


async def referrals(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> None:
    """Holds of friends' first purchases begin and end."""
    await referral.run_due(db, teller, programmes, clock)


async def days_of_the_year(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> None:
    """Birthdays and anniversaries."""
    await birthdays.run_due(db, teller, programmes, clock)


async def seeds(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> None:
    """Commitments of this month and the next are published."""
    await commitments.run_due(db, programmes, clock)


async def surprise_draws(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> None:
    """Purchases are drawn for surprises."""
    await surprises.run_due(db, teller, programmes, clock)


async def abandoned_plays(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> None:
    """Plays whose caller went away are finished."""
    await games.run_due(db, teller, programmes, clock)


async def board_closings(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> None:
    """Leaderboards whose period is over are closed."""
    await boards.run_due(db, programmes, clock)


async def staff_awards(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> None:
    """The month's award of each partner's staff is decided."""
    await recognition.run_due(db, programmes, clock)


async def household_moves(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> None:
    """Members who are joining or leaving a household get there."""
    await households.run_due(db, teller, programmes, clock)


async def stale_marks(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> None:
    """Consents, memberships and offers that the ledger does not know yet are marked."""
    await marks.run_due(db, teller, clock, clock.now() - MARKS_LOOK_BACK)


async def open_promises(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> None:
    """What was promised and not given yet is given."""
    await promises.run_due(db, teller, programmes, clock)


# How often each is due at least. Those by the minute wait for sales; those by the hour for days to begin or end.
JOBS: tuple[tuple[timedelta, Job], ...] = (
    (timedelta(minutes=1), surprise_draws),
    (timedelta(minutes=1), referrals),
    (timedelta(minutes=1), household_moves),
    (timedelta(minutes=1), abandoned_plays),
    (timedelta(minutes=5), open_promises),
    (timedelta(minutes=5), stale_marks),
    (timedelta(hours=1), seeds),
    (timedelta(hours=1), days_of_the_year),
    (timedelta(hours=1), board_closings),
    (timedelta(hours=1), staff_awards),
)


async def run_due(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> None:
    """All of it once, in the order of `JOBS`."""
    for _, job in JOBS:
        await job(db, teller, programmes, clock)
