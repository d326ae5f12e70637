"""What tills send about a purchase, an event, or what came back of one; and the events they become."""

from datetime import datetime
from typing import Annotated

import msgspec

from api.body import AmountMinor, Currency, Points
from kernel.errors import Invalid
from points.programme.events import PURCHASE, Event, Line, Tender

EntityId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
PartMinor = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000_000, description="Minor units; part of the amount.")]
Quantity = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000, description="Thousandths: 1000 is one piece or litre.")]
MOST_LINES = 200


class AmountsDiffer(Invalid):
    """The parts of a purchase do not add up."""

    code = "amounts_differ"
    title = "The parts of the purchase do not add up"


class LineBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the basket: what it costs, tax included and its own discounts taken off."""

    amount: PartMinor
    sku: Word | None = None
    category: Word | None = None
    brand: Word | None = None
    tax: PartMinor = 0
    quantity: Quantity = 1000


class TenderBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A share of the purchase and what it was paid with (`cash`, `card`, `points`, ...)."""

    kind: Word
    amount: AmountMinor


class ApprovalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The manager (a staff id) who lets it pass in spite of a limit, with their PIN."""

    staff_id: EntityId
    pin: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4,8}$", max_length=8)]

    def __repr__(self) -> str:
        return f"ApprovalBody(staff_id={self.staff_id!r})"


class SaleBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A purchase: `amount` in minor units (cents) of `currency`, tax included, before `discount` (on the whole basket)
    and `reward` (what rewards took off). Lines add up to the amount; tenders to at most that."""

    amount: AmountMinor
    currency: Currency
    location_id: EntityId | None = None
    occurred_at: datetime | None = None
    tax: PartMinor = 0
    discount: PartMinor = 0
    reward: PartMinor = 0
    lines: Annotated[list[LineBody], msgspec.Meta(max_length=MOST_LINES)] = []
    tenders: Annotated[list[TenderBody], msgspec.Meta(max_length=20)] = []
    order: Word | None = None
    channel: Word | None = None
    cashier: Word | None = None
    terminal: Word | None = None


class EarningBody(SaleBody, frozen=True, forbid_unknown_fields=True):
    """A purchase of a member: `amount` in minor units (cents) of `currency`, tax included, before `discount` (on the
    whole basket) and `reward` (what rewards took off). Lines add up to the amount; tenders to at most that."""

    member_id: EntityId  # first on the wire of fingerprints, which are kept for ever
    approval: ApprovalBody | None = None  # never a part of them


class EventBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something other than a purchase: `visit`, `review.posted`, ... `subject` is what it is about.

    With `entry_id` it is the event that the points of that earlier entry wait for: they can be spent from then on.
    """

    member_id: EntityId
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_.]{0,59}$", max_length=60)]
    subject: Word | None = None
    entry_id: EntityId | None = None
    amount: PartMinor = 0
    currency: Currency | None = None
    location_id: EntityId | None = None
    occurred_at: datetime | None = None
    channel: Word | None = None
    cashier: Word | None = None
    terminal: Word | None = None
    approval: ApprovalBody | None = None


class ReturnedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of a line (the first is 0) came back."""

    line: Annotated[int, msgspec.Meta(ge=0, lt=MOST_LINES)]
    amount: AmountMinor


class ReversalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to undo: an `amount` or `lines` of an earning, or some `points` of a redemption; none: all that is left."""

    entry_id: EntityId
    amount: AmountMinor | None = None
    lines: Annotated[list[ReturnedLine], msgspec.Meta(max_length=MOST_LINES)] = []
    points: Points | None = None
    location_id: EntityId | None = None
    occurred_at: datetime | None = None


def purchase_of(body: SaleBody) -> Event:
    """The purchase as the rules see it. Raises AmountsDiffer."""
    if body.lines and sum(line.amount for line in body.lines) != body.amount:
        raise AmountsDiffer("The lines do not add up to the amount.", field="lines")
    if sum(tender.amount for tender in body.tenders) > body.amount:
        raise AmountsDiffer("The tenders are more than the amount.", field="tenders")
    if max(body.tax, body.discount + body.reward) > body.amount:
        raise AmountsDiffer("Tax, discount and rewards are parts of the amount.", field="amount")
    if any(line.tax > line.amount for line in body.lines):
        raise AmountsDiffer("A line's tax is a part of its amount.", field="lines")
    return Event(
        amount_minor=body.amount,
        tax_minor=body.tax,
        discount_minor=body.discount,
        reward_minor=body.reward,
        lines=tuple(
            Line(
                amount_minor=line.amount, sku=line.sku, category=line.category, brand=line.brand, tax_minor=line.tax,
                quantity_milli=line.quantity,
            )
            for line in body.lines
        ),
        tenders=tuple(Tender(kind=tender.kind, amount_minor=tender.amount) for tender in body.tenders),
        subject=body.order,
        channel=body.channel,
        cashier=body.cashier,
        terminal=body.terminal,
    )  # fmt: skip


def event_of(body: EventBody) -> Event:
    """The event as the rules see it. Raises Invalid for a purchase, which is an earning."""
    if body.name == PURCHASE:
        raise Invalid("A purchase is sent to /v1/earnings.", field="name")
    return Event(
        name=body.name,
        amount_minor=body.amount,
        subject=body.subject,
        channel=body.channel,
        cashier=body.cashier,
        terminal=body.terminal,
    )
