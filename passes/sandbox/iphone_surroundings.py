"""What simulated iPhones share, so that twenty thousand of them fit into one process."""

import asyncio
import ssl
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

import msgspec

from passes.sandbox.apns import PushServer
from passes.sandbox.iphone_checks import Checks
from passes.sandbox.pass_paper import Shown
from passes.sandbox.wire import Reply, Wire, WireError

_RETRY_WAITS_S: Final = (0.2, 0.5, 1.0, 2.0, 4.0)
_AGENT: Final = {"user-agent": "passd/1 CFNetwork (simulated)"}
_COMPLAINTS_KEPT: Final = 1_000
_SHARED_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Update:
    """A phone shows something new since `at` (seconds of time.perf_counter)."""

    library_id: str
    shown: Shown
    notice: str | None
    at: float


@dataclass(frozen=True, slots=True)
class Home:
    """Where passes of one type are kept up to date."""

    base: str
    pass_type: str

    @property
    def quoted(self) -> str:
        """The pass type as a step of a path."""
        return quote(self.pass_type, safe="")


class ServiceError(Exception):
    """The passes web service gave an answer that the protocol does not know, or none."""


class Surroundings:
    """One trusted root, one push server and few connections. `on_update` hears of each new version.

    For a large fleet: `verify_every` verifies one file in so many (in `pool`, if given), and without `keeps_files` a
    phone forgets the file once it is read. `counts` tells "list 200", "fetch 304", "refused", "complaints" and so on.
    """

    def __init__(
        self,
        push_server: PushServer,
        root: bytes,
        *,
        on_update: Callable[[Update], None] | None = None,
        connections: int = 32,
        verify_every: int = 1,
        pool: Executor | None = None,
        keeps_files: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.push_server = push_server
        self.on_update = on_update
        self.keeps_files = keeps_files
        self.checks = Checks(root, verify_every, pool)
        self.counts: Counter[str] = Counter()
        self.complaints: deque[str] = deque(maxlen=_COMPLAINTS_KEPT)
        self.wire = Wire(connections, tls=tls)
        self._tasks: set[asyncio.Task[None]] = set()
        self._homes: dict[tuple[str, str], Home] = {}
        self._texts: dict[str, str] = {}
        self._labels: dict[frozenset[tuple[str, str]], Mapping[str, str]] = {}

    async def close(self) -> None:
        """Stop what the phones are doing and hang up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.wire.close()

    async def idle(self) -> None:
        """Wait until no phone is busy with an update."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def call(
        self,
        what: str,
        method: str,
        base: str,
        path: str,
        *,
        payload: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request to a web service, tried again a few times on faults, as phones do. Raises ServiceError."""
        body = None if payload is None else msgspec.json.encode(payload)
        sent = _AGENT | dict(headers or {})
        if body is not None:
            sent["content-type"] = "application/json"
        for wait_s in (*_RETRY_WAITS_S, None):
            try:
                reply = await self.wire.request(method, base, path, sent, body)
                self.counts[f"{what} {reply.status}"] += 1
                if reply.status < 500:
                    return reply
            except WireError:
                self.counts[f"{what} failed"] += 1
            if wait_s is None:
                break
            await asyncio.sleep(wait_s)
        raise ServiceError(f"{what}: the service does not answer")

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run in the background until done or the fleet ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def home(self, base: str, pass_type: str) -> Home:
        """The one object for a place: phones of one service share it."""
        return self._homes.setdefault((base, pass_type), Home(base, pass_type))

    def shared(self, new: Shown) -> Shown:
        """The same, with the texts that many phones show kept once."""
        if len(self._texts) > _SHARED_KEPT or len(self._labels) > _SHARED_KEPT:
            self._texts.clear()
            self._labels.clear()
        text = self._texts.setdefault
        return replace(
            new,
            tier=text(new.tier, new.tier),
            next_reward=text(new.next_reward, new.next_reward),
            organisation=text(new.organisation, new.organisation),
            labels=self._labels.setdefault(frozenset(new.labels.items()), new.labels),
        )
