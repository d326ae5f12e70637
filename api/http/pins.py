"""/v1/staff/{id}/pin, /v1/members/{id}/pin: PINs of those who approve at the till, and resetting a member's.

A member sets their PIN on their own page, where nobody looks on: no partner can, as it would prove nothing then.
"""

from typing import Annotated, Protocol

import msgspec
from litestar import Router, delete, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from api.auth import AUTH_DEPENDENCIES, CallerIs, partner_of, requires
from api.body import StrictBody
from api.http.member_details import check_home
from kernel.database import Database
from network.staff import staff
from points.pins import Pins


class PinParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def pins(self) -> Pins: ...


Parts = NamedDependency[SkipValidation[PinParts]]


class PinBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Four to eight digits, and not those that anybody would try first."""

    pin: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4,8}$", max_length=8)]

    def __repr__(self) -> str:
        """Never what it says: representations end in logs."""
        return "PinBody(...)"


@put(
    "/staff/{staff_id:str}/pin", status_code=204, dto=StrictBody[PinBody], return_dto=None,
    guards=[requires("members:write")],
    summary="Set the PIN of one of the staff", operation_id="setStaffPin",
)  # fmt: skip
async def set_staff_pin(staff_id: FromPath[str], data: JSONBody[PinBody], caller: CallerIs, parts: Parts) -> None:
    """In place of an earlier one; tries that were wrong are forgotten. Managers approve with it what the programme's
    limits would refuse."""
    async with parts.db.read() as read:
        found = await staff(read.connection, staff_id, partner_of(caller))
    await parts.pins.set(found.id, data.pin)


@delete(
    "/staff/{staff_id:str}/pin", guards=[requires("members:write")], summary="Take a PIN away from one of the staff",
    operation_id="removeStaffPin",
)  # fmt: skip
async def remove_staff_pin(staff_id: FromPath[str], caller: CallerIs, parts: Parts) -> None:
    """Twice is no error."""
    async with parts.db.read() as read:
        found = await staff(read.connection, staff_id, partner_of(caller))
    await parts.pins.remove(found.id)


@delete(
    "/members/{member_id:str}/pin", guards=[requires("members:write")], summary="Reset a member's PIN",
    operation_id="resetMemberPin",
)  # fmt: skip
async def reset_member_pin(member_id: FromPath[str], caller: CallerIs, parts: Parts) -> None:
    """For one who forgot it: they set a new one on their own page. Only where they joined; twice is no error."""
    async with parts.db.read() as read:
        await check_home(read.connection, member_id, caller)
    await parts.pins.remove(member_id)


pins_router = Router(
    "/v1",
    route_handlers=[set_staff_pin, remove_staff_pin, reset_member_pin],
    dependencies=AUTH_DEPENDENCIES,
    tags=["members"],
)
