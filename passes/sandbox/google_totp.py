"""The screen of an Android phone that shows a rotating barcode, by its own clock, which may be wrong.

It draws what Google's object says (`rotatingBarcode`): the pattern with the time and the digits of RFC 6238 filled in.
Written from the object alone, apart from how the service checks such a code.
"""

import hashlib
import hmac
import re
import struct
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

_PLACE: Final = re.compile(r"\{(totp_timestamp_millis|totp_timestamp_seconds|totp_value_(\d+))\}")
_KINDS: Final = frozenset({"QR_CODE", "PDF_417"})  # Google draws no others as rotating


class RotatingScreen:
    """Shows a rotating barcode. `clock_off_s` is how far the phone's clock is ahead (or, below 0, behind).

    Raises ValueError for a barcode that a phone would not draw.
    """

    def __init__(self, barcode: Mapping[str, Any], clock_off_s: float = 0.0) -> None:
        details = barcode["totpDetails"]
        if details["algorithm"] != "TOTP_SHA1" or barcode["type"] not in _KINDS:
            raise ValueError("Google Wallet rotates QR codes and PDF417 by TOTP with SHA-1 alone")
        self.clock_off_s = clock_off_s
        self._pattern: str = barcode["valuePattern"]
        self._period_ms = int(details["periodMillis"])
        self._parameters = [(bytes.fromhex(one["key"]), int(one["valueLength"])) for one in details["parameters"]]

    def shown(self, now: datetime) -> str:
        """The text of the code that the phone draws at this moment."""
        at_ms = round((now.timestamp() + self.clock_off_s) * 1000)

        def said(place: re.Match[str]) -> str:
            if place[1] == "totp_timestamp_millis":
                return str(at_ms)
            if place[1] == "totp_timestamp_seconds":
                return str(at_ms // 1000)
            key, digits = self._parameters[int(place[2])]
            return _digits(key, at_ms // self._period_ms, digits)

        return _PLACE.sub(said, self._pattern)


def _digits(key: bytes, counter: int, length: int) -> str:
    mac = hmac.new(key, struct.pack(">Q", counter), hashlib.sha1).digest()
    (number,) = struct.unpack_from(">I", mac, mac[-1] & 0x0F)
    return str((number & 0x7FFFFFFF) % 10**length).zfill(length)
