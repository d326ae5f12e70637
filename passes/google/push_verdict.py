"""What each answer of the Wallet API asks of us. Pure.

Methods: https://developers.google.com/wallet/reference/rest/v1/loyaltyobject; error body:
https://cloud.google.com/apis/design/errors.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from kernel.errors import CommonpointError, Conflict, Invalid, NotFound, Unavailable
from passes.google.answer import retry_after_s

_QUOTA_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "RESOURCE_EXHAUSTED"})
_NOTICES = "QuotaExceededException"
_SHOWN_LENGTH: Final = 300


class WalletNotFound(NotFound):
    """The object, or the class that an object names, is not at Google."""

    code = "google_wallet_not_found"
    title = "Google Wallet does not have it"


class WalletExists(Conflict):
    """An insert of an id that exists already."""

    code = "google_wallet_exists"
    title = "Google Wallet has it already"


class WalletRefused(Invalid):
    """Google refuses this body and always will."""

    code = "google_wallet_refused"
    title = "Google Wallet refused the card"


class WalletStopped(Unavailable):
    """Every call would be refused until an operator mends something, so none is made but a trial now and then."""

    code = "google_wallet_stopped"
    title = "Calls to Google Wallet are stopped"


class WalletForbidden(WalletStopped):
    """The service account may not write for this issuer: it has to be invited in the console."""

    code = "google_wallet_forbidden"
    title = "Google Wallet does not accept the service account"


class WalletUnavailable(Unavailable):
    """Google does not answer, or not so many calls in such a short time."""

    code = "google_wallet_unavailable"
    title = "Google Wallet is not available"


class WalletBusy(WalletUnavailable):
    """Too many calls: Google asks to slow down."""

    code = "google_wallet_busy"
    title = "Google Wallet asks to slow down"


class WalletUnanswered(WalletUnavailable):
    """The call may have been carried out or not: no answer came."""

    code = "google_wallet_unanswered"


class NoticesSpent(Conflict):
    """The pass has had its three notifications of 24 hours; the change itself may be sent without one."""

    code = "google_wallet_notices_spent"
    title = "No notification is left for this pass today"


class _Reason(msgspec.Struct):
    reason: str = ""


class _Error(msgspec.Struct):
    message: str = ""
    status: str = ""
    errors: list[_Reason] = []


class _ErrorBody(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


def verdict(method: str, status: int, headers: Mapping[str, str], content: bytes) -> CommonpointError | None:
    """What an answer means to us; None for success. The body may be anything: a proxy's page, or nothing."""
    if 200 <= status < 300:
        return None
    error = _read(content)
    said = f"Google Wallet answered {status}: {error.message[:_SHOWN_LENGTH] or 'no reason given'}"
    reasons = {error.status, *(reason.reason for reason in error.errors)}
    if _NOTICES in error.message or _NOTICES in reasons:
        return NoticesSpent(said)
    if status == 429 or (status == 403 and (reasons & _QUOTA_REASONS or "quota" in error.message.lower())):
        return WalletBusy(said, retry_after_s=retry_after_s(headers), status=status)
    if status in (401, 403):
        return WalletForbidden(said, status=status)
    if status == 404:
        return WalletNotFound(said)
    if status == 409 and method == "POST":
        return WalletExists(said)
    if status in (408, 504):  # whoever gave up waiting does not know either
        return WalletUnanswered(said, retry_after_s=retry_after_s(headers), status=status)
    if status in (409, 412) or status >= 500 or status < 400:
        return WalletUnavailable(said, retry_after_s=retry_after_s(headers), status=status)
    return WalletRefused(said, status=status)


def _read(content: bytes) -> _Error:
    try:
        return msgspec.json.decode(content, type=_ErrorBody).error
    except msgspec.DecodeError:
        return _Error()
