"""Earnings under review: what waits for somebody to look at it, and deciding it, once.

What is decided is a command to the ledger under one key per review, and the row of the review changes in the ledger's
transaction: of two who decide at once one decides, and nothing is left half done by a crash.
"""

import hashlib
from contextlib import suppress
from datetime import datetime

from kernel.clock import Clock
from kernel.database import Database
from points.answers import KeyReused
from points.commands import INTERNAL, Judge
from points.review_records import STATE, Review, ReviewDecided, UnknownReview, Verdict, review, waiting
from points.teller import Teller

__all__ = ["Review", "ReviewDecided", "UnknownReview", "Verdict", "decide", "review", "waiting"]


async def decide(
    db: Database,
    teller: Teller,
    clock: Clock,
    review_id: str,
    verdict: Verdict,
    actor: str,
    note: str | None = None,
    *,
    partner_id: str | None = None,
) -> Review:
    """Let the points be spent (what waits for something else besides, waits on), or undo the earning whole.

    The same verdict again gives the same review. Raises UnknownReview, ReviewDecided and the ledger's errors.
    """
    async with db.read() as read:
        known = await review(read.connection, review_id, partner_id)
    if known.state == "open":
        with suppress(KeyReused):  # somebody else was quicker, and decided otherwise
            await teller.ask(_judge(known, verdict, actor, note, clock.now()))
        async with db.read() as read:
            known = await review(read.connection, review_id, partner_id)
    if known.state != STATE[verdict]:
        raise ReviewDecided(f"The review was {known.state} before.", state=known.state)
    return known


def _judge(known: Review, verdict: Verdict, actor: str, note: str | None, now: datetime) -> Judge:
    return Judge(
        partner_id=known.partner_id,
        key=f"review/{known.id}",
        key_owner=INTERNAL,
        fingerprint=hashlib.sha256(verdict.encode()).digest(),
        occurred_at=now,
        journal_id=known.journal_id,
        review_id=known.id,
        approve=verdict == "approve",
        actor=actor,
        note=note,
    )
