"""Check a body against the frozen type facts before it is sent.

Only what we send is checked, never what Google answers: new fields and enum values appear there without notice.
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import fastjsonschema
import msgspec

from kernel.errors import Invalid
from passes.google.schema.rules import with_rules

Resource = Literal["loyaltyClass", "loyaltyObject", "offerClass", "offerObject"]
Body = Mapping[str, Any]

_ROOT: Final[Mapping[Resource, str]] = {
    "loyaltyClass": "LoyaltyClass",
    "loyaltyObject": "LoyaltyObject",
    "offerClass": "OfferClass",
    "offerObject": "OfferObject",
}
_CLASS_OF: Final[Mapping[Resource, Resource]] = {"loyaltyObject": "loyaltyClass", "offerObject": "offerClass"}


class WalletBodyInvalid(Invalid):
    """A body that the Wallet API would refuse; sending it again cannot help. `path` names the place, `says` why."""

    code = "google_wallet_body_invalid"
    title = "The Google Wallet body is not valid"


def is_class(resource: Resource) -> bool:
    """Whether this is a kind of class."""
    return resource not in _CLASS_OF


def class_of(resource: Resource) -> Resource:
    """The kind of class that objects of this kind belong to; a kind of class itself."""
    return _CLASS_OF.get(resource, resource)


def check(resource: Resource, body: Body, *, patch: bool = False) -> None:
    """Raise `WalletBodyInvalid` unless Google's type facts allow `body`.

    With `patch` a None stands for "remove this field" and nothing is required at the root, except that a class names
    its review status in every request.
    """
    _check(resource, _validator(_ROOT[resource], patch), without_nulls(body) if patch else body)


def check_message(message: Body) -> None:
    """The same for what `addMessage` is given. Raises `WalletBodyInvalid`."""
    _check("message", _validator("Message", patch=False), message)


def canonical(definition: str, field: str, value: str) -> str:
    """A value of an enum as we write it, for reading answers: `LoyaltyClass`, `reviewStatus`, `approved` -> `APPROVED`.

    A value that is not known is left as it is.
    """
    known: str = frozen()["aliases"].get(definition, {}).get(field, {}).get(value, value)
    return known


def without_nulls(node: Any) -> Any:
    """`node` without the members whose value is None, at every depth."""
    if isinstance(node, Mapping):
        return {key: without_nulls(value) for key, value in node.items() if value is not None}
    return [without_nulls(value) for value in node] if isinstance(node, list) else node


@cache
def frozen() -> dict[str, Any]:
    """The frozen facts: `revision` of the discovery document, `$defs`, and `aliases` of enum values."""
    facts: dict[str, Any] = msgspec.json.decode(Path(__file__).with_name("walletobjects.json").read_bytes())
    return facts


def _check(name: str, validator: Callable[[Any], Any], body: Any) -> None:
    try:
        validator(body)
    except fastjsonschema.JsonSchemaValueException as error:
        at, says = _place(error)
        raise WalletBodyInvalid(f"{name}: {at or 'this'} {says}", rule=str(error.rule), path=at, says=says) from error


def _place(error: fastjsonschema.JsonSchemaValueException) -> tuple[str, str]:
    """Where in the body, and what is wrong there without naming the place again."""
    path = "".join(f"[{step}]" if str(step).isdecimal() else f".{step}" for step in error.path[1:]).removeprefix(".")
    return path, str(error.message).removeprefix(str(error.name)).strip()


@cache
def _validator(root: str, patch: bool) -> Callable[[Any], Any]:
    """Compiled on first use: about 0.1 s, then some microseconds per body."""
    definitions = with_rules(frozen()["$defs"])
    if patch:
        definitions[root]["required"] = ["reviewStatus"] if root.endswith("Class") else []
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$ref": f"#/$defs/{root}",
        "$defs": definitions,
    }
    compiled: Callable[[Any], Any] = fastjsonschema.compile(schema, use_default=False)
    return compiled
