"""Pictures of a design: there, for a place that the style has, and large enough to be crisp."""

from collections.abc import Iterator, Mapping

from PIL import Image

from passes.design.checks.contrast import of_strip
from passes.design.checks.finding import Finding, escaped, fault, warning
from passes.design.sizes import FRAMES, GOOGLE_HERO, GOOGLE_LOGO, SCALES, SLOTS, frame_of, trimmed
from passes.look import Look

_LARGEST_SCALE = max(SCALES.values())
_GOOGLE = {"logo": GOOGLE_LOGO.width // 2, "icon": GOOGLE_LOGO.width // 2, "strip": GOOGLE_HERO.width}


def of_pictures(look: Look, pictures: Mapping[str, Image.Image]) -> Iterator[Finding]:
    """`pictures` are those of the design that are stored, by slot (or `slot.language`)."""
    for name in look.pictures:
        slot = name.partition(".")[0]
        at = f"/pictures/{escaped(name)}"
        if name not in SLOTS:
            yield fault("slot_unknown", at, f"Pictures are {', '.join(FRAMES)}, each also as name.language.")
        elif name not in pictures:
            yield fault("picture_unknown", at, "There is no such picture of this partner.")
        else:
            yield from _of_picture(look, slot, pictures[name], at)
            if slot == "strip" and look.style in FRAMES["strip"].styles:
                yield from of_strip(look, pictures[name], name)
    slots = {name.partition(".")[0] for name in look.pictures}
    if {"strip", "background"} <= slots and look.style == "event_ticket":
        yield warning("picture_dropped", "/pictures/background", "iOS shows no background beside a strip.", "apple")
    if not slots & {"logo", "icon"}:
        yield warning("picture_missing", "/pictures", "Without a logo a monogram of the brand's name is drawn.")
    if "personalization_logo" in slots and look.sign_up is None:
        yield warning("picture_dropped", "/pictures/personalization_logo", "It is shown at the sign-up alone.", "apple")


def _of_picture(look: Look, slot: str, image: Image.Image, at: str) -> Iterator[Finding]:
    frame = frame_of(slot, look.style)
    if look.style not in FRAMES[slot].styles:
        yield warning("picture_dropped", at, f"iOS shows no {slot} on a pass of this style.", "apple")
        return
    shown = trimmed(image) if frame.how == "fit" else image
    width, height = frame.width * _LARGEST_SCALE, frame.height * _LARGEST_SCALE
    if frame.how == "fill":
        crisp = shown.width >= width and shown.height >= height
    else:
        crisp = shown.width >= width or shown.height >= height
    if not crisp:
        says = f"{shown.width} x {shown.height} pixels are enlarged: {width} x {height} would be crisp on every phone."
        yield warning("picture_small", at, says, "apple")
    if max(shown.width, shown.height) < _GOOGLE.get(slot, 0):
        says = f"Google wants about {_GOOGLE[slot]} pixels: the picture is enlarged."
        yield warning("picture_small", at, says, "google")
