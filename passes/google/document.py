"""What a card is on Google Wallet: a LoyaltyClass per brand and a LoyaltyObject per member.

Pure: the same Card gives the same bytes. Every value is absolute, so a body sent twice or late does no harm as long as
the last one sent is the newest. The class holds nothing of a member, not even a language, because all members of a
brand share it. Field reference: https://developers.google.com/wallet/reference/rest/v1/loyaltyobject (and
.../loyaltyclass).
"""

import hashlib
from typing import Any

import msgspec

from passes.card import Card, Value, said
from passes.look import Look

Body = dict[str, Any]

_INT32_MAX = 2**31 - 1

# Naming rows replaces Google's default layout, so the balance is named too. A row whose fields are empty is left out.
_FRONT_ROWS: list[Body] = [
    {
        "twoItems": {
            "startItem": {"firstValue": {"fields": [{"fieldPath": "object.loyaltyPoints.balance"}]}},
            "endItem": {"firstValue": {"fields": [{"fieldPath": "object.secondaryLoyaltyPoints.balance"}]}},
        }
    },
    {"oneItem": {"item": {"firstValue": {"fields": [{"fieldPath": "object.textModulesData['next_reward']"}]}}}},
]


def class_id_of(issuer_id: str, brand_id: str) -> str:
    """The id of a brand's class: `issuer.brand`. Ids live for ever at Google and are seen in save links."""
    return f"{issuer_id}.{brand_id}"


def object_id_of(issuer_id: str, pass_id: str) -> str:
    """The id of a member's object: `issuer.pass`. The pass id is opaque and says nothing of the member."""
    return f"{issuer_id}.{pass_id}"


def class_body(look: Look, class_id: str, logo_url: str) -> Body:
    """The LoyaltyClass of a brand. `logo_url` is public and changes with the picture: Google caches it."""
    return {
        "id": class_id,
        "issuerName": look.brand_name,
        "programName": look.logo_text or look.brand_name,
        "programLogo": {
            "sourceUri": {"uri": logo_url},
            "contentDescription": {"defaultValue": {"language": "en", "value": look.brand_name}},
        },
        "hexBackgroundColor": look.background,
        # The only status besides DRAFT that an issuer may send; Google turns it into APPROVED by itself. A PATCH
        # without it is refused.
        "reviewStatus": "UNDER_REVIEW",
        # The first account that saves the card owns it: a copied save link is worth nothing afterwards.
        "multipleDevicesAndHoldersAllowedStatus": "ONE_USER_ALL_DEVICES",
        "classTemplateInfo": {"cardTemplateOverride": {"cardRowTemplateInfos": _FRONT_ROWS}},
    }


def class_patch(look: Look, class_id: str, logo_url: str) -> Body:
    """The same as a PATCH body."""
    body = class_body(look, class_id, logo_url)
    del body["id"]
    return body


def object_body(card: Card, object_id: str, class_id: str, *, voided: bool = False) -> Body:
    """The LoyaltyObject of a card. A voided card is INACTIVE: the phone shows it among the expired passes."""
    kept = _object_values(card, voided)
    return {"id": object_id, "classId": class_id} | {name: value for name, value in kept.items() if value is not None}


def object_patch(card: Card, class_id: str, *, voided: bool = False, notify: bool = False) -> Body:
    """A PATCH body that brings the object to the card's state whatever it holds now.

    PATCH merges and removes what is null, so everything absent from the card is sent as None. `notify` asks Google to
    show a notification; at most three per pass in 24 hours, and Google words it.
    """
    body: Body = {"classId": class_id} | _object_values(card, voided)
    points = body["loyaltyPoints"]["balance"]
    body["loyaltyPoints"] |= {"balance": {"int": None, "string": None} | points}
    if notify:
        body["notifyPreference"] = "NOTIFY_ON_UPDATE"
    return body


def body_hash(body: Body) -> str:
    """SHA-256 of the body in a canonical form, in hex: equal bodies need not be sent again."""
    return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()


def _object_values(card: Card, voided: bool) -> Body:
    """What the card says, by field; None where it says nothing."""
    values, language = card.values, card.language
    links = [
        {"id": f"link_{number}", "uri": link.url, "description": said(link.label, language)}
        for number, link in enumerate(card.links, start=1)
    ]
    return {
        "state": "INACTIVE" if voided else "ACTIVE",
        "accountId": card.code,
        "accountName": _text(values.get("holder"), language) or None,
        "loyaltyPoints": {"label": _label(values.get("balance"), language), "balance": _balance(card.balance)},
        # A tier is a field of the class, shared by all members; on the object the second balance is its place.
        "secondaryLoyaltyPoints": _second(values.get("tier"), language),
        "textModulesData": _modules(values, language) or None,
        "linksModuleData": {"uris": links} if links else None,
        "barcode": {"type": "QR_CODE", "value": card.code, "alternateText": card.code},
    }


def _second(tier: Value | None, language: str) -> Body | None:
    text = _text(tier, language)
    return {"label": _label(tier, language), "balance": {"string": text}} if text else None


def _modules(values: dict[str, Value], language: str) -> list[Body]:
    return [
        {"id": key, "header": _label(values[key], language), "body": text}
        for key in ("next_reward", "news")
        if (text := _text(values.get(key), language))
    ]


def _label(value: Value | None, language: str) -> str:
    return said(value.label, language) if value else ""


def _text(value: Value | None, language: str) -> str:
    return said(value.text, language) if value else ""


def _balance(points: int) -> Body:
    """Google's integer balance has 32 bits; larger amounts go as text."""
    return {"int": points} if -_INT32_MAX - 1 <= points <= _INT32_MAX else {"string": str(points)}
