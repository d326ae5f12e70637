"""The private PostgreSQL: made, shared, and there again after a restart."""

import asyncio
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from kernel.database import Database
from kernel.embedded import DEFAULT_CONFIGURATION, ensure_database, start_embedded, stop_embedded
from kernel.outbox import touch

QUICK = {**DEFAULT_CONFIGURATION, "shared_buffers": "16MB", "max_connections": "23"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    # The server's own user must be able to reach the folder, and a socket's path is at most 107 bytes.
    tmp_path.chmod(0o755)
    yield tmp_path / "pg"
    stop_embedded(tmp_path / "pg")


async def value(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_what_was_committed_is_there_after_a_restart(folder: Path) -> None:
    url = await ensure_database(start_embedded(folder, QUICK), "commonpoint")
    assert await value(url, "SELECT current_database()") == "commonpoint"
    await value(url, "CREATE TABLE kept (n int)")
    await value(url, "INSERT INTO kept VALUES (7)")
    stop_embedded(folder)
    with pytest.raises((OSError, asyncpg.PostgresError)):
        await value(url, "SELECT 1")

    again = await ensure_database(start_embedded(folder, DEFAULT_CONFIGURATION), "commonpoint")
    assert again == url
    assert await value(again, "SELECT n FROM kept") == 7
    # What was chosen when the folder was made stays, and what makes commits durable is untouched.
    assert await value(again, "SHOW max_connections") == "23"
    assert await value(again, "SHOW timezone") == "UTC"
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        assert await value(again, f"SHOW {setting}") == "on"

    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ANOTHER_PROCESS, str(folder), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        assert (await other.communicate())[0].strip() == b"7"
    assert await value(again, "SELECT n FROM kept") == 7  # the other one's end was not ours


ANOTHER_PROCESS = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    import asyncpg
    from kernel.embedded import ensure_database, start_embedded, stop_embedded

    async def main(folder):
        url = await ensure_database(start_embedded(folder), "commonpoint")
        connection = await asyncpg.connect(url)
        print(await connection.fetchval("SELECT n FROM kept"))
        await connection.close()

    main_folder = Path(sys.argv[1])
    asyncio.run(main(main_folder))
    stop_embedded(main_folder)
    """
)


async def test_a_database_is_made_once_and_named_by_its_url(database_server: str) -> None:
    urls = {await ensure_database(database_server, "Made once") for _ in range(2)}
    assert len(urls) == 1
    assert await value(urls.pop(), "SELECT current_database()") == "Made once"


async def test_the_pool_reaches_it_through_its_socket(db: Database) -> None:
    async with db.unit() as unit:
        await touch(unit.connection, "pass", ["m1"])
    async with db.read() as read:
        assert await read.connection.fetchval("SELECT inet_server_addr() IS NULL") is True
