"""A push server on loopback that speaks what Apple's does: HTTP/2, TLS with a client certificate, statuses, reasons.

It knows the tokens of the simulated phones and calls them when a push is accepted. Faults are scripted.
Answers: https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns
"""

import asyncio
import re
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, cast

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import msgspec

from passes.sandbox.authority import Authority

_PATH = re.compile(r"/3/device/([0-9a-f]+)")
_TYPES = frozenset({"alert", "background", "location", "voip", "complication", "fileprovider", "mdm", "liveactivity"})
_PAYLOAD_LIMIT: Final = 4096
Wake = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: `reason` is "" when the push was accepted; `timestamp_ms` goes with a 410, status 0 is silence."""

    status: int
    reason: str = ""
    timestamp_ms: int | None = None


@dataclass(slots=True)
class _Fault:
    said: Said
    token: str | None
    left: int


@dataclass(slots=True)
class _Request:
    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)


class PushServer:
    """Listens on 127.0.0.1. `port` 0 takes a free one at the first start and keeps it over stop and start."""

    def __init__(self, authority: Authority, port: int = 0, streams: int = 1000) -> None:
        self.host: Final = "127.0.0.1"
        self.port = port
        self.streams = streams
        self.answers: Counter[str] = Counter()  # "200", "410 Unregistered", ...
        self.connections = 0
        self.most_at_once = 0  # streams that were open on one connection
        self._tls = authority.server_context(require_client=True)
        self._tls.set_alpn_protocols(["h2"])
        self._phones: dict[str, Wake] = {}
        self._gone: dict[str, int] = {}
        self._faults: list[_Fault] = []
        self._server: asyncio.Server | None = None
        self._open: set[_Session] = set()
        self._silent = False

    @property
    def delivered(self) -> int:
        """How many pushes were accepted and passed on to a phone."""
        return self.answers["200"]

    async def start(self) -> None:
        """Begin to listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Session(self), self.host, self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and drop all connections, as when the service is down."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for session in list(self._open):
                session.drop()
            await server.wait_closed()

    def enrol(self, token: str, wake: Wake) -> None:
        """A phone is reachable under `token` (lower-case hex); `wake(token)` is called for each accepted push."""
        self._phones[token] = wake
        self._gone.pop(token, None)

    def withdraw(self, token: str, timestamp_ms: int) -> None:
        """The phone is gone since `timestamp_ms`: pushes to it answer 410 Unregistered."""
        self._phones.pop(token, None)
        self._gone[token] = timestamp_ms

    def answer_with(self, said: Said, times: int = 1, token: str | None = None) -> None:
        """Script a fault: the next `times` pushes (to `token`, or to anyone) get this answer."""
        self._faults.append(_Fault(said, token, times))

    def fall_silent(self, silent: bool = True) -> None:
        """Read requests but answer none."""
        self._silent = silent

    def go_away(self) -> None:
        """Send GOAWAY on each connection, accepting nothing after what was already answered."""
        for session in list(self._open):
            session.go_away()

    def _judge(self, request: _Request, topic: str) -> Said | None:
        if self._silent:
            return None
        match = _PATH.fullmatch(request.headers.get(":path", ""))
        said = self._refusal(request, match, topic) or self._fault(match.group(1) if match else "")
        if said is None and match is not None:
            said = self._deliver(match.group(1))
        said = said or Said(404, "BadPath")
        self.answers[f"{said.status} {said.reason}".strip()] += 1
        return said if said.status else None

    def _refusal(self, request: _Request, match: re.Match[str] | None, topic: str) -> Said | None:
        headers = request.headers
        if match is None:
            return Said(404, "BadPath")
        if headers.get(":method") != "POST":
            return Said(405, "MethodNotAllowed")
        if headers.get("apns-push-type", "alert") not in _TYPES:
            return Said(400, "InvalidPushType")
        if headers.get("apns-priority", "10") not in ("1", "5", "10"):
            return Said(400, "BadPriority")
        if headers.get("apns-topic", topic) != topic:
            return Said(400, "TopicDisallowed")
        return _payload_refusal(bytes(request.body))

    def _fault(self, token: str) -> Said | None:
        for fault in self._faults:
            if fault.token in (None, token):
                fault.left -= 1
                if fault.left <= 0:
                    self._faults.remove(fault)
                return fault.said
        return None

    def _deliver(self, token: str) -> Said:
        if token in self._gone:
            return Said(410, "Unregistered", self._gone[token])
        wake = self._phones.get(token)
        if wake is None:
            return Said(400, "BadDeviceToken")
        wake(token)
        return Said(200)


class _Session(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, server: PushServer) -> None:
        self._server = server
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8", validate_outbound_headers=False)
        )
        self._requests: dict[int, _Request] = {}
        self._transport: asyncio.Transport | None = None
        self._topic = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not every loop's transport is an asyncio.Transport by class (uvloop's is not).
        self._transport = cast(asyncio.Transport, transport)
        self._topic = _user_id(transport.get_extra_info("ssl_object"))
        self._server.connections += 1
        self._server._open.add(self)
        self._h2.local_settings = h2.settings.Settings(
            client=False,
            initial_values={
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self._server.streams,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 8000,
            },
        )
        self._h2.initiate_connection()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server._open.discard(self)

    def data_received(self, data: bytes) -> None:
        try:
            complete = [self._on(event) for event in self._h2.receive_data(data)]
            for stream_id in filter(None, complete):
                self._answer(stream_id)
        except h2.exceptions.ProtocolError:
            self._flush()
            self.drop()
            return
        self._flush()

    def drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def go_away(self) -> None:
        self._h2.close_connection(last_stream_id=0, additional_data=msgspec.json.encode({"reason": "Shutdown"}))
        self._flush()  # hanging up is left to the client

    def _on(self, event: h2.events.Event) -> int | None:
        """Take in an event; the id of the stream if its request is complete now."""
        match event:
            case h2.events.RequestReceived():
                headers = {_text(name): _text(value) for name, value in event.headers or ()}
                self._requests[event.stream_id] = _Request(headers)
                self._server.most_at_once = max(self._server.most_at_once, len(self._requests))
            case h2.events.DataReceived():
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                request = self._requests.get(event.stream_id)
                if request is not None and len(request.body) <= _PAYLOAD_LIMIT:
                    request.body += event.data
            case h2.events.StreamEnded():
                return event.stream_id
            case h2.events.StreamReset():
                self._requests.pop(event.stream_id, None)
        return None

    def _answer(self, stream_id: int) -> None:
        request = self._requests.pop(stream_id, None)
        if request is None:
            return
        said = self._server._judge(request, self._topic)
        if said is None:
            return
        headers = [(":status", str(said.status)), ("apns-id", request.headers.get("apns-id", f"{stream_id:036d}"))]
        if not said.reason:
            self._h2.send_headers(stream_id, headers, end_stream=True)
            return
        body: dict[str, object] = {"reason": said.reason}
        if said.timestamp_ms is not None:
            body["timestamp"] = said.timestamp_ms
        self._h2.send_headers(stream_id, headers)
        self._h2.send_data(stream_id, msgspec.json.encode(body), end_stream=True)

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)


def _payload_refusal(body: bytes) -> Said | None:
    if not body:
        return Said(400, "PayloadEmpty")
    if len(body) > _PAYLOAD_LIMIT:
        return Said(413, "PayloadTooLarge")
    try:
        payload = msgspec.json.decode(body)
    except msgspec.DecodeError:
        payload = None
    # A pass push carries nothing; the real service ignores more, this one points out the mistake.
    return None if payload in ({}, {"aps": {}}) else Said(400, "BadMessageId")


def _user_id(secured: ssl.SSLObject) -> str:
    """The UID in the client certificate's subject: the topic it may push to."""
    certificate = secured.getpeercert() or {}
    for part in certificate.get("subject", ()):
        for attribute in part:
            if len(attribute) == 2 and attribute[0] in ("userId", "UID"):
                return str(attribute[1])
    return ""


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
