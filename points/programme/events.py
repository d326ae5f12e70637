"""What happened at the till or elsewhere, as the rules see it. Amounts are minor units, quantities thousandths."""

import msgspec

PURCHASE = "purchase"
VISIT = "visit"


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the basket: what it costs, tax included and its own discounts taken off.

    `returned_minor` is how much of `amount_minor` came back since; what is left of tax and quantity is in proportion.
    """

    amount_minor: int
    sku: str | None = None
    category: str | None = None
    brand: str | None = None
    tax_minor: int = 0
    quantity_milli: int = 1000
    returned_minor: int = 0


class Tender(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A share of the purchase and what it was paid with (`cash`, `card`, `points`, `gift_card`, ...)."""

    kind: str
    amount_minor: int


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A purchase, a visit, or anything else by name.

    `amount_minor` is what was charged, tax included, before `discount_minor` (discounts on the whole basket) and
    `reward_minor` (what rewards took off) are subtracted; it equals the sum of the lines if there are lines. Tenders
    name how it was paid; what they do not name was paid with `unknown`. `subject` is what the event is about: an order,
    a visit, a class; `once_per: subject` looks at it. `returned_minor` is how much of `amount_minor` came back, if
    there are no lines that say it; discounts and tenders stay as they were and count in proportion to what is left.
    """

    name: str = PURCHASE
    amount_minor: int = 0
    tax_minor: int = 0
    discount_minor: int = 0
    reward_minor: int = 0
    lines: tuple[Line, ...] = ()
    tenders: tuple[Tender, ...] = ()
    subject: str | None = None
    channel: str | None = None
    cashier: str | None = None
    terminal: str | None = None
    returned_minor: int = 0
