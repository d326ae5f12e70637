"""What objects of members' cards and of coupons say alike.

Field reference: https://developers.google.com/wallet/reference/rest/v1/loyaltyobject
"""

from collections.abc import Iterable
from typing import Any, Final

from passes.card import Card
from passes.google import document_parts as parts
from passes.google.patching import BARCODE, WHOLE, Shape
from passes.google.ticket import Ticket
from passes.look import Look

Body = dict[str, Any]

SHAPE_OF_ALL: Final[Shape] = {
    "barcode": BARCODE,
    "validTimeInterval": WHOLE,
    "textModulesData": WHOLE,
    "linksModuleData": WHOLE,
    "merchantLocations": WHOLE,
    # What was said with a notice is said by the news as well: at most the last message stands there.
    "messages": WHOLE,
}


def values_of_all(card: Card, look: Look, ticket: Ticket, keys: Iterable[str], place: int) -> Body:
    """The parts by field, None for what the card does not have. `keys` are the values that become text modules, `place`
    is where the pass stands among those of its brand."""
    language = card.language
    # Links of the design are said once, by the class.
    of_class = {link.url for link in look.links}
    links = [
        parts.link(f"link_{number}", link.label, link.url, language)
        for number, link in enumerate((one for one in card.links if one.url not in of_class), start=1)
    ]
    return {
        "barcode": parts.barcode(card.code, look.barcode),
        "validTimeInterval": parts.until(card.valid_until),
        "textModulesData": parts.text_modules(keys, card.values, language) or None,
        "linksModuleData": parts.links_module(links),
        "merchantLocations": parts.locations(card.places) if ticket.places else None,
        "groupingInfo": parts.grouping(card.brand_id, place),
    }
