"""Registrations over the life of phones: added, added again, deleted, renewed, cloned, gone.

https://developer.apple.com/documentation/walletpasses/register-a-pass-for-update-notifications
"""

import asyncio
import json
from contextvars import Context

import pytest

from kernel import outbox
from kernel.database import Database
from passes.apple.registry import REGISTRATIONS_PER_PASS
from passes.sandbox.authority import PASS_TYPE
from passes.sandbox.iphone import Iphone
from tests.support.apple import AppleSide, apple_side, token_of


async def register(side: AppleSide, phone: Iphone, pass_id: str, push_token: str = "ab" * 32) -> int:
    path = f"/devices/{phone.library_id}/registrations/{PASS_TYPE}/{pass_id}"
    body = json.dumps({"pushToken": push_token}).encode()
    return (await side.call("POST", path, token=token_of(pass_id), data=body))[0]


async def push_tokens(side: AppleSide) -> set[str]:
    async with side.db.read() as read:
        return {row["push_token"] for row in await read.connection.fetch("SELECT push_token FROM apple_device")}


async def test_the_first_registration_is_201_and_a_second_delivery_is_200(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        phone = await side.phone_with(pass_id)
        assert side.phones.counts["register 201"] == 1
        for _ in range(3):
            await phone.register_again()
        assert side.phones.counts["register 200"] == 3
        assert await side.rows("apple_registration") == 1


async def test_twenty_deliveries_of_one_registration_at_once_make_one(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        phone = side.phones.phone()
        statuses = await asyncio.gather(*(register(side, phone, pass_id) for _ in range(20)))
        assert sorted(statuses) == [200] * 19 + [201]
        assert await side.rows("apple_registration") == 1


async def test_a_renewed_push_token_replaces_the_old_one_for_all_passes(db: Database) -> None:
    async with apple_side(db) as side:
        ids = [await side.issue(balance=1), await side.issue(balance=1)]
        phone = await side.phone_with(*ids)
        await phone.refresh()
        await phone.renew_push_token()
        assert await push_tokens(side) == {phone.push_token}
        for pass_id in ids:
            await side.change(pass_id, balance=2)
            await side.deliver()
            assert phone.shown(pass_id).balance == 2
        assert side.push_server.answers == {"200": 2}


async def test_one_pass_on_several_devices_reaches_each(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phones = [await side.phone_with(pass_id) for _ in range(5)]
        await side.change(pass_id, balance=2)
        await side.deliver()
        assert [phone.shown().balance for phone in phones] == [2] * 5


async def test_a_device_that_joins_later_disturbs_none_that_was_there(db: Database) -> None:
    """The new one may hold an older file and is told once more; the others have seen it and are left alone."""
    async with apple_side(db) as side:
        pass_id, elsewhere = await side.issue(balance=1), await side.issue(balance=7)
        first = await side.phone_with(pass_id)
        second = await side.phone_with(elsewhere)
        old_file = (await side.service.file(pass_id)).body
        async with db.unit() as unit:  # the pass is a minute old
            await unit.connection.execute("UPDATE wallet_pass SET created_at = created_at - interval '1 minute'")
        await side.change(pass_id, balance=2)
        await side.deliver()
        await side.change(elsewhere, balance=8)
        await side.deliver()
        heard, pushed = len(side.phones.complaints), side.push_server.delivered
        await second.add(old_file)
        assert second.shown(pass_id).balance == 1
        await side.deliver()
        assert second.shown(pass_id).balance == 2, "its tag was past the change already"
        assert side.push_server.delivered == pushed + 1
        assert side.phones.counts["spurious push"] == 0
        assert await first.refresh() == 0
        assert await second.refresh() == 0
        assert len(side.phones.complaints) == heard


async def test_a_deleted_pass_is_not_listed_and_the_device_goes_with_its_last(db: Database) -> None:
    async with apple_side(db) as side:
        first, second = await side.issue(balance=1), await side.issue(balance=1)
        phone = await side.phone_with(first, second)
        await phone.delete(first)
        await side.change(first, balance=2)
        await side.change(second, balance=2)
        await side.deliver()
        assert phone.shown(second).balance == 2
        assert not [line for line in side.phones.complaints if "unregistered serial number" in line]
        await phone.delete(second)
        assert (await side.rows("apple_device"), await side.rows("apple_registration")) == (0, 0)


async def test_deleting_twice_or_what_was_never_there_is_no_error(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        phone = side.phones.phone()
        path = f"/devices/{phone.library_id}/registrations/{PASS_TYPE}/{pass_id}"
        assert (await side.call("DELETE", path, token=token_of(pass_id)))[0] == 200
        assert await register(side, phone, pass_id) == 201
        for _ in range(3):
            assert (await side.call("DELETE", path, token=token_of(pass_id)))[0] == 200
        assert await side.rows("apple_device") == 0


async def test_a_pass_that_was_deleted_and_added_again_lives_on(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id, other = await side.issue(balance=1), await side.issue(balance=1)
        phone = await side.phone_with(pass_id, other)
        await phone.refresh()
        await phone.delete(pass_id)
        await side.change(pass_id, balance=2)
        await side.change(other, balance=2)
        await side.deliver()  # the phone's tag is past both changes now
        await side.download(phone, pass_id)
        assert phone.shown(pass_id).balance == 2
        assert side.phones.counts["register 201"] == 3
        await side.change(pass_id, balance=3)
        await side.deliver()
        assert phone.shown(pass_id).balance == 3


async def test_a_deletion_and_an_old_file_added_again_catch_up(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id, other = await side.issue(balance=1), await side.issue(balance=1)
        phone = await side.phone_with(pass_id, other)
        kept_in_the_mail = (await side.service.file(pass_id)).body
        async with db.unit() as unit:
            await unit.connection.execute("UPDATE wallet_pass SET created_at = created_at - interval '1 minute'")
        await phone.delete(pass_id)
        await side.change(pass_id, balance=2)
        await side.change(other, balance=2)
        await side.deliver()
        await phone.add(kept_in_the_mail)
        await side.deliver()
        assert phone.shown(pass_id).balance == 2


async def test_a_change_between_download_and_registration_is_not_lost(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=0)
        file = (await side.service.file(pass_id)).body
        await side.change(pass_id, balance=50)
        await outbox.follow_once(db, side.push)  # finds no one to wake
        phone = side.phones.phone()
        await phone.add(file)
        await side.deliver()
        assert phone.shown().balance == 50


async def test_a_change_while_a_phone_registers_is_seen_by_one_of_the_two(db: Database) -> None:
    """However they overlap, either the push finds the registration or the registration sees the change."""
    async with apple_side(db) as side:
        ids = [await side.issue(balance=0) for _ in range(30)]
        files = [(await side.service.file(pass_id)).body for pass_id in ids]
        phones = [side.phones.phone() for _ in ids]

        async def pushing() -> None:
            for _ in range(100):
                await outbox.follow_once(db, side.push)
                await asyncio.sleep(0)

        async def changing(pass_id: str, number: int) -> None:
            await asyncio.sleep(number % 7 / 500)
            await side.change(pass_id, balance=50)

        await asyncio.gather(
            pushing(),
            *(changing(pass_id, number) for number, pass_id in enumerate(ids)),
            *(phone.add(file) for phone, file in zip(phones, files, strict=True)),
        )
        await side.deliver()
        await side.phones.idle()
        assert [phone.shown().balance for phone in phones] == [50] * 30


async def test_a_registration_waits_for_a_change_that_is_just_being_written(db: Database) -> None:
    """Else the change might find no device to wake, and the registration nothing to catch up with."""
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=0)
        phone = side.phones.phone()
        file = (await side.service.file(pass_id)).body
        async with db.unit() as unit:
            await unit.connection.execute("UPDATE wallet_pass SET last_modified = last_modified + interval '1 second'")
            adding = asyncio.create_task(phone.add(file), context=Context())
            await asyncio.sleep(0.3)
            assert not adding.done()
        await adding
        async with db.read() as read:
            waiting = await read.connection.fetchval("SELECT subject FROM outbox WHERE kind = 'apple.push'")
        assert waiting == f"{pass_id}/{phone.library_id}"


async def test_ever_new_device_ids_are_capped_and_the_living_one_is_woken(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phone = await side.phone_with(pass_id)
        for _ in range(REGISTRATIONS_PER_PASS + 40):
            await phone.come_back_anew()
        assert await side.rows("apple_registration") == REGISTRATIONS_PER_PASS
        assert await side.rows("apple_device") == REGISTRATIONS_PER_PASS
        await side.change(pass_id, balance=2)
        await side.deliver()
        assert phone.shown().balance == 2
        assert side.push_server.delivered == 1, "one push token is woken once, under however many ids"


async def test_the_cap_of_one_pass_takes_no_other_pass_from_a_device(db: Database) -> None:
    async with apple_side(db) as side:
        crowded, quiet = await side.issue(), await side.issue(balance=1)
        phone = await side.phone_with(crowded, quiet)
        for _ in range(REGISTRATIONS_PER_PASS + 5):
            await side.phone_with(crowded)
        await side.change(quiet, balance=2)
        await side.deliver()
        assert phone.shown(quiet).balance == 2


async def test_a_phone_that_is_gone_is_forgotten_unless_it_came_back(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        gone, alive = await side.phone_with(pass_id), await side.phone_with(pass_id)
        gone.switch_off()
        await side.change(pass_id, balance=2)
        await side.deliver()
        assert alive.shown().balance == 2
        assert await push_tokens(side) == {alive.push_token}
        await gone.register_again()
        await side.change(pass_id, balance=3)
        await side.deliver()
        assert gone.shown().balance == 3


async def test_phones_that_add_and_delete_at_once_do_not_lock_each_other_up(db: Database) -> None:
    async with apple_side(db) as side:
        ids = [await side.issue() for _ in range(3)]
        phone = side.phones.phone()

        async def restless(pass_id: str) -> None:
            path = f"/devices/{phone.library_id}/registrations/{PASS_TYPE}/{pass_id}"
            for _ in range(8):
                assert await register(side, phone, pass_id) in (200, 201)
                assert (await side.call("DELETE", path, token=token_of(pass_id)))[0] == 200

        async def changing(pass_id: str) -> None:
            for balance in range(8):
                await side.change(pass_id, balance=balance)

        await asyncio.gather(*(restless(one) for one in ids for _ in range(2)), *(changing(one) for one in ids))
        assert await side.rows("apple_device") == 0


@pytest.mark.parametrize("other", [b'{"pushToken": "%b", "more": [1, {"x": null}]}', b' \n{ "pushToken" : "%b" } '])
async def test_what_a_newer_system_adds_to_a_body_is_ignored(db: Database, other: bytes) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue()
        path = f"/devices/d1/registrations/{PASS_TYPE}/{pass_id}"
        status, _, _ = await side.call("POST", path, token=token_of(pass_id), data=other % (b"cd" * 32))
        assert status == 201
        assert await push_tokens(side) == {"cd" * 32}
