"""/v1/staff, /v1/nominations: who works for a partner, and customers' recognition of them."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from api.auth import AUTH_DEPENDENCIES, CallerIs, partner_of, requires
from api.body import StrictBody
from api.http.engagement import Parts
from api.http.purchases import EntityId
from network import staff as people
from points.engagement import recognition
from points.engagement.recognition import Nomination, Nominee

MOST_SHOWN = 200


class StaffBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Someone who starts to work. `member_id` is their own membership, which bars them from favouring themselves."""

    display_name: Annotated[str, msgspec.Meta(min_length=1, max_length=people.LONGEST_NAME)]
    role: Literal["trainee", "cashier", "manager"] = "cashier"
    member_id: EntityId | None = None


class StaffView(msgspec.Struct, frozen=True):
    """Someone who works for the partner."""

    id: str
    partner_id: str
    display_name: str
    role: str
    member_id: str | None
    active: bool


class StaffListView(msgspec.Struct, frozen=True):
    """Who works for the partner now."""

    data: list[StaffView]


class NominationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A customer's praise: `entry_id` is the visit's or purchase's entry."""

    member_id: EntityId
    staff_id: EntityId
    entry_id: EntityId
    words: Annotated[str, msgspec.Meta(min_length=1, max_length=recognition.LONGEST_WORDS)]


class NominationView(msgspec.Struct, frozen=True):
    """A nomination without the customer's id; it counts once approved."""

    id: str
    partner_id: str
    staff_id: str
    entry_id: str
    words: str
    state: str
    unit: str
    month: str
    nominated_at: datetime


class NominationsView(msgspec.Struct, frozen=True):
    """Nominations in one state, oldest first, at most 200."""

    data: list[NominationView]


class ModerationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the nomination counts, and who says so."""

    approve: bool
    by_staff_id: EntityId | None = None


class AwardView(msgspec.Struct, frozen=True):
    """Who was recognised most in a month (null: nobody)."""

    staff_id: str | None
    amount: int


class MonthView(msgspec.Struct, frozen=True):
    """Recognition of a partner's staff in a month; `award` is there once it is decided, and stays."""

    month: str
    counts: dict[str, int]
    award: AwardView | None


@post(
    "/staff", dto=StrictBody[StaffBody], return_dto=None, guards=[requires("members:write")],
    summary="Someone starts to work", operation_id="addStaff",
)  # fmt: skip
async def add(data: JSONBody[StaffBody], caller: CallerIs, parts: Parts) -> StaffView:
    """For the calling partner."""
    async with parts.db.unit() as unit:
        made = await people.add_staff(
            unit, parts.clock, partner_of(caller), data.display_name, data.role, data.member_id
        )
    return StaffView(**asdict(made))


@get("/staff", guards=[requires("members:read")], summary="Who works for the partner", operation_id="listStaff")
async def list_staff(caller: CallerIs, parts: Parts) -> StaffListView:
    """Of the calling partner, oldest first."""
    async with parts.db.read() as read:
        found = await people.staff_of(read.connection, partner_of(caller))
    return StaffListView([StaffView(**asdict(one)) for one in found])


@delete(
    "/staff/{staff_id:str}", guards=[requires("members:write")], summary="Someone works there no more",
    operation_id="endStaff",
)  # fmt: skip
async def end(staff_id: FromPath[str], caller: CallerIs, parts: Parts) -> None:
    """Their recognition stays; twice is no error."""
    async with parts.db.unit() as unit:
        await people.end_staff(unit, parts.clock, partner_of(caller), staff_id)


@post(
    "/nominations", dto=StrictBody[NominationBody], return_dto=None, guards=[requires("members:write")],
    summary="A customer nominates a staff member", operation_id="nominate",
)  # fmt: skip
async def nominate(data: JSONBody[NominationBody], caller: CallerIs, parts: Parts) -> NominationView:
    """One for each visit; never for oneself. It waits for the partner's approval."""
    partner_id = partner_of(caller)
    in_force = await parts.programmes.in_force(partner_id, parts.clock.now())
    async with parts.db.unit() as unit:
        found = await people.staff(unit.connection, data.staff_id, partner_id)
        nominee = Nominee(found.id, found.partner_id, found.member_id)
        made = await recognition.nominate(
            unit, parts.clock, in_force, nominee, data.member_id, data.entry_id, data.words
        )
    return _view(made)


@get(
    "/nominations", guards=[requires("members:read")], summary="Nominations to look at", operation_id="listNominations"
)
async def list_nominations(
    caller: CallerIs,
    parts: Parts,
    nomination_state: Annotated[
        Literal["pending", "approved", "rejected"], QueryParameter(name="state", description="Default: to look at.")
    ] = "pending",
) -> NominationsView:
    """Of the calling partner's staff."""
    async with parts.db.read() as read:
        found = await recognition.nominations(read.connection, partner_of(caller), nomination_state, MOST_SHOWN)
    return NominationsView([_view(one) for one in found])


@post(
    "/nominations/{nomination_id:str}/decision", dto=StrictBody[ModerationBody], return_dto=None, status_code=200,
    guards=[requires("members:write")], summary="Approve or reject a nomination", operation_id="moderateNomination",
)  # fmt: skip
async def moderate(
    nomination_id: FromPath[str], data: JSONBody[ModerationBody], caller: CallerIs, parts: Parts
) -> NominationView:
    """An approved one adds one unit of recognition, which is no customer's points. Nobody decides on their own."""
    partner_id = partner_of(caller)
    async with parts.db.unit() as unit:
        by = caller.key_id
        if data.by_staff_id is not None:
            by = (await people.staff(unit.connection, data.by_staff_id, partner_id)).id
        return _view(await recognition.moderate(unit, parts.clock, partner_id, nomination_id, data.approve, by))


@get(
    "/recognition/{month:str}", guards=[requires("members:read")], summary="Recognition of staff in a month",
    operation_id="getRecognition",
)  # fmt: skip
async def month(month: FromPath[str], caller: CallerIs, parts: Parts) -> MonthView:
    """Of the calling partner's staff; `month` is such as `2026-03`."""
    partner_id = partner_of(caller)
    async with parts.db.read() as read:
        counts = await recognition.counts(read.connection, partner_id, month)
        award = await recognition.award(read.connection, partner_id, month)
    return MonthView(month, counts, None if award is None else AwardView(award.staff_id, award.amount))


def _view(made: Nomination) -> NominationView:
    return NominationView(**asdict(made))


recognition_router = Router(
    "/v1",
    route_handlers=[add, list_staff, end, nominate, list_nominations, moderate, month],
    dependencies=AUTH_DEPENDENCIES,
    tags=["recognition"],
)
