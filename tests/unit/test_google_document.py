"""What a card is on Google Wallet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.card import Card
from passes.google.document import (
    body_hash,
    class_body,
    class_id_of,
    class_patch,
    object_body,
    object_id_of,
    object_patch,
)
from passes.google.schema.check import check
from passes.sandbox.google_resources import Resources
from tests.support.google import a_card, a_look

ISSUER = "3388000000022000000"
CLASS = f"{ISSUER}.ptn_cafe"
OBJECT = f"{ISSUER}.pass_01"
LOGO = "https://points.example/static/logo.0123abcd.png"


def test_every_body_passes_googles_type_facts() -> None:
    for card in (a_card(), a_card(tier="", next_reward="", holder="", links=())):
        check("loyaltyClass", class_body(a_look(), CLASS, LOGO))
        check("loyaltyClass", class_patch(a_look(), CLASS, LOGO), patch=True)
        check("loyaltyObject", object_body(card, OBJECT, CLASS))
        check("loyaltyObject", object_patch(card, CLASS, notify=True), patch=True)


def test_an_object_shows_what_the_card_says() -> None:
    body = object_body(a_card(), OBJECT, CLASS)
    assert body["loyaltyPoints"] == {"label": "Points", "balance": {"int": 120}}
    assert body["secondaryLoyaltyPoints"] == {"label": "Level", "balance": {"string": "Silver"}}
    assert body["textModulesData"] == [{"id": "next_reward", "header": "Next", "body": "Coffee at 150"}]
    assert body["linksModuleData"]["uris"][0]["uri"] == "https://points.example/me"
    assert body["accountName"] == "Aino"
    assert body["barcode"]["value"] == body["accountId"] == "7KXM2P9QWERT"
    assert body["state"] == "ACTIVE"


def test_a_voided_card_goes_to_the_expired_passes() -> None:
    assert object_body(a_card(), OBJECT, CLASS, voided=True)["state"] == "INACTIVE"


def test_a_class_says_how_a_brand_looks() -> None:
    body = class_body(a_look(background="#aa0000", logo_text=""), CLASS, LOGO)
    assert (body["issuerName"], body["programName"]) == ("Café Aurora", "Café Aurora")
    assert (body["hexBackgroundColor"], body["programLogo"]["sourceUri"]) == ("#aa0000", {"uri": LOGO})


def test_an_object_tells_the_news() -> None:
    (_, news) = object_body(a_card(news="You earned 12 points, now 132"), OBJECT, CLASS)["textModulesData"]
    assert news == {"id": "news", "header": "Latest", "body": "You earned 12 points, now 132"}


def test_a_class_belongs_to_the_first_account_that_saves_and_is_always_sent_for_review() -> None:
    body = class_patch(a_look(), CLASS, LOGO)
    assert body["multipleDevicesAndHoldersAllowedStatus"] == "ONE_USER_ALL_DEVICES"
    assert body["reviewStatus"] == "UNDER_REVIEW"
    assert "id" not in body


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
    assert object_body(a_card(balance=points), OBJECT, CLASS)["loyaltyPoints"]["balance"] == balance


cards = st.builds(
    a_card,
    balance=st.integers(-(2**40), 2**40),
    tier=st.sampled_from(["", "Gold"]),
    next_reward=st.sampled_from(["", "Cake at 300"]),
    holder=st.sampled_from(["", "Aino"]),
    links=st.sampled_from([(), a_card().links]),
)


@given(before=cards, after=cards)
def test_a_patch_brings_any_object_to_exactly_the_state_of_the_card(before: Card, after: Card) -> None:
    google = Resources(ISSUER)
    google.insert("loyaltyClass", class_body(a_look(), CLASS, LOGO))
    google.insert("loyaltyObject", object_body(before, OBJECT, CLASS))
    google.patch("loyaltyObject", OBJECT, object_patch(after, CLASS))
    assert google.get("loyaltyObject", OBJECT) == object_body(after, OBJECT, CLASS)


def test_a_notification_is_asked_for_only_when_wanted() -> None:
    assert "notifyPreference" not in object_patch(a_card(), CLASS)
    assert object_patch(a_card(), CLASS, notify=True)["notifyPreference"] == "NOTIFY_ON_UPDATE"


def test_equal_cards_have_equal_hashes_and_other_balances_have_others() -> None:
    assert body_hash(object_body(a_card(), OBJECT, CLASS)) == body_hash(object_body(a_card(), OBJECT, CLASS))
    assert body_hash(object_body(a_card(), OBJECT, CLASS)) != body_hash(object_body(a_card(balance=1), OBJECT, CLASS))


def test_ids_are_the_issuers_number_and_an_opaque_name() -> None:
    assert class_id_of(ISSUER, "ptn_cafe") == CLASS
    assert object_id_of(ISSUER, "pass_01") == OBJECT
