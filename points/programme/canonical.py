"""The canonical form of a programme: what a version is the hash of.

Two files that say the same have the same bytes: names in order, no spaces, numbers in their shortest form, and what is
at its default left out. Comments, layout and the order of names do not matter; the order of lists does. The defaults
belong to `format`: a later format may choose others, those of this one stay.
"""

import hashlib
from decimal import Decimal
from typing import Any

import msgspec

from points.programme.schema.programme import Programme
from points.programme.version import Version

_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number")
_decoder = msgspec.json.Decoder(Programme, strict=True)


def canonical(programme: Programme) -> bytes:
    """JSON in UTF-8, the same for every way to write the same programme."""
    return _encoder.encode(plain(programme))


def from_canonical(content: bytes) -> Programme:
    """The programme that `canonical` wrote."""
    return _decoder.decode(content)


def id_of(content: bytes) -> str:
    """The id of a version: SHA-256 of its canonical form, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def version_of(programme: Programme) -> Version:
    """The version that a programme is; it holds what the canonical form says, so that equal ids behave equally."""
    content = canonical(programme)
    return Version(id_of(content), from_canonical(content))


def plain(value: Any) -> Any:
    """A part of a programme as plain values, defaults left out and numbers in their shortest form."""
    if isinstance(value, msgspec.Struct):
        return _fields(value)
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return _shortest(value) if isinstance(value, Decimal) else value


def _fields(struct: msgspec.Struct) -> dict[str, Any]:
    config = struct.__struct_config__
    found: dict[str, Any] = {}
    if config.tag_field is not None:
        found[config.tag_field] = config.tag
    for field in msgspec.structs.fields(struct):
        value = getattr(struct, field.name)
        if value != _default(field):
            found[field.encode_name] = plain(value)
    return found


def _default(field: Any) -> Any:
    """A field's default; of a required field a value that nothing equals."""
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _shortest(number: Decimal) -> Decimal | int:
    whole = int(number)
    if number == whole:
        return whole
    return Decimal(format(number.normalize(), "f"))
