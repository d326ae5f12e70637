"""One connection to the push service: `http2.py` on an asyncio transport.

What many pushes produce within one turn of the event loop leaves in one write, and the answers of a batch wake its
caller once: that is what makes a thousand small requests cheap.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

import msgspec

from passes.apple import http2

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


ACCEPTED: Final = Answer(200)
Outcome: TypeAlias = Answer | ConnectionLost | PushTimedOut


class _Refusal(msgspec.Struct):
    reason: str = ""
    timestamp: int | None = None


@dataclass(slots=True, eq=False)
class _Batch:
    """Pushes that one caller waits for."""

    tokens: Sequence[str]
    outcomes: list[Outcome | None]
    left: int
    done: "asyncio.Future[None]"
    next: int = 0

    def settle(self, place: int, outcome: Outcome) -> None:
        self.outcomes[place] = outcome
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)


class Connection(asyncio.Protocol):
    """Sends pushes for one topic. `ready` resolves when the server has said how many streams it allows.

    `bearer` gives the provider token of the moment; without one the client certificate speaks for us.
    """

    def __init__(
        self, host: str, topic: str, timeout_s: float, streams: int, bearer: Callable[[], str] | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._topic = topic
        self._bearer = bearer
        self._said_bearer = bearer() if bearer else ""
        heads = [(b":method", b"POST"), (b":scheme", b"https"), (b":authority", host.encode())]
        self._http2 = http2.Http2Client(heads, self._headers(), _BODY, unlimited=streams)
        self._timeout_s = timeout_s
        self._own_limit = streams
        self._streams: dict[int, tuple[_Batch, int, float]] = {}
        self._urgent: deque[_Batch] = deque()
        self._patient: deque[_Batch] = deque()
        self._transport: asyncio.Transport | None = None
        self._flushing = False
        self._writable = True
        self._sweeper: asyncio.TimerHandle | None = None
        self._pong: asyncio.Future[None] | None = None
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._heard = self._busy_since = time.monotonic()
        self.usable = True
        self.proven = False  # a push was accepted
        self.goodbye = ""  # why the server left, in its words
        self.trouble: Exception | None = None  # what the transport died of
        self.ready: asyncio.Future[None] = self._loop.create_future()

    @property
    def idle_s(self) -> float:
        """Seconds since the server was last heard, 0 while pushes are under way."""
        return 0.0 if self._streams else time.monotonic() - self._heard

    @property
    def limit(self) -> int:
        """How many pushes may be under way at once now."""
        return min(self._own_limit, self._http2.limit)

    @property
    def load(self) -> int:
        """Pushes under way or waiting for a stream."""
        return len(self._streams) + sum(
            len(batch.tokens) - batch.next for batch in (*self._urgent, *self._patient) if not batch.done.done()
        )

    async def send(self, tokens: Sequence[str], urgent: bool = True) -> list[Outcome]:
        """Send a push to each token as streams become free, urgent ones first; outcomes in the same order."""
        if not tokens or not self.usable:
            return [ConnectionLost("closed") for _ in tokens]
        batch = _Batch(tokens, [None] * len(tokens), len(tokens), self._loop.create_future())
        (self._urgent if urgent else self._patient).append(batch)
        if self._sweeper is None:
            self._busy_since = time.monotonic()
            self._sweeper = self._loop.call_later(self._timeout_s / 4, self._sweep)
        self._send_waiting()
        await batch.done
        return cast(list[Outcome], batch.outcomes)

    async def ping(self, timeout_s: float) -> bool:
        """Whether the server answers a PING (RFC 9113 section 6.7) in time."""
        self._pong = self._loop.create_future()
        self._http2.ping()
        self._flush_soon()
        try:
            await asyncio.wait_for(self._pong, timeout_s)
        except (TimeoutError, ConnectionLost):
            return False
        return True

    def retire(self, why: str) -> None:
        """Take no more pushes; those that wait go to another connection, those under way finish here."""
        self.usable = False
        self._fail_waiting(ConnectionLost(why))
        self._close_when_done()

    async def close(self) -> None:
        """Say goodbye and close; unanswered pushes are lost."""
        if self._transport is None or self._closed.done():
            return
        self._abandon("closed by us", http2.NO_ERROR)
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
        self._http2.start()
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._heard = time.monotonic()
        try:
            for event in self._http2.receive(data):
                self._on(event)
        except http2.BrokenConnection as error:
            self._abandon(f"protocol error: {error}", error.code)
            return
        if self._http2.greeted and not self.ready.done():
            self.ready.set_result(None)
        self._send_waiting()
        self._close_when_done()

    def connection_lost(self, exc: Exception | None) -> None:
        self.trouble = exc
        self._lose(self.goodbye or (str(exc) if exc else "closed by the server"))
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

    def _on(self, event: http2.Event) -> None:
        match event:
            case http2.Answered(stream, status, body):
                accepted = status == 200
                self.proven = self.proven or accepted
                self._settle(stream, ACCEPTED if accepted else _answer(status, body))
            case http2.Dropped(stream):
                self._settle(stream, ConnectionLost("stream reset"))
            case http2.Leaving(last, code, debug):
                self.goodbye = _goodbye(code, debug)
                self.usable = False
                for stream in [stream for stream in self._streams if stream > last]:
                    self._settle(stream, ConnectionLost(self.goodbye))
                self._fail_waiting(ConnectionLost(self.goodbye))
            case http2.Alive() if self._pong is not None and not self._pong.done():
                self._pong.set_result(None)

    def _settle(self, stream: int, outcome: Outcome) -> None:
        waited = self._streams.pop(stream, None)
        if waited is not None:
            waited[0].settle(waited[1], outcome)

    # what we say -----------------------------------------------------------------------------------------------

    def _headers(self) -> list[http2.Header]:
        said = [
            (b"apns-topic", self._topic.encode()),
            (b"apns-push-type", b"background"),
            (b"apns-priority", b"5"),
        ]
        return [(b"authorization", b"bearer " + self._said_bearer.encode()), *said] if self._said_bearer else said

    def _send_waiting(self) -> None:
        if self.usable and self._writable and (self._urgent or self._patient):
            self._renew_bearer()
            for queue in (self._urgent, self._patient):
                while queue and (room := min(self.limit - len(self._streams), self._http2.room)) > 0:
                    if self._send(queue[0], room):
                        queue.popleft()
            if self._http2.last_stream >= _LAST_STREAM:
                self.retire("no stream ids left")
        self._flush_soon()

    def _send(self, batch: _Batch, room: int) -> bool:
        """Send up to `room` pushes of a batch; whether none of it waits any more."""
        if not batch.done.done():  # else the caller gave up while waiting
            now, request, streams = time.monotonic(), self._http2.request, self._streams
            first, batch.next = batch.next, min(len(batch.tokens), batch.next + room)
            for place in range(first, batch.next):
                streams[request(b"/3/device/" + batch.tokens[place].encode())] = (batch, place, now)
        return batch.done.done() or batch.next == len(batch.tokens)

    def _renew_bearer(self) -> None:
        if self._bearer is not None and (bearer := self._bearer()) != self._said_bearer:
            self._said_bearer = bearer
            self._http2.say(self._headers())

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        data = self._http2.out
        if data and self._transport is not None and not self._transport.is_closing():
            self._http2.out = bytearray()
            self._transport.write(data)

    # ends ------------------------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Give up on a server that fell silent, and on single pushes that it left unanswered."""
        self._sweeper = None
        now = time.monotonic()
        if not self._streams and not self._urgent and not self._patient:
            return
        if now - max(self._heard, self._busy_since) > self._timeout_s:
            self._fail_all(PushTimedOut())
            self._abandon("no answer in time", http2.NO_ERROR)
            return
        for stream, (_, _, started) in list(self._streams.items()):
            if now - started <= self._timeout_s:
                break  # kept in order of starting
            self._http2.reset(stream)
            self._settle(stream, PushTimedOut())
        self._send_waiting()
        self._sweeper = self._loop.call_later(self._timeout_s / 4, self._sweep)

    def _close_when_done(self) -> None:
        if not self.usable and not self._streams and self._transport is not None:
            self._abandon(self.goodbye or "closed by us", http2.NO_ERROR)

    def _abandon(self, why: str, code: int) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._http2.leave(code)
            self._flush()
            self._transport.close()
        self._lose(why)

    def _lose(self, why: str) -> None:
        self.usable = False
        if not self.ready.done():
            self.ready.set_exception(ConnectionLost(why))
            self.ready.exception()  # marked as seen: the opener may have given up already
        if self._pong is not None and not self._pong.done():
            self._pong.set_exception(ConnectionLost(why))
        self._fail_all(ConnectionLost(why))

    def _fail_waiting(self, error: ConnectionLost | PushTimedOut) -> None:
        for queue in (self._urgent, self._patient):
            while queue:
                batch = queue.popleft()
                while batch.next < len(batch.tokens):
                    place, batch.next = batch.next, batch.next + 1
                    batch.settle(place, error)

    def _fail_all(self, error: ConnectionLost | PushTimedOut) -> None:
        self._fail_waiting(error)
        for stream in list(self._streams):
            self._settle(stream, error)


def _goodbye(code: int, debug: bytes) -> str:
    """Apple says why in the debug data of a GOAWAY, as it does in the body of a refusal."""
    try:
        reason = msgspec.json.decode(debug, type=_Refusal).reason
    except (msgspec.DecodeError, RecursionError):
        reason = ""
    return reason or f"GOAWAY {code}"


def _answer(status: int, body: bytes) -> Answer:
    if not body:
        return Answer(status)
    try:
        said = msgspec.json.decode(body[:_ANSWER_LIMIT], type=_Refusal)
    except (msgspec.DecodeError, RecursionError):
        return Answer(status)
    return Answer(status, said.reason, said.timestamp)
