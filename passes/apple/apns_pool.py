"""Connections to the push service for one pass type: one as a rule, a few when the server allows few pushes on each."""

import asyncio
import random
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog

from passes.apple.apns_connection import Answer, Connection, ConnectionLost, Outcome, PushTimedOut
from passes.apple.provider_token import ProviderToken
from passes.apple.push_verdict import PushStopped, PushUnanswered

log = structlog.get_logger(__name__)

_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 60.0
_IDLE_S: Final = 300.0
_CERTIFICATE_ALERTS: Final = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")


@dataclass(frozen=True, slots=True)
class Door:
    """What opens the push service: a TLS context with the client certificate, or one without and a provider token."""

    topic: str
    tls: ssl.SSLContext
    token: ProviderToken | None = None


@dataclass(slots=True)
class _Pause:
    """How long not to try again after connecting failed; grows with each failure."""

    failures: int = 0
    until: float = 0.0

    def failed(self) -> None:
        longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(self.failures, 10))
        self.failures += 1
        self.until = time.monotonic() + longest * random.uniform(0.5, 1.0)

    def over(self) -> None:
        self.failures, self.until = 0, 0.0

    @property
    def left_s(self) -> float:
        return max(0.0, self.until - time.monotonic())


Sent: TypeAlias = Answer | ConnectionLost | PushUnanswered | PushStopped


class Pool:
    """Sends through one door. `streams` and `connections` are our own limits, the server's count as well."""

    def __init__(self, door: Door, host: str, port: int, *, timeout_s: float, streams: int, connections: int) -> None:
        self._door = door
        self._host, self._port = host, port
        self._timeout_s = timeout_s
        self._streams = streams
        self._most = connections
        self._open: list[Connection] = []
        self._connecting = asyncio.Lock()
        self._growing: asyncio.Task[None] | None = None
        self._pause = _Pause()
        self.made = 0

    @property
    def size(self) -> int:
        """How many connections are open."""
        return sum(connection.usable for connection in self._open)

    async def send(self, tokens: Sequence[str], urgent: bool) -> list[Sent]:
        """One push to each token; outcomes in the same order."""
        try:
            connections = await self._for(len(tokens))
        except (PushUnanswered, PushStopped) as error:
            return [error] * len(tokens)
        ways = len(connections)
        shares = await asyncio.gather(
            *(connection.send(tokens[way::ways], urgent) for way, connection in enumerate(connections))
        )
        outcomes: list[Outcome] = [shares[place % ways][place // ways] for place in range(len(tokens))]
        return [self._unanswered() if isinstance(o, PushTimedOut) else o for o in outcomes]

    def retire(self, why: str) -> None:
        """Use new connections from now on; the open ones finish what they have."""
        for connection in self._open:
            connection.retire(why)
        self._open = []

    async def close(self) -> None:
        """Close all connections; a later push opens a new one."""
        if self._growing is not None:
            self._growing.cancel()
        closing, self._open = self._open, []
        for connection in closing:
            await connection.close()

    def _unanswered(self) -> PushUnanswered:
        return PushUnanswered(f"No answer from the push service within {self._timeout_s:g} s.")

    async def _for(self, pushes: int) -> list[Connection]:
        """The connections for so many pushes: the one with least to do if they fit on it, else all."""
        first = await self._first()
        usable = [connection for connection in self._open if connection.usable] or [first]
        least = min(usable, key=lambda connection: connection.load - connection.limit)
        if least.load + pushes <= least.limit:
            return [least]
        if len(usable) < self._most and all(connection.proven for connection in usable) and self._growing is None:
            self._growing = asyncio.create_task(self._grow())
        return usable

    async def _grow(self) -> None:
        """One connection more, for the next batch: this one is under way."""
        try:
            async with self._connecting:
                self._open.append(await self._connect())
        except (PushUnanswered, PushStopped) as error:
            log.info("apple.push.no_second_connection", error=str(error))
        finally:
            self._growing = None

    async def _first(self) -> Connection:
        for connection in self._open:
            if connection.usable and connection.idle_s < _IDLE_S:
                return connection
        async with self._connecting:
            for connection in list(self._open):
                if connection.usable and await self._alive(connection):
                    return connection
                self._open.remove(connection)
            if self._pause.left_s:
                raise PushUnanswered("Waiting before connecting to the push service again.", self._pause.left_s)
            made = await self._connect()
            self._open.append(made)
            return made

    async def _alive(self, connection: Connection) -> bool:
        """After a long silence, ask first: routers forget connections without telling either end."""
        if connection.idle_s < _IDLE_S:
            return True
        if await connection.ping(timeout_s=min(5.0, self._timeout_s)):
            return True
        await connection.close()
        return False

    async def _connect(self) -> Connection:
        bearer = self._door.token.bearer if self._door.token else None
        connection = Connection(self._host, self._door.topic, self._timeout_s, self._streams, bearer)
        try:
            async with asyncio.timeout(self._timeout_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: connection, self._host, self._port, ssl=self._door.tls
                )
                await connection.ready
        except (OSError, ConnectionLost, TimeoutError) as error:
            await connection.close()
            raise self._refused(connection.trouble or error) from error
        self._pause.over()
        self.made += 1
        return connection

    def _refused(self, error: BaseException) -> PushUnanswered | PushStopped:
        alert = getattr(error, "reason", None) or "" if isinstance(error, ssl.SSLError) else ""
        if "ALERT" in alert and any(word in alert for word in _CERTIFICATE_ALERTS):
            return PushStopped(f"The push service does not accept our certificate ({alert}).", reason=alert)
        self._pause.failed()
        untrusted = isinstance(error, ssl.SSLCertVerificationError)
        log.warning("apple.push.unreachable", host=self._host, error=str(error), untrusted=untrusted)
        at = f"{self._host}:{self._port}"
        return PushUnanswered(f"No connection to the push service at {at} ({error}).", self._pause.left_s)
