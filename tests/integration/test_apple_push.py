"""From a change to the phone, and what the push service's moods do to it: real HTTP/2, real TLS, real outbox."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from kernel.database import Database
from kernel.outbox import Runner, follow_once, retry_now, waiting
from passes.sandbox.apns import Said
from passes.sandbox.authority import PASS_TYPE
from tests.support.apple import AppleSide, apple_side


async def notes(side: AppleSide) -> dict[str, tuple[int, int]]:
    async with side.db.read() as read:
        return {w.kind: (w.waiting, w.stuck) for w in await waiting(read.connection)}


async def eventually(side: AppleSide, holds: Callable[[dict[str, tuple[int, int]]], bool]) -> None:
    for _ in range(400):
        if holds(await notes(side)):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"still {await notes(side)}")


async def holding(side: AppleSide, balance: int = 1) -> tuple[str, str]:
    """A phone that holds a new pass; returns the pass id and the phone's push token."""
    pass_id = await side.issue(balance=balance)
    phone = side.phones.phone()
    await side.download(phone, pass_id)
    return pass_id, phone.push_token


async def test_a_change_reaches_every_phone_that_holds_the_pass_with_a_notice(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=120)
        phones = [side.phones.phone() for _ in range(3)]
        for phone in phones:
            await side.download(phone, pass_id)
        await side.change(pass_id, balance=130)
        assert await follow_once(db, side.push) == 1
        for phone in phones:
            shown = await phone.until(lambda s: s.balance == 130)
            assert phone.reread() == phone.shown() == shown
            assert (shown.holder, shown.tier, shown.organisation) == ("Aino Mäkinen", "Gold", "Kávézó Körút")
        assert [update.notice for update in side.updates] == [None] * 3 + ["You have 130 points"] * 3
        assert await notes(side) == {}
        assert await side.reported() == {}


async def test_a_fleet_is_kept_up_to_date_over_one_connection(db: Database) -> None:
    async with apple_side(db) as side:
        held = {}
        for _ in range(40):
            pass_id = await side.issue(balance=0)
            phone = side.phones.phone()
            await side.download(phone, pass_id)
            held[pass_id] = phone
        for balance in (1, 2, 3):
            for pass_id in held:
                await side.change(pass_id, balance=balance)
            assert await follow_once(db, side.push) == 40
        for phone in held.values():
            await phone.until(lambda s: s.balance == 3)
        assert side.push_server.connections == 1
        assert side.push_server.delivered == 120
        assert side.phones.counts["refused"] == 0


async def test_a_phone_with_two_changed_passes_is_woken_once(db: Database) -> None:
    async with apple_side(db) as side:
        phone = side.phones.phone()
        ids = [await side.issue(balance=0), await side.issue(balance=0)]
        for pass_id in ids:
            await side.download(phone, pass_id)
            await side.change(pass_id, balance=9)
        assert await follow_once(db, side.push) == 2
        assert side.push_server.answers == {"200": 1}
        for pass_id in ids:
            await phone.until(lambda s, wanted=pass_id: s.serial == wanted and s.balance == 9)  # type: ignore[misc]


async def test_a_change_between_download_and_registration_is_not_missed(db: Database) -> None:
    async with apple_side(db) as side:
        phone = side.phones.phone()
        earlier, pass_id = await side.issue(balance=0), await side.issue(balance=0)
        await side.download(phone, earlier)
        file = await side.service.file(pass_id)
        await side.change(pass_id, balance=50)
        await follow_once(db, side.push)  # nobody to wake yet
        await side.change(earlier, balance=1)
        await follow_once(db, side.push)
        await phone.until(lambda s: s.balance == 1)  # the phone's tag is now past the change of the other pass
        await phone.add(file.body)
        await follow_once(db, side.push)
        await phone.until(lambda s: s.balance == 50)


async def test_a_pass_that_nobody_holds_needs_no_push(db: Database) -> None:
    async with apple_side(db) as side:
        await side.change(await side.issue(), balance=5)
        assert await follow_once(db, side.push) == 1
        assert await notes(side) == {}
        assert side.push_server.connections == 0


async def test_the_push_service_is_down_then_back_and_the_change_arrives(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phone = side.phones.phone()
        await side.download(phone, pass_id)
        await side.push_server.stop()
        runner = Runner(db, [side.push], poll_s=0.1)
        running = asyncio.create_task(runner.run())
        await side.change(pass_id, balance=2)
        await eventually(side, lambda left: left == {"apple.push": (1, 0)} and side.push_server.connections == 0)
        assert phone.shown().balance == 1
        await side.push_server.start()
        await phone.until(lambda s: s.balance == 2, timeout_s=20)
        await eventually(side, lambda left: left == {})
        runner.stop()
        await running


async def test_a_phone_that_is_gone_is_forgotten_with_its_device(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id, token = await holding(side)
        side.push_server.withdraw(token, int(time.time() * 1000) + 1000)
        await side.change(pass_id, balance=2)
        await follow_once(db, side.push)
        assert await notes(side) == {}
        assert (await side.rows("apple_device"), await side.rows("apple_registration")) == (0, 0)


async def test_a_phone_that_registered_again_after_it_was_gone_is_kept(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id, token = await holding(side)
        long_ago = datetime.now(UTC) - timedelta(minutes=5)
        side.push_server.answer_with(Said(410, "Unregistered", int(long_ago.timestamp() * 1000)), token=token)
        await side.change(pass_id, balance=2)
        await follow_once(db, side.push)
        assert await side.rows("apple_registration") == 1


async def test_a_token_the_service_does_not_know_is_forgotten_and_others_stay(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id, token = await holding(side)
        phone = side.phones.phone()
        await side.download(phone, pass_id)
        side.push_server.answer_with(Said(400, "BadDeviceToken"), token=token)
        await side.change(pass_id, balance=2)
        await follow_once(db, side.push)
        await phone.until(lambda s: s.balance == 2)
        assert (await side.rows("apple_device"), await side.rows("apple_registration")) == (1, 1)
        assert await notes(side) == {}


@pytest.mark.parametrize("said", [Said(500, "InternalServerError"), Said(503, "Shutdown")])
async def test_a_busy_service_makes_the_note_wait_and_nobody_is_forgotten(db: Database, said: Said) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phone = side.phones.phone()
        await side.download(phone, pass_id)
        side.push_server.answer_with(said)
        await side.change(pass_id, balance=2)
        await follow_once(db, side.push)
        assert await notes(side) == {"apple.push": (1, 0)}
        assert await side.rows("apple_registration") == 1
        async with db.unit() as unit:
            await retry_now(unit.connection)
        await follow_once(db, side.push)
        await phone.until(lambda s: s.balance == 2)


async def test_a_new_push_token_replaces_the_old_one(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phone = side.phones.phone()
        await side.download(phone, pass_id)
        await phone.renew_push_token()
        await side.change(pass_id, balance=2)
        await follow_once(db, side.push)
        await phone.until(lambda s: s.balance == 2)
        assert side.push_server.answers == {"200": 1}


async def test_a_deleted_pass_wakes_nobody(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phone = side.phones.phone()
        await side.download(phone, pass_id)
        await phone.delete(pass_id)
        await side.change(pass_id, balance=2)
        await follow_once(db, side.push)
        assert side.push_server.answers == {}


async def test_pushing_inside_a_transaction_is_a_mistake_that_shows(db: Database) -> None:
    async with apple_side(db) as side, db.unit():
        with pytest.raises(RuntimeError, match="inside a database transaction"):
            await side.clients.push_all(PASS_TYPE, ["ab" * 32])
