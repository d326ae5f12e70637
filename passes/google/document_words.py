"""Texts as Google takes them: one as it is, and the same in other languages beside it.

The phone's language chooses; a phone with none of ours shows the one as it is, which is in the member's own language on
an object and in English on a class. https://developers.google.com/wallet/reference/rest/v1/LocalizedString
"""

from datetime import date
from typing import Any, Final

from kernel.i18n import FALLBACK, LANGUAGES
from passes.card import Value, Words
from passes.speech import day, money, numbers

Body = dict[str, Any]

# A day that says its year always: a body may not depend on the day on which it is written.
_NO_YEAR: Final = date.min


def plain(words: Words, language: str) -> str:
    """The text in a language, else in English, else in any; "" when there is none."""
    return _chosen(words, language)[1]


def localized(words: Words, language: str) -> Body | None:
    """A LocalizedString whose default is `plain`; None for a text that is the same in all languages."""
    tag, text = _chosen(words, language)
    others = [one for one in LANGUAGES if one != tag and words.get(one, text) not in ("", text)]
    if not others:
        return None
    return {
        "defaultValue": _translated(tag, text),
        "translatedValues": [_translated(other, words[other]) for other in others],
    }


def spoken(words: Words, language: str) -> Body:
    """A LocalizedString for where Google takes no plain text."""
    return localized(words, language) or {"defaultValue": _translated(*_chosen(words, language))}


def both(name: str, words: Words, language: str) -> Body:
    """The field `name` and its `localizedName`, as far as there is something to say."""
    text = plain(words, language)
    if not text:
        return {}
    said = localized(words, language)
    return {name: text} | ({f"localized{name[0].upper()}{name[1:]}": said} if said else {})


def words_of(value: Value) -> Words:
    """What a value says, in words: Google formats nothing in a text. A moment is its day where the moment says it is
    (in the programme's zone, or in UTC)."""
    if value.number is not None:
        return numbers(value.number)
    if value.minor is not None:
        return money(value.minor, value.currency)
    if value.moment is not None:
        return day(value.moment.date(), _NO_YEAR)
    return value.text


def _chosen(words: Words, language: str) -> tuple[str, str]:
    for tag in (language, FALLBACK, *words):
        if text := words.get(tag):
            return tag, text
    return FALLBACK, ""


def _translated(language: str, text: str) -> Body:
    return {"language": language, "value": text}
