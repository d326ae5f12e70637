"""The one thing that is read of EXIF data: which way up the picture is.

EXIF 2.32 section 4.6.4 (tag 274), in a TIFF directory (TIFF 6.0 section 2).
"""

import struct
from typing import Final

UPRIGHT: Final = 1
_ORIENTATION, _SHORT = 0x0112, 3
_MOST_ENTRIES = 256
_PREFIX = b"Exif\0\0"


def turn_of(data: bytes) -> int:
    """The orientation, 1 to 8; upright when the data does not say, however it is broken."""
    tiff = data.removeprefix(_PREFIX)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return UPRIGHT
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    if start + 2 > len(tiff):
        return UPRIGHT
    (entries,) = struct.unpack_from(order + "H", tiff, start)
    for number in range(min(entries, _MOST_ENTRIES)):
        at = start + 2 + 12 * number
        if at + 12 > len(tiff):
            break
        tag, form, count, value = struct.unpack_from(order + "HHIH", tiff, at)
        if tag == _ORIENTATION and form == _SHORT and count == 1:
            return value if 1 <= value <= 8 else UPRIGHT
    return UPRIGHT
