"""Whether plain values have the shape of a programme: every fault at once, in words for the person who wrote it.

msgspec's own conversion stops at the first fault; this walk follows the same types to the end. What passes it converts.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, TypeAlias

from msgspec import inspect

from points.programme.faults import Place
from points.programme.schema.programme import Programme

Found: TypeAlias = tuple[Place, str]

MOST_WHOLE_DIGITS = 12
MOST_DECIMALS = 9
LONGEST_TEXT = 500
LONGEST_LIST = 1_000
MOST_PARTS = 200  # of one kind: campaigns, rewards, segments, ...


_PROGRAMME = inspect.type_info(Programme)


def faults_of_shape(value: Any) -> list[Found]:
    """Where `value`, plain values of a whole file, is not a Programme: (place, message)."""
    return list(_check(value, _PROGRAMME, ()))


def _check(value: Any, kind: inspect.Type, place: Place, hint: str = "") -> Iterator[Found]:
    match kind:
        case inspect.Metadata():
            described = (kind.extra_json_schema or {}).get("description", "")
            yield from _check(value, kind.type, place, described or hint)
        case inspect.UnionType():
            yield from _union(value, kind, place, hint)
        case inspect.StructType():
            yield from _struct(value, kind, place)
        case inspect.VarTupleType():
            yield from _list(value, kind, place)
        case inspect.TupleType():
            yield from _fixed_list(value, kind, place)
        case inspect.DictType():
            yield from _dict(value, kind, place)
        case inspect.LiteralType():
            yield from _literal(value, kind, place)
        case _:
            if message := _scalar(value, kind, hint):
                yield place, message


def _union(value: Any, kind: inspect.UnionType, place: Place, hint: str) -> Iterator[Found]:
    options = [option for option in kind.types if not isinstance(option, inspect.NoneType)]
    if value is None and len(options) < len(kind.types):
        return
    if len(options) == 1:
        yield from _check(value, options[0], place, hint)
        return
    structs = [option for option in options if isinstance(option, inspect.StructType)]
    tag_field = structs[0].tag_field or ""
    if not isinstance(value, dict):
        yield place, f"{_seen(value)} cannot be here; expected are fields, first of all `{tag_field}`"
    elif tag_field not in value:
        yield place, f"`{tag_field}` is missing: one of {_listed(option.tag for option in structs)}"
    else:
        chosen = next((option for option in structs if option.tag == value[tag_field]), None)
        if chosen is None:
            tags = [str(option.tag) for option in structs]
            yield (*place, tag_field), _no_choice(value[tag_field], tags)
        else:
            yield from _struct(value, chosen, place)


def _struct(value: Any, kind: inspect.StructType, place: Place) -> Iterator[Found]:
    if not isinstance(value, dict):
        yield (
            place,
            f"{_seen(value)} cannot be here; expected are fields: {_listed(f.encode_name for f in kind.fields)}",
        )
        return
    fields = {field.encode_name: field for field in kind.fields}
    known = {*fields, kind.tag_field}
    for name in value:
        if name not in known:
            yield (*place, name), _unknown(name, [*fields])
    for name, field in fields.items():
        if name in value:
            yield from _check(value[name], field.type, (*place, name))
        elif field.required:
            yield place, f"`{name}` is missing{_described(field.type)}"


def _list(value: Any, kind: inspect.VarTupleType, place: Place) -> Iterator[Found]:
    if not isinstance(value, list):
        yield place, f"a list is expected (`- ...` or `[...]`), not {_seen(value)}"
        return
    longest = MOST_PARTS if isinstance(kind.item_type, inspect.StructType | inspect.UnionType) else LONGEST_LIST
    if len(value) > longest:
        yield place, f"this list has {len(value)} items; at most {longest} are possible"
        return
    for number, item in enumerate(value):
        yield from _check(item, kind.item_type, (*place, number))


def _fixed_list(value: Any, kind: inspect.TupleType, place: Place) -> Iterator[Found]:
    if not isinstance(value, list) or len(value) != len(kind.item_types):
        yield place, f"a list of {len(kind.item_types)} is expected, such as `[point, points]`"
        return
    for number, (item, wanted) in enumerate(zip(value, kind.item_types, strict=True)):
        yield from _check(item, wanted, (*place, number))


def _dict(value: Any, kind: inspect.DictType, place: Place) -> Iterator[Found]:
    if not isinstance(value, dict):
        yield place, f"`name: value` pairs are expected, not {_seen(value)}"
        return
    if len(value) < (kind.min_length or 0):
        yield place, "this may not be empty"
    for name, item in value.items():
        for _, message in _check(name, kind.key_type, ()):
            yield (*place, name), message
        yield from _check(item, kind.value_type, (*place, name))


def _literal(value: Any, kind: inspect.LiteralType, place: Place) -> Iterator[Found]:
    if type(value) not in (str, int) or value not in kind.values:
        yield place, _no_choice(value, [str(one) for one in kind.values])


def _scalar(value: Any, kind: inspect.Type, hint: str) -> str | None:
    match kind:
        case inspect.BoolType():
            return None if isinstance(value, bool) else f"`true` or `false` is expected, not {_seen(value)}"
        case inspect.IntType():
            return _whole(value, kind)
        case inspect.DecimalType():
            return _decimal(value)
        case inspect.StrType():
            return _text(value, kind, hint)
        case _:
            raise TypeError(f"programme files have no fields of type {kind}")


def _whole(value: Any, kind: inspect.IntType) -> str | None:
    if type(value) is not int:
        return f"a whole number is expected, not {_seen(value)}"
    if kind.ge is not None and value < kind.ge:
        return f"{value} is too small; at least {kind.ge} is needed"
    if kind.le is not None and value > kind.le:
        return f"{value} is too large; at most {kind.le} is possible"
    return None if abs(value) < 10**18 else "the number is too large"


def _decimal(value: Any) -> str | None:
    if type(value) not in (int, Decimal):
        return f"a number is expected, such as 1.50, not {_seen(value)}"
    exact = Decimal(value)
    if abs(exact) >= 10**MOST_WHOLE_DIGITS:
        return f"the number is too large; at most {MOST_WHOLE_DIGITS} digits are possible"
    if exact != round(exact, MOST_DECIMALS):
        return f"the number has too many decimals; at most {MOST_DECIMALS} are possible"
    return None


def _text(value: Any, kind: inspect.StrType, hint: str) -> str | None:
    if not isinstance(value, str):
        quotes = "; put it in quotes" if type(value) in (int, Decimal, bool) else ""
        return f"a text is expected, not {_seen(value)}{quotes}"
    if kind.min_length is not None and len(value) < kind.min_length:
        return "the text may not be empty"
    longest = min(kind.max_length or LONGEST_TEXT, LONGEST_TEXT)
    if len(value) > longest:
        return f"the text is too long; at most {longest} characters are possible"
    if kind.pattern is not None and re.fullmatch(kind.pattern, value) is None:
        return f"`{value[:60]}` does not have the right form" + (f": {hint}" if hint else f" ({kind.pattern})")
    return None


def _unknown(name: str, known: Sequence[str]) -> str:
    return f"there is no field `{name[:60]}` here" + (_meant(name, known) or f"; the fields are {_listed(known)}")


def _no_choice(value: Any, choices: Sequence[str]) -> str:
    meant = _meant(value, choices) if isinstance(value, str) else ""
    return f"{_seen(value)} is none of {_listed(choices)}{meant}"


def _meant(given: str, known: Sequence[str]) -> str:
    close = get_close_matches(given, known, n=1, cutoff=0.7)
    return f"; did you mean `{close[0]}`?" if close else ""


def _listed(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def _described(kind: inspect.Type) -> str:
    """What a missing field would be, if its type says so."""
    if isinstance(kind, inspect.Metadata) and kind.extra_json_schema:
        return f": {kind.extra_json_schema.get('description', '')}".rstrip(": ")
    return ""


def _seen(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return f"`{str(value).lower()}`"
        case int() | Decimal():
            return f"the number {value}"
        case str():
            return f"the text `{value[:60]}`"
        case list():
            return "a list"
        case _:
            return "a group of fields"
