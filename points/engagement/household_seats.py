"""Seats of households: who takes one, who leaves one, and the points that the ledger moves with them."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

import asyncpg

from kernel.clock import Clock
from kernel.database import Connection, Database, Unit
from kernel.errors import CommonpointError, Conflict, Forbidden, NotFound, Unavailable
from kernel.ids import new_id
from kernel.outbox import touch
from points.commands import INTERNAL, Merge
from points.engagement import marks
from points.engagement.ports import Asks, Programmes
from points.engagement.standings import lock_accounts
from points.merged import go_back
from points.programme.version import InForce

# States in which a seat is taken.
TAKEN = "('invited', 'joining', 'active', 'leaving')"


_RIGHTS = """
UPDATE account SET may_spend = seat.may_spend FROM household_member seat
WHERE seat.household_id = $1 AND seat.state IN ('joining', 'active') AND account.id = seat.member_id || '/spendable'
AND account.may_spend <> seat.may_spend
"""


class HouseholdUnknown(NotFound):
    """There is no such household, or the member has no place in it."""

    code = "household_unknown"
    title = "Household not found"


class InHousehold(Conflict):
    """The member has a place in a household already."""

    code = "in_household"
    title = "The member is in a household already"


class HouseholdBusy(Unavailable):
    """Somebody is joining at this very moment."""

    code = "household_busy"
    title = "Somebody is joining the household"


class OwnerOnly(Forbidden):
    """Only the household's owner may do this."""

    code = "household_owner_only"
    title = "Only the household's owner may do this"


async def move(db: Database, teller: Asks, programmes: Programmes, clock: Clock, member_id: str) -> None:
    """Let the ledger move what a joining or leaving member brings or takes, then settle the seat."""
    async with db.read() as read:
        seat = await read.connection.fetchrow(
            "SELECT seat.*, household.partner_id FROM household_member seat JOIN household ON household.id ="
            " seat.household_id WHERE seat.member_id = $1 AND seat.state IN ('joining', 'leaving')",
            member_id,
        )
    if seat is None:
        return
    in_force = await programmes.in_force(seat["partner_id"], seat["changed_at"])
    joining = seat["state"] == "joining"
    try:
        await teller.ask(_merge(seat, in_force, joining))
    except Unavailable:
        raise
    except CommonpointError:
        if joining:
            await _settle(db, clock, seat, "left")
        raise
    await _settle(db, clock, seat, "active" if joining else "left")
    await agree(db, teller, clock, [member_id], seat["household_id"])


def _merge(seat: asyncpg.Record, in_force: InForce, joining: bool) -> Merge:
    key = f"household/{seat['id']}/{seat['state']}"
    return Merge(
        partner_id=seat["partner_id"],
        key=key,
        key_owner=INTERNAL,
        fingerprint=hashlib.sha256(key.encode()).digest(),
        occurred_at=seat["changed_at"],
        member_id=seat["member_id"] if joining else seat["household_id"],
        to_member_id=seat["household_id"] if joining else seat["member_id"],
        in_force=in_force,
    )


async def _settle(db: Database, clock: Clock, seat: asyncpg.Record, state: str) -> None:
    async with db.unit() as unit:
        await unit.connection.execute(
            "UPDATE household_member SET state = $2, changed_at = $3 WHERE id = $1 AND state = $4",
            seat["id"],
            state,
            clock.now(),
            seat["state"],
        )


async def agree(db: Database, teller: Asks, clock: Clock, members: Sequence[str], household_id: str) -> None:
    """Consents and memberships of the accounts that changed hands: the member's, and the household's if it goes on."""
    async with db.read() as read:
        stays = await read.connection.fetchval(
            "SELECT member_id FROM household_member WHERE household_id = $1 AND state = 'active' LIMIT 1", household_id
        )
    for member_id in {*members, *([stays] if stays else [])}:
        await marks.agree(db, teller, clock, member_id, "household")


async def step_out(
    unit: Unit, household_id: str, seat: asyncpg.Record, now: datetime, note_kinds: Sequence[str]
) -> None:
    """Give the member their own account back; the last one closes the household and takes the points along.

    No journal says so, so the followers named by `note_kinds` hear of it from here.
    """
    connection, member_id = unit.connection, seat["member_id"]
    await lock_accounts(connection, [member_id])
    await connection.execute("UPDATE account SET pool_id = NULL, may_spend = true WHERE member_id = $1", member_id)
    await go_back(connection, household_id, member_id, note_kinds)
    for kind in sorted(note_kinds):
        await touch(connection, kind, [member_id])
    others = await connection.fetch(
        "SELECT id, state FROM household_member WHERE household_id = $1 AND state IN ('joining', 'active')"
        " AND id <> $2 ORDER BY state, id",
        household_id,
        seat["id"],
    )
    if others and others[0]["state"] == "joining":
        # Whether they will be in is the ledger's to say; without them the points would be nobody's.
        raise HouseholdBusy("Somebody is joining the household; try again.", retry_after_s=1.0)
    await set_state(connection, seat["id"], "left" if others else "leaving", now)
    if not others:
        await connection.execute("UPDATE household SET closed_at = $2 WHERE id = $1", household_id, now)
        await connection.execute(
            "UPDATE household_member SET state = 'declined', changed_at = $2"
            " WHERE household_id = $1 AND state = 'invited'",
            household_id,
            now,
        )
    elif seat["owner"]:
        await connection.execute(
            "UPDATE household_member SET owner = (id = $2), may_view = may_view OR id = $2,"
            " may_spend = may_spend OR id = $2 WHERE household_id = $1",
            household_id,
            others[0]["id"],
        )
        await tell_rights(connection, household_id)


async def tell_rights(connection: Connection, household_id: str) -> None:
    """Write on the accounts of those who are in the household, or about to be, whether they may spend from it."""
    await connection.execute(_RIGHTS, household_id)


async def lock(connection: Connection, household_id: str) -> str:
    """Lock the household, under which its seats are counted; its partner. Raises HouseholdUnknown."""
    partner_id: str | None = await connection.fetchval(
        "SELECT partner_id FROM household WHERE id = $1 AND closed_at IS NULL FOR UPDATE", household_id
    )
    if partner_id is None:
        raise HouseholdUnknown("There is no such household.")
    return partner_id


async def check_owner(connection: Connection, household_id: str, member_id: str) -> None:
    """Refuse whoever is not the owner. Raises HouseholdUnknown, OwnerOnly."""
    if not (await seat_of(connection, household_id, member_id))["owner"]:
        raise OwnerOnly("Only the household's owner may do this.")


async def seat_of(connection: Connection, household_id: str, member_id: str) -> asyncpg.Record:
    """The seat that a member has. Raises HouseholdUnknown."""
    row = await connection.fetchrow(
        f"SELECT * FROM household_member WHERE household_id = $1 AND member_id = $2 AND state IN {TAKEN}",
        household_id,
        member_id,
    )
    if row is None:
        raise HouseholdUnknown("The member has no place in this household.")
    return row


async def take_seat(
    unit: Unit,
    household_id: str,
    member_id: str,
    state: str,
    now: datetime,
    owner: bool = False,
    may_view: bool = True,
    may_spend: bool = True,
) -> None:
    """Give a member a seat. Raises InHousehold."""
    try:
        async with unit.connection.transaction():
            await unit.connection.execute(
                "INSERT INTO household_member (id, household_id, member_id, state, owner, may_view, may_spend,"
                " invited_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
                new_id("hsm"),
                household_id,
                member_id,
                state,
                owner,
                may_view,
                may_spend,
                now,
            )
    except asyncpg.UniqueViolationError:
        raise InHousehold("The member has a place in a household already.") from None


async def set_state(connection: Connection, seat_id: str, state: str, now: datetime) -> None:
    """Move a seat to another state. Raises InHousehold when the member has taken one elsewhere."""
    try:
        async with connection.transaction():
            await connection.execute(
                "UPDATE household_member SET state = $2, changed_at = $3 WHERE id = $1", seat_id, state, now
            )
    except asyncpg.UniqueViolationError:
        raise InHousehold("The member has a place in a household already.") from None
