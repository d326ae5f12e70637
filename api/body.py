"""Strict JSON bodies.

The framework decodes leniently: `"5"`, `5.0` and `1e3` pass as integers, a repeated key silently wins, U+0000 reaches
the database and a tower of brackets ends in a server error. Here a body is decoded strictly into its struct, after a
guard that costs a few microseconds: only a body that shows a reason (an escape, a text that occurs twice, many
brackets) is looked at in full.
"""

import hashlib
import json
import re
from typing import Annotated, Any, Final, TypeVar

import msgspec
from litestar.connection import ASGIConnection
from litestar.dto import AbstractDTO
from litestar.exceptions import HTTPException
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from api.problems import FieldProblem, Refused

LARGEST_BODY_BYTES: Final = 64 * 1024
DEEPEST_NESTING: Final = 32
LARGEST_INTEGER: Final = 2**53 - 1  # what JavaScript keeps exact (RFC 8259 section 6)

Points = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000, description="Whole points.")]
AmountMinor = Annotated[
    int, msgspec.Meta(ge=1, le=1_000_000_000_000, description="Minor units of the currency (cents).")
]
# A `$` also matches before a final newline, hence the length.
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$", max_length=3, description="ISO 4217 code.")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

T = TypeVar("T")

_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {}

# A text (also one that never ends, so that hostile input is read only once) or a bracket.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)
_SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")  # U+0000 or a surrogate
_QUOTED_PAIR = re.compile(r'\\(["\\])')
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_AT = re.compile(r" - at `\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")
_FIELD = re.compile(r"field `([^`]*)`")

# How msgspec words its refusals, and the stable code of each. The first that fits counts.
_CODES: Final = (
    (re.compile(r"^Object contains unknown field"), "unknown_field", "There is no such field."),
    (re.compile(r"^Object missing required field"), "missing_field", "The field is required."),
    (re.compile(r"^Expected `\w+` (?:[<>]|of length|that's)"), "out_of_bounds", ""),
    (re.compile(r"^(?:Integer value|Number) out of range"), "out_of_bounds", "The number is out of range."),
    (re.compile(r"^Expected `str` matching"), "wrong_format", "The text does not have the required form."),
    (re.compile(r"^Invalid enum value"), "not_a_choice", "The value is not one of the choices."),
    (re.compile(r"^Invalid "), "wrong_format", "The text does not have the required form."),
    (re.compile(r"^Expected "), "wrong_type", ""),
)


class BodyMalformed(Refused):
    """The body is not JSON as this service takes it."""

    code = "body_malformed"
    title = "The body is not acceptable JSON"


class BodyInvalid(Refused):
    """The body is JSON but not of the documented shape."""

    code = "body_invalid"
    title = "The body does not have the documented shape"


class BodyTooLarge(Refused):
    """The body is larger than any request needs."""

    code = "body_too_large"
    title = "The body is too large"
    status = 413


class IdempotencyKeyMissing(Refused):
    """A request that moves value needs a key of its own."""

    code = "idempotency_key_missing"
    title = "An Idempotency-Key header is required"


class IdempotencyKeyMalformed(Refused):
    """The key is not 1 to 255 visible ASCII characters."""

    code = "idempotency_key_malformed"
    title = "The Idempotency-Key header is malformed"


class StrictBody(AbstractDTO[T]):
    """`dto=StrictBody[PartnerBody]`: the handler's `data` is the struct, decoded strictly; OpenAPI shows the same."""

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: Any = None
    ) -> None:
        """No transfer model: the struct itself is the shape on the wire."""

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        """The struct's own schema."""
        schema: Reference | Schema = schema_creator.for_field_definition(field_definition)
        return schema

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Any:
        """Not needed without a transfer model."""
        return iter(())

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """Not needed without a transfer model."""
        return False

    def decode_builtins(self, value: dict[str, Any]) -> Any:
        """Forms are not taken."""
        raise HTTPException(status_code=415)

    def decode_bytes(self, value: bytes) -> Any:
        """The body as the struct. Raises Refused (400, 413) and HTTPException 415."""
        _require_json(self.asgi_connection)
        return decode(value, self.model_type)


def decode(raw: bytes, model: type[T]) -> T:
    """`raw` as `model`, strictly. Raises BodyMalformed, BodyInvalid, BodyTooLarge."""
    guard(raw)
    decoder = _decoders.get(model) or _decoder(model)
    try:
        value: T = decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _malformed("json_malformed", "The body is not valid JSON.") from None
    return value


def guard(raw: bytes) -> None:
    """Refuse what a typed decoder does not see: size, depth, repeated keys, U+0000, lone surrogates, bad UTF-8.

    Without a backslash in the body each pair of quotes is one text, so if all texts differ no key is repeated.
    """
    if len(raw) > LARGEST_BODY_BYTES:
        detail = f"The body may have at most {LARGEST_BODY_BYTES} bytes."
        raise BodyTooLarge(detail, [FieldProblem("body_too_large", detail, pointer="")])
    if raw.count(b"{") + raw.count(b"[") > DEEPEST_NESTING:
        _refuse_deep(raw)
    if b"\\" not in raw:
        texts = raw.split(b'"')[1::2]
        if len(set(texts)) == len(texts):
            return
    _inspect(raw)


def idempotency_key(header: str | None) -> str:
    """The `Idempotency-Key` header, bare or quoted (the IETF draft has a structured-field string, most send it bare).

    Raises IdempotencyKeyMissing, IdempotencyKeyMalformed.
    """
    text = (header or "").strip(" \t")
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = _QUOTED_PAIR.sub(r"\1", text[1:-1])
        if not text:
            raise _bad_key()
    if not text:
        detail = "Send an Idempotency-Key header that is new for each request and the same for its repeats."
        raise IdempotencyKeyMissing(
            detail, [FieldProblem("idempotency_key_missing", detail, parameter="Idempotency-Key")]
        )
    if _IDEMPOTENCY_KEY.fullmatch(text) is None:
        raise _bad_key()
    return text


def fingerprint(operation: str, body: msgspec.Struct) -> bytes:
    """SHA-256 of what is asked: the same for bodies that differ in spacing, order of keys or spelled-out defaults."""
    return hashlib.sha256(operation.encode() + b"\n" + msgspec.json.encode(body, order="deterministic")).digest()


def _decoder(model: type[Any]) -> msgspec.json.Decoder[Any]:
    """The decoder of a body's struct, made once; there are as many as there are kinds of body."""
    if not (issubclass(model, msgspec.Struct) and model.__struct_config__.forbid_unknown_fields):
        raise TypeError(f"{model.__name__} must be a Struct that forbids unknown fields")
    return _decoders.setdefault(model, msgspec.json.Decoder(model, strict=True))


def _require_json(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    given = next((value for name, value in connection.scope["headers"] if name == b"content-type"), b"")
    if given.partition(b";")[0].strip().lower() != b"application/json":
        raise HTTPException(status_code=415)


def _refuse_deep(raw: bytes) -> None:
    depth = 0
    for token in _TOKEN.finditer(raw):
        first = raw[token.start()]
        if first in b"[{":
            depth += 1
            if depth > DEEPEST_NESTING:
                raise _malformed("too_deep", f"The body may be nested at most {DEEPEST_NESTING} levels deep.")
        elif first in b"]}":
            depth -= 1


def _inspect(raw: bytes) -> None:
    """Read the whole body without its types. Numbers are left as text: their size is the typed decoder's business."""
    try:
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_pairs, parse_int=str, parse_float=str, parse_constant=_no_constant
        )
    except Refused:
        raise
    except (ValueError, RecursionError):
        raise _malformed("json_malformed", "The body is not valid JSON.") from None
    if _SUSPECT_ESCAPE.search(raw):
        _refuse_bad_text(value, "")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        repeated = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _malformed("duplicate_key", "A key occurs twice in one object.", f"/{_escape(repeated)}")
    return found


def _refuse_bad_text(value: Any, pointer: str) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise _malformed("nul_character", "The character U+0000 is not allowed.", pointer)
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise _malformed("lone_surrogate", "Half of a surrogate pair is not a character.", pointer)
    elif isinstance(value, dict):
        for name, item in value.items():
            _refuse_bad_text(name, pointer)
            _refuse_bad_text(item, f"{pointer}/{_escape(name)}")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            _refuse_bad_text(item, f"{pointer}/{place}")


def _invalid(message: str) -> BodyInvalid:
    at = _AT.search(message)
    reason = message[: at.start()] if at else message
    pointer = "".join(
        f"/{_escape(step.group(1) or step.group(2) or '*')}" for step in _STEP.finditer(at.group(1) if at else "")
    )
    code, fixed = next(((code, text) for form, code, text in _CODES if form.match(reason)), ("invalid", ""))
    if code in ("unknown_field", "missing_field") and (named := _FIELD.search(reason)):
        pointer += f"/{_escape(named.group(1)[:64])}"
    detail = fixed or reason.replace("`", "") + "."
    return BodyInvalid(f"{detail} ({pointer or 'body'})", [FieldProblem(code, detail, pointer=pointer)])


def _malformed(code: str, detail: str, pointer: str = "") -> BodyMalformed:
    return BodyMalformed(detail, [FieldProblem(code, detail, pointer=pointer)])


def _bad_key() -> IdempotencyKeyMalformed:
    detail = "The key must be 1 to 255 visible ASCII characters."
    return IdempotencyKeyMalformed(
        detail, [FieldProblem("idempotency_key_malformed", detail, parameter="Idempotency-Key")]
    )


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _escape(name: str) -> str:
    """A reference token of a JSON pointer (RFC 6901 section 3), safe to print."""
    return name.encode("ascii", "backslashreplace").decode().replace("~", "~0").replace("/", "~1")
