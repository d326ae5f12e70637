"""Programmes as the till needs them: which version is in force at a partner, remembered for a moment.

A version never changes; only one that another process published a moment ago may be missed for up to MAX_AGE_S. The
entry pins what it was computed under either way.
"""

import time
from datetime import datetime
from typing import Final

from kernel.database import Connection, Database
from kernel.shared import Shared
from network.partners import partners
from points.programme.publishing import Publication, in_force, publications
from points.programme.registry import Versions
from points.programme.version import InForce


class Programmes:
    """What is in force where. `versions` learns of every version that is read."""

    MAX_AGE_S: Final = 0.9

    def __init__(self, db: Database, versions: Versions) -> None:
        self._db = db
        self.versions = versions
        self._published: dict[str, tuple[float, list[Publication]]] = {}
        self._reading = Shared[list[Publication]]()
        self._era = 0  # what was read in an earlier one is not remembered

    async def in_force(self, partner_id: str, when: datetime, connection: "Connection | None" = None) -> InForce:
        """The programme in force at a partner; the built-in one if none was published. Raises DatabaseAway."""
        known = self._published.get(partner_id)
        if known is None or time.monotonic() - known[0] > self.MAX_AGE_S:
            if connection is not None:
                # The snapshot may be from before a publication, so what it says is for this caller alone.
                return in_force(await self._read(partner_id, connection), when)
            era = self._era
            known = await self._reading.of(partner_id, lambda: self._read(partner_id, None))
            if era == self._era:
                self._published[partner_id] = known
        return in_force(known[1], when)

    async def partners(self) -> list[str]:
        """All partners, for what is done at each once a day."""
        async with self._db.read() as read:
            return [partner.id for partner in await partners(read.connection)]

    def forget(self) -> None:
        """Something was published: ask the database at the next sale."""
        self._era += 1
        self._published.clear()
        self._reading.forget()

    async def _read(self, partner_id: str, connection: "Connection | None") -> list[Publication]:
        if connection is not None:
            found = await publications(connection, partner_id)
        else:
            async with self._db.read() as read:
                found = await publications(read.connection, partner_id)
        for one in found:
            self.versions.add(one.version)
        return found
