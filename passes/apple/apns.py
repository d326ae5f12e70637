"""A client of Apple's push service: one HTTP/2 connection per identity, many pushes on it at once.

Request and headers: https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
A push for a pass says nothing (`{}`), so sending one twice does no harm; that is what makes resending simple.
"""

import asyncio
import random
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from kernel.database import assert_no_unit
from kernel.errors import Invalid, Unavailable
from passes.apple.apns_connection import Answer, Connection, ConnectionLost, PushTimedOut
from passes.apple.identity import Identity

__all__ = ["Answer", "CertificateExpired", "PushClient", "PushUnanswered"]

log = structlog.get_logger(__name__)

HOST: Final = "api.push.apple.com"
PORT: Final = 443
_ATTEMPTS: Final = 3
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 60.0
_IDLE_S: Final = 300.0


class PushUnanswered(Unavailable):
    """The push service could not be reached, or did not answer."""

    code = "apple_push_unanswered"
    title = "Apple's push service does not answer"


class CertificateExpired(Invalid):
    """The certificate that opens the push service's door is out of date."""

    code = "apple_certificate_expired"
    title = "The Apple pass certificate has expired"


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


class PushClient:
    """Pushes for one pass type. `ca_file` replaces the system's roots (they are right for Apple)."""

    def __init__(
        self,
        identity: Identity,
        host: str = HOST,
        port: int = PORT,
        *,
        ca_file: Path | None = None,
        timeout_s: float = 30.0,
        streams: int = 1000,
    ) -> None:
        self._identity = identity
        self._host, self._port = host, port
        self._tls = identity.tls_context(ca_file)
        self._timeout_s = timeout_s
        self._streams = streams
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._pause = _Pause()
        self.connections_made = 0

    async def push_all(self, tokens: Sequence[str]) -> list[Answer | PushUnanswered]:
        """One push to each token, all at once; answers in the same order. Raises CertificateExpired."""
        assert_no_unit()
        if self._identity.days_left() < 0:
            raise CertificateExpired("Pushes need a pass certificate that is in date.")
        outcomes: dict[int, Answer | PushUnanswered] = {}
        left = list(range(len(tokens)))
        for _ in range(_ATTEMPTS):
            try:
                connection = await self._open()
            except PushUnanswered as error:
                return [outcomes.get(place, error) for place in range(len(tokens))]
            answers = await asyncio.gather(*(connection.send(tokens[p]) for p in left), return_exceptions=True)
            outcomes |= {place: self._outcome(answer) for place, answer in zip(left, answers, strict=True)}
            left = [p for p, answer in zip(left, answers, strict=True) if isinstance(answer, ConnectionLost)]
            if not left:
                break
        return [outcomes[place] for place in range(len(tokens))]

    async def push(self, token: str) -> Answer:
        """One push. Raises PushUnanswered, CertificateExpired."""
        (outcome,) = await self.push_all([token])
        if isinstance(outcome, PushUnanswered):
            raise outcome
        return outcome

    async def close(self) -> None:
        """Close the connection; a later push opens a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _outcome(self, answer: Answer | BaseException) -> Answer | PushUnanswered:
        match answer:
            case Answer():
                return answer
            case ConnectionLost():
                return PushUnanswered("The push service closed the connection again and again.", _LONGEST_WAIT_S)
            case PushTimedOut():
                return PushUnanswered(f"No answer from the push service within {self._timeout_s:g} s.")
        raise answer

    async def _open(self) -> Connection:
        connection = self._connection
        if connection is not None and connection.usable and connection.idle_s < _IDLE_S:
            return connection
        async with self._connecting:
            connection = self._connection
            if connection is not None and connection.usable and await self._alive(connection):
                return connection
            if self._pause.left_s:
                raise PushUnanswered("Waiting before connecting to the push service again.", self._pause.left_s)
            self._connection = await self._connect()
            return self._connection

    async def _alive(self, connection: Connection) -> bool:
        """After a long silence, ask first: routers forget connections without telling either end."""
        if connection.idle_s < _IDLE_S:
            return True
        if await connection.ping(timeout_s=min(5.0, self._timeout_s)):
            return True
        await connection.close()
        return False

    async def _connect(self) -> Connection:
        connection = Connection(self._host, self._identity.pass_type, self._timeout_s, self._streams)
        try:
            async with asyncio.timeout(self._timeout_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: connection, self._host, self._port, ssl=self._tls
                )
                await connection.ready
        except (OSError, ConnectionLost, TimeoutError) as error:
            await connection.close()
            self._pause.failed()
            untrusted = isinstance(error, ssl.SSLCertVerificationError)
            log.warning("apple.push.unreachable", host=self._host, error=str(error), untrusted=untrusted)
            raise PushUnanswered(
                f"No connection to the push service at {self._host}:{self._port} ({error}).", self._pause.left_s
            ) from error
        self._pause.over()
        self.connections_made += 1
        return connection
