"""The card as the member's page draws it: the same values in the same order as on the phone."""

from collections.abc import Iterable
from dataclasses import dataclass

from kernel.i18n import LANGUAGES
from passes.card import Card, Value, said
from passes.look import Look
from passes.speech import day, grouped, money

_SHORT = 16


@dataclass(frozen=True, slots=True)
class Shown:
    """A value with its label; a `wide` one has a line to itself."""

    label: str
    text: str
    wide: bool


@dataclass(frozen=True, slots=True)
class Face:
    """What stands on the front: beside the name, and below."""

    header: list[Shown]
    body: list[Shown]


def face_of(card: Card, look: Look) -> Face:
    """The front in the card's own language."""
    layout = look.layout
    return Face(
        _shown(card, layout.header), _shown(card, [*layout.primary, *layout.secondary, *layout.auxiliary])
    )  # fmt: skip


def _shown(card: Card, keys: Iterable[str]) -> list[Shown]:
    values = [card.values[key] for key in keys if key in card.values]
    texts = [(said(value.label, card.language), text_of(value, card.language)) for value in values]
    return [Shown(label, text, len(text) > _SHORT) for label, text in texts if text]


def text_of(value: Value, language: str) -> str:
    """A value in words."""
    spoken = language if language in LANGUAGES else "en"
    if value.number is not None:
        return grouped(value.number, spoken)
    if value.minor is not None:
        return said(money(value.minor, value.currency), spoken)
    if value.moment is not None:
        # The year is always said: nobody knows when this page is looked at.
        when = value.moment.date()
        return said(day(when, when.replace(year=1, day=1)), spoken)
    return said(value.text, spoken)
