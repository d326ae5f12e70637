"""What happens on which day, drawn from a seed: who buys where, which phone they have, what is returned."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from api.demo.purchases import Purchase

PARTNERS = 4
REFUNDED_SHARE = 0.03
WHOLE_REFUNDS = 0.5
LONGEST_RETURN_DAYS = 30
AT_HOME = 0.6
TWICE_EVERY = 20

PhoneKind = Literal["iphone", "android"]


@dataclass(frozen=True, slots=True)
class Buy:
    """A purchase at the partner with this number; `key` names the request."""

    key: str
    customer: str
    partner: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back on an earlier purchase; None gives back all of it."""

    key: str
    customer: str
    partner: int
    of: str
    amount_minor: int | None


Event = Buy | Refund


@dataclass(frozen=True, slots=True)
class Plan:
    """Events by day and customer (a customer's events of a day in order), and each customer's phone."""

    days: dict[date, dict[str, list[Event]]]
    phones: dict[str, PhoneKind]
    purchases: int
    nothing_paid: int

    def in_order(self) -> Iterator[tuple[date, dict[str, list[Event]]]]:
        """Days in order of time."""
        yield from sorted(self.days.items())


def make_plan(purchases: Sequence[Purchase], seed: int) -> Plan:
    """The same purchases and seed give the same plan. Purchases of nothing are visits that earn nothing."""
    rng = random.Random(f"plan {seed}")
    days: dict[date, dict[str, list[Event]]] = defaultdict(lambda: defaultdict(list))
    homes: dict[str, int] = {}
    phones: dict[str, PhoneKind] = {}
    nothing_paid = 0
    for purchase in purchases:
        customer = purchase.customer
        if customer not in homes:
            homes[customer] = rng.randrange(PARTNERS)
            phones[customer] = rng.choice(("iphone", "android"))
        partner = homes[customer] if rng.random() < AT_HOME else rng.randrange(PARTNERS)
        if purchase.amount_minor == 0:
            nothing_paid += 1
            continue
        key = f"buy-{purchase.row}"
        days[purchase.day][customer].append(Buy(key, customer, partner, purchase.amount_minor))
        if rng.random() < REFUNDED_SHARE:
            day, refund = _refund(rng, purchase, partner, key)
            days[day][customer].append(refund)
    return Plan({day: dict(events) for day, events in days.items()}, phones, len(purchases), nothing_paid)


def _refund(rng: random.Random, purchase: Purchase, partner: int, of: str) -> tuple[date, Refund]:
    """Some days later (a return on the same day stands behind the purchase), in whole or in part."""
    day = purchase.day + timedelta(days=rng.randint(0, LONGEST_RETURN_DAYS))
    whole = purchase.amount_minor < 2 or rng.random() < WHOLE_REFUNDS
    amount = None if whole else rng.randint(1, purchase.amount_minor - 1)
    return day, Refund(f"refund-{purchase.row}", purchase.customer, partner, of, amount)
