"""Telephone numbers: however one is written, it is the same number."""

import pytest

from points.contacts import contact_of
from points.phones import e164


@pytest.mark.parametrize(
    ("written", "prefix", "known"),
    [
        ("040 123 4567", "+358", "+358401234567"),
        ("+358 40 123-4567", "+358", "+358401234567"),
        ("00358401234567", "", "+358401234567"),
        ("+358 (0)40 1234567", "+358", "+358401234567"),
        ("(040) 123 4567", "+358", "+358401234567"),
        ("06 30 123 4567", "+36", "+36301234567"),
        ("30 123 4567", "+36", "+36301234567"),
        ("0036 30 123 4567", "+36", "+36301234567"),
        ("+36 (0)30 123 4567", "", "+36301234567"),
        ("415 555 2671", "+1", "+14155552671"),
        ("1-415-555-2671", "+1", "+14155552671"),
        ("011 358 40 1234567", "+1", "+358401234567"),
        ("8 912 345-67-89", "+7", "+79123456789"),
        ("06 6982", "+39", "+39066982"),
        ("5555 1234", "+372", "+37255551234"),
        ("12 34 56 78", "+45", "+4512345678"),
    ],
)
def test_a_number_is_the_same_however_it_is_written(written: str, prefix: str, known: str) -> None:
    assert e164(written, prefix) == known
    # Also when it was stored in the form of a contact first.
    assert e164(contact_of(phone=written).phone, prefix) == known


@pytest.mark.parametrize(
    ("written", "prefix"),
    [
        ("040 123 4567", ""), ("123", "+358"), ("", "+358"), ("+0401234567", "+358"), ("+3584012345678901", ""),
        ("++358401234567", "+358"), ("call me", "+358"), ("٠٤٠١٢٣٤٥٦٧", "+358"), ("+358401234567;ext=1", "+358"),
    ],
)  # fmt: skip
def test_what_has_no_country_or_is_no_number_has_no_form(written: str, prefix: str) -> None:
    assert e164(written, prefix) is None
