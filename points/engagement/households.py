"""Households: members who share one account.

Whoever joins brings all their points into the household's account and uses it in place of their own; whoever leaves
goes without, and the last one takes everything along. The ledger moves the points; a seat is `joining` or `leaving`
until it has, and asking again goes on from there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from kernel.clock import Clock
from kernel.database import Connection, Database
from kernel.errors import CommonpointError, Conflict, Unavailable
from kernel.ids import new_id
from points.engagement.household_seats import (
    TAKEN,
    HouseholdUnknown,
    OwnerOnly,
    agree,
    check_owner,
    lock,
    move,
    seat_of,
    set_state,
    step_out,
    take_seat,
    tell_rights,
)
from points.engagement.ports import Asks, NotOffered, Programmes, home_of
from points.engagement.standings import known_of
from points.programme.version import InForce


class HouseholdFull(Conflict):
    """The programme allows no more members in a household."""

    code = "household_full"
    title = "The household is full"


@dataclass(frozen=True, slots=True)
class Seat:
    """A member's place in a household and what they may do with its points."""

    member_id: str
    state: Literal["invited", "joining", "active", "leaving"]
    owner: bool
    may_view: bool
    may_spend: bool


@dataclass(frozen=True, slots=True)
class Household:
    """A household and its seats, oldest first."""

    id: str
    partner_id: str
    created_at: datetime
    closed_at: datetime | None
    seats: tuple[Seat, ...]


@dataclass(frozen=True, slots=True)
class Rights:
    """What a member may do with the account they use; without a household, everything."""

    household_id: str | None
    may_view: bool
    may_spend: bool


async def create(db: Database, teller: Asks, programmes: Programmes, clock: Clock, member_id: str) -> Household:
    """A household with this member as its owner and first member. Raises UnknownMember, NotOffered, InHousehold."""
    now = clock.now()
    async with db.read() as read:
        partner_id = await home_of(read.connection, member_id)
    _most(await programmes.in_force(partner_id, now))
    household_id = new_id("hsh")
    async with db.unit() as unit:
        connection = unit.connection
        await connection.execute(
            "INSERT INTO household (id, partner_id, created_by, created_at) VALUES ($1, $2, $3, $4)",
            household_id,
            partner_id,
            member_id,
            now,
        )
        await connection.execute(
            "INSERT INTO account (id, member_id) VALUES ($1 || '/spendable', $1), ($1 || '/arrears', $1)", household_id
        )
        await take_seat(unit, household_id, member_id, "joining", now, owner=True)
    await move(db, teller, programmes, clock, member_id)
    return await _shown(db, household_id)


async def invite(
    db: Database,
    programmes: Programmes,
    clock: Clock,
    household_id: str,
    by_member_id: str,
    member_id: str,
    may_view: bool = True,
    may_spend: bool = True,
) -> Household:
    """The owner offers a seat. Raises HouseholdUnknown, OwnerOnly, UnknownMember, HouseholdFull, InHousehold."""
    now = clock.now()
    async with db.unit() as unit:
        partner_id = await lock(unit.connection, household_id)
        await check_owner(unit.connection, household_id, by_member_id)
        await known_of(unit.connection, member_id)
        await _check_room(unit.connection, household_id, _most(await programmes.in_force(partner_id, now)))
        await take_seat(unit, household_id, member_id, "invited", now, may_view=may_view, may_spend=may_spend)
    return await _shown(db, household_id)


async def accept(
    db: Database,
    teller: Asks,
    programmes: Programmes,
    clock: Clock,
    household_id: str,
    member_id: str,
    at_the_counter: bool = False,
) -> Household:
    """An invited member joins, with their points; `at_the_counter`, where both are present, also without invitation.

    Raises HouseholdUnknown, InHousehold, HouseholdFull, and what the ledger says.
    """
    now = clock.now()
    async with db.unit() as unit:
        partner_id = await lock(unit.connection, household_id)
        invited = await unit.connection.fetchrow(
            "SELECT id FROM household_member WHERE household_id = $1 AND member_id = $2 AND state = 'invited'",
            household_id,
            member_id,
        )
        if invited is not None:
            await set_state(unit.connection, invited["id"], "joining", now)
        elif not at_the_counter:
            await seat_of(unit.connection, household_id, member_id)
        else:
            await known_of(unit.connection, member_id)
            await _check_room(unit.connection, household_id, _most(await programmes.in_force(partner_id, now)))
            await take_seat(unit, household_id, member_id, "joining", now)
        await tell_rights(unit.connection, household_id)
    await move(db, teller, programmes, clock, member_id)
    return await _shown(db, household_id)


async def set_rights(
    db: Database, clock: Clock, household_id: str, by_member_id: str, member_id: str, may_view: bool, may_spend: bool
) -> Household:
    """The owner says what another may do. Raises HouseholdUnknown, OwnerOnly."""
    async with db.unit() as unit:
        await lock(unit.connection, household_id)
        await check_owner(unit.connection, household_id, by_member_id)
        seat = await seat_of(unit.connection, household_id, member_id)
        if seat["owner"]:
            raise OwnerOnly("The owner may always view and spend.")
        await unit.connection.execute(
            "UPDATE household_member SET may_view = $2, may_spend = $3, changed_at = $4 WHERE id = $1",
            seat["id"],
            may_view,
            may_spend,
            clock.now(),
        )
        await tell_rights(unit.connection, household_id)
    return await _shown(db, household_id)


async def leave(
    db: Database,
    teller: Asks,
    programmes: Programmes,
    clock: Clock,
    household_id: str,
    member_id: str,
    by_member_id: str | None = None,
    note_kinds: Sequence[str] = (),
) -> None:
    """A member leaves, declines an invitation, or (by the owner) is shown out; `note_kinds` are the followers to tell.

    Raises HouseholdUnknown, OwnerOnly, HouseholdBusy, and what the ledger says to the last one.
    """
    async with db.unit() as unit:
        await lock(unit.connection, household_id)
        if by_member_id not in (None, member_id):
            await check_owner(unit.connection, household_id, by_member_id or "")
        seat = await seat_of(unit.connection, household_id, member_id)
        if seat["state"] == "invited":
            await set_state(unit.connection, seat["id"], "declined", clock.now())
            return
        if seat["state"] == "active":
            await step_out(unit, household_id, seat, clock.now(), note_kinds)
    await move(db, teller, programmes, clock, member_id)
    await agree(db, teller, clock, [member_id], household_id)


async def household(connection: Connection, household_id: str) -> Household:
    """One household. Raises HouseholdUnknown."""
    row = await connection.fetchrow(
        "SELECT id, partner_id, created_at, closed_at FROM household WHERE id = $1", household_id
    )
    if row is None:
        raise HouseholdUnknown("There is no such household.")
    seats = await connection.fetch(
        "SELECT member_id, state, owner, may_view, may_spend FROM household_member"
        f" WHERE household_id = $1 AND state IN {TAKEN} ORDER BY id",
        household_id,
    )
    return Household(**row, seats=tuple(Seat(**seat) for seat in seats))


async def rights_of(connection: Connection, member_ids: Sequence[str]) -> Mapping[str, Rights]:
    """What each of the members may do with the account they use."""
    rows = await connection.fetch(
        "SELECT member_id, household_id, may_view, may_spend FROM household_member"
        " WHERE member_id = ANY($1::text[]) AND state = 'active'",
        list(member_ids),
    )
    alone = {member_id: Rights(None, may_view=True, may_spend=True) for member_id in member_ids}
    return alone | {row["member_id"]: Rights(row["household_id"], row["may_view"], row["may_spend"]) for row in rows}


async def run_due(db: Database, teller: Asks, programmes: Programmes, clock: Clock) -> None:
    """Go on with seats whose points have not been moved yet."""
    async with db.read() as read:
        rows = await read.connection.fetch(
            "SELECT member_id FROM household_member WHERE state IN ('joining', 'leaving') ORDER BY id LIMIT 500"
        )
    for row in rows:
        try:
            await move(db, teller, programmes, clock, row["member_id"])
        except Unavailable:
            return
        except CommonpointError:
            continue  # refused by the ledger; a seat that was joining is given up


async def _check_room(connection: Connection, household_id: str, most: int) -> None:
    taken = await connection.fetchval(
        f"SELECT count(*) FROM household_member WHERE household_id = $1 AND state IN {TAKEN}", household_id
    )
    if taken >= most:
        raise HouseholdFull(f"A household has at most {most} members.", most=most)


async def _shown(db: Database, household_id: str) -> Household:
    async with db.read() as read:
        return await household(read.connection, household_id)


def _most(in_force: InForce) -> int:
    rules = in_force.version.programme.households
    if rules is None:
        raise NotOffered("The programme has no households.")
    return rules.max_members
