"""Tokens of receipts: 128 bits that are printed, of which only a keyed hash is stored.

A token is derived from the receipt's id under the master secret, so that the same request for one, delivered again, is
answered with the same token although nothing stored tells it.
"""

import hashlib
import re
from typing import Final

from kernel.secrets import Keyring

PREFIX: Final = "CPR1."
PAGE: Final = "/r/"

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32
_TOKEN = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", " ": None, "-": None, "\N{NO-BREAK SPACE}": None})
_BYTES = 16
_LONGEST_TEXT = 500


def token_of(keyring: Keyring, receipt_id: str) -> str:
    """The token of a receipt: 26 characters."""
    value = int.from_bytes(keyring.derive("receipt.token", receipt_id, length=_BYTES), "big")
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))


def printed(token: str) -> str:
    """The token as a receipt says it, and as a code on it may."""
    return PREFIX + token


def address_of(public_url: str, token: str) -> str:
    """The page on which a member claims the receipt."""
    return f"{public_url}{PAGE}{token}"


def token_in(text: str) -> str | None:
    """The token in what was scanned or typed: with its prefix or without, or the address of its page; None: none.

    Small letters, spaces, hyphens and the letters O, I and L (read for 0 and 1) are forgiven.
    """
    said = text[:_LONGEST_TEXT].strip()
    if PAGE in said:
        said = re.split(r"[?#]", said.rpartition(PAGE)[2])[0].rstrip("/")
    said = said.upper().removeprefix(PREFIX).translate(_MISREAD)
    return said if _TOKEN.fullmatch(said) else None


def token_hash(keyring: Keyring, token: str) -> bytes:
    """What is stored of a token: a BLAKE2b (RFC 7693 section 2.9) under a key that is not in the database."""
    key = keyring.derive("receipt.token-hash", length=64)
    return hashlib.blake2b(token.encode(), key=key, digest_size=32).digest()
