"""Texts in the languages that members read: English, Finnish, Hungarian.

Each folder registers its own catalogue; a message that lacks a language is an error at registration, not at midnight.
"""

from collections.abc import Mapping
from string import Formatter

LANGUAGES = ("en", "fi", "hu")
FALLBACK = "en"

_messages: dict[str, Mapping[str, str]] = {}


def register(catalogue: Mapping[str, Mapping[str, str]]) -> None:
    """Add messages: id -> language -> text with `{name}` places. Every language must be there, with the same places."""
    for message_id, texts in catalogue.items():
        if set(texts) != set(LANGUAGES):
            raise ValueError(f"message '{message_id}' must be given in {', '.join(LANGUAGES)}")
        if len({_places(text) for text in texts.values()}) > 1:
            raise ValueError(f"message '{message_id}' has different places in different languages")
        known = _messages.setdefault(message_id, texts)
        if known != texts:
            raise ValueError(f"message '{message_id}' is registered twice with different texts")


def translate(message_id: str, language: str, **values: object) -> str:
    """The text in `language` (or English), places filled from `values`. Raises KeyError for an unknown message."""
    texts = _messages[message_id]
    return texts.get(language, texts[FALLBACK]).format(**values)


def best_language(accepted: str | None) -> str:
    """The first of our languages in an Accept-Language header (RFC 9110 section 12.5.4, as written), or English."""
    for part in (accepted or "").lower().split(","):
        language = part.split(";")[0].strip().split("-")[0]
        if language in LANGUAGES:
            return language
    return FALLBACK


def _places(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)
