"""What a member is handed for their iPhone: the card, a voucher as a coupon, or all of it as one bundle.

A pass is made at the first asking and is the same one ever after. Whoever calls has checked that the asker may have
what is the member's.
"""

from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import Unavailable
from kernel.outbox import touch
from passes.apple.bundle import BUNDLE_MEDIA_TYPE, PASSES_PER_BUNDLE, bundle
from passes.apple.identity import Identity
from passes.apple.service import PassFile
from passes.issue import SignUp, issue
from passes.refresh import KIND
from passes.rendering import Renderer
from points.answers import UnknownMember
from points.book import VoucherState
from points.claims import usable_vouchers
from points.members import MemberRow, find
from points.programme.voucher_value import check_good
from points.voucher_records import by_code, check_own

log = structlog.get_logger(__name__)

CARD_NAME: Final = "card.pkpass"


class Signers(Protocol):
    """Whose certificate signs a partner's passes."""

    def for_partner(self, partner_id: str) -> Identity:
        """Raises Unavailable without one."""
        ...


class Files(Protocol):
    """The sealed files."""

    async def file(self, pass_id: str) -> PassFile:
        """The pass as it is now."""
        ...


@dataclass(frozen=True, slots=True)
class Handout:
    """Hands out Apple passes. Owns its transactions."""

    db: Database
    clock: Clock
    renderer: Renderer
    identities: Signers
    files: Files

    async def card(self, member_id: str) -> PassFile:
        """The member's card. One who joined without a name is asked for it by Wallet, where the design says so and the
        certificate allows it. Raises UnknownMember, Unavailable."""
        async with self.db.read() as read:
            member = await find(read.connection, member_id)
        if member is None:
            raise UnknownMember(f"There is no member '{member_id}'.")
        return await self._card(member)

    async def coupon(self, code: str, member_id: str | None = None) -> PassFile:
        """The voucher as a coupon in the wallet of this member (default: the one it was issued to).

        Raises UnknownVoucher, UnknownMember, VoucherOfAnother, SpendingNotAllowed, what `check_good` refuses, and
        Unavailable.
        """
        async with self.db.read() as read:
            found = await by_code(read.connection, code)
            owner_id = member_id or found.member_id
            await check_own(read.connection, found, owner_id)
        check_good(found.voucher, self.clock.now())
        return await self._coupon(owner_id, found.voucher)

    async def coupons(self, member_id: str) -> list[VoucherState]:
        """The vouchers that the member can use now, those that end first in front. Raises UnknownMember."""
        async with self.db.read() as read:
            return await usable_vouchers(read.connection, member_id, self.clock.now())

    async def bundle(self, member_id: str) -> PassFile:
        """The card and the coupons, as many as phones take at once: those that end first. A coupon of a partner whose
        certificate is away is left out. Raises UnknownMember, Unavailable."""
        card = await self.card(member_id)
        files, newest = {CARD_NAME: card.body}, card.last_modified
        for number, voucher in enumerate((await self.coupons(member_id))[: PASSES_PER_BUNDLE - 1], start=1):
            try:
                coupon = await self._coupon(member_id, voucher)
            except Unavailable as away:
                log.warning("apple.bundle.coupon_away", partner_id=voucher.partner_id, error=away.detail)
                continue
            files[f"coupon-{number}.pkpass"] = coupon.body
            newest = max(newest, coupon.last_modified)
        return PassFile(bundle(files), newest, BUNDLE_MEDIA_TYPE)

    async def _card(self, member: MemberRow) -> PassFile:
        identity = self.identities.for_partner(member.partner_id)
        sign_up: SignUp = "open" if identity.nfc and not member.name else ""
        pass_id = await issue(self.db, self.renderer, member.id, "apple", pass_type=identity.pass_type, sign_up=sign_up)
        return await self.files.file(pass_id)

    async def _coupon(self, member_id: str, voucher: VoucherState) -> PassFile:
        identity = self.identities.for_partner(voucher.partner_id)
        async with self.db.read() as read:
            known = await read.connection.fetchval(_KNOWN, member_id, voucher.id)
        pass_id = await issue(
            self.db, self.renderer, member_id, "apple", kind="coupon", subject_id=voucher.id,
            pass_type=identity.pass_type, brand_id=voucher.partner_id,
        )  # fmt: skip
        if not known:
            # Somebody else of the household may have used the voucher while its coupon was being made, and the note of
            # that found no coupon yet: look once more.
            async with self.db.unit() as unit:
                await touch(unit.connection, KIND, [member_id])
        return await self.files.file(pass_id)


_KNOWN = """
SELECT EXISTS (
    SELECT FROM wallet_pass WHERE member_id = $1 AND wallet = 'apple' AND kind = 'coupon' AND subject_id = $2
)
"""
