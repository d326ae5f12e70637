"""Sales sorted on disk are the sales sorted in memory, whatever their number, order and the size of a run."""

from hypothesis import given
from hypothesis import strategies as st

from points.programme.events import Line
from points.programme.simulation.sale import Sale
from points.programme.simulation.spool import Spool

LINES = st.lists(
    st.builds(Line, amount_minor=st.integers(0, 10**12), sku=st.none() | st.text(max_size=3)), max_size=2
).map(tuple)
SALES = st.lists(
    st.builds(
        Sale,
        at=st.integers(0, 5),
        line=st.integers(1, 10**6),
        customer=st.text(max_size=5),
        amount_minor=st.none() | st.integers(0, 10**12),
        order=st.none() | st.text(max_size=5),
        lines=LINES,
    ),
    max_size=40,
    unique_by=lambda sale: sale.line,
)


@given(sales=SALES, run=st.integers(1, 12))
def test_sales_come_back_whole_and_in_order_of_time_and_line(sales: list[Sale], run: int) -> None:
    with Spool(run) as spool:
        for sale in sales:
            spool.add(sale)
        expected = sorted(sales, key=lambda sale: (sale.at, sale.line))
        assert list(spool) == expected
        assert spool.count == len(sales)


@given(sales=SALES)
def test_two_readers_do_not_disturb_each_other(sales: list[Sale]) -> None:
    with Spool(3) as spool:
        for sale in sales:
            spool.add(sale)
        assert all(one == other for one, other in zip(spool, spool, strict=True))


def test_runs_longer_than_what_is_read_at_once_come_back_whole() -> None:
    sales = [
        Sale(at=-line % 977, line=line, customer=f"customer {line}" * 5, amount_minor=line) for line in range(9_000)
    ]
    with Spool(4_000) as spool:
        for sale in sales:
            spool.add(sale)
        assert list(spool) == sorted(sales, key=lambda sale: (sale.at, sale.line))
