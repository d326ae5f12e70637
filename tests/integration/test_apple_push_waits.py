"""Who waits when the push service refuses: one device, one pass type, or nobody; and how it begins again."""

from datetime import UTC, datetime

import pytest

from kernel.database import Database
from kernel.outbox import BULK, claim, follow_once, retry_now, settle, touch
from passes.apple import wave
from passes.apple.device_push import DEVICE_KIND
from passes.apple.push import ApplePush
from passes.apple.window import Window
from passes.sandbox.apns import Said
from passes.sandbox.authority import PASS_TYPE
from tests.support.apple import AppleSide, apple_side
from tests.support.apple_cards import OTHER_PASS_TYPE
from tests.support.apple_push import Safe, made_identity

TOO_MANY = Said(429, "TooManyRequests")
BAD = Said(403, "BadCertificate")


async def waits(db: Database) -> dict[str, list[str]]:
    """Subjects of the notes, by kind."""
    async with db.read() as read:
        rows = await read.connection.fetch("SELECT kind, subject FROM outbox ORDER BY kind, subject")
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["kind"], []).append(row["subject"])
    return found


async def due(db: Database) -> None:
    """Time passes: what waits is due."""
    async with db.unit() as unit:
        await unit.connection.execute("UPDATE outbox SET due = now() - interval '1 second'")


async def in_bulk(side: AppleSide, pass_ids: list[str]) -> None:
    async with side.db.unit() as unit:
        await touch(unit.connection, "apple.push", pass_ids, lane=BULK)


async def out(db: Database) -> int:
    async with db.unit() as unit:
        return (await wave.still_out(unit.connection))[0]


async def test_a_device_that_had_too_many_pushes_waits_alone(db: Database) -> None:
    async with apple_side(db) as side:
        push = ApplePush(db, side.clients, device_wait_s=0.0)
        pass_id = await side.issue(balance=1)
        busy, other = await side.phone_with(pass_id), await side.phone_with(pass_id)
        side.push_server.answer_with(TOO_MANY, token=busy.push_token)
        await side.change(pass_id, balance=2)
        await follow_once(db, push)
        await other.until(lambda shown: shown.balance == 2)
        assert await waits(db) == {DEVICE_KIND: [busy.push_token]}
        await side.change(pass_id, balance=3)
        await follow_once(db, push)
        await other.until(lambda shown: shown.balance == 3)
        assert busy.shown().balance == 1
        await follow_once(db, push.devices)
        await busy.until(lambda shown: shown.balance == 3)
        assert await waits(db) == {}


async def test_a_device_is_left_alone_for_a_minute_and_longer_each_time(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phone = await side.phone_with(pass_id)
        side.push_server.answer_with(TOO_MANY, times=100)
        await side.change(pass_id, balance=2)
        await follow_once(db, side.push)
        assert await follow_once(db, side.push.devices) == 1
        assert side.push_server.answers["429 TooManyRequests"] == 1  # it was not asked again
        async with db.read() as read:
            left_s = await read.connection.fetchval("SELECT extract(epoch FROM due - now())::float FROM outbox")
        assert 50 < left_s <= 60
        assert [side.push.devices.hold(phone.push_token) for _ in range(6)] == [120, 240, 480, 900, 900, 900]


async def test_a_change_that_meets_a_device_s_note_at_its_end_is_not_lost(db: Database) -> None:
    async with apple_side(db) as side:
        push = ApplePush(db, side.clients, device_wait_s=0.0)
        pass_id = await side.issue(balance=1)
        phone = await side.phone_with(pass_id)
        async with db.unit() as unit:
            await touch(unit.connection, DEVICE_KIND, [phone.push_token])
        notes = await claim(db, DEVICE_KIND, 10)
        assert await push.devices.follow([note.subject for note in notes]) == {}
        await side.phones.idle()
        # Before the device's note is deleted, the pass changes, and its push leaves the device to that note.
        await side.change(pass_id, balance=2)
        await follow_once(db, push)
        assert phone.shown().balance == 1
        await settle(db, DEVICE_KIND, notes, {})
        await follow_once(db, push.devices)
        await phone.until(lambda shown: shown.balance == 2)


async def test_a_waiting_device_that_has_let_go_of_its_passes_is_not_woken(db: Database) -> None:
    async with apple_side(db) as side:
        push = ApplePush(db, side.clients, device_wait_s=0.0)
        pass_id = await side.issue(balance=1)
        phone = await side.phone_with(pass_id)
        side.push_server.answer_with(TOO_MANY)
        await side.change(pass_id, balance=2)
        await follow_once(db, push)
        await phone.delete(pass_id)
        await follow_once(db, push.devices)
        assert await waits(db) == {}
        assert side.push_server.delivered == 0


async def test_a_stopped_pass_type_keeps_its_notes_and_the_others_go_on(db: Database) -> None:
    async with apple_side(db) as side:
        stopped, going = await side.issue(balance=1), await side.issue(pass_type=OTHER_PASS_TYPE, balance=1)
        await side.phone_with(stopped)
        phone = await side.phone_with(going)
        side.push_server.answer_with(BAD)
        await side.change(stopped, balance=2)
        await follow_once(db, side.push)
        await side.change(going, balance=2)
        await follow_once(db, side.push)
        await phone.until(lambda shown: shown.balance == 2)
        assert await waits(db) == {"apple.push": [stopped]}
        assert await side.rows("apple_registration") == 2


async def test_a_new_certificate_releases_everything_that_waited_for_it(db: Database) -> None:
    async with apple_side(db) as side:
        safe = Safe({PASS_TYPE: made_identity()})
        side.clients._identities = safe
        ids = [await side.issue(balance=1) for _ in range(3)]
        phones = [await side.phone_with(pass_id) for pass_id in ids]
        side.push_server.answer_with(BAD, times=3)
        for pass_id in ids:
            await side.change(pass_id, balance=2)
        await follow_once(db, side.push)
        assert await follow_once(db, side.push) == 0
        safe.identities[PASS_TYPE] = made_identity()
        fourth = await side.issue(balance=1)
        await side.phone_with(fourth)
        await side.change(fourth, balance=2)
        assert await follow_once(db, side.push) == 1  # the new one goes, and makes the others due
        assert await follow_once(db, side.push) == 3
        for phone in phones:
            await phone.until(lambda shown: shown.balance == 2)
        assert await waits(db) == {}


async def test_an_operator_who_asks_again_gets_a_trial_before_its_time(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phone = await side.phone_with(pass_id)
        side.push_server.answer_with(BAD)
        await side.change(pass_id, balance=2)
        await follow_once(db, side.push)
        await due(db)  # the note alone does not ask: pushes are stopped for a minute
        await follow_once(db, side.push)
        assert side.push_server.delivered == 0
        async with db.unit() as unit:
            await retry_now(unit.connection)
        await follow_once(db, side.push)
        await phone.until(lambda shown: shown.balance == 2)


async def test_every_process_sees_that_pushes_are_stopped_and_that_they_go_again(db: Database) -> None:
    async with apple_side(db) as side:

        async def seen() -> tuple[str, str, bool]:
            async with db.read() as read:
                row = await read.connection.fetchrow("SELECT standing, reason, since FROM apple_push_state")
                assert row is not None
            return row["standing"], row["reason"], row["since"] <= datetime.now(UTC)

        pass_id = await side.issue(balance=1)
        await side.phone_with(pass_id)
        side.push_server.answer_with(BAD)
        await side.change(pass_id, balance=2)
        await follow_once(db, side.push)
        assert await seen() == (
            "stopped",
            "The push service does not accept our certificate (403 BadCertificate).",
            True,
        )
        assert [(state.open, state.refused) for state in side.push.state()] == [(False, 1)]
        async with db.unit() as unit:
            await retry_now(unit.connection)
        await follow_once(db, side.push)
        assert await seen() == ("open", "", True)
        assert [(state.open, state.pushed) for state in side.push.state()] == [(True, 1)]


async def test_a_phone_that_is_gone_is_counted(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        await side.phone_with(pass_id)
        side.push_server.answer_with(Said(410, "Unregistered"))
        await side.change(pass_id, balance=2)
        await follow_once(db, side.push)
        assert [state.forgotten for state in side.push.state()] == [1]


async def test_a_refused_push_does_not_keep_the_other_device_of_the_pass_waiting(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        odd, busy = await side.phone_with(pass_id), await side.phone_with(pass_id)
        side.push_server.answer_with(Said(400, "SomethingNew"), token=odd.push_token)
        side.push_server.answer_with(Said(503, "Shutdown"), token=busy.push_token)
        await side.change(pass_id, balance=2)
        await follow_once(db, side.push)
        async with db.read() as read:
            parked = await read.connection.fetchval("SELECT parked_at IS NOT NULL FROM outbox")
        assert parked is False
        await due(db)
        await follow_once(db, side.push)
        await busy.until(lambda shown: shown.balance == 2)


async def test_a_campaign_goes_at_the_pace_at_which_phones_fetch(db: Database) -> None:
    async with apple_side(db) as side:
        push = ApplePush(db, side.clients, window=Window(3, 3))
        ids = [await side.issue(balance=1) for _ in range(5)]
        phones = [await side.phone_with(pass_id) for pass_id in ids]
        for phone in phones:
            side.push_server.enrol(phone.push_token, lambda _: None)  # pushes arrive, nobody comes yet
        await in_bulk(side, ids)
        assert await push.room() == 3
        assert await follow_once(db, push, limit=await push.room()) == 3
        assert await push.room() == 0
        async with db.unit() as unit:
            await unit.connection.execute("DELETE FROM apple_wave WHERE pass_id = $1", (await _pushed(db))[0])
        assert await push.room() == 1


async def _pushed(db: Database) -> list[str]:
    async with db.read() as read:
        return [row["pass_id"] for row in await read.connection.fetch("SELECT pass_id FROM apple_wave")]


async def test_phones_that_come_make_room_for_more(db: Database) -> None:
    async with apple_side(db) as side:
        push = ApplePush(db, side.clients, window=Window(2, 2))
        ids = [await side.issue(balance=1) for _ in range(2)]
        phones = [await side.phone_with(pass_id) for pass_id in ids]
        for pass_id in ids:
            await side.change(pass_id, balance=2)
        async with db.unit() as unit:
            await unit.connection.execute("UPDATE outbox SET lane = $1", BULK)
        await follow_once(db, push)
        for phone in phones:
            await phone.until(lambda shown: shown.balance == 2)
        await side.phones.idle()
        await side.service.close()  # what it noted of fetches is written
        assert await push.room() == 2


async def test_phones_in_a_drawer_do_not_hold_a_campaign_up_for_ever(db: Database) -> None:
    async with apple_side(db) as side:
        push = ApplePush(db, side.clients, window=Window(2, 2))
        ids = [await side.issue(balance=1) for _ in range(2)]
        for phone in [await side.phone_with(pass_id) for pass_id in ids]:
            side.push_server.enrol(phone.push_token, lambda _: None)
        await in_bulk(side, ids)
        await follow_once(db, push)
        assert await push.room() == 0
        async with db.unit() as unit:
            await unit.connection.execute("UPDATE apple_wave SET pushed_at = now() - interval '11 seconds'")
        assert await push.room() == 2
        assert await side.rows("apple_wave") == 0


async def test_what_a_till_did_counts_for_no_campaign(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phone = await side.phone_with(pass_id)
        await side.change(pass_id, balance=2)
        await follow_once(db, side.push)
        await phone.until(lambda shown: shown.balance == 2)
        assert await out(db) == 0


@pytest.mark.parametrize("lane", ["bulk", "both"])
async def test_a_pass_of_a_campaign_counts_as_out_until_it_is_fetched_unless_a_till_changed_it_too(
    db: Database, lane: str
) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phone = await side.phone_with(pass_id)
        side.push_server.enrol(phone.push_token, lambda _: None)
        await in_bulk(side, [pass_id])
        if lane == "both":
            await side.change(pass_id, balance=2)
        await follow_once(db, side.push)
        assert await out(db) == (1 if lane == "bulk" else 0)
