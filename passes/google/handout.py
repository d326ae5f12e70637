"""What a member is handed for their Android phone: the link to the card, to a voucher as a coupon, or to all at once.

An object is made at the first asking and is the same one ever after. Whoever calls has checked that the asker may have
what is the member's: whoever opens a link first owns what it names.
"""

from dataclasses import dataclass
from typing import Final

from kernel.clock import Clock
from kernel.database import Database
from kernel.i18n import translate
from kernel.outbox import touch
from passes.google import handout_texts as handout_texts  # registers the words
from passes.google import registry
from passes.google.service import GoogleService
from passes.issue import issue
from passes.refresh import KIND
from passes.rendering import Renderer
from points.book import VoucherState
from points.claims import usable_vouchers
from points.programme.voucher_value import check_good
from points.voucher_records import by_code, check_own

# More would be a long list to look through on the phone; those that end first are what matters.
PASSES_PER_LINK: Final = 20


@dataclass(frozen=True, slots=True)
class SaveLink:
    """Where the button leads, and whether the pass is known to be on a phone: then the button says "View"."""

    url: str
    saved: bool


def button_text(language: str, *, saved: bool) -> str:
    """What the button says: Google's guidelines have one text before a pass is saved and one after."""
    return translate("google.button.view" if saved else "google.button.add", language)


@dataclass(frozen=True, slots=True)
class Handout:
    """Hands out save links. Owns its transactions. All of it raises Unavailable while Google cannot be told."""

    db: Database
    clock: Clock
    renderer: Renderer
    service: GoogleService

    async def card(self, member_id: str) -> SaveLink:
        """The member's card. Raises UnknownMember."""
        url = await self.service.save_link(await issue(self.db, self.renderer, member_id, "google"))
        async with self.db.read() as read:
            return SaveLink(url, await registry.is_saved(read.connection, member_id))

    async def coupon(self, code: str, member_id: str | None = None) -> SaveLink:
        """The voucher as a coupon in the wallet of this member (default: the one it was issued to).

        Raises UnknownVoucher, UnknownMember, VoucherOfAnother, SpendingNotAllowed, what `check_good` refuses.
        """
        async with self.db.read() as read:
            found = await by_code(read.connection, code)
            owner_id = member_id or found.member_id
            await check_own(read.connection, found, owner_id)
        check_good(found.voucher, self.clock.now())
        url = await self.service.save_link(await self._coupon(owner_id, found.voucher))
        async with self.db.read() as read:
            return SaveLink(url, await registry.is_saved(read.connection, owner_id, "coupon", found.voucher.id))

    async def coupons(self, member_id: str) -> list[VoucherState]:
        """The vouchers that the member can use now, those that end first in front. Raises UnknownMember."""
        async with self.db.read() as read:
            return await usable_vouchers(read.connection, member_id, self.clock.now())

    async def bundle(self, member_id: str) -> SaveLink:
        """The card and the coupons, as many as one link should have: those that end first. Raises UnknownMember."""
        vouchers = (await self.coupons(member_id))[: PASSES_PER_LINK - 1]
        card = await issue(self.db, self.renderer, member_id, "google")
        coupons = [await self._coupon(member_id, voucher) for voucher in vouchers]
        url = await self.service.save_links([card, *coupons])
        async with self.db.read() as read:
            return SaveLink(url, await registry.is_saved(read.connection, member_id))

    async def _coupon(self, member_id: str, voucher: VoucherState) -> str:
        async with self.db.read() as read:
            known = await read.connection.fetchval(_KNOWN, member_id, voucher.id)
        pass_id = await issue(
            self.db, self.renderer, member_id, "google", kind="coupon", subject_id=voucher.id,
            brand_id=voucher.partner_id,
        )  # fmt: skip
        if not known:
            # Somebody else of the household may have used the voucher while its coupon was being made, and the note of
            # that found no coupon yet: look once more.
            async with self.db.unit() as unit:
                await touch(unit.connection, KIND, [member_id])
        return pass_id


_KNOWN = """
SELECT EXISTS (
    SELECT FROM wallet_pass WHERE member_id = $1 AND wallet = 'google' AND kind = 'coupon' AND subject_id = $2
)
"""
