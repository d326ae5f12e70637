"""Bodies that Google would refuse do not leave the house."""

import copy
from typing import Any, get_args

import pytest

from passes.google.schema.check import (
    Resource,
    WalletBodyInvalid,
    canonical,
    check,
    check_message,
    class_of,
    frozen,
    is_class,
)
from passes.google.schema.freeze import freeze

CLASS: dict[str, Any] = {
    "id": "3388000000022000000.coalition_v1",
    "issuerName": "Coalition",
    "programName": "Points",
    "reviewStatus": "UNDER_REVIEW",
    "hexBackgroundColor": "#2244aa",
    "programLogo": {"sourceUri": {"uri": "https://example.com/logo.png"}},
    "callbackOptions": {"url": "https://example.com/cb"},
    "enableSmartTap": True,
    "redemptionIssuers": ["3388000000022000000"],
}
OBJECT: dict[str, Any] = {
    "id": "3388000000022000000.m-000001",
    "classId": "3388000000022000000.coalition_v1",
    "state": "ACTIVE",
    "loyaltyPoints": {"label": "Points", "balance": {"int": 1200}},
    "secondaryLoyaltyPoints": {
        "label": "Value",
        "balance": {"money": {"currencyCode": "EUR", "micros": "12500000"}},
    },
    "barcode": {"type": "QR_CODE", "value": "M1"},
    "rotatingBarcode": {
        "type": "QR_CODE",
        "valuePattern": "M1-{totp_timestamp_seconds}-{totp_value_0}",
        "totpDetails": {
            "algorithm": "TOTP_SHA1",
            "periodMillis": "30000",
            "parameters": [{"key": "00112233445566778899aabbccddeeff00112233", "valueLength": 8}],
        },
    },
    "validTimeInterval": {"end": {"date": "2027-12-31T23:59:59Z"}},
    "smartTapRedemptionValue": "M1",
    "groupingInfo": {"groupingId": "coal", "sortIndex": 1},
}


OFFER_CLASS: dict[str, Any] = {
    "id": "3388000000022000000.coffee",
    "issuerName": "Coalition",
    "provider": "Café",
    "title": "Free coffee",
    "redemptionChannel": "INSTORE",
    "reviewStatus": "UNDER_REVIEW",
}
OFFER: dict[str, Any] = {
    "id": "3388000000022000000.v-000001",
    "classId": "3388000000022000000.coffee",
    "state": "ACTIVE",
    "barcode": {"type": "QR_CODE", "value": "ABC234"},
}
GOOD = {"loyaltyClass": CLASS, "loyaltyObject": OBJECT, "offerClass": OFFER_CLASS, "offerObject": OFFER}
MESSAGE = {"id": "news-1", "header": "Latest", "body": "You earned 12 points", "messageType": "TEXT_AND_NOTIFY"}


def test_full_bodies_are_let_through() -> None:
    for resource in get_args(Resource):
        check(resource, GOOD[resource])
    check_message(MESSAGE)


def test_messages_of_other_kinds_are_caught() -> None:
    for message in (MESSAGE | {"messageType": "EXPIRATION_NOTIFICATION"}, MESSAGE | {"text": "x"}):
        with pytest.raises(WalletBodyInvalid):
            check_message(message)


def test_objects_belong_to_classes_of_their_kind() -> None:
    assert [class_of(one) for one in get_args(Resource)] == ["loyaltyClass", "loyaltyClass", "offerClass", "offerClass"]
    assert [is_class(one) for one in get_args(Resource)] == [True, False, True, False]


def test_old_spellings_in_answers_are_read_as_what_they_stand_for() -> None:
    assert canonical("LoyaltyClass", "reviewStatus", "approved") == "APPROVED"
    assert canonical("LoyaltyClass", "reviewStatus", "APPROVED") == "APPROVED"
    assert canonical("OfferObject", "state", "expired") == "EXPIRED"
    assert canonical("LoyaltyClass", "reviewStatus", "SOMETHING_NEW") == "SOMETHING_NEW"


ROTATING: dict[str, Any] = OBJECT["rotatingBarcode"]
TEXT = {"defaultValue": {"language": "en", "value": "x"}}
PLACE = {"latitude": 60.1, "longitude": 24.9}
LINE = {"oneItem": {"item": {"firstValue": {"fields": [{"fieldPath": "object.accountId"}]}}}}


def front(*rows: dict[str, Any]) -> dict[str, Any]:
    """The rows of a card's front."""
    return {"classTemplateInfo": {"cardTemplateOverride": {"cardRowTemplateInfos": list(rows)}}}


def rotating(**details: Any) -> dict[str, Any]:
    """A code that rotates, with other details."""
    return ROTATING | {"totpDetails": ROTATING["totpDetails"] | details}


@pytest.mark.parametrize(
    ("resource", "change"),
    [
        pytest.param("loyaltyObject", {"state": "active"}, id="a deprecated alias"),
        pytest.param("loyaltyObject", {"state": "ALIVE"}, id="an unknown enum value"),
        pytest.param("loyaltyObject", {"loyaltyPoints": {"balance": {"int": 1, "string": "1"}}}, id="two balances"),
        pytest.param("loyaltyObject", {"loyaltyPoints": {"balance": {}}}, id="no balance"),
        pytest.param("loyaltyObject", {"loyaltyPoints": {"label": "Points"}}, id="points without a balance"),
        pytest.param("loyaltyObject", {"loyaltyPoints": {"balance": {"int": 2**31}}}, id="more than 32 bits"),
        pytest.param("loyaltyObject", {"loyaltyPoints": {"balance": {"int": "5"}}}, id="a number as text"),
        pytest.param("loyaltyObject", {"loyaltyPoints": {"balance": {"int": True}}}, id="a truth as a number"),
        pytest.param("loyaltyObject", {"loyaltyPoints": {"balance": {"micros": "5"}}}, id="micros outside of money"),
        pytest.param("loyaltyObject", {"points": 5}, id="an unknown field"),
        pytest.param("loyaltyObject", {"kind": "walletobjects#loyaltyObject"}, id="a deprecated field"),
        pytest.param("loyaltyObject", {"id": "m-000001"}, id="an id without its issuer"),
        pytest.param("loyaltyObject", {"id": "338.a b"}, id="an id with a space"),
        pytest.param("loyaltyObject", {"classId": None}, id="no class"),
        pytest.param("loyaltyObject", {"merchantLocations": [PLACE] * 11}, id="eleven places"),
        pytest.param("loyaltyObject", {"smartTapRedemptionValue": "é"}, id="a tap value beyond ASCII"),
        pytest.param("loyaltyObject", {"barcode": {"type": "qrcode", "value": "M1"}}, id="a legacy barcode type"),
        pytest.param("loyaltyObject", {"textModulesData": [{"id": "a.b"}]}, id="a module id with a dot"),
        pytest.param("loyaltyObject", {"merchantLocations": [PLACE | {"latitude": 90.5}]}, id="beyond the pole"),
        pytest.param("loyaltyObject", {"linkedObjectIds": ["338.a"] * 51}, id="fifty-one linked objects"),
        pytest.param("loyaltyObject", {"rotatingBarcode": ROTATING | {"type": "AZTEC"}}, id="a rotating Aztec code"),
        pytest.param(
            "loyaltyObject",
            {"rotatingBarcode": rotating(parameters=[{"key": "MFRGG", "valueLength": 8}])},
            id="a secret in Base32",
        ),
        pytest.param(
            "loyaltyObject",
            {"rotatingBarcode": rotating(periodMillis=30000)},
            id="a period as a number",
        ),
        pytest.param("loyaltyObject", {"validTimeInterval": {"end": {"date": "31.12.2027"}}}, id="a day as we say it"),
        pytest.param("loyaltyObject", {"linksModuleData": {"uris": [{"uri": "cafe.example"}]}}, id="no scheme"),
        pytest.param(
            "loyaltyObject",
            {"textModulesData": [{"localizedBody": {"translatedValues": []}}]},
            id="translations of nothing",
        ),
        pytest.param("loyaltyClass", {"id": "coalition"}, id="a class id without its issuer"),
        pytest.param("loyaltyObject", {"messages": [{"body": "x"}] * 11}, id="eleven messages"),
        pytest.param(
            "loyaltyClass",
            {"valueAddedModuleData": [{"header": TEXT, "uri": "https://example.com"}] * 16},
            id="sixteen added modules",
        ),
        pytest.param("loyaltyClass", {"valueAddedModuleData": [{"header": TEXT}]}, id="an added module without a link"),
        pytest.param("loyaltyClass", {"heroImage": {"sourceUri": {"uri": "logo.png"}}}, id="a picture from nowhere"),
        pytest.param("loyaltyClass", {"heroImage": {"sourceUri": {}}}, id="a picture without an address"),
        pytest.param(
            "loyaltyObject",
            {"loyaltyPoints": {"balance": {"money": {"currencyCode": "euro", "micros": "1"}}}},
            id="a currency by its name",
        ),
        pytest.param(
            "loyaltyObject",
            {"loyaltyPoints": {"balance": {"money": {"currencyCode": "EUR"}}}},
            id="money without an amount",
        ),
        pytest.param("loyaltyObject", {"merchantLocations": [PLACE | {"longitude": 181}]}, id="beyond the date line"),
        pytest.param("loyaltyObject", {"merchantLocations": [{"latitude": 60.1}]}, id="half a place"),
        pytest.param("loyaltyObject", {"rotatingBarcode": rotating(algorithm="SHA1")}, id="another algorithm"),
        pytest.param(
            "loyaltyObject",
            {"rotatingBarcode": rotating(algorithm="TOTP_ALGORITHM_UNSPECIFIED")},
            id="no algorithm",
        ),
        pytest.param("loyaltyObject", {"rotatingBarcode": rotating(periodMillis="0")}, id="no period"),
        pytest.param("loyaltyObject", {"rotatingBarcode": rotating(parameters=[])}, id="no secret"),
        pytest.param(
            "loyaltyObject",
            {"rotatingBarcode": rotating(parameters=[{"key": "00", "valueLength": 0}])},
            id="a code of no digits",
        ),
        pytest.param("loyaltyObject", {"linksModuleData": {"uris": [{"description": "x"}]}}, id="a link to nowhere"),
        pytest.param(
            "loyaltyClass", {"localizedProgramName": {"defaultValue": {"value": "x"}}}, id="a text of no language"
        ),
        pytest.param("loyaltyObject", {"barcode": {"value": "M1"}}, id="a code of no form"),
        pytest.param("loyaltyClass", {"imageModulesData": [{"id": "a.b"}]}, id="a picture's id with a dot"),
        pytest.param(
            "loyaltyClass",
            {"valueAddedModuleData": [{"header": TEXT, "uri": "example"}]},
            id="an added module's link without a scheme",
        ),
        pytest.param("offerClass", {"enableSmartTap": True}, id="Smart Tap of offers for nobody"),
        pytest.param("loyaltyObject", {"rotatingBarcode": {"type": "QR_CODE"}}, id="a rotating code of no pattern"),
        pytest.param(
            "loyaltyObject",
            {"rotatingBarcode": ROTATING | {"totpDetails": {"algorithm": "TOTP_SHA1"}}},
            id="a rotating code of no secret",
        ),
        pytest.param(
            "loyaltyObject", {"rotatingBarcode": rotating(parameters=[{"key": "00"}])}, id="a code of no length"
        ),
        pytest.param("loyaltyClass", {"appLinkData": {"webAppLinkInfo": {"appTarget": {}}}}, id="a button to nowhere"),
        pytest.param("loyaltyClass", front(LINE | {"twoItems": {}}), id="a row of two kinds"),
        pytest.param("loyaltyClass", front({"oneItem": {"item": {}}}), id="an empty place on the front"),
        pytest.param(
            "loyaltyClass",
            front({"oneItem": {"item": {"firstValue": {"fields": [{}]}}}}),
            id="a place on the front for no field",
        ),
        pytest.param("loyaltyObject", {"infoModuleData": {}}, id="a field that is deprecated in words only"),
        pytest.param("loyaltyClass", {"callbackOptions": {"url": "http://example.com/cb"}}, id="callbacks without TLS"),
        pytest.param("loyaltyClass", {"redemptionIssuers": None}, id="Smart Tap for nobody"),
        pytest.param("loyaltyClass", {"redemptionIssuers": [3388]}, id="an issuer as a number"),
        pytest.param("offerClass", {"title": None}, id="an offer without a title"),
        pytest.param("offerClass", {"redemptionChannel": "instore"}, id="a legacy channel"),
        pytest.param("offerClass", {"programName": "Points"}, id="a field of another kind of class"),
        pytest.param("offerClass", {"reviewStatus": "APPROVED"}, id="approving one's offer"),
        pytest.param("offerObject", {"loyaltyPoints": {"balance": {"int": 1}}}, id="points on an offer"),
        pytest.param("offerObject", {"merchantLocations": [PLACE] * 11}, id="eleven places of an offer"),
        pytest.param("offerObject", {"classId": "coffee"}, id="an offer of a class without issuer"),
        pytest.param("loyaltyClass", {"hexBackgroundColor": "blue"}, id="a colour by name"),
        pytest.param("loyaltyClass", {"reviewStatus": "APPROVED"}, id="approving oneself"),
        pytest.param("loyaltyClass", {"programLogo": {}}, id="a picture without a source"),
        pytest.param("loyaltyClass", {"programLogo": None}, id="no logo"),
        pytest.param(
            "loyaltyClass",
            front(*[LINE] * 4),
            id="four rows",
        ),
    ],
)
def test_what_google_would_refuse_is_caught(resource: Resource, change: dict[str, Any]) -> None:
    body = copy.deepcopy(GOOD[resource]) | change
    body = {name: value for name, value in body.items() if value is not None}
    with pytest.raises(WalletBodyInvalid):
        check(resource, body)


def test_a_patch_may_hold_any_part_and_may_remove_parts() -> None:
    check("loyaltyObject", {"loyaltyPoints": {"balance": {"int": None, "string": "3000000000"}}}, patch=True)
    check("loyaltyObject", {"secondaryLoyaltyPoints": None}, patch=True)


def test_a_patch_is_as_strict_about_what_it_holds() -> None:
    with pytest.raises(WalletBodyInvalid):
        check("loyaltyObject", {"loyaltyPoints": {"balance": {"int": 1, "string": "1"}}}, patch=True)


def test_a_class_patch_without_a_review_status_is_caught() -> None:
    with pytest.raises(WalletBodyInvalid):
        check("loyaltyClass", {"issuerName": "Other"}, patch=True)


def test_the_frozen_facts_name_their_revision_and_what_is_required() -> None:
    facts = frozen()
    assert facts["revision"] == "20260806"
    assert facts["$defs"]["OfferObject"]["required"] == ["classId", "id", "state"]
    assert facts["$defs"]["LoyaltyObject"]["required"] == ["classId", "id", "state"]
    assert facts["$defs"]["LoyaltyClass"]["required"] == [
        "id",
        "issuerName",
        "programLogo",
        "programName",
        "reviewStatus",
    ]


def test_freezing_keeps_type_facts_of_reachable_schemas_only() -> None:
    discovery = {
        "revision": "1",
        "schemas": {
            "LoyaltyClass": {"properties": {"id": {"type": "string", "description": "Required. The id."}}},
            "LoyaltyObject": {
                "properties": {
                    "state": {
                        "type": "string",
                        "enum": ["ON", "on"],
                        "enumDeprecated": [False, True],
                        "enumDescriptions": ["It is on.", "Legacy alias for `ON`. Deprecated."],
                    },
                    "old": {"type": "string", "deprecated": True},
                    "older": {"type": "string", "description": "Deprecated. Use `state` instead."},
                    "when": {"type": "string", "format": "int64"},
                    "parts": {"type": "array", "items": {"$ref": "Part"}},
                }
            },
            "Part": {"properties": {"size": {"type": "integer", "format": "int32"}, "any": {"type": "any"}}},
            "OfferClass": {"properties": {}},
            "OfferObject": {"properties": {}},
            "Stranger": {"properties": {}},
        },
    }
    facts = freeze(discovery)
    assert sorted(facts["$defs"]) == ["LoyaltyClass", "LoyaltyObject", "OfferClass", "OfferObject", "Part"]
    assert facts["aliases"] == {"LoyaltyObject": {"state": {"on": "ON"}}}
    properties = facts["$defs"]["LoyaltyObject"]["properties"]
    assert properties["state"] == {"enum": ["ON"]}
    assert not {"old", "older"} & set(properties)
    assert properties["when"]["type"] == "string"
    assert properties["parts"] == {"type": "array", "items": {"$ref": "#/$defs/Part"}}
    assert facts["$defs"]["Part"]["properties"]["any"] == {}
    assert facts["$defs"]["LoyaltyClass"]["required"] == ["id"]
