"""Vouchers on Android: by themselves on the phone that holds the card, and by links."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from kernel.database import Database
from kernel.outbox import follow_once, touch
from passes.google.handout import Handout, button_text
from passes.google.linking import LinkedCoupons
from passes.google.push import GooglePassUnknown
from passes.google.schema.rules import MOST_LINKED
from passes.google.seal import MAX_JWT_LENGTH
from passes.refresh import KIND, PassRefresh
from passes.sandbox.android import AndroidPhone, ShownCoupon
from points.answers import UnknownMember
from points.book import VoucherState
from points.programme.voucher_value import VoucherExpired, VoucherOfAnother, VoucherSpent
from points.voucher_records import UnknownVoucher
from tests.support.google import GoogleSide, follow_all, google_side, make_due, waiting
from tests.support.handing_out import PassShop, pass_shop


@dataclass
class Town:
    """The shop, its passes, and Google."""

    passes: PassShop
    google: GoogleSide
    handout: Handout

    @property
    def db(self) -> Database:
        return self.passes.db

    async def follow(self) -> None:
        """Everything that waits is done."""
        shop = self.passes.shop
        refresh = LinkedCoupons(PassRefresh(self.db, self.passes.renderer), self.db, self.passes.renderer, shop.clock)
        for _ in range(4):
            while await follow_once(self.db, refresh):
                pass
            await follow_all(self.db, self.google)

    async def gets(self, member: str, **changes: Any) -> VoucherState:
        """A new voucher, as the ledger issues one: with a note for the member's passes."""
        voucher = await self.passes.shop.voucher(member, **changes)
        async with self.db.unit() as unit:
            await touch(unit.connection, KIND, [member])
        await self.follow()
        return voucher

    async def linked(self, member: str) -> list[str]:
        """What is linked to the member's card at Google."""
        async with self.db.read() as read:
            pass_id = await read.connection.fetchval(
                "SELECT id FROM wallet_pass WHERE member_id = $1 AND wallet = 'google' AND kind = 'card'", member
            )
        body = self.google.sandbox.resources.get("loyaltyObject", self.google.object_id(pass_id))
        return list(body.get("linkedObjectIds", []))

    def offers(self) -> dict[str, Any]:
        """All offer objects at Google."""
        return self.google.sandbox.resources.kept["offerObject"]


async def coupons_on(phone: AndroidPhone, expected: int) -> list[ShownCoupon]:
    """The coupons on a phone, once that many have come (or too long a time has passed)."""
    for _ in range(1000):
        if len(phone.coupons()) >= expected:
            break
        await asyncio.sleep(0.02)
    return phone.coupons()


@pytest.fixture
async def town(db: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    folder = tmp_path_factory.getbasetemp() / "google"
    folder.mkdir(exist_ok=True)
    async with pass_shop(db) as passes, google_side(db, folder, designs=passes.looks) as google:
        yield Town(passes, google, Handout(db, passes.shop.clock, passes.renderer, google.service))


async def test_a_voucher_comes_by_itself_to_the_phone_that_holds_the_card(town: Town) -> None:
    member = await town.passes.shop.member()
    phone = town.google.phones.phone()
    await phone.save((await town.handout.card(member)).url)
    voucher = await town.gets(member)
    (offer,) = town.offers().values()
    assert offer["barcode"]["value"] == voucher.code
    assert await town.linked(member) == [offer["id"]]
    assert [coupon.code for coupon in await coupons_on(phone, 1)] == [voucher.code]
    assert await waiting(town.db) == []


async def test_a_used_voucher_is_over_on_the_phone_and_stays_linked(town: Town) -> None:
    member = await town.passes.shop.member()
    await town.handout.card(member)
    voucher = await town.gets(member)
    await town.passes.shop.use(voucher.code)
    await town.follow()
    (offer,) = town.offers().values()
    assert offer["state"] == "COMPLETED"
    assert await town.linked(member) == [offer["id"]]


async def test_nobody_without_a_card_at_google_gets_a_coupon_there(town: Town) -> None:
    member = await town.passes.shop.member()
    await town.gets(member)
    assert town.offers() == {}
    await town.handout.card(member)
    await town.gets(member)
    assert len(await town.linked(member)) == 2


async def test_two_coupons_for_the_same_reward_share_a_class(town: Town) -> None:
    member = await town.passes.shop.member()
    await town.handout.card(member)
    for reward in ("coffee", "coffee", "mine"):
        await town.gets(member, reward=reward)
    assert len(town.offers()) == 3
    assert len(town.google.sandbox.resources.kept["offerClass"]) == 2
    assert town.google.sandbox.requests["POST offerClass"] == 2


async def test_a_card_has_no_more_coupons_than_google_links(town: Town) -> None:
    member = await town.passes.shop.member()
    await town.handout.card(member)
    for _ in range(MOST_LINKED + 3):
        await town.passes.shop.voucher(member)
    last = await town.gets(member)
    assert len(await town.linked(member)) == MOST_LINKED
    assert (await town.handout.coupon(last.code)).url
    await town.follow()
    assert len(await town.linked(member)) == MOST_LINKED


async def test_a_crash_before_google_was_told_of_a_coupon_loses_nothing(town: Town) -> None:
    member = await town.passes.shop.member()
    await town.handout.card(member)
    voucher = await town.passes.shop.voucher(member)
    await town.passes.shop.run("DELETE FROM outbox")
    await town.google.sandbox.stop()
    async with town.db.unit() as unit:
        await touch(unit.connection, KIND, [member])
    await town.follow()
    await town.passes.shop.run(
        "DELETE FROM outbox WHERE kind = 'google.push'"
    )  # lost with the process that made the coupon
    await town.google.sandbox.start()
    async with town.db.unit() as unit:
        await touch(unit.connection, KIND, [member])
    await town.follow()
    assert [offer["barcode"]["value"] for offer in town.offers().values()] == [voucher.code]


async def test_coupons_that_google_lost_hold_no_balance_back_and_come_again(town: Town) -> None:
    member = await town.passes.shop.member()
    await town.handout.card(member)
    await town.gets(member)
    kept = town.google.sandbox.resources.kept
    kept["offerObject"].clear()
    for card in kept["loyaltyObject"].values():
        del card["linkedObjectIds"]
    await town.passes.shop.run("UPDATE google_object SET pushed_hash = ''")
    await town.passes.shop.run("UPDATE wallet_pass SET card = jsonb_set(card, '{values,balance,number}', '77')")
    async with town.db.unit() as unit:
        cards = await unit.connection.fetch("SELECT id FROM wallet_pass WHERE kind = 'card'")
        await touch(unit.connection, "google.push", [row["id"] for row in cards])
    assert await follow_once(town.db, town.google.push)
    (card,) = kept["loyaltyObject"].values()
    assert card["loyaltyPoints"]["balance"] == {"int": 77}
    await follow_all(town.db, town.google)
    await make_due(town.db)
    await follow_all(town.db, town.google)
    assert len(kept["offerObject"]) == 1
    assert await town.linked(member) == list(kept["offerObject"])
    assert await waiting(town.db) == []


async def test_a_link_saves_a_coupon_to_a_phone_without_the_card(town: Town) -> None:
    voucher = await town.passes.shop.voucher(await town.passes.shop.member())
    link = await town.handout.coupon(voucher.code)
    assert not link.saved
    (offer,) = town.offers().values()
    assert offer["barcode"]["value"] == voucher.code


async def test_one_link_saves_the_card_and_all_coupons_however_many(town: Town) -> None:
    member = await town.passes.shop.member()
    for _ in range(2):
        await town.passes.shop.voucher(member)
    few = await town.handout.bundle(member)
    assert len(few.url.rpartition("/")[2]) <= MAX_JWT_LENGTH
    assert town.google.sandbox.requests["POST jwt"] == 0
    for _ in range(12):
        await town.passes.shop.voucher(member)
    many = await town.handout.bundle(member)
    assert town.google.sandbox.requests["POST jwt"] == 1
    assert len(many.url) < 300
    phone = town.google.phones.phone()
    await phone.save(many.url)
    assert len(await coupons_on(phone, 14)) == 14


async def test_what_cannot_be_used_is_not_handed_out(town: Town) -> None:
    shop = town.passes.shop
    member, stranger = await shop.member(), await shop.member("Bo")
    used, late = await shop.voucher(member), await shop.voucher(member, valid_until=shop.clock.now())
    await shop.use(used.code)
    for code, asker, refusal in (
        (used.code, None, VoucherSpent),
        (late.code, None, VoucherExpired),
        ((await shop.voucher(member)).code, stranger, VoucherOfAnother),
        ("NOBODYSCODE1", None, UnknownVoucher),
    ):
        with pytest.raises(refusal):
            await town.handout.coupon(code, asker)
    with pytest.raises(UnknownMember):
        await town.handout.card("mbr_nobody")
    with pytest.raises(GooglePassUnknown):
        await town.google.service.save_links(["pass_nobody"])
    assert town.offers() == {}


async def test_the_button_says_view_once_google_said_that_the_card_was_saved(town: Town) -> None:
    member = await town.passes.shop.member()
    link = await town.handout.card(member)
    assert button_text("en", saved=link.saved) == "Add to Google Wallet"
    await town.passes.shop.run("UPDATE google_object SET held = 'saved'")
    link = await town.handout.card(member)
    assert [button_text(language, saved=link.saved) for language in ("en", "fi", "hu")] == [
        "View in Google Wallet",
        "Näytä Google Walletissa",
        "Megtekintés a Google Walletben",
    ]


async def test_a_voucher_that_ends_soon_is_linked_before_one_that_does_not(town: Town) -> None:
    shop = town.passes.shop
    member = await shop.member()
    await town.handout.card(member)
    for days in range(MOST_LINKED):
        await shop.voucher(member, valid_until=shop.clock.now() + timedelta(days=400 + days))
    soon = await town.gets(member, valid_until=shop.clock.now() + timedelta(days=1))
    codes = {town.offers()[one]["barcode"]["value"] for one in await town.linked(member)}
    assert soon.code in codes
