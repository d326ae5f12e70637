"""Consents with their evidence: who agreed to what, when, where, and to which words. Nothing is edited or forgotten."""

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

import asyncpg

from kernel.clock import Clock
from kernel.database import Connection, Database
from kernel.errors import Invalid
from kernel.ids import new_id
from points.engagement import marks
from points.engagement.ports import Asks
from points.engagement.standings import known_of, lock_accounts
from points.programme.schema.segments import Consent

KINDS: tuple[str, ...] = get_args(Consent)
LONGEST_EVIDENCE = 1000


class BadConsent(Invalid):
    """A consent without evidence, or of a kind that does not exist."""

    code = "bad_consent"
    title = "The consent cannot be recorded"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A consent given or withdrawn."""

    id: str
    kind: str
    given: bool
    evidence: str
    channel: str
    partner_id: str
    recorded_at: datetime


async def record(
    db: Database,
    teller: Asks,
    clock: Clock,
    partner_id: str,
    member_id: str,
    kind: str,
    given: bool,
    evidence: str,
    channel: str,
) -> Recorded:
    """Record a consent and bring the ledger to it. Raises UnknownMember, BadConsent, Unavailable."""
    if kind not in KINDS:
        raise BadConsent(f"The kind must be one of {', '.join(KINDS)}.", field="kind")
    if not 0 < len(evidence.strip()) <= LONGEST_EVIDENCE:
        raise BadConsent(f"Evidence has 1 to {LONGEST_EVIDENCE} characters.", field="evidence")
    async with db.unit() as unit:
        await known_of(unit.connection, member_id)
        # One at a time, so that ids are in the order in which the records became true.
        await lock_accounts(unit.connection, [member_id])
        recorded = Recorded(new_id("cns"), kind, given, evidence.strip(), channel, partner_id, clock.now())
        await unit.connection.execute(
            "INSERT INTO consent (id, member_id, kind, given, evidence, channel, partner_id, recorded_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            recorded.id,
            member_id,
            kind,
            given,
            recorded.evidence,
            channel,
            partner_id,
            recorded.recorded_at,
        )
    await marks.agree(db, teller, clock, member_id, "consent")
    return recorded


async def history(connection: Connection, member_id: str) -> list[Recorded]:
    """Every consent of a member, newest first, at most 500. Raises UnknownMember."""
    await known_of(connection, member_id)
    rows = await connection.fetch(
        "SELECT id, kind, given, evidence, channel, partner_id, recorded_at FROM consent WHERE member_id = $1"
        " ORDER BY id DESC LIMIT 500",
        member_id,
    )
    return [_recorded(row) for row in rows]


def in_effect(newest_first: list[Recorded]) -> dict[str, bool]:
    """What holds now, by kind; what was never asked is not given."""
    held = dict.fromkeys(KINDS, False)
    for recorded in reversed(newest_first):
        held[recorded.kind] = recorded.given
    return held


def _recorded(row: asyncpg.Record) -> Recorded:
    return Recorded(**row)
