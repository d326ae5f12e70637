"""Pictures for tests: drawn here, in every form that a designer, or somebody worse, may send."""

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms

PNG_START = b"\x89PNG\r\n\x1a\n"


def drawing(mode: str = "RGB", size: tuple[int, int] = (60, 40)) -> Image.Image:
    """A picture with a gradient, so that it is neither empty nor noise."""
    return Image.linear_gradient("L").resize(size).convert("RGB").convert(mode)


def encoded(image: Image.Image, kind: str, **how: Any) -> bytes:
    """The bytes of a file."""
    out = BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def png(mode: str = "RGB", size: tuple[int, int] = (60, 40), **how: Any) -> bytes:
    return encoded(drawing(mode, size), "PNG", **how)


def jpeg(mode: str = "RGB", size: tuple[int, int] = (60, 40), **how: Any) -> bytes:
    return encoded(drawing(mode, size), "JPEG", **how)


def webp(mode: str = "RGB", size: tuple[int, int] = (60, 40), **how: Any) -> bytes:
    return encoded(drawing(mode, size), "WEBP", **how)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, pixels: bytes, *, depth: int = 8, colours: int = 0, before: bytes = b"") -> bytes:
    """A PNG put together by hand; `pixels` are compressed, `before` are chunks in front of them."""
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    parts = [chunk(b"IHDR", header), before, chunk(b"IDAT", zlib.compress(pixels, 9)), chunk(b"IEND", b"")]
    return PNG_START + b"".join(parts)


def orientation(turn: int) -> bytes:
    """EXIF data that says which way up the picture is, and where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = turn
    exif[0x010F] = "The maker of the camera"
    return exif.tobytes()


def corner_marked(size: tuple[int, int] = (60, 40)) -> Image.Image:
    """White, with its top left quarter black."""
    image = Image.new("RGB", size, "#ffffff")
    image.paste((0, 0, 0), (0, 0, size[0] // 2, size[1] // 2))
    return image


def swapped_profile() -> bytes:
    """A colour profile that is none of ours: Lab, which pictures with three channels cannot use."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image
