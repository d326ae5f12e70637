"""What a simulated phone shows of a pass, and the sentence that a change brings."""

import io
import zipfile
import zlib
from typing import Any

import pytest

from passes.sandbox.pass_paper import fields, notice, peek, shown, tellings


def document(*, news: str = "You have 120 points", balance: str = "120", **more: Any) -> dict[str, Any]:
    return {
        "serialNumber": "s1",
        "organizationName": "Café",
        "barcodes": [{"message": "CODE"}],
        "storeCard": {
            "headerFields": [{"key": "balance", "label": "Points", "value": balance}],
            "secondaryFields": [{"key": "holder", "label": "Member", "value": "Aino"}],
            "backFields": [{"key": "news", "label": "News", "value": news, "changeMessage": "%@"}],
        },
        **more,
    }


def test_a_phone_shows_its_own_language_and_the_literal_where_there_is_none() -> None:
    texts = {"Points": "Pisteet", "You have 120 points": "Sinulla on 120 pistettä"}
    front = shown(document(), texts, "")
    assert (front.balance, front.holder, front.news) == (120, "Aino", "Sinulla on 120 pistettä")
    assert front.labels == {"balance": "Pisteet", "holder": "Member", "news": "News"}


def test_the_mark_that_tells_equal_texts_apart_is_not_seen() -> None:
    paper = document()
    paper["storeCard"]["secondaryFields"][0]["value"] = "Gold\u200b"
    assert shown(paper, {"Gold": "Kulta"}, "").holder == "Gold"


def test_a_coupon_shows_no_balance_and_an_old_card_no_news() -> None:
    paper = document()
    del paper["storeCard"]["headerFields"], paper["storeCard"]["backFields"]
    assert (shown(paper, {}, "").balance, shown(paper, {}, "").news) == (0, "")
    paper["coupon"] = paper.pop("storeCard")
    assert [one["key"] for one in fields(paper)] == ["holder"]


def test_a_change_is_told_in_the_words_of_its_field() -> None:
    before, after = document(), document(news="You earned 12 points", balance="132")
    assert notice(tellings(before, {}), tellings(after, {})) == "You earned 12 points"
    texts = {"You earned 12 points": "Sait 12 pistettä"}
    assert notice(tellings(before, texts), tellings(after, texts)) == "Sait 12 pistettä"
    assert notice(tellings(before, {}), tellings(document(balance="7"), {})) is None


def test_two_changed_fields_with_messages_make_one_general_notice() -> None:
    before, after = document(), document(news="Hello")
    for paper, value in ((before, "1"), (after, "2")):
        paper["storeCard"]["headerFields"][0] |= {"value": value, "changeMessage": "Now %@"}
    assert notice(tellings(before, {}), tellings(after, {})) == "Pass updated"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_found_without_opening_the_whole_package(method: int) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("icon.png", b"x" * 1000)
        archive.writestr("fi.lproj/pass.strings", b"hello")
        archive.writestr("pass.json", b"{}" * 200)
    assert peek(packed.getvalue(), ("pass.json", "fi.lproj/pass.strings", "no.json")) == {
        "pass.json": b"{}" * 200,
        "fi.lproj/pass.strings": b"hello",
    }
    with pytest.raises((ValueError, zlib.error)):
        peek(b"not a zip", ("pass.json",))
