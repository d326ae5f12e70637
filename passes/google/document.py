"""What a member's card is on Google Wallet: a LoyaltyObject, in a class for all cards of its brand.

Pure: the same card gives the same bytes. Every value is absolute, so a body sent twice or late does no harm as long as
the last one sent is the newest. Coupons are in `offers.py`, classes in `classes.py`; all of it can be had from here.

Field reference: https://developers.google.com/wallet/reference/rest/v1/loyaltyobject
"""

import hashlib
from typing import Any, Final

import msgspec

from passes.card import Card
from passes.google import document_parts as parts
from passes.google.classes import ClassOptions, ClassPictures, class_body, class_patch
from passes.google.document_ids import class_id_of, object_id_of, offer_class_id_of, reward_of
from passes.google.document_slots import module_keys, secondary_key
from passes.google.document_words import both, localized, plain, words_of
from passes.google.objects import SHAPE_OF_ALL, values_of_all
from passes.google.offers import offer_class_body, offer_class_patch, offer_object_body, offer_object_patch
from passes.google.patching import POINTS, WHOLE, Shape, absolute, without_absent
from passes.google.schema.rules import MOST_LINKED
from passes.google.ticket import LiveBarcode, Ticket
from passes.live_code import DIGITS, PERIOD_S
from passes.look import Look

Body = dict[str, Any]

# A brand's card stands above its coupons.
_PLACE: Final = 1
_ID_DIGITS: Final = 16
_SHAPE: Final[Shape] = {
    **SHAPE_OF_ALL,
    "accountId": WHOLE,
    "accountName": WHOLE,
    "loyaltyPoints": POINTS,
    "secondaryLoyaltyPoints": POINTS,
    "rotatingBarcode": WHOLE,
    "smartTapRedemptionValue": WHOLE,
    "passConstraints": WHOLE,
}


def object_body(card: Card, look: Look, ticket: Ticket) -> Body:
    """The LoyaltyObject of a card in its look."""
    ids = {"id": ticket.object_id, "classId": ticket.class_id}
    return ids | without_absent(_values(card, look, ticket))


def object_patch(card: Card, look: Look, ticket: Ticket, *, notify: bool = False) -> Body:
    """A PATCH body that brings the object to the card's state, whatever it holds now.

    `notify` asks Google to show a notification; at most three per pass in 24 hours, and Google words it.
    """
    body = {"classId": ticket.class_id} | absolute(_values(card, look, ticket), _SHAPE)
    if body["linkedObjectIds"] is None:  # there is no unlinking
        del body["linkedObjectIds"]
    return body | ({"notifyPreference": "NOTIFY_ON_UPDATE"} if notify else {})


def news_message(card: Card, *, notify: bool) -> Body | None:
    """The card's news as a message for `addMessage`; None without any. With `notify` the phone shows it.

    The id follows from the sentence: a message that may or may not have arrived can be looked for.
    """
    news = card.values.get("news")
    text = plain(news.text, card.language) if news is not None else ""
    if news is None or not text:
        return None
    name = hashlib.sha256(msgspec.json.encode(news.text, order="sorted")).hexdigest()[:_ID_DIGITS]
    said = both("header", news.label, card.language) | both("body", news.text, card.language)
    return {"id": f"news-{name}", **said, "messageType": "TEXT_AND_NOTIFY" if notify else "TEXT"}


def body_hash(body: Body) -> str:
    """SHA-256 of the body in a canonical form, in hex: equal bodies need not be sent again."""
    return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()


def _values(card: Card, look: Look, ticket: Ticket) -> Body:
    """What the card says, by field; None where it says nothing."""
    values, language = card.values, card.language
    second = _second(card, look)
    keys = [key for key in module_keys(look.layout, values) if key != second]
    holder = values.get("holder")
    live = _live(card, look, ticket)
    return values_of_all(card, look, ticket, keys, _PLACE) | {
        "state": "INACTIVE" if ticket.voided else "ACTIVE",
        "accountId": card.code or None,
        "accountName": (plain(holder.text, language) or None) if holder is not None else None,
        "loyaltyPoints": parts.points(values.get("balance"), language),
        "secondaryLoyaltyPoints": parts.points(values.get(second), language) if second else None,
        "rotatingBarcode": live,
        "smartTapRedemptionValue": ticket.tap_code or None if look.taps else None,
        # A picture of a code that rotates is of no use to an honest member.
        "passConstraints": {"screenshotEligibility": "INELIGIBLE"} if live else None,
        "linkedObjectIds": list(ticket.linked[:MOST_LINKED]) or None,
    }


def _second(card: Card, look: Look) -> str:
    """Which value is the second balance, "" for none: Google has no translations there, so a text that differs from
    language to language is a text module instead."""
    key = secondary_key(look.layout)
    value = card.values.get(key) if key else None
    if key is None or value is None or localized(words_of(value), card.language) is not None:
        return ""
    return key


def _live(card: Card, look: Look, ticket: Ticket) -> Body | None:
    if not look.live_code or ticket.live is None or ticket.voided:
        return None
    return parts.rotating_barcode(ticket.live.pattern, ticket.live.key_hex, look.barcode, card.code, PERIOD_S, DIGITS)


__all__ = [
    "Body",
    "ClassOptions",
    "ClassPictures",
    "LiveBarcode",
    "Ticket",
    "body_hash",
    "class_body",
    "class_id_of",
    "class_patch",
    "news_message",
    "object_body",
    "object_id_of",
    "object_patch",
    "offer_class_body",
    "offer_class_id_of",
    "offer_class_patch",
    "offer_object_body",
    "offer_object_patch",
    "reward_of",
]
