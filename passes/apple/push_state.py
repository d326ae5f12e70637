"""How pushing goes for a pass type: what operators see, and when a stopped queue may try again."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

import structlog

from kernel.database import Connection
from passes.apple.push_verdict import PushStopped, PushUnanswered, PushWaits

log = structlog.get_logger(__name__)

_FIRST_TRIAL_S: Final = 60.0
_LAST_TRIAL_S: Final = 900.0

Trouble: TypeAlias = PushStopped | PushWaits | PushUnanswered
Authentication: TypeAlias = Literal["certificate", "token", "none"]


@dataclass(frozen=True, slots=True)
class PushState:
    """`standing` is "open", "waiting" (Apple asked for it, or does not answer) or "stopped" (somebody must mend it).

    `reason` says why it is not open and `since` when the standing began. Since the process started, `pushed` were
    accepted, `refused` were not, and `forgotten` devices were gone.
    """

    pass_type: str
    authentication: Authentication
    standing: Literal["open", "waiting", "stopped"]
    reason: str
    since: datetime
    connections: int
    pushed: int
    refused: int
    forgotten: int

    @property
    def open(self) -> bool:
        """Whether pushes go out."""
        return self.standing == "open"


@dataclass(slots=True)
class Standing:
    """The changing state behind a PushState. Trials of a stopped queue are one push each, ever less often."""

    pass_type: str
    authentication: Authentication = "none"
    trouble: Trouble | None = None
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    pushed: int = 0
    refused: int = 0
    forgotten: int = 0
    _trials: int = 0
    _next_trial: float = 0.0

    def halt(self, error: PushStopped | PushWaits) -> None:
        """Push no more, but for a trial after a while."""
        if type(self.trouble) is not type(error):
            self.since = datetime.now(UTC)
            note = log.error if isinstance(error, PushStopped) else log.warning
            note("apple.push.halted", pass_type=self.pass_type, error=str(error))
        wait_s = error.retry_after_s or min(_LAST_TRIAL_S, _FIRST_TRIAL_S * 2.0 ** min(self._trials, 10))
        self.trouble, self._trials, self._next_trial = error, self._trials + 1, time.monotonic() + wait_s

    def unreached(self, error: Trouble) -> None:
        """Nobody answered, or only to say that something is broken there."""
        if self.trouble is None:
            self.since = datetime.now(UTC)
        self.trouble, self._next_trial = error, 0.0

    def resume(self) -> None:
        """The way is clear."""
        if self.trouble is not None:
            log.info("apple.push.resumed", pass_type=self.pass_type)
            self.since = datetime.now(UTC)
        self.trouble, self._trials, self._next_trial = None, 0, 0.0

    def renew(self, authentication: Authentication) -> None:
        """Another certificate or key: what was refused to the one before says nothing of this one."""
        self.authentication = authentication
        self.resume()

    @property
    def halted(self) -> Trouble | None:
        """Why nothing may be pushed now, with the seconds left until a trial; None when it may."""
        left_s = self._next_trial - time.monotonic()
        if self.trouble is None or left_s <= 0:
            return None
        return type(self.trouble)(self.trouble.detail, left_s, **self.trouble.facts)

    @property
    def named(self) -> Literal["open", "waiting", "stopped"]:
        """The standing as a PushState names it."""
        if self.trouble is None:
            return "open"
        return "stopped" if isinstance(self.trouble, PushStopped) else "waiting"

    @property
    def told(self) -> tuple[str, str, str]:
        """What is written down when it changes."""
        return self.authentication, self.named, self.trouble.detail if self.trouble else ""

    def shown(self, connections: int) -> PushState:
        """As operators see it."""
        return PushState(
            self.pass_type,
            self.authentication,
            self.named,
            self.trouble.detail if self.trouble else "",
            self.since,
            connections,
            self.pushed,
            self.refused,
            self.forgotten,
        )


async def write_states(connection: Connection, standings: Sequence[Standing]) -> None:
    """Keep the standings where every process sees them (table apple_push_state)."""
    await connection.executemany(
        """
        INSERT INTO apple_push_state (pass_type, authentication, standing, reason, since, updated_at)
        VALUES ($1, $2, $3, $4, $5, now())
        ON CONFLICT (pass_type) DO UPDATE SET
            authentication = excluded.authentication, standing = excluded.standing, reason = excluded.reason,
            since = excluded.since, updated_at = excluded.updated_at
        """,
        [(standing.pass_type, *standing.told, standing.since) for standing in standings],
    )
