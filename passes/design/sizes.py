"""Pictures in the sizes that wallets ask for. Apple's are in points: one, two and three pixels each
(https://developer.apple.com/design/human-interface-guidelines/wallet); Google's are in pixels
(https://developers.google.com/wallet/generic/resources/brand-guidelines).
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Final, Literal

from PIL import Image, ImageOps

from kernel.i18n import LANGUAGES
from passes.look import Style

SCALES: Final = {"": 1, "@2x": 2, "@3x": 3}
_HEAVY_BYTES = 48 * 1024
_PALETTE = 256
_WIDEST_ICON = 1.6  # a wider logo is a smudge at 29 points


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a picture stands: its name in the package, points, and whether it fills the frame or fits into it."""

    name: str
    width: int
    height: int
    how: Literal["fill", "fit", "thumbnail"]
    styles: frozenset[Style]


_ALL: Final[frozenset[Style]] = frozenset({"store_card", "generic", "coupon", "event_ticket"})
_STRIPED: Final[frozenset[Style]] = frozenset({"store_card", "coupon", "event_ticket"})
FRAMES: Final = {
    "icon": Frame("icon", 29, 29, "fill", _ALL),
    "logo": Frame("logo", 160, 50, "fit", _ALL),
    # Sources say 123 or 144 points for cards: the taller is drawn, what matters belongs into its middle.
    "strip": Frame("strip", 375, 144, "fill", _STRIPED),
    "thumbnail": Frame("thumbnail", 90, 90, "thumbnail", frozenset({"generic", "event_ticket"})),
    "background": Frame("background", 180, 220, "fill", frozenset({"event_ticket"})),
    "personalization_logo": Frame("personalizationLogo", 150, 40, "fit", _ALL),
}
_TICKET_STRIP: Final = Frame("strip", 375, 98, "fill", frozenset({"event_ticket"}))
SLOTS: Final = frozenset(FRAMES) | {f"{slot}.{language}" for slot in FRAMES for language in LANGUAGES}
# Google's are the same for all of its cards; the logo is shown as a circle, the image among the details.
GOOGLE_LOGO: Final = Frame("logo", 660, 660, "fill", _ALL)
GOOGLE_HERO: Final = Frame("hero", 1032, 336, "fill", _ALL)
GOOGLE_IMAGE: Final = Frame("image", 1032, 1032, "fit", _ALL)
# What each of those that may be missing is made of, the first that the design has.
GOOGLE_SOURCES: Final = {"hero": ("strip",), "image": ("thumbnail", "background")}


def frame_of(slot: str, style: Style) -> Frame:
    """The frame of a slot on passes of a style."""
    return _TICKET_STRIP if (slot, style) == ("strip", "event_ticket") else FRAMES[slot]


def opened(png: bytes) -> Image.Image:
    """A picture that we wrote ourselves."""
    image = Image.open(BytesIO(png), formats=["PNG"])
    image.load()
    return image


def framed(image: Image.Image, frame: Frame, scale: int) -> Image.Image:
    """The picture as it stands in its frame at one scale."""
    width, height = frame.width * scale, frame.height * scale
    if frame.how == "fill":
        return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    if frame.how == "thumbnail":
        image = _within_ratio(image)
    return ImageOps.contain(image, (width, height), Image.Resampling.LANCZOS)


def trimmed(image: Image.Image) -> Image.Image:
    """A logo without the empty margins around it."""
    box = image.getchannel("A").getbbox() if image.mode == "RGBA" else None
    return image.crop(box) if box else image


def fits_an_icon(image: Image.Image) -> bool:
    """Whether a logo is still something at 29 points."""
    return max(image.width, image.height) <= _WIDEST_ICON * min(image.width, image.height)


def tile(image: Image.Image, side: int, background: str, share: float) -> Image.Image:
    """A square in the background colour with the picture in its middle, `share` of the side wide or high."""
    ground = Image.new("RGB", (side, side), background)
    inner = ImageOps.contain(image, (max(int(side * share), 1),) * 2, Image.Resampling.LANCZOS)
    place = ((side - inner.width) // 2, (side - inner.height) // 2)
    ground.paste(inner, place, inner if inner.mode == "RGBA" else None)
    return ground


def opaque(image: Image.Image, background: str) -> Image.Image:
    """The picture on the background colour, for places that show no transparency."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, background)
    ground.paste(image, mask=image)
    return ground


def written(image: Image.Image) -> bytes:
    """PNG bytes, the same for the same picture. Phones fetch them with every change of the pass, so photographs are
    written with a palette: a third of the size, and no difference that is seen on a phone.
    """
    whole = _png(image)
    if len(whole) <= _HEAVY_BYTES:
        return whole
    if image.mode == "RGBA":
        few = image.quantize(_PALETTE, Image.Quantize.FASTOCTREE)
    else:
        few = image.convert("RGB").quantize(_PALETTE, Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)
    return min(_png(few), whole, key=len)


def _within_ratio(image: Image.Image) -> Image.Image:
    """Thumbnails are between 2:3 and 3:2: what is longer is cut at both ends."""
    width = min(image.width, image.height * 3 // 2) or 1
    height = min(image.height, image.width * 3 // 2) or 1
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def _png(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()
