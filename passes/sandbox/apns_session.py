"""One client's connection to the sandbox's push server: HTTP/2 by the `h2` library."""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import msgspec
from hyperframe.frame import GoAwayFrame

PAYLOAD_LIMIT: Final = 4096


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: `reason` is "" when the push was accepted; `timestamp_ms` goes with a 410, status 0 is silence."""

    status: int
    reason: str = ""
    timestamp_ms: int | None = None


@dataclass(slots=True)
class Request:
    """A push as it came."""

    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)


class Listener(Protocol):
    """The server behind the sessions."""

    streams: int
    latency_s: float

    def opened(self, session: "Session") -> None: ...

    def closed(self, session: "Session") -> None: ...

    def under_way(self, requests: int) -> None:
        """So many streams of one connection are open."""
        ...

    def judge(self, request: Request, topic: str | None) -> Said | None:
        """`topic` is the client certificate's, None without one. None is silence."""
        ...


class Session(asyncio.Protocol):
    """Without a client certificate only one stream is allowed until a first push was accepted, as Apple does it."""

    def __init__(self, server: Listener) -> None:
        self._server = server
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8", validate_outbound_headers=False)
        )
        self._requests: dict[int, Request] = {}
        self._transport: asyncio.Transport | None = None
        self._topic: str | None = None
        self._trusted = True
        self._last: int | None = None  # after a GOAWAY: the last stream that still gets an answer
        self._newest = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not every loop's transport is an asyncio.Transport by class (uvloop's is not).
        self._transport = cast(asyncio.Transport, transport)
        self._topic = _user_id(transport.get_extra_info("ssl_object"))
        self._trusted = self._topic is not None
        self._server.opened(self)
        self._h2.local_settings = h2.settings.Settings(
            client=False,
            initial_values={
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self._server.streams if self._trusted else 1,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 8000,
            },
        )
        self._h2.initiate_connection()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.closed(self)

    def data_received(self, data: bytes) -> None:
        try:
            complete = [stream for event in self._h2.receive_data(data) if (stream := self._on(event))]
        except h2.exceptions.ProtocolError:
            self._flush()
            self.drop()
            return
        if self._server.latency_s:
            asyncio.get_running_loop().call_later(self._server.latency_s, self._answer_all, complete)
        else:
            self._answer_all(complete)
        self._flush()

    def drop(self) -> None:
        """Hang up without a word."""
        if self._transport is not None:
            self._transport.abort()

    def go_away(self, reason: str, *, finish: bool) -> None:
        """Take nothing new; `finish` still answers what has come, else nothing after this is answered."""
        self._last = self._newest if finish else 0
        frame = GoAwayFrame(
            0,
            last_stream_id=self._last,
            error_code=int(h2.errors.ErrorCodes.NO_ERROR),
            additional_data=msgspec.json.encode({"reason": reason}),
        )
        self._flush()
        if self._transport is not None:  # by hand: `h2` could not answer any more after its own
            self._transport.write(frame.serialize())

    def _on(self, event: h2.events.Event) -> int | None:
        """Take in an event; the id of the stream if its request is complete now."""
        match event:
            case h2.events.RequestReceived():
                headers = {_text(name): _text(value) for name, value in event.headers or ()}
                self._requests[event.stream_id] = Request(headers)
                self._newest = event.stream_id
                self._server.under_way(len(self._requests))
            case h2.events.DataReceived():
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                request = self._requests.get(event.stream_id)
                if request is not None and len(request.body) <= PAYLOAD_LIMIT:
                    request.body += event.data
            case h2.events.StreamEnded():
                stream: int = event.stream_id
                return stream
            case h2.events.StreamReset():
                self._requests.pop(event.stream_id, None)
        return None

    def _answer_all(self, streams: list[int]) -> None:
        for stream in streams:
            request = self._requests.get(stream)
            if request is None or (self._last is not None and stream > self._last):
                continue
            said = self._server.judge(request, self._topic)
            if said is not None:
                self._answer(stream, self._requests.pop(stream), said)
        self._flush()

    def _answer(self, stream: int, request: Request, said: Said) -> None:
        headers = [(":status", str(said.status)), ("apns-id", request.headers.get("apns-id", f"{stream:036d}"))]
        if not said.reason:
            self._h2.send_headers(stream, headers, end_stream=True)
            if not self._trusted:
                self._trusted = True
                self._h2.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self._server.streams})
            return
        body: dict[str, object] = {"reason": said.reason}
        if said.timestamp_ms is not None:
            body["timestamp"] = said.timestamp_ms
        self._h2.send_headers(stream, headers)
        self._h2.send_data(stream, msgspec.json.encode(body), end_stream=True)

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


def _user_id(secured: ssl.SSLObject) -> str | None:
    """The UID in the client certificate's subject: the topic it may push to. None without a certificate."""
    certificate = secured.getpeercert()
    if not certificate:
        return None
    for part in certificate.get("subject", ()):
        for attribute in part:
            if len(attribute) == 2 and attribute[0] in ("userId", "UID"):
                return str(attribute[1])
    return ""


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
