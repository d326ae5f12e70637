"""What a card is on Google Wallet: a LoyaltyClass per brand and a LoyaltyObject per member.

Pure: the same Card gives the same bytes. Every value is absolute, so a body sent twice or late does no harm as long as
the last one sent is the newest. The class holds nothing of a member, not even a language, because all members of a
brand share it. Field reference: https://developers.google.com/wallet/reference/rest/v1/loyaltyobject (and
.../loyaltyclass).
"""

import hashlib
from typing import Any

import msgspec

from passes.card import Card

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


def class_body(card: Card, class_id: str, logo_url: str) -> Body:
    """The LoyaltyClass of the card's brand. `logo_url` is public and changes with the picture: Google caches it."""
    return {
        "id": class_id,
        "issuerName": card.brand_name,
        "programName": card.logo_text or card.brand_name,
        "programLogo": {
            "sourceUri": {"uri": logo_url},
            "contentDescription": {"defaultValue": {"language": "en", "value": card.brand_name}},
        },
        "hexBackgroundColor": card.background,
        # The only status besides DRAFT that an issuer may send; Google turns it into APPROVED by itself. A PATCH
        # without it is refused.
        "reviewStatus": "UNDER_REVIEW",
        # The first account that saves the card owns it: a copied save link is worth nothing afterwards.
        "multipleDevicesAndHoldersAllowedStatus": "ONE_USER_ALL_DEVICES",
        "classTemplateInfo": {"cardTemplateOverride": {"cardRowTemplateInfos": _FRONT_ROWS}},
    }


def class_patch(card: Card, class_id: str, logo_url: str) -> Body:
    """The same as a PATCH body."""
    body = class_body(card, class_id, logo_url)
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
    modules = [{"id": "next_reward", "header": card.next_reward_label, "body": card.next_reward}]
    links = [
        {"id": f"link_{number}", "uri": link.url, "description": link.label}
        for number, link in enumerate(card.links, start=1)
    ]
    return {
        "state": "INACTIVE" if voided else "ACTIVE",
        "accountId": card.code,
        "accountName": card.holder or None,
        "loyaltyPoints": {"label": card.balance_label, "balance": _balance(card.balance)},
        # A tier is a field of the class, shared by all members; on the object the second balance is its place.
        "secondaryLoyaltyPoints": ({"label": card.tier_label, "balance": {"string": card.tier}} if card.tier else None),
        "textModulesData": modules if card.next_reward else None,
        "linksModuleData": {"uris": links} if links else None,
        "barcode": {"type": "QR_CODE", "value": card.code, "alternateText": card.code},
    }


def _balance(points: int) -> Body:
    """Google's integer balance has 32 bits; larger amounts go as text."""
    return {"int": points} if -_INT32_MAX - 1 <= points <= _INT32_MAX else {"string": str(points)}
