"""What a header says of a picture, and why a file is refused before anything of it is decoded."""

from dataclasses import dataclass
from typing import Final, Literal

from kernel.errors import Invalid

Kind = Literal["PNG", "JPEG", "WEBP"]  # Pillow's names of the decoders

LARGEST_SIDE: Final = 4096
MOST_PIXELS: Final = 8 * 1024 * 1024


class PictureRefused(Invalid):
    """The picture is not taken."""

    code = "picture_refused"
    title = "The picture is not taken"


class PictureKindUnknown(PictureRefused):
    """Neither PNG nor JPEG nor WebP."""

    code = "picture_kind_unknown"
    title = "The picture is of no kind that is taken"


class PictureBroken(PictureRefused):
    """The file is damaged, cut off, or never was a picture."""

    code = "picture_broken"
    title = "The picture is broken"


class PictureTooLarge(PictureRefused):
    """More pixels than any pass needs."""

    code = "picture_too_large"
    title = "The picture has too many pixels"


class PictureMoves(PictureRefused):
    """An animation: passes show still pictures."""

    code = "picture_moves"
    title = "The picture is an animation"


@dataclass(frozen=True, slots=True)
class Still:
    """A picture that may be decoded: `width` and `height` in pixels as stored, `turn` the EXIF orientation (1 to 8).

    `body` is the file written again with only the parts that make the picture: no metadata but the colour profile,
    nothing behind its end.
    """

    kind: Kind
    width: int
    height: int
    turn: int
    body: bytes


def sized(width: int, height: int) -> tuple[int, int]:
    """The size, if it may be decoded. Raises PictureBroken, PictureTooLarge."""
    if width < 1 or height < 1:
        raise PictureBroken("The picture has no size.")
    if width > LARGEST_SIDE or height > LARGEST_SIDE or width * height > MOST_PIXELS:
        raise PictureTooLarge(
            f"The picture has {width} x {height} pixels: at most {LARGEST_SIDE} a side and {MOST_PIXELS} in all.",
            width=width,
            height=height,
        )
    return width, height
