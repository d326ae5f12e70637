"""Whatever a card says on an iPhone it says on Android too, in every language, or there is a reason why it cannot."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest

from kernel.i18n import LANGUAGES
from passes.apple.document import Paper, document
from passes.card import Card, Place, Value
from passes.coupons import coupon_look
from passes.design.sample import sample_card
from passes.google.document import (
    ClassOptions,
    ClassPictures,
    LiveBarcode,
    Ticket,
    class_body,
    object_body,
    offer_class_body,
    offer_object_body,
    reward_of,
)
from passes.google.schema.check import check
from passes.live_code import value_pattern
from passes.look import Action, BackText, Layout, Look, LookLink, SignUp, Span, Style
from passes.speech import day, money, numbers
from tests.support.apple_papers import an_origin, in_language, tapping

ISSUER = "3388000000022000000"
WORDS = {"en": "Hours", "fi": "Ajat", "hu": "Idők"}
START = datetime(2026, 7, 1, 8, tzinfo=UTC)
PLACE = Place(text={"en": "Corner", "fi": "Kulma", "hu": "Sarok"}, latitude=60.17, longitude=24.94)
BEACON = Place(text={"en": "Door", "fi": "Ovi", "hu": "Ajtó"}, uuid="0" * 8 + "-0000-0000-0000-" + "0" * 12)
FULL = Layout(
    header=("balance", "rewards_ready"),
    primary=("next_reward",),
    secondary=("holder", "tier"),
    auxiliary=("progress", "joined"),
    back=("member_code", "vouchers", "pending", "held", "owed", "expiring"),
)
LOOK = Look(
    id="dsn_1", partner_id="ptn_1", brand_name="Kávézó Körút", logo_text="Körút", background="#1f3a5f", layout=FULL,
    texts=(BackText("hours", WORDS, {"en": "9 to 5", "fi": "9–17", "hu": "9-től 5-ig"}),),
    links=(LookLink({"en": "Shop", "fi": "Osta", "hu": "Vásárolj"}, "https://shop.example"),),
    actions=(Action("order", "https://order.example"), Action("call", "tel:+358401234567")),
    taps=True, unlock_to_tap=True, sign_up=SignUp(("name",), WORDS, WORDS), relevant=(Span(START),),
    store_ids=(1234,), app_url="cafe://card", user_info={"a": "b"}, android_app="",
)  # fmt: skip

# Keys of pass.json: what becomes of them at Google. "said" is looked for in the bodies, everything else is a reason.
SAID = frozenset(
    {
        "organizationName",
        "description",
        "logoText",
        "barcodes",
        "nfc",
        "featuredActions",
        "backgroundColor",
        "expirationDate",
    }
)
STYLES = frozenset({"storeCard", "generic", "coupon", "eventTicket"})
REASONS: Mapping[str, str] = {
    "formatVersion": "the form of Apple's file",
    "passTypeIdentifier": "who signs; Google's ids begin with the issuer instead",
    "teamIdentifier": "who signs",
    "serialNumber": "the end of the object's id",
    "webServiceURL": "Google pushes by itself",
    "authenticationToken": "Google pushes by itself",
    "voided": "the state of the object",
    "sharingProhibited": "multipleDevicesAndHoldersAllowedStatus of the class",
    "foregroundColor": "Google draws texts black or white by the background",
    "labelColor": "Google draws texts black or white by the background",
    "locations": "merchantLocations; what is said there is Google's",
    "beacons": "Google knows no beacons",
    "relevantDates": "Google chooses itself when to show a loyalty card",
    "relevantDate": "Google chooses itself when to show a loyalty card",
    "groupingIdentifier": "groupingInfo, for all styles",
    "associatedStoreIdentifiers": "apps for iPhones",
    "appLaunchURL": "an app for iPhones",
    "userInfo": "for an app for iPhones",
}


def card_of(look: Look, language: str) -> Card:
    card = sample_card(look, language)
    # Names of members are not translated; the sample's is.
    values = card.values | {"holder": Value(label=card.values["holder"].label, text={"en": "Aino"})}
    return msgspec.structs.replace(card, values=values, places=(PLACE, BEACON), valid_until=START + timedelta(days=30))


def google_of(card: Card, look: Look) -> list[dict[str, Any]]:
    """Class and object, which pass the check."""
    pictures = ClassPictures("https://points.example/logo.png")
    options = ClassOptions(callback_url="https://points.example/google", smart_tap_issuers=(ISSUER,))
    ticket = Ticket(
        object_id=f"{ISSUER}.pass_1", class_id=f"{ISSUER}.c", tap_code="7k3m9qxa",
        live=LiveBarcode(value_pattern("pass_1"), "00" * 20), places=True,
    )  # fmt: skip
    if look.id.endswith("#coupon"):
        of_class = offer_class_body(look, ticket.class_id, reward_of(card), pictures, options)
        of_object = offer_object_body(card, look, ticket)
        check("offerClass", of_class)
        check("offerObject", of_object)
    else:
        of_class, of_object = class_body(look, ticket.class_id, pictures, options), object_body(card, look, ticket)
        check("loyaltyClass", of_class)
        check("loyaltyObject", of_object)
    return [of_class, of_object]


def heard(node: Any, language: str) -> Iterator[str]:
    """Every text that a phone of a language shows of a body: translations take the place of what stands beside them."""
    if isinstance(node, list):
        for one in node:
            yield from heard(one, language)
    elif isinstance(node, dict) and "defaultValue" in node:
        told = {one["language"]: one["value"] for one in node.get("translatedValues", [])}
        yield told.get(language, node["defaultValue"]["value"])
    elif isinstance(node, dict):
        for name, value in node.items():
            if f"localized{name[0].upper()}{name[1:]}" not in node:
                yield from heard(value, language)
    else:
        yield str(node)


def spoken(value: Value, language: str) -> str:
    """What Google says of a value that is no text: numbers and days written out, as far as it does not format them."""
    words = (
        numbers(value.number) if value.number is not None
        else money(value.minor, value.currency) if value.minor is not None
        else day(value.moment.date(), datetime.min.date()) if value.moment is not None
        else {}
    )  # fmt: skip
    return words.get(language) or words.get("en", "")


def told_on_apple(paper: Paper, card: Card, language: str) -> Iterator[tuple[str, str]]:
    """(where, text) of every label, value, text and link that an iPhone of a language shows."""
    body = json.loads(paper.body)
    own = card.language == language
    strings = {} if own else in_language(paper, language)
    (style,) = STYLES & body.keys()
    for area, fields in body[style].items():
        for field in fields:
            where, value = f"{area} {field['key']}", card.values.get(field["key"])
            if label := field.get("label"):
                yield f"{where} label", strings.get(label, label)
            text = field["value"]
            other = spoken(value, language) if value is not None else ""
            yield where, other or strings.get(str(text), str(text))


def said_elsewhere(where: str, text: str, bodies: list[dict[str, Any]], card: Card) -> bool:
    """What Google has a form of its own for."""
    if where == "headerFields balance":
        return bool(bodies[1]["loyaltyPoints"]["balance"] == {"int": card.balance})
    # Its rewards are what a coupon's title says: it needs no label.
    return where == "primaryFields reward label"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("own", LANGUAGES)
@pytest.mark.parametrize("kind", ["card", "coupon"])
def test_every_label_value_text_and_link_is_on_both(kind: str, own: str, language: str) -> None:
    look = LOOK if kind == "card" else coupon_look(LOOK)
    card = card_of(look, own)
    bodies = google_of(card, look)
    android = set(heard(bodies, language))
    told = list(told_on_apple(document(card, look, an_origin(), tapping()), card, language))
    missing = [(w, t) for w, t in told if t not in android and not said_elsewhere(w, t, bodies, card)]
    assert not missing
    assert len(told) >= 16


@pytest.mark.parametrize("style", get_args(Style))
def test_every_key_of_a_pass_has_its_place_at_google_or_a_reason(style: Style) -> None:
    look = msgspec.structs.replace(LOOK, style=style)
    card = card_of(look, "en")
    body = json.loads(document(card, look, an_origin(), tapping(voided=True)).body)
    assert body.keys() <= SAID | STYLES | REASONS.keys()
    android = set(heard(google_of(card, look), "en"))
    assert {body["organizationName"], body["description"], body["logoText"]} <= android
    assert body["barcodes"][0]["message"] in android
    assert body["nfc"]["message"] in android
    assert {one["url"] for one in body["featuredActions"]} <= android
    assert look.background in android
    assert body["expirationDate"].replace("Z", "+00:00") in android


def test_no_reason_is_kept_for_what_passes_do_not_have() -> None:
    seen: set[str] = set()
    for style in get_args(Style):
        look = msgspec.structs.replace(LOOK, style=style)
        seen |= json.loads(document(card_of(look, "en"), look, an_origin(), tapping(voided=True)).body).keys()
    assert (SAID | STYLES | REASONS.keys()) - seen <= {"coupon"}
