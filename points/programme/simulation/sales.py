"""Reads a sales file: every broken row is reported with its line; by flag the rest is used, or nothing is.

Memory does not grow with the file but for the order ids (to see those that come twice): sales are sorted on disk.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO
from zoneinfo import ZoneInfo

import msgspec

from kernel.errors import Invalid
from points.programme.simulation.sale import LARGEST_AMOUNT, BadCell, RowReader, Sale, SalesFault
from points.programme.simulation.spool import RUN, Spool
from points.programme.simulation.table import Format, Naming, NoTable, Row, rows

# So many faults are kept with their lines; of more, only the number.
KEPT_FAULTS = 10_000
_PROGRESS_EVERY = 5_000
AS_WRITTEN = Naming({})


class BadSales(Invalid):
    """The sales file has broken rows, and nothing was asked to be skipped."""

    code = "bad_sales"
    title = "The sales file has broken rows"

    def __init__(self, detail: str, faults: tuple[SalesFault, ...], count: int) -> None:
        super().__init__(detail, faults=[str(fault) for fault in faults], count=count)
        self.faults = faults
        self.count = count


@dataclass(slots=True)
class Faults:
    """What was found wrong so far: the first of them, and how many in all."""

    kept: list[SalesFault] = field(default_factory=list)
    count: int = 0

    def add(self, fault: SalesFault) -> None:
        """Note a fault."""
        self.count += 1
        if len(self.kept) < KEPT_FAULTS:
            self.kept.append(fault)

    def in_order(self) -> tuple[SalesFault, ...]:
        """By line."""
        return tuple(sorted(self.kept, key=lambda fault: fault.line))


@dataclass(slots=True)
class Sales:
    """Sales in order of time (iterate as often as wished), and what was wrong with the rest of the file.

    `refunded` are the orders that something is given back on, `returning` their customers. Close it (or use
    `with`) when done.
    """

    spool: Spool
    faults: tuple[SalesFault, ...]
    fault_count: int
    refunded: frozenset[str] = frozenset()
    returning: frozenset[str] = frozenset()
    left_out: frozenset[int] = frozenset()

    def __enter__(self) -> "Sales":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.spool.close()

    def __iter__(self) -> Iterator[Sale]:
        if not self.left_out:
            return iter(self.spool)
        return (sale for sale in self.spool if sale.line not in self.left_out)

    def __len__(self) -> int:
        return self.spool.count - len(self.left_out)


def read_sales(
    stream: IO[bytes],
    format_: Format,
    currency: str,
    zone: ZoneInfo | None = None,
    naming: Naming = AS_WRITTEN,
    *,
    skip_broken: bool = False,
    progress: Callable[[int], None] | None = None,
    run: int = RUN,
) -> Sales:
    """All sales of a file, in the programme's `currency`. `progress` hears now and then how many lines were read.

    Raises BadSales for any fault, or with `skip_broken` only when the file is no table at all.
    """
    spool, faults = Spool(run), Faults()
    reading = _Reading(RowReader(currency, zone), spool, faults)
    try:
        for found in rows(stream, format_, naming):
            reading.take(found)
            if progress and reading.taken % _PROGRESS_EVERY == 0:
                progress(reading.taken)
        reading.finish()
        left_out = _check_refunds(reading.refunds, spool, faults)
    except NoTable as error:
        spool.close()
        raise BadSales(str(error), error.faults, len(error.faults)) from None
    if faults.count and not skip_broken:
        spool.close()
        raise BadSales(_told(faults), faults.in_order(), faults.count)
    refunds = [sale for sale in reading.refunds if sale.line not in left_out]
    refunded = frozenset(str(sale.refund_of) for sale in refunds)
    returning = frozenset(sale.customer for sale in refunds)
    return Sales(spool, faults.in_order(), faults.count, refunded, returning, left_out)


def sales_of(found: Iterable[Sale]) -> Sales:
    """Sales that were made or read elsewhere; their refunds are trusted."""
    spool = Spool()
    refunded: set[str] = set()
    returning: set[str] = set()
    for sale in found:
        spool.add(sale)
        if sale.refund_of is not None:
            refunded.add(sale.refund_of)
            returning.add(sale.customer)
    return Sales(spool, (), 0, frozenset(refunded), frozenset(returning))


class _Reading:
    """Rows to sales. Rows of one order that number their lines and stand together are one basket."""

    def __init__(self, reader: RowReader, spool: Spool, faults: Faults) -> None:
        self._reader = reader
        self._spool = spool
        self._faults = faults
        self._orders: dict[str, int] = {}
        self._basket: _Basket | None = None
        self.refunds: list[Sale] = []
        self.taken = 0

    def take(self, found: Row | SalesFault) -> None:
        """The next row."""
        self.taken += 1
        if isinstance(found, SalesFault):
            self._faults.add(found)
            return
        order, place = found.cells.get("order"), found.cells.get("line")
        if self._basket is not None and (order != self._basket.order or not place):
            self.finish()
        try:
            self._put(self._sale(found), place)
        except BadCell as bad:
            self._faults.add(SalesFault(found.number, bad.column, bad.message))
            if place and order and self._basket is None:
                self._basket = _Basket(order, found.number, None)
            if self._basket is not None:
                self._basket.broken = True

    def finish(self) -> None:
        """Nothing more belongs to the basket that is open."""
        basket, self._basket = self._basket, None
        if basket is None:
            return
        if basket.broken or basket.sale is None:
            why = f"'{basket.order}' is left out: one of its lines is broken"
            self._faults.add(SalesFault(basket.begins, "order", why))
        else:
            self._spool.add(basket.sale)

    def _sale(self, row: Row) -> Sale:
        if not row.lines:
            return self._reader.read(row.cells, row.number)
        lines = tuple(self._reader.basket_line(cells) for cells in row.lines)
        total = sum(line.amount_minor for line in lines)
        if "amount" in row.cells:
            sale = self._reader.read(row.cells, row.number)
            if sale.amount_minor != total:
                raise BadCell("amount", "is not the sum of the lines")
        elif total > LARGEST_AMOUNT:
            raise BadCell("lines", "their sum is out of bounds")
        else:
            sale = self._reader.read({**row.cells, "amount": "0"}, row.number)
        tax = sale.tax_minor or sum(line.tax_minor for line in lines)
        return msgspec.structs.replace(sale, amount_minor=total, lines=lines, tax_minor=tax)

    def _put(self, sale: Sale, place: str | None) -> None:
        if sale.refund_of is not None:
            self.refunds.append(sale)
            self._spool.add(sale)
            return
        if self._basket is not None and place:
            self._basket.add(sale, place)
            return
        if sale.order is not None:
            first = self._orders.setdefault(sale.order, sale.line)
            if first != sale.line:
                raise BadCell("order", f"'{sale.order}' was in line {first} already")
        if place and sale.order is not None:
            self._basket = _Basket(sale.order, sale.line, sale, {place})
        else:
            self._spool.add(sale)


@dataclass(slots=True)
class _Basket:
    """An order whose lines are rows of the file, as far as it was read."""

    order: str
    begins: int
    sale: Sale | None
    places: set[str] = field(default_factory=set)
    broken: bool = False

    def add(self, sale: Sale, place: str) -> None:
        first = self.sale
        if place in self.places:
            raise BadCell("line", f"'{place}' of order '{self.order}' comes twice")
        if first is None:
            return
        if (sale.customer, sale.at, sale.name) != (first.customer, first.at, first.name):
            raise BadCell("order", f"'{self.order}' has another customer, moment or event than in line {first.line}")
        self.places.add(place)
        amount = (first.amount_minor or 0) + (sale.amount_minor or 0)
        if amount > LARGEST_AMOUNT:
            raise BadCell("amount", "the order's sum is out of bounds")
        self.sale = msgspec.structs.replace(
            first,
            amount_minor=amount,
            tax_minor=first.tax_minor + sale.tax_minor,
            discount_minor=first.discount_minor + sale.discount_minor,
            lines=first.lines + sale.lines,
        )


def _check_refunds(refunds: list[Sale], spool: Spool, faults: Faults) -> frozenset[int]:
    """Refunds must name an earlier order of the same customer and give back no more than it has left; the lines of
    those that do not are returned."""
    if not refunds:
        return frozenset()
    wanted = {sale.refund_of for sale in refunds}
    orders: dict[str, list[int]] = {}
    customers: dict[str, str] = {}
    broken: set[int] = set()
    for sale in spool:
        if sale.refund_of is None:
            if sale.order in wanted and sale.order is not None:
                orders[sale.order] = [sale.amount_minor or 0]
                customers[sale.order] = sale.customer
            continue
        why = _refusal(sale, orders.get(sale.refund_of), customers.get(sale.refund_of))
        if why:
            faults.add(SalesFault(sale.line, "refund", why))
            broken.add(sale.line)
    return frozenset(broken)


def _refusal(sale: Sale, left: list[int] | None, customer: str | None) -> str | None:
    """Why a refund cannot be; otherwise what is left of its order is lowered."""
    if left is None or customer is None:
        return f"there is no earlier order '{sale.refund_of}'"
    if customer != sale.customer:
        return f"order '{sale.refund_of}' is another customer's"
    amount = left[0] if sale.amount_minor is None else sale.amount_minor
    if amount == 0 or amount > left[0]:
        return f"more than is left of order '{sale.refund_of}'"
    left[0] -= amount
    return None


def _told(faults: Faults) -> str:
    first = ", ".join(map(str, faults.in_order()[:3]))
    more = f" and {faults.count - 3} more" if faults.count > 3 else ""
    return f"{faults.count} faults: {first}{more}. Nothing was simulated; --skip-broken uses the rest."
