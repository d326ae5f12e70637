"""The sandbox's phone draws rotating codes as the standard says, and as the service reads them."""

from datetime import UTC, datetime

import pytest

from kernel.secrets import Keyring
from passes.live_code import DIGITS, PERIOD_S, genuine, live_code, live_secret, read_live, value_pattern
from passes.sandbox.google_totp import RotatingScreen

KEYRING = Keyring(b"a test master secret of 32 bytes")
PASS = "pass_01jd0000000000000000000001"
NOW = datetime(2026, 3, 1, 12, 0, 7, tzinfo=UTC)

# RFC 6238 appendix B, the rows of SHA-1.
STANDARD = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}


def barcode(key: bytes, pattern: str, **changed: object) -> dict[str, object]:
    parameters = [{"key": key.hex(), "valueLength": DIGITS}]
    details = {"algorithm": "TOTP_SHA1", "periodMillis": str(PERIOD_S * 1000), "parameters": parameters}
    return {"type": "QR_CODE", "valuePattern": pattern, "totpDetails": {**details, **changed}}


@pytest.mark.parametrize(("unix_s", "digits"), STANDARD.items())
def test_the_digits_are_those_of_the_standard(unix_s: int, digits: str) -> None:
    screen = RotatingScreen(barcode(b"12345678901234567890", "{totp_value_0}"))
    assert screen.shown(datetime.fromtimestamp(unix_s, UTC)) == digits


def test_the_pattern_is_filled_in_with_the_phones_own_time() -> None:
    pattern = "A.{totp_timestamp_seconds}.{totp_timestamp_millis}.{other}"
    screen = RotatingScreen(barcode(bytes(20), pattern), clock_off_s=-20.5)
    at_ms = int(NOW.timestamp() * 1000) - 20_500
    assert screen.shown(NOW) == f"A.{at_ms // 1000}.{at_ms}.{{other}}"


@pytest.mark.parametrize("off_s", [-90.0, -20.0, 0.0, 20.0])
def test_what_the_phone_shows_is_what_the_service_expects(off_s: float) -> None:
    screen = RotatingScreen(barcode(live_secret(KEYRING, PASS), value_pattern(PASS)), off_s)
    shown = screen.shown(NOW)
    assert shown == live_code(KEYRING, PASS, int(NOW.timestamp() + off_s))
    code = read_live(shown)
    assert code is not None
    assert genuine(KEYRING, code)


def test_what_google_would_not_draw_is_not_drawn() -> None:
    with pytest.raises(ValueError, match="SHA-1"):
        RotatingScreen(barcode(bytes(20), "", algorithm="TOTP_SHA256"))
    with pytest.raises(ValueError, match="PDF417"):
        RotatingScreen({**barcode(bytes(20), ""), "type": "AZTEC"})
