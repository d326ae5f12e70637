"""Waking phones: the follower that turns "this pass changed" into one empty push per device.

What each answer means: https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from kernel.database import Database, assert_no_unit
from kernel.errors import Invalid, Unavailable
from passes.apple import registry
from passes.apple.apns import Answer, PushClient, PushUnanswered

log = structlog.get_logger(__name__)

_DEAD = frozenset({"BadDeviceToken", "DeviceTokenNotForTopic"})
_CERTIFICATE = frozenset({"BadCertificate", "BadCertificateEnvironment", "Forbidden"})
_PASSING = frozenset({"IdleTimeout", "Shutdown"})
DEVICE_WAIT_S: Final = 60.0
SERVER_WAIT_S: Final = 900.0  # Apple asks to leave a failing server alone for a quarter of an hour


class PushRefused(Invalid):
    """Certificate, topic or request are wrong: every further push would fail as well. Registrations are kept."""

    code = "apple_push_refused"
    title = "Apple's push service refuses our pushes"


class PushWaits(Unavailable):
    """The push service asks to wait."""

    code = "apple_push_waits"
    title = "Apple's push service asks to wait"


@dataclass(frozen=True, slots=True)
class Gone:
    """The device will not hear of this topic again; `since` is when the token died, if told."""

    since: datetime | None = None


def verdict(answer: Answer, server_wait_s: float = SERVER_WAIT_S) -> Gone | PushRefused | PushWaits | None:
    """What an answer asks of us; None when the push was accepted. Pure."""
    said = f"{answer.status} {answer.reason}".strip()
    if answer.status == 200:
        return None
    if answer.status == 410:
        return Gone(datetime.fromtimestamp(answer.timestamp_ms / 1000, UTC) if answer.timestamp_ms else None)
    if answer.status == 400 and answer.reason in _DEAD:
        return Gone()
    if answer.reason in _PASSING:
        return PushWaits(f"The push service closed the door for a moment ({said}).", retry_after_s=1.0)
    if answer.status == 429:
        return PushWaits(f"Too many pushes to one device ({said}).", retry_after_s=DEVICE_WAIT_S)
    if answer.status >= 500:
        return PushWaits(f"The push service has a fault ({said}).", retry_after_s=server_wait_s)
    if answer.reason in _CERTIFICATE:
        return PushRefused(f"The push service does not accept our certificate ({said}).", reason=answer.reason)
    return PushRefused(f"The push service does not accept our request ({said}).", reason=answer.reason)


class ApplePush:
    """Follower of notes "apple.push" (subject: pass id)."""

    kind: Final = registry.PUSH_KIND

    def __init__(
        self, db: Database, client: PushClient, batch: int = 500, server_wait_s: float = SERVER_WAIT_S
    ) -> None:
        self.batch = batch
        self._db = db
        self._client = client
        self._server_wait_s = server_wait_s

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        """Wake each device that holds one of these passes once; returns the passes with a device still to be woken."""
        async with self._db.read() as read:
            wishes = await registry.wishes(read.connection, subjects)
        tokens = sorted({wish.push_token for wish in wishes})
        if not tokens:
            return {}
        assert_no_unit()
        failed: dict[str, Exception] = {}
        gone: dict[str, Gone] = {}
        for token, outcome in zip(tokens, await self._client.push_all(tokens), strict=True):
            said = outcome if isinstance(outcome, PushUnanswered) else verdict(outcome, self._server_wait_s)
            if isinstance(said, Gone):
                gone[token] = said
            elif said is not None:
                failed[token] = said
        await self._forget(gone, len(tokens))
        self._alarm(failed)
        return {wish.pass_id: failed[wish.push_token] for wish in wishes if wish.push_token in failed}

    async def _forget(self, gone: Mapping[str, Gone], pushed: int) -> None:
        if not gone:
            return
        async with self._db.unit() as unit:
            for token in sorted(gone):
                await registry.forget(unit.connection, token, gone[token].since)
        # A large share at once is not phones going away but a wrong host or topic.
        note = log.error if len(gone) > 10 and 2 * len(gone) > pushed else log.info
        note("apple.push.forgot", gone=len(gone), pushed=pushed)

    def _alarm(self, failed: Mapping[str, Exception]) -> None:
        refused = [error for error in failed.values() if isinstance(error, PushRefused)]
        if refused:
            log.error("apple.push.refused", error=str(refused[0]), pushes=len(refused))
