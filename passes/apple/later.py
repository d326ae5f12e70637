"""Small writes gathered for a moment: many facts, one transaction."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from typing import Final

import structlog

log = structlog.get_logger(__name__)

KEYS_KEPT: Final = 50_000


class Later:
    """Calls `work` once, `wait_s` seconds after it was first asked for; what is asked meanwhile shares that call.

    For facts that may be lost in a crash: nobody waits for them.
    """

    def __init__(self, work: Callable[[], Awaitable[None]], wait_s: float) -> None:
        self._work = work
        self._wait_s = wait_s
        self._waiting = False
        self._hurry = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self) -> None:
        """See to it that `work` runs soon."""
        if self._waiting:
            return
        self._waiting = True
        # A context of its own: the caller's transaction, if any, is none of its business.
        task = asyncio.get_running_loop().create_task(self._run(), context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Do now what was asked for."""
        self._hurry.set()
        await asyncio.gather(*self._tasks)

    async def _run(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), self._wait_s)
        self._waiting = False  # what is asked for from here on may come too late for this call
        try:
            await self._work()
        except Exception as error:
            log.warning("apple.later.failed", error=repr(error)[:300])


class PerMinute:
    """How much each of many strangers may ask for within a minute of the clock. Bounded: it forgets every minute."""

    def __init__(self, most: int, now_s: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._now_s = now_s
        self._minute = -1
        self._taken: dict[str, int] = {}

    def take(self, key: str, wanted: int = 1) -> int:
        """How many of the `wanted` are granted; beyond `KEYS_KEPT` keys a minute, new ones share one allowance."""
        minute = int(self._now_s() // 60)
        if minute != self._minute:
            self._minute = minute
            self._taken.clear()
        if key not in self._taken and len(self._taken) >= KEYS_KEPT:
            key = ""
        taken = self._taken.get(key, 0)
        granted = max(0, min(wanted, self._most - taken))
        self._taken[key] = taken + granted
        return granted
