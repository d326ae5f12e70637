"""What of an event counts: lines and tenders after discounts, rewards, tax and returns, exactly. Pure.

Everything is kept as integer numerators over one denominator, so that a discount on the whole basket is spread over its
lines without rounding, and what is left after a return has exactly its share.
"""

from dataclasses import dataclass
from math import lcm

from points.programme.events import Event, Line
from points.programme.periods import Span, span
from points.programme.schema.earning import EarnBase

UNKNOWN = "unknown"
POINTS = "points"


@dataclass(frozen=True, slots=True)
class Base:
    """An `EarnBase`, compiled. `minimum` is in minor units, 0 if there is none."""

    excluded: frozenset[str]
    excluded_skus: frozenset[str]
    excluded_tenders: frozenset[str]
    without_tax: bool
    net_of_discounts: bool
    net_of_rewards: bool
    minimum: int
    visits_of: frozenset[str]
    visit_gap: Span | None


@dataclass(slots=True)
class Cell:
    """A share of a line (None: a purchase without lines): (index of the line, tender); tender None: nobody asks.

    `weight` is money over `Basket.money`, `pieces` thousandths of pieces over `Basket.quantity`.
    """

    share: tuple[int, str | None]
    line: Line | None
    weight: int
    pieces: int


@dataclass(frozen=True, slots=True)
class Basket:
    """The cells that count, the denominators of their weights, and the whole base in minor units, rounded down."""

    cells: tuple[Cell, ...]
    money: int
    quantity: int
    total: int
    whole_minor: int


NOTHING = Basket((), 1, 1, 0, 0)


def base_of(earn_base: EarnBase, minimum: int) -> Base:
    """Compile an earn base; `minimum` in minor units."""
    points = {POINTS} if "points" in earn_base.net_of else set()
    return Base(
        excluded=frozenset(earn_base.exclude_categories),
        excluded_skus=frozenset(earn_base.exclude_skus),
        excluded_tenders=frozenset(earn_base.exclude_tenders) | points,
        without_tax=earn_base.tax == "excluded",
        net_of_discounts="discounts" in earn_base.net_of,
        net_of_rewards="rewards" in earn_base.net_of,
        minimum=minimum,
        visits_of=frozenset(earn_base.visits_of),
        visit_gap=span(earn_base.visit_gap) if earn_base.visit_gap else None,
    )


def basket(base: Base, event: Event, by_tender: bool) -> Basket:
    """What of `event` counts; with `by_tender` each line is cut into shares by what paid for it."""
    amount = sum(line.amount_minor for line in event.lines if line.amount_minor > 0) or event.amount_minor
    if amount <= 0:
        return NOTHING
    paid = max(0, amount - event.discount_minor - event.reward_minor)
    off = (event.discount_minor if base.net_of_discounts else 0) + (event.reward_minor if base.net_of_rewards else 0)
    shares, of_shares = _shares(base, event, paid, by_tender)
    weights, money = _weights(base, event, amount, max(0, amount - off))
    pieces, quantity = _pieces(base, event, amount)
    money *= of_shares
    cells = tuple(
        Cell((place, tender), line, weight * share, pieces[place] * share)
        for place, (line, weight) in enumerate(zip(event.lines or (None,), weights, strict=True))
        if weight
        for tender, share in shares
    )
    total = sum(cell.weight for cell in cells)
    return Basket(cells, money, quantity * of_shares, total, total // money)


def remaining_minor(event: Event) -> int:
    """What is left of the event's amount after returns, in minor units."""
    return event.amount_minor - event.returned_minor - sum(line.returned_minor for line in event.lines)


def _shares(base: Base, event: Event, paid: int, by_tender: bool) -> tuple[list[tuple[str | None, int]], int]:
    """(tender, amount) of what counts, and of how much in all; what tenders do not name was paid with `unknown`."""
    if not event.tenders:
        return ([] if UNKNOWN in base.excluded_tenders else [(UNKNOWN if by_tender else None, 1)]), 1
    named: dict[str, int] = {}
    for tender in event.tenders:
        named[tender.kind] = named.get(tender.kind, 0) + max(0, tender.amount_minor)
    unknown = paid - sum(named.values())
    if unknown > 0:
        named[UNKNOWN] = named.get(UNKNOWN, 0) + unknown
    counting = {kind: n for kind, n in named.items() if n and kind not in base.excluded_tenders}
    in_all = sum(named.values()) or 1
    if by_tender:
        return list(counting.items()), in_all
    counted = sum(counting.values())
    return ([(None, counted)] if counted else []), in_all


def _weights(base: Base, event: Event, amount: int, left: int) -> tuple[list[int], int]:
    """What each line counts for, and the denominator; `left` of `amount` is what discounts leave."""
    if not event.lines:
        net = max(0, event.amount_minor - (event.tax_minor if base.without_tax else 0))
        kept = amount - event.returned_minor
        if left == amount and kept == amount:
            return [net], 1
        return [net * left * kept], amount * amount
    weights, money = [line.amount_minor if _counts(base, line) else 0 for line in event.lines], 1
    if base.without_tax:
        untold = max(0, event.tax_minor - sum(line.tax_minor for line in event.lines))
        money = amount if untold else 1
        weights = [
            max(0, (weight - line.tax_minor) * money - untold * weight) if weight else 0
            for weight, line in zip(weights, event.lines, strict=True)
        ]
    if left != amount:
        weights, money = [weight * left for weight in weights], money * amount
    return _kept(event, weights, money)


def _pieces(base: Base, event: Event, amount: int) -> tuple[list[int], int]:
    """Thousandths of pieces of each line, and the denominator: pieces that a reward paid for do not count."""
    if not event.lines:
        return [0], 1
    pieces, quantity = [max(0, line.quantity_milli) for line in event.lines], 1
    asked = max(0, amount - event.discount_minor)
    if base.net_of_rewards and event.reward_minor and asked:
        pieces, quantity = [n * max(0, asked - event.reward_minor) for n in pieces], asked
    return _kept(event, pieces, quantity)


def _kept(event: Event, numbers: list[int], denominator: int) -> tuple[list[int], int]:
    """`numbers` of the lines cut down to what was not returned."""
    returned = [line.amount_minor for line in event.lines if line.returned_minor and line.amount_minor > 0]
    if not returned:
        return numbers, denominator
    many = lcm(*returned)
    return [
        n * (many // line.amount_minor * (line.amount_minor - line.returned_minor) if line.returned_minor else many)
        if line.amount_minor > 0
        else 0
        for n, line in zip(numbers, event.lines, strict=True)
    ], denominator * many


def _counts(base: Base, line: Line) -> bool:
    return line.amount_minor > 0 and line.category not in base.excluded and line.sku not in base.excluded_skus
