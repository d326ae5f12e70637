"""Bodies that Google would refuse do not leave the house."""

import copy
from typing import Any

import pytest

from passes.google.schema.check import Resource, WalletBodyInvalid, check, frozen
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


def test_full_bodies_are_let_through() -> None:
    check("loyaltyClass", CLASS)
    check("loyaltyObject", OBJECT)


PLACE = {"latitude": 60.1, "longitude": 24.9}
LINE = {"oneItem": {"item": {"firstValue": {"fields": [{"fieldPath": "object.accountId"}]}}}}


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
        pytest.param("loyaltyClass", {"hexBackgroundColor": "blue"}, id="a colour by name"),
        pytest.param("loyaltyClass", {"reviewStatus": "APPROVED"}, id="approving oneself"),
        pytest.param("loyaltyClass", {"programLogo": {}}, id="a picture without a source"),
        pytest.param("loyaltyClass", {"programLogo": None}, id="no logo"),
        pytest.param(
            "loyaltyClass",
            {"classTemplateInfo": {"cardTemplateOverride": {"cardRowTemplateInfos": [LINE] * 4}}},
            id="four rows",
        ),
    ],
)
def test_what_google_would_refuse_is_caught(resource: Resource, change: dict[str, Any]) -> None:
    body = copy.deepcopy(CLASS if resource == "loyaltyClass" else OBJECT) | change
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
                    "state": {"type": "string", "enum": ["ON", "on"], "enumDeprecated": [False, True]},
                    "old": {"type": "string", "deprecated": True},
                    "when": {"type": "string", "format": "int64"},
                    "parts": {"type": "array", "items": {"$ref": "Part"}},
                }
            },
            "Part": {"properties": {"size": {"type": "integer", "format": "int32"}, "any": {"type": "any"}}},
            "Stranger": {"properties": {}},
        },
    }
    facts = freeze(discovery)
    assert sorted(facts["$defs"]) == ["LoyaltyClass", "LoyaltyObject", "Part"]
    properties = facts["$defs"]["LoyaltyObject"]["properties"]
    assert properties["state"] == {"enum": ["ON"]}
    assert "old" not in properties
    assert properties["when"]["type"] == "string"
    assert properties["parts"] == {"type": "array", "items": {"$ref": "#/$defs/Part"}}
    assert facts["$defs"]["Part"]["properties"]["any"] == {}
    assert facts["$defs"]["LoyaltyClass"]["required"] == ["id"]
