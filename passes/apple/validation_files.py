"""Faults of the files beside pass.json: pictures, languages, the questions for a new member.

Sizes are in points at 1x; a file `@2x` has twice as many pixels. A picture that is larger than its place is made
smaller or cut, one that is smaller is blurred.
https://developer.apple.com/documentation/walletpasses/creating-the-source-for-a-pass
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from passes.apple.validation_values import Fault


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a picture goes: which styles show it, and how large it may be at 1x, in points."""

    styles: frozenset[str]
    width: int
    height: int
    exact: bool = False


_ALL: Final = frozenset({"storeCard", "coupon", "generic", "eventTicket", "boardingPass"})
_PLACES: Final = {
    "icon": _Place(_ALL, 38, 38),
    "logo": _Place(_ALL, 160, 50),
    "strip": _Place(frozenset({"storeCard", "coupon", "eventTicket"}), 375, 144),
    "thumbnail": _Place(frozenset({"generic", "eventTicket"}), 90, 90),
    "background": _Place(frozenset({"eventTicket"}), 180, 220),
    "footer": _Place(frozenset({"boardingPass"}), 286, 15),
    "personalizationLogo": _Place(_ALL, 150, 40),
}
_TICKET_STRIP_HEIGHT: Final = 98
_ICON_SMALLEST: Final = 29
_NAME: Final = re.compile(
    r"(?:(?P<language>[A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)\.lproj/)?(?P<slot>[A-Za-z]+)(?:@(?P<scale>[23])x)?\.png"
)
_STRINGS: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*\.lproj/pass\.strings")
_PACKAGE: Final = frozenset({"pass.json", "manifest.json", "signature", "personalization.json"})
_PNG: Final = b"\x89PNG\r\n\x1a\n"


def file_faults(
    document: Mapping[str, Any], style: str, files: Collection[str] | Mapping[str, bytes]
) -> Iterator[Fault]:
    """Faults of the package's files; pictures are measured where their bytes are given."""
    if "icon.png" not in files:
        yield Fault("icon.png", "iOS would refuse a pass without an icon.")
    languages: dict[str, set[str]] = defaultdict(set)
    for name in sorted(files):
        picture = _NAME.fullmatch(name)
        if picture is not None and picture["slot"] in _PLACES:
            if picture["language"]:
                languages[picture["slot"]].add(picture["language"])
            yield from _picture(name, picture["slot"], int(picture["scale"] or 1), style, files)
        elif name not in _PACKAGE and not _STRINGS.fullmatch(name):
            yield Fault(name, "This file does not belong into a pass: iOS might refuse it.")
    if "background.png" in files and "strip.png" in files:
        yield Fault("strip.png", "A ticket has a strip or a background: iOS would leave one out.")
    yield from _localised(files, languages)
    yield from _sign_up(document, files)


def _picture(
    name: str, slot: str, scale: int, style: str, files: Collection[str] | Mapping[str, bytes]
) -> Iterator[Fault]:
    place = _PLACES[slot]
    if style not in place.styles:
        yield Fault(name, f"A {style} does not show this picture: iOS would ignore it.")
        return
    if not isinstance(files, Mapping):
        return
    size = _size(files[name])
    if size is None:
        yield Fault(name, "This is no PNG: iOS would not show it.")
        return
    width, height = size
    tallest = _TICKET_STRIP_HEIGHT if (slot, style) == ("strip", "eventTicket") else place.height
    if width > place.width * scale or height > tallest * scale:
        yield Fault(
            name,
            f"{width}x{height} pixels are more than the {place.width * scale}x{tallest * scale} of its place: "
            "iOS would make it smaller or cut it.",
        )
    if slot == "icon" and (width != height or width < _ICON_SMALLEST * scale):
        yield Fault(name, f"An icon is a square of at least {_ICON_SMALLEST * scale} pixels: iOS would distort it.")
    if slot == "thumbnail" and not 2 * height <= 3 * width <= 4.5 * height:
        yield Fault(name, "A thumbnail is between 2:3 and 3:2: iOS would cut it.")


def _size(data: bytes) -> tuple[int, int] | None:
    """Width and height in a PNG's header (ISO/IEC 15948 section 11.2.2)."""
    if data[:8] != _PNG or data[12:16] != b"IHDR" or len(data) < 24:
        return None
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _localised(files: Collection[str], languages: Mapping[str, set[str]]) -> Iterator[Fault]:
    spoken = {name.partition(".lproj/")[0] for name in files if ".lproj/" in name}
    for slot, given in languages.items():
        for missing in sorted(spoken - given):
            yield Fault(
                f"{missing}.lproj/{slot}.png",
                f"The {slot} is given in other languages, but not in “{missing}”: iOS might show none there.",
            )


def _sign_up(document: Mapping[str, Any], files: Collection[str]) -> Iterator[Fault]:
    asks, logo = "personalization.json" in files, "personalizationLogo.png" in files
    if asks and not logo:
        yield Fault("personalizationLogo.png", "Without this picture iOS would not ask the member for anything.")
    if logo and not asks:
        yield Fault("personalization.json", "Without this file iOS would not ask the member for anything.")
    if asks and "nfc" not in document:
        yield Fault("personalization.json", "Only passes with taps may ask: iOS would refuse the pass.")
