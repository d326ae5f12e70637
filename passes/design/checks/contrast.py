"""Whether texts can be read on their background (WCAG 2.2, success criteria 1.4.3 and 1.4.6)."""

import re
from collections.abc import Iterator
from typing import Final

from PIL import Image

from passes.design.checks.finding import Finding, fault, warning
from passes.look import Look

READABLE: Final = 4.5  # 1.4.3, level AA
COMFORTABLE: Final = 7.0  # 1.4.6, level AAA: labels are small
LARGE_TEXT: Final = 3.0  # 1.4.3 for large text: the primary value stands in large type on the strip
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_PROBE = (50, 20)
_MOST_LOST = 0.2


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours `#rrggbb`, 1 to 21 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio)."""
    return _ratio(_luminance(*_channels(one)), _luminance(*_channels(other)))


def of_colours(look: Look) -> Iterator[Finding]:
    """Values and labels against the background; Google draws its texts in black or white by itself."""
    colours = {
        "background": look.background, "foreground": look.foreground, "label_colour": look.label_colour
    }  # fmt: skip
    bad = [name for name, colour in colours.items() if not _COLOUR.fullmatch(colour)]
    for name in bad:
        yield fault("colour_malformed", f"/{name}", "Colours are written #rrggbb.")
    if bad:
        return
    values, labels = contrast(look.foreground, look.background), contrast(look.label_colour, look.background)
    if values < READABLE:
        yield _unreadable("/foreground", "Values", values)
    if labels < READABLE:
        yield _unreadable("/label_colour", "Labels", labels)
    elif labels < COMFORTABLE:
        says = f"Labels are small: {labels:.2f}:1 is readable, {COMFORTABLE:g}:1 is comfortable."
        yield warning("contrast_low", "/label_colour", says, "apple")


def lost_on(picture: Image.Image, colour: str) -> float:
    """The share of a picture's left middle, where the primary value stands, on which large text cannot be read."""
    plain = picture.convert("RGB").resize(_PROBE, Image.Resampling.BOX)
    left = plain.crop((0, _PROBE[1] // 4, _PROBE[0] * 2 // 3, _PROBE[1] * 3 // 4))
    ink = _luminance(*_channels(colour))
    pixels = left.tobytes()
    ratios = [_ratio(ink, _luminance(*pixels[at : at + 3])) for at in range(0, len(pixels), 3)]
    return sum(ratio < LARGE_TEXT for ratio in ratios) / len(ratios)


def of_strip(look: Look, strip: Image.Image, slot: str) -> Iterator[Finding]:
    """The primary value stands on the strip."""
    if look.layout.primary and _COLOUR.fullmatch(look.foreground) and lost_on(strip, look.foreground) > _MOST_LOST:
        says = "Much of the picture is too like the text's colour: the value that stands on it is hard to read."
        yield warning("contrast_on_picture", f"/pictures/{slot}", says, "apple")


def _unreadable(pointer: str, what: str, ratio: float) -> Finding:
    says = f"{what} have a contrast of {ratio:.2f}:1 to the background: at least {READABLE:g}:1 is needed."
    return fault("contrast_too_low", pointer, says, "apple")


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(red: int, green: int, blue: int) -> float:
    return 0.2126 * _LINEAR[red] + 0.7152 * _LINEAR[green] + 0.0722 * _LINEAR[blue]


def _ratio(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _linear(level: float) -> float:
    return level / 12.92 if level <= 0.04045 else float(((level + 0.055) / 1.055) ** 2.4)


_LINEAR: Final = tuple(_linear(level / 255) for level in range(256))
