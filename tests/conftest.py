"""Fixtures that every test may use: a real database, empty and migrated, for each test that asks for one."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from kernel.database import Database
from kernel.embedded import DEFAULT_CONFIGURATION, ensure_database, start_embedded, stop_embedded, with_database
from kernel.ids import new_code
from tests.support.schema import make_schema

# How many examples a property is tried with; `make proof` asks for the longer ones.
for _profile, _examples in {"commonpoint": 100, "proof-short": 300, "proof": 5_000}.items():
    settings.register_profile(
        _profile,
        max_examples=_examples,
        deadline=None,  # machines are shared; timings belong in bench/
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
settings.load_profile("commonpoint")

# Speed for throw-away databases; what the product uses is DEFAULT_CONFIGURATION alone.
_THROW_AWAY = {**DEFAULT_CONFIGURATION, "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_TEMPLATE = "commonpoint_template"
_ROOM = 2 * 1024**3


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """The URL of a PostgreSQL server's maintenance database; a template database with all tables is ready on it."""
    folder = Path(tempfile.mkdtemp(prefix="cp-test-", dir=_in_memory())) / "pg"
    url = start_embedded(folder, _THROW_AWAY)
    asyncio.run(_make_template(url))
    yield url
    stop_embedded(folder)
    shutil.rmtree(folder.parent, ignore_errors=True)


def _in_memory() -> str | None:
    """A folder in memory if there is room for one: a database per test is mostly files that are made and dropped."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    return str(memory) if roomy else None


async def _make_template(url: str) -> None:
    template = await ensure_database(url, _TEMPLATE)
    await make_schema(template)


@pytest.fixture
async def database_url(database_server: str) -> AsyncIterator[str]:
    """The URL of a fresh, empty, migrated database that lives as long as the test."""
    name = f"t_{new_code().lower()}"
    admin = await asyncpg.connect(database_server)
    try:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{_TEMPLATE}"')
        yield with_database(database_server, name)
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """A pool on a fresh database."""
    database = await Database.connect(database_url)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def twins_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose keys and certificates are made once for all tests that run the whole application."""
    return tmp_path_factory.mktemp("commonpoint")
