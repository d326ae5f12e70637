"""The JSON Schema (draft 2020-12) of programme files, for editors that complete and check while one writes.

It is made from the same types that read the file. It knows the shape; what only the whole file tells (names that
exist, schedules that happen) is known to `points.programme.check` alone.
"""

import re
from inspect import cleandoc
from typing import Any

import msgspec
from msgspec import inspect

from points.programme.canonical import plain
from points.programme.schema.programme import Programme
from points.programme.shape import LONGEST_LIST, LONGEST_TEXT, MOST_DECIMALS, MOST_PARTS, MOST_WHOLE_DIGITS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SENTENCE = re.compile(r"(?<=[.;:])\s+")


def json_schema() -> dict[str, Any]:
    """The schema as plain values, ready for JSON."""
    definitions: dict[str, Any] = {}
    whole = _schema(inspect.type_info(Programme), definitions)
    return {"$schema": DIALECT, "title": "Commonpoint programme", **whole, "$defs": definitions}


def _schema(kind: inspect.Type, definitions: dict[str, Any]) -> dict[str, Any]:
    match kind:
        case inspect.Metadata():
            return {**_schema(kind.type, definitions), **(kind.extra_json_schema or {})}
        case inspect.StructType():
            return _reference(kind, definitions)
        case inspect.UnionType():
            return {"anyOf": [_schema(option, definitions) for option in kind.types]}
        case inspect.VarTupleType():
            parts = isinstance(kind.item_type, inspect.StructType | inspect.UnionType)
            items = _schema(kind.item_type, definitions)
            return {"type": "array", "items": items, "maxItems": MOST_PARTS if parts else LONGEST_LIST}
        case inspect.TupleType():
            length = len(kind.item_types)
            items = _schema(kind.item_types[0], definitions)
            return {"type": "array", "items": items, "minItems": length, "maxItems": length}
        case inspect.DictType():
            return _mapping(kind, definitions)
        case inspect.LiteralType():
            return {"enum": list(kind.values)}
        case _:
            return _scalar(kind)


def _scalar(kind: inspect.Type) -> dict[str, Any]:
    match kind:
        case inspect.NoneType():
            return {"type": "null"}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.IntType():
            return _present(type="integer", minimum=kind.ge, maximum=kind.le)
        case inspect.DecimalType():
            most = 10**MOST_WHOLE_DIGITS
            return {
                "type": "number",
                "exclusiveMinimum": -most,
                "exclusiveMaximum": most,
                "$comment": f"at most {MOST_DECIMALS} decimals",
            }
        case inspect.StrType():
            longest = min(kind.max_length or LONGEST_TEXT, LONGEST_TEXT)
            return _present(type="string", minLength=kind.min_length, maxLength=longest, pattern=kind.pattern)
        case _:
            raise TypeError(f"programme files have no fields of type {kind}")


def _mapping(kind: inspect.DictType, definitions: dict[str, Any]) -> dict[str, Any]:
    names = _schema(kind.key_type, definitions)
    values = _schema(kind.value_type, definitions)
    return _present(type="object", propertyNames=names, additionalProperties=values, minProperties=kind.min_length)


def _reference(kind: inspect.StructType, definitions: dict[str, Any]) -> dict[str, Any]:
    # Two subjects may have a part of the same name.
    name = f"{kind.cls.__module__.rpartition('.')[2]}.{kind.cls.__name__}"
    if name not in definitions:
        definitions[name] = {}  # kinds that contain themselves find their name taken
        definitions[name] = _struct(kind, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _struct(kind: inspect.StructType, definitions: dict[str, Any]) -> dict[str, Any]:
    text = " ".join(cleandoc(kind.cls.__doc__ or "").split())
    properties: dict[str, Any] = {}
    required: list[str] = []
    if kind.tag_field is not None:
        properties[kind.tag_field] = {"enum": [kind.tag], "description": text}
        required.append(kind.tag_field)
    for field in kind.fields:
        properties[field.encode_name] = _property(field, text, definitions)
        if field.required:
            required.append(field.encode_name)
    return {
        "type": "object",
        "description": text,
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _property(field: inspect.Field, text: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """A field's schema, with its default and what the description of its part says of it."""
    schema = dict(_schema(field.type, definitions))
    said = " ".join(
        one for one in _SENTENCE.split(text) if f"`{field.encode_name}`" in one or f"`{field.encode_name}:" in one
    )
    if said:
        schema["description"] = said
    if field.default not in (msgspec.NODEFAULT, None):
        schema["default"] = plain(field.default)
    return schema


def _present(**given: Any) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}
