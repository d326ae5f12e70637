"""PNG by its chunks (ISO/IEC 15948, https://www.w3.org/TR/png-3/#5DataRep)."""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from passes.design.formats.exif import UPRIGHT, turn_of
from passes.design.formats.still import PictureBroken, PictureMoves, Still, sized

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_MOST_CHUNKS = 10_000
_ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})
_KEPT_BEFORE_PIXELS = (b"PLTE", b"tRNS", b"iCCP")
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}  # colour type -> bit depths


def read_png(raw: bytes) -> Still:
    """The picture, with nothing but its header, palette, transparency, profile and pixels.

    Raises PictureBroken, PictureTooLarge, PictureMoves.
    """
    chunks = _chunks(raw)
    kind, header = next(chunks, (b"", b""))
    if kind != b"IHDR" or len(header) != 13:
        raise PictureBroken("The PNG does not begin with its header.")
    width, height, depth, colours, compression, filters, interlace = struct.unpack(">IIBBBBB", header)
    sized(width, height)
    if depth not in _DEPTHS.get(colours, ()) or compression or filters or interlace > 1:
        raise PictureBroken("The header of the PNG makes no sense.")
    kept: dict[bytes, bytes] = {}
    pixels: list[bytes] = []
    turn = UPRIGHT
    for kind, data in chunks:
        if kind in _ANIMATION:
            raise PictureMoves("The PNG is an animation: send one still picture.")
        if kind == b"IDAT":
            pixels.append(data)
        elif kind == b"eXIf":
            turn = turn_of(data)
        elif kind in _KEPT_BEFORE_PIXELS and not pixels:
            if kind in kept:
                raise PictureBroken("The PNG says something twice.")
            kept[kind] = data
        elif kind[:1].isupper() and kind not in (b"IEND", b"PLTE"):
            raise PictureBroken("The PNG has a critical part that no standard knows.")
    if not pixels or (colours == 3 and b"PLTE" not in kept):
        raise PictureBroken("The PNG has no pixels.")
    parts = [(b"IHDR", header), *((name, kept[name]) for name in (b"iCCP", b"PLTE", b"tRNS") if name in kept)]
    body = b"".join([SIGNATURE, *(_chunk(*part) for part in parts), _chunk(b"IDAT", b"".join(pixels)), _END])
    return Still("PNG", width, height, turn, body)


def _chunks(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and data of each chunk, up to the end of the picture; what follows it is left where it is."""
    at = len(SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        if at + 12 > len(raw):
            raise PictureBroken("The PNG is cut off.")
        length, kind = struct.unpack_from(">I4s", raw, at)
        if at + 12 + length > len(raw):
            raise PictureBroken("The PNG is cut off.")
        data = raw[at + 8 : at + 8 + length]
        if struct.unpack_from(">I", raw, at + 8 + length)[0] != zlib.crc32(data, zlib.crc32(kind)):
            raise PictureBroken("A part of the PNG is damaged.")
        yield kind, data
        if kind == b"IEND":
            return
        at += 12 + length
    raise PictureBroken("The PNG has more parts than a picture needs.")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


_END: Final = _chunk(b"IEND", b"")
