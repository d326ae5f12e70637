"""Integer money and its plain text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.money import UnknownCurrency, decimals, micros_per_minor, minor_text


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [
        (0, "EUR", "0.00 EUR"),
        (5, "EUR", "0.05 EUR"),
        (-5, "EUR", "-0.05 EUR"),
        (1205, "EUR", "12.05 EUR"),
        (-1205, "EUR", "-12.05 EUR"),
        (-100, "EUR", "-1.00 EUR"),
        (10**12, "HUF", "10000000000.00 HUF"),
        (1205, "JPY", "1205 JPY"),
        (-7, "JPY", "-7 JPY"),
    ],
)
def test_an_amount_as_plain_text(amount_minor: int, currency: str, text: str) -> None:
    assert minor_text(amount_minor, currency) == text


@given(st.integers(-(10**15), 10**15), st.sampled_from(["EUR", "JPY", "GBP"]))
def test_the_text_says_the_exact_amount(amount_minor: int, currency: str) -> None:
    number = minor_text(amount_minor, currency).removesuffix(f" {currency}")
    assert int(number.replace(".", "")) == amount_minor


@pytest.mark.parametrize(("currency", "micros"), [("EUR", 10_000), ("JPY", 1_000_000)])
def test_a_minor_unit_in_micros(currency: str, micros: int) -> None:
    assert micros_per_minor(currency) == micros
    assert micros * 10 ** decimals(currency) == 1_000_000


@pytest.mark.parametrize("currency", ["", "eur", "XXX", "BTC"])
def test_other_currencies_are_refused(currency: str) -> None:
    with pytest.raises(UnknownCurrency) as refused:
        minor_text(1, currency)
    assert refused.value.facts == {"currency": currency}
