"""Two lanes: what a till did never stands behind a change of many, and a change of many goes as fast as it may."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from kernel import outbox
from kernel.database import Database
from kernel.outbox import BULK, LIVE, Follower, Runner, touch


class Kitchen:
    """A follower that takes its time over each batch that holds `slow`, and remembers the order of what it did."""

    kind = "pass"
    batch = 2

    def __init__(self, slow: str = "") -> None:
        self.done: list[str] = []
        self.may_end = asyncio.Event()
        self.slow = slow

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        if self.slow in subjects:
            await self.may_end.wait()
        self.done += sorted(subjects)
        return {}


class Narrow(Kitchen):
    """A follower whose bulk lane has so many seats; who was served leaves when told to."""

    batch = 10

    def __init__(self, seats: int) -> None:
        super().__init__()
        self.seats = seats
        self.most = 0

    async def room(self) -> int:
        return self.seats

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        self.most = max(self.most, len(subjects))
        self.seats -= len(subjects)
        return await super().follow(subjects)


@asynccontextmanager
async def running(db: Database, follower: Follower) -> AsyncIterator[None]:
    runner = Runner(db, [follower], poll_s=0.02)
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        runner.stop()
        async with asyncio.timeout(20):
            await task


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while True:
            if true():
                return
            await asyncio.sleep(0.01)


async def until_done(kitchen: Kitchen, *subjects: str) -> None:
    await until(lambda: set(subjects) <= set(kitchen.done))


async def write(db: Database, lane: int, *subjects: str) -> None:
    async with db.unit() as unit:
        await touch(unit.connection, "pass", subjects, lane)


async def lane_of(db: Database, subject: str) -> int:
    async with db.read() as read:
        return int(await read.connection.fetchval("SELECT lane FROM outbox WHERE subject = $1", subject))


async def test_a_till_is_served_while_a_change_of_many_is_under_way(db: Database) -> None:
    kitchen = Kitchen(slow="many1")
    async with running(db, kitchen):
        await write(db, BULK, "many1", "many2", "many3")
        await asyncio.sleep(0.1)
        await write(db, LIVE, "guest")
        await until_done(kitchen, "guest")
        assert "many1" not in kitchen.done
        kitchen.may_end.set()
        await until_done(kitchen, "many1", "many2", "many3")


async def test_what_a_till_and_a_change_of_many_both_touch_is_the_tills(db: Database) -> None:
    await write(db, BULK, "m1")
    await write(db, LIVE, "m1")
    await write(db, LIVE, "m2")
    await write(db, BULK, "m2")
    assert (await lane_of(db, "m1"), await lane_of(db, "m2")) == (LIVE, LIVE)


async def test_each_lane_claims_its_own(db: Database) -> None:
    await write(db, BULK, "many")
    await write(db, LIVE, "guest")
    assert [note.subject for note in await outbox.claim(db, "pass", 10, lane=LIVE)] == ["guest"]
    assert [note.subject for note in await outbox.claim(db, "pass", 10, lane=BULK)] == ["many"]


async def test_a_change_of_many_waits_for_room_and_a_till_does_not(db: Database) -> None:
    narrow = Narrow(seats=3)
    async with running(db, narrow):
        await write(db, BULK, *(f"many{number}" for number in range(8)))
        await until(lambda: len(narrow.done) >= 3)
        await asyncio.sleep(0.2)
        assert len(narrow.done) == 3
        await write(db, LIVE, "guest")
        await until_done(narrow, "guest")
        assert len(narrow.done) == 4
        narrow.seats = 100
        await until_done(narrow, *(f"many{number}" for number in range(8)))
    assert len(narrow.done) == 9


async def test_a_claim_of_one_lane_is_no_larger_than_asked(db: Database) -> None:
    await write(db, BULK, *(f"many{number:03}" for number in range(500)))
    async with db.unit() as unit:
        await unit.connection.execute("ANALYZE outbox")
    assert len(await outbox.claim(db, "pass", 24, lane=BULK)) == 24
    assert len(await outbox.claim(db, "pass", 7)) == 7
