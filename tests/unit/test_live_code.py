"""Rotating codes: digits as RFC 6238 makes them, texts as Google Wallet draws them."""

from datetime import UTC, datetime

import pytest

from kernel.ids import new_id
from kernel.secrets import Keyring
from passes.live_code import (
    DIGITS,
    PERIOD_S,
    LiveCode,
    genuine,
    hotp,
    live_code,
    live_secret,
    read_live,
    value_pattern,
)
from passes.sandbox.google_totp import RotatingScreen

KEYRING = Keyring(b"a test master secret of 32 bytes")

# RFC 6238 appendix B, the column of SHA-1.
RFC_6238 = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}
# RFC 4226 appendix D.
RFC_4226 = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]


@pytest.mark.parametrize(("unix_s", "digits"), RFC_6238.items())
def test_digits_are_those_of_rfc_6238(unix_s: int, digits: str) -> None:
    assert hotp(b"12345678901234567890", unix_s // 30) == digits


@pytest.mark.parametrize(("counter", "digits"), enumerate(RFC_4226))
def test_shorter_digits_are_those_of_rfc_4226(counter: int, digits: str) -> None:
    assert hotp(b"12345678901234567890", counter, 6) == digits


def test_a_phone_that_fills_in_the_pattern_shows_our_code() -> None:
    pass_id, now = new_id("pass"), 1_790_000_007
    digits = hotp(live_secret(KEYRING, pass_id), now // PERIOD_S)
    drawn = value_pattern(pass_id).format(totp_timestamp_seconds=now, totp_value_0=digits)
    assert drawn == live_code(KEYRING, pass_id, now)
    assert len(digits) == DIGITS


def test_a_code_is_read_as_it_was_written() -> None:
    assert read_live(live_code(KEYRING, "7K3M9QXA2BCD", 59)) == LiveCode(
        "7K3M9QXA2BCD", 59, hotp(live_secret(KEYRING, "7K3M9QXA2BCD"), 1)
    )


@pytest.mark.parametrize(
    "text",
    [
        "", "CPL1", "CPL1.", "CPL1.a.1.1234567", "CPL1.a.1.123456789", "CPL1..1.12345678", "CPL1.a..12345678",
        "CPL1.a.-1.12345678", "CPL1.a.1.12345678 ", "CPL1.a.1.12345678\n", "cpl1.a.1.12345678", "CPL2.a.1.12345678",
        "CPL1.a.1.12345678.9", "CPL1.ä.1.12345678", "CPL1.a.12345678901.12345678", "CPL1.a.١.12345678",
        f"CPL1.{'a' * 41}.1.12345678",
    ],
)  # fmt: skip
def test_texts_of_another_form_are_no_codes(text: str) -> None:
    assert read_live(text) is None


def test_digits_are_good_for_their_subject_and_step_alone() -> None:
    code = read_live(live_code(KEYRING, "one", 90))
    assert code is not None
    assert genuine(KEYRING, code)
    assert genuine(KEYRING, LiveCode("one", 119, code.digits))  # the same step
    assert not genuine(KEYRING, LiveCode("one", 120, code.digits))
    assert not genuine(KEYRING, LiveCode("two", 90, code.digits))
    assert not genuine(Keyring(b"another test master, of 32 bytes"), code)


def test_secrets_are_of_160_bits_and_differ() -> None:
    secrets = {live_secret(KEYRING, subject) for subject in ("a", "b", "pass_a")}
    assert {len(secret) for secret in secrets} == {20}
    assert len(secrets) == 3


@pytest.mark.parametrize("clock_off_s", [-20.0, 0.0, 44.5])
def test_a_screen_that_was_written_apart_from_us_shows_genuine_codes(clock_off_s: float) -> None:
    pass_id, now = new_id("pass"), datetime(2026, 11, 22, 12, 0, 7, tzinfo=UTC)
    details = {
        "algorithm": "TOTP_SHA1",
        "periodMillis": str(PERIOD_S * 1000),
        "parameters": [{"key": live_secret(KEYRING, pass_id).hex(), "valueLength": DIGITS}],
    }
    barcode = {"type": "QR_CODE", "valuePattern": value_pattern(pass_id), "totpDetails": details}
    code = read_live(RotatingScreen(barcode, clock_off_s).shown(now))
    assert code is not None
    assert genuine(KEYRING, code)
    assert (code.subject, code.unix_s) == (pass_id, int(now.timestamp() + clock_off_s))
