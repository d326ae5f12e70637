"""What a card says, for every wallet alike: pure, from the ledger's state, the programme and the partner's design.

A card holds what is said; how it looks is the design's (`passes/look.py`), named by its id. Every text is given in each
language that we speak: the phone's language chooses, and a phone with none of them shows `language`, the member's own.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

Words = dict[str, str]  # language -> text; a text that is the same everywhere has one entry


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing a card says, with the label above it.

    Exactly one of: `text`, a `number` (points, visits), an amount of `minor` units of `currency`, or a `moment`.
    """

    label: Words
    text: Words = {}
    number: int | None = None
    minor: int | None = None
    currency: str = ""
    moment: datetime | None = None


class Link(msgspec.Struct, frozen=True):
    """A link on the back of the card."""

    label: Words
    url: str


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the card comes to the lock screen: a place (degrees, WGS 84) or, with `uuid`, a beacon at it."""

    text: Words
    latitude: float | None = None
    longitude: float | None = None
    uuid: str = ""
    major: int | None = None
    minor: int | None = None


class Card(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything a card says.

    `values` holds what the design's layout asks for and no more, so that nothing changes for a phone that shows none
    of it; `news` is the one sentence that a change may tell (see `passes/news.py`). `code` is the content of the
    barcode. `tap_key` names the key that taps of this card are encrypted for ("" without taps).
    """

    brand_id: str
    design: str
    language: str
    description: Words
    code: str
    values: dict[str, Value]
    links: tuple[Link, ...] = ()
    places: tuple[Place, ...] = ()
    valid_until: datetime | None = None
    tap_key: str = ""

    @property
    def balance(self) -> int:
        """The points that the card shows; 0 on a coupon."""
        shown = self.values.get("balance")
        return shown.number or 0 if shown else 0


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Card)


def card_json(card: Card) -> bytes:
    """Canonical JSON of a card: equal cards give equal bytes."""
    return _encoder.encode(card)


def card_from_json(text: str | bytes) -> Card:
    """The card that `card_json` wrote."""
    return _decoder.decode(text)


def said(words: Mapping[str, str], language: str) -> str:
    """The text in a language, else in English, else in any; "" when there is none."""
    return words.get(language) or words.get("en") or next(iter(words.values()), "")
