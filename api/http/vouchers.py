"""/v1/vouchers: codes at a till."""

from datetime import datetime
from typing import Annotated, Protocol

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from api.auth import PARTS_STATE, caller_of, partner_of, requires
from api.body import AmountMinor, StrictBody, fingerprint, idempotency_key
from api.http.entries import REPLAYED, HotRequest, Key, language_of
from api.http.purchases import EntityId, Word
from api.http.rewards import reward_name
from kernel.clock import Clock
from kernel.database import Database
from network.programmes import Programmes
from network.rulebook import Rulebook
from passes import refresh
from points.book import VoucherState
from points.programme.rewards import find_reward
from points.programme.version import Version
from points.voucher_records import OPERATOR, Moved, Shown
from points.vouchers import Vouchers


class VoucherParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def rulebook(self) -> Rulebook: ...
    @property
    def programmes(self) -> Programmes: ...


class UseBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code at the till. `basket` is the amount of the purchase and `amount` the part of the code's value to use
    (default: as much as the purchase takes), in minor units; `member_id` is whose card was shown, if one was."""

    member_id: EntityId | None = None
    basket: AmountMinor | None = None
    amount: AmountMinor | None = None
    order: Word | None = None
    location_id: EntityId | None = None


class ExchangeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement's voucher to be exchanged for a code of the calling partner."""

    location_id: EntityId | None = None


class VoidBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the code is cancelled."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class VoucherView(msgspec.Struct, frozen=True):
    """A code. `state` is `issued`, `used`, `voided` or `expired`; `value` is what is left of an amount, in minor units;
    a `personal` one is good for its member alone."""

    code: str
    reward: str
    name: str
    state: str
    member_id: str
    partner_id: str
    uses_left: int
    value: int | None
    valid_until: datetime | None
    personal: bool


class MovedView(msgspec.Struct, frozen=True):
    """What was done with a code. `taken` is what it takes off the purchase, in minor units (None: it is not money);
    `into` the code that an exchange made."""

    id: str
    kind: str
    taken: int | None
    voucher: VoucherView
    into: VoucherView | None


@get(
    "/vouchers/{code:str}", guards=[requires("claim")], summary="A code as it is now", operation_id="getVoucher",
)  # fmt: skip
async def get_voucher(code: FromPath[str], request: HotRequest) -> VoucherView:
    """What the code is good for."""
    parts = _parts(request)
    found = await _vouchers(parts).find(code)
    return await _voucher(parts, found.voucher, found.member_id, language_of(request))


@post(
    "/vouchers/{code:str}/use", status_code=200, dto=StrictBody[UseBody], return_dto=None, guards=[requires("claim")],
    summary="Use a code", operation_id="useVoucher",
)  # fmt: skip
async def use_voucher(
    code: FromPath[str], data: JSONBody[UseBody], request: HotRequest, key: Key = None
) -> Response[MovedView]:
    """Once, or as often as the code is good for: of two tills at the same moment one gets it, the other 409."""
    parts, partner_id = _parts(request), partner_of(caller_of(request))
    await parts.rulebook.check_place(partner_id, data.location_id)
    shown = _shown(
        request, code, partner_id, key, "voucher.use", data, location_id=data.location_id, member_id=data.member_id,
        basket_minor=data.basket, amount_minor=data.amount, order=data.order,
    )  # fmt: skip
    in_force = await parts.programmes.in_force(partner_id, parts.clock.now())
    return await _answer(parts, await _vouchers(parts).use(shown, in_force), request)


@post(
    "/vouchers/{code:str}/exchange", status_code=200, dto=StrictBody[ExchangeBody], return_dto=None,
    guards=[requires("claim")], summary="Exchange a statement's voucher at a partner", operation_id="exchangeVoucher",
)  # fmt: skip
async def exchange_voucher(
    code: FromPath[str], data: JSONBody[ExchangeBody], request: HotRequest, key: Key = None
) -> Response[MovedView]:
    """It becomes a code of the calling partner, worth what the issuer's programme offers there today."""
    parts, partner_id = _parts(request), partner_of(caller_of(request))
    await parts.rulebook.check_place(partner_id, data.location_id)
    shown = _shown(request, code, partner_id, key, "voucher.exchange", data, location_id=data.location_id)
    vouchers = _vouchers(parts)
    issuer_id = (await vouchers.find(code)).voucher.partner_id
    in_force = await parts.programmes.in_force(issuer_id, parts.clock.now())
    return await _answer(parts, await vouchers.exchange(shown, in_force), request)


@post(
    "/vouchers/{code:str}/void", status_code=200, dto=StrictBody[VoidBody], return_dto=None, guards=[requires("claim")],
    summary="Cancel a code", operation_id="voidVoucher",
)  # fmt: skip
async def void_voucher(
    code: FromPath[str], data: JSONBody[VoidBody], request: HotRequest, key: Key = None
) -> Response[MovedView]:
    """By the partner that issued it, or the operator. To give its points back too, reverse the entry that paid it."""
    parts, caller = _parts(request), caller_of(request)
    shown = _shown(request, code, caller.partner_id or OPERATOR, key, "voucher.void", data)
    return await _answer(parts, await _vouchers(parts).void(shown, data.reason), request)


def _shown(
    request: HotRequest, code: str, partner_id: str, key: str | None, operation: str,
    body: UseBody | ExchangeBody | VoidBody, *, location_id: str | None = None, member_id: str | None = None,
    basket_minor: int | None = None, amount_minor: int | None = None, order: str | None = None,
) -> Shown:  # fmt: skip
    return Shown(
        code=code,
        partner_id=partner_id,
        key=idempotency_key(key),
        fingerprint=fingerprint(operation + "/" + code.upper(), body),
        actor=caller_of(request).key_id,
        location_id=location_id,
        member_id=member_id,
        basket_minor=basket_minor,
        amount_minor=amount_minor,
        order=order,
    )


def _parts(request: HotRequest) -> VoucherParts:
    parts: VoucherParts = request.app.state[PARTS_STATE]
    return parts


def _vouchers(parts: VoucherParts) -> Vouchers:
    return Vouchers(parts.db, parts.clock, parts.programmes.versions, [refresh.KIND])


async def _answer(parts: VoucherParts, moved: Moved, request: HotRequest) -> Response[MovedView]:
    language = language_of(request)
    view = MovedView(
        id=moved.id,
        kind=moved.kind,
        taken=moved.money_minor,
        voucher=await _voucher(parts, moved.voucher, moved.member_id, language),
        into=None if moved.into is None else await _voucher(parts, moved.into, moved.member_id, language),
    )
    return Response(view, status_code=200, headers={REPLAYED: "true"} if moved.replayed else {})


async def _voucher(parts: VoucherParts, voucher: VoucherState, member_id: str, language: str) -> VoucherView:
    await parts.programmes.versions.ensure([voucher.version_id])
    version: Version = parts.programmes.versions[voucher.version_id]
    over = voucher.valid_until is not None and parts.clock.now() >= voucher.valid_until
    reward = find_reward(version, voucher.reward)
    return VoucherView(
        code=voucher.code,
        reward=voucher.reward,
        name=reward_name(version, voucher.reward, language),
        state="expired" if over and voucher.state == "issued" else voucher.state,
        member_id=member_id,
        partner_id=voucher.partner_id,
        uses_left=voucher.uses_left,
        value=voucher.value_minor,
        valid_until=voucher.valid_until,
        personal=reward is not None and reward.personal,
    )


vouchers_router = Router(
    "/v1", route_handlers=[get_voucher, use_voucher, exchange_voucher, void_voucher], tags=["rewards"]
)
