"""Freeze the type facts of the Wallet API's discovery document into `walletobjects.json`.

Run it again when Google publishes a new revision. The document is inside the PyPI package `google-api-python-client`
(`googleapiclient/discovery_cache/documents/walletobjects.v1.json`); the package itself is not needed at run time:

    python -m passes.google.schema.freeze path/to/walletobjects.v1.json

Only names, types, enum values, formats and what is required are kept. Deprecated fields and enum values are left out,
so a body that uses one fails the check; what the deprecated spellings of a value stand for is kept beside, for reading
answers. Format of the source: https://developers.google.com/discovery/v1/type-format
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

ROOTS = ("LoyaltyClass", "LoyaltyObject", "OfferClass", "OfferObject")
FROZEN = Path(__file__).with_name("walletobjects.json")

_INT32 = {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
# JSON has no 64-bit integers: Google sends and takes them as strings of digits.
_INT64 = {"type": "string", "pattern": "^-?[0-9]{1,19}$"}
_ALIAS = re.compile(r"Legacy alias for `(\w+)`")


def freeze(discovery: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema definitions reachable from the classes and objects, with the document's revision.

    `aliases` are the deprecated spellings: definition -> property -> spelling -> value.
    """
    schemas = discovery["schemas"]
    found: dict[str, dict[str, Any]] = {}
    waiting = list(ROOTS)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _definition(schemas[name])
            waiting.extend(_references(found[name]))
    aliases = {name: known for name in sorted(found) if (known := _aliases(schemas[name]))}
    return {"revision": discovery["revision"], "$defs": dict(sorted(found.items())), "aliases": aliases}


def _definition(schema: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: fact for name, fact in schema.get("properties", {}).items() if not _deprecated(fact)}
    definition: dict[str, Any] = {
        "type": "object",
        "properties": {name: _type_fact(fact) for name, fact in sorted(kept.items())},
        "additionalProperties": False,
    }
    # The document has no machine-readable mark: a description that starts with this word is the mark.
    required = sorted(name for name, fact in kept.items() if fact.get("description", "").startswith("Required."))
    if required:
        definition["required"] = required
    return definition


def _deprecated(fact: Mapping[str, Any]) -> bool:
    """Some are marked, some only say so."""
    return bool(fact.get("deprecated")) or fact.get("description", "").startswith("Deprecated")


def _aliases(schema: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, fact in sorted(schema.get("properties", {}).items()):
        described = zip(fact.get("enum", ()), fact.get("enumDescriptions", ()), strict=False)
        known = {value: match[1] for value, says in described if (match := _ALIAS.match(says))}
        if known and not _deprecated(fact):
            found[name] = known
    return found


def _type_fact(fact: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in fact:
        return {"$ref": f"#/$defs/{fact['$ref']}"}
    if fact["type"] == "array":
        return {"type": "array", "items": _type_fact(fact["items"])}
    if fact.get("format") in ("int64", "uint64"):
        return dict(_INT64)
    if fact.get("format") == "int32":
        return dict(_INT32)
    if "enum" in fact:
        deprecated = fact.get("enumDeprecated") or [False] * len(fact["enum"])
        return {"enum": [value for value, old in zip(fact["enum"], deprecated, strict=True) if not old]}
    return {} if fact["type"] == "any" else {"type": fact["type"]}


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value.removeprefix("#/$defs/")
            else:
                yield from _references(value)


def main(path: str) -> None:
    """Read the discovery document at `path` and write the frozen subset beside this file."""
    FROZEN.write_bytes(msgspec.json.encode(freeze(msgspec.json.decode(Path(path).read_bytes()))) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])
