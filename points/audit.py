"""Checks that must hold after every committed transaction (reference: the invariants of the loyalty domain).

What follows from the tables of this folder is here; the network, the passes and the mirror have checks beside their
tables, and `api.commands.ledger` runs them all.
"""

from collections.abc import Sequence

from kernel.database import Connection
from points.auditing.check import Check, Finding, run
from points.auditing.histories import HISTORIES
from points.auditing.misuse import PROOFS, REVIEWS
from points.auditing.postings import BALANCE, CONSERVATION, MEMBERS
from points.auditing.rewards import CAPS, HOLDS, VOUCHERS
from points.auditing.rules import AUTHORITY, KEYS, NUMBERS, PINNED, PRIVACY
from points.auditing.slices import ALLOCATIONS, EXPIRY, REVERSALS

__all__ = ["CHECKS", "Check", "Finding", "audit"]

CHECKS: tuple[Check, ...] = tuple(
    sorted(
        (
            *BALANCE, *CONSERVATION, *MEMBERS, *ALLOCATIONS, *REVERSALS, *EXPIRY, *HOLDS, *CAPS, *VOUCHERS, *KEYS,
            *PINNED, *NUMBERS, *PRIVACY, *AUTHORITY, *PROOFS, *REVIEWS, *HISTORIES,
        ),
        key=lambda check: check.number,
    )
)  # fmt: skip


async def audit(connection: Connection, most: int = 20, checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """Every broken rule with up to `most` examples; an empty list means the ledger is in order.

    Needs a connection inside a transaction: all checks should see one moment.
    """
    return await run(connection, checks, most)
