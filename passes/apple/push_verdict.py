"""What each answer of the push service asks of us. Pure.

https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias

from kernel.errors import Invalid, Unavailable
from passes.apple.apns_connection import ACCEPTED, Answer

DEVICE_WAIT_S: Final = 60.0
SERVER_WAIT_S: Final = 900.0  # Apple asks to leave a failing server alone for a quarter of an hour
TOKEN_WAIT_S: Final = 1200.0  # between two provider tokens
_RECONNECT_S: Final = 1.0

_DEAD = frozenset({"BadDeviceToken", "DeviceTokenNotForTopic"})
_CERTIFICATE = frozenset({"BadCertificate", "BadCertificateEnvironment"})
_ACCESS = frozenset({
    "InvalidProviderToken", "MissingProviderToken", "Forbidden", "UnrelatedKeyIdInToken", "BadEnvironmentKeyIdInToken",
    "BadTopic", "MissingTopic", "TopicDisallowed",
})  # fmt: skip
_MISTAKE = frozenset({
    "BadPriority", "BadExpirationDate", "BadCollapseId", "InvalidPushType", "PayloadEmpty", "PayloadTooLarge",
    "DuplicateHeaders", "BadMessageId", "MissingDeviceToken", "BadPath", "MethodNotAllowed",
})  # fmt: skip


class PushRefused(Invalid):
    """This push is wrong and stays wrong. The registration is kept."""

    code = "apple_push_refused"
    title = "Apple's push service refuses a push"


class PushUnanswered(Unavailable):
    """The push service could not be reached, or did not answer."""

    code = "apple_push_unanswered"
    title = "Apple's push service does not answer"


class PushWaits(Unavailable):
    """The push service asks to wait."""

    code = "apple_push_waits"
    title = "Apple's push service asks to wait"


class DeviceWaits(PushWaits):
    """One device had too many pushes: it alone is left alone for a while."""

    code = "apple_push_device_waits"


class PushStopped(Unavailable):
    """Certificate, key or topic are refused: every further push would be too, so none is sent until that is mended."""

    code = "apple_push_stopped"
    title = "Pushes to Apple are stopped"


class TokenWaits(PushWaits):
    """Provider tokens changed too often; the whole connection is refused until Apple has calmed down."""

    code = "apple_push_token_waits"


@dataclass(frozen=True, slots=True)
class Gone:
    """The device will not hear of this topic again; `since` is when the token died, if told."""

    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """Send it once more on a new connection; if that does not help, `else_` is what has to be said."""

    else_: "PushWaits | PushStopped"


Said: TypeAlias = Gone | PushRefused | PushWaits | PushStopped | PushUnanswered | None
Verdict: TypeAlias = Said | Again


def verdict(answer: Answer, server_wait_s: float = SERVER_WAIT_S) -> Verdict:
    """What an answer asks of us; None when the push was accepted."""
    said, reason = f"{answer.status} {answer.reason}".strip(), answer.reason
    if answer is ACCEPTED or answer.status == 200:
        return None
    if answer.status == 410:
        return Gone(_moment(answer.timestamp_ms))
    if answer.status == 400 and reason in _DEAD:
        return Gone()
    if reason == "IdleTimeout":
        return Again(_moment_please(said))
    if reason == "ExpiredProviderToken":  # again: it had expired at birth
        return Again(PushStopped(f"The push service finds our provider token too old ({said}). Is the clock right?"))
    if reason == "Shutdown":
        return _moment_please(said)
    if reason == "TooManyProviderTokenUpdates":
        return TokenWaits(f"Provider tokens changed too often ({said}).", retry_after_s=TOKEN_WAIT_S)
    if answer.status == 429:
        return DeviceWaits(f"Too many pushes to one device ({said}).", retry_after_s=DEVICE_WAIT_S)
    if answer.status >= 500:
        return PushWaits(f"The push service has a fault ({said}).", retry_after_s=server_wait_s)
    return _refusal(said, reason)


def _moment_please(said: str) -> PushWaits:
    return PushWaits(f"The push service closed the door for a moment ({said}).", retry_after_s=_RECONNECT_S)


def _refusal(said: str, reason: str) -> PushStopped | PushRefused:
    if reason in _CERTIFICATE:
        return PushStopped(f"The push service does not accept our certificate ({said}).", reason=reason)
    if reason in _ACCESS:
        return PushStopped(f"The push service does not let us push to this pass type ({said}).", reason=reason)
    if reason in _MISTAKE:
        return PushStopped(f"The push service does not understand our pushes ({said}).", reason=reason)
    return PushRefused(f"The push service does not accept a push ({said}).", reason=reason)


def parting(reason: str) -> PushStopped | TokenWaits | None:
    """What the reason in a GOAWAY asks of us, if more than to connect again."""
    said = verdict(Answer(429 if reason == "TooManyProviderTokenUpdates" else 403, reason))
    return said if isinstance(said, PushStopped | TokenWaits) else None


def _moment(timestamp_ms: int | None) -> datetime | None:
    if not timestamp_ms:
        return None
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
