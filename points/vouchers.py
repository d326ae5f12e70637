"""Vouchers after they were issued: used at a till, exchanged at a partner, cancelled.

A code has exactly one winner: whoever changes it locks the account it was issued to, as the ledger does before it
cancels a voucher whose purchase is refunded. The key of the request is taken in the same transaction, so a repeated
request is answered as before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import Forbidden
from kernel.ids import new_code, new_id
from points.programme.reward_refusals import Elsewhere
from points.programme.version import InForce, Version
from points.programme.voucher_value import NotExchangeable, Use, boost_at, exchange, use_voucher, void
from points.voucher_records import (
    OPERATOR,
    FoundVoucher,
    Moved,
    Shown,
    answered,
    by_code,
    issue,
    locked,
    same_account,
    taken_by,
    tell,
    write_move,
)  # fmt: skip


class VoucherOfAnotherPartner(Forbidden):
    """Only the partner that issued a voucher, or the operator, may cancel it."""

    code = "voucher_of_another_partner"
    title = "The voucher was issued by another partner"


class Library(Protocol):
    """Published versions by id; `ensure` reads those that are not known yet."""

    async def ensure(self, ids: Iterable[str]) -> None:
        """Make sure that these can be looked up."""
        ...

    def __getitem__(self, version_id: str) -> Version: ...


class Vouchers:
    """What tills do with codes. `versions` are the programmes that codes were issued under, `note_kinds` the followers
    that hear of every move."""

    def __init__(self, db: Database, clock: Clock, versions: Library, note_kinds: Sequence[str] = ()) -> None:
        self._db = db
        self._clock = clock
        self._versions = versions
        self._note_kinds = tuple(note_kinds)

    async def use(self, shown: Shown, in_force: InForce | None = None) -> Moved:
        """One use at the asking partner. `in_force` tells what the partner is called in the file.

        Raises UnknownVoucher, KeyReused, Elsewhere, or what `use_voucher` refuses.
        """
        version = await self._version_of(shown.code)
        names = in_force.names if in_force is not None else {}
        async with self._db.unit() as unit:
            found = await locked(unit, shown.code)
            if (known := await answered(unit, shown)) is not None:
                return known
            if found.exchanged and found.voucher.partner_id != shown.partner_id:
                raise Elsewhere("The code is used at the partner where it was exchanged.")
            use = Use(
                at=self._clock.now(),
                member_id=found.member_id if await same_account(unit.connection, found, shown.member_id) else None,
                basket_minor=shown.basket_minor,
                amount_minor=shown.amount_minor,
                order=shown.order,
                taken_by=await taken_by(unit.connection, found, shown.order),
                partner=names.get(shown.partner_id),
                location=names.get(shown.location_id or ""),
            )
            done = use_voucher(version, found.voucher, found.member_id, use)
            moved = Moved(new_id("vcm"), "used", done.voucher, found.member_id, done.money_minor, use.at)
            await write_move(unit, moved, shown)
            await tell(unit, found, self._note_kinds)
            return moved

    async def exchange(self, shown: Shown, in_force: InForce) -> Moved:
        """A statement's voucher becomes a code of the asking partner, worth more there. `in_force`: the programme of
        the partner that issued it, as it is now. Raises UnknownVoucher, KeyReused, NotExchangeable and what
        `check_good` refuses."""
        now = self._clock.now()
        async with self._db.unit() as unit:
            found = await locked(unit, shown.code)
            if (known := await answered(unit, shown)) is not None:
                return known
            if found.exchanged:
                raise NotExchangeable("The code was made by an exchange.")
            is_issuer = shown.partner_id == found.voucher.partner_id
            boost = boost_at(in_force.version, in_force.names.get(shown.partner_id), is_issuer, now)
            made = exchange(
                in_force.version, found.voucher, boost, voucher_id=new_id("vch"), code=new_code(),
                partner_id=shown.partner_id, at=now,
            )  # fmt: skip
            spent = replace(found.voucher, state="used", uses_left=0, value_minor=0, used=True)
            money = found.voucher.value_minor
            moved = Moved(new_id("vcm"), "exchanged", spent, found.member_id, money, now, made)
            await issue(unit, made, found.member_id)
            await write_move(unit, moved, shown)
            await tell(unit, found, self._note_kinds)
            return moved

    async def void(self, shown: Shown, reason: str) -> Moved:
        """Cancel a code; twice is no error. What paid for it stays paid: reverse its entry to give points back, which
        cancels the code by itself. Raises UnknownVoucher, KeyReused, VoucherOfAnotherPartner, VoucherSpent."""
        now = self._clock.now()
        async with self._db.unit() as unit:
            found = await locked(unit, shown.code)
            if (known := await answered(unit, shown)) is not None:
                return known
            if shown.partner_id not in (OPERATOR, found.voucher.partner_id):
                raise VoucherOfAnotherPartner("Another partner issued this voucher.")
            moved = Moved(new_id("vcm"), "voided", void(found.voucher), found.member_id, None, now)
            await write_move(unit, moved, shown, reason)
            await tell(unit, found, self._note_kinds)
            return moved

    async def find(self, code: str) -> FoundVoucher:
        """The code as it is now. Raises UnknownVoucher."""
        async with self._db.read() as read:
            return await by_code(read.connection, code)

    async def _version_of(self, code: str) -> Version:
        found = await self.find(code)
        await self._versions.ensure([found.voucher.version_id])
        return self._versions[found.voucher.version_id]
