"""The purchases of 2,357 real customers of a record shop, January 1997 to June 1998 (see data/README.md)."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.resources import files

CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Purchase:
    """One row of the file: `row` is its line, `customer` the number in the sample, `amount_minor` in cents."""

    row: int
    customer: str
    day: date
    amount_minor: int


def read_purchases() -> list[Purchase]:
    """All rows in time order; rows of one day keep the order of the file."""
    text = files("api.demo").joinpath("data/CDNOW_sample.txt").read_text()
    found = [_purchase(row, line.split()) for row, line in enumerate(text.splitlines(), start=1) if line.strip()]
    return sorted(found, key=lambda purchase: (purchase.day, purchase.row))


def of_some_customers(purchases: list[Purchase], at_least: int | None, seed: int) -> list[Purchase]:
    """The whole history of customers drawn by `seed` until there are `at_least` purchases; None takes everybody."""
    if at_least is None:
        return purchases
    customers = sorted({purchase.customer for purchase in purchases})
    random.Random(seed).shuffle(customers)
    counts: dict[str, int] = {}
    for purchase in purchases:
        counts[purchase.customer] = counts.get(purchase.customer, 0) + 1
    chosen: set[str] = set()
    total = 0
    for customer in customers:
        if total >= at_least:
            break
        chosen.add(customer)
        total += counts[customer]
    return [purchase for purchase in purchases if purchase.customer in chosen]


def noon(day: date) -> datetime:
    """The moment at which the demonstration's clock stands on `day`."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def _purchase(row: int, fields: list[str]) -> Purchase:
    _, customer, day, _, amount = fields
    whole, _, cents = amount.partition(".")
    return Purchase(row, customer, datetime.strptime(day, "%Y%m%d").date(), int(whole) * 100 + int(cents))
