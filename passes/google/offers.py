"""What a coupon is on Google Wallet: an OfferObject, in an OfferClass for all coupons of a brand for the same thing.

The class says what they are for, an object what its voucher says: what it is worth or what is left of it, its code, how
often and until when. Field reference: https://developers.google.com/wallet/reference/rest/v1/offerobject (and
.../offerclass)
"""

from typing import Any, Final

from kernel.i18n import FALLBACK
from passes.card import Card, Words
from passes.coupons import coupon_look
from passes.google import document_parts as parts
from passes.google.classes import NO_OPTIONS, SHAPE_OF_ALL, ClassOptions, ClassPictures, values_of_all
from passes.google.document_slots import offer_template
from passes.google.document_words import both, plain
from passes.google.objects import SHAPE_OF_ALL as SHAPE_OF_OBJECTS
from passes.google.objects import values_of_all as values_of_objects
from passes.google.patching import PICTURE, WORDS, Shape, absolute, without_absent
from passes.google.ticket import Ticket
from passes.look import Look
from passes.speech import phrase

Body = dict[str, Any]

# A brand's coupons stand below its card.
_PLACE: Final = 2
_CLASS_SHAPE: Final[Shape] = {**SHAPE_OF_ALL, "titleImage": PICTURE, "localizedTitle": WORDS}


def offer_class_body(
    look: Look, class_id: str, reward: Words, pictures: ClassPictures, options: ClassOptions = NO_OPTIONS
) -> Body:
    """The OfferClass of a brand's coupons for a `reward`. `look` is the brand's, or its coupons'."""
    return {"id": class_id} | without_absent(_class_values(look, reward, pictures, options))


def offer_class_patch(look: Look, reward: Words, pictures: ClassPictures, options: ClassOptions = NO_OPTIONS) -> Body:
    """A PATCH body that brings the class to this look, whatever it holds now."""
    return absolute(_class_values(look, reward, pictures, options), _CLASS_SHAPE)


def offer_object_body(card: Card, look: Look, ticket: Ticket) -> Body:
    """The OfferObject of a coupon in its look."""
    ids = {"id": ticket.object_id, "classId": ticket.class_id}
    return ids | without_absent(_object_values(card, look, ticket))


def offer_object_patch(card: Card, look: Look, ticket: Ticket, *, notify: bool = False) -> Body:
    """A PATCH body that brings the object to the coupon's state, whatever it holds now."""
    body = {"classId": ticket.class_id} | absolute(_object_values(card, look, ticket), SHAPE_OF_OBJECTS)
    return body | ({"notifyPreference": "NOTIFY_ON_UPDATE"} if notify else {})


def _class_values(look: Look, reward: Words, pictures: ClassPictures, options: ClassOptions) -> Body:
    shown = coupon_look(look)
    description = phrase("coupon.description", brand=look.brand_name, reward=reward)
    return values_of_all(shown, pictures, options) | {
        "issuerName": shown.brand_name,
        "provider": shown.brand_name,
        # A thing without a name would have no title, which Google wants.
        **(both("title", reward, FALLBACK) or {"title": plain(description, FALLBACK)}),
        "titleImage": parts.picture(pictures.logo_url, description, FALLBACK),
        "redemptionChannel": "INSTORE",
        "classTemplateInfo": offer_template(shown.layout),
    }


def _object_values(card: Card, look: Look, ticket: Ticket) -> Body:
    # Used, exchanged or cancelled: either way nothing more will come of it.
    state = "COMPLETED" if ticket.voided else "ACTIVE"
    keys = ("news", *(key for key in card.values if key not in ("reward", "news")))
    return {"state": state} | values_of_objects(card, look, ticket, keys, _PLACE)
