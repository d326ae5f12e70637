"""The few calls of the Wallet API that a loyalty card needs, and what its refusals mean to us.

Methods: https://developers.google.com/wallet/reference/rest/v1/loyaltyobject; error body:
https://cloud.google.com/apis/design/errors. There is no delete: what is made stays.
"""

import asyncio
from collections.abc import Mapping

import aiohttp
import msgspec

from kernel.database import assert_no_unit
from kernel.errors import CommonpointError, Conflict, Forbidden, Invalid, NotFound, Unavailable
from passes.google.answer import bounded, retry_after_s
from passes.google.identity import GoogleIdentity
from passes.google.pace import Pace
from passes.google.schema.check import Body, Resource, check

API_URL = "https://walletobjects.googleapis.com"
_PREFIX = "/walletobjects/v1/"
_QUOTA_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "RESOURCE_EXHAUSTED"})


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


class WalletForbidden(Forbidden):
    """The service account may not write for this issuer: it has to be invited in the console."""

    code = "google_wallet_forbidden"
    title = "Google Wallet does not accept the service account"


class WalletUnavailable(Unavailable):
    """Google does not answer, or not so many calls in such a short time."""

    code = "google_wallet_unavailable"
    title = "Google Wallet is not available"


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


class WalletApi:
    """Calls for one issuer. Every body is checked against Google's type facts before it leaves.

    `http` belongs to the caller; `concurrency` bounds the calls under way and `timeout_s` each of them.
    """

    def __init__(
        self,
        identity: GoogleIdentity,
        http: aiohttp.ClientSession,
        base_url: str = API_URL,
        *,
        pace: Pace | None = None,
        concurrency: int = 24,
        timeout_s: float = 10.0,
    ) -> None:
        self.identity = identity
        self._http = http
        self._root = base_url.rstrip("/") + _PREFIX
        self._pace = pace or Pace()
        self._under_way = asyncio.Semaphore(concurrency)
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def insert(self, resource: Resource, body: Body) -> None:
        """POST a new class or object. Raises WalletExists for a known id, WalletNotFound for an unknown class."""
        check(resource, body)
        await self._call("POST", f"{resource}?fields=id", body)

    async def patch(self, resource: Resource, resource_id: str, body: Body) -> None:
        """PATCH absolute values; None removes a field. Raises WalletNotFound."""
        check(resource, body, patch=True)
        await self._call("PATCH", f"{resource}/{resource_id}?fields=id", body)

    async def _call(self, method: str, path: str, body: Body) -> None:
        """One call, and a second with a new token if the first one's was refused."""
        assert_no_unit()
        async with self._under_way:
            for last in (False, True):
                await self._pace.turn()
                token = await self.identity.access_token(self._http)
                status, headers, content = await self._exchange(method, path, body, token)
                if status == 401:
                    self.identity.reject(token)
                if status != 401 or last:
                    break
        if status >= 300:
            error = _refusal(method, status, headers, content)
            if isinstance(error, WalletUnavailable) and status < 500:
                self._pace.slow_down(error.retry_after_s)
            raise error

    async def _exchange(self, method: str, path: str, body: Body, token: str) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            async with self._http.request(
                method,
                self._root + path,
                data=msgspec.json.encode(body),
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                return response.status, response.headers, await bounded(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise WalletUnavailable(f"Google Wallet did not answer ({type(error).__name__}).") from error


def _refusal(method: str, status: int, headers: Mapping[str, str], content: bytes) -> CommonpointError:
    """What a refusal means to us. The body may be anything: a proxy's page, or nothing."""
    try:
        error = msgspec.json.decode(content, type=_ErrorBody).error
    except msgspec.DecodeError:
        error = _Error()
    detail = f"Google Wallet answered {status}: {error.message[:300] or 'no reason given'}"
    reasons = {error.status, *(reason.reason for reason in error.errors)}
    if "QuotaExceededException" in error.message:
        return NoticesSpent(detail)
    if status == 429 or (status == 403 and (reasons & _QUOTA_REASONS or "quota" in error.message.lower())):
        return WalletUnavailable(detail, retry_after_s=retry_after_s(headers), status=status)
    if status in (401, 403):
        return WalletForbidden(detail, status=status)
    if status == 404:
        return WalletNotFound(detail)
    if status == 409 and method == "POST":
        return WalletExists(detail)
    if status in (408, 409, 412) or status >= 500 or status < 400:
        return WalletUnavailable(detail, retry_after_s=retry_after_s(headers), status=status)
    return WalletRefused(detail, status=status)
