"""The purchases of 2,357 real customers of a record shop, January 1997 to June 1998 (see data/README.md)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.resources import files

from points.programme.simulation.sale import Sale, micros_of

CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Purchase:
    """One row of the file: `row` is its line, `customer` the number in the sample, `amount_minor` in cents."""

    row: int
    customer: str
    day: date
    discs: int
    amount_minor: int


def read_purchases() -> list[Purchase]:
    """All rows in time order; rows of one day keep the order of the file."""
    text = files("points.programme.simulation").joinpath("data/CDNOW_sample.txt").read_text()
    found = [_purchase(row, line.split()) for row, line in enumerate(text.splitlines(), start=1) if line.strip()]
    return sorted(found, key=lambda purchase: (purchase.day, purchase.row))


def example_sales() -> Iterator[Sale]:
    """The purchases as sales at noon UTC. Amounts are taken as they are in whatever currency a programme has."""
    for purchase in read_purchases():
        yield Sale(
            at=micros_of(noon(purchase.day)),
            line=purchase.row,
            customer=purchase.customer,
            amount_minor=purchase.amount_minor,
            order=f"row-{purchase.row}",
        )


def noon(day: date) -> datetime:
    """The moment at which the example's purchases of `day` happen: the file tells days alone."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def _purchase(row: int, fields: list[str]) -> Purchase:
    _, customer, day, discs, amount = fields
    whole, _, cents = amount.partition(".")
    return Purchase(row, customer, datetime.strptime(day, "%Y%m%d").date(), int(discs), int(whole) * 100 + int(cents))
