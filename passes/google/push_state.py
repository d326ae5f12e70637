"""How calls go for an issuer: what operators see, and when a stopped issuer may try again."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

import structlog

from kernel.database import Connection
from passes.google.push_verdict import WalletStopped, WalletUnavailable

log = structlog.get_logger(__name__)

_FIRST_TRIAL_S: Final = 60.0
_LAST_TRIAL_S: Final = 900.0
_TRIAL_LASTS_S: Final = 30.0

Trouble: TypeAlias = WalletStopped | WalletUnavailable


@dataclass(frozen=True, slots=True)
class PushState:
    """`standing` is "open", "waiting" (Google asks for it, or does not answer) or "stopped" (somebody must mend it).

    `reason` says why it is not open and `since` when the standing began. `rate_per_s` is the pace at present. Since the
    process started, `sent` calls were accepted and `refused` were not.
    """

    issuer_id: str
    standing: Literal["open", "waiting", "stopped"]
    reason: str
    since: datetime
    rate_per_s: float
    sent: int
    refused: int

    @property
    def open(self) -> bool:
        """Whether calls are made."""
        return self.standing == "open"


@dataclass(slots=True)
class Standing:
    """The changing state behind a PushState. Trials of a stopped issuer are one call each, ever less often."""

    issuer_id: str
    trouble: Trouble | None = None
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    sent: int = 0
    refused: int = 0
    resumed: int = 0  # how often the way became clear again after a stop
    clock: Callable[[], float] = time.monotonic
    _trials: int = 0
    _next_trial: float = 0.0

    def halt(self, error: WalletStopped) -> None:
        """Call no more, but for a trial after a while."""
        self.refused += 1
        if not isinstance(self.trouble, WalletStopped):
            self.since = datetime.now(UTC)
            log.error("google.push.stopped", issuer_id=self.issuer_id, error=str(error))
        wait_s = min(_LAST_TRIAL_S, _FIRST_TRIAL_S * 2.0 ** min(self._trials, 10))
        self.trouble, self._trials, self._next_trial = error, self._trials + 1, self.clock() + wait_s

    def hold_up(self, error: WalletUnavailable) -> None:
        """Google does not answer, or asks to slow down; calls go on, and the notes wait."""
        self.refused += 1
        if isinstance(self.trouble, WalletStopped):
            return
        if self.trouble is None:
            self.since = datetime.now(UTC)
        self.trouble = error

    def resume(self) -> None:
        """A call was accepted."""
        self.sent += 1
        if self.trouble is None:
            return
        if isinstance(self.trouble, WalletStopped):
            self.resumed += 1
            log.info("google.push.resumed", issuer_id=self.issuer_id)
        self.since = datetime.now(UTC)
        self.trouble, self._trials, self._next_trial = None, 0, 0.0

    def try_now(self) -> None:
        """Somebody mended something and asks for another try."""
        self._next_trial = 0.0

    def stopped(self) -> WalletStopped | None:
        """Why no call may be made now, with the seconds until a trial; None when one may. Whoever is told None while
        calls are stopped makes the trial: the others wait for how it ends."""
        if not isinstance(self.trouble, WalletStopped):
            return None
        left_s = self._next_trial - self.clock()
        if left_s <= 0:
            self._next_trial = self.clock() + _TRIAL_LASTS_S
            return None
        # Not all at once, and never before the trial.
        return type(self.trouble)(self.trouble.detail, left_s * random.uniform(1.0, 1.1), **self.trouble.facts)

    @property
    def is_stopped(self) -> bool:
        """Whether calls are stopped, but for trials."""
        return isinstance(self.trouble, WalletStopped)

    @property
    def halted(self) -> bool:
        """Whether calls are stopped and no trial is due."""
        return self.is_stopped and self._next_trial > self.clock()

    @property
    def named(self) -> Literal["open", "waiting", "stopped"]:
        """The standing as a PushState names it."""
        if self.trouble is None:
            return "open"
        return "stopped" if isinstance(self.trouble, WalletStopped) else "waiting"

    def shown(self, rate_per_s: float) -> PushState:
        """As operators see it."""
        reason = self.trouble.detail if self.trouble else ""
        return PushState(self.issuer_id, self.named, reason, self.since, rate_per_s, self.sent, self.refused)

    def told(self, rate_per_s: float) -> tuple[str, str, int]:
        """What is written down when it changes."""
        return self.named, self.trouble.detail if self.trouble else "", round(rate_per_s)


async def write_state(connection: Connection, state: PushState) -> None:
    """Keep the state where every process sees it (table google_push_state)."""
    await connection.execute(
        """
        INSERT INTO google_push_state (issuer_id, standing, reason, rate_per_s, since, updated_at)
        VALUES ($1, $2, $3, $4, $5, now())
        ON CONFLICT (issuer_id) DO UPDATE SET
            standing = excluded.standing, reason = excluded.reason, rate_per_s = excluded.rate_per_s,
            since = excluded.since, updated_at = excluded.updated_at
        """,
        state.issuer_id,
        state.standing,
        state.reason.encode("utf-8", "replace").decode().replace("\0", "?"),
        state.rate_per_s,
        state.since,
    )
