"""Vouchers as coupons in the wallet, and everything of a member in one file."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

import pytest

from kernel.database import Connection, Database
from passes.apple.bundle import BUNDLE_MEDIA_TYPE
from passes.apple.identities import Identities
from passes.apple.identity import Identity
from passes.refresh import PUSH_KIND
from passes.rendering import PassKey, Rendered, Renderer
from points.answers import SpendingNotAllowed, UnknownMember
from points.programme.voucher_value import VoucherExpired, VoucherOfAnother, VoucherSpent, VoucherVoided
from points.voucher_records import UnknownVoucher
from tests.support.apple_cards import identity, openssl_verify
from tests.support.handing_out import (
    PassShop,
    members_of,
    paper_of,
    pass_shop,
    said_on_back,
    serial_of,
    without_taps,
)  # fmt: skip

PUSH = PUSH_KIND["apple"]


@pytest.fixture
async def passes(db: Database) -> AsyncIterator[PassShop]:
    async with pass_shop(db) as opened:
        yield opened


async def test_a_voucher_becomes_a_coupon_that_shows_its_code(passes: PassShop) -> None:
    member = await passes.shop.member("Aino", "fi")
    until = passes.shop.clock.now() + timedelta(days=30)
    voucher = await passes.shop.voucher(member, valid_until=until)
    paper = paper_of((await passes.handout.coupon(voucher.code)).body)
    assert paper["barcodes"][0]["message"] == voucher.code
    assert paper["coupon"]["primaryFields"][0]["value"] == "Ilmainen kahvi"
    assert paper["organizationName"] == "Kulma Café"
    assert paper["expirationDate"].startswith(until.date().isoformat())
    assert "voided" not in paper or paper["voided"] is False
    assert said_on_back(paper, "news") == "Näytä tämä koodi kassalla"
    assert "nfc" not in paper


async def test_a_coupon_is_made_once_however_often_and_from_however_many_sides_it_is_asked_for(
    passes: PassShop,
) -> None:
    voucher = await passes.shop.voucher(await passes.shop.member())
    files = await asyncio.gather(*(passes.handout.coupon(code) for code in [voucher.code, voucher.code.lower()] * 4))
    assert len({serial_of(file.body) for file in files}) == 1
    assert await passes.count("SELECT count(*) FROM wallet_pass") == 1


async def test_card_and_coupons_of_a_member_are_different_passes(passes: PassShop) -> None:
    member = await passes.shop.member()
    codes = [(await passes.shop.voucher(member)).code for _ in range(2)]
    files = [await passes.handout.card(member), *[await passes.handout.coupon(code) for code in codes]]
    assert len({serial_of(file.body) for file in files}) == 3


async def test_a_use_of_the_voucher_voids_the_coupon_wakes_phones_and_says_so_once(passes: PassShop) -> None:
    voucher = await passes.shop.voucher(await passes.shop.member())
    before = await passes.handout.coupon(voucher.code)
    serial = serial_of(before.body)
    await passes.follow()
    await passes.shop.notes(PUSH)
    old = await passes.stored(serial)
    await passes.shop.use(voucher.code)
    await passes.follow()
    now = await passes.stored(serial)
    assert (now["voided"], now["change_seq"] > old["change_seq"]) == (True, True)
    assert now["last_modified"] > old["last_modified"]
    assert await passes.shop.notes(PUSH) == {serial}
    paper = paper_of((await passes.service.file(serial)).body)
    assert paper["voided"] is True
    assert said_on_back(paper, "news") == "Free coffee: used"


async def test_a_use_in_part_changes_what_is_left_and_voids_nothing(passes: PassShop) -> None:
    voucher = await passes.shop.voucher(await passes.shop.member(), "card", value_minor=1000, uses_left=5)
    serial = serial_of((await passes.handout.coupon(voucher.code)).body)
    for basket, minor, left in ((300, 700, "7.00 EUR"), (250, 450, "4.50 EUR")):
        await passes.shop.use(voucher.code, basket_minor=basket)
        await passes.follow()
        stored = await passes.stored(serial)
        assert stored["voided"] is False
        assert stored["card"]["values"]["news"]["text"]["en"] == f"Gift card: {left} left"
        assert stored["card"]["values"]["worth"]["minor"] == minor


async def test_an_exchange_and_a_cancelling_void_the_coupon_too(passes: PassShop) -> None:
    member = await passes.shop.member()
    statement = await passes.shop.voucher(member, "statement", value_minor=500, uses_left=500)
    plain = await passes.shop.voucher(member)
    serials = [serial_of((await passes.handout.coupon(one.code)).body) for one in (statement, plain)]
    vouchers = passes.shop.vouchers
    made = await vouchers.exchange(passes.shop.shown(statement.code, partner_id=passes.shop.gym), passes.shop.in_force)
    await vouchers.void(passes.shop.shown(plain.code), "lost")
    await passes.follow()
    assert [(await passes.stored(serial))["voided"] for serial in serials] == [True, True]
    assert made.into is not None
    other = paper_of((await passes.handout.coupon(made.into.code)).body)
    assert other["organizationName"] == "Town Gym"


async def test_the_clock_voids_nothing_and_wakes_nobody(passes: PassShop) -> None:
    """The phone knows the date and greys the coupon by itself."""
    member = await passes.shop.member()
    voucher = await passes.shop.voucher(member, valid_until=passes.shop.clock.now() + timedelta(days=1))
    serial = serial_of((await passes.handout.coupon(voucher.code)).body)
    await passes.follow()
    await passes.shop.notes(PUSH)
    before = await passes.stored(serial)
    passes.shop.clock.advance(timedelta(days=2))
    other = await passes.shop.voucher(member)
    await passes.shop.use(other.code)
    await passes.follow()
    assert await passes.stored(serial) == before
    assert await passes.shop.notes(PUSH) == set()


async def test_a_coupon_is_made_for_the_vouchers_own_member_alone(passes: PassShop) -> None:
    owner, stranger = await passes.shop.member(), await passes.shop.member("Bo")
    voucher = await passes.shop.voucher(owner)
    for member, refusal in ((stranger, VoucherOfAnother), ("mbr_nobody", UnknownMember), ("x\0", UnknownMember)):
        with pytest.raises(refusal):
            await passes.handout.coupon(voucher.code, member)
    for code in ("NOTHING", "", "x\0y", "\ud800"):
        with pytest.raises(UnknownVoucher):
            await passes.handout.coupon(code, owner)
    assert await passes.count("SELECT count(*) FROM wallet_pass") == 0


async def test_a_voucher_that_is_over_becomes_no_coupon_any_more(passes: PassShop) -> None:
    member, now = await passes.shop.member(), passes.shop.clock.now()
    used = await passes.shop.voucher(member)
    await passes.shop.use(used.code)
    cancelled = await passes.shop.voucher(member)
    await passes.shop.vouchers.void(passes.shop.shown(cancelled.code), "lost")
    for code, refusal in (
        (used.code, VoucherSpent),
        (cancelled.code, VoucherVoided),
        ((await passes.shop.voucher(member, valid_until=now)).code, VoucherExpired),
    ):
        with pytest.raises(refusal):
            await passes.handout.coupon(code)


async def test_members_of_a_household_each_have_their_own_coupon_and_all_are_voided_together(
    passes: PassShop,
) -> None:
    one, other, child = [await passes.shop.member(name) for name in ("Aino", "Bo", "Cleo")]
    await _household(passes, [one, other, child])
    await passes.shop.run("UPDATE account SET may_spend = false WHERE member_id = $1", child)
    voucher = await passes.shop.voucher("hsh_1")
    serials = [serial_of((await passes.handout.coupon(voucher.code, member)).body) for member in (one, other)]
    assert len(set(serials)) == 2
    with pytest.raises(SpendingNotAllowed):
        await passes.handout.coupon(voucher.code, child)
    with pytest.raises(UnknownMember):
        await passes.handout.coupon(voucher.code)
    await passes.shop.use(voucher.code)
    await passes.follow()
    assert [(await passes.stored(serial))["voided"] for serial in serials] == [True, True]


@dataclass
class _Interrupted:
    """The renderer, stopping between what it has read and the caller's storing of it."""

    renderer: Renderer
    rendered: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def cards(self, connection: Connection, passes: Sequence[PassKey]) -> dict[str, Rendered]:
        found = await self.renderer.cards(connection, passes)
        self.rendered.set()
        await self.go_on.wait()
        return found


async def test_a_use_while_a_coupon_is_being_made_is_not_missed(passes: PassShop) -> None:
    """A voucher from before the household: its use does not wait for the lock that making a coupon takes."""
    one, other = await passes.shop.member(), await passes.shop.member("Bo")
    await _household(passes, [one, other])
    voucher = await passes.shop.voucher(one)
    renderer = _Interrupted(passes.renderer)
    handout = replace(passes.handout, renderer=cast("Renderer", renderer))
    making = asyncio.create_task(handout.coupon(voucher.code, other))
    await renderer.rendered.wait()
    await passes.shop.use(voucher.code)
    await passes.follow()
    renderer.go_on.set()
    serial = serial_of((await making).body)
    await passes.follow()
    assert (await passes.stored(serial))["voided"] is True


async def test_who_leaves_the_household_keeps_no_coupon_of_it(passes: PassShop) -> None:
    one, other = await passes.shop.member(), await passes.shop.member("Bo")
    await _household(passes, [one, other])
    voucher = await passes.shop.voucher("hsh_1")
    serial = serial_of((await passes.handout.coupon(voucher.code, other)).body)
    await passes.follow()
    await passes.shop.run("UPDATE account SET pool_id = NULL WHERE member_id = $1", other)
    await passes.shop.run("INSERT INTO outbox (kind, subject) VALUES ('pass', $1)", other)
    await passes.follow()
    assert (await passes.stored(serial))["voided"] is True


async def test_a_bundle_holds_the_card_and_what_ends_first_and_no_more_than_phones_take(passes: PassShop) -> None:
    member, now = await passes.shop.member(), passes.shop.clock.now()
    vouchers = [await passes.shop.voucher(member, valid_until=now + timedelta(days=day)) for day in range(12, 0, -1)]
    file = await passes.handout.bundle(member)
    assert file.media_type == BUNDLE_MEDIA_TYPE
    held = members_of(file.body)
    assert list(held) == ["card.pkpass", *[f"coupon-{number}.pkpass" for number in range(1, 10)]]
    papers = {name: paper_of(one) for name, one in held.items()}
    assert "storeCard" in papers["card.pkpass"]
    soonest = [voucher.code for voucher in reversed(vouchers)][:9]
    assert [papers[f"coupon-{n}.pkpass"]["barcodes"][0]["message"] for n in range(1, 10)] == soonest
    assert len({paper["serialNumber"] for paper in papers.values()}) == 10
    again = members_of((await passes.handout.bundle(member)).body)
    assert [serial_of(one) for one in again.values()] == [serial_of(one) for one in held.values()]


async def test_each_pass_of_a_bundle_is_signed_for_itself(
    passes: PassShop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    member = await passes.shop.member()
    await passes.shop.voucher(member, "mine")
    for name, one in members_of((await passes.handout.bundle(member)).body).items():
        checked = openssl_verify(one, tmp_path_factory.mktemp(name.partition(".")[0]))
        assert checked.returncode == 0, (name, checked.stderr)


async def test_without_vouchers_a_bundle_is_the_card_alone(passes: PassShop) -> None:
    held = members_of((await passes.handout.bundle(await passes.shop.member())).body)
    assert list(held) == ["card.pkpass"]
    with pytest.raises(UnknownMember):
        await passes.handout.bundle("mbr_nobody")


class _OneAway(Identities):
    """As if the certificate of one partner could not be opened."""

    away = ""

    def for_partner(self, partner_id: str) -> Identity:
        return Identities.fixed().default if partner_id == self.away else super().for_partner(partner_id)


async def test_a_partner_without_a_certificate_keeps_nobody_elses_passes_back(passes: PassShop) -> None:
    member = await passes.shop.member()
    await passes.shop.voucher(member, partner_id=passes.shop.gym)
    await passes.shop.voucher(member)
    known = _OneAway(None, None, identity())
    known.away = passes.shop.gym
    handout = replace(passes.handout, identities=known)
    papers = [paper_of(one) for one in members_of((await handout.bundle(member)).body).values()]
    assert [paper["organizationName"] for paper in papers] == ["Kulma Café", "Kulma Café"]


@pytest.mark.parametrize(
    ("name", "taps", "expected"), [("", True, "open"), ("Aino", True, ""), ("", False, "")], ids=str
)
async def test_wallet_may_ask_those_without_a_name_where_the_certificate_allows_it(
    db: Database, name: str, taps: bool, expected: str
) -> None:
    async with pass_shop(db, None if taps else without_taps(identity())) as passes:
        file = await passes.handout.card(await passes.shop.member(name))
        assert (await passes.stored(serial_of(file.body)))["sign_up"] == expected


async def _household(passes: PassShop, members: list[str]) -> None:
    await passes.shop.run(
        "INSERT INTO account (id, member_id) VALUES ('hsh_1/spendable', 'hsh_1'), ('hsh_1/arrears', 'hsh_1')"
    )
    await passes.shop.run("UPDATE account SET pool_id = 'hsh_1' WHERE member_id = ANY($1::text[])", members)
