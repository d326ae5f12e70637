"""Faults of the fields of a pass, and of how many there are.

Keys: https://developer.apple.com/documentation/walletpasses/passfieldcontent
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from passes.apple.validation_values import (
    CURRENCY,
    Fault,
    flag_faults,
    is_number,
    moment_of,
    semantics_faults,
    text_faults,
)

AREAS: Final = ("headerFields", "primaryFields", "secondaryFields", "auxiliaryFields", "backFields")
_LATER: Final = {"additionalInfoFields": "tickets with a poster", "footerFields": "generic passes with a poster"}
_HEADERS: Final = 3
_FRONT: Final = 4
_NAMES: Final = ("", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")

# Not sets: whatever stands in a document is looked for in them, lists too.
_ALIGNMENTS: Final = tuple(f"PKTextAlignment{side}" for side in ("Left", "Center", "Right", "Natural"))
_NUMBER_STYLES: Final = tuple(f"PKNumberStyle{style}" for style in ("Decimal", "Percent", "Scientific", "SpellOut"))
_DATE_STYLES: Final = tuple(f"PKDateStyle{style}" for style in ("None", "Short", "Medium", "Long", "Full"))
_DETECTORS: Final = tuple(f"PKDataDetectorType{kind}" for kind in ("PhoneNumber", "Link", "Address", "CalendarEvent"))
_TAG: Final = re.compile(r"<(?!a\s+href=(?:\"[^\"<>]*\"|'[^'<>]*')\s*>|/a>)")


def field_faults(document: Mapping[str, Any], style: str, *, square: bool) -> Iterator[Fault]:
    """Faults below the style's key. `square` says that the barcode is, which takes the place of a row of fields."""
    areas = document[style]
    if not isinstance(areas, Mapping):
        yield Fault(style, "This must be an object: iOS would refuse the pass.")
        return
    for key, where in _LATER.items():
        if key in areas:
            yield Fault(f"{style}.{key}", f"Only {where} have these: iOS would drop all of them.")
    yield from _counts(areas, style, square=square)
    seen: dict[str, str] = {}
    telling: list[str] = []
    for area in AREAS:
        fields = areas.get(area, [])
        if not isinstance(fields, list):
            yield Fault(f"{style}.{area}", "This must be a list: iOS would refuse the pass.")
            continue
        for number, field in enumerate(fields):
            path = f"{style}.{area}[{number}]"
            if not isinstance(field, Mapping):
                yield Fault(path, "This must be an object: iOS would refuse the pass.")
                continue
            yield from _key(field, path, seen)
            yield from _field(field, path, area, style)
            if "changeMessage" in field:
                telling.append(path)
    for path in telling[1:]:
        yield Fault(
            f"{path}.changeMessage",
            f"If this changed together with {telling[0]}, iOS would say only that the pass changed.",
        )


def _counts(areas: Mapping[str, Any], style: str, *, square: bool) -> Iterator[Fault]:
    counts = {area: len(areas[area]) if isinstance(areas.get(area), list) else 0 for area in AREAS}
    yield from _surplus(f"{style}.headerFields", counts["headerFields"], _HEADERS, "header")
    yield from _surplus(
        f"{style}.primaryFields", counts["primaryFields"], 2 if style == "boardingPass" else 1, "primary"
    )
    secondary, auxiliary = counts["secondaryFields"], counts["auxiliaryFields"]
    if style in ("storeCard", "coupon") or (style == "generic" and square):
        yield from _surplus(
            f"{style}.auxiliaryFields" if auxiliary else f"{style}.secondaryFields",
            secondary + auxiliary,
            _FRONT,
            "secondary and auxiliary",
            before=secondary if auxiliary else 0,
        )
        return
    yield from _surplus(f"{style}.secondaryFields", secondary, _FRONT, "secondary")
    rows = areas.get("auxiliaryFields") if style == "eventTicket" else None
    second = sum(isinstance(field, Mapping) and field.get("row") == 1 for field in rows or ())
    yield from _surplus(f"{style}.auxiliaryFields", auxiliary - second, _FRONT, "auxiliary")
    yield from _surplus(f"{style}.auxiliaryFields", second, _FRONT, "auxiliary", before=second - auxiliary)


def _surplus(path: str, count: int, most: int, kind: str, before: int = 0) -> Iterator[Fault]:
    if count > most:
        first = _NAMES[most + 1]
        yield Fault(
            f"{path}[{max(most - before, 0)}]",
            f"iOS would drop the {first} {'field' if count == most + 1 else 'and later fields'}: "
            f"there is room for {most} {kind} ones.",
        )


def _key(field: Mapping[str, Any], path: str, seen: dict[str, str]) -> Iterator[Fault]:
    key = field.get("key")
    if not isinstance(key, str) or not key:
        yield Fault(f"{path}.key", "A field needs a key: iOS would refuse the pass.")
    elif key in seen:
        yield Fault(f"{path}.key", f"{seen[key]} has this key too: iOS would mistake one for the other.")
    else:
        seen[key] = path


def _field(field: Mapping[str, Any], path: str, area: str, style: str) -> Iterator[Fault]:
    value = field.get("value")
    if not isinstance(value, str) and not is_number(value):
        yield Fault(f"{path}.value", "The value is a text or a number: iOS would refuse the pass.")
    elif value == "" and not field.get("attributedValue"):
        yield Fault(f"{path}.value", "iOS would show a label with nothing below it.")
    yield from text_faults(field, ("label", "attributedValue"), path)
    yield from semantics_faults(field, path)
    yield from _message(field, path)
    yield from _alignment(field, path, area)
    yield from _numbers(field, path)
    yield from _dates(field, path)
    yield from _detectors(field, path)
    if isinstance(written := field.get("attributedValue"), str) and _TAG.search(written):
        yield Fault(f"{path}.attributedValue", "iOS knows no markup but <a href>: the rest would be shown as text.")
    if "row" in field and (style != "eventTicket" or area != "auxiliaryFields" or field["row"] not in (0, 1)):
        yield Fault(f"{path}.row", "Only auxiliary fields of tickets have rows, 0 and 1: iOS would ignore it.")


def _message(field: Mapping[str, Any], path: str) -> Iterator[Fault]:
    if "changeMessage" not in field:
        return
    message = field["changeMessage"]
    if not isinstance(message, str) or "%@" not in message:
        yield Fault(f"{path}.changeMessage", "Without %@ iOS would not say what changed: leave it out to say nothing.")


def _alignment(field: Mapping[str, Any], path: str, area: str) -> Iterator[Fault]:
    if "textAlignment" not in field:
        return
    if area in ("primaryFields", "backFields"):
        yield Fault(f"{path}.textAlignment", "Primary fields and the back have no alignment: iOS would ignore it.")
    elif field["textAlignment"] not in _ALIGNMENTS:
        yield Fault(f"{path}.textAlignment", "iOS knows no such alignment and would use its own.")


def _numbers(field: Mapping[str, Any], path: str) -> Iterator[Fault]:
    styled = [key for key in ("currencyCode", "numberStyle") if key in field]
    for key in styled:
        if not is_number(field.get("value")):
            yield Fault(f"{path}.{key}", "Only a number is formatted: iOS would show the text as it is.")
    if len(styled) == 2:
        yield Fault(f"{path}.numberStyle", "A number is an amount or has a style: iOS would take one of them.")
    if "currencyCode" in field and not CURRENCY(field["currencyCode"]):
        yield Fault(f"{path}.currencyCode", "This is no currency (ISO 4217): iOS would show a bare number.")
    if "numberStyle" in field and field["numberStyle"] not in _NUMBER_STYLES:
        yield Fault(f"{path}.numberStyle", "iOS knows no such style and would show the number as it is.")


def _dates(field: Mapping[str, Any], path: str) -> Iterator[Fault]:
    styled = [key for key in ("dateStyle", "timeStyle") if key in field]
    for key in styled:
        if field[key] not in _DATE_STYLES:
            yield Fault(f"{path}.{key}", "iOS knows no such style and would show the text as it is.")
    if styled and moment_of(field.get("value")) is None:
        yield Fault(f"{path}.value", "This is not a moment with a zone: iOS would show nothing.")
    yield from flag_faults(field, ("isRelative", "ignoresTimeZone"), path)
    if not styled and ("isRelative" in field or "ignoresTimeZone" in field):
        yield Fault(path, "Without dateStyle or timeStyle this is no moment for iOS, and it would show the text.")


def _detectors(field: Mapping[str, Any], path: str) -> Iterator[Fault]:
    kinds = field.get("dataDetectorTypes", [])
    if not isinstance(kinds, list) or not all(kind in _DETECTORS for kind in kinds):
        yield Fault(f"{path}.dataDetectorTypes", "iOS knows no such thing to look for and would look for everything.")
