"""Texts that are longer than what Google shows, in any language."""

from collections.abc import Iterator, Mapping
from typing import Any

from passes.google.validation_values import Fault, part, parts


def lengths(holder: Mapping[str, Any], most: Mapping[str, int], path: str = "") -> Iterator[Fault]:
    """A fault for each of these texts that may be cut, also where it is localised; `most` is characters by name."""
    for name, length in most.items():
        at = f"{path}.{name}" if path else name
        localized = f"localized{name[0].upper()}{name[1:]}"
        yield from cut(at, holder.get(name), length)
        # Where a text stands plain too, that is the default of its translations.
        yield from _in_languages(part(holder, name), at, length, default=True)
        yield from _in_languages(part(holder, localized), f"{path}.{localized}" if path else localized, length)


def cut(path: str, text: Any, most: int, language: str = "") -> Iterator[Fault]:
    """A fault if this is a text of more than `most` characters."""
    if isinstance(text, str) and len(text) > most:
        spoken = f" in {language}" if language else ""
        yield Fault(path, f"Google may cut this after {most} characters: it has {len(text)}{spoken}.")


def _in_languages(localized: Mapping[str, Any], path: str, most: int, *, default: bool = False) -> Iterator[Fault]:
    said = [*([part(localized, "defaultValue")] if default else ()), *parts(localized, "translatedValues")]
    for one in said:
        yield from cut(path, one.get("value"), most, str(one.get("language", "?")))
