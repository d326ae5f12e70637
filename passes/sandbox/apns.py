"""A push server on loopback that speaks what Apple's does: HTTP/2, TLS, certificates or tokens, statuses, reasons.

It knows the tokens of the simulated phones and calls them when a push is accepted. Faults are scripted.
Answers: https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns
"""

import asyncio
import re
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from passes.sandbox.apns_session import PAYLOAD_LIMIT, Request, Said, Session
from passes.sandbox.apns_tokens import ProviderTokens
from passes.sandbox.authority import Authority

__all__ = ["PushServer", "Said", "Wake"]

_PATH = re.compile(r"/3/device/([^/]*)")
_TYPES = frozenset({"alert", "background", "location", "voip", "complication", "fileprovider", "mdm", "liveactivity"})
Wake = Callable[[str], None]


@dataclass(slots=True)
class _Fault:
    said: Said
    token: str | None
    left: int


class PushServer:
    """Listens on 127.0.0.1. `port` 0 takes a free one at the first start and keeps it over stop and start.

    `tokens` are the push keys it knows. `latency_s` is how long an answer takes, as over a long line.
    """

    def __init__(self, authority: Authority, port: int = 0, streams: int = 1000) -> None:
        self.host: Final = "127.0.0.1"
        self.port = port
        self.streams = streams
        self.latency_s = 0.0
        self.tokens = ProviderTokens()
        self.answers: Counter[str] = Counter()  # "200", "410 Unregistered", ...
        self.topics: Counter[str] = Counter()  # of accepted pushes
        self.connections = 0
        self.most_at_once = 0  # streams that were open on one connection
        self._tls = authority.server_context(require_client=True)
        self._tls.verify_mode = ssl.CERT_OPTIONAL  # a push key opens the door as well
        self._tls.set_alpn_protocols(["h2"])
        self._phones: dict[str, Wake] = {}
        self._gone: dict[str, int] = {}
        self._faults: list[_Fault] = []
        self._server: asyncio.Server | None = None
        self._open: set[Session] = set()
        self._silent = False

    @property
    def delivered(self) -> int:
        """How many pushes were accepted and passed on to a phone."""
        return self.answers["200"]

    async def start(self) -> None:
        """Begin to listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Session(self), self.host, self.port, ssl=self._tls)
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

    def mend(self) -> None:
        """Forget the scripted faults."""
        self._faults.clear()

    def fall_silent(self, silent: bool = True) -> None:
        """Read requests but answer none."""
        self._silent = silent

    def go_away(self, reason: str = "Shutdown", *, finish: bool = False) -> None:
        """Send GOAWAY on each connection; `finish` still answers what has come, else all of it is dropped."""
        for session in list(self._open):
            session.go_away(reason, finish=finish)

    # what the sessions ask -------------------------------------------------------------------------------------

    def opened(self, session: Session) -> None:
        self.connections += 1
        self._open.add(session)

    def closed(self, session: Session) -> None:
        self._open.discard(session)

    def under_way(self, requests: int) -> None:
        self.most_at_once = max(self.most_at_once, requests)

    def judge(self, request: Request, topic: str | None) -> Said | None:
        if self._silent:
            return None
        match = _PATH.fullmatch(request.headers.get(":path", ""))
        said = self._refusal(request, match, topic) or self._fault(match.group(1) if match else "")
        if said is None and match is not None:
            said = self._deliver(match.group(1), request.headers.get("apns-topic", topic or ""))
        said = said or Said(404, "BadPath")
        self.answers[f"{said.status} {said.reason}".strip()] += 1
        return said if said.status else None

    def _refusal(self, request: Request, match: re.Match[str] | None, topic: str | None) -> Said | None:
        headers = request.headers
        if match is None:
            return Said(404, "BadPath")
        if headers.get(":method") != "POST":
            return Said(405, "MethodNotAllowed")
        if headers.get("apns-push-type", "alert") not in _TYPES:
            return Said(400, "InvalidPushType")
        if headers.get("apns-priority", "10") not in ("1", "5", "10"):
            return Said(400, "BadPriority")
        if topic is None:
            refused = self.tokens.refusal(headers.get("authorization"), headers.get("apns-topic", ""))
            if refused is not None:
                return Said(*refused)
        elif headers.get("apns-topic", topic) != topic:
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

    def _deliver(self, token: str, topic: str) -> Said:
        if not token:
            return Said(400, "MissingDeviceToken")
        if token in self._gone:
            return Said(410, "Unregistered", self._gone[token])
        wake = self._phones.get(token)
        if wake is None:
            return Said(400, "BadDeviceToken")
        self.topics[topic] += 1
        wake(token)
        return Said(200)


def _payload_refusal(body: bytes) -> Said | None:
    if not body:
        return Said(400, "PayloadEmpty")
    if len(body) > PAYLOAD_LIMIT:
        return Said(413, "PayloadTooLarge")
    try:
        payload = msgspec.json.decode(body)
    except msgspec.DecodeError:
        payload = None
    # A pass push carries nothing; the real service ignores more, this one points out the mistake.
    return None if payload in ({}, {"aps": {}}) else Said(400, "BadMessageId")
