"""The few calls of the Wallet API that cards and coupons need: paced, repeated where that does no harm, and stopped
while every one of them would be refused.

https://developers.google.com/wallet/reference/rest. There is no delete: what is made stays.
"""

import asyncio
import random
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
import msgspec

from kernel.database import assert_no_unit
from passes.google.answer import bounded
from passes.google.identity import GoogleIdentity
from passes.google.pace import Lane, Pace
from passes.google.push_state import PushState, Standing
from passes.google.push_verdict import (
    NoticesSpent,
    WalletBusy,
    WalletExists,
    WalletForbidden,
    WalletNotFound,
    WalletRefused,
    WalletStopped,
    WalletUnanswered,
    WalletUnavailable,
    verdict,
)
from passes.google.schema.check import Body, Resource, check, check_message

__all__ = [
    "Lane",
    "NoticesSpent",
    "WalletApi",
    "WalletBusy",
    "WalletExists",
    "WalletForbidden",
    "WalletNotFound",
    "WalletRefused",
    "WalletUnanswered",
    "WalletUnavailable",
]

API_URL = "https://walletobjects.googleapis.com"
_PREFIX = "/walletobjects/v1/"
# Somebody who waits at a screen gets more tries; the notes of all others are tried again by their worker.
_TRIES: Final[Mapping[Lane, int]] = {Lane.INTERACTIVE: 3}
_FIRST_PAUSE_S: Final = 0.2
_CONNECTION_LOST = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionResetError)


class WalletApi:
    """Calls for one issuer. Every body is checked against Google's type facts before it leaves.

    `http` belongs to the caller; `concurrency` bounds the calls under way in each lane and `timeout_s` each of them.
    Every call may raise WalletForbidden, WalletUnavailable, GooglePaceExceeded, and what the identity raises.
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
        self.pace = pace or Pace()
        self.standing = Standing(identity.issuer_id)
        self._http = http
        self._root = base_url.rstrip("/") + _PREFIX
        # One for each lane: who fixes many cards must not take the places of those who are waited for.
        self._under_way = {lane: asyncio.Semaphore(concurrency) for lane in Lane}
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    def state(self) -> PushState:
        """How calls go in this process."""
        return self.standing.shown(self.pace.rate_per_s)

    async def insert(self, resource: Resource, body: Body, lane: Lane = Lane.LIVE) -> None:
        """POST a new class or object. Raises WalletExists for a known id, WalletNotFound for an unknown class."""
        check(resource, body)
        await self._call("POST", f"{resource}?fields=id", body, lane)

    async def patch(self, resource: Resource, resource_id: str, body: Body, lane: Lane = Lane.LIVE) -> None:
        """PATCH absolute values; None removes a field. Raises WalletNotFound, and NoticesSpent or WalletUnanswered for
        one that notifies."""
        check(resource, body, patch=True)
        # A notification is the one thing that a second PATCH would do twice.
        again = "notifyPreference" not in body
        await self._call("PATCH", f"{resource}/{resource_id}?fields=id", body, lane, again=again)

    async def get(self, resource: Resource, resource_id: str, fields: str, lane: Lane = Lane.SPARE) -> dict[str, Any]:
        """The named top-level fields (`"id,hasUsers"`), read tolerantly: any of them may be missing. Raises
        WalletNotFound."""
        return _read(await self._call("GET", f"{resource}/{resource_id}?fields={fields}", None, lane))

    async def issuer(self, fields: str = "issuerId,name", lane: Lane = Lane.SPARE) -> dict[str, Any]:
        """What Google keeps of the issuer. Raises WalletNotFound."""
        path = f"issuer/{self.identity.issuer_id}?fields={fields}"
        return _read(await self._call("GET", path, None, lane))

    async def add_message(self, resource: Resource, resource_id: str, message: Body, lane: Lane = Lane.LIVE) -> None:
        """Add a message. Twice is two messages: after WalletUnanswered look for its id before trying again. Raises
        WalletNotFound, NoticesSpent."""
        check_message(message)
        path = f"{resource}/{resource_id}/addMessage?fields=resource.id"
        await self._call("POST", path, {"message": message}, lane, again=False)

    async def save_jwt(self, jwt: str, lane: Lane = Lane.INTERACTIVE) -> str:
        """The short address that Google makes of a save link which is too long for browsers."""
        answer = _read(await self._call("POST", "jwt?fields=saveUri", {"jwt": jwt}, lane))
        address = answer.get("saveUri")
        if not isinstance(address, str) or not address:
            raise WalletUnavailable("Google Wallet answered without an address.")
        return address

    async def _call(self, method: str, path: str, body: Body | None, lane: Lane, *, again: bool = True) -> bytes:
        """One call; repeated at once when the connection it was to use had died, and, for somebody who waits, a little
        later when Google fails. `again` says that it may be carried out twice."""
        assert_no_unit()
        tries = _TRIES.get(lane, 1) if again else 1
        async with self._under_way[lane]:
            for number in range(1, tries + 1):
                try:
                    return await self._judged(method, path, body, lane, again=again)
                except WalletBusy:
                    raise  # the pace knows better when to come again
                except WalletUnavailable:
                    if number == tries:
                        raise
                await asyncio.sleep(random.uniform(0, _FIRST_PAUSE_S * 2**number))
        raise AssertionError("unreachable")

    async def _judged(self, method: str, path: str, body: Body | None, lane: Lane, *, again: bool) -> bytes:
        """An accepted call's answer, and what the others say of the issuer noted."""
        if (stopped := self.standing.stopped()) is not None:
            raise stopped
        try:
            status, headers, content = await self._authorized(method, path, body, lane, again=again)
            error = verdict(method, status, headers, content)
            if error is not None:
                raise error
        except WalletStopped as refusal:
            self.standing.halt(refusal)
            raise
        except WalletUnavailable as trouble:
            if isinstance(trouble, WalletBusy):
                self.pace.slow_down(trouble.retry_after_s)
            self.standing.hold_up(trouble)
            raise
        except (NoticesSpent, WalletExists, WalletNotFound, WalletRefused):
            self._went_well()  # an answer about this card: the issuer is in order
            raise
        self._went_well()
        return content

    def _went_well(self) -> None:
        self.standing.resume()
        self.pace.went_well()

    async def _authorized(
        self, method: str, path: str, body: Body | None, lane: Lane, *, again: bool
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One exchange, and a second with a new token if the first one's was refused."""
        for last in (False, True):
            token = await self.identity.access_token(self._http)
            answer = await self._exchanged(method, path, body, token, lane, again=again)
            if answer[0] != 401:
                return answer
            self.identity.reject(token)
            if last:
                return answer
        raise AssertionError("unreachable")

    async def _exchanged(
        self, method: str, path: str, body: Body | None, token: str, lane: Lane, *, again: bool
    ) -> tuple[int, Mapping[str, str], bytes]:
        try:
            await self.pace.turn(lane)
            try:
                return await self._exchange(method, path, body, token)
            except _CONNECTION_LOST:
                # Google closes connections that rest, and we may be just about to use one.
                if not again:
                    raise
                await self.pace.turn(lane)
                return await self._exchange(method, path, body, token)
        except aiohttp.ClientConnectorError as error:
            raise WalletUnavailable(f"Google Wallet cannot be reached ({type(error).__name__}).") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise WalletUnanswered(f"Google Wallet did not answer ({type(error).__name__}).") from error

    async def _exchange(
        self, method: str, path: str, body: Body | None, token: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        async with self._http.request(
            method,
            self._root + path,
            data=None if body is None else msgspec.json.encode(body),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            timeout=self._timeout,
            allow_redirects=False,
        ) as response:
            return response.status, response.headers, await bounded(response)


def _read(content: bytes) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise WalletUnavailable("Google Wallet's answer is no JSON.") from error
    return answer if isinstance(answer, dict) else {}
