"""The root keys that vouch for Google's callbacks: fetched, kept until they end, and fetched again when they may have
changed.

Whoever knows the callbacks' address can send a bad signature, so a bad signature must not make us ask Google: at most
one forced fetch in five minutes. Keys: https://pay.google.com/gp/m/issuer/keys
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import aiohttp
import structlog

from kernel.clock import Clock, SystemClock
from kernel.database import assert_no_unit
from kernel.errors import Unavailable
from passes.google.answer import bounded
from passes.google.ecv2 import RootKey, root_keys

log = structlog.get_logger(__name__)

LONGEST_S = 24 * 3600.0
SHORTEST_S = 60.0
FORCED_EVERY_S = 300.0
_TIMEOUT = aiohttp.ClientTimeout(total=10)
# A key that is about to end may have a follower already.
_AHEAD = timedelta(hours=1)


class RootKeysUnavailable(Unavailable):
    """Google's root keys cannot be had, and none that were fetched before are good."""

    code = "google_root_keys_unavailable"
    title = "Google's root keys are not available"


class RootKeys:
    """The keys of one address. `monotonic` gives seconds for the ages, `clock` the moment that keys are good at."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        clock: Clock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._url = url
        self._clock = clock or SystemClock()
        self._monotonic = monotonic
        self._kept: Sequence[RootKey] = ()
        self._next_at_s = float("-inf")
        self._forced_at_s = float("-inf")
        self._fetching = asyncio.Lock()

    async def keys(self) -> Sequence[RootKey]:
        """The keys that are good now, at most a day old. While Google does not answer, those fetched before serve until
        they end. Raises RootKeysUnavailable when there is none.
        """
        waits = not self._good() or not self._fetching.locked()
        if waits and self._monotonic() >= self._next_at_s:
            async with self._fetching:
                if self._monotonic() >= self._next_at_s:
                    await self._fetch()
        good = self._good()
        if not good:
            wait_s = max(1.0, self._next_at_s - self._monotonic())
            raise RootKeysUnavailable("No root key of Google's is known that is good now.", wait_s)
        return good

    async def newer(self, than: Sequence[RootKey]) -> bool:
        """Whether there are other keys than these, which did not fit. Google is asked out of turn unless that was done
        within the last five minutes.
        """
        async with self._fetching:
            if _named(self._kept) == _named(than) and self._monotonic() - self._forced_at_s >= FORCED_EVERY_S:
                self._forced_at_s = self._monotonic()
                await self._fetch()
            return bool(_named(self._kept) - _named(than))

    def _good(self) -> Sequence[RootKey]:
        now = self._clock.now()
        return [key for key in self._kept if key.expires_at > now]

    async def _fetch(self) -> None:
        """Replace the keys by those of Google's list, if it answers with one that has a good key."""
        assert_no_unit()
        fetched = await self._listed()
        now = self._clock.now()
        good = [key for key in fetched if key.expires_at > now]
        if not good:
            self._next_at_s = self._monotonic() + SHORTEST_S
            return
        self._kept = good
        left_s = (min(key.expires_at for key in good) - _AHEAD - now).total_seconds()
        self._next_at_s = self._monotonic() + min(max(left_s, SHORTEST_S), LONGEST_S)

    async def _listed(self) -> Sequence[RootKey]:
        try:
            async with self._http.get(self._url, timeout=_TIMEOUT, allow_redirects=False) as response:
                status, content = response.status, await bounded(response)
            if status != 200:
                raise ValueError(f"status {status}")
            return root_keys(content)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            log.warning("google.root_keys", error=f"{type(error).__name__}: {error}"[:200])
            return ()


def _named(keys: Sequence[RootKey]) -> set[object]:
    return {key.key.public_numbers() for key in keys}
