"""What Google and its phones would make of a body is said in words."""

from typing import Any

import pytest

from passes.google.document import ClassPictures, class_body
from passes.google.schema.check import Resource
from passes.google.validation import faults
from tests.support.google import a_look

CLASS: dict[str, Any] = class_body(a_look(), "338.c", ClassPictures("https://points.example/logo.png"))
OBJECT: dict[str, Any] = {
    "id": "338.p",
    "classId": "338.c",
    "state": "ACTIVE",
    "loyaltyPoints": {"label": "Points", "balance": {"int": 5}},
    "barcode": {"type": "QR_CODE", "value": "ABC"},
}
LIVE = {
    "type": "QR_CODE",
    "valuePattern": "CPL1.p.{totp_timestamp_seconds}.{totp_value_0}",
    "totpDetails": {
        "algorithm": "TOTP_SHA1", "periodMillis": "30000", "parameters": [{"key": "00" * 20, "valueLength": 8}],
    },
}  # fmt: skip


def told(resource: Resource, **change: Any) -> list[tuple[str, bool]]:
    """(path, refused) of each fault of a good body with a change."""
    body = (CLASS if resource.endswith("Class") else OBJECT) | change
    found = faults(resource, {name: value for name, value in body.items() if value is not None})
    assert all(one.says.endswith(".") and "Google" in one.says for one in found if one.refused)
    return [(one.path, one.refused) for one in found]


def test_good_bodies_have_no_faults() -> None:
    assert told("loyaltyClass") == []
    assert told("loyaltyObject", rotatingBarcode=LIVE) == []


def localized(text: str) -> dict[str, Any]:
    plain = {"language": "en", "value": "x"}
    return {"defaultValue": plain, "translatedValues": [{"language": "fi", "value": text}]}


@pytest.mark.parametrize(
    ("resource", "change", "path"),
    [
        ("loyaltyClass", {"programName": "x" * 21}, "programName"),
        ("loyaltyClass", {"accountIdLabel": "x" * 16}, "accountIdLabel"),
        ("loyaltyClass", {"localizedAccountIdLabel": localized("x" * 16)}, "localizedAccountIdLabel"),
        ("loyaltyObject", {"accountName": "x" * 21}, "accountName"),
        ("loyaltyObject", {"loyaltyPoints": {"label": "x" * 10, "balance": {"int": 1}}}, "loyaltyPoints.label"),
        ("loyaltyObject", {"loyaltyPoints": {"label": "x", "balance": {"string": "12345678"}}},
         "loyaltyPoints.balance.string"),
        ("loyaltyObject", {"textModulesData": [{"header": "x" * 36, "body": "x"}]}, "textModulesData[0].header"),
        ("loyaltyObject", {"textModulesData": [{"header": "x", "body": "x" * 501}]}, "textModulesData[0].body"),
        ("loyaltyObject", {"linksModuleData": {"uris": [{"uri": "https://x.example", "description": "x" * 21}]}},
         "linksModuleData.uris[0].description"),
        ("loyaltyClass", {"appLinkData": {"displayText": localized("x" * 31)}}, "appLinkData.displayText"),
        ("loyaltyClass", {"valueAddedModuleData": [{"header": localized("x" * 61), "uri": "https://x.example"}]},
         "valueAddedModuleData[0].header"),
    ],
)  # fmt: skip
def test_texts_that_may_be_cut_are_told(resource: Resource, change: dict[str, Any], path: str) -> None:
    assert told(resource, **change) == [(path, False)]


@pytest.mark.parametrize(
    ("resource", "change", "path"),
    [
        ("loyaltyObject", {"textModulesData": [{"body": "x"}] * 11}, "textModulesData[10]"),
        ("loyaltyObject", {"textModulesData": [{"id": "t", "body": "x"}] * 2}, "textModulesData[1].id"),
        ("loyaltyClass", {"imageModulesData": [{"id": "i"}, {"id": "j"}]}, "imageModulesData[1]"),
        ("loyaltyObject", {"loyaltyPoints": None, "secondaryLoyaltyPoints": {"balance": {"int": 1}}},
         "secondaryLoyaltyPoints"),
        ("loyaltyObject", {"linksModuleData": {"uris": [{"uri": "ftp://x.example"}]}}, "linksModuleData.uris[0].uri"),
        ("loyaltyClass", {"programLogo": {"sourceUri": {"uri": "http://x.example/l.png"}}},
         "programLogo.sourceUri.uri"),
        ("loyaltyClass", {"appLinkData": {"webAppLinkInfo": {"appTarget": {"targetUri": {"uri": "https://x.example"}}}}},
         "appLinkData.webAppLinkInfo.appTarget.targetUri.description"),
        ("loyaltyObject", {"barcode": {"type": "CODE_128", "value": "ä"}}, "barcode.value"),
        ("loyaltyObject", {"barcode": None, "rotatingBarcode": LIVE}, "barcode"),
        ("loyaltyObject", {"rotatingBarcode": LIVE | {"valuePattern": "M1"}}, "rotatingBarcode.valuePattern"),
        ("loyaltyObject", {"rotatingBarcode": {"type": "QR_CODE", "valuePattern": "{totp_value_0}"}},
         "rotatingBarcode.totpDetails"),
        ("loyaltyObject", {"validTimeInterval": {"start": {"date": "2027-01-01T00:00:00Z"},
                                                 "end": {"date": "2026-01-01T00:00:00Z"}}}, "validTimeInterval.end"),
        ("loyaltyClass", {"reviewStatus": "DRAFT"}, "reviewStatus"),
        ("loyaltyClass", {"classTemplateInfo": {"cardTemplateOverride": {"cardRowTemplateInfos": [
            {"oneItem": {"item": {"firstValue": {"fields": [{"fieldPath": "loyaltyPoints.balance"}]}}}}]}}},
         "classTemplateInfo.cardTemplateOverride.cardRowTemplateInfos[0]"),
    ],
)  # fmt: skip
def test_what_would_not_be_seen_as_it_is_meant_is_told(resource: Resource, change: dict[str, Any], path: str) -> None:
    assert told(resource, **change) == [(path, False)]


@pytest.mark.parametrize(
    ("resource", "change", "path"),
    [
        ("loyaltyObject", {"points": 5}, ""),
        ("loyaltyObject", {"loyaltyPoints": {"balance": {"int": 2**31}}}, "loyaltyPoints.balance.int"),
        ("loyaltyObject", {"textModulesData": [{"id": "a.b", "body": "x"}]}, "textModulesData[0].id"),
        ("loyaltyObject", {"validTimeInterval": {"start": {"date": "2026-01-01T00:00:00"},
                                                 "end": {"date": "2027-01-01T00:00:00Z"}}}, "validTimeInterval"),
        ("loyaltyClass", {"hexBackgroundColor": "blue"}, "hexBackgroundColor"),
    ],
)  # fmt: skip
def test_what_google_would_refuse_is_told_as_such(resource: Resource, change: dict[str, Any], path: str) -> None:
    assert (path, True) in told(resource, **change)


@pytest.mark.parametrize("junk", [None, 5, "text", [], [None], {}, {"": None}, [[["deep"]]]])
@pytest.mark.parametrize("resource", ["loyaltyClass", "loyaltyObject", "offerClass", "offerObject"])
def test_anything_may_stand_anywhere_and_only_faults_come_of_it(resource: Resource, junk: Any) -> None:
    for name in {*CLASS, *OBJECT, "rotatingBarcode", "linksModuleData", "appLinkData", "validTimeInterval"}:
        assert faults(resource, {**CLASS, **OBJECT, name: junk})
