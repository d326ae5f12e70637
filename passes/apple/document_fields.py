"""The fields of a pass document: one for each value that a card says, each text, each link.

Keys: https://developer.apple.com/documentation/walletpasses/passfieldcontent
"""

import html
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from kernel.errors import Invalid
from kernel.money import decimals, minor_text
from passes.apple.strings import Speech
from passes.card import Value, Words

_SCHEMES: Final = ("https://", "http://", "mailto:", "tel:")
NOTHING: Final[tuple[str, ...]] = ()
_LINKS: Final = ("PKDataDetectorTypeLink",)


class BadCard(Invalid):
    """The card cannot be written as an Apple pass."""

    code = "apple_card_invalid"
    title = "The card cannot be written as an Apple pass"


class Balance(msgspec.Struct, rename="camel"):
    """What a balance is worth, for the system itself: a decimal amount as text, and its ISO 4217 currency."""

    amount: str
    currency_code: str


class Semantics(msgspec.Struct):
    """What a field means, for the system itself."""

    balance: Balance


class Field(msgspec.Struct, rename="camel", omit_defaults=True):
    """A field as it stands in pass.json; what is not set is left out.

    `data_detector_types` None lets the phone look for everything it can find, an empty one for nothing.
    """

    key: str
    value: str | int | float
    label: str = ""
    attributed_value: str = ""
    change_message: str = ""
    currency_code: str = ""
    date_style: str = ""
    time_style: str = ""
    ignores_time_zone: bool = False
    data_detector_types: tuple[str, ...] | None = None
    row: int = 0
    semantics: Semantics | None = None


def fields_of(
    values: Mapping[str, Value],
    labels: Iterable[tuple[str, str]],
    speech: Speech,
    detectors: tuple[str, ...] | None = None,
) -> list[Field]:
    """The fields of some values, by key and with labels that were said already; those with nothing to show are left
    out. On the back phones make links of what looks like a number to call or a day, unless `detectors` is NOTHING.

    Raises UnknownCurrency.
    """
    fields = []
    for key, label in labels:
        value = values[key]
        if value.text:
            if text := speech.say(value.text):
                fields.append(Field(key, text, label, data_detector_types=detectors))
        elif (field := _figure(key, value, label)) is not None:
            field.data_detector_types = detectors
            fields.append(field)
    return fields


def news_field(speech: Speech, value: Value | None, label: str, otherwise: str) -> Field:
    """The one field that announces its changes, and does it in its own words. It is there on every pass, so that the
    first news is a change already; a card without any shows `otherwise`.
    """
    text = speech.say(value.text) if value is not None else ""
    return Field("news", text or otherwise, label, change_message="%@", data_detector_types=NOTHING)


def text_field(speech: Speech, key: str, label: Words, text: Words) -> Field:
    """A partner's text; phone numbers and addresses in it can be tapped."""
    return Field(f"text_{key}", speech.say(text), speech.say(label))


def link_field(speech: Speech, number: int, label: Words, url: str) -> Field:
    """A link that can be tapped: the label says what it is, the text where it leads. Raises BadCard."""
    return Field(f"link_{number}", url, speech.say(label), attributed_value=anchor(url), data_detector_types=_LINKS)


def anchor(url: str) -> str:
    """`<a href="…">host or address</a>`, which needs no translation. Raises BadCard: not a link for a pass."""
    if not url.startswith(_SCHEMES):
        raise BadCard(f"“{url}” is not a link that a pass may carry.")
    safe = html.escape(url)
    shown = safe.split("/", 3)[2] if safe.startswith("http") else safe.partition(":")[2]
    return f'<a href="{safe}">{shown or safe}</a>'


def moment_text(moment: datetime) -> str:
    """ISO 8601 with zone and whole seconds: phones do not read fractions."""
    if moment.tzinfo is None or moment.microsecond:
        moment = moment.replace(microsecond=0, tzinfo=moment.tzinfo or UTC)
    return moment.isoformat()


def _figure(key: str, value: Value, label: str) -> Field | None:
    """Numbers are written as text: phones need a JSON number only to format it, and one reader shows no other
    (KPkPass shows a number as nothing).
    """
    if value.number is not None:
        field = Field(key, str(value.number), label)
    elif value.minor is not None:
        field = Field(key, _amount(value.minor, value.currency), label, currency_code=value.currency)
    else:
        return _date(key, value.moment, label) if value.moment is not None else None
    if value.minor is not None and key == "balance":
        field.semantics = _worth(value.minor, value.currency)
    return field


def _date(key: str, moment: datetime, label: str) -> Field:
    field = Field(key, moment_text(moment), label, date_style="PKDateStyleMedium", time_style="PKDateStyleNone")
    # A moment that brings the programme's zone along is a day of the programme, wherever the phone is.
    field.ignores_time_zone = (moment.utcoffset() or timedelta()) != timedelta()
    return field


def _amount(minor: int, currency: str) -> int | float:
    units = int(10 ** decimals(currency))
    return minor / units if minor % units else minor // units


def _worth(minor: int, currency: str) -> Semantics:
    return Semantics(Balance(minor_text(minor, currency).partition(" ")[0], currency))


def without_nulls(value: Any) -> Any:
    """The same without the entries that are null, which phones do not survive, however deep."""
    if isinstance(value, dict):
        return {key: without_nulls(part) for key, part in value.items() if part is not None}
    return [without_nulls(part) for part in value if part is not None] if isinstance(value, list) else value
