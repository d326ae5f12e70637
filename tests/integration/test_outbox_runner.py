"""The runner of followers: awake at once, hard to stop by accident, easy to stop on purpose."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from kernel import outbox
from kernel.database import Database
from kernel.errors import CommonpointError, Unavailable
from kernel.outbox import Follower, Runner, touch

NEVER_S = 3600.0  # a poll so rare that only a notification can wake the runner in time
OFTEN_S = 0.02


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged, kept instead of printed."""
    with capture_logs() as kept:
        yield kept


async def until(true: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(20):
        while True:
            if await true():
                return
            await asyncio.sleep(0.01)


class Recorder:
    """A follower that notes what it was told; it fails or waits when it is asked to."""

    batch = 3

    def __init__(self, kind: str = "pass") -> None:
        self.kind = kind
        self.heard: Counter[str] = Counter()
        self.faults: list[Exception] = []
        self.at_work = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        self.at_work.set()
        await self.may_end.wait()
        if self.faults:
            raise self.faults.pop()
        self.heard.update(subjects)
        return {}

    async def hears(self, *subjects: str) -> None:
        async def all_heard() -> bool:
            return set(subjects) <= set(self.heard)

        await until(all_heard)


@asynccontextmanager
async def running(db: Database, *followers: Follower, poll_s: float = NEVER_S) -> AsyncIterator[Runner]:
    runner = Runner(db, followers, poll_s)
    task = asyncio.create_task(runner.run())
    await listeners(db, 1)
    yield runner
    runner.stop()
    async with asyncio.timeout(20):
        await task


async def write(db: Database, *subjects: str, kind: str = "pass") -> None:
    async with db.unit() as unit:
        await touch(unit.connection, kind, subjects)


async def listeners(db: Database, at_least: int, other_than: Sequence[int] = ()) -> list[int]:
    """Wait until that many connections listen, and return their backend process ids."""
    sql = """SELECT pid FROM pg_stat_activity
             WHERE datname = current_database() AND query LIKE 'LISTEN%' AND state = 'idle' AND pid <> ALL($1::int[])"""
    async with asyncio.timeout(20):
        while True:
            async with db.read() as read:
                pids = [row["pid"] for row in await read.connection.fetch(sql, other_than)]
            if len(pids) >= at_least:
                return pids
            await asyncio.sleep(0.01)


async def waiting_notes(db: Database) -> int:
    async with db.read() as read:
        return int(await read.connection.fetchval("SELECT count(*) FROM outbox"))


async def none_wait(db: Database) -> None:
    async def none() -> bool:
        return await waiting_notes(db) == 0

    await until(none)


async def test_a_change_wakes_its_follower_at_once(db: Database) -> None:
    passes, mirror = Recorder(), Recorder("mirror")
    async with running(db, passes, mirror):
        await write(db, "m1")
        await passes.hears("m1")
        await write(db, "m2", kind="mirror")
        await mirror.hears("m2")
        await none_wait(db)
    assert (passes.heard, mirror.heard) == (Counter(m1=1), Counter(m2=1))


async def test_what_waited_before_the_start_is_followed_in_batches(db: Database) -> None:
    subjects = [f"m{n}" for n in range(10)]
    await write(db, *subjects)
    follower = Recorder()
    async with running(db, follower):
        await follower.hears(*subjects)


async def test_without_a_notification_the_poll_finds_the_note(db: Database) -> None:
    follower = Recorder()
    async with running(db, follower, poll_s=OFTEN_S):
        async with db.unit() as unit:
            await unit.connection.execute(outbox.TOUCH, ["pass"], ["m1"])  # no NOTIFY with it
        await follower.hears("m1")


@pytest.mark.parametrize(
    "fault", [ValueError("a fault of ours"), Unavailable("away"), CommonpointError("odd"), TimeoutError()], ids=repr
)
async def test_a_follower_that_raises_is_asked_again(db: Database, fault: Exception) -> None:
    follower = Recorder()
    follower.faults = [fault]
    async with running(db, follower, poll_s=OFTEN_S):
        await write(db, "m1")
        await follower.hears("m1")
        await none_wait(db)


async def test_a_follower_that_hangs_is_given_up_and_asked_again(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LEASE_S", 0.05)
    follower = Recorder()
    follower.may_end.clear()
    async with running(db, follower, poll_s=OFTEN_S):
        await write(db, "m1")
        await follower.at_work.wait()
        await until(lambda: attempts(db))
        follower.may_end.set()
        await follower.hears("m1")


async def attempts(db: Database) -> int:
    async with db.read() as read:
        return int(await read.connection.fetchval("SELECT max(attempts) FROM outbox"))


async def test_a_listener_that_is_killed_comes_back(db: Database) -> None:
    follower = Recorder()
    async with running(db, follower):
        old = await listeners(db, 1)
        async with db.read() as read:
            await read.connection.execute("SELECT pg_terminate_backend($1)", old[0])
        await listeners(db, 1, other_than=old)
        await write(db, "m1")
        await follower.hears("m1")


async def test_the_runner_lives_through_the_loss_of_all_its_connections(db: Database) -> None:
    follower = Recorder()
    follower.may_end.clear()
    async with running(db, follower, poll_s=OFTEN_S):
        await write(db, "m1")
        await follower.at_work.wait()
        old = await listeners(db, 1)
        await kill_everybody_else(db.url)
        follower.may_end.set()
        await asyncio.sleep(0)
        fresh = await Database.connect(db.url)
        await listeners(fresh, 1, other_than=old)
        await write(fresh, "m2")
        await follower.hears("m1", "m2")
        await fresh.close()


async def kill_everybody_else(url: str) -> None:
    admin = await asyncpg.connect(url)
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await admin.close()


class Holder:
    """A follower that tells when it and another hold the same subject."""

    kind = "pass"
    batch = 4
    held: set[str]
    clashes: list[str]
    done: Counter[str]

    def __init__(self, held: set[str], clashes: list[str], done: Counter[str]) -> None:
        self.held, self.clashes, self.done = held, clashes, done

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        self.clashes.extend(self.held & set(subjects))
        self.held |= set(subjects)
        await asyncio.sleep(0.001)
        self.held -= set(subjects)
        self.done.update(subjects)
        return {}


async def test_two_runners_never_hold_the_same_note_at_once(db: Database) -> None:
    held: set[str] = set()
    clashes: list[str] = []
    done: Counter[str] = Counter()
    subjects = [f"m{n:02}" for n in range(40)]
    async with (
        running(db, Holder(held, clashes, done), poll_s=OFTEN_S),
        running(db, Holder(held, clashes, done), poll_s=OFTEN_S),
    ):
        for _ in range(5):
            await write(db, *subjects)
            await asyncio.sleep(0.01)
        await none_wait(db)
    assert clashes == []
    assert set(done) == set(subjects)


async def test_stop_lets_the_batch_in_hand_end(db: Database) -> None:
    follower = Recorder()
    follower.may_end.clear()
    runner = Runner(db, [follower], NEVER_S)
    await write(db, "m1")
    task = asyncio.create_task(runner.run())
    await follower.at_work.wait()
    runner.stop()
    follower.may_end.set()
    async with asyncio.timeout(20):
        await task
    assert follower.heard == Counter(m1=1)
    assert await waiting_notes(db) == 0


async def test_stop_before_there_is_anything_to_do(db: Database) -> None:
    async with running(db, Recorder(), Recorder("mirror")):
        pass


async def test_a_notification_about_a_kind_that_nobody_follows_is_ignored(db: Database) -> None:
    follower = Recorder()
    async with running(db, follower):
        await write(db, "x1", kind="unheard.of")
        await write(db, "m1")
        await follower.hears("m1")
    assert await waiting_notes(db) == 1
