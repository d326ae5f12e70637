"""/v1/receipts: sales that nobody showed a card for, and the tokens with which a member claims them afterwards."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Protocol

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from api.auth import PARTS_STATE, caller_of, partner_of, requires
from api.body import StrictBody, fingerprint, idempotency_key
from api.http.entries import (
    REPLAYED,
    EntryParts,
    EntryView,
    HotRequest,
    Key,
    OtherCurrency,
    earning,
    language_of,
    moment_of,
    view_of,
)
from api.http.purchases import EarningBody, EntityId, SaleBody, purchase_of
from kernel.secrets import Keyring
from kernel.settings import Settings
from points.answers import Done
from points.receipt_tokens import address_of, printed
from points.receipts import (
    Kind,
    Receipt,
    ReceiptUnknown,
    Sale,
    State,
    claim,
    look_up,
    make,
    present,
    receipt,
    void,
)

_LONGEST_TOKEN: Final = 300  # an address may be scanned
_NO_STORE: Final = {"cache-control": "no-store"}


class ReceiptParts(EntryParts, Protocol):
    """The parts with which receipts are claimed."""

    @property
    def keyring(self) -> Keyring: ...


class PrintingParts(ReceiptParts, Protocol):
    """The parts with which receipts are made."""

    @property
    def settings(self) -> Settings: ...


class ReceiptBody(SaleBody, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A sale without a member: what /v1/earnings takes, less the member. A `receipt` is printed and good for 24 hours,
    a `counter` code is shown at the till (`terminal`) and good for 60 seconds; `good_for_s` makes that less."""

    kind: Kind = "receipt"
    good_for_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)] | None = None


class ClaimReceiptBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose the sale becomes. `token` is what was scanned or typed: the token, or the address that has it."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_TOKEN)]
    member_id: EntityId


class ReceiptView(msgspec.Struct, frozen=True):
    """A receipt. `amount` is in minor units; `member_id` and `entry_id` are whose it became, by which earning."""

    id: str
    kind: Kind
    state: State
    amount: int
    currency: str
    terminal: str | None
    occurred_at: datetime
    good_until: datetime
    member_id: str | None
    entry_id: str | None
    claimed_at: datetime | None


class PrintedReceiptView(ReceiptView, frozen=True):
    """A receipt just made: `token` is printed as it is, as text and as a code; or `url`, which opens the member's page
    when it is scanned with a phone."""

    token: str
    url: str


@post(
    "/receipts", dto=StrictBody[ReceiptBody], return_dto=None, guards=[requires("receipts")],
    summary="A sale without a card gets a receipt that can be claimed", operation_id="createReceipt",
)  # fmt: skip
async def create_receipt(
    data: JSONBody[ReceiptBody], request: HotRequest, key: Key = None
) -> Response[PrintedReceiptView]:
    """One member can claim it, once. The same request again answers the same token, so that it can be printed again."""
    known_by, parts = idempotency_key(key), _parts(request)
    partner_id = partner_of(caller_of(request))
    sale = await _sale(parts, partner_id, data, known_by)
    made = await make(parts.db, parts.clock, parts.keyring, sale)
    view = PrintedReceiptView(
        **msgspec.structs.asdict(_view(made.receipt)),
        token=printed(made.token),
        url=address_of(parts.settings.public_url, made.token),
    )
    headers = {**_NO_STORE, **({REPLAYED: "true"} if made.replayed else {})}
    return Response(view, status_code=201, headers=headers)


@post(
    "/receipts/claims", dto=StrictBody[ClaimReceiptBody], return_dto=None, guards=[requires("receipts")],
    summary="A member claims a receipt at the till", operation_id="claimReceipt",
)  # fmt: skip
async def claim_at_till(data: JSONBody[ClaimReceiptBody], request: HotRequest) -> Response[EntryView]:
    """The sale earns for the member as it would have then. The receipt itself is the key: the same member again gets
    the same answer, another one 409."""
    parts, partner_id = _parts(request), partner_of(caller_of(request))
    done = await claim_receipt(parts, data.token, data.member_id, partner_id=partner_id)
    headers = {REPLAYED: "true"} if done.replayed else {}
    return Response(await view_of(parts, done.outcome, language_of(request)), status_code=201, headers=headers)


@get(
    "/receipts/{receipt_id:str}", guards=[requires("receipts")], summary="A receipt as it is now",
    operation_id="getReceipt",
)  # fmt: skip
async def get_receipt(receipt_id: FromPath[str], request: HotRequest) -> ReceiptView:
    """A partner sees its own, the operator all."""
    parts = _parts(request)
    async with parts.db.read() as read:
        found = await receipt(read.connection, receipt_id, caller_of(request).partner_id, parts.clock.now())
    return _view(found)


@post(
    "/receipts/{receipt_id:str}/void", status_code=200, guards=[requires("receipts")],
    summary="Nobody can claim a receipt any more", operation_id="voidReceipt",
)  # fmt: skip
async def void_receipt(receipt_id: FromPath[str], request: HotRequest) -> ReceiptView:
    """As when the sale was undone. One that was claimed is refused (409) with the `entry_id` to reverse."""
    parts = _parts(request)
    return _view(await void(parts.db, parts.clock, receipt_id, partner_of(caller_of(request))))


async def claim_receipt(parts: ReceiptParts, token: str, member_id: str, *, partner_id: str | None = None) -> Done:
    """The sale whose token was scanned or typed earns for the member: with the programme and the terms of then.

    `partner_id` is whose till asks (it can claim its own receipts alone); None is the member's page. Raises
    ReceiptUnknown, ReceiptClaimed, ReceiptVoided, ReceiptExpired, TooManyGuesses, UnknownMember, and what the ledger
    refuses an earning with.
    """
    found = await present(parts.db, parts.clock, parts.keyring, token, member_id, partner_id)
    told = {**found.sale, "member_id": member_id}
    command = await earning(parts, found.partner_id, msgspec.convert(told, EarningBody), f"receipt/{found.id}")
    return await claim(parts.db, parts.clock, parts.teller, found, command)


async def look_at_receipt(parts: ReceiptParts, token: str) -> Receipt:
    """What a page shows before a receipt is claimed. Raises ReceiptUnknown."""
    async with parts.db.read() as read:
        found = await look_up(read.connection, parts.keyring, token, parts.clock.now())
    if found is None:
        raise ReceiptUnknown("There is no such receipt.")
    return found


async def _sale(parts: PrintingParts, partner_id: str, data: ReceiptBody, key: str) -> Sale:
    """The sale, refused for what it would be refused for when it is claimed: place, currency, moment, amounts."""
    moment = moment_of(data.occurred_at, parts.clock)
    await parts.rulebook.check_place(partner_id, data.location_id)
    terms = await parts.rulebook.terms(partner_id, moment)
    if data.currency != terms.rates.currency:
        raise OtherCurrency(f"The terms are in {terms.rates.currency}.", currency=terms.rates.currency)
    purchase_of(data)
    told = {name: getattr(data, name) for name in SaleBody.__struct_fields__}
    return Sale(
        partner_id=partner_id,
        key=key,
        fingerprint=fingerprint("receipt", data),
        kind=data.kind,
        told=msgspec.to_builtins({**told, "occurred_at": moment}),
        amount_minor=data.amount,
        currency=data.currency,
        terminal=data.terminal,
        occurred_at=moment,
        good_for=None if data.good_for_s is None else timedelta(seconds=data.good_for_s),
    )


def _parts(request: HotRequest) -> PrintingParts:
    parts: PrintingParts = request.app.state[PARTS_STATE]
    return parts


def _view(one: Receipt) -> ReceiptView:
    return ReceiptView(
        id=one.id,
        kind=one.kind,
        state=one.state,
        amount=one.amount_minor,
        currency=one.currency,
        terminal=one.terminal,
        occurred_at=one.occurred_at,
        good_until=one.good_until,
        member_id=one.member_id,
        entry_id=one.journal_id,
        claimed_at=one.claimed_at,
    )


receipts_router = Router(
    "/v1", route_handlers=[create_receipt, claim_at_till, get_receipt, void_receipt], tags=["receipts"]
)
