"""The archive around a pass: zip, one member after the other, without dates, so that equal contents make equal bytes.

Rules: PKWARE APPNOTE 4.3.
"""

import struct
import zlib
from collections.abc import Mapping
from typing import Final

# 1980-01-01 00:00, the earliest an archive can say.
_DOS_TIME: Final = 0
_DOS_DATE: Final = 0x21
_STORED: Final = 0
_DEFLATED: Final = 8
# Below this share of its size a member is worth the phone's work of inflating it. Pictures never are.
_WORTH: Final = 0.9

# What a member's header and its entry in the directory have in common.
_BOTH: Final = struct.Struct("<5H3L2H").pack
# The rest of an entry: no comment, first disk, no attributes; where the header is.
_PLACE: Final = struct.Struct("<10xL").pack
_HEADER: Final = b"PK\x03\x04"
_HEADER_SIZE: Final = 30
_ENTRY: Final = b"PK\x01\x02\x14\x00"
_END: Final = struct.Struct("<4s4H2LH").pack


def append(pieces: list[bytes], directory: list[bytes], name: bytes, data: bytes, at: int) -> int:
    """Add a member that is stored as it is to what comes at byte `at`, and its entry; returns where the next begins."""
    size = len(data)
    both = _BOTH(20, 0, _STORED, _DOS_TIME, _DOS_DATE, zlib.crc32(data), size, size, len(name), 0)
    pieces += (_HEADER, both, name, data)
    directory += (_ENTRY, both, _PLACE(at), name)
    return at + _HEADER_SIZE + len(name) + size


def end(count: int, directory_size: int, at: int) -> bytes:
    """The end of an archive of `count` members whose directory begins at byte `at`."""
    return _END(b"PK\x05\x06", 0, 0, count, count, directory_size, at, 0)


def packed(files: Mapping[str, bytes]) -> tuple[bytes, bytes]:
    """Members and directory of the files, by name, deflated where that makes them much smaller. Names are ASCII."""
    entries, directory = bytearray(), bytearray()
    for path, data in sorted(files.items()):
        name, small = path.encode("ascii"), _deflated(data)
        method, held = (_DEFLATED, small) if len(small) < _WORTH * len(data) else (_STORED, data)
        size = (len(held), len(data), len(name), 0)
        both = _BOTH(20, 0, method, _DOS_TIME, _DOS_DATE, zlib.crc32(data), *size)
        directory += b"".join((_ENTRY, both, _PLACE(len(entries)), name))
        entries += b"".join((_HEADER, both, name, held))
    return bytes(entries), bytes(directory)


def archive(files: Mapping[str, bytes]) -> bytes:
    """A whole archive of the files."""
    entries, directory = packed(files)
    return b"".join((entries, directory, end(len(files), len(directory), len(entries))))


def _deflated(data: bytes) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return squeeze.compress(data) + squeeze.flush()
