"""The pass document says what the card says, in the form phones expect."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.apple.document import BadCard, BadServiceUrl, Origin, document, rgb
from passes.card import Link
from passes.pictures import initials
from tests.support.apple import a_card

ORIGIN = Origin("pass.test.x", "TEAM012345", "https://points.example/apple")


def written(voided: bool = False, **changes: Any) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(document(a_card(**changes), ORIGIN, "pass_1", "t" * 40, voided))
    return said


def test_the_balance_is_in_the_header_as_text_with_a_message_for_its_change() -> None:
    assert written(balance=12500)["storeCard"]["headerFields"] == [
        {"key": "balance", "value": "12500", "label": "Points", "changeMessage": "You have %@ points"}
    ]


def test_a_balance_of_nothing_is_still_shown() -> None:
    assert written(balance=0)["storeCard"]["headerFields"][0]["value"] == "0"


def test_holder_level_and_next_reward_are_on_the_front() -> None:
    front = written()["storeCard"]
    assert [f["value"] for f in front["secondaryFields"]] == ["Aino Mäkinen", "Gold"]
    assert [f["value"] for f in front["auxiliaryFields"]] == ["Free coffee in 30 points"]


def test_what_the_card_does_not_say_leaves_no_empty_field() -> None:
    front = written(tier="", next_reward="")["storeCard"]
    assert [f["key"] for f in front["secondaryFields"]] == ["holder"]
    assert "auxiliaryFields" not in front


def test_only_the_balance_announces_itself() -> None:
    fields = [f for group in written()["storeCard"].values() for f in group]
    assert [f["key"] for f in fields if "changeMessage" in f] == ["balance"]
    assert all("textAlignment" not in f for f in fields)


def test_links_are_on_the_back_and_can_be_tapped() -> None:
    (link,) = written()["storeCard"]["backFields"]
    assert link["label"] == "Your account"
    assert link["value"] == "https://example.org/me?a=1&b=2"
    assert link["attributedValue"] == '<a href="https://example.org/me?a=1&amp;b=2">Your account</a>'


def test_a_link_cannot_break_out_of_its_attribute() -> None:
    (link,) = written(links=(Link("<b>x</b>", 'https://example.org/"><script>'),))["storeCard"]["backFields"]
    assert "<script>" not in link["attributedValue"]
    assert "<b>" not in link["attributedValue"]


def test_the_code_is_a_qr_code_in_the_list_of_barcodes_alone() -> None:
    said = written()
    assert said["barcodes"] == [
        {
            "format": "PKBarcodeFormatQR",
            "message": "7K3M9QXA2BCD",
            "messageEncoding": "iso-8859-1",
            "altText": "7K3M9QXA2BCD",
        }
    ]
    assert "barcode" not in said


def test_the_pass_says_where_it_comes_from_and_how_to_ask_for_changes() -> None:
    said = written()
    assert said["formatVersion"] == 1
    assert (said["passTypeIdentifier"], said["teamIdentifier"]) == ("pass.test.x", "TEAM012345")
    assert (said["serialNumber"], said["authenticationToken"]) == ("pass_1", "t" * 40)
    assert said["webServiceURL"] == "https://points.example/apple"
    assert said["backgroundColor"] == "rgb(31, 58, 95)"


def test_a_closed_account_voids_the_pass() -> None:
    assert written(voided=True)["voided"] is True
    assert "voided" not in written()


def nulls(value: Any) -> Iterator[Any]:
    """Every null and every empty text in a value, however deep."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from nulls(part)
    elif value is None or value == "":
        yield value


@given(text=st.text(min_size=1, max_size=40), balance=st.integers(0, 10**15))
def test_any_name_gives_a_document_without_nulls_and_with_unique_keys(text: str, balance: int) -> None:
    said = written(holder=text, brand_name=text, balance=balance)
    assert not list(nulls(said))
    keys = [f["key"] for group in said["storeCard"].values() for f in group]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("colour", ["", "#fff", "red", "#12345g", "rgb(1,2,3)", "#1f3a5f00"])
def test_a_colour_of_another_form_is_refused(colour: str) -> None:
    with pytest.raises(BadCard):
        rgb(colour)


@pytest.mark.parametrize("changes", [{"balance_change": "changed"}, {"links": (Link("x", "javascript:alert(1)"),)}])
def test_what_a_phone_would_ignore_or_run_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadCard):
        written(**changes)


@pytest.mark.parametrize("url", ["https://x.example/apple/v1", "https://x.example/", "points.example", "ftp://x", ""])
def test_a_service_address_that_phones_would_misuse_is_refused(url: str) -> None:
    with pytest.raises(BadServiceUrl):
        Origin("pass.test.x", "TEAM012345", url)


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Kávézó Körút", "KK"), ("Bistro", "B"), ("The Old Mill Bakery", "TB"), ("Бар", ""), ("", ""), ("3 Öljyä", "3O")],
)
def test_a_brand_has_a_monogram(name: str, letters: str) -> None:
    assert initials(name) == letters
