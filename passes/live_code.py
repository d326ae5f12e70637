"""Rotating codes: what a card shows says the time, so a picture of it is soon worth no more than a static code.

The text of a code is `CPL1.<subject>.<unix seconds>.<8 digits>`. The subject is the pass (the rotating barcode that
Google Wallet draws) or the member's code (the code on the member's own page, which everybody has). The digits are TOTP
by RFC 6238 with SHA-1 and steps of 30 s, over the stated time. The secret is derived from the subject, so none is
stored, and whoever knows one member's secret knows no other's.

Pure. https://www.rfc-editor.org/rfc/rfc6238 and
https://developers.google.com/wallet/retail/loyalty-cards/use-cases/rotating-barcodes
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

from kernel.secrets import Keyring, constant_time_equals

PERIOD_S: Final = 30
DIGITS: Final = 8
MARK: Final = "CPL1"
_PURPOSE: Final = "passes.live"
_SECRET_BYTES: Final = 20  # what HMAC-SHA1 makes, as RFC 4226 section 4 asks

# Ten digits of seconds are enough until the year 2286; a pass's id has the largest subject.
_FORM = re.compile(rf"{MARK}\.([A-Za-z0-9_]{{1,40}})\.([0-9]{{1,10}})\.([0-9]{{{DIGITS}}})")


@dataclass(frozen=True, slots=True)
class LiveCode:
    """A code as it was read, not yet checked. `unix_s` is the time by the clock of the phone that drew it."""

    subject: str
    unix_s: int
    digits: str

    @property
    def counter(self) -> int:
        """Which step the code is of."""
        return self.unix_s // PERIOD_S


def live_secret(keyring: Keyring, subject: str) -> bytes:
    """The 20 bytes that codes of the subject (a pass's id, or a member's code) are made with."""
    return keyring.derive(_PURPOSE, subject)[:_SECRET_BYTES]


def value_pattern(pass_id: str) -> str:
    """The text of a pass's codes with Google's placeholders in the places of time and digits."""
    return f"{MARK}.{pass_id}.{{totp_timestamp_seconds}}.{{totp_value_0}}"


def live_code(keyring: Keyring, subject: str, unix_s: int) -> str:
    """The text that the subject shows at a moment, in seconds since 1970."""
    digits = hotp(live_secret(keyring, subject), unix_s // PERIOD_S)
    return f"{MARK}.{subject}.{unix_s}.{digits}"


def read_live(text: str) -> LiveCode | None:
    """The code that the text says, or None if it has another form. It may be anybody's invention: see `genuine`."""
    found = _FORM.fullmatch(text)
    return LiveCode(found[1], int(found[2]), found[3]) if found else None


def genuine(keyring: Keyring, code: LiveCode) -> bool:
    """Whether the subject's secret makes these digits at the stated time; whenever that is. In constant time."""
    return constant_time_equals(hotp(live_secret(keyring, code.subject), code.counter), code.digits)


def hotp(secret: bytes, counter: int, digits: int = DIGITS) -> str:
    """RFC 4226 section 5.3: the truncated HMAC-SHA1 of the counter, in so many decimal digits."""
    mac = hmac.digest(secret, counter.to_bytes(8, "big"), hashlib.sha1)
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"
