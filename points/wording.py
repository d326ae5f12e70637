"""Numbers, points, money, dates and names of a programme in the languages that members read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import points.explain_texts  # noqa: F401  (registers the words)
from kernel.i18n import FALLBACK, translate
from kernel.money import minor_text
from points.programme.face import in_language
from points.programme.version import Version

_PLACES = 6


@dataclass(frozen=True, slots=True)
class Wording:
    """How one language says what a version (None: unknown) is about."""

    version: Version | None
    language: str

    def say(self, text: str, **values: object) -> str:
        """A registered text in the language."""
        return translate(text, self.language, **values)

    def number(self, value: Fraction | int) -> str:
        """At most six decimals, exact if they suffice and marked with `~` if not."""
        if value.denominator == 1:
            return str(value.numerator)
        scaled = round(Fraction(value) * 10**_PLACES)
        whole, part = divmod(abs(scaled), 10**_PLACES)
        text = f"{whole}.{part:0{_PLACES}d}".rstrip("0").rstrip(".")
        if self.language != FALLBACK:
            text = text.replace(".", ",")
        exactly = Fraction(scaled, 10**_PLACES) == value
        return ("" if exactly else "~") + ("-" if scaled < 0 else "") + text

    def points(self, value: Fraction | int, *, signed: bool = False) -> str:
        """A number of points with the unit in the form that the language takes after that number."""
        one, many = self._unit()
        plus = "+" if signed and value > 0 else ""
        return f"{plus}{self.number(value)} {one if abs(value) == 1 else many}"

    def money(self, amount_minor: int, currency: str) -> str:
        """An amount with its currency."""
        text = minor_text(amount_minor, currency)
        return text if self.language == FALLBACK else text.replace(".", ",")

    def date(self, day: date) -> str:
        """A date as the language writes it."""
        match self.language:
            case "fi":
                return f"{day.day}.{day.month}.{day.year}"
            case "hu":
                return f"{day.year}. {day.month:02}. {day.day:02}."
            case _:
                return day.isoformat()

    def name(self, parts: Iterable[Any], part_id: str) -> str:
        """The name of that one of the parts (whatever has `id` and `names`), in the language, else in English, else in
        any; its id if it has none."""
        return in_language(next((part.names for part in parts if part.id == part_id), None), self.language, part_id)

    def _unit(self) -> tuple[str, str]:
        names = self.version.programme.unit.names if self.version is not None else {}
        for language, forms in names.items():
            if language == self.language:
                return forms
        return self.say("why.unit.one"), self.say("why.unit.many")
