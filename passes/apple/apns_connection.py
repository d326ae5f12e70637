"""One HTTP/2 connection to the push service (RFC 9113), as an asyncio protocol around `h2`.

`h2` writes bytes, this class decides when: what many pushes produce within one turn of the event loop leaves in one
write, which is what makes a thousand small requests cheap.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final, cast

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import msgspec
from hpack import HeaderTuple, NeverIndexedHeaderTuple

_BODY: Final = b"{}"
_ANSWER_LIMIT: Final = 4096  # bytes; reasons are far shorter
_LAST_STREAM: Final = 2**30  # ids are finite (RFC 9113 section 5.1.1): a new connection long before they end


class ConnectionLost(Exception):
    """The connection went away before the answer came; the push may be sent again."""


class PushTimedOut(Exception):
    """The push service was silent for too long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the push service said: HTTP status, Apple's reason ("" on success), `timestamp_ms` of a 410."""

    status: int
    reason: str = ""
    timestamp_ms: int | None = None


class _Refusal(msgspec.Struct):
    reason: str = ""
    timestamp: int | None = None


@dataclass(slots=True)
class _Stream:
    answer: "asyncio.Future[Answer]"
    started: float
    status: int = 0
    body: bytearray = field(default_factory=bytearray)


class Connection(asyncio.Protocol):
    """Sends pushes for one topic. `ready` resolves when the server has said how many streams it allows."""

    def __init__(self, host: str, topic: str, timeout_s: float, streams: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=True,
                header_encoding="utf-8",
                # Our own headers are constants in the right form; checking them again costs a third of a push.
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self._headers = [
            HeaderTuple(b":method", b"POST"),
            HeaderTuple(b":scheme", b"https"),
            HeaderTuple(b":authority", host.encode()),
            HeaderTuple(b"apns-topic", topic.encode()),
            HeaderTuple(b"apns-push-type", b"background"),
            HeaderTuple(b"apns-priority", b"5"),
        ]
        self._timeout_s = timeout_s
        self._own_limit = streams
        self._limit = 0
        self._streams: dict[int, _Stream] = {}
        self._waiting: deque[tuple[str, asyncio.Future[Answer]]] = deque()
        self._transport: asyncio.Transport | None = None
        self._flushing = False
        self._writable = True
        self._sweeper: asyncio.TimerHandle | None = None
        self._pong: asyncio.Future[None] | None = None
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._heard = self._busy_since = time.monotonic()
        self.usable = True
        self.ready: asyncio.Future[None] = self._loop.create_future()

    @property
    def idle_s(self) -> float:
        """Seconds since the server was last heard, 0 while pushes are under way."""
        return 0.0 if self._streams else time.monotonic() - self._heard

    def send(self, token: str) -> "asyncio.Future[Answer]":
        """Send one push as soon as a stream is free. The future may raise ConnectionLost or PushTimedOut."""
        answer: asyncio.Future[Answer] = self._loop.create_future()
        if not self.usable:
            answer.set_exception(ConnectionLost("closed"))
            return answer
        self._waiting.append((token, answer))
        if self._sweeper is None:
            self._busy_since = time.monotonic()
            self._sweeper = self._loop.call_later(self._timeout_s / 4, self._sweep)
        self._send_waiting()
        return answer

    async def ping(self, timeout_s: float) -> bool:
        """Whether the server answers a PING (RFC 9113 section 6.7) in time."""
        self._pong = self._loop.create_future()
        self._h2.ping(b"commonpt")
        self._flush_soon()
        try:
            await asyncio.wait_for(self._pong, timeout_s)
        except (TimeoutError, ConnectionLost):
            return False
        return True

    async def close(self) -> None:
        """Say goodbye and close; unanswered pushes raise ConnectionLost."""
        if self._transport is None or self._closed.done():
            return
        if self.usable:
            self._h2.close_connection()
            self._flush()
        self._lose("closed by us")
        self._transport.close()
        try:
            await asyncio.wait_for(asyncio.shield(self._closed), 2.0)
        except TimeoutError:
            self._transport.abort()

    # asyncio.Protocol ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not every loop's transport is an asyncio.Transport by class (uvloop's is not).
        self._transport = cast(asyncio.Transport, transport)
        secured = transport.get_extra_info("ssl_object")
        if secured is None or secured.selected_alpn_protocol() != "h2":
            self._lose("the server does not speak HTTP/2")
            transport.close()
            return
        self._h2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._heard = time.monotonic()
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            self._flush()
            self._abandon(f"protocol error: {error}")
            return
        for event in events:
            self._on(event)
        self._send_waiting()
        if not self.usable and not self._streams and self._transport is not None:
            self._flush()
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose(str(exc) if exc else "closed by the server")
        if self._sweeper is not None:
            self._sweeper.cancel()
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._send_waiting()

    # what the server says --------------------------------------------------------------------------------------

    def _on(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.ResponseReceived():
                stream = self._streams.get(event.stream_id)
                if stream is not None:
                    stream.status = _status(event)
            case h2.events.DataReceived():
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                stream = self._streams.get(event.stream_id)
                if stream is not None and len(stream.body) < _ANSWER_LIMIT:
                    stream.body += event.data[:_ANSWER_LIMIT]
            case h2.events.StreamEnded():
                self._finish(event.stream_id)
            case h2.events.StreamReset():
                self._retry(event.stream_id)
            case h2.events.RemoteSettingsChanged():
                self._limit = min(self._own_limit, self._h2.remote_settings.max_concurrent_streams)
                if not self.ready.done():
                    self.ready.set_result(None)
            case h2.events.PingAckReceived():
                if self._pong is not None and not self._pong.done():
                    self._pong.set_result(None)
            case h2.events.ConnectionTerminated():
                # After GOAWAY `h2` reads no more answers. All that is open is sent again on the next connection: a
                # phone woken twice lists its passes twice, and the second list is empty.
                self._abandon(f"GOAWAY {event.error_code} {(event.additional_data or b'')[:200]!r}")

    def _finish(self, stream_id: int) -> None:
        stream = self._streams.pop(stream_id, None)
        if stream is None or stream.answer.done():
            return
        stream.answer.set_result(_answer(stream.status, bytes(stream.body)))

    def _retry(self, stream_id: int) -> None:
        stream = self._streams.pop(stream_id, None)
        if stream is not None and not stream.answer.done():
            stream.answer.set_exception(ConnectionLost("stream reset"))

    # what we say -----------------------------------------------------------------------------------------------

    def _send_waiting(self) -> None:
        while self._waiting and self._has_room():
            token, answer = self._waiting.popleft()
            if answer.done():  # the caller gave up while waiting
                continue
            stream_id = self._h2.get_next_available_stream_id()
            # The path is different each time: kept out of the header table, it pushes out nothing that repeats.
            path = NeverIndexedHeaderTuple(b":path", b"/3/device/" + token.encode())
            self._h2.send_headers(stream_id, [self._headers[0], path, *self._headers[1:]])
            self._h2.send_data(stream_id, _BODY, end_stream=True)
            self._streams[stream_id] = _Stream(answer, time.monotonic())
            if stream_id >= _LAST_STREAM:
                self._retire()
        self._flush_soon()

    def _retire(self) -> None:
        """Take no more pushes; those that wait go to the next connection, those under way finish here."""
        self.usable = False
        waiting, self._waiting = self._waiting, deque()
        for _, answer in waiting:
            if not answer.done():
                answer.set_exception(ConnectionLost("no stream ids left"))

    def _has_room(self) -> bool:
        return (
            self.usable
            and self._writable
            and len(self._streams) < self._limit
            and self._h2.outbound_flow_control_window >= len(_BODY)
        )

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        data = self._h2.data_to_send()
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    # ends ------------------------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Give up on a server that fell silent, and on single pushes that it left unanswered."""
        self._sweeper = None
        now = time.monotonic()
        if not self._streams and not self._waiting:
            return
        if now - max(self._heard, self._busy_since) > self._timeout_s:
            self._fail_all(PushTimedOut())
            self._abandon("no answer in time")
            return
        for stream_id, stream in list(self._streams.items()):
            if now - stream.started <= self._timeout_s:
                break  # kept in order of starting
            self._h2.reset_stream(stream_id, h2.errors.ErrorCodes.CANCEL)
            del self._streams[stream_id]
            if not stream.answer.done():
                stream.answer.set_exception(PushTimedOut())
        self._send_waiting()
        self._sweeper = self._loop.call_later(self._timeout_s / 4, self._sweep)

    def _abandon(self, why: str) -> None:
        self._lose(why)
        if self._transport is not None:
            self._transport.close()

    def _lose(self, why: str) -> None:
        self.usable = False
        if not self.ready.done():
            self.ready.set_exception(ConnectionLost(why))
            self.ready.exception()  # marked as seen: the opener may have given up already
        if self._pong is not None and not self._pong.done():
            self._pong.set_exception(ConnectionLost(why))
        self._fail_all(ConnectionLost(why))

    def _fail_all(self, error: Exception) -> None:
        answers = [stream.answer for stream in self._streams.values()] + [answer for _, answer in self._waiting]
        self._streams.clear()
        self._waiting.clear()
        for answer in answers:
            if not answer.done():
                answer.set_exception(error)


def _status(event: h2.events.ResponseReceived) -> int:
    for name, value in event.headers or ():
        if name in (":status", b":status"):
            return int(value)
    return 0


def _answer(status: int, body: bytes) -> Answer:
    if not body:
        return Answer(status)
    try:
        said = msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, RecursionError):
        return Answer(status)
    return Answer(status, said.reason, said.timestamp)
