"""Check a body against the frozen type facts before it is sent.

Only what we send is checked, never what Google answers: new fields and enum values appear there without notice.
"""

import copy
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import fastjsonschema
import msgspec

from kernel.errors import Invalid

Resource = Literal["loyaltyClass", "loyaltyObject"]
Body = Mapping[str, Any]

_ROOT: Mapping[Resource, str] = {"loyaltyClass": "LoyaltyClass", "loyaltyObject": "LoyaltyObject"}

# Rules which Google's documentation states in prose only: (definition, property) -> extra keywords.
# https://developers.google.com/wallet/reference/rest/v1/loyaltyobject and .../loyaltyclass
_ID = {"type": "string", "pattern": r"^[0-9]+\.[A-Za-z0-9._-]+$", "maxLength": 64}
_COLOUR = {"pattern": "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"}
_PROPERTY_RULES: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("LoyaltyClass", "id"): _ID,
    ("LoyaltyClass", "hexBackgroundColor"): _COLOUR,
    ("LoyaltyClass", "reviewStatus"): {"enum": ["DRAFT", "UNDER_REVIEW"]},
    ("LoyaltyClass", "merchantLocations"): {"maxItems": 10},
    ("LoyaltyClass", "messages"): {"maxItems": 10},
    ("LoyaltyClass", "valueAddedModuleData"): {"maxItems": 15},
    ("LoyaltyObject", "id"): _ID,
    ("LoyaltyObject", "classId"): _ID,
    ("LoyaltyObject", "merchantLocations"): {"maxItems": 10},
    ("LoyaltyObject", "messages"): {"maxItems": 10},
    ("LoyaltyObject", "valueAddedModuleData"): {"maxItems": 15},
    ("LoyaltyObject", "smartTapRedemptionValue"): {"pattern": "^[ -~]*$"},
    ("TextModuleData", "id"): {"pattern": "^[A-Za-z0-9_-]+$"},
    ("CardTemplateOverride", "cardRowTemplateInfos"): {"minItems": 1, "maxItems": 3},
}
_DEFINITION_RULES: Mapping[str, Mapping[str, Any]] = {
    "LoyaltyPoints": {"required": ["balance"]},
    "LoyaltyPointsBalance": {"minProperties": 1, "maxProperties": 1},
    "Image": {"oneOf": [{"required": ["sourceUri"]}, {"required": ["privateImageId"]}]},
    "ImageUri": {"required": ["uri"]},
    "CardRowTemplateInfo": {"minProperties": 1, "maxProperties": 1},
    "TemplateItem": {"oneOf": [{"required": ["firstValue"]}, {"required": ["predefinedItem"]}]},
}


class WalletBodyInvalid(Invalid):
    """A body that the Wallet API would refuse; sending it again cannot help."""

    code = "google_wallet_body_invalid"
    title = "The Google Wallet body is not valid"


def check(resource: Resource, body: Body, *, patch: bool = False) -> None:
    """Raise `WalletBodyInvalid` unless Google's type facts allow `body`.

    With `patch` a None stands for "remove this field" and nothing is required at the root, except that a class names
    its review status in every request.
    """
    try:
        _validator(resource, patch)(without_nulls(body) if patch else body)
    except fastjsonschema.JsonSchemaValueException as error:
        raise WalletBodyInvalid(f"{resource}: {error.message}", rule=str(error.rule)) from error


def without_nulls(node: Any) -> Any:
    """`node` without the members whose value is None, at every depth."""
    if isinstance(node, Mapping):
        return {key: without_nulls(value) for key, value in node.items() if value is not None}
    return [without_nulls(value) for value in node] if isinstance(node, list) else node


@cache
def frozen() -> dict[str, Any]:
    """The frozen facts: `revision` of the discovery document and `$defs`."""
    facts: dict[str, Any] = msgspec.json.decode(Path(__file__).with_name("walletobjects.json").read_bytes())
    return facts


@cache
def _validator(resource: Resource, patch: bool) -> Callable[[Any], Any]:
    """Compiled on first use: about 0.1 s, then some microseconds per body."""
    definitions = copy.deepcopy(frozen()["$defs"])
    for (name, field), rule in _PROPERTY_RULES.items():
        definitions[name]["properties"][field].update(rule)
    for name, rule in _DEFINITION_RULES.items():
        definitions[name].update(rule)
    root = definitions[_ROOT[resource]]
    if patch:
        root["required"] = ["reviewStatus"] if resource == "loyaltyClass" else []
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$ref": f"#/$defs/{_ROOT[resource]}",
        "$defs": definitions,
    }
    compiled: Callable[[Any], Any] = fastjsonschema.compile(schema, use_default=False)
    return compiled
