"""Looks, tickets, and what is written on the pass of a card."""

import json
from typing import Any

from passes.apple.document import Origin, Paper, Ticket, document
from passes.card import Card, Value, Words
from passes.look import Layout, Look
from passes.sandbox.apple_strings import read_strings
from tests.support.apple_cards import a_card, identity

TOKEN = "0123456789abcdef0123"
TAP_KEY = "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADmovwkoZ+VJYpBvLqx0Q/3NISR+KwHKWk80N3lOHpDAM="


def words(english: str, finnish: str = "", hungarian: str = "") -> Words:
    """A text in three languages; those left out say it in English."""
    return {"en": english, "fi": finnish or english, "hu": hungarian or english}


def value(text: str | Words, label: str = "Label") -> Value:
    """A value that is a text."""
    return Value(label=words(label), text={"en": text} if isinstance(text, str) else text)


def a_look(**wanted: Any) -> Look:
    """The look of a small café, with what a test wants different."""
    plain: dict[str, Any] = {
        "id": "dsn_1",
        "partner_id": "ptn_1",
        "brand_name": "Kávézó Körút",
        "logo_text": "Kávézó Körút",
        "background": "#1f3a5f",
    }
    return Look(**(plain | wanted))


def a_ticket(**wanted: Any) -> Ticket:
    """A pass with its serial number and token."""
    plain: dict[str, Any] = {"serial": "pass_1", "token": TOKEN}
    return Ticket(**(plain | wanted))


def tapping(**wanted: Any) -> Ticket:
    """A pass that can be tapped."""
    return a_ticket(tap_code="7k3m9qxa", tap_public_key=TAP_KEY, **wanted)


def an_origin() -> Origin:
    """The café's passes are signed by the test authority's identity."""
    return Origin(identity().pass_type, identity().team, "https://points.example/apple")


def a_paper(card: Card | None = None, look: Look | None = None, ticket: Ticket | None = None) -> Paper:
    """What the pass of a card says."""
    return document(card or a_card(), look or a_look(), an_origin(), ticket or a_ticket())


def written(card: Card | None = None, look: Look | None = None, ticket: Ticket | None = None) -> dict[str, Any]:
    """Its pass.json, as it is read."""
    said: dict[str, Any] = json.loads(a_paper(card, look, ticket).body)
    return said


def in_language(paper: Paper, language: str) -> dict[str, str]:
    """The strings that a phone of a language finds."""
    return read_strings(paper.strings[f"{language}.lproj/pass.strings"])


def field(said: dict[str, Any], key: str) -> dict[str, Any]:
    """The one field with this key, wherever it stands."""
    styles = [said[style] for style in ("storeCard", "generic", "coupon", "eventTicket") if style in said]
    (found,) = [one for style in styles for area in style.values() for one in area if one["key"] == key]
    return dict(found)


BACK = Layout(back=("rewards_ready", "worth", "joined", "member_code", "balance", "expiring"))
