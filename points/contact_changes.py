"""Changing how a member can be reached: whoever takes over an account begins with that, so the ledger hears of it
first.

The ledger marks the moment in the account's standing, and a programme may refuse to let points be spent for some time
after it (`cool_down_after_contact_change`). Telling an address for the first time is no change; forgetting one is, or
forgetting and telling anew would be a way around. The mark is durable before the change: a crash in between leaves a
mark too many, never one too few.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from kernel.clock import Clock
from kernel.database import Connection, Database
from kernel.errors import Unavailable
from kernel.ids import new_id
from kernel.secrets import Keyring
from points.answers import UnknownMember
from points.commands import INTERNAL, Mark
from points.contacts import Contact, keep, kept
from points.engagement.ports import Asks, home_of
from points.programme.reward_eligibility import CONTACT_CHANGED
from points.programme.standing import Change

_TRIES: Final = 8
_REASON: Final = "contact details changed"


class ContactMoves(Unavailable):
    """The member's contact data are being changed by somebody else at the same time."""

    code = "contact_moves"
    title = "The contact data keep changing; try again"


@dataclass(frozen=True, slots=True)
class Announced:
    """A change that the ledger knows of, if it has to: from what was told before to what is told now."""

    member_id: str
    before: Contact
    told: Contact


class Contacts:
    """Changes contact data. `prefix` is the country code of numbers told without one."""

    def __init__(self, db: Database, teller: Asks, clock: Clock, keyring: Keyring, prefix: str = "") -> None:
        self._db = db
        self._teller = teller
        self._clock = clock
        self._keyring = keyring
        self._prefix = prefix

    async def change(self, member_id: str, told: Contact) -> bool:
        """What the member tells now replaces what they told before; whether that was a change (and no first telling).

        Raises UnknownMember, ContactMoves, TooBusy.
        """
        for _ in range(_TRIES):
            announced = await self.announce(member_id, told)
            async with self._db.unit() as unit:
                if await self._is_as_announced(unit.connection, announced):
                    await keep(unit.connection, self._keyring, member_id, told, self._prefix)
                    return is_change(announced.before, told)
        raise ContactMoves(retry_after_s=1.0)

    async def announce(self, member_id: str, told: Contact) -> Announced:
        """Before a change is made in a transaction of the caller's: the ledger marks it, if it is one."""
        async with self._db.read() as read:
            home = await home_of(read.connection, member_id)
            before = await kept(read.connection, self._keyring, member_id)
        if is_change(before, told):
            await self._mark(member_id, home)
        return Announced(member_id, before, told)

    async def keep_announced(self, connection: Connection, announced: Announced) -> None:
        """A step of the caller's transaction. Raises ContactMoves when the data are not any more what was announced."""
        if not await self._is_as_announced(connection, announced):
            raise ContactMoves(retry_after_s=1.0)
        await keep(connection, self._keyring, announced.member_id, announced.told, self._prefix)

    async def _is_as_announced(self, connection: Connection, announced: Announced) -> bool:
        """Whether it is still the same step; the member's row stays locked."""
        found = await connection.fetchval("SELECT id FROM member WHERE id = $1 FOR UPDATE", announced.member_id)
        if found is None:
            raise UnknownMember(f"There is no member '{announced.member_id}'.")
        now = await kept(connection, self._keyring, announced.member_id)
        return now == announced.before or not is_change(now, announced.told)

    async def _mark(self, member_id: str, home: str) -> None:
        now, key = self._clock.now(), new_id("mrk")
        await self._teller.ask(
            Mark(
                partner_id=home,
                key=key,
                key_owner=INTERNAL,
                fingerprint=hashlib.sha256(key.encode()).digest(),
                occurred_at=now,
                member_id=member_id,
                change=Change(moments={CONTACT_CHANGED: [int(now.timestamp())]}),
                reason=_REASON,
            )
        )


def is_change(before: Contact, told: Contact) -> bool:
    """Whether somebody would from now on be reached elsewhere than before: another address or number, or none."""
    return bool(before.email or before.phone) and (before.email, before.phone) != (told.email, told.phone)
