"""All parts of a programme with their places, and what their fields are by their declared type."""

from collections.abc import Iterator
from functools import cache
from types import NoneType
from typing import Any, TypeAlias, get_args, get_type_hints

import msgspec

from points.programme.faults import Place
from points.programme.schema.basics import LocalDate, LocalMoment, Money, Number, Share, Span

Found: TypeAlias = tuple[Place, str]

_KINDS = {
    "money": Money,
    "number": Number,
    "share": Share,
    "date": LocalDate,
    "moment": LocalMoment,
    "span": Span,
}


def parts(value: Any, place: Place = ()) -> Iterator[tuple[Place, msgspec.Struct]]:
    """Every struct in a programme, outer ones first, by the names that the file uses."""
    if isinstance(value, msgspec.Struct):
        yield place, value
        for field in msgspec.structs.fields(value):
            yield from parts(getattr(value, field.name), (*place, field.encode_name))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from parts(item, (*place, name))
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from parts(item, (*place, number))


def values(part: msgspec.Struct, kind: str) -> Iterator[tuple[Place, Any]]:
    """The given values of one declared kind (`money`, `span`, ...) among a part's own fields."""
    for field in msgspec.structs.fields(part):
        if _kinds_of(type(part)).get(field.name) == kind:
            yield from _leaves(getattr(part, field.name), (field.encode_name,))


def _leaves(value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, (*place, name))
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _leaves(item, (*place, number))
    elif value is not None:
        yield place, value


# Programme files have a few dozen kinds of parts.
@cache
def _kinds_of(part: Any) -> dict[str, str]:
    return {name: kind for name, hint in get_type_hints(part, include_extras=True).items() if (kind := _kind(hint))}


def _kind(hint: Any) -> str | None:
    found = next((kind for kind, declared in _KINDS.items() if hint == declared), None)
    if found is not None or hasattr(hint, "__metadata__"):
        return found
    inner = [one for one in get_args(hint) if one not in (NoneType, ...)]
    return _kind(inner[-1]) if inner else None
