"""What a card says, for every wallet alike: pure, from the ledger's state, the programme and the partner's brand."""

import msgspec


class Link(msgspec.Struct, frozen=True):
    """A link on the back of the card."""

    label: str
    url: str


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a member sees on the card, in the member's language. Colours are `#rrggbb`.

    `balance_change` is the notice shown when the balance changes, with `%@` where the new balance goes.
    """

    brand_id: str
    brand_name: str
    description: str
    background: str
    foreground: str
    label_colour: str
    logo_text: str
    holder: str
    holder_label: str
    balance: int
    balance_label: str
    balance_change: str
    tier: str
    tier_label: str
    next_reward: str
    next_reward_label: str
    code: str
    language: str
    links: tuple[Link, ...] = ()


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Card)


def card_json(card: Card) -> bytes:
    """Canonical JSON of a card: equal cards give equal bytes."""
    return _encoder.encode(card)


def card_from_json(text: str | bytes) -> Card:
    """The card that `card_json` wrote."""
    return _decoder.decode(text)
