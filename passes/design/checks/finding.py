"""What a check says: a fault keeps a design from being stored, a warning is for its author to weigh."""

import re
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from kernel.i18n import LANGUAGES
from passes.card import Words

Wallet = Literal["both", "apple", "google"]
LONGEST_LABEL: Final = 60
# Control characters, and those that turn the direction of what follows: a label would say something else than it holds.
_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Finding(msgspec.Struct, frozen=True):
    """`pointer` is a JSON pointer into the design; `says` what the wallet would do, or what is wrong."""

    level: Literal["fault", "warning"]
    wallet: Wallet
    code: str
    pointer: str
    says: str


def fault(code: str, pointer: str, says: str, wallet: Wallet = "both") -> Finding:
    """Something that must be mended."""
    return Finding("fault", wallet, code, pointer, says)


def warning(code: str, pointer: str, says: str, wallet: Wallet = "both") -> Finding:
    """Something that works, but perhaps not as meant."""
    return Finding("warning", wallet, code, pointer, says)


def unseen(text: str) -> bool:
    """Whether a text holds characters that nobody sees but that change what is read."""
    return _UNSEEN.search(text) is not None


def of_words(words: Words, pointer: str, longest: int = LONGEST_LABEL, *, lines: bool = False) -> Iterator[Finding]:
    """Texts per language: ours only, none empty, none too long for any place; `lines` allows line breaks."""
    if not words:
        yield fault("text_missing", pointer, "Give the text in at least one language.")
    for language, text in words.items():
        at = f"{pointer}/{escaped(language)}"
        if language not in LANGUAGES:
            yield fault("language_unknown", at, f"Texts are given in {', '.join(LANGUAGES)}.")
        elif not text.strip():
            yield fault("text_missing", at, "The text is empty.")
        elif len(text) > longest:
            yield fault("text_too_long", at, f"The text has {len(text)} characters: at most {longest}.")
        elif unseen(text) or (not lines and "\n" in text):
            yield fault("text_unprintable", at, "The text holds a control character.")
    missing = [language for language in LANGUAGES if language not in words]
    if words and missing:
        yield warning(
            "language_missing", pointer, f"Phones in {', '.join(missing)} would show another language's text."
        )


def longer_than(words: Words, soft: int, pointer: str, says: str, wallet: Wallet) -> Iterator[Finding]:
    """A warning for each language whose text is longer than what is shown in full."""
    for language, text in words.items():
        if len(text) > soft:
            at = f"{pointer}/{escaped(language)}"
            yield warning("text_cut", at, f"{says}: {len(text)} characters, about {soft} are shown.", wallet)


def escaped(name: str) -> str:
    """A reference token of a JSON pointer (RFC 6901 section 3)."""
    return name.replace("~", "~0").replace("/", "~1")[:64]
