"""NDEF messages as phones speak them: read to the last byte, or refused."""

import pytest

from passes.google.smart_tap_ndef import MOST_RECORDS, BadNdef, Record, external, message, named, records, text_of

ONE = external(b"ses", bytes(10))
NONCE = Record(4, b"mdn", b"\x04" + bytes(32), b"mdn")  # the one record with both a type and an id


def test_records_are_read_as_they_were_written() -> None:
    said = [NONCE, ONE, external(b"x", b""), external(b"long", bytes(300)), Record(1, b"T", b"\x02enHello", b"n")]
    assert records(message(said)) == said


def test_a_short_record_is_written_short_and_begins_and_ends_its_message() -> None:
    assert message([ONE]).hex() == "d4030a736573" + "00" * 10
    assert message([external(b"a", b""), external(b"b", b"")]).hex() == "94010061" + "54010062"
    assert message([external(b"a", bytes(256))])[:7].hex() == "c4010000010061"
    assert message([NONCE])[:10].hex() == "dc0321036d646e6d646e"


def test_a_record_is_called_by_its_type_or_if_that_is_the_forums_by_its_id() -> None:
    said = message([external(b"n", b"first"), Record(1, b"T", b"\x00second", b"m")])
    assert (named(said, b"n"), named(said, b"m")) == (b"first", b"\x00second")
    with pytest.raises(BadNdef, match="no record x"):
        named(said, b"x")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("", "cut off"),
        ("d4", "cut off"),
        ("d4030a7365", "cut off"),
        ("d4030a736573" + "00" * 9, "cut off"),
        ("d4030a736573" + "00" * 11, "after the last"),
        ("c40300ffffff736573", "cut off"),
        ("c403ffffffff736573", "cut off"),
        ("54010061", "without a beginning"),
        ("94010061" + "d4010062", "begins in its middle"),
        ("94010061", "cut off"),
        ("f4010061", "chunked"),
        ("d5010061", "unknown kind"),
        ("d7010061", "unknown kind"),
        ("dc0100ff61", "cut off"),
    ],
)
def test_what_is_no_message_is_refused(wrong: str, says: str) -> None:
    with pytest.raises(BadNdef, match=says):
        records(bytes.fromhex(wrong))


def test_a_message_has_few_records() -> None:
    assert len(records(message([ONE] * MOST_RECORDS))) == MOST_RECORDS
    with pytest.raises(BadNdef, match="more than"):
        records(message([ONE] * (MOST_RECORDS + 1)))


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"\x02enHello", "Hello"),
        (b"\x05fi-FITerve", "Terve"),
        (b"\x00bare", "bare"),
        (b"\x82en" + "Hi".encode("utf-16"), "Hi"),
    ],
)
def test_a_text_is_read_without_its_language(payload: bytes, text: str) -> None:
    assert text_of(payload) == text


@pytest.mark.parametrize("payload", [b"", b"\x02e", b"\x3f" + bytes(62), b"\x00\xff", b"\x80\x00\xd8"])
def test_what_is_no_text_is_refused(payload: bytes) -> None:
    with pytest.raises(BadNdef, match="text"):
        text_of(payload)
