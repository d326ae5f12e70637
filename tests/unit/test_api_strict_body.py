"""What a JSON body may be, and what is refused with a pointer to the field."""

import contextlib
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.body import (
    DEEPEST_NESTING,
    LARGEST_BODY_BYTES,
    BodyInvalid,
    BodyMalformed,
    BodyTooLarge,
    IdempotencyKeyMalformed,
    IdempotencyKeyMissing,
    Points,
    decode,
    fingerprint,
    guard,
    idempotency_key,
)
from api.problems import Refused, status_of


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    points: Points


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    points: Points
    note: Annotated[str, msgspec.Meta(max_length=20)] = ""
    lines: list[Line] = []
    extra: dict[str, str] = {}


BAD_AMOUNTS = [
    '"5"', "5.0", "5.", ".5", "5.5", "1e3", "1E3", "1e0", "5e-1", "-0.0", "true", "false", "null", "NaN", "Infinity",
    "-Infinity", "-0", "0", "-1", "-9007199254740993", "+5", "05", "00", "0x5", "0b1", "0o7", "5_000", "5,000", "5 000",
    "1000000001", "2147483648000", "9007199254740991", "9007199254740992", "9223372036854775807",
    "9223372036854775808", "18446744073709551616", "9" * 400, "9" * 5000, "1e400", "[5]", "{}", '{"$int":5}', '""',
    "５", "٥", "five", "5n", "5f", "''", "undefined", "5;", "5/1", "1/0", "", " ", "--5", "5-", "$5", "0.1e1",
]  # fmt: skip


@pytest.mark.parametrize("literal", BAD_AMOUNTS, ids=lambda text: text[:24])
def test_an_amount_that_is_not_a_plain_integer_in_bounds_is_refused(literal: str) -> None:
    with pytest.raises((BodyMalformed, BodyInvalid)) as refused:
        decode(f'{{"points":{literal}}}'.encode(), Order)
    assert status_of(type(refused.value)) == 400
    assert len(refused.value.errors) == 1


@pytest.mark.parametrize(("literal", "value"), [("1", 1), ("5", 5), ("1000000000", 10**9), (" 7 ", 7)])
def test_a_plain_integer_is_taken_exactly(literal: str, value: int) -> None:
    assert decode(f'{{"points":{literal}}}'.encode(), Order).points == value


@pytest.mark.parametrize(
    ("raw", "code", "pointer"),
    [
        (b'{"points":"5"}', "wrong_type", "/points"),
        (b'{"points":5.0}', "wrong_type", "/points"),
        (b'{"points":0}', "out_of_bounds", "/points"),
        (b'{"points":' + b"9" * 400 + b"}", "out_of_bounds", "/points"),
        (b'{"points":5,"lines":[{"points":1},{"points":true}]}', "wrong_type", "/lines/1/points"),
        (b'{"points":5,"lines":[{"points":1,"x":2}]}', "unknown_field", "/lines/0/x"),
        (b'{"points":5,"colour":"red"}', "unknown_field", "/colour"),
        (b'{"points":5,"a/b~c":1}', "unknown_field", "/a~1b~0c"),
        (b"{}", "missing_field", "/points"),
        (b'{"points":5,"note":"' + b"x" * 21 + b'"}', "out_of_bounds", "/note"),
        (b"[]", "wrong_type", ""),
        (b'"points"', "wrong_type", ""),
        (b'{"points":5,"points":5}', "duplicate_key", "/points"),
        (b'{"points":5,"points":6}', "duplicate_key", "/points"),
        (b'{"points":5,"\\u0070oints":6}', "duplicate_key", "/points"),
        (b'{"points":5,"lines":[{"points":1,"points":2}]}', "duplicate_key", "/points"),
        (b'{"points":5,"extra":{"a":"b",":x":"1",":x":"2"}}', "duplicate_key", "/:x"),
        (b'{"points":5,"extra":{"a":"1"},"extra":{"b":"2"}}', "duplicate_key", "/extra"),
        (b'{"points":5,"note":"a\\u0000b"}', "nul_character", "/note"),
        (b'{"points":5,"extra":{"\\u0000":"1"}}', "nul_character", "/extra"),
        (b'{"points":5,"note":"\\ud800"}', "lone_surrogate", "/note"),
        (b'{"points":5,"note":"\\udc00\\ud800"}', "lone_surrogate", "/note"),
        (b'{"points":5,"note":"\xff"}', "json_malformed", ""),
        (b'{"points":5,"note":"\xc0\x80"}', "json_malformed", ""),
        (b'{"points":5,"note":"\xed\xa0\x80"}', "json_malformed", ""),
        (b'{"points":5,"\xff":1}', "json_malformed", ""),
        (b'{"points":5,"note":"a\x00b"}', "json_malformed", ""),
        (b'{"points":5,"note":"a\nb"}', "json_malformed", ""),
        (b'{"points":5,"note":"\\x41"}', "json_malformed", ""),
        (b'{"points":5,"note":"unfinished', "json_malformed", ""),
        (b'{"points":5,}', "json_malformed", ""),
        (b'{"points":5}{"points":6}', "json_malformed", ""),
        (b'{"points":5}\x00', "json_malformed", ""),
        (b'\xef\xbb\xbf{"points":5}', "json_malformed", ""),
        (b"{'points':5}", "json_malformed", ""),
        (b"{points:5}", "json_malformed", ""),
        (b'// yes\n{"points":5}', "json_malformed", ""),
        (b"points=5", "json_malformed", ""),
        (b'{"points":5,"extra":' + b"[" * 40 + b"]" * 40 + b"}", "too_deep", ""),
        (b"[" * 40_000 + b"]" * 40_000, "body_too_large", ""),
        (b"[" * 30_000, "too_deep", ""),
        (b'{"a":' * 10_000, "too_deep", ""),
    ],
    ids=lambda value: value[:32].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_a_bad_body_is_refused_with_a_code_and_a_pointer(raw: bytes, code: str, pointer: str) -> None:
    with pytest.raises(Refused) as refused:
        decode(raw, Order)
    assert [(one.code, one.pointer) for one in refused.value.errors] == [(code, pointer)]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"points":5,"note":"5"}',
        b'{"points":5,"note":"points"}',
        '{"points":5,"note":"päivää 🎉"}'.encode(),
        b'{"points":5,"note":"\\ud83c\\udf89 \\"x\\""}',
        b'{"points":5,"note":"[[[{{{"}',
        b'{"lines":[{"points":1},{"points":1}],"points":5}',
        b' { "points" : 5 } ',
    ],
)
def test_a_good_body_is_taken(raw: bytes) -> None:
    assert decode(raw, Order).points == 5


def test_brackets_inside_a_text_are_not_depth() -> None:
    guard(b'{"note":"' + b"[" * 1000 + b'"}')


def test_the_deepest_allowed_nesting_passes_the_guard() -> None:
    guard(b"[" * DEEPEST_NESTING + b"]" * DEEPEST_NESTING)
    with pytest.raises(BodyMalformed):
        guard(b"[" * (DEEPEST_NESTING + 1) + b"]" * (DEEPEST_NESTING + 1))


def test_a_text_that_never_ends_is_read_once() -> None:
    """Quadratic behaviour here would take minutes and run into the suite's time limit."""
    with pytest.raises(BodyMalformed):
        decode((b"[" * 31 + b'{"a":"' + b'\\"{' * 21_800), Order)


def test_a_body_is_too_large_one_byte_above_the_limit() -> None:
    guard(b" " * LARGEST_BODY_BYTES)
    with pytest.raises(BodyTooLarge) as refused:
        guard(b" " * (LARGEST_BODY_BYTES + 1))
    assert status_of(type(refused.value)) == 413


def test_a_struct_that_lets_unknown_fields_pass_cannot_be_a_body() -> None:
    class Lax(msgspec.Struct):
        points: int

    with pytest.raises(TypeError):
        decode(b'{"points":5}', Lax)


_texts = st.text(max_size=6)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=12,
)


def _has_bad_text(value: object) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_has_bad_text(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(_has_bad_text(part) for part in value)


@given(_json)
def test_the_guard_refuses_no_document_without_a_reason(document: object) -> None:
    raw = msgspec.json.encode(document)
    if _has_bad_text(document):
        with pytest.raises(BodyMalformed):
            guard(raw)
    else:
        guard(raw)


@given(st.lists(st.tuples(st.sampled_from(["a", ":", '":', "b c", "\\", '"']), _texts), min_size=1, max_size=5))
def test_the_guard_sees_every_repeated_key(pairs: list[tuple[str, str]]) -> None:
    encoded = [msgspec.json.encode(name) + b" : " + msgspec.json.encode(value) for name, value in pairs]
    raw = b'{"inner":{' + b",".join(encoded) + b"}}"
    names = [name for name, _ in pairs]
    repeated = len(set(names)) != len(names)
    try:
        guard(raw)
        refused = ""
    except BodyMalformed as error:
        refused = error.errors[0].code
    assert (refused == "duplicate_key") == repeated or refused == "nul_character"


@given(st.binary(max_size=300))
def test_any_bytes_are_either_taken_or_refused_politely(raw: bytes) -> None:
    with contextlib.suppress(Refused):
        decode(raw, Order)


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("abc", "abc"),
        ('"abc"', "abc"),
        (" abc ", "abc"),
        ("x" * 255, "x" * 255),
        ('"' + "x" * 255 + '"', "x" * 255),
        ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
        ('"a\\"b\\\\c"', 'a"b\\c'),
        ("a,b;c=d", "a,b;c=d"),
    ],
)
def test_an_idempotency_key_may_be_bare_or_quoted(header: str, key: str) -> None:
    assert idempotency_key(header) == key


@pytest.mark.parametrize("header", [None, "", "  "])
def test_a_missing_idempotency_key_has_a_code_of_its_own(header: str | None) -> None:
    with pytest.raises(IdempotencyKeyMissing) as refused:
        idempotency_key(header)
    assert (refused.value.code, status_of(type(refused.value))) == ("idempotency_key_missing", 400)


@pytest.mark.parametrize("header", ["x" * 256, "a b", "a\tb", "ä", "a\x7f", "a\x00", '""', '"a b"', "a\r\nb"])
def test_an_idempotency_key_that_is_not_visible_ascii_is_refused(header: str) -> None:
    with pytest.raises(IdempotencyKeyMalformed):
        idempotency_key(header)


def test_a_fingerprint_does_not_depend_on_spelling() -> None:
    plain = decode(b'{"points":5}', Order)
    spelled = decode(b' { "note" : "" , "lines":[], "points" : 5 } ', Order)
    assert fingerprint("earn", plain) == fingerprint("earn", spelled)


def test_a_fingerprint_tells_operations_and_contents_apart() -> None:
    bodies = [Order(5), Order(6), Order(5, note="x"), Order(5, lines=[Line(5)])]
    prints = {fingerprint(operation, body) for operation in ("earn", "redeem") for body in bodies}
    assert len(prints) == 8
