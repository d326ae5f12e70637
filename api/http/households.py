"""/v1/households: members who share one account."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, delete, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from api.auth import AUTH_DEPENDENCIES, requires
from api.body import StrictBody
from api.http.engagement import Parts
from api.http.purchases import EntityId
from passes.refresh import KIND
from points.engagement import households
from points.engagement.households import Household


class HouseholdBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who begins a household, and owns it."""

    member_id: EntityId


class InvitationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom the owner (`by_member_id`) invites, and what they will be allowed."""

    by_member_id: EntityId
    member_id: EntityId
    may_view: bool = True
    may_spend: bool = True


class JoiningBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who joins: by invitation, or at the counter in the owner's presence."""

    member_id: EntityId


class RightsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the owner (`by_member_id`) allows a member."""

    by_member_id: EntityId
    may_view: bool
    may_spend: bool


class SeatView(msgspec.Struct, frozen=True):
    """A member's place: `invited`, `joining`, `active` or `leaving`, and what they may do with the points."""

    member_id: str
    state: str
    owner: bool
    may_view: bool
    may_spend: bool


class HouseholdView(msgspec.Struct, frozen=True):
    """A household and its places."""

    id: str
    partner_id: str
    created_at: datetime
    closed_at: datetime | None
    seats: list[SeatView]


@post(
    "/households", dto=StrictBody[HouseholdBody], return_dto=None, guards=[requires("members:write")],
    summary="Begin a household", operation_id="createHousehold",
)  # fmt: skip
async def create(data: JSONBody[HouseholdBody], parts: Parts) -> HouseholdView:
    """The member's points become the household's; they own it."""
    return _view(await households.create(parts.db, parts.teller, parts.programmes, parts.clock, data.member_id))


@get(
    "/households/{household_id:str}", guards=[requires("members:read")], summary="A household",
    operation_id="getHousehold",
)  # fmt: skip
async def show(household_id: FromPath[str], parts: Parts) -> HouseholdView:
    """Its places, oldest first."""
    async with parts.db.read() as read:
        return _view(await households.household(read.connection, household_id))


@post(
    "/households/{household_id:str}/invitations", dto=StrictBody[InvitationBody], return_dto=None,
    guards=[requires("members:write")], summary="Invite into a household", operation_id="inviteToHousehold",
)  # fmt: skip
async def invite(household_id: FromPath[str], data: JSONBody[InvitationBody], parts: Parts) -> HouseholdView:
    """A place is kept until the invited member joins or declines."""
    made = await households.invite(
        parts.db,
        parts.programmes,
        parts.clock,
        household_id,
        data.by_member_id,
        data.member_id,
        may_view=data.may_view,
        may_spend=data.may_spend,
    )
    return _view(made)


@post(
    "/households/{household_id:str}/members", dto=StrictBody[JoiningBody], return_dto=None,
    guards=[requires("members:write")], summary="Join a household", operation_id="joinHousehold",
)  # fmt: skip
async def join(household_id: FromPath[str], data: JSONBody[JoiningBody], parts: Parts) -> HouseholdView:
    """The member's points become the household's. Without an invitation this is for the counter, with both present."""
    joined = await households.accept(
        parts.db,
        parts.teller,
        parts.programmes,
        parts.clock,
        household_id,
        data.member_id,
        at_the_counter=True,
    )
    return _view(joined)


@put(
    "/households/{household_id:str}/members/{member_id:str}", dto=StrictBody[RightsBody], return_dto=None,
    guards=[requires("members:write")], summary="What a member of a household may do",
    operation_id="setHouseholdRights",
)  # fmt: skip
async def set_rights(
    household_id: FromPath[str], member_id: FromPath[str], data: JSONBody[RightsBody], parts: Parts
) -> HouseholdView:
    """Viewing and spending; the owner may always do both."""
    changed = await households.set_rights(
        parts.db, parts.clock, household_id, data.by_member_id, member_id, data.may_view, data.may_spend
    )
    return _view(changed)


@delete(
    "/households/{household_id:str}/members/{member_id:str}", guards=[requires("members:write")],
    summary="Leave a household, or decline", operation_id="leaveHousehold",
)  # fmt: skip
async def leave(
    household_id: FromPath[str],
    member_id: FromPath[str],
    parts: Parts,
    by_member_id: Annotated[str | None, QueryParameter(max_length=64, description="The owner who shows out.")] = None,
) -> None:
    """The points stay with the household; the last one takes them along."""
    await households.leave(
        parts.db, parts.teller, parts.programmes, parts.clock, household_id, member_id, by_member_id, [KIND]
    )


def _view(household: Household) -> HouseholdView:
    return HouseholdView(
        id=household.id,
        partner_id=household.partner_id,
        created_at=household.created_at,
        closed_at=household.closed_at,
        seats=[SeatView(**asdict(seat)) for seat in household.seats],
    )


households_router = Router(
    "/v1",
    route_handlers=[create, show, invite, join, set_rights, leave],
    dependencies=AUTH_DEPENDENCIES,
    tags=["households"],
)
