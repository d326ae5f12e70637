"""Terms and places as the till needs them: remembered for a moment, because every sale asks.

A version of terms is never edited and a place never changes hands, so what is remembered is true; only a version that
was published a moment ago by another process may be missed for up to MAX_AGE_S. The entry pins what it was computed
under either way.
"""

import time
from collections import OrderedDict
from datetime import datetime
from typing import Final, TypeVar

from kernel.database import Database
from kernel.shared import Shared
from network.locations import LocationUnknown, location
from network.terms import Terms, TermsMissing, versions

Value = TypeVar("Value")


class Rulebook:
    """What a partner's till may do. Bounded; the longest unused entries go first."""

    MAX_AGE_S: Final = 0.9
    MOST_REMEMBERED: Final = 4096

    def __init__(self, db: Database) -> None:
        self._db = db
        self._versions: OrderedDict[str, tuple[float, list[Terms]]] = OrderedDict()
        self._owners: OrderedDict[str, str] = OrderedDict()
        self._reading = Shared[list[Terms]]()
        self._era = 0  # what was read in an earlier one is not remembered

    async def terms(self, partner_id: str, when: datetime) -> Terms:
        """The partner's terms in force at `when`. Raises TermsMissing, DatabaseAway."""
        known = self._versions.get(partner_id)
        now = time.monotonic()
        if known is None or now - known[0] > self.MAX_AGE_S:
            era = self._era
            known = await self._reading.of(partner_id, lambda: self._read(partner_id))
            if known[1] and era == self._era:
                _remember(self._versions, partner_id, known, self.MOST_REMEMBERED)
        in_force = next((terms for terms in known[1] if terms.effective_from <= when), None)
        if in_force is None:
            raise TermsMissing("This partner has no terms in force.", partner_id=partner_id)
        return in_force

    async def _read(self, partner_id: str) -> list[Terms]:
        async with self._db.read() as read:
            return await versions(read.connection, partner_id)

    async def check_place(self, partner_id: str, location_id: str | None) -> None:
        """Refuse another partner's place as if it did not exist. Raises LocationUnknown, DatabaseAway."""
        if location_id is None:
            return
        owner = self._owners.get(location_id)
        if owner is None:
            async with self._db.read() as read:
                owner = (await location(read.connection, location_id)).partner_id
            _remember(self._owners, location_id, owner, self.MOST_REMEMBERED)
        if owner != partner_id:
            raise LocationUnknown("There is no such place.")

    def forget(self, partner_id: str) -> None:
        """Terms were published: ask the database at the next sale."""
        self._era += 1
        self._versions.pop(partner_id, None)
        self._reading.forget()


def _remember(shelf: OrderedDict[str, Value], name: str, value: Value, most: int) -> None:
    shelf[name] = value
    shelf.move_to_end(name)
    if len(shelf) > most:
        shelf.popitem(last=False)
