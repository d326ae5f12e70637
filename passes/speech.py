"""How the languages on a card say numbers, units, money and days. Pure.

English: 1,234 points; 30 June. Finnish: 1 234 pistettä (partitive after every number but 1); 30.6. Hungarian: 1234
pont (always singular; thousands apart from five digits on); június 30., and június 30-án for "on that day".
"""

from collections.abc import Callable, Mapping
from datetime import date

from kernel.i18n import FALLBACK, LANGUAGES, translate
from kernel.money import minor_text
from passes.card import Words, said
from points.programme.face import together

_APART = "\N{NO-BREAK SPACE}"

_MONTHS = {
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ),
    "hu": (
        "január", "február", "március", "április", "május", "június", "július", "augusztus", "szeptember", "október",
        "november", "december",
    ),
}  # fmt: skip

# Days whose ordinal has back vowels (másodikán, harmadikán, hatodikán, nyolcadikán, huszadikán, harmincadikán).
_BACK_VOWELS = frozenset({2, 3, 6, 8, 13, 16, 18, 20, 23, 26, 28, 30})


def in_each(say: Callable[[str], str]) -> Words:
    """What `say` answers for each language."""
    return together({language: say(language) for language in LANGUAGES})


def phrase(message: str, **places: "Words | str | int") -> Words:
    """A registered text in every language; words in its places are taken in the same language."""

    def say(language: str) -> str:
        values = {name: said(at, language) if isinstance(at, dict) else at for name, at in places.items()}
        return translate(message, language, **values)

    return in_each(say)


def grouped(number: int, language: str) -> str:
    """A whole number with its thousands apart, as the language writes it."""
    if language == FALLBACK:
        return f"{number:,}"
    if language == "hu" and abs(number) < 10_000:
        return str(number)
    return f"{number:,}".replace(",", _APART)


def numbers(number: int) -> Words:
    """A whole number in each language."""
    return {FALLBACK: str(number)} if -1000 < number < 1000 else in_each(lambda language: grouped(number, language))


def counted(unit: Mapping[str, tuple[str, str]], number: int) -> Words:
    """A number of the programme's units (`Nouns.unit`), in the form that stands after that number."""
    form = 0 if abs(number) == 1 else 1
    return together({language: f"{grouped(number, language)} {unit[language][form]}" for language in LANGUAGES})


def money(amount_minor: int, currency: str) -> Words:
    """An amount with its currency."""

    def say(language: str) -> str:
        text = minor_text(amount_minor, currency)
        return text if language == FALLBACK else text.replace(".", ",")

    return in_each(say)


def day(when: date, today: date) -> Words:
    """A day as the language writes it; the year is said if it is not the running one."""
    return in_each(lambda language: _day(when, language, year=when.year != today.year))


def on_day(when: date, today: date) -> Words:
    """The day on which something happens, in the form that stands in a sentence (after "on" in English)."""

    def say(language: str) -> str:
        text = _day(when, language, year=when.year != today.year)
        return f"{text.removesuffix('.')}{_suffix(when.day)}" if language == "hu" else text

    return in_each(say)


def _day(when: date, language: str, *, year: bool) -> str:
    match language:
        case "fi":
            return f"{when.day}.{when.month}." + (str(when.year) if year else "")
        case "hu":
            return (f"{when.year}. " if year else "") + f"{_MONTHS['hu'][when.month - 1]} {when.day}."
        case _:
            return f"{when.day} {_MONTHS[FALLBACK][when.month - 1]}" + (f" {when.year}" if year else "")


def _suffix(day_of_month: int) -> str:
    """How a Hungarian day goes on when something happens on it: 1-jén, 2-án, 4-én."""
    if day_of_month == 1:
        return "-jén"
    return "-án" if day_of_month in _BACK_VOWELS else "-én"
