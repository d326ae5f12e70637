"""Recognition of staff: customers nominate who served them, the partner approves, the month has a winner.

It is counted in a unit of its own on the staff member's own account: nobody owes it, it cannot be spent, and it is no
part of what partners owe their customers. One visit is good for one nomination, and nobody nominates themselves.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import asyncpg

from kernel.clock import Clock
from kernel.database import Connection, Database, Unit
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.ids import new_id
from points.engagement.ports import NotOffered, Programmes
from points.engagement.standings import known_of, lock_accounts
from points.programme.periods import day_ends, first_of, last_of, name_of
from points.programme.schema.engagement import StaffRecognition
from points.programme.version import InForce

State = Literal["pending", "approved", "rejected"]

LONGEST_WORDS = 500
# How long after a month its last nominations may still be looked at before its award is decided.
MODERATED_WITHIN = timedelta(days=7)

_COLUMNS = "id, partner_id, staff_id, entry_id, words, state, unit, month, nominated_at"

_AWARD = """
INSERT INTO staff_award (partner_id, month, unit, staff_id, amount, decided_at)
SELECT $1, $2, $3, best.staff_id, coalesce(best.amount, 0), $4
FROM (SELECT 1) one LEFT JOIN (
    SELECT staff_id, sum(amount)::bigint AS amount, max(nominated_at) AS reached FROM recognition
    WHERE partner_id = $1 AND month = $2 AND unit = $3
    GROUP BY staff_id ORDER BY amount DESC, reached, staff_id LIMIT 1
) best ON true
ON CONFLICT DO NOTHING
"""


class OwnNomination(Forbidden):
    """Staff cannot nominate themselves."""

    code = "self_nomination"
    title = "Nobody nominates themselves"


class NoSuchVisit(NotFound):
    """The entry is no visit or purchase of this member at the staff member's partner."""

    code = "no_such_visit"
    title = "No such visit"


class VisitUsed(Conflict):
    """Somebody was nominated for this visit."""

    code = "visit_nominated"
    title = "The visit has its nomination"


class NominatedEnough(Conflict):
    """The member has nominated as often as the programme allows in this period."""

    code = "nominated_enough"
    title = "No more nominations in this period"


class BadNomination(Invalid):
    """Words that are too long or none."""

    code = "bad_nomination"
    title = "The nomination cannot be taken"


class NominationUnknown(NotFound):
    """There is no such nomination at this partner."""

    code = "nomination_unknown"
    title = "Nomination not found"


class OwnDecision(Forbidden):
    """Staff do not decide on praise of themselves."""

    code = "own_decision"
    title = "Nobody decides on their own nomination"


class AlreadyModerated(Conflict):
    """The nomination was decided the other way before."""

    code = "already_moderated"
    title = "The nomination was decided before"


@dataclass(frozen=True, slots=True)
class Nominee:
    """Who is nominated, as the partner's list of staff says; `member_id` is their own membership, if any."""

    staff_id: str
    partner_id: str
    member_id: str | None


@dataclass(frozen=True, slots=True)
class Nomination:
    """A nomination as the partner sees it: the visit, not the customer."""

    id: str
    partner_id: str
    staff_id: str
    entry_id: str
    words: str
    state: State
    unit: str
    month: str
    nominated_at: datetime


@dataclass(frozen=True, slots=True)
class Award:
    """A month's winner, or nobody; of equals the one who had the number first."""

    month: str
    unit: str
    staff_id: str | None
    amount: int


def rules_of(in_force: InForce) -> StaffRecognition:
    """The programme's rules. Raises NotOffered."""
    rules = in_force.version.programme.engagement.staff
    if rules is None:
        raise NotOffered("The programme has no recognition of staff.")
    return rules


async def nominate(
    unit: Unit, clock: Clock, in_force: InForce, nominee: Nominee, member_id: str, entry_id: str, words: str
) -> Nomination:
    """Nominate for a visit; it waits for approval. The same again is no error.

    Raises UnknownMember, NotOffered, OwnNomination, NoSuchVisit, VisitUsed, NominatedEnough, BadNomination.
    """
    rules, connection = rules_of(in_force), unit.connection
    if not 0 < len(words.strip()) <= LONGEST_WORDS:
        raise BadNomination(f"Say in 1 to {LONGEST_WORDS} characters what was good.", field="words")
    await known_of(connection, member_id)
    if nominee.member_id == member_id:
        raise OwnNomination("This is the staff member's own membership.")
    await lock_accounts(connection, [member_id])
    await _check_visit(connection, nominee, member_id, entry_id)
    known = await connection.fetchrow(f"SELECT {_COLUMNS}, member_id FROM nomination WHERE entry_id = $1", entry_id)
    if known is not None:
        if (known["staff_id"], known["member_id"]) != (nominee.staff_id, member_id):
            raise VisitUsed("Somebody was nominated for this visit.")
        return _nomination(known)
    now, version = clock.now(), in_force.version
    period = name_of(version.day(now), rules.max_per_member.per)
    await _check_number(connection, rules, member_id, version.programme.programme, period)
    row = await connection.fetchrow(
        "INSERT INTO nomination (id, partner_id, programme, staff_id, member_id, entry_id, words, state, unit, period,"
        " month, nominated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $9, $10, $11)"
        f" RETURNING {_COLUMNS}",
        new_id("nom"),
        nominee.partner_id,
        version.programme.programme,
        nominee.staff_id,
        member_id,
        entry_id,
        words.strip(),
        rules.unit,
        period,
        name_of(version.day(now), "month"),
        now,
    )
    assert row is not None
    return _nomination(row)


async def moderate(unit: Unit, clock: Clock, partner_id: str, nomination_id: str, approve: bool, by: str) -> Nomination:
    """Approve a nomination, which then counts, or reject it; the same again is no error.

    Raises NominationUnknown, OwnDecision, AlreadyModerated.
    """
    connection, wanted = unit.connection, "approved" if approve else "rejected"
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM nomination WHERE id = $1 AND partner_id = $2 FOR UPDATE", nomination_id, partner_id
    )
    if row is None:
        raise NominationUnknown("There is no such nomination.")
    if row["staff_id"] == by:
        raise OwnDecision("Somebody else has to decide on this nomination.")
    if row["state"] not in ("pending", wanted):
        raise AlreadyModerated(f"The nomination was {row['state']} before.", state=row["state"])
    if row["state"] == "pending":
        row = await connection.fetchrow(
            "UPDATE nomination SET state = $2, moderated_at = $3, moderated_by = $4 WHERE id = $1"
            f" RETURNING {_COLUMNS}",
            nomination_id,
            wanted,
            clock.now(),
            by,
        )
        assert row is not None
        if approve:
            await connection.execute(
                "INSERT INTO recognition (nomination_id, staff_id, partner_id, unit, month, nominated_at)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                *(row["id"], row["staff_id"], partner_id, row["unit"], row["month"], row["nominated_at"]),
            )
    return _nomination(row)


async def nominations(connection: Connection, partner_id: str, state: State, limit: int) -> list[Nomination]:
    """A partner's nominations in a state, oldest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM nomination WHERE partner_id = $1 AND state = $2 ORDER BY id LIMIT $3",
        partner_id,
        state,
        limit,
    )
    return [_nomination(row) for row in rows]


async def counts(connection: Connection, partner_id: str, month: str) -> dict[str, int]:
    """How much recognition each of a partner's staff has in a month."""
    rows = await connection.fetch(
        "SELECT staff_id, sum(amount)::bigint AS amount FROM recognition WHERE partner_id = $1 AND month = $2"
        " GROUP BY staff_id ORDER BY amount DESC, staff_id",
        partner_id,
        month,
    )
    return {row["staff_id"]: row["amount"] for row in rows}


async def award(connection: Connection, partner_id: str, month: str) -> Award | None:
    """The award of a month, once it is decided."""
    row = await connection.fetchrow(
        "SELECT month, unit, staff_id, amount FROM staff_award WHERE partner_id = $1 AND month = $2", partner_id, month
    )
    return Award(**row) if row else None


async def run_due(db: Database, programmes: Programmes, clock: Clock) -> None:
    """Decide the award of the month before, when all its nominations are moderated or a week has passed."""
    now = clock.now()
    for partner_id in await programmes.partners():
        in_force = await programmes.in_force(partner_id, now)
        rules, version = in_force.version.programme.engagement.staff, in_force.version
        if rules is None or not rules.monthly_award:
            continue
        day = first_of(version.day(now), "month") - timedelta(days=1)
        late = now >= day_ends(last_of(day, "month"), version.zone, version.day_starts) + MODERATED_WITHIN
        async with db.unit() as unit:
            await _decide(unit, partner_id, name_of(day, "month"), rules.unit, now, late)


async def _decide(unit: Unit, partner_id: str, month: str, measure: str, now: datetime, late: bool) -> None:
    waiting = await unit.connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM nomination WHERE partner_id = $1 AND month = $2 AND state = 'pending')",
        partner_id,
        month,
    )
    if late or not waiting:
        await unit.connection.execute(_AWARD, partner_id, month, measure, now)


async def _check_visit(connection: Connection, nominee: Nominee, member_id: str, entry_id: str) -> None:
    visit = await connection.fetchval(
        "SELECT 1 FROM journal WHERE id = $1 AND kind = 'earn' AND coalesce(by_member_id, member_id) = $2"
        " AND partner_id = $3",
        entry_id,
        member_id,
        nominee.partner_id,
    )
    if visit is None:
        raise NoSuchVisit("The entry is no visit of this member there.")


async def _check_number(
    connection: Connection, rules: StaffRecognition, member_id: str, programme: str, period: str
) -> None:
    most = rules.max_per_member.times
    made = await connection.fetchval(
        "SELECT count(*) FROM nomination WHERE member_id = $1 AND programme = $2 AND period = $3",
        member_id,
        programme,
        period,
    )
    if most is not None and made >= most:
        raise NominatedEnough(f"At most {most} nominations per {rules.max_per_member.per}.", limit=most)


def _nomination(row: asyncpg.Record) -> Nomination:
    return Nomination(
        id=row["id"],
        partner_id=row["partner_id"],
        staff_id=row["staff_id"],
        entry_id=row["entry_id"],
        words=row["words"],
        state=row["state"],
        unit=row["unit"],
        month=row["month"],
        nominated_at=row["nominated_at"],
    )
