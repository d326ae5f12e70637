"""How the sandbox's Google tells an issuer that a card was saved or deleted: late, twice, out of order or never.

Google promises neither delivery nor order, so what comes through here may be scripted to be as bad as it gets.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import aiohttp

_TIMEOUT = aiohttp.ClientTimeout(total=5.0)
_MOST_UNDER_WAY = 8
_MOST_REMEMBERED = 10_000
_RETRIES_AFTER_S = (0.05, 0.2, 1.0)


@dataclass(slots=True)
class Sent:
    """A callback on its way: `statuses` are the answers to its deliveries so far, 0 where there was none."""

    url: str
    body: bytes
    object_id: str
    event: str
    statuses: list[int]


class CallbackPost:
    """Posts callbacks in the background; a status other than 200 is tried again a few times.

    The script: `copies` deliveries of each, `delay_s` before each, `lose(n)` for the next n that are never sent, and
    `hold()` to keep all until `release()` sends them in the order that it is given. `sent` are the newest.
    """

    def __init__(self) -> None:
        self.copies = 1
        self.delay_s = 0.0
        self.sent: deque[Sent] = deque(maxlen=_MOST_REMEMBERED)
        self._lost = 0
        self._held: list[Sent] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(_MOST_UNDER_WAY)

    def lose(self, times: int) -> None:
        """The next `times` callbacks are never sent."""
        self._lost += times

    def hold(self) -> None:
        """From now on nothing is sent before `release`."""
        self._held = self._held or []

    def release(self, order: Callable[[Sequence[Sent]], Sequence[Sent]] = tuple) -> None:
        """Send what was held, in the order that `order` puts it (it may repeat some), and hold nothing any more."""
        held, self._held = self._held or [], None
        for one in order(held):
            self._start(one)

    def post(self, url: str, body: bytes, object_id: str, event: str) -> None:
        """A callback happened."""
        if self._lost:
            self._lost -= 1
            return
        one = Sent(url, body, object_id, event, [])
        self.sent.append(one)
        if self._held is None:
            self._start(one)
        else:
            self._held.append(one)

    async def settled(self) -> None:
        """Wait until nothing is on its way."""
        while self._under_way:
            await asyncio.gather(*self._under_way, return_exceptions=True)

    async def close(self) -> None:
        """Forget what is on its way."""
        for task in self._under_way:
            task.cancel()
        await self.settled()

    def _start(self, one: Sent) -> None:
        for _ in range(self.copies):
            task = asyncio.create_task(self._deliver(one))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _deliver(self, one: Sent) -> None:
        await asyncio.sleep(self.delay_s)
        async with self._places:
            for wait_s in (*_RETRIES_AFTER_S, None):
                if await self._status(one) == 200 or wait_s is None:
                    return
                await asyncio.sleep(wait_s)

    async def _status(self, one: Sent) -> int:
        status = 0
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
                headers = {"content-type": "application/json"}
                async with http.post(one.url, data=one.body, headers=headers, allow_redirects=False) as response:
                    status = response.status
        one.statuses.append(status)
        return status
