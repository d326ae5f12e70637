"""WebP by its chunks (RFC 9649)."""

import struct
from collections.abc import Iterator
from typing import Final

from passes.design.formats.exif import UPRIGHT, turn_of
from passes.design.formats.still import PictureBroken, PictureMoves, Still, sized

SIGNATURE: Final = b"RIFF"
FORM: Final = b"WEBP"
_MOST_CHUNKS = 1_000
_ANIMATION_FLAG, _PROFILE_FLAG, _ALPHA_FLAG = 0x02, 0x20, 0x10
_PIXELS = (b"VP8 ", b"VP8L")


def read_webp(raw: bytes) -> Still:
    """The picture, with nothing but its pixels, transparency and colour profile.

    Raises PictureBroken, PictureTooLarge, PictureMoves.
    """
    found: dict[bytes, bytes] = {}
    for kind, data in _chunks(raw):
        if kind in (b"ANIM", b"ANMF") or (kind == b"VP8X" and data[:1] and data[0] & _ANIMATION_FLAG):
            raise PictureMoves("The WebP is an animation: send one still picture.")
        if kind in (b"VP8X", b"ALPH", b"ICCP", b"EXIF", *_PIXELS) and found.setdefault(kind, data) is not data:
            raise PictureBroken("The WebP says something twice.")
    pixels = [kind for kind in _PIXELS if kind in found]
    if len(pixels) != 1:
        raise PictureBroken("The WebP has no pixels.")
    kind = pixels[0]
    size = sized(*(_lossless if kind == b"VP8L" else _lossy)(found[kind]))
    turn = turn_of(found[b"EXIF"]) if b"EXIF" in found else UPRIGHT
    parts = [(kind, found[kind])]
    if b"VP8X" in found:
        if len(found[b"VP8X"]) < 10 or _canvas(found[b"VP8X"]) != size:
            raise PictureBroken("The WebP has two sizes.")
        extras = [(name, found[name]) for name in (b"ICCP", b"ALPH") if name in found]
        flags = (_PROFILE_FLAG * (b"ICCP" in found)) | (found[b"VP8X"][0] & _ALPHA_FLAG)
        parts = [(b"VP8X", bytes([flags]) + found[b"VP8X"][1:10]), *extras, *parts]
    body = FORM + b"".join(_chunk(*part) for part in parts)
    return Still("WEBP", *size, turn, SIGNATURE + struct.pack("<I", len(body)) + body)


def _chunks(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    (length,) = struct.unpack_from("<I", raw, 4)
    end = length + 8
    if end > len(raw):
        raise PictureBroken("The WebP is cut off.")
    at = 12
    for _ in range(_MOST_CHUNKS):
        if at + 8 > end:
            return
        kind, size = struct.unpack_from("<4sI", raw, at)
        if at + 8 + size > end:
            raise PictureBroken("The WebP is cut off.")
        yield kind, raw[at + 8 : at + 8 + size]
        at += 8 + size + (size & 1)
    raise PictureBroken("The WebP has more parts than a picture needs.")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("<4sI", kind, len(data)) + data + b"\0" * (len(data) & 1)


def _lossy(data: bytes) -> tuple[int, int]:
    """RFC 6386 section 9.1: a key frame begins with its size."""
    if len(data) < 10 or data[0] & 1 or data[3:6] != b"\x9d\x01\x2a":
        raise PictureBroken("The pixels of the WebP have no header.")
    width, height = struct.unpack_from("<HH", data, 6)
    return width & 0x3FFF, height & 0x3FFF


def _lossless(data: bytes) -> tuple[int, int]:
    """RFC 9649 section 3.4."""
    if len(data) < 5 or data[0] != 0x2F or data[4] >> 5:
        raise PictureBroken("The pixels of the WebP have no header.")
    bits = int.from_bytes(data[1:5], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _canvas(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1
