"""Parts that classes and objects of both kinds have in common: text modules, links, codes, places, pictures.

Field reference: https://developers.google.com/wallet/reference/rest/v1/loyaltyobject
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from kernel.money import micros_per_minor
from passes.card import Place, Value, Words
from passes.google.document_words import both, plain, spoken, words_of
from passes.google.schema.rules import MOST_LOCATIONS
from passes.look import Barcode

Body = dict[str, Any]

_INT32: Final = range(-(2**31), 2**31)
_FORMATS: Final[dict[Barcode, str]] = {"qr": "QR_CODE", "aztec": "AZTEC", "pdf417": "PDF_417", "code128": "CODE_128"}


def text_module(key: str, label: Words, text: Words, language: str) -> Body | None:
    """A text with a heading; None when it says nothing. `key` is how the rows of a class name it."""
    body = both("body", text, language)
    return {"id": key} | both("header", label, language) | body if body else None


def text_modules(keys: Iterable[str], values: dict[str, Value], language: str) -> list[Body]:
    """Those of these values that the card has something to say of."""
    made = (
        text_module(key, value.label, words_of(value), language)
        for key in keys
        if (value := values.get(key)) is not None
    )
    return [module for module in made if module is not None]


def link(key: str, label: Words, url: str, language: str) -> Body:
    """A link among the details: a page, a number to call or an address to write to."""
    return {"id": key, "uri": url} | both("description", label, language)


def links_module(links: list[Body]) -> Body | None:
    """The links as a module; None without any."""
    return {"uris": links} if links else None


def points(value: Value | None, language: str) -> Body | None:
    """A balance with its label; None when the card does not show it. Raises UnknownCurrency."""
    balance = _balance(value, language) if value is not None else None
    if value is None or balance is None:
        return None
    return both("label", value.label, language) | {"balance": balance}


def _balance(value: Value, language: str) -> Body | None:
    """Exactly one of Google's forms. Their whole numbers have 32 bits: larger ones go as text."""
    if value.number is not None:
        return {"int": value.number} if value.number in _INT32 else {"string": str(value.number)}
    if value.minor is not None:
        micros = value.minor * micros_per_minor(value.currency)
        return {"money": {"currencyCode": value.currency, "micros": str(micros)}}
    text = plain(words_of(value), language)
    return {"string": text} if text else None


def barcode(code: str, kind: Barcode) -> Body | None:
    """The code that identifies; None without one. What is beyond ASCII is written into a QR code."""
    if not code:
        return None
    if code.isascii():
        return {"type": _FORMATS[kind], "value": code, "alternateText": code}
    return {"type": "QR_CODE", "value": code, "alternateText": code, "renderEncoding": "UTF_8"}


def rotating_barcode(pattern: str, key_hex: str, kind: Barcode, shown: str, period_s: int, digits: int) -> Body:
    """The code that proves: the phone writes a new one every `period_s` seconds. `shown` stands below it.

    Google draws codes that rotate in two forms only. https://developers.google.com/wallet/generic/use-cases/rotating-barcodes
    """
    return {
        "type": "PDF_417" if kind == "pdf417" else "QR_CODE",
        "valuePattern": pattern,
        "alternateText": shown,
        "totpDetails": {
            "algorithm": "TOTP_SHA1",
            "periodMillis": str(period_s * 1000),
            "parameters": [{"key": key_hex, "valueLength": digits}],
        },
    }


def until(moment: datetime | None) -> Body | None:
    """Up to when the pass is good; Google itself moves it to the expired ones then."""
    return {"end": {"date": moment_text(moment)}} if moment is not None else None


def moment_text(moment: datetime) -> str:
    """ISO 8601 with offset, in whole seconds."""
    return moment.replace(microsecond=0, tzinfo=moment.tzinfo or UTC).isoformat()


def locations(places: Iterable[Place]) -> list[Body] | None:
    """Places on the map, as many as Google takes. Beacons are Apple's alone."""
    spots = [(one.latitude, one.longitude) for one in places if one.latitude is not None and one.longitude is not None]
    return [{"latitude": north, "longitude": east} for north, east in spots[:MOST_LOCATIONS]] or None


def picture(url: str | None, says: Words | None = None, language: str = "") -> Body | None:
    """A picture that Google fetches once and keeps; `says` describes it to those who do not see it."""
    if url is None:
        return None
    return {"sourceUri": {"uri": url}} | ({"contentDescription": spoken(says, language)} if says else {})


def grouping(brand_id: str, place: int) -> Body:
    """Passes of a brand are shown together, lower places first."""
    return {"groupingId": brand_id, "sortIndex": place}
