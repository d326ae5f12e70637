"""One row of a sales file as a value, and how its cells are read: strictly, each fault by the name of its column."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from kernel.money import decimals
from points.programme.events import PURCHASE, Event, Line, Tender

# What a row can say. A purchase needs the first three, another event the first two.
COLUMNS = (
    "customer",
    "moment",
    "amount",
    "order",
    "line",
    "refund",
    "event",
    "partner",
    "location",
    "channel",
    "tender",
    "sku",
    "category",
    "brand",
    "quantity",
    "tax",
    "discount",
)
NEEDED = ("customer", "moment")

LARGEST_AMOUNT = 10**12
_LARGEST_QUANTITY_MILLI = 10**9
_LONGEST_WORD = 200
_YEARS = range(1971, 2200)
_NUMBER = re.compile(r"(\d{1,16})(?:\.(\d{1,20}))?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?P<offset>Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class BadCell(ValueError):
    """A cell that cannot be read: its column and why."""

    def __init__(self, column: str | None, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.message = message


@dataclass(frozen=True, slots=True)
class SalesFault:
    """What is wrong with which line of the file (the first is 1), and in which column if it is one cell."""

    line: int
    column: str | None
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: " + (f"{self.column}: " if self.column else "") + self.message


class Sale(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A purchase, another event, or (with `refund_of`) money given back on an order; amounts in minor units.

    `at` is in microseconds since 1970. A refund with `amount_minor` None gives back all that is left.
    """

    at: int
    line: int
    customer: str
    amount_minor: int | None
    order: str | None = None
    refund_of: str | None = None
    name: str = PURCHASE
    partner: str | None = None
    location: str | None = None
    channel: str | None = None
    tender: str | None = None
    tax_minor: int = 0
    discount_minor: int = 0
    lines: tuple[Line, ...] = ()

    @property
    def moment(self) -> datetime:
        """When it happened, aware, in UTC."""
        return moment_of(self.at)

    def event(self) -> Event:
        """What the programme's rules see of it."""
        amount = self.amount_minor or 0
        return Event(
            # The very object: only that is left out of facts as the default; equal text from a file is not.
            name=PURCHASE if self.name == PURCHASE else self.name,
            amount_minor=amount,
            tax_minor=self.tax_minor,
            discount_minor=self.discount_minor,
            lines=self.lines,
            tenders=(Tender(kind=self.tender, amount_minor=amount),) if self.tender and amount else (),
            subject=self.order,
            channel=self.channel,
        )


def moment_of(at: int) -> datetime:
    """The aware moment of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=at)


def micros_of(moment: datetime) -> int:
    """Microseconds since 1970 of an aware moment."""
    return (moment - _EPOCH) // _MICROSECOND


class RowReader:
    """Reads rows (column -> text) of amounts in `currency`. Moments without an offset are read in `zone`, and are
    faults without one; a date alone is its noon."""

    def __init__(self, currency: str, zone: ZoneInfo | None) -> None:
        self._places = decimals(currency)
        self._zone = zone

    def read(self, cells: Mapping[str, str], number: int) -> Sale:
        """The row in line `number`; an empty cell is an absent one. Raises BadCell."""
        refund_of = _word(cells, "refund")
        name = _word(cells, "event") or PURCHASE
        amount = self._money(cells, "amount")
        tax, discount = self._money(cells, "tax") or 0, self._money(cells, "discount") or 0
        if amount is None and refund_of is None and name == PURCHASE:
            raise BadCell("amount", "a purchase needs an amount")
        if refund_of is not None and amount == 0:
            raise BadCell("amount", "a refund gives back something; leave it empty for all that is left")
        if tax + discount > (amount or 0):
            raise BadCell("tax" if tax else "discount", "tax and discount are more than the amount")
        return Sale(
            at=self._at(cells),
            line=number,
            customer=_needed(cells, "customer"),
            amount_minor=amount,
            order=_word(cells, "order"),
            refund_of=refund_of,
            name=name,
            partner=_word(cells, "partner"),
            location=_word(cells, "location"),
            channel=_word(cells, "channel"),
            tender=_word(cells, "tender"),
            tax_minor=tax,
            discount_minor=discount,
            lines=self._lines(cells, amount or 0, tax),
        )

    def basket_line(self, cells: Mapping[str, str]) -> Line:
        """A line of a basket that is written inside its row. Raises BadCell."""
        amount = self._money(cells, "amount")
        if amount is None:
            raise BadCell("lines", "each line needs an amount")
        tax = self._money(cells, "tax") or 0
        if tax > amount:
            raise BadCell("tax", "tax is more than the amount")
        return _line(cells, amount, tax)

    def _lines(self, cells: Mapping[str, str], amount: int, tax: int) -> tuple[Line, ...]:
        if not any(cells.get(column) for column in ("sku", "category", "brand", "quantity")):
            return ()
        return (_line(cells, amount, tax),)

    def _money(self, cells: Mapping[str, str], column: str) -> int | None:
        text = cells.get(column)
        if not text:
            return None
        found = _NUMBER.fullmatch(text)
        if found is None:
            raise BadCell(column, _why_not_a_number(text))
        whole, part = found[1], (found[2] or "").rstrip("0")
        if len(part) > self._places:
            raise BadCell(column, f"'{text}' has a fraction of a minor unit ({self._places} decimals at most)")
        minor = int(whole + part.ljust(self._places, "0"))
        if minor > LARGEST_AMOUNT:
            raise BadCell(column, f"'{text}' is out of bounds")
        return minor

    def _at(self, cells: Mapping[str, str]) -> int:
        text = _needed(cells, "moment")
        dated = _DATE.fullmatch(text)
        found = None if dated else _MOMENT.fullmatch(text)
        if dated is None and found is None:
            raise BadCell("moment", f"'{_short(text)}' is not a date or a moment (ISO 8601)")
        try:
            moment = datetime.fromisoformat(text + "T12:00" if dated else text)
        except ValueError:
            raise BadCell("moment", f"'{text}' does not exist in the calendar") from None
        if moment.year not in _YEARS:
            raise BadCell("moment", f"the year of '{text}' is out of bounds")
        return micros_of(moment if moment.tzinfo else self._local(moment, text))

    def _local(self, moment: datetime, text: str) -> datetime:
        if self._zone is None:
            raise BadCell("moment", f"'{text}' has no time zone; write an offset or name a zone for the file")
        aware = moment.replace(tzinfo=self._zone).astimezone(UTC)
        if aware.astimezone(self._zone).replace(tzinfo=None) != moment:
            raise BadCell("moment", f"'{text}' was skipped by the clock in {self._zone.key}")
        return aware


def _line(cells: Mapping[str, str], amount: int, tax: int) -> Line:
    return Line(
        amount_minor=amount,
        sku=_word(cells, "sku"),
        category=_word(cells, "category"),
        brand=_word(cells, "brand"),
        tax_minor=tax,
        quantity_milli=_quantity(cells),
    )


def _quantity(cells: Mapping[str, str]) -> int:
    text = cells.get("quantity")
    if not text:
        return 1000
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise BadCell("quantity", _why_not_a_number(text))
    part = (found[2] or "").rstrip("0")
    if len(part) > 3:
        raise BadCell("quantity", f"'{text}' is finer than thousandths")
    milli = int(found[1] + part.ljust(3, "0"))
    if not 0 < milli <= _LARGEST_QUANTITY_MILLI:
        raise BadCell("quantity", f"'{text}' is out of bounds")
    return milli


def _why_not_a_number(text: str) -> str:
    if text[0] in "-−" and _NUMBER.fullmatch(text[1:]):
        return f"'{_short(text)}' is negative; money given back is a row that names its order in column refund"
    return f"'{_short(text)}' is not a number (digits, a point, decimals)"


def _word(cells: Mapping[str, str], column: str) -> str | None:
    text = cells.get(column)
    if not text:
        return None
    if len(text) > _LONGEST_WORD or not text.isprintable():
        raise BadCell(column, f"{_short(text)!a} is longer than {_LONGEST_WORD} or has control characters")
    return text


def _needed(cells: Mapping[str, str], column: str) -> str:
    text = _word(cells, column)
    if text is None:
        raise BadCell(column, "is missing")
    return text


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
