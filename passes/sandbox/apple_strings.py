"""How a phone reads a strings file; shares no code with what writes it."""

import re
from typing import Final

_ENTRY: Final = re.compile(
    r"""
    \s* (?: /\*.*?\*/ \s* | //[^\n]*\n \s* )*
    "(?P<key>(?:[^"\\]|\\.)*)" \s* = \s* "(?P<value>(?:[^"\\]|\\.)*)" \s* ;
    """,
    re.VERBOSE | re.DOTALL,
)
_REST: Final = re.compile(r"\s*(?:/\*.*?\*/\s*|//[^\n]*(?:\n|\Z)\s*)*", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:U(?P<code>[0-9A-Fa-f]{4})|(?P<letter>.))", re.DOTALL)
_LETTERS: Final = {"n": "\n", "t": "\t", "r": "\r"}


def read_strings(raw: bytes) -> dict[str, str]:
    """Key -> text of a strings file (UTF-8, or UTF-16 with a byte order mark). Raises ValueError; the first of two
    entries with one key counts.
    """
    text = raw.decode("utf-16") if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else raw.decode("utf-8-sig")
    entries: dict[str, str] = {}
    at = 0
    while (entry := _ENTRY.match(text, at)) is not None:
        entries.setdefault(_plain(entry["key"]), _plain(entry["value"]))
        at = entry.end()
    rest = _REST.match(text, at)
    if rest is None or rest.end() != len(text):
        raise ValueError(f"not an entry of a strings file: {text[at : at + 40]!r}")
    return entries


def _plain(written: str) -> str:
    if "\\" not in written:
        return written
    return _ESCAPE.sub(lambda found: _escaped(found["code"], found["letter"]), written)


def _escaped(code: str | None, letter: str) -> str:
    return chr(int(code, 16)) if code else _LETTERS.get(letter, letter)
