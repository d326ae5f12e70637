"""The images of a brand's passes, drawn from its name and colours: small, crisp and the same bytes every time.

Sizes in points: icon 29 x 29, logo at most 160 x 50; each as 1x, 2x and 3x
(https://developer.apple.com/design/human-interface-guidelines/wallet).
"""

import unicodedata
from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

_ICON_PT, _LOGO_PT = 29, 50
_SCALES = {"": 1, "@2x": 2, "@3x": 3}
_GOOGLE_LOGO_PX = 660
_FINE = 4  # drawn larger and scaled down, for smooth edges


def brand_images(name: str, background: str, foreground: str) -> dict[str, bytes]:
    """Path in the package -> PNG bytes. Colours are "#rrggbb". Takes about a tenth of a second.

    The icon (lock screen, mail) is a tile in the brand's background colour; the logo (on the card, which has that
    colour already) is a disc in the foreground colour with the letters cut out.
    """
    letters = initials(name)
    images: dict[str, bytes] = {}
    for suffix, scale in _SCALES.items():
        tile = Image.new("RGB", (_ICON_PT * scale,) * 2, background)
        tile.paste(Image.new("RGB", tile.size, foreground), mask=_letters(letters, _ICON_PT * scale, 0.56))
        images[f"icon{suffix}.png"] = _png(tile)
        disc = Image.new("RGB", (_LOGO_PT * scale,) * 2, foreground)
        disc.putalpha(_disc(letters, _LOGO_PT * scale))
        images[f"logo{suffix}.png"] = _png(disc)
    return images


@lru_cache(maxsize=256)
def logo_png(name: str, background: str, foreground: str) -> bytes:
    """The brand's picture for Google: a tile of 660 x 660 pixels, which Google shows as a circle
    (https://developers.google.com/wallet/generic/resources/brand-guidelines).
    """
    tile = Image.new("RGB", (_GOOGLE_LOGO_PX,) * 2, background)
    tile.paste(Image.new("RGB", tile.size, foreground), mask=_letters(initials(name), _GOOGLE_LOGO_PX, 0.45))
    return _png(tile)


def initials(name: str) -> str:
    """One or two letters for a monogram: "Kávézó Körút" -> "KK", "Bistro" -> "B"; "" when no letter is in the font."""
    letters: list[str] = []
    for word in name.split():
        plain = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode()
        letters.extend(next(([c.upper()] for c in plain if c.isalnum()), []))
    return "".join(letters[:1] + letters[1:][-1:])


def _letters(letters: str, size: int, share: float) -> Image.Image:
    """A mask of `size` pixels square with the letters in its middle, their height or width `share` of it."""
    mask = Image.new("L", (size * _FINE,) * 2, 0)
    draw = ImageDraw.Draw(mask)
    middle = size * _FINE / 2
    if not letters:
        radius = middle * share * 0.6
        draw.ellipse((middle - radius, middle - radius, middle + radius, middle + radius), fill=255)
    else:
        probe = ImageFont.load_default(100)
        left, top, right, bottom = draw.textbbox((0, 0), letters, font=probe)
        points = int(100 * share * size * _FINE / max(right - left, (bottom - top) * 1.15))
        font = ImageFont.load_default(points)
        stroke = max(points // 45, 1)
        left, top, right, bottom = draw.textbbox((0, 0), letters, font=font)
        origin = (middle - (left + right) / 2, middle - (top + bottom) / 2)
        draw.text(origin, letters, fill=255, font=font, stroke_width=stroke)
    return mask.resize((size, size), Image.Resampling.LANCZOS)


def _disc(letters: str, size: int) -> Image.Image:
    disc = Image.new("L", (size * _FINE,) * 2, 0)
    ImageDraw.Draw(disc).ellipse((0, 0, size * _FINE - 1, size * _FINE - 1), fill=255)
    disc = disc.resize((size, size), Image.Resampling.LANCZOS)
    disc.paste(0, mask=_letters(letters, size, 0.56))
    return disc


def _png(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()
