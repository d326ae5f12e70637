"""Whatever the history: figures are what the books and the written ledger say, and order of rows changes nothing."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st

from points.programme.canonical import version_of
from points.programme.events import Line
from points.programme.simulation.behaviour import Assumptions
from points.programme.simulation.run import Replay, simulate
from points.programme.simulation.sale import Sale, micros_of
from points.programme.simulation.sales import Sales, read_sales, sales_of
from points.programme.text import read_programme

VERSION = version_of(
    read_programme("""
programme: shop
names: {en: Shop}
zone: Europe/Helsinki
currency: EUR
unit: {value: 0.01}
earn:
  - {id: base, kind: spend, per: 3.00, points: 2}
  - {id: visit, kind: visit, points: 1, max_per: {day: 1}, adds: true}
campaigns:
  - {id: twice, stacking: stack, times: 2, budget: {points: 60}}
  - {id: fourth, stacking: stack, adds: 5, when: {nth: {at_least: 4, within: P30D}}}
tiers:
  measure: points
  window: {kind: rolling, length: P60D}
  levels:
    - {id: base, from: 0, names: {en: Base}}
    - {id: gold, from: 40, names: {en: Gold}}
rewards:
  - {id: cup, kind: product, cost: 10, names: {en: Cup}}
  - {id: card, kind: amount_off, amount: 1.00, cost: 30, stock: {count: 2, per: month}, voucher: true,
     names: {en: Card}}
  - {id: gift, kind: product, cost: 45, auto_issue: true, valid: P60D, names: {en: Gift}}
lots:
  expiry: {kind: rolling, length: P40D}
""")
)
BEGINS = datetime(2026, 3, 1, 9, tzinfo=UTC)
END = datetime(2026, 12, 31, tzinfo=UTC)


@st.composite
def histories(draw: st.DrawFn) -> list[Sale]:
    """Purchases of a few customers, some of them given back in part or whole, later."""
    found: list[Sale] = []
    for line in range(1, draw(st.integers(1, 25)) + 1):
        day = draw(st.integers(0, 120))
        amount = draw(st.integers(1, 4_000))
        bought = Sale(
            at=micros_of(BEGINS + timedelta(days=day, minutes=line)),
            line=line,
            customer=draw(st.sampled_from("abc")),
            amount_minor=amount,
            order=f"o{line}",
            lines=draw(st.sampled_from([(), (Line(amount_minor=amount, category="tea"),)])),
        )
        found.append(bought)
        if draw(st.integers(0, 3)) == 0:
            back = draw(st.none() | st.integers(1, amount))
            at = bought.at + draw(st.integers(1, 60)) * 86_400_000_000
            found.append(Sale(at, 1000 + line, bought.customer, back, refund_of=f"o{line}"))
    return found


def assumed(chance: Fraction) -> Assumptions:
    return Assumptions(redeem=chance, until=END)


CHANCES = st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1)])


@given(sales=histories(), chance=CHANCES)
def test_figures_are_what_the_books_hold_at_the_end(sales: list[Sale], chance: Fraction) -> None:
    history = sales_of(sales)
    replay = Replay(VERSION, assumed(chance), history.refunded, history.returning)
    for sale in history:
        replay.play(sale)
    figures = replay.finish()
    books = replay.books.values()
    assert figures.open == sum(book.spendable + book.pending + book.held for book in books)
    assert figures.owed == sum(book.arrears for book in books)
    assert figures.open == sum(lot.remaining for book in books for lot in book.lots.values())
    assert figures.open - figures.owed == figures.issued - figures.withdrawn - figures.redeemed - figures.expired
    assert all(day.open >= 0 and day.owed >= 0 for day in figures.days)
    assert figures.rewards[1].times <= 2 * 10, "two a month"


@given(sales=histories(), chance=CHANCES)
def test_figures_are_what_the_written_ledger_sums_to(sales: list[Sale], chance: Fraction) -> None:
    to = BytesIO()
    figures = simulate(VERSION, sales_of(sales), assumed(chance), ledger=to)
    sums: Counter[str] = Counter()
    for line in to.getvalue().splitlines():
        postings = json.loads(line).get("postings", ())
        assert sum(amount for _, amount in postings) == 0
        for account, amount in postings:
            sums[account.rsplit("/", 1)[1]] += amount
    assert sums["spendable"] + sums["pending"] + sums["held"] == figures.open
    assert -sums["arrears"] == figures.owed
    assert sums["expired"] == figures.expired
    assert sums["issued"] + sums["accepted"] == figures.withdrawn + figures.redeemed - figures.issued


@given(sales=histories(), chance=st.sampled_from([Fraction(0), Fraction(1)]), data=st.data())
def test_neither_the_order_of_rows_nor_the_size_of_runs_changes_a_byte(
    sales: list[Sale], chance: Fraction, data: st.DataObject
) -> None:
    rows = [_row(sale) for sale in sales]
    shuffled = data.draw(st.permutations(rows))
    with _read(rows, 100_000) as one, _read(shuffled, 3) as other:
        assert [(s.at, s.customer, s.amount_minor) for s in one] == [(s.at, s.customer, s.amount_minor) for s in other]
        digests = []
        for history in (one, other):
            to = BytesIO()
            figures = simulate(VERSION, history, assumed(chance), ledger=to)
            lines = [{**json.loads(line), "key": ""} for line in to.getvalue().splitlines()]
            digests.append((figures, lines))
        # Keys name the lines of the file, which the shuffling moves; all else is the same.
        assert digests[0] == digests[1]


def _row(sale: Sale) -> str:
    amount = "" if sale.amount_minor is None else f"{sale.amount_minor // 100}.{sale.amount_minor % 100:02}"
    moment = sale.moment.isoformat()
    category = sale.lines[0].category if sale.lines else ""
    return f"{sale.customer},{moment},{amount},{sale.order or ''},{sale.refund_of or ''},{category}"


def _read(rows: Sequence[str], run: int) -> Sales:
    text = "\n".join(["customer,moment,amount,order,refund,category", *rows])
    # Partial refunds may sum to more than the purchase; such rows are told and left out.
    return read_sales(BytesIO(text.encode()), "csv", "EUR", skip_broken=True, run=run)
