"""/v1/adjustments: corrections by hand, and /v1/members/{id}/freeze, /unfreeze, /merge."""

from datetime import datetime
from typing import Annotated, Literal, Protocol

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from api.auth import PARTS_STATE, PartnerOnly, caller_of, requires
from api.body import StrictBody, fingerprint, idempotency_key
from api.http.entries import REPLAYED, HotRequest, Key
from api.http.purchases import EntityId
from api.pagination import PAGE_DEPENDENCIES, Listed, PageIs
from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import Forbidden, Invalid
from network.keys import Caller
from network.partners import partner
from network.programmes import Programmes
from network.rulebook import Rulebook
from network.staff import StaffUnknown, staff
from points.adjustment_records import (
    Adjustment,
    Correction,
    Person,
    UnknownAdjustment,
    adjustment,
    adjustments,
)  # fmt: skip
from points.adjustments import LONGEST_REASON, Adjustments
from points.teller import Teller
from points.voucher_records import OPERATOR


class AdjustmentParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def rulebook(self) -> Rulebook: ...
    @property
    def programmes(self) -> Programmes: ...
    @property
    def teller(self) -> Teller: ...


class StillLearning(Forbidden):
    """Trainees correct nothing."""

    code = "trainee"
    title = "Trainees cannot do this"


class WhoseCorrection(Invalid):
    """A partner's correction names who of its staff makes it; the operator's names the partner."""

    code = "correction_incomplete"
    title = "Say who corrects, or for which partner"


Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_REASON)]
SignedPoints = Annotated[
    int, msgspec.Meta(ge=-1_000_000_000, le=1_000_000_000, description="Points to add; negative ones are taken.")
]


class AdjustmentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A correction. `staff_id` is who of the calling partner's staff makes it; the operator names `partner_id`, whose
    points they are."""

    member_id: EntityId
    points: SignedPoints
    reason: Reason
    staff_id: EntityId | None = None
    partner_id: EntityId | None = None
    location_id: EntityId | None = None


class ApprovalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who of the calling partner's staff decides; not needed with a key of the operator."""

    staff_id: EntityId | None = None


class AdjustmentView(msgspec.Struct, frozen=True):
    """A correction and what became of it: `waiting` for a second person, `asked` of the ledger, `done` or `refused`."""

    id: str
    member_id: str
    partner_id: str
    points: int
    reason: str
    actor: str
    role: str
    state: str
    approver: str | None
    entry_id: str | None
    refusal: str | None
    asked_at: datetime
    decided_at: datetime | None


@post(
    "/adjustments", dto=StrictBody[AdjustmentBody], return_dto=None, guards=[requires("adjust")],
    summary="Add or take points by hand", operation_id="adjust",
)  # fmt: skip
async def adjust(data: JSONBody[AdjustmentBody], request: HotRequest, key: Key = None) -> Response[AdjustmentView]:
    """Within the limit of the person's role; above the programme's limit a second person has to approve (202)."""
    known_by, parts, caller = idempotency_key(key), _parts(request), caller_of(request)
    if data.points == 0:
        raise Invalid("'points' must not be 0.", field="points")
    actor = await _person(parts, caller, data.staff_id)
    partner_id = await _partner(parts, caller, data.partner_id)
    await parts.rulebook.check_place(partner_id, data.location_id)
    asked = Correction(
        member_id=data.member_id,
        partner_id=partner_id,
        points=data.points,
        reason=data.reason,
        key_owner=caller.partner_id or OPERATOR,
        key=known_by,
        fingerprint=fingerprint("adjust", data),
        location_id=data.location_id,
    )
    in_force = await parts.programmes.in_force(partner_id, parts.clock.now())
    made, replayed = await _adjustments(parts).request(asked, actor, in_force)
    headers = {REPLAYED: "true"} if replayed else {}
    return Response(_view(made), status_code=202 if made.state == "waiting" else 201, headers=headers)


@post(
    "/adjustments/{adjustment_id:str}/approve", status_code=200, dto=StrictBody[ApprovalBody], return_dto=None,
    guards=[requires("adjust")], summary="The second person says yes", operation_id="approveAdjustment",
)  # fmt: skip
async def approve_adjustment(
    adjustment_id: FromPath[str], data: JSONBody[ApprovalBody], request: HotRequest
) -> AdjustmentView:
    """Another person than the first, with another API key; then it is done. The same approval again is answered."""
    parts, caller = _parts(request), caller_of(request)
    known = await _visible(parts, caller, adjustment_id)
    approver = await _person(parts, caller, data.staff_id)
    in_force = await parts.programmes.in_force(known.partner_id, parts.clock.now())
    return _view(await _adjustments(parts).approve(adjustment_id, approver, in_force))


@post(
    "/adjustments/{adjustment_id:str}/reject", status_code=200, dto=StrictBody[ApprovalBody], return_dto=None,
    guards=[requires("adjust")], summary="The second person says no", operation_id="rejectAdjustment",
)  # fmt: skip
async def reject_adjustment(
    adjustment_id: FromPath[str], data: JSONBody[ApprovalBody], request: HotRequest
) -> AdjustmentView:
    """Nothing is added or taken."""
    parts, caller = _parts(request), caller_of(request)
    await _visible(parts, caller, adjustment_id)
    approver = await _person(parts, caller, data.staff_id)
    return _view(await _adjustments(parts).reject(adjustment_id, approver))


@get(
    "/adjustments/{adjustment_id:str}", guards=[requires("adjust")],
    summary="A correction as it is now", operation_id="getAdjustment",
)  # fmt: skip
async def get_adjustment(adjustment_id: FromPath[str], request: HotRequest) -> AdjustmentView:
    """A partner sees its own, the operator all."""
    return _view(await _visible(_parts(request), caller_of(request), adjustment_id))


@get(
    "/adjustments", guards=[requires("adjust")], dependencies=PAGE_DEPENDENCIES,
    summary="Corrections, the newest first", operation_id="listAdjustments",
)  # fmt: skip
async def list_adjustments(
    request: HotRequest,
    page: PageIs,
    those: Annotated[
        Literal["waiting", "asked", "done", "refused"] | None,
        QueryParameter(name="state", description="Only those in this state."),
    ] = None,
) -> Listed[AdjustmentView]:
    """A partner sees its own, the operator all."""
    after, before, rows = page.window("adq")
    async with _parts(request).db.read() as read:
        found = await adjustments(read.connection, caller_of(request).partner_id, those, rows, after, before)
    return page.answer(found, _view, lambda one: one.id)


def _parts(request: HotRequest) -> AdjustmentParts:
    parts: AdjustmentParts = request.app.state[PARTS_STATE]
    return parts


def _adjustments(parts: AdjustmentParts) -> Adjustments:
    return Adjustments(parts.db, parts.clock, parts.teller)


async def _person(parts: AdjustmentParts, caller: Caller, staff_id: str | None) -> Person:
    """Who acts: someone of the calling partner's staff, or the operator. Raises StaffUnknown, StillLearning."""
    if caller.partner_id is None:
        return Person(f"{OPERATOR}/{caller.key_id}", "operator", caller.key_id)
    if staff_id is None:
        raise WhoseCorrection("Name the person in 'staff_id'.", field="staff_id")
    async with parts.db.read() as read:
        known = await staff(read.connection, staff_id, caller.partner_id)
    if not known.active:
        raise StaffUnknown("There is no such staff member.")
    if known.role == "trainee":
        raise StillLearning("Trainees cannot correct points.")
    return Person(known.id, known.role, caller.key_id, known.member_id)


async def _partner(parts: AdjustmentParts, caller: Caller, named: str | None) -> str:
    """Whose points they are. Raises PartnerOnly, PartnerUnknown."""
    if caller.partner_id is not None:
        if named not in (None, caller.partner_id):
            raise PartnerOnly("A partner corrects its own points alone.")
        return caller.partner_id
    if named is None:
        raise WhoseCorrection("Name the partner in 'partner_id'.", field="partner_id")
    async with parts.db.read() as read:
        return (await partner(read.connection, named)).id


async def _visible(parts: AdjustmentParts, caller: Caller, adjustment_id: str) -> Adjustment:
    async with parts.db.read() as read:
        known = await adjustment(read.connection, adjustment_id)
    if caller.partner_id not in (None, known.partner_id):
        raise UnknownAdjustment("There is no such adjustment.")
    return known


def _view(one: Adjustment) -> AdjustmentView:
    return AdjustmentView(
        id=one.id,
        member_id=one.member_id,
        partner_id=one.partner_id,
        points=one.points,
        reason=one.reason,
        actor=one.actor,
        role=one.role,
        state=one.state,
        approver=one.approver,
        entry_id=one.journal_id,
        refusal=one.refusal,
        asked_at=one.asked_at,
        decided_at=one.decided_at,
    )


adjustments_router = Router(
    "/v1",
    route_handlers=[adjust, approve_adjustment, reject_adjustment, get_adjustment, list_adjustments],
    tags=["corrections"],
)
