"""A stranger's picture comes in: told by its header, decoded by one decoder, written anew.

What is kept is made from the pixels alone, so that nothing of the file itself reaches a pass: no metadata, no place
where it was taken, no archive or page hidden behind the picture. Pillow sees only what our own reading of the header
let through, and in it only the parts that make the picture.
"""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image, ImageCms

from kernel.errors import Invalid
from passes.design.formats import jpeg, png, webp
from passes.design.formats.exif import UPRIGHT
from passes.design.formats.still import MOST_PIXELS, PictureBroken, PictureKindUnknown, Still

LARGEST_FILE_BYTES: Final = 2 * 1024 * 1024
LARGEST_KEPT: Final = 1280  # pixels a side: the widest picture of a pass has 1125

# The second line behind our own headers; from twice this number on Pillow refuses.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS

_SRGB = ImageCms.createProfile("sRGB")
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")


class PictureTooHeavy(Invalid):
    """More bytes than any picture of a pass needs."""

    code = "picture_too_heavy"
    title = "The picture has too many bytes"
    status = 413


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is kept: PNG in sRGB with 8 bits a channel, upright; `id` is the SHA-256 of `png`, in hex."""

    id: str
    width: int
    height: int
    png: bytes


def read_still(raw: bytes) -> Still:
    """What the header says. Decodes nothing. Raises PictureRefused, PictureTooHeavy."""
    if len(raw) > LARGEST_FILE_BYTES:
        raise PictureTooHeavy(f"A picture may have at most {LARGEST_FILE_BYTES} bytes.")
    if raw.startswith(png.SIGNATURE):
        return png.read_png(raw)
    if raw.startswith(jpeg.SIGNATURE):
        return jpeg.read_jpeg(raw)
    if raw.startswith(webp.SIGNATURE) and raw[8:12] == webp.FORM:
        return webp.read_webp(raw)
    raise PictureKindUnknown(_advice(raw))


def take_in(raw: bytes) -> Picture:
    """The picture of a file, to keep. Takes up to a second and 100 MB: call it in a thread.

    Raises PictureRefused, PictureTooHeavy.
    """
    still = read_still(raw)
    try:
        image = _upright(_in_srgb(_decoded(still)), still.turn)
    except PictureBroken:
        raise
    except Exception as error:  # decoders answer hostile files with errors of every kind
        raise PictureBroken("The picture cannot be decoded.") from error
    body = _written(image)
    return Picture(hashlib.sha256(body).hexdigest(), image.width, image.height, body)


def _advice(raw: bytes) -> str:
    start = raw[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<") and b"svg" in raw[:4096].lower():
        return "SVG is not taken, since it can hold scripts: send it drawn as PNG."
    if not raw:
        return "The body is empty: send the bytes of a PNG, JPEG or WebP file."
    return "Send the bytes of a PNG, JPEG or WebP file."


def _decoded(still: Still) -> Image.Image:
    opened = Image.open(BytesIO(still.body), formats=[still.kind])
    if opened.size != (still.width, still.height):
        raise PictureBroken("The picture has two sizes.")
    opened.load()
    image = _eight_bits(opened)
    image.thumbnail((LARGEST_KEPT, LARGEST_KEPT), Image.Resampling.LANCZOS)
    return image


def _eight_bits(image: Image.Image) -> Image.Image:
    """The picture in L, RGB, RGBA or CMYK, its colour profile still beside it."""
    profile = image.info.get("icc_profile")
    if image.mode in _SIXTEEN_BITS:
        image = image.convert("I").point(lambda level: level * (1 / 257) + 0.5).convert("L")
    elif image.mode in ("LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode not in ("L", "RGB", "RGBA", "CMYK"):
        image = image.convert("RGB")
    image.info = {"icc_profile": profile} if profile else {}
    return image


def _in_srgb(image: Image.Image) -> Image.Image:
    """RGB or RGBA; colours by the profile where it can be used, else as if they were sRGB already."""
    profile = image.info.get("icc_profile")
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if alpha else image
    converted = _by_profile(colours, profile) if profile else None
    plain = converted or colours.convert("RGB")
    if alpha:
        plain.putalpha(alpha)
    return plain


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        given = ImageCms.ImageCmsProfile(BytesIO(profile))
        return ImageCms.profileToProfile(image, given, _SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _upright(image: Image.Image, turn: int) -> Image.Image:
    return image if turn == UPRIGHT else image.transpose(_TURNS[turn])


def _written(image: Image.Image) -> bytes:
    """PNG of the pixels alone: whatever else the decoder found is left behind."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    image.info = {}
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
