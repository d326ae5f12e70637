"""A reader at a till for phones of both kinds: it asks which wallet it has met, speaks that wallet's protocol, and
passes on what it read, numbered, as docs/taps.md and docs/smart-tap.md tell.

What an iPhone says it cannot read. For an Android phone the service signs in the middle of the tap, unless the reader
has a key of the collector in it: then it reads the phone by itself, and may be offline. An answer of the service that
is lost on the way is asked for once more.
"""

import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key

from passes.google.smart_tap import NONCE_LENGTH, SESSION_LENGTH, negotiate, opened, request, sign
from passes.google.smart_tap_ndef import named
from passes.sandbox.apple_tap import APPLICATION, DONE, tags, tlv
from passes.sandbox.apple_tap_terminal import NoTap
from passes.sandbox.smart_tap_device import MORE, MORE_AS_TABLED, SMART_TAP

Transmit = Callable[[bytes], Awaitable[bytes]]
Body = dict[str, Any]

_VERSION: Final = tlv(b"\x9f\x22", b"\x01\x00")
_ONLY_PASSES: Final = tlv(b"\x9f\x26", b"\x00\x00\x00\x02")
_MOST_PIECES: Final = 64
_STATUS_OK = 1


class ServiceRefused(Exception):
    """The service gave the reader no session; `answer` is its problem document."""

    def __init__(self, status: int, answer: Body) -> None:
        super().__init__(f"{status} {answer.get('code')}")
        self.status = status
        self.answer = answer


@dataclass(frozen=True, slots=True)
class CollectorKey:
    """A key of Smart Tap that a terminal's maker put into it, and told Google the public half of."""

    private_key: EllipticCurvePrivateKey
    collector_id: int
    version: int


@dataclass
class NfcTerminal:
    """A reader: its id and key from POST /v1/terminals, the API key of its partner (scopes `taps` and
    `presentations`), the pass type that it asks iPhones for. `sequence` is the last number that it used;
    `collector_key` is for one that reads Android phones by itself."""

    http: aiohttp.ClientSession
    service_url: str
    terminal_id: str
    terminal_key: str
    api_key: str
    pass_type: str
    sequence: int = 0
    collector_key: CollectorKey | None = None

    async def read(self, transmit: Transmit, now: datetime | None = None, *, offline: bool = False) -> Body:
        """Read the phone that is held to the reader; returns the body for POST /v1/presentations, which one that is
        `offline` keeps until it can send it.

        Raises NoTap for a phone that says nothing, PhoneGone from `transmit`, ServiceRefused.
        """
        at = now or datetime.now(UTC)
        met = tags(tags(content(await transmit(select(APPLICATION))))[b"\x6f"])
        self.sequence += 1
        if met.get(b"\x50") != b"AndroidPay":
            shown = {**await self._iphone(transmit), **self._numbered(at, offline)}
        elif self.collector_key is None:
            shown = await self._android(transmit, met.get(b"\xc2"))
        else:
            value = await self._value(transmit, met.get(b"\xc2"), self.collector_key)
            shown = {"kind": "smart_tap", "value": value, **self._numbered(at, offline)}
        return {"terminal_id": self.terminal_id, "shown": shown}

    def _numbered(self, at: datetime, offline: bool) -> Body:
        return {"sequence": self.sequence, "read_at": at.isoformat(), "offline": offline}

    async def present(self, body: Mapping[str, Any]) -> tuple[int, Body]:
        """Pass on what was read. The same body again is answered as the first time. Status and JSON of the answer."""
        shown = body["shown"]
        named_once = shown.get("session_id") or f"{self.terminal_id}-{shown['sequence']}"
        return await self._post("/v1/presentations", body, {"idempotency-key": named_once})

    async def _iphone(self, transmit: Transmit) -> Body:
        """Apple's "value added services": GET DATA with the SHA-256 of the pass type."""
        asked = _VERSION + tlv(b"\x9f\x25", hashlib.sha256(self.pass_type.encode()).digest()) + _ONLY_PASSES
        said = tags(content(await transmit(command("80ca0101", asked))))
        return {"kind": "apple_tap", "blob": tags(said[b"\x70"])[b"\x9f\x27"].hex(), "pass_type": self.pass_type}

    async def _android(self, transmit: Transmit, nonce: bytes | None) -> Body:
        """Smart Tap, with a session of the service."""
        session = await self._begun(nonce or await _older_nonce(transmit))
        negotiated = await _negotiated(transmit, bytes.fromhex(session["negotiate"]))
        answer = await _whole(transmit, bytes.fromhex(session["request"]))
        return {
            "kind": "smart_tap_session",
            "session_id": session["id"],
            "negotiated": negotiated.hex(),
            "answer": answer.hex(),
        }

    async def _value(self, transmit: Transmit, nonce: bytes | None, key: CollectorKey) -> str:
        """Smart Tap, by the reader itself."""
        once = generate_private_key(SECP256R1())
        device_nonce = nonce or await _older_nonce(transmit)
        word = sign(
            key.private_key, key.collector_id, os.urandom(SESSION_LENGTH), os.urandom(NONCE_LENGTH), device_nonce,
            once.public_key(),
        )  # fmt: skip
        negotiated = await _negotiated(transmit, negotiate(word, key.version))
        return opened(once, word, negotiated, await _whole(transmit, request(word)))[0].value

    async def _begun(self, nonce: bytes) -> Body:
        body = {"terminal_id": self.terminal_id, "sequence": self.sequence, "device_nonce": nonce.hex()}
        status, answer = await self._post("/v1/smart-taps", body, {})
        if status != 201:
            raise ServiceRefused(status, answer)
        return answer

    async def _post(self, path: str, body: Mapping[str, Any], more: Mapping[str, str]) -> tuple[int, Body]:
        headers = {"authorization": f"Bearer {self.api_key}", "terminal-key": self.terminal_key, **more}
        try:
            return await self._once(path, body, headers)
        except aiohttp.ClientError:
            return await self._once(path, body, headers)

    async def _once(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[int, Body]:
        async with self.http.post(f"{self.service_url}{path}", json=body, headers=headers) as response:
            return response.status, await response.json(content_type=None)


async def _older_nonce(transmit: Transmit) -> bytes:
    """Older phones give their nonce to whoever selects Smart Tap itself."""
    return named(content(await transmit(select(SMART_TAP)))[4:], b"mdn")[1:]


async def _negotiated(transmit: Transmit, said: bytes) -> bytes:
    """The answer to NEGOTIATE, of a phone that believes the reader."""
    negotiated = content(await transmit(command("90530000", said)))
    if (status := named(named(negotiated, b"nrs"), b"ses")[-1]) != _STATUS_OK:
        raise NoTap(status)
    return negotiated


async def _whole(transmit: Transmit, asked: bytes) -> bytes:
    """The answer to GET DATA, with what GET MORE DATA brings while the phone says that there is more."""
    said = await transmit(command("90500000", asked))
    whole = bytearray(said[:-2])
    for _ in range(_MOST_PIECES):
        if int.from_bytes(said[-2:], "big") not in (MORE, MORE_AS_TABLED):
            break
        said = await transmit(bytes.fromhex("90c0000000"))
        whole += said[:-2]
    content(said)
    return bytes(whole)


def select(application: bytes) -> bytes:
    """SELECT by name (ISO 7816-4 section 11.1.1)."""
    return command("00a40400", application)


def command(header: str, data: bytes) -> bytes:
    """A short command with data that wants an answer. Raises ValueError for data beyond 255 bytes."""
    return bytes.fromhex(header) + bytes([len(data)]) + data + b"\x00"


def content(reply: bytes) -> bytes:
    """What a phone said, if it was content. Raises NoTap."""
    status = int.from_bytes(reply[-2:], "big")
    if status != DONE:
        raise NoTap(status)
    return reply[:-2]
