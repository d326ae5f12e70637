"""/v1/transfers, /v1/members/{id}/merge, /freeze, /unfreeze: what moves or stops a whole account."""

from typing import Annotated, Protocol

import msgspec
from litestar import Response, Router, post
from litestar.params import FromPath, JSONBody

from api.auth import PARTS_STATE, caller_of, partner_of, requires
from api.body import Points, StrictBody, fingerprint, idempotency_key
from api.http.entries import REPLAYED, EntryView, HotRequest, Key, answer, parts_of
from api.http.purchases import ApprovalBody, EntityId, Word
from api.http.tills import print_of, till_of
from kernel.clock import Clock
from kernel.database import Database
from network.programmes import Programmes
from points.commands import Mark, Merge, Transfer
from points.engagement.ports import home_of
from points.programme.standing import Change
from points.teller import Teller
from points.voucher_records import OPERATOR


class AccountParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def programmes(self) -> Programmes: ...
    @property
    def teller(self) -> Teller: ...


class TransferBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Points that a member gives to another. Giving is spending: `proof_id` and `approval` as for a redemption."""

    member_id: EntityId
    to_member_id: EntityId
    points: Points
    location_id: EntityId | None = None
    proof_id: EntityId | None = None
    cashier: Word | None = None
    terminal: Word | None = None
    approval: ApprovalBody | None = None


class MergeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Into whose account everything moves, for good."""

    into: EntityId


class FreezeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the account is stopped, or let go again."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class FrozenView(msgspec.Struct, frozen=True):
    """Whether the account is stopped now, and the entry that says why."""

    member_id: str
    frozen: bool
    entry_id: str


class _About(msgspec.Struct, frozen=True):
    """The member in the address is a part of what is asked."""

    member_id: str
    said: str


@post(
    "/transfers", dto=StrictBody[TransferBody], return_dto=None, guards=[requires("transfer")],
    summary="A member gives points to another", operation_id="transfer",
)  # fmt: skip
async def transfer(data: JSONBody[TransferBody], request: HotRequest, key: Key = None) -> Response[EntryView]:
    """Within the limits of the programme in force at the calling partner; the points keep issuer and expiry."""
    known_by, parts = idempotency_key(key), parts_of(request)
    partner_id, now = partner_of(caller_of(request)), parts.clock.now()
    await parts.rulebook.check_place(partner_id, data.location_id)
    in_force = await parts.programmes.in_force(partner_id, now)
    command = Transfer(
        partner_id=partner_id,
        key=known_by,
        fingerprint=print_of("transfer", data, "proof_id", "cashier", "terminal"),
        occurred_at=now,
        location_id=data.location_id,
        member_id=data.member_id,
        to_member_id=data.to_member_id,
        points=data.points,
        in_force=in_force,
        proof_id=data.proof_id,
        till=await till_of(parts, partner_id, in_force, data),
    )
    return await answer(parts, command, request)


@post(
    "/members/{member_id:str}/merge", dto=StrictBody[MergeBody], return_dto=None, guards=[requires("adjust")],
    summary="Two members are one", operation_id="mergeMembers",
)  # fmt: skip
async def merge(
    member_id: FromPath[str], data: JSONBody[MergeBody], request: HotRequest, key: Key = None
) -> Response[EntryView]:
    """Points, arrears and history move to the other member, whose account both cards use from then on."""
    known_by, parts = idempotency_key(key), parts_of(request)
    caller, now = caller_of(request), parts.clock.now()
    async with parts.db.read() as read:
        home = await home_of(read.connection, data.into)
    command = Merge(
        partner_id=caller.partner_id or OPERATOR,
        key=known_by,
        fingerprint=fingerprint("merge", _About(member_id, data.into)),
        occurred_at=now,
        member_id=member_id,
        to_member_id=data.into,
        in_force=await parts.programmes.in_force(caller.partner_id or home, now),
    )
    return await answer(parts, command, request)


@post(
    "/members/{member_id:str}/freeze", status_code=200, dto=StrictBody[FreezeBody], return_dto=None,
    guards=[requires("adjust")], summary="Stop an account", operation_id="freezeMember",
)  # fmt: skip
async def freeze(
    member_id: FromPath[str], data: JSONBody[FreezeBody], request: HotRequest, key: Key = None
) -> Response[FrozenView]:
    """Nothing is earned, spent or moved until it is let go again; refunds and expiry go on."""
    return await _set(member_id, data, request, key, frozen=True)


@post(
    "/members/{member_id:str}/unfreeze", status_code=200, dto=StrictBody[FreezeBody], return_dto=None,
    guards=[requires("adjust")], summary="Let an account go again", operation_id="unfreezeMember",
)  # fmt: skip
async def unfreeze(
    member_id: FromPath[str], data: JSONBody[FreezeBody], request: HotRequest, key: Key = None
) -> Response[FrozenView]:
    """The account works as before."""
    return await _set(member_id, data, request, key, frozen=False)


async def _set(
    member_id: str, data: FreezeBody, request: HotRequest, key: str | None, *, frozen: bool
) -> Response[FrozenView]:
    parts: AccountParts = request.app.state[PARTS_STATE]
    command = Mark(
        partner_id=caller_of(request).partner_id or OPERATOR,
        key=idempotency_key(key),
        fingerprint=fingerprint("freeze" if frozen else "unfreeze", _About(member_id, data.reason)),
        occurred_at=parts.clock.now(),
        member_id=member_id,
        change=Change(),
        reason=data.reason,
        frozen=frozen,
    )
    done = await parts.teller.ask(command)
    headers = {REPLAYED: "true"} if done.replayed else {}
    return Response(FrozenView(member_id, frozen, done.outcome.id), status_code=200, headers=headers)


transfers_router = Router("/v1", route_handlers=[transfer, merge, freeze, unfreeze], tags=["corrections"])
