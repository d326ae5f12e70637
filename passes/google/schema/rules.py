"""Rules of the Wallet API that its discovery document states in prose only, as JSON Schema keywords.

https://developers.google.com/wallet/reference/rest/v1/loyaltyobject (and .../loyaltyclass, .../offerclass,
.../offerobject)
"""

import copy
from collections.abc import Mapping
from itertools import product
from typing import Any, Final

MOST_LOCATIONS: Final = 10
MOST_MESSAGES: Final = 10
MOST_VALUE_ADDED: Final = 15
MOST_LINKED: Final = 50
MOST_ROWS: Final = 3

Definitions = dict[str, dict[str, Any]]
Keywords = Mapping[str, Any]

_TOTP: Final = "RotatingBarcodeTotpDetailsTotpParameters"
_CLASSES: Final = ("LoyaltyClass", "OfferClass")
_OBJECTS: Final = ("LoyaltyObject", "OfferObject")
_ID: Final = {"type": "string", "pattern": r"^[0-9]+\.[A-Za-z0-9._-]+$", "maxLength": 64}
_MODULE_ID: Final = {"pattern": "^[A-Za-z0-9_-]+$"}
_URI: Final = {"pattern": "^[A-Za-z][A-Za-z0-9+.-]*:."}
# Date, time to the nanosecond, and an offset which may have seconds.
_DATE: Final = {
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$"
}

# (definition, property) -> more keywords of that property.
_OF_CLASSES: Final[Mapping[str, Keywords]] = {
    "id": _ID,
    "hexBackgroundColor": {"pattern": "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"},
    "reviewStatus": {"enum": ["DRAFT", "UNDER_REVIEW"]},
}
_OF_OBJECTS: Final[Mapping[str, Keywords]] = {
    "id": _ID,
    "classId": _ID,
    "smartTapRedemptionValue": {"pattern": "^[ -~]*$"},
    "linkedObjectIds": {"items": _ID, "maxItems": MOST_LINKED},
}
_OF_BOTH: Final[Mapping[str, Keywords]] = {
    "merchantLocations": {"maxItems": MOST_LOCATIONS},
    "messages": {"maxItems": MOST_MESSAGES},
    "valueAddedModuleData": {"maxItems": MOST_VALUE_ADDED},
}
_OF_PARTS: Final[Mapping[tuple[str, str], Keywords]] = {
    ("TextModuleData", "id"): _MODULE_ID,
    ("ImageModuleData", "id"): _MODULE_ID,
    ("Uri", "uri"): _URI,
    ("ImageUri", "uri"): {"pattern": "^https?://."},
    ("ValueAddedModuleData", "uri"): _URI,
    ("CallbackOptions", "url"): {"pattern": "^https://."},
    ("DateTime", "date"): _DATE,
    ("Money", "currencyCode"): {"pattern": "^[A-Z]{3}$"},
    ("MerchantLocation", "latitude"): {"minimum": -90, "maximum": 90},
    ("MerchantLocation", "longitude"): {"minimum": -180, "maximum": 180},
    ("Message", "messageType"): {"enum": ["TEXT", "TEXT_AND_NOTIFY"]},
    # Codes that rotate come in these two forms only; the key is Base16.
    ("RotatingBarcode", "type"): {"enum": ["QR_CODE", "PDF_417"]},
    ("RotatingBarcodeTotpDetails", "algorithm"): {"enum": ["TOTP_SHA1"]},
    ("RotatingBarcodeTotpDetails", "periodMillis"): {"pattern": "^[1-9][0-9]{0,9}$"},
    ("RotatingBarcodeTotpDetails", "parameters"): {"minItems": 1},
    (_TOTP, "key"): {"pattern": "^([0-9a-fA-F]{2})+$"},
    (_TOTP, "valueLength"): {"minimum": 1, "maximum": 10},
    ("CardTemplateOverride", "cardRowTemplateInfos"): {"minItems": 1, "maxItems": MOST_ROWS},
}
# definition -> more keywords of it.
_SMART_TAP: Final = {"dependencies": {"enableSmartTap": ["redemptionIssuers"]}}
_OF_DEFINITIONS: Final[Mapping[str, Keywords]] = {
    "LoyaltyClass": _SMART_TAP,
    "OfferClass": _SMART_TAP,
    "LoyaltyPoints": {"required": ["balance"]},
    "LoyaltyPointsBalance": {"minProperties": 1, "maxProperties": 1},
    "Money": {"required": ["currencyCode", "micros"]},
    "Image": {"oneOf": [{"required": ["sourceUri"]}, {"required": ["privateImageId"]}]},
    "ImageUri": {"required": ["uri"]},
    "Uri": {"required": ["uri"]},
    "LocalizedString": {"required": ["defaultValue"]},
    "TranslatedString": {"required": ["language", "value"]},
    "MerchantLocation": {"required": ["latitude", "longitude"]},
    "ValueAddedModuleData": {"required": ["header", "uri"]},
    "Barcode": {"required": ["type"]},
    "RotatingBarcode": {"required": ["type", "valuePattern"]},
    "RotatingBarcodeTotpDetails": {"required": ["algorithm", "parameters", "periodMillis"]},
    _TOTP: {"required": ["key", "valueLength"]},
    "AppLinkDataAppLinkInfoAppTarget": {"minProperties": 1},
    "CardRowTemplateInfo": {"minProperties": 1, "maxProperties": 1},
    "TemplateItem": {"oneOf": [{"required": ["firstValue"]}, {"required": ["predefinedItem"]}]},
    "FieldReference": {"required": ["fieldPath"]},
}


def with_rules(frozen: Definitions) -> Definitions:
    """The frozen definitions with these rules; what was given is left as it is."""
    definitions = copy.deepcopy(frozen)
    for name, (field, keywords) in (
        *product(_CLASSES, _OF_CLASSES.items()),
        *product(_OBJECTS, _OF_OBJECTS.items()),
        *product((*_CLASSES, *_OBJECTS), _OF_BOTH.items()),
    ):
        definitions[name]["properties"][field].update(keywords)
    for (name, field), keywords in _OF_PARTS.items():
        definitions[name]["properties"][field].update(keywords)
    for name, keywords in _OF_DEFINITIONS.items():
        definitions[name].update(keywords)
    return definitions
