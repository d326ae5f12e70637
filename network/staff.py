"""Who works for a partner, in which role, and which member they are themselves."""

from dataclasses import dataclass
from typing import Literal

import asyncpg

from kernel.clock import Clock
from kernel.database import Connection, Unit
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import is_id, new_id
from network.partners import partner

Role = Literal["trainee", "cashier", "manager"]

LONGEST_NAME = 60
MOST_STAFF = 5000

_COLUMNS = "id, partner_id, display_name, role, member_id, left_at IS NULL AS active"


class StaffUnknown(NotFound):
    """There is no such staff member, or not of this partner."""

    code = "staff_unknown"
    title = "Staff member not found"


class StaffListed(Conflict):
    """The member is on this partner's staff already."""

    code = "staff_listed"
    title = "The member is on the staff already"


class BadStaffName(Invalid):
    """A name that cannot be shown."""

    code = "bad_staff_name"
    title = "The name cannot be used"


@dataclass(frozen=True, slots=True)
class Staff:
    """Someone who works for a partner; `display_name` is what customers see (such as a first name)."""

    id: str
    partner_id: str
    display_name: str
    role: Role
    member_id: str | None
    active: bool


async def add_staff(
    unit: Unit, clock: Clock, partner_id: str, display_name: str, role: Role, member_id: str | None
) -> Staff:
    """Someone starts to work. Raises PartnerUnknown, BadStaffName, StaffListed."""
    await partner(unit.connection, partner_id)
    name = display_name.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadStaffName(f"A name has 1 to {LONGEST_NAME} printable characters.")
    row = await unit.connection.fetchrow(
        "INSERT INTO staff (id, partner_id, display_name, role, member_id, joined_at) VALUES ($1, $2, $3, $4, $5, $6)"
        f" ON CONFLICT DO NOTHING RETURNING {_COLUMNS}",
        new_id("stf"),
        partner_id,
        name,
        role,
        member_id,
        clock.now(),
    )
    if row is None:
        raise StaffListed("The member is on the staff already.")
    return _staff(row)


async def end_staff(unit: Unit, clock: Clock, partner_id: str, staff_id: str) -> None:
    """Someone works there no more; twice is no error. Raises StaffUnknown."""
    await staff(unit.connection, staff_id, partner_id)
    await unit.connection.execute(
        "UPDATE staff SET left_at = coalesce(left_at, $2) WHERE id = $1", staff_id, clock.now()
    )


async def staff(connection: Connection, staff_id: str, partner_id: str | None = None) -> Staff:
    """One of them, of the given partner or of any. Raises StaffUnknown."""
    row = None
    if is_id(staff_id, "stf"):
        row = await connection.fetchrow(
            f"SELECT {_COLUMNS} FROM staff WHERE id = $1 AND ($2::text IS NULL OR partner_id = $2)",
            staff_id,
            partner_id,
        )
    if row is None:
        raise StaffUnknown("There is no such staff member.")
    return _staff(row)


async def staff_of(connection: Connection, partner_id: str) -> list[Staff]:
    """Who works for a partner now (at most MOST_STAFF), oldest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM staff WHERE partner_id = $1 AND left_at IS NULL ORDER BY id LIMIT $2",
        partner_id,
        MOST_STAFF,
    )
    return [_staff(row) for row in rows]


async def member_of(connection: Connection, staff_id: str) -> str | None:
    """Which member a staff member is themselves, if any: the account that they may not favour. Raises StaffUnknown."""
    return (await staff(connection, staff_id)).member_id


def _staff(row: asyncpg.Record) -> Staff:
    return Staff(**row)
