"""Keeps the sandbox's classes, objects and their holders across restarts, as Google does for ever."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec


class Shelf:
    """A file of bodies by resource and id. Writes are not flushed to the disk one by one: this is a sandbox."""

    def __init__(self, path: Path) -> None:
        """Open or make the file."""
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=OFF")
        self._file.execute("CREATE TABLE IF NOT EXISTS kept (resource, id, body, PRIMARY KEY (resource, id))")
        self._file.execute("CREATE TABLE IF NOT EXISTS holders (id PRIMARY KEY, accounts)")

    def put(self, resource: str, resource_id: str, body: dict[str, Any]) -> None:
        """Keep a body."""
        row = (resource, resource_id, msgspec.json.encode(body))
        self._file.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", row)

    def all(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Everything kept: resource, id, body."""
        for resource, resource_id, body in self._file.execute("SELECT resource, id, body FROM kept"):
            yield resource, resource_id, msgspec.json.decode(body)

    def put_holders(self, object_id: str, accounts: Iterable[str]) -> None:
        """Keep which accounts hold an object."""
        row = (object_id, msgspec.json.encode(sorted(accounts)))
        self._file.execute("INSERT OR REPLACE INTO holders VALUES (?, ?)", row)

    def all_holders(self) -> Iterator[tuple[str, set[str]]]:
        """Every object that was ever held, and by which accounts now."""
        for object_id, accounts in self._file.execute("SELECT id, accounts FROM holders"):
            yield object_id, set(msgspec.json.decode(accounts))

    def close(self) -> None:
        """Close the file."""
        self._file.close()
