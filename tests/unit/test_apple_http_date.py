"""Dates of HTTP: what we write, what we understand, and what counts as no date at all."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.apple.http_date import http_date, parsed_date

THEN = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_all_three_forms_of_the_specification_are_understood(text: str) -> None:
    assert parsed_date(text) == THEN


@pytest.mark.parametrize(
    "text",
    [
        "", "0", "784111777", "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT", "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT; length=1", "Son, 06 Nov 1994 08:49:37 GMT", "Sun Nov    08:49:37 1994",
        "Sun, ٠٦ Nov 1994 08:49:37 GMT",
    ],
)  # fmt: skip
def test_anything_else_is_no_date(text: str) -> None:
    assert parsed_date(text) is None


def test_a_leap_second_is_the_second_before_it() -> None:
    assert parsed_date("Sat, 31 Dec 2016 23:59:60 GMT") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1)), st.integers(-12, 14))
def test_what_we_write_is_what_the_standard_library_writes_and_we_read_it_back(naive: datetime, hours: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(hours=hours)))
    if not 1 <= moment.utctimetuple().tm_year <= 9998:
        return
    written = http_date(moment)
    assert written == format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)
    assert parsed_date(written) == moment.astimezone(UTC).replace(microsecond=0)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading(text: str) -> None:
    assert parsed_date(text) is None or isinstance(parsed_date(text), datetime)
