"""NDEF messages, as phones and readers speak them in Smart Tap: read strictly, written in one way. Pure.

A message is records one after another; a record says what it is in its type, or, where the type is one of the NFC
Forum's own (a Text), in its id. Smart Tap puts messages into the payloads of records, so a record has not been read
to its end before somebody asks for what is inside.

NFC Data Exchange Format, NFC Forum technical specification 1.0, sections 2.3 and 3.2.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MOST_RECORDS: Final = 32  # a phone says less than ten in one message

_BEGINS, _ENDS, _CHUNKED, _SHORT, _HAS_ID, _KIND = 0x80, 0x40, 0x20, 0x10, 0x08, 0x07
_WELL_KNOWN, _EXTERNAL = 0x01, 0x04
_TEXT: Final = b"T"
_UTF_16, _LANGUAGE_LENGTH = 0x80, 0x3F


class BadNdef(ValueError):
    """The bytes are no NDEF message; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `kind` is the type name format, `id` mostly empty."""

    kind: int
    type: bytes
    payload: bytes
    id: bytes = b""

    @property
    def name(self) -> bytes:
        """What it is in Smart Tap's terms: the type, or the id of a record whose type is the NFC Forum's."""
        return self.id if self.kind == _WELL_KNOWN else self.type

    @property
    def is_text(self) -> bool:
        """Whether it is a Text record of the NFC Forum."""
        return self.kind == _WELL_KNOWN and self.type == _TEXT


def records(message: bytes) -> list[Record]:
    """The records of a whole message. Raises BadNdef for anything that is cut off, chunked or followed by more."""
    found: list[Record] = []
    place, ended = 0, False
    while not ended:
        if len(found) == MOST_RECORDS:
            raise BadNdef(f"more than {MOST_RECORDS} records")
        record, flags, place = _record(message, place)
        if bool(flags & _BEGINS) == bool(found):
            raise BadNdef("a message that begins in its middle" if found else "a message without a beginning")
        found.append(record)
        ended = bool(flags & _ENDS)
    if place != len(message):
        raise BadNdef("something after the last record")
    return found


def named(message: bytes, name: bytes) -> bytes:
    """The payload of the first record of this name. Raises BadNdef."""
    for record in records(message):
        if record.name == name:
            return record.payload
    raise BadNdef(f"no record {name.decode('ascii', 'replace')}")


def external(name: bytes, payload: bytes) -> Record:
    """A record of Smart Tap's own."""
    return Record(_EXTERNAL, name, payload)


def message(parts: Iterable[Record]) -> bytes:
    """One or more records as a message, short where they are short, as phones expect it."""
    said = list(parts)
    written = bytearray()
    for number, record in enumerate(said):
        short = len(record.payload) < 256
        flags = record.kind | (_BEGINS if number == 0 else 0) | (_ENDS if number == len(said) - 1 else 0)
        flags |= (_SHORT if short else 0) | (_HAS_ID if record.id else 0)
        written += bytes([flags, len(record.type)]) + len(record.payload).to_bytes(1 if short else 4, "big")
        written += (bytes([len(record.id)]) if record.id else b"") + record.type + record.id + record.payload
    return bytes(written)


def text_of(payload: bytes) -> str:
    """What a Text record says, without its language. Raises BadNdef.

    NFC Forum Text record type definition 1.0, section 3.2.1.
    """
    if not payload or len(payload) < 1 + (payload[0] & _LANGUAGE_LENGTH):
        raise BadNdef("a text without its language")
    said = payload[1 + (payload[0] & _LANGUAGE_LENGTH) :]
    try:
        return said.decode("utf-16" if payload[0] & _UTF_16 else "utf-8")
    except UnicodeDecodeError:
        raise BadNdef("a text that is not one") from None


def _record(message: bytes, place: int) -> tuple[Record, int, int]:
    """The record at a place, its flags, and where it ends."""
    flags = _cut(message, place, 1)[0]
    if flags & _CHUNKED or flags & _KIND > _EXTERNAL:
        raise BadNdef("a chunked record, or one of an unknown kind")
    type_length = _cut(message, place + 1, 1)[0]
    size = 1 if flags & _SHORT else 4
    length = int.from_bytes(_cut(message, place + 2, size), "big")
    place += 2 + size
    id_length = 0
    if flags & _HAS_ID:
        id_length = _cut(message, place, 1)[0]
        place += 1
    type_ = _cut(message, place, type_length)
    id_ = _cut(message, place + type_length, id_length)
    start = place + type_length + id_length
    return Record(flags & _KIND, type_, _cut(message, start, length), id_), flags, start + length


def _cut(message: bytes, place: int, length: int) -> bytes:
    if len(message) - place < length:
        raise BadNdef("a record that is cut off")
    return message[place : place + length]
