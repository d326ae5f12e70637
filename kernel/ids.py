"""Prefixed, time-ordered ids (`mbr_01k…`) and short random codes for people.

An id is a prefix and a UUIDv7 (RFC 9562 section 5.7) in Crockford's base32, lower case, 26 characters: ids made later
sort later, so that indexes stay dense.
"""

import os
import re
import secrets
import threading
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
# Two characters at a time: ids are made several times per request.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = range(120, -10, -10)
_CODE_ALPHABET = _ALPHABET.upper()
_BODY = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")

_lock = threading.Lock()
_last_stamp = 0


def new_id(prefix: str) -> str:
    """A new id such as `mbr_01jd…`; unique, and greater than every id this process made before."""
    return f"{prefix}_{_base32(_uuid7_int())}"


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` has the form of an id with this prefix."""
    head, _, body = text.partition("_")
    return head == prefix and _BODY.fullmatch(body) is not None


def new_code(length: int = 12) -> str:
    """A random code of `length` characters (5 bits each) without easily confused letters; for barcodes and typing."""
    return "".join(secrets.choice(_CODE_ALPHABET) for _ in range(length))


def _uuid7_int() -> int:
    """48 bits of milliseconds, 12 bits of sub-millisecond counter (RFC 9562 section 6.2, method 3), 62 random bits."""
    global _last_stamp
    with _lock:
        stamp = (time.time_ns() << 12) // 1_000_000
        if stamp <= _last_stamp:
            stamp = _last_stamp + 1
        _last_stamp = stamp
    milliseconds, fraction = stamp >> 12, stamp & 0xFFF
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return (milliseconds << 80) | (7 << 76) | (fraction << 64) | (0b10 << 62) | random


def _base32(value: int) -> str:
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in _SHIFTS])
