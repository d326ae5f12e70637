"""/v1/terminals/{id}/allowances, /float: what a till may let members spend offline, and what it may lose by that."""

import dataclasses
from datetime import datetime, timedelta
from typing import Annotated, Protocol

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from api.auth import AUTH_DEPENDENCIES, CallerIs, partner_of, requires
from api.body import Name, Points, StrictBody, idempotency_key
from api.http.entries import REPLAYED, EntryParts, Key
from api.http.taps import TerminalKey
from api.pagination import PAGE_DEPENDENCIES, Listed, PageIs
from kernel.errors import Invalid, NotFound
from kernel.secrets import Keyring
from network.allowances import Allowance, AllowanceSigner, current_allowance, grant_allowance
from network.floats import FloatMove, float_of, float_window, pay
from network.terminals import Terminal, TerminalRefused, check_key, terminal


class OfflineParts(EntryParts, Protocol):
    """The parts that tills without a connection need."""

    @property
    def keyring(self) -> Keyring: ...
    @property
    def allowance_signer(self) -> AllowanceSigner: ...


Parts = NamedDependency[SkipValidation[OfflineParts]]


class AllowanceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many points the terminal may let members spend in all, how many at once, and for how long."""

    points: Points
    per_redemption: Points
    hours: Annotated[int, msgspec.Meta(ge=1, le=72)] = 24


class AllowanceView(msgspec.Struct, frozen=True):
    """An allowance. The terminal keeps `document`, a JSON Web Signature, and checks it with the allowance key."""

    id: str
    points: int
    per_redemption: int
    used: int
    valid_from: datetime
    valid_until: datetime
    document: str


class PaymentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Points paid into the float, or (negative) out of it."""

    points: Annotated[int, msgspec.Meta(ge=-1_000_000_000, le=1_000_000_000)]
    reason: Name


class FloatMoveView(msgspec.Struct, frozen=True):
    """A change of the float. `reason` of a charge is a code: `double_spent`, or why no allowance covered it."""

    id: str
    kind: str
    points: int
    reason: str
    member_id: str | None
    allowance_id: str | None
    recorded_at: datetime


class FloatView(msgspec.Struct, frozen=True):
    """The float, and the allowance that the terminal has now."""

    balance: int
    allowance: AllowanceView | None


@post(
    "/terminals/{terminal_id:str}/allowances", dto=StrictBody[AllowanceBody], return_dto=None,
    guards=[requires("offline")], summary="Let a till redeem without a connection", operation_id="createAllowance",
)  # fmt: skip
async def create_allowance(
    terminal_id: FromPath[str], data: JSONBody[AllowanceBody], caller: CallerIs, parts: Parts,
    terminal_key: TerminalKey = None,
) -> AllowanceView:  # fmt: skip
    """Up to its float. The one before ends: a till first sends what it did under that. Asked again, it is a new one."""
    device = await device_of(parts, terminal_id, terminal_key, partner_of(caller))
    async with parts.db.unit() as unit:
        made = await grant_allowance(
            unit, parts.clock, parts.allowance_signer, device, data.points, data.per_redemption,
            timedelta(hours=data.hours),
        )  # fmt: skip
    return _allowance_view(made)


@get("/allowance-key", guards=[requires("offline")], summary="What allowances are checked with")
async def get_allowance_key(parts: Parts) -> dict[str, str]:
    """The public key, as a JSON Web Key (RFC 8037)."""
    return parts.allowance_signer.public_key


@post(
    "/terminals/{terminal_id:str}/float", dto=StrictBody[PaymentBody], return_dto=None, guards=[requires("offline")],
    summary="Pay into a till's float", operation_id="payFloat",
)  # fmt: skip
async def pay_float(
    terminal_id: FromPath[str], data: JSONBody[PaymentBody], caller: CallerIs, parts: Parts, key: Key = None
) -> Response[FloatMoveView]:
    """What the till may lose; once per Idempotency-Key. A till's float is its partner's to set."""
    known_by = idempotency_key(key)
    if data.points == 0:
        raise Invalid("Pay some points in, or (negative) out.", field="points")
    async with parts.db.unit() as unit:
        device = await terminal(unit.connection, terminal_id, only=partner_of(caller))
        move, replayed = await pay(unit, parts.clock, device, data.points, data.reason, known_by)
    return Response(_move_view(move), status_code=201, headers={REPLAYED: "true"} if replayed else {})


@get("/terminals/{terminal_id:str}/float", guards=[requires("offline")], summary="A till's float")
async def get_float(terminal_id: FromPath[str], caller: CallerIs, parts: Parts) -> FloatView:
    """A partner sees its own tills'."""
    async with parts.db.read() as read:
        device = await terminal(read.connection, terminal_id, only=caller.partner_id)
        balance = await float_of(read.connection, device.id)
        allowance = await current_allowance(read.connection, device.id)
    return FloatView(balance, _allowance_view(allowance) if allowance else None)


@get(
    "/terminals/{terminal_id:str}/float/moves", guards=[requires("offline")], dependencies=PAGE_DEPENDENCIES,
    summary="What changed a till's float", operation_id="listFloatMoves",
)  # fmt: skip
async def list_float_moves(
    terminal_id: FromPath[str], caller: CallerIs, page: PageIs, parts: Parts
) -> Listed[FloatMoveView]:
    """Payments, and charges with the member who spent what was not there."""
    after, before, rows = page.window("flm")
    async with parts.db.read() as read:
        device = await terminal(read.connection, terminal_id, only=caller.partner_id)
        found = await float_window(read.connection, device.id, after, before, rows)
    return page.answer(found, _move_view, lambda one: one.id)


async def device_of(parts: OfflineParts, terminal_id: str, key: str | None, partner_id: str) -> Terminal:
    """The till that says so with its own key. Raises TerminalRefused."""
    check_key(parts.keyring, terminal_id, key or "")
    async with parts.db.read() as read:
        try:
            found = await terminal(read.connection, terminal_id, only=partner_id)
        except NotFound:
            raise TerminalRefused from None
    if found.revoked_at is not None:
        raise TerminalRefused
    return found


def _allowance_view(one: Allowance) -> AllowanceView:
    return AllowanceView(
        one.id, one.points, one.per_redemption, one.used, one.valid_from, one.valid_until, one.document
    )


def _move_view(move: FloatMove) -> FloatMoveView:
    return FloatMoveView(**dataclasses.asdict(move))


floats_router = Router(
    "/v1",
    route_handlers=[create_allowance, get_allowance_key, pay_float, get_float, list_float_moves],
    dependencies=AUTH_DEPENDENCIES,
    tags=["offline"],
)
