"""Versions by id, read once: they never change."""

from collections.abc import Iterable, Iterator, Mapping

from kernel.database import Database
from kernel.errors import NotFound
from points.programme.publishing import versions
from points.programme.shelf import default_version
from points.programme.version import Version


class VersionUnknown(NotFound):
    """No programme with this id was ever published."""

    code = "programme_version_unknown"
    title = "Unknown programme version"


class Versions(Mapping[str, Version]):
    """The versions that this process has seen; the default one is always there. `ensure` before looking up."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[str, Version] = {default_version().id: default_version()}

    def add(self, version: Version) -> None:
        """Know a version that was read otherwise."""
        self._known.setdefault(version.id, version)

    async def ensure(self, ids: Iterable[str]) -> None:
        """Read those that are not known yet. Raises VersionUnknown."""
        missing = {*ids} - self._known.keys()
        if not missing:
            return
        async with self._db.read() as read:
            for version in await versions(read.connection, missing):
                self.add(version)
        if unknown := sorted(missing - self._known.keys()):
            raise VersionUnknown(f"There is no programme version {', '.join(unknown)}.", unknown=unknown)

    def __getitem__(self, version_id: str) -> Version:
        return self._known[version_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)
