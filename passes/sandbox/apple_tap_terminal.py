"""A reader at a till: it asks phones by NFC and passes on what they said, numbered, as docs/taps.md tells.

It cannot read what the phones say. Offline it keeps the taps and sends them in their order when it is back.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp

from passes.sandbox.apple_tap import APPLICATION, DONE, PhoneOfTaps, tags, tlv

_SELECT: Final = bytes.fromhex("00a40400") + bytes([len(APPLICATION)]) + APPLICATION + b"\x00"
_VERSION: Final = tlv(b"\x9f\x22", b"\x01\x00")
_ONLY_PASSES: Final = tlv(b"\x9f\x26", b"\x00\x00\x00\x02")


class NoTap(Exception):
    """The phone did not say anything; `status` are the two bytes that it gave instead."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the phone answered {status:04x}")
        self.status = status


@dataclass
class TapTerminal:
    """A reader: its id and key from POST /v1/terminals, the API key of its partner, the pass type that it asks for."""

    terminal_id: str
    terminal_key: str
    api_key: str
    pass_type: str
    sequence: int = 0
    kept: list[Mapping[str, Any]] = field(default_factory=list)

    def read(self, phone: PhoneOfTaps, now: datetime | None = None, *, offline: bool = False) -> dict[str, Any]:
        """Hold a phone to the reader; returns the body for POST /v1/taps. Raises NoTap."""
        at = now or datetime.now(UTC)
        _data(phone.answer(_SELECT, at))
        asked = _VERSION + tlv(b"\x9f\x25", hashlib.sha256(self.pass_type.encode()).digest()) + _ONLY_PASSES
        said = tags(_data(phone.answer(bytes.fromhex("80ca0101") + bytes([len(asked)]) + asked + b"\x00", at)))
        self.sequence += 1
        body = {
            "terminal_id": self.terminal_id,
            "sequence": self.sequence,
            "pass_type": self.pass_type,
            "blob": tags(said[b"\x70"])[b"\x9f\x27"].hex(),
            "read_at": at.isoformat(),
            "offline": offline,
        }
        if offline:
            self.kept.append(body)
        return body

    def headers(self) -> dict[str, str]:
        """Who sends: the partner, and which of its readers."""
        return {"authorization": f"Bearer {self.api_key}", "terminal-key": self.terminal_key}

    async def send(
        self, session: aiohttp.ClientSession, service_url: str, body: Mapping[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        """Pass a tap on; the same body again is answered as the first time. Status and JSON of the answer."""
        async with session.post(f"{service_url}/v1/taps", json=body, headers=self.headers()) as response:
            return response.status, await response.json(content_type=None)

    async def upload(self, session: aiohttp.ClientSession, service_url: str) -> list[tuple[int, dict[str, Any]]]:
        """Send what was kept while offline, the oldest first."""
        kept, self.kept = self.kept, []
        return [await self.send(session, service_url, body) for body in kept]


def _data(reply: bytes) -> bytes:
    status = int.from_bytes(reply[-2:], "big")
    if status != DONE:
        raise NoTap(status)
    return reply[:-2]
