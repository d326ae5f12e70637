"""Every move of a voucher is noted for whoever's wallet may show it, in the same transaction."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from kernel.database import Database
from points.answers import SpendingNotAllowed, UnknownMember
from points.claims import usable_vouchers
from points.programme.voucher_value import VoucherOfAnother, VoucherSpent
from points.voucher_records import by_code, check_own, found_by_ids
from tests.support.voucher_shop import VoucherShop, voucher_shop


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[VoucherShop]:
    async with voucher_shop(db) as opened:
        yield opened


async def test_a_use_an_exchange_and_a_cancelling_are_noted_for_the_member(shop: VoucherShop) -> None:
    member = await shop.member()
    used, exchanged, cancelled = (
        await shop.voucher(member),
        await shop.voucher(member, "statement", value_minor=500, uses_left=500),
        await shop.voucher(member),
    )
    await shop.use(used.code)
    assert await shop.notes() == {member}
    await shop.vouchers.exchange(shop.shown(exchanged.code, partner_id=shop.gym), shop.in_force)
    assert await shop.notes() == {member}
    await shop.vouchers.void(shop.shown(cancelled.code), "lost")
    assert await shop.notes() == {member}


async def test_a_repeated_or_refused_move_is_noted_for_nobody(shop: VoucherShop) -> None:
    member = await shop.member()
    voucher = await shop.voucher(member)
    shown = shop.shown(voucher.code)
    await shop.vouchers.use(shown, shop.in_force)
    await shop.notes()
    assert (await shop.vouchers.use(shown, shop.in_force)).replayed
    with pytest.raises(VoucherSpent):
        await shop.use(voucher.code)
    assert await shop.notes() == set()


async def test_everybody_who_uses_the_same_account_hears_of_it(shop: VoucherShop) -> None:
    one, other, stranger = await shop.member(), await shop.member("Bo"), await shop.member("Cleo")
    await _household(shop, [one, other])
    await shop.use((await shop.voucher("hsh_1")).code)
    assert {one, other} <= await shop.notes()
    # A voucher that somebody had before they joined is everybody's too.
    await shop.use((await shop.voucher(one)).code)
    noted = await shop.notes()
    assert {one, other} <= noted
    assert stranger not in noted


async def test_nobody_is_noted_where_nobody_listens(shop: VoucherShop) -> None:
    quiet = type(shop.vouchers)(shop.db, shop.clock, shop.programmes.versions)
    await quiet.use(shop.shown((await shop.voucher(await shop.member())).code), shop.in_force)
    assert await shop.notes() == set()


async def test_a_voucher_is_shown_to_those_who_may_spend_it(shop: VoucherShop) -> None:
    one, child, stranger = await shop.member(), await shop.member("Bo"), await shop.member("Cleo")
    await _household(shop, [one, child])
    await shop.run("UPDATE account SET may_spend = false WHERE member_id = $1", child)
    voucher = await shop.voucher("hsh_1")
    async with shop.db.read() as read:
        found = await by_code(read.connection, voucher.code)
        await check_own(read.connection, found, one)
        assert [v.id for v in await usable_vouchers(read.connection, one, shop.clock.now())] == [voucher.id]
        for member, refusal in (
            (child, SpendingNotAllowed), (stranger, VoucherOfAnother), ("hsh_1", UnknownMember), ("", UnknownMember),
        ):  # fmt: skip
            with pytest.raises(refusal):
                await check_own(read.connection, found, member)
        for member in (child, stranger):
            assert await usable_vouchers(read.connection, member, shop.clock.now()) == []
        with pytest.raises(UnknownMember):
            await usable_vouchers(read.connection, "mbr_nobody", shop.clock.now())


async def test_only_what_can_be_used_now_is_offered_and_what_ends_first_comes_first(shop: VoucherShop) -> None:
    member, now = await shop.member(), shop.clock.now()
    late = await shop.voucher(member, valid_until=now + timedelta(days=2))
    soon = await shop.voucher(member, valid_until=now + timedelta(days=1))
    ever = await shop.voucher(member)
    await shop.voucher(member, valid_until=now)
    await shop.use((await shop.voucher(member)).code)
    async with shop.db.read() as read:
        offered = await usable_vouchers(read.connection, member, now)
        found = await found_by_ids(read.connection, [late.id, "vch_nothing"])
    assert [voucher.id for voucher in offered] == [soon.id, late.id, ever.id]
    assert {key: (one.voucher, one.member_id, one.holder) for key, one in found.items()} == {
        late.id: (late, member, member)
    }


async def _household(shop: VoucherShop, members: list[str]) -> None:
    await shop.run(
        "INSERT INTO account (id, member_id) VALUES ('hsh_1/spendable', 'hsh_1'), ('hsh_1/arrears', 'hsh_1')"
    )
    await shop.run("UPDATE account SET pool_id = 'hsh_1' WHERE member_id = ANY($1::text[])", members)
