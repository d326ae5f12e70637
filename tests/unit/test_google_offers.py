"""What a coupon is on Google Wallet."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from passes.card import Card, Link, Value, Words
from passes.coupons import coupon_look
from passes.google.document import (
    ClassPictures,
    Ticket,
    class_id_of,
    object_id_of,
    offer_class_body,
    offer_class_id_of,
    offer_class_patch,
    offer_object_body,
    offer_object_patch,
    reward_of,
)
from passes.google.schema.check import check
from tests.support.google import a_look

ISSUER = "3388000000022000000"
COFFEE: Words = {"en": "Free coffee", "fi": "Ilmainen kahvi", "hu": "Ingyen kávé"}
PICTURES = ClassPictures("https://points.example/designs/dsn_1/logo.png")
HELSINKI = ZoneInfo("Europe/Helsinki")


def a_coupon(**values: Value) -> Card:
    said = {
        "reward": Value(label={"en": "Reward"}, text=COFFEE),
        "worth": Value(label={"en": "Worth"}, minor=700, currency="EUR"),
        "valid_until": Value(label={"en": "Valid until"}, moment=datetime(2026, 12, 31, 23, 59, 59, tzinfo=HELSINKI)),
        "uses_left": Value(label={"en": "Uses left"}, number=3),
        "holder": Value(label={"en": "Member"}, text={"en": "Aino"}),
        "news": Value(label={"en": "Latest"}, text={"en": "Show this code at the till"}),
    }
    return Card(
        brand_id="ptn_cafe", design="dsn_1#coupon", language="en", description={"en": "Coupon"}, code="ABC234",
        values=said | values, links=(Link({"en": "My points"}, "https://points.example/me"),),
        valid_until=datetime(2026, 12, 31, 22, tzinfo=UTC),
    )  # fmt: skip


def a_ticket(card: Card, **wanted: Any) -> Ticket:
    ids = {"object_id": object_id_of(ISSUER, "pass_c"), "class_id": offer_class_id_of(ISSUER, card)}
    return Ticket(**(ids | wanted))


def written(card: Card | None = None, **ticket: Any) -> dict[str, Any]:
    """The object of a coupon, which passes the check."""
    shown = card or a_coupon()
    body = offer_object_body(shown, coupon_look(a_look()), a_ticket(shown, **ticket))
    check("offerObject", body)
    return body


def test_a_coupon_says_what_its_voucher_says() -> None:
    body = written()
    assert body["barcode"] == {"type": "QR_CODE", "value": "ABC234", "alternateText": "ABC234"}
    texts = {one["id"]: one["body"] for one in body["textModulesData"]}
    assert texts == {
        "news": "Show this code at the till", "worth": "7.00 EUR", "valid_until": "31 December 2026",
        "uses_left": "3", "holder": "Aino",
    }  # fmt: skip
    assert body["validTimeInterval"] == {"end": {"date": "2026-12-31T22:00:00+00:00"}}
    assert body["linksModuleData"]["uris"][0]["uri"] == "https://points.example/me"


def test_coupons_stand_below_their_brands_card() -> None:
    assert written()["groupingInfo"] == {"groupingId": "ptn_cafe", "sortIndex": 2}


def test_a_coupon_that_is_over_goes_to_the_expired_passes() -> None:
    assert (written()["state"], written(voided=True)["state"]) == ("ACTIVE", "COMPLETED")


def test_a_coupons_code_does_not_rotate_and_is_not_tapped() -> None:
    assert not {"rotatingBarcode", "smartTapRedemptionValue", "passConstraints"} & set(written(tap_code="t4p"))


def test_the_class_says_what_its_coupons_are_for_in_all_languages() -> None:
    body = offer_class_body(a_look(), f"{ISSUER}.x", reward_of(a_coupon()), PICTURES)
    check("offerClass", body)
    assert (body["title"], body["issuerName"], body["provider"]) == ("Free coffee", "Café Aurora", "Café Aurora")
    assert body["localizedTitle"]["translatedValues"] == [
        {"language": "fi", "value": "Ilmainen kahvi"}, {"language": "hu", "value": "Ingyen kávé"},
    ]  # fmt: skip
    assert body["redemptionChannel"] == "INSTORE"
    described = body["titleImage"]["contentDescription"]["defaultValue"]
    assert described == {"language": "en", "value": "Café Aurora coupon: Free coffee"}


def test_a_thing_without_a_name_still_has_a_title() -> None:
    body = offer_class_body(a_look(), f"{ISSUER}.x", {}, PICTURES)
    check("offerClass", body)
    assert body["title"]


def test_the_class_of_the_brands_look_is_that_of_its_coupons_look() -> None:
    both = [offer_class_body(look, f"{ISSUER}.x", COFFEE, PICTURES) for look in (a_look(), coupon_look(a_look()))]
    assert both[0] == both[1]


def test_the_front_of_a_coupon_has_a_place_for_everything_but_the_title() -> None:
    template = offer_class_body(a_look(), f"{ISSUER}.x", COFFEE, PICTURES)["classTemplateInfo"]
    written_out = msgspec.json.encode(template).decode()
    for key in ("worth", "valid_until", "uses_left", "holder"):
        assert f"object.textModulesData['{key}']" in written_out
    assert "reward" not in written_out


def test_coupons_for_the_same_thing_share_a_class_and_others_do_not() -> None:
    first, second = a_coupon(), a_coupon(uses_left=Value(label={}, number=1))
    other = a_coupon(reward=Value(label={}, text={"en": "Cake"}))
    renamed = a_coupon(reward=Value(label={}, text=COFFEE | {"fi": "Kahvi"}))
    assert offer_class_id_of(ISSUER, first) == offer_class_id_of(ISSUER, second)
    ids = {offer_class_id_of(ISSUER, card) for card in (first, other, renamed)} | {class_id_of(ISSUER, "ptn_cafe")}
    assert len(ids) == 4


def test_the_longest_ids_are_short_enough() -> None:
    card = msgspec.structs.replace(a_coupon(), brand_id="ptn_" + "0" * 26)
    body = offer_class_body(a_look(), offer_class_id_of("9" * 20, card), COFFEE, PICTURES)
    check("offerClass", body)


def test_patches_of_coupons_and_their_classes_pass_the_check() -> None:
    patch = offer_class_patch(a_look(), COFFEE, PICTURES)
    check("offerClass", patch, patch=True)
    assert "id" not in patch
    card = a_coupon()
    patch = offer_object_patch(card, coupon_look(a_look()), a_ticket(card), notify=True)
    check("offerObject", patch, patch=True)
    assert patch["notifyPreference"] == "NOTIFY_ON_UPDATE"
    assert "id" not in patch
