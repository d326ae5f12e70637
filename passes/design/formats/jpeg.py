"""JPEG by its markers (ITU-T T.81 Annex B, https://www.w3.org/Graphics/JPEG/itu-t81.pdf).

A progressive picture may be sent in any number of scans, each of which touches every block again: a small file of
hundred thousand scans would keep a decoder busy for hours. So the whole file is walked and its scans are counted.
"""

import re
import struct
from typing import Final

from passes.design.formats.exif import UPRIGHT, turn_of
from passes.design.formats.still import PictureBroken, PictureKindUnknown, Still, sized

SIGNATURE: Final = b"\xff\xd8\xff"
MOST_SCANS: Final = 32  # encoders use at most a dozen
_MOST_SEGMENTS = 2_000
_SOI, _EOI, _SOS, _DHT, _DQT, _DRI, _DNL = 0xD8, 0xD9, 0xDA, 0xC4, 0xDB, 0xDD, 0xDC
_EXIF, _COMMENT = 0xE1, 0xFE
# What applications wrote and the colours depend on.
_KEPT_OF_APPLICATIONS = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
_FRAMES_TAKEN = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive: Huffman coded, lossy
_FRAMES = frozenset(range(0xC0, 0xD0)) - {_DHT, 0xC8, 0xCC}
_TABLES = frozenset({_DHT, _DQT, _DRI})
# Inside a scan a 0xFF is followed by 00 or is a restart; anything else ends the scan.
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


class _Walk:
    """One walk through the file: what was seen, and what is kept of it."""

    def __init__(self) -> None:
        self.size: tuple[int, int] | None = None
        self.turn = UPRIGHT
        self.scans = 0
        self.kept: list[bytes] = [b"\xff\xd8"]

    def take(self, marker: int, data: bytes) -> None:
        """One segment before or between the scans."""
        if marker in _FRAMES:
            self.size = self._frame(marker, data)
            self._keep(marker, data)
        elif marker in _TABLES or data.startswith(_KEPT_OF_APPLICATIONS.get(marker, ())):
            self._keep(marker, data)
        elif marker == _EXIF and data.startswith(b"Exif\0\0"):
            self.turn = turn_of(data)
        elif not (0xE0 <= marker <= 0xEF or marker == _COMMENT):
            raise PictureBroken("The JPEG has a part that does not belong into a picture.")

    def scan(self, data: bytes, coded: bytes) -> None:
        """One scan with what is coded in it."""
        self.scans += 1
        if self.size is None or self.scans > MOST_SCANS:
            raise PictureBroken("The JPEG has more scans than a picture needs, or pixels before its header.")
        self._keep(_SOS, data)
        self.kept.append(coded)

    def _frame(self, marker: int, data: bytes) -> tuple[int, int]:
        if marker not in _FRAMES_TAKEN:
            raise PictureKindUnknown("Only baseline and progressive JPEG are taken.")
        if self.size is not None or len(data) < 6:
            raise PictureBroken("The JPEG has no header, or two.")
        precision, height, width, components = struct.unpack_from(">BHHB", data)
        if precision != 8 or components not in (1, 3, 4) or len(data) != 6 + 3 * components:
            raise PictureKindUnknown("Only JPEG with 8 bits and one, three or four colours is taken.")
        return sized(width, height)

    def _keep(self, marker: int, data: bytes) -> None:
        self.kept.append(struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data)


def read_jpeg(raw: bytes) -> Still:
    """The picture, with nothing but its tables, colour profile and scans.

    Raises PictureKindUnknown (lossless, arithmetic, hierarchical), PictureBroken, PictureTooLarge.
    """
    walk, at = _Walk(), 2
    for _ in range(_MOST_SEGMENTS):
        marker, at = _marker(raw, at)
        if marker == _EOI:
            break
        data = _segment(raw, at)
        at += 2 + len(data)
        if marker != _SOS:
            walk.take(marker, data)
            continue
        end = _END_OF_SCAN.search(raw, at)
        if end is None:
            raise PictureBroken("The JPEG is cut off.")
        walk.scan(data, raw[at : end.start()])
        at = end.start()
    else:
        raise PictureBroken("The JPEG has more parts than a picture needs.")
    if walk.size is None or not walk.scans:
        raise PictureBroken("The JPEG has no pixels.")
    return Still("JPEG", *walk.size, walk.turn, b"".join([*walk.kept, b"\xff\xd9"]))


def _marker(raw: bytes, at: int) -> tuple[int, int]:
    """The marker at `at`, and where its segment begins; any number of 0xFF may stand before it."""
    start = at
    while raw[at : at + 1] == b"\xff":
        at += 1
    if at == start or at >= len(raw) or raw[at] in (0x00, 0x01, _SOI) or 0xD0 <= raw[at] <= 0xD7:
        raise PictureBroken("The JPEG is damaged or cut off.")
    return raw[at], at + 1


def _segment(raw: bytes, at: int) -> bytes:
    length = int.from_bytes(raw[at : at + 2], "big")
    if length < 2 or at + length > len(raw):
        raise PictureBroken("The JPEG is damaged or cut off.")
    return raw[at + 2 : at + length]
