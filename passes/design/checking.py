"""All checks of a design. Pure: from the look and the pictures it names."""

from collections.abc import Mapping
from typing import Final

from PIL import Image

from passes.design.checks.contrast import of_colours
from passes.design.checks.extras import of_app, of_moments, of_taps
from passes.design.checks.finding import Finding
from passes.design.checks.layout import of_labels, of_layout
from passes.design.checks.pictures import of_pictures
from passes.design.checks.texts import of_links, of_names, of_texts
from passes.design.sizes import opened
from passes.look import Look

_OF_LOOK: Final = (of_colours, of_names, of_layout, of_labels, of_texts, of_links, of_taps, of_moments, of_app)


def findings(look: Look, pictures: Mapping[str, Image.Image]) -> list[Finding]:
    """Faults first, then warnings, each in the order of the design's parts. `pictures` are those of it that are kept,
    by slot.
    """
    found = [one for check in _OF_LOOK for one in check(look)] + list(of_pictures(look, pictures))
    return sorted(found, key=lambda one: one.level != "fault")


def looked_over(look: Look, pictures: Mapping[str, bytes]) -> list[Finding]:
    """The same from PNG. Opens the pictures, some milliseconds each: call it in a thread."""
    return findings(look, {slot: opened(png) for slot, png in pictures.items()})
