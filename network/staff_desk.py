"""Who of a partner's staff stands at a till, and whether they serve themselves; what hardly changes is remembered."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar

from kernel.database import Connection, Database
from network.staff import Staff, StaffUnknown, staff

_GOOD_FOR_S: Final = 30.0
_MOST_KNOWN: Final = 4096

_MEMBERS = """
SELECT member_id FROM staff WHERE partner_id = $1 AND left_at IS NULL AND member_id IS NOT NULL ORDER BY id LIMIT 5000
"""
# One step leads from a member to the account they use, over households and merges.
_ACCOUNTS = """
SELECT member_id, coalesce(pool_id, member_id) AS holder_id FROM account WHERE id = ANY($1::text[])
"""

Key = TypeVar("Key")
Value = TypeVar("Value")


class StaffDesk:
    """Answers of the staff list, remembered for half a minute; whose account somebody uses is asked anew each time.

    `seconds` is a clock that only goes forward.
    """

    def __init__(self, db: Database, seconds: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._seconds = seconds
        self._people: OrderedDict[tuple[str, str], tuple[float, Staff | None]] = OrderedDict()
        self._members: OrderedDict[str, tuple[float, tuple[str, ...]]] = OrderedDict()

    async def who(self, partner_id: str, staff_id: str) -> Staff | None:
        """The one of the partner's staff with this id, also if they have left; None: there is nobody."""
        if (known := self._known(self._people, (partner_id, staff_id))) is not None:
            return known[1]
        async with self._db.read() as read:
            try:
                found = await staff(read.connection, staff_id, partner_id)
            except StaffUnknown:
                found = None
        return self._keep(self._people, (partner_id, staff_id), found)

    async def same_account(self, one_id: str, other_id: str) -> bool:
        """Whether two members are one, or use one account: a household's, or one that was merged into another."""
        if one_id == other_id:
            return True
        async with self._db.read() as read:
            holders = await _holders(read.connection, one_id, other_id)
        return one_id in holders and holders[one_id] == holders.get(other_id)

    async def works_here(self, partner_id: str, member_id: str) -> bool:
        """Whether the member, or somebody who uses the same account, is on the partner's staff now."""
        known = self._known(self._members, partner_id)
        if known is not None and not known[1]:
            return False
        async with self._db.read() as read:
            if known is None:
                rows = await read.connection.fetch(_MEMBERS, partner_id)
                listed = self._keep(self._members, partner_id, tuple(row["member_id"] for row in rows))
            else:
                listed = known[1]
            if not listed or member_id in listed:
                return member_id in listed
            holders = await _holders(read.connection, member_id, *listed)
        return member_id in holders and holders[member_id] in {holders.get(one) for one in listed}

    def _known(self, shelf: OrderedDict[Key, tuple[float, Value]], key: Key) -> tuple[float, Value] | None:
        found = shelf.get(key)
        return found if found is not None and self._seconds() - found[0] < _GOOD_FOR_S else None

    def _keep(self, shelf: OrderedDict[Key, tuple[float, Value]], key: Key, value: Value) -> Value:
        shelf[key] = (self._seconds(), value)
        shelf.move_to_end(key)
        while len(shelf) > _MOST_KNOWN:
            shelf.popitem(last=False)
        return value


async def _holders(connection: Connection, *member_ids: str) -> dict[str, str]:
    rows = await connection.fetch(_ACCOUNTS, [f"{member_id}/spendable" for member_id in member_ids])
    return {row["member_id"]: row["holder_id"] for row in rows}
