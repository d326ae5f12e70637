"""From a change to the phone, and what the push service's moods do to it: real HTTP/2, real TLS, real outbox."""

import asyncio
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kernel.database import Database
from kernel.outbox import Runner, follow_once, retry_now, waiting
from passes.apple.apns import PushClient
from passes.apple.apns_connection import Answer
from passes.sandbox.apns import PushServer, Said
from passes.sandbox.authority import Authority
from tests.support.apple import AppleSide, apple_side, authority, identity


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
        notices: list[str | None] = []
        side.phones.on_update = lambda update: notices.append(update.notice)
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
        assert notices == [None] * 3 + ["You have 130 points"] * 3
        assert await notes(side) == {}
        assert side.reports == []


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


@pytest.mark.parametrize(
    "said", [Said(429, "TooManyRequests"), Said(500, "InternalServerError"), Said(503, "Shutdown")]
)
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


async def test_a_refused_certificate_parks_the_note_until_an_operator_has_mended_it(db: Database) -> None:
    async with apple_side(db) as side:
        pass_id = await side.issue(balance=1)
        phone = side.phones.phone()
        await side.download(phone, pass_id)
        side.push_server.answer_with(Said(403, "BadCertificate"))
        await side.change(pass_id, balance=2)
        await follow_once(db, side.push)
        assert await notes(side) == {"apple.push": (1, 1)}
        assert await side.rows("apple_registration") == 1
        assert await follow_once(db, side.push) == 0
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
            await side.client.push("ab" * 32)


async def spoken(server: PushServer, context: ssl.SSLContext) -> bytes:
    """What the server says to a client after the handshake (b"": it hangs up, which TLS 1.3 does only then)."""
    reader, writer = await asyncio.open_connection(server.host, server.port, ssl=context)
    try:
        return await reader.read(1)
    except (ssl.SSLError, ConnectionError):
        return b""
    finally:
        writer.close()


async def served(streams: int = 1000) -> tuple[PushServer, PushClient]:
    server = PushServer(authority(), streams=streams)
    await server.start()
    client = PushClient(identity(), server.host, server.port, ca_file=authority().root, timeout_s=1.0)
    return server, client


def enrolled(server: PushServer, count: int) -> list[str]:
    tokens = [f"{number:064x}" for number in range(count)]
    for token in tokens:
        server.enrol(token, lambda _: None)
    return tokens


async def test_many_pushes_share_one_connection_and_keep_to_the_streams_allowed() -> None:
    server, client = await served(streams=7)
    tokens = enrolled(server, 200)
    assert await client.push_all(tokens) == [Answer(200)] * 200
    assert server.connections == 1
    assert 1 < server.most_at_once <= 7
    await client.close()
    await server.stop()


async def test_a_server_that_says_goodbye_is_left_and_the_rest_goes_over_a_new_connection() -> None:
    server, client = await served()
    tokens = enrolled(server, 50)
    await client.push_all(tokens)
    server.fall_silent()
    under_way = asyncio.create_task(client.push_all(tokens))
    await asyncio.sleep(0.05)
    server.fall_silent(False)
    server.go_away()
    assert await under_way == [Answer(200)] * 50
    assert server.connections == 2
    await client.close()
    await server.stop()


async def test_a_silent_server_is_given_up_on_and_tried_again_later() -> None:
    server, client = await served()
    (token,) = enrolled(server, 1)
    server.fall_silent()
    (outcome,) = await client.push_all([token])
    assert not isinstance(outcome, Answer)
    server.fall_silent(False)
    assert await client.push(token) == Answer(200)
    assert server.connections == 2  # the silent connection was not trusted again
    await client.close()
    await server.stop()


async def test_one_push_without_an_answer_does_not_take_the_others_down() -> None:
    server, client = await served()
    first, second = enrolled(server, 2)
    server.answer_with(Said(0), token=first)
    unanswered = asyncio.create_task(client.push_all([first]))
    while not unanswered.done():
        assert await client.push(second) == Answer(200)
        await asyncio.sleep(0.1)
    assert not isinstance((await unanswered)[0], Answer)
    assert await client.push(first) == Answer(200)
    assert server.connections == 1
    await client.close()
    await server.stop()


async def test_a_client_without_a_certificate_of_the_authority_is_turned_away() -> None:
    server, client = await served()
    await client.close()
    stranger = ssl.create_default_context(cafile=str(authority().root))
    stranger.set_alpn_protocols(["h2"])
    assert await spoken(server, stranger) == b""
    assert server.connections == 0
    await server.stop()


async def test_a_push_server_of_another_authority_is_not_trusted(tmp_path: Path) -> None:
    server = PushServer(Authority.at(tmp_path))
    await server.start()
    client = PushClient(identity(), server.host, server.port, ca_file=authority().root, timeout_s=1.0)
    (outcome,) = await client.push_all(["ab" * 32])
    assert not isinstance(outcome, Answer)
    assert client.connections_made == 0
    await server.stop()
