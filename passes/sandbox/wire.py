"""A small HTTP/1.1 client for thousands of simulated phones in one process: kept-alive connections, nothing else.

One request at a time per connection; whoever finds none free waits in line. Bodies are framed as RFC 9112 section 6
has it: by length, in chunks, or not at all.
"""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast
from urllib.parse import urlsplit

_END: Final = b"\r\n\r\n"
_LARGEST: Final = 32 * 1024 * 1024


class WireError(Exception):
    """No answer, or none that is HTTP."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the web service. Header names are in lower case; of a repeated header the last one counts."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Place:
    host: str
    port: int
    secure: bool


@lru_cache(maxsize=1024)
def _place(base: str) -> tuple[_Place, bytes, str]:
    parts = urlsplit(base)
    secure = parts.scheme == "https"
    host = parts.hostname or ""
    return _Place(host, parts.port or (443 if secure else 80), secure), parts.netloc.encode(), parts.path


class Wire:
    """Up to `connections` connections to each server. `tls` is used for https."""

    def __init__(self, connections: int = 32, timeout_s: float = 20.0, tls: ssl.SSLContext | None = None) -> None:
        self._timeout_s = timeout_s
        self._tls = tls
        self._idle: defaultdict[_Place, list[_Line]] = defaultdict(list)
        self._room = defaultdict[_Place, asyncio.Semaphore](lambda: asyncio.Semaphore(connections))
        self.opened = 0

    async def request(
        self, method: str, base: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Reply:
        """Ask for `path` (already encoded) below the URL `base`. Raises WireError."""
        place, host, prefix = _place(base)
        lines = [f"{method} {prefix}{path} HTTP/1.1\r\nhost: ".encode() + host]
        lines += [f"{name}: {value}".encode("latin-1") for name, value in (headers or {}).items()]
        if body is not None:
            lines.append(b"content-length: %d" % len(body))
        request = b"\r\n".join(lines) + _END + (body or b"")
        async with self._room[place]:
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._exchange(place, request, method == "HEAD")
            except (OSError, TimeoutError, ValueError) as error:
                raise WireError(repr(error)) from error

    async def close(self) -> None:
        """Hang up."""
        for lines in self._idle.values():
            for line in lines:
                line.hang_up()
        self._idle.clear()
        await asyncio.sleep(0)  # transports close in the next turn of the loop

    async def _exchange(self, place: _Place, request: bytes, head: bool) -> Reply:
        while (idle := self._idle[place]) and (line := idle.pop()):
            if not line.usable:
                continue
            try:
                return await self._on(place, line, request, head)
            except _Stale:  # the server had hung up just then: nothing of it was read
                continue
        return await self._on(place, await self._open(place), request, head)

    async def _on(self, place: _Place, line: "_Line", request: bytes, head: bool) -> Reply:
        try:
            reply = await line.exchange(request, head)
        except BaseException:
            line.hang_up()
            raise
        if line.usable:
            self._idle[place].append(line)
        return reply

    async def _open(self, place: _Place) -> "_Line":
        secured = (self._tls or True) if place.secure else None
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(_Line, place.host, place.port, ssl=secured)
        self.opened += 1
        return line


class _Stale(ConnectionError):
    pass


class _Line(asyncio.Protocol):
    """One connection."""

    __slots__ = ("_answer", "_buffer", "_head", "_transport", "usable")

    def __init__(self) -> None:
        self.usable = False
        self._buffer = bytearray()
        self._head = False
        self._answer: asyncio.Future[Reply] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.usable = True

    def exchange(self, request: bytes, head: bool) -> "asyncio.Future[Reply]":
        assert self._transport is not None, "not connected"
        self._head = head
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def hang_up(self) -> None:
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._answer is None or self._answer.done():
            self.hang_up()  # it speaks without being asked
            return
        try:
            reply = _read(self._buffer, self._head)
        except (ValueError, IndexError) as error:
            self._answer.set_exception(WireError(f"the answer is not HTTP: {error!r}"))
            self.hang_up()
            return
        if reply is not None:
            if reply.headers.get("connection", "").lower() == "close":
                self.hang_up()
            self._buffer.clear()
            self._answer.set_result(reply)

    def connection_lost(self, error: Exception | None) -> None:
        self.usable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("hung up in the middle") if self._buffer else _Stale("hung up"))


def _read(data: bytearray, head: bool) -> Reply | None:
    """The answer, once it is there in full. Raises ValueError or IndexError for what is no answer."""
    end = data.find(_END)
    if end < 0 or len(data) > _LARGEST:
        if len(data) > _LARGEST:
            raise ValueError("too large")
        return None
    first, *rest = data[:end].decode("latin-1").split("\r\n")
    status = int(first.split(" ", 2)[1])
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    start = end + len(_END)
    if head or status in (204, 304):
        return Reply(status, headers, b"")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = _unchunked(data, start)
        return None if body is None else Reply(status, headers, body)
    length = int(headers.get("content-length", "0"))
    return Reply(status, headers, bytes(data[start : start + length])) if len(data) >= start + length else None


def _unchunked(data: bytearray, at: int) -> bytes | None:
    body = bytearray()
    while (line := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line].split(b";")[0], 16)
        start = line + 2
        if len(data) < start + size + 2:
            return None
        if size == 0:
            return bytes(body)
        body += data[start : start + size]
        at = start + size + 2
    return None
