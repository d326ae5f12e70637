"""What a member's card is on Google Wallet."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from passes.card import Card, Link, Place, Value, Words
from passes.google.document import (
    LiveBarcode,
    Ticket,
    body_hash,
    class_id_of,
    news_message,
    object_body,
    object_id_of,
    object_patch,
)
from passes.google.schema.check import check, check_message
from passes.live_code import value_pattern
from passes.look import Layout, Look, LookLink
from tests.support.google import a_card, a_look

ISSUER = "3388000000022000000"
CLASS = f"{ISSUER}.ptn_cafe"
OBJECT = f"{ISSUER}.pass_01"
LIVE = LiveBarcode(value_pattern("pass_01"), "00112233445566778899aabbccddeeff00112233")
POINTS: Words = {"en": "Points", "fi": "Pisteet", "hu": "Pont"}


def a_ticket(**wanted: Any) -> Ticket:
    plain: dict[str, Any] = {"object_id": OBJECT, "class_id": CLASS}
    return Ticket(**(plain | wanted))


def written(card: Card | None = None, look: Look | None = None, **ticket: Any) -> dict[str, Any]:
    """The object of a card, which passes the check."""
    body = object_body(card or a_card(), look or a_look(), a_ticket(**ticket))
    check("loyaltyObject", body)
    return body


def with_values(card: Card, **values: Value) -> Card:
    return msgspec.structs.replace(card, values={**card.values, **values})


def modules(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in body["textModulesData"]}


def test_an_object_shows_what_the_card_says() -> None:
    body = written()
    assert body["loyaltyPoints"] == {"label": "Points", "balance": {"int": 120}}
    assert body["secondaryLoyaltyPoints"] == {"label": "Level", "balance": {"string": "Silver"}}
    assert body["textModulesData"] == [{"id": "next_reward", "header": "Next", "body": "Coffee at 150"}]
    assert body["linksModuleData"]["uris"][0]["uri"] == "https://points.example/me"
    assert body["accountName"] == "Aino"
    assert body["barcode"]["value"] == body["accountId"] == "7KXM2P9QWERT"
    assert body["state"] == "ACTIVE"


def test_an_object_holds_nothing_for_what_the_card_does_not_say() -> None:
    body = written(a_card(tier="", next_reward="", holder="", links=()))
    assert set(body) == {"id", "classId", "state", "accountId", "loyaltyPoints", "barcode", "groupingInfo"}


def test_a_voided_card_goes_to_the_expired_passes_and_its_code_rotates_no_more() -> None:
    body = written(voided=True, live=LIVE)
    assert body["state"] == "INACTIVE"
    assert "rotatingBarcode" not in body


def test_the_news_comes_first_and_is_a_message_that_can_be_found_again() -> None:
    card = a_card(news="You earned 12 points, now 132")
    news, next_reward = written(card)["textModulesData"]
    assert news == {"id": "news", "header": "Latest", "body": "You earned 12 points, now 132"}
    assert next_reward["id"] == "next_reward"
    loud, quiet = news_message(card, notify=True), news_message(card, notify=False)
    assert loud is not None
    assert quiet is not None
    check_message(loud)
    assert (loud["body"], loud["messageType"]) == ("You earned 12 points, now 132", "TEXT_AND_NOTIFY")
    assert (quiet["id"], quiet["messageType"]) == (loud["id"], "TEXT")
    other = news_message(a_card(news="You earned 1 point, now 133"), notify=True)
    assert other is not None
    assert other["id"] != loud["id"]
    assert news_message(a_card(), notify=True) is None


@pytest.mark.parametrize(
    ("points", "balance"),
    [
        (0, {"int": 0}),
        (-5, {"int": -5}),
        (2**31 - 1, {"int": 2**31 - 1}),
        (2**31, {"string": "2147483648"}),
        (-(2**31), {"int": -(2**31)}),
        (-(2**31) - 1, {"string": "-2147483649"}),
    ],
)
def test_a_balance_above_32_bits_is_sent_as_text(points: int, balance: dict[str, object]) -> None:
    assert written(a_card(balance=points))["loyaltyPoints"]["balance"] == balance


def test_a_balance_of_money_is_sent_in_micros() -> None:
    worth = Value(label=POINTS, minor=1250, currency="EUR")
    body = written(with_values(a_card(), balance=worth))
    assert body["loyaltyPoints"]["balance"] == {"money": {"currencyCode": "EUR", "micros": "12500000"}}
    yen = written(with_values(a_card(), balance=Value(label=POINTS, minor=1250, currency="JPY")))
    assert yen["loyaltyPoints"]["balance"]["money"]["micros"] == "1250000000"


def test_a_patch_takes_away_the_balance_of_another_kind() -> None:
    balance = object_patch(a_card(balance=2**31), a_look(), a_ticket())["loyaltyPoints"]["balance"]
    assert balance == {"int": None, "string": "2147483648", "double": None, "money": None}


def test_a_patch_takes_away_translations_that_are_no_more() -> None:
    points = object_patch(a_card(), a_look(), a_ticket())["loyaltyPoints"]
    assert (points["label"], points["localizedLabel"]) == ("Points", None)
    translated = object_patch(with_values(a_card(), balance=Value(label=POINTS, number=5)), a_look(), a_ticket())
    assert len(translated["loyaltyPoints"]["localizedLabel"]["translatedValues"]) == 2


def test_texts_are_said_in_all_languages_and_plainly_in_the_members_own() -> None:
    reward = Value(
        label={"en": "Next", "fi": "Seuraava", "hu": "Jön"}, text={"en": "Cake", "fi": "Kakku", "hu": "Süti"}
    )
    card = with_values(a_card(language="fi"), balance=Value(label=POINTS, number=5), next_reward=reward)
    body = written(card)
    assert body["loyaltyPoints"]["label"] == "Pisteet"
    assert body["loyaltyPoints"]["localizedLabel"] == {
        "defaultValue": {"language": "fi", "value": "Pisteet"},
        "translatedValues": [{"language": "en", "value": "Points"}, {"language": "hu", "value": "Pont"}],
    }
    module = modules(body)["next_reward"]
    assert (module["header"], module["body"]) == ("Seuraava", "Kakku")
    assert {one["language"]: one["value"] for one in module["localizedBody"]["translatedValues"]} == {
        "en": "Cake", "hu": "Süti",
    }  # fmt: skip


def test_numbers_and_days_in_texts_are_written_as_each_language_does() -> None:
    look = a_look(layout=Layout(back=("rewards_ready", "joined")))
    joined = Value(label={"en": "Since"}, moment=datetime(2026, 6, 30, 12, tzinfo=UTC))
    found = modules(written(with_values(a_card(), rewards_ready=Value(label={}, number=12345), joined=joined), look))
    said = {one["language"]: one["value"] for one in found["joined"]["localizedBody"]["translatedValues"]}
    assert found["joined"]["body"] == "30 June 2026"
    assert said == {"fi": "30.6.2026", "hu": "2026. június 30."}
    assert found["rewards_ready"]["body"] == "12,345"


def test_a_tier_with_other_names_in_other_languages_is_a_text_because_a_balance_has_no_translations() -> None:
    tier = Value(label={"en": "Level"}, text={"en": "Gold", "fi": "Kulta", "hu": "Arany"})
    body = written(with_values(a_card(), tier=tier))
    assert "secondaryLoyaltyPoints" not in body
    assert modules(body)["tier"]["localizedBody"]["translatedValues"][0] == {"language": "fi", "value": "Kulta"}


def test_without_a_tier_the_vouchers_are_the_second_balance() -> None:
    look = a_look(layout=Layout(secondary=("holder", "vouchers")))
    body = written(with_values(a_card(tier=""), vouchers=Value(label={"en": "Vouchers"}, number=2)), look)
    assert body["secondaryLoyaltyPoints"] == {"label": "Vouchers", "balance": {"int": 2}}
    assert "vouchers" not in modules(body)


def test_values_of_the_front_are_listed_last_because_the_details_have_an_end() -> None:
    look = a_look(layout=Layout(auxiliary=("next_reward",), back=("pending", "held")))
    card = with_values(a_card(news="!"), **{key: Value(label={}, text={"en": key}) for key in ("pending", "held")})
    assert [one["id"] for one in written(card, look)["textModulesData"]] == ["news", "pending", "held", "next_reward"]


def test_links_that_the_class_says_are_not_said_again() -> None:
    shop = "https://shop.example"
    card = a_card(links=(Link({"en": "My points"}, "https://points.example/me"), Link({"en": "Shop"}, shop)))
    look = a_look(links=(LookLink({"en": "Shop"}, shop),))
    (page,) = written(card, look)["linksModuleData"]["uris"]
    assert page == {"id": "link_1", "uri": "https://points.example/me", "description": "My points"}


@pytest.mark.parametrize(
    ("kind", "static", "rotating"),
    [
        ("qr", "QR_CODE", "QR_CODE"),
        ("aztec", "AZTEC", "QR_CODE"),
        ("pdf417", "PDF_417", "PDF_417"),
        ("code128", "CODE_128", "QR_CODE"),
    ],
)
def test_the_code_is_of_the_designs_kind_and_the_one_that_rotates_as_near_as_google_can(
    kind: str, static: str, rotating: str
) -> None:
    body = written(look=a_look(barcode=kind), live=LIVE)
    assert (body["barcode"]["type"], body["rotatingBarcode"]["type"]) == (static, rotating)


def test_a_code_beyond_ascii_is_a_qr_code_in_utf_8() -> None:
    code = written(a_card(code="ÄÖ"), a_look(barcode="code128"))["barcode"]
    assert (code["type"], code["renderEncoding"]) == ("QR_CODE", "UTF_8")


def test_a_code_that_rotates_has_its_secret_and_cannot_be_photographed_from_the_screen() -> None:
    body = written(live=LIVE)
    assert body["rotatingBarcode"] == {
        "type": "QR_CODE",
        "valuePattern": "CPL1.pass_01.{totp_timestamp_seconds}.{totp_value_0}",
        "alternateText": "7KXM2P9QWERT",
        "totpDetails": {
            "algorithm": "TOTP_SHA1",
            "periodMillis": "30000",
            "parameters": [{"key": LIVE.key_hex, "valueLength": 8}],
        },
    }
    assert body["passConstraints"] == {"screenshotEligibility": "INELIGIBLE"}
    # Who cannot show it (web pages, old phones) still shows the one that identifies.
    assert body["barcode"]["value"] == "7KXM2P9QWERT"


def test_a_design_without_live_codes_has_none() -> None:
    body = written(look=a_look(live_code=False), live=LIVE)
    assert "rotatingBarcode" not in body
    assert "passConstraints" not in body


def test_a_card_is_tapped_only_if_its_design_wants_that() -> None:
    assert written(look=a_look(taps=True), tap_code="t4pc0de")["smartTapRedemptionValue"] == "t4pc0de"
    assert "smartTapRedemptionValue" not in written(look=a_look(taps=True))
    assert "smartTapRedemptionValue" not in written(look=a_look(), tap_code="t4pc0de")


def test_places_are_sent_where_google_allows_them_and_beacons_never() -> None:
    spot = Place(text={"en": "Here"}, latitude=60.17, longitude=24.94)
    beacon = Place(text={"en": "Here"}, uuid="b" * 8, latitude=None)
    card = msgspec.structs.replace(a_card(), places=(beacon, *[spot] * 12))
    assert written(card, places=True)["merchantLocations"] == [{"latitude": 60.17, "longitude": 24.94}] * 10
    assert "merchantLocations" not in written(card)


def test_a_card_that_ends_says_when_with_its_offset() -> None:
    card = msgspec.structs.replace(a_card(), valid_until=datetime(2027, 1, 1, 0, 0, 0, 5, tzinfo=UTC))
    assert written(card)["validTimeInterval"] == {"end": {"date": "2027-01-01T00:00:00+00:00"}}


def test_cards_of_a_brand_stand_together() -> None:
    assert written()["groupingInfo"] == {"groupingId": "ptn_cafe", "sortIndex": 1}


def test_linked_offers_are_named_but_never_taken_away() -> None:
    offers = tuple(f"{ISSUER}.offer_{number}" for number in range(60))
    assert written(linked=offers)["linkedObjectIds"] == list(offers[:50])
    assert object_patch(a_card(), a_look(), a_ticket(linked=offers[:1]))["linkedObjectIds"] == [offers[0]]
    assert "linkedObjectIds" not in object_patch(a_card(), a_look(), a_ticket())


def test_a_patch_is_absolute_and_passes_the_check() -> None:
    patch = object_patch(a_card(tier=""), a_look(), a_ticket(live=LIVE))
    check("loyaltyObject", patch, patch=True)
    assert "id" not in patch
    assert patch["secondaryLoyaltyPoints"] is None
    assert patch["messages"] is None  # a message is said again by the news


def test_a_notification_is_asked_for_only_when_wanted() -> None:
    assert "notifyPreference" not in object_patch(a_card(), a_look(), a_ticket())
    assert object_patch(a_card(), a_look(), a_ticket(), notify=True)["notifyPreference"] == "NOTIFY_ON_UPDATE"


def test_equal_cards_have_equal_hashes_and_other_balances_have_others() -> None:
    assert body_hash(written()) == body_hash(written())
    assert body_hash(written()) != body_hash(written(a_card(balance=1)))


def test_ids_are_the_issuers_number_and_an_opaque_name() -> None:
    assert class_id_of(ISSUER, "ptn_cafe") == CLASS
    assert object_id_of(ISSUER, "pass_01") == OBJECT
