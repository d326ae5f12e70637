"""Memberships (such as a paid subscription) with their validity; the latest record of a name counts."""

from dataclasses import dataclass
from datetime import datetime

from kernel.clock import Clock
from kernel.database import Connection, Database
from kernel.errors import Invalid
from kernel.ids import new_id
from points.engagement import marks
from points.engagement.ports import Asks
from points.engagement.standings import known_of, lock_accounts


class BadMembership(Invalid):
    """A membership that ends before it begins, or without evidence."""

    code = "bad_membership"
    title = "The membership cannot be recorded"


@dataclass(frozen=True, slots=True)
class Membership:
    """A membership from a moment (included) until a moment (excluded; None: open)."""

    name: str
    valid_from: datetime
    valid_until: datetime | None
    evidence: str
    recorded_at: datetime


async def record(
    db: Database,
    teller: Asks,
    clock: Clock,
    partner_id: str,
    member_id: str,
    name: str,
    valid_from: datetime,
    valid_until: datetime | None,
    evidence: str,
) -> Membership:
    """Record a membership, or its new end, and bring the ledger to it. Raises UnknownMember, BadMembership."""
    if any(when is not None and when.tzinfo is None for when in (valid_from, valid_until)):
        raise BadMembership("Moments need a time zone (RFC 3339).", field="valid_from")
    if valid_until is not None and valid_until < valid_from:
        raise BadMembership("It ends before it begins.", field="valid_until")
    if not 0 < len(evidence.strip()) <= 1000:
        raise BadMembership("Evidence has 1 to 1000 characters.", field="evidence")
    recorded = Membership(name, valid_from, valid_until, evidence.strip(), clock.now())
    async with db.unit() as unit:
        await known_of(unit.connection, member_id)
        await lock_accounts(unit.connection, [member_id])
        await unit.connection.execute(
            "INSERT INTO membership (id, member_id, name, valid_from, valid_until, evidence, partner_id, recorded_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            new_id("mbs"),
            member_id,
            name,
            valid_from,
            valid_until,
            recorded.evidence,
            partner_id,
            recorded.recorded_at,
        )
    await marks.agree(db, teller, clock, member_id, "membership")
    return recorded


async def memberships(connection: Connection, member_id: str) -> list[Membership]:
    """The latest record of each of a member's memberships. Raises UnknownMember."""
    await known_of(connection, member_id)
    rows = await connection.fetch(
        "SELECT DISTINCT ON (name) name, valid_from, valid_until, evidence, recorded_at FROM membership"
        " WHERE member_id = $1 ORDER BY name, id DESC",
        member_id,
    )
    return [Membership(**row) for row in rows]
