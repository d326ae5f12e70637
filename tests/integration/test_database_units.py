"""One way to write, one way to read."""

import asyncio
import contextvars
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
from sqlmodel import select

from kernel.database import Database, DatabaseAway, assert_no_unit, sqlalchemy_url
from kernel.embedded import with_database
from kernel.errors import Unavailable
from kernel.tables import OutboxNote

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
INSERT = "INSERT INTO outbox (kind, subject) VALUES ('pass', $1)"


@pytest.fixture
async def narrow(database_url: str) -> AsyncIterator[Database]:
    """A pool that holds one connection, so that the next user gets the one that the last user left."""
    database = await Database.connect(database_url, pool_size=1)
    yield database
    await database.close()


def a_note(subject: str) -> OutboxNote:
    return OutboxNote(kind="pass", subject=subject, version=7, due=NOON, touched_at=NOON)


async def subjects(db: Database) -> list[str]:
    async with db.read() as read:
        return [row["subject"] for row in await read.connection.fetch("SELECT subject FROM outbox ORDER BY subject")]


async def kill_all_others(url: str) -> None:
    admin = await asyncpg.connect(url)
    await admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await admin.close()
    await asyncio.sleep(0)


async def test_leaving_a_unit_commits(db: Database) -> None:
    async with db.unit() as unit:
        await unit.connection.execute(INSERT, "m1")
        assert await subjects(db) == []
    assert await subjects(db) == ["m1"]


async def test_an_exception_rolls_a_unit_back(db: Database) -> None:
    async def write_and_fail() -> None:
        async with db.unit() as unit:
            await unit.connection.execute(INSERT, "m1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()
    assert await subjects(db) == []


async def test_a_cancelled_unit_rolls_back(db: Database) -> None:
    inside = asyncio.Event()

    async def write_and_wait() -> None:
        async with db.unit() as unit:
            await unit.connection.execute(INSERT, "m1")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_and_wait())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await subjects(db) == []


async def test_orm_and_raw_sql_share_one_transaction(db: Database) -> None:
    async with db.unit() as unit:
        await unit.connection.execute(INSERT, "raw")
        unit.session.add(a_note("orm"))
        await unit.session.flush()
        seen = await unit.connection.fetch("SELECT subject FROM outbox")
        assert {row["subject"] for row in seen} == {"raw", "orm"}
        assert len((await unit.session.exec(select(OutboxNote))).all()) == 2
        assert await subjects(db) == []
    assert await subjects(db) == ["orm", "raw"]


async def test_orm_and_raw_sql_roll_back_together(db: Database) -> None:
    async def write_and_fail() -> None:
        async with db.unit() as unit:
            await unit.connection.execute(INSERT, "raw")
            unit.session.add(a_note("orm"))
            await unit.session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()
    assert await subjects(db) == []


async def test_what_the_orm_has_not_flushed_is_flushed_at_the_end(db: Database) -> None:
    async with db.unit() as unit:
        unit.session.add(a_note("orm"))
    assert await subjects(db) == ["orm"]


async def test_a_unit_inside_a_unit_is_refused(db: Database) -> None:
    async with db.unit() as unit:
        await unit.connection.execute(INSERT, "m1")
        with pytest.raises(RuntimeError, match="open already"):
            async with db.unit():
                pass
    assert await subjects(db) == ["m1"]


async def test_network_is_refused_inside_a_unit_and_in_what_it_started(db: Database) -> None:
    async def reach_out() -> None:
        assert_no_unit()

    async with db.unit():
        with pytest.raises(RuntimeError, match="network"):
            assert_no_unit()
        with pytest.raises(RuntimeError, match="network"):
            await asyncio.gather(reach_out())
        await asyncio.create_task(reach_out(), context=contextvars.Context())  # somebody else's task may
    assert_no_unit()
    async with db.read():
        assert_no_unit()


async def test_units_of_different_tasks_are_apart(db: Database) -> None:
    async def write(subject: str) -> None:
        async with db.unit() as unit:
            await unit.connection.execute(INSERT, subject)

    await asyncio.gather(*(write(f"m{n}") for n in range(8)))
    assert len(await subjects(db)) == 8


async def test_a_read_shows_one_moment(db: Database) -> None:
    async with db.read() as read:
        assert await read.connection.fetchval("SELECT count(*) FROM outbox") == 0
        async with db.unit() as unit:
            await unit.connection.execute(INSERT, "m1")
        assert await read.connection.fetchval("SELECT count(*) FROM outbox") == 0
        assert (await read.session.exec(select(OutboxNote))).all() == []
    assert await subjects(db) == ["m1"]


async def test_a_read_refuses_to_write(db: Database) -> None:
    async with db.read() as read:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await read.connection.execute(INSERT, "m1")


async def test_jsonb_is_written_as_text_and_read_as_values_everywhere(db: Database) -> None:
    values: list[object] = [{"a": [1, None, "é"]}, [], 12, "text", None, True]
    own = await db.dedicated()
    async with db.read() as read:
        for value in values:
            for connection in (read.connection, own):
                assert await connection.fetchval("SELECT $1::jsonb", json.dumps(value)) == value
    await own.close()


async def test_a_server_that_is_not_there_is_away(tmp_path: object) -> None:
    with pytest.raises(DatabaseAway) as away:
        await Database.connect("postgresql://postgres@127.0.0.1:1/nothing")
    assert isinstance(away.value, Unavailable)
    assert away.value.retry_after_s is not None
    with pytest.raises(DatabaseAway):
        await Database.connect(f"postgresql://postgres@/nothing?host={tmp_path}")


async def test_a_connection_that_breaks_inside_a_unit_is_away_and_nothing_is_kept(db: Database) -> None:
    async def write_while_it_breaks() -> None:
        async with db.unit() as unit:
            await unit.connection.execute(INSERT, "m1")
            await kill_all_others(db.url)
            await unit.connection.execute(INSERT, "m2")

    with pytest.raises(DatabaseAway):
        await write_while_it_breaks()
    assert await subjects(db) == []


async def test_a_connection_that_breaks_under_the_orm_is_away(db: Database) -> None:
    async def read_while_it_breaks() -> None:
        async with db.unit() as unit:
            await unit.session.exec(select(OutboxNote))
            await kill_all_others(db.url)
            await unit.session.exec(select(OutboxNote))

    with pytest.raises(DatabaseAway):
        await read_while_it_breaks()
    assert await subjects(db) == []


async def test_connections_that_broke_while_idle_are_replaced_unseen(db: Database) -> None:
    await asyncio.gather(*(subjects(db) for _ in range(5)))
    await kill_all_others(db.url)
    for _ in range(10):
        assert await subjects(db) == []


async def test_a_connection_left_inside_a_transaction_is_not_handed_out_again(narrow: Database) -> None:
    async with narrow.read() as read:
        left = read.connection
    await left.execute("BEGIN")  # a unit in here would be a savepoint, and its commit none
    async with narrow.unit() as unit:
        await unit.connection.execute(INSERT, "m1")
    fresh = await asyncpg.connect(narrow.url)
    assert await fresh.fetchval("SELECT count(*) FROM outbox") == 1
    await fresh.close()


async def test_an_exhausted_pool_is_away(narrow: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(narrow._engine.pool, "_timeout", 0.05)
    async with narrow.read(), narrow.read():  # the pool's one and its one in reserve
        with pytest.raises(DatabaseAway):
            async with narrow.read():
                pass
    assert await subjects(narrow) == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me:pw@h:5433/x", "postgresql+asyncpg://me:pw@h:5433/x"),
        ("postgres://h/x", "postgresql+asyncpg://h/x"),
        ("postgresql://me@/x?host=/tmp/a b", "postgresql+asyncpg://me@/x?host=%2Ftmp%2Fa%20b"),
    ],
)
def test_a_url_in_the_form_that_sqlalchemy_reads(url: str, expected: str) -> None:
    assert sqlalchemy_url(url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me@h:5433/postgres", "postgresql://me@h:5433/other"),
        ("postgresql://me@/postgres?host=/tmp/pg", "postgresql://me@/other?host=/tmp/pg"),
    ],
)
def test_another_database_of_the_same_server(url: str, expected: str) -> None:
    assert with_database(url, "other") == expected
