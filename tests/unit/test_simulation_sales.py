"""A sales file: what is read, and how each broken row is told."""

from datetime import UTC, datetime
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest

from points.programme.events import Line
from points.programme.simulation.sale import Sale
from points.programme.simulation.sales import AS_WRITTEN, BadSales, Sales, read_sales
from points.programme.simulation.table import Format, Naming

HELSINKI = ZoneInfo("Europe/Helsinki")


def read(
    text: str | bytes,
    format_: Format = "csv",
    *,
    zone: ZoneInfo | None = None,
    naming: Naming = AS_WRITTEN,
    skip: bool = False,
    currency: str = "EUR",
) -> Sales:
    data = text if isinstance(text, bytes) else text.encode()
    return read_sales(BytesIO(data), format_, currency, zone, naming, skip_broken=skip)


def faults(text: str | bytes, format_: Format = "csv", *, zone: ZoneInfo | None = None) -> list[str]:
    with pytest.raises(BadSales) as caught:
        read(text, format_, zone=zone)
    return [str(fault) for fault in caught.value.faults]


def only(sales: Sales) -> Sale:
    (sale,) = sales
    return sale


def test_a_row_of_a_csv_file_is_a_purchase() -> None:
    sale = only(read("customer,moment,amount\n 17 ,2026-03-01T15:30:00+02:00,12.05\n"))
    assert (sale.customer, sale.amount_minor, sale.line) == ("17", 1205, 2)
    assert sale.moment == datetime(2026, 3, 1, 13, 30, tzinfo=UTC)
    assert sale.event().lines == ()


def test_a_line_of_json_is_a_purchase_and_its_numbers_are_read_exactly() -> None:
    sale = only(read('{"customer": 17, "moment": "2026-03-01T15:30Z", "amount": 1234567890.07}\n', "jsonl"))
    assert (sale.customer, sale.amount_minor) == ("17", 123456789007)


def test_what_was_bought_becomes_a_line_of_the_basket() -> None:
    header = "customer,moment,amount,sku,category,brand,quantity,tender,location,channel,tax,order\n"
    sale = only(read(header + "a,2026-03-01T12:00Z,5.00,s1,hot_drinks,b,1.5,card,harbour,app,0.61,o1\n"))
    event = sale.event()
    line = Line(amount_minor=500, sku="s1", category="hot_drinks", brand="b", quantity_milli=1500, tax_minor=61)
    assert event.lines == (line,)
    assert [(t.kind, t.amount_minor) for t in event.tenders] == [("card", 500)]
    assert (event.subject, event.channel, event.tax_minor, sale.location) == ("o1", "app", 61, "harbour")


def test_an_order_whose_rows_number_their_lines_is_one_basket() -> None:
    sale = only(
        read(
            "customer,moment,amount,order,line,category\n"
            "a,2026-03-01T12:00Z,5.00,o1,1,tea\n"
            "a,2026-03-01T12:00Z,2.50,o1,2,cake\n"
        )
    )
    assert sale.amount_minor == 750
    assert [(line.category, line.amount_minor) for line in sale.lines] == [("tea", 500), ("cake", 250)]


def test_a_basket_inside_a_line_of_json_is_summed() -> None:
    lines = '[{"amount":5,"category":"tea","tax":0.5},{"amount":"2.50"}]'
    text = f'{{"customer":"a","moment":"2026-03-01T12:00Z","lines":{lines}}}'
    sale = only(read(text, "jsonl"))
    assert (sale.amount_minor, len(sale.lines), sale.tax_minor) == (750, 2, 50)


def test_sales_come_in_order_of_time_and_those_of_one_moment_in_order_of_the_file() -> None:
    rows = ["a,2026-03-02T00:00Z,1", "b,2026-03-01T00:00Z,2", "c,2026-03-02T00:00Z,3", "d,2026-03-01T01:00+01:00,4"]
    sales = read("customer,moment,amount\n" + "\n".join(rows))
    assert [sale.customer for sale in sales] == ["b", "d", "a", "c"]
    assert [sale.customer for sale in sales] == ["b", "d", "a", "c"], "a second look sees the same"


def test_a_date_alone_is_its_noon_and_a_moment_without_offset_is_local_to_the_zone() -> None:
    sales = read("customer,moment,amount\na,2026-07-01,1\nb,2026-07-01 23:30,1\n", zone=HELSINKI)
    assert [sale.moment for sale in sales] == [
        datetime(2026, 7, 1, 9, tzinfo=UTC),
        datetime(2026, 7, 1, 20, 30, tzinfo=UTC),
    ]


def test_columns_may_have_other_names_and_uninteresting_ones_are_left_out() -> None:
    naming = Naming({"customer": "Client", "amount": "Total", "moment": "When"}, frozenset({"Note"}))
    sale = only(read("Client;When;Total;Note\n7;2026-01-01T00:00Z;3;x\n", naming=naming))
    assert (sale.customer, sale.amount_minor) == ("7", 300)


def test_a_file_with_a_byte_order_mark_and_quoted_cells_is_read() -> None:
    text = b'\xef\xbb\xbfcustomer,moment,amount,sku\r\n"Smith, J.",2026-01-01T00:00Z,3,"two\r\nlines"\r\n'
    assert faults(text) == ["line 2: sku: 'two\\r\\nlines' is longer than 200 or has control characters"]
    assert only(read(text.replace(b"two\r\nlines", b'a "b"'.replace(b'"', b'""')))).customer == "Smith, J."


def test_currencies_without_decimals_take_whole_numbers_alone() -> None:
    assert only(read("customer,moment,amount\na,2026-01-01T00:00Z,300.00\n", currency="JPY")).amount_minor == 300
    with pytest.raises(BadSales):
        read("customer,moment,amount\na,2026-01-01T00:00Z,300.5\n", currency="JPY")


BROKEN = [
    ("a,2026-01-01T00:00Z,ten", "amount: 'ten' is not a number (digits, a point, decimals)"),
    ("a,2026-01-01T00:00Z,1e3", "amount: '1e3' is not a number (digits, a point, decimals)"),
    ('a,2026-01-01T00:00Z,"1,50"', "amount: '1,50' is not a number (digits, a point, decimals)"),
    ("a,2026-01-01T00:00Z,NaN", "amount: 'NaN' is not a number (digits, a point, decimals)"),
    ("a,2026-01-01T00:00Z,١٢", "amount: '١٢' is not a number (digits, a point, decimals)"),
    (
        "a,2026-01-01T00:00Z,-3.00",
        "amount: '-3.00' is negative; money given back is a row that names its order in column refund",
    ),
    ("a,2026-01-01T00:00Z,3.005", "amount: '3.005' has a fraction of a minor unit (2 decimals at most)"),
    ("a,2026-01-01T00:00Z,10000000000.01", "amount: '10000000000.01' is out of bounds"),
    ("a,2026-01-01T00:00Z,", "amount: a purchase needs an amount"),
    (",2026-01-01T00:00Z,3", "customer: is missing"),
    ("a,,3", "moment: is missing"),
    ("a,01/02/2026,3", "moment: '01/02/2026' is not a date or a moment (ISO 8601)"),
    ("a,2026-02-30T00:00Z,3", "moment: '2026-02-30T00:00Z' does not exist in the calendar"),
    ("a,1026-02-03T00:00Z,3", "moment: the year of '1026-02-03T00:00Z' is out of bounds"),
    (
        "a,2026-01-01T10:00,3",
        "moment: '2026-01-01T10:00' has no time zone; write an offset or name a zone for the file",
    ),
    ("a,2026-01-01,3", "moment: '2026-01-01' has no time zone; write an offset or name a zone for the file"),
    ("a,2026-01-01T00:00Z", "has 2 cells, the header 3"),
    ("a,2026-01-01T00:00Z,3,4", "has 4 cells, the header 3"),
    ("a\x07,2026-01-01T00:00Z,3", "customer: 'a\\x07' is longer than 200 or has control characters"),
    ('"a"b,2026-01-01T00:00Z,3', "is not CSV: ',' expected after '\"'"),
]


@pytest.mark.parametrize(("row", "told"), BROKEN)
def test_a_broken_row_is_told_with_its_line_and_column(row: str, told: str) -> None:
    text = f"customer,moment,amount\nx,2026-01-01T00:00Z,1\n\n{row}\ny,2026-01-02T00:00Z,2\n"
    assert faults(text) == [f"line 4: {told}"]
    kept = read(text, skip=True)
    assert [sale.customer for sale in kept] == ["x", "y"], "the rest is used when asked"
    assert [str(fault) for fault in kept.faults] == [f"line 4: {told}"], "and the broken row is still told"


def test_a_row_that_is_not_utf8_is_told() -> None:
    text = b"customer,moment,amount\n\xe4,2026-01-01T00:00Z,1\nb,2026-01-01T00:00Z,1\n"
    assert faults(text) == ["line 2: is not UTF-8"]
    assert [sale.customer for sale in read(text, skip=True)] == ["b"]


def test_a_local_time_that_the_clock_skipped_is_told() -> None:
    text = "customer,moment,amount\na,2026-03-29T03:30,1\n"
    assert faults(text, zone=HELSINKI) == [
        "line 2: moment: '2026-03-29T03:30' was skipped by the clock in Europe/Helsinki"
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("[1]", "is not a JSON object"),
        ("{", "is not one line of JSON"),
        ("[" * 20_000, "is not one line of JSON"),
        ('{"customer":"a","moment":"2026-01-01T00:00Z","amount":true}', "amount: is neither text nor a number"),
        ('{"customer":"a","moment":"2026-01-01T00:00Z","amount":NaN}', "NaN is not a number"),
        ('{"customer":"a","customer":"b","moment":"2026-01-01T00:00Z","amount":1}', "names a column more than once"),
        ('{"customer":"a","moment":"2026-01-01T00:00Z","amount":1,"x":2}', "x: is not a column that we know"),
        (
            '{"customer":"a","moment":"2026-01-01T00:00Z","amount":1,"lines":[{"amount":2}]}',
            "amount: is not the sum of the lines",
        ),
        ('{"customer":"a","moment":"2026-01-01T00:00Z","lines":[2]}', "lines: is not a list of objects"),
        ('{"customer":"\\ud800","moment":"2026-01-01T00:00Z","amount":1}', "customer: is not UTF-8"),
    ],
)
def test_a_broken_line_of_json_is_told(line: str, told: str) -> None:
    text = '{"customer":"x","moment":"2026-01-01T00:00Z","amount":1}\n' + line + "\n"
    assert faults(text, "jsonl") == [f"line 2: {told}"]


def test_unknown_columns_are_told_and_left_out_when_asked() -> None:
    text = "customer,moment,amount,colour\na,2026-01-01T00:00Z,1,red\n"
    assert faults(text) == ["line 1: colour: is not a column that we know"]
    assert len(read(text, skip=True)) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: the file is empty"),
        ("customer,amount\n", "line 1: moment: is missing"),
        ("customer,moment,amount,amount\n", "line 1: amount: is there more than once"),
    ],
)
def test_a_file_that_is_no_table_is_refused_even_when_broken_rows_may_be_skipped(text: str, told: str) -> None:
    with pytest.raises(BadSales) as caught:
        read(text, skip=True)
    assert [str(fault) for fault in caught.value.faults] == [told]


def test_an_order_that_comes_twice_is_told_with_the_line_of_the_first() -> None:
    text = "customer,moment,amount,order\na,2026-01-01T00:00Z,1,o1\nb,2026-01-02T00:00Z,2,o1\n"
    assert faults(text) == ["line 3: order: 'o1' was in line 2 already"]
    assert [sale.customer for sale in read(text, skip=True)] == ["a"]


def test_a_basket_with_a_broken_line_is_left_out_whole_and_told() -> None:
    text = (
        "customer,moment,amount,order,line\n"
        "a,2026-01-01T00:00Z,1,o1,1\n"
        "a,2026-01-01T00:00Z,x,o1,2\n"
        "a,2026-01-01T00:00Z,1,o1,3\n"
        "b,2026-01-01T00:00Z,1,o2,1\n"
    )
    kept = read(text, skip=True)
    assert [sale.customer for sale in kept] == ["b"]
    assert [str(fault) for fault in kept.faults] == [
        "line 2: order: 'o1' is left out: one of its lines is broken",
        "line 3: amount: 'x' is not a number (digits, a point, decimals)",
    ]


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ("a,2026-01-01T00:00Z,1,o1,1", "line: '1' of order 'o1' comes twice"),
        ("b,2026-01-01T00:00Z,1,o1,2", "order: 'o1' has another customer, moment or event than in line 2"),
    ],
)
def test_rows_that_do_not_belong_to_one_basket_are_told(second: str, told: str) -> None:
    text = f"customer,moment,amount,order,line\na,2026-01-01T00:00Z,1,o1,1\n{second}\n"
    assert f"line 3: {told}" in faults(text)


REFUND = "customer,moment,amount,order,refund\n"


def test_a_refund_names_an_order_that_may_stand_later_in_the_file() -> None:
    sales = read(REFUND + "a,2026-01-03T00:00Z,1,,o1\na,2026-01-04T00:00Z,,,o1\na,2026-01-01T00:00Z,3,o1,\n")
    assert [(sale.refund_of, sale.amount_minor) for sale in sales] == [(None, 300), ("o1", 100), ("o1", None)]
    assert sales.refunded == {"o1"}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("a,2026-01-03T00:00Z,1,,o9", "refund: there is no earlier order 'o9'"),
        ("a,2025-12-31T00:00Z,1,,o1", "refund: there is no earlier order 'o1'"),
        ("b,2026-01-03T00:00Z,1,,o1", "refund: order 'o1' is another customer's"),
        ("a,2026-01-03T00:00Z,3.01,,o1", "refund: more than is left of order 'o1'"),
        ("a,2026-01-03T00:00Z,0,,o1", "amount: a refund gives back something; leave it empty for all that is left"),
    ],
)
def test_a_refund_that_cannot_be_is_told(row: str, told: str) -> None:
    text = REFUND + f"a,2026-01-01T00:00Z,3,o1,\n{row}\n"
    assert faults(text) == [f"line 3: {told}"]
    kept = read(text, skip=True)
    assert [sale.line for sale in kept] == [2]
    assert (len(kept), kept.refunded) == (1, frozenset())


def test_refunds_of_one_order_may_not_sum_to_more_than_it() -> None:
    text = REFUND + "a,2026-01-01T00:00Z,3,o1,\na,2026-01-02T00:00Z,2,,o1\na,2026-01-03T00:00Z,2,,o1\n"
    assert faults(text) == ["line 4: refund: more than is left of order 'o1'"]


def test_an_event_that_is_not_a_purchase_needs_no_amount() -> None:
    sale = only(read("customer,moment,event\na,2026-01-01T00:00Z,visit\n"))
    assert (sale.name, sale.event().amount_minor) == ("visit", 0)
