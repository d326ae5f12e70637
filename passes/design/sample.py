"""A card of a member who does not exist, to show a design with. Pure."""

from datetime import UTC, datetime
from typing import Final

from kernel.i18n import LANGUAGES, translate
from passes import texts as texts  # registers the labels
from passes.card import Card, Link, Value, Words
from passes.design import sample_texts as sample_texts  # registers the sample's words
from passes.look import Look, ValueKey

_DAY: Final = datetime(2026, 6, 30, 12, tzinfo=UTC)
_CODE: Final = "8K3M2PQ7XW4T"


def sample_card(look: Look, language: str) -> Card:
    """A card with everything that the look's layout asks for."""
    layout = look.layout
    keys = dict.fromkeys((*layout.header, *layout.primary, *layout.secondary, *layout.auxiliary, *layout.back))
    news = Value(label=_registered("card.news"), text=_registered("design.sample.news"))
    return Card(
        brand_id=look.partner_id,
        design=look.id,
        language=language,
        description={one: translate("card.description", one, brand=look.brand_name) for one in LANGUAGES},
        code=_CODE,
        values={**{key: _value(key, look) for key in keys}, "news": news},
        links=(Link(_registered("card.page"), "https://example.org/card"),),
    )


def _value(key: ValueKey, look: Look) -> Value:
    label = look.labels.get(key) or _registered(f"card.{key}")
    match key:
        case "balance":
            return Value(label=label, number=1234)
        case "rewards_ready" | "vouchers" | "uses_left":
            return Value(label=label, number=2)
        case "joined" | "valid_until":
            return Value(label=label, moment=_DAY)
        case "worth":
            return Value(label=label, minor=500, currency="EUR")
        case "member_code":
            return Value(label=label, text={"en": _CODE})
        case "held":
            return Value(label=label, text=_registered("design.sample.pending"))
        case _:
            return Value(label=label, text=_registered(f"design.sample.{key}"))


def _registered(message: str) -> Words:
    return {language: translate(message, language) for language in LANGUAGES}
