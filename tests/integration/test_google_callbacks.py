"""A card that a phone saves or deletes is known to be saved or deleted, however often, late or disordered Google is."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from kernel.database import Database
from kernel.outbox import waiting
from passes.google.callbacks import PATH, callback_segment, callback_url
from passes.google.ecv2 import LARGEST_CALLBACK_BYTES
from passes.google.root_keys import FORCED_EVERY_S
from passes.sandbox.google_faults import Fault
from tests.support.google_callbacks import KEYRING, CallbackSide, callback_side


@pytest.fixture
async def google(db: Database) -> AsyncIterator[CallbackSide]:
    async with callback_side(db) as side:
        yield side


async def held(google: CallbackSide, pass_id: str = "pass_1") -> str:
    return str((await google.known(pass_id))["held"])


async def test_a_card_that_a_phone_saves_and_deletes_is_known_to_be(google: CallbackSide) -> None:
    object_id = await google.card("pass_1")
    phone = google.fleet.phone()
    google.sandbox.phones.save("loyaltyObject", object_id, phone.account, google.fleet.id, phone.id)
    await google.sandbox.callbacks.settled()
    assert await held(google) == "saved"
    assert (await google.known("pass_1"))["holders"] == 1
    await phone.delete(object_id)
    await google.sandbox.callbacks.settled()
    assert await held(google) == "deleted"
    assert (await google.known("pass_1"))["holders"] == 0
    assert [sent.statuses for sent in google.sandbox.callbacks.sent] == [[200], [200]]
    assert google.callbacks.counts == {"saved": 1, "deleted": 1}


async def test_a_callback_delivered_again_counts_once_and_is_answered_alike(google: CallbackSide) -> None:
    await google.card("pass_1")
    body = google.body("pass_1")
    answers = [await google.post(body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len(await google.inbox()) == 1
    assert google.callbacks.counts == {"saved": 1, "repeated": 2}


async def test_copies_at_the_same_moment_count_once(google: CallbackSide) -> None:
    await google.card("pass_1")
    body = google.body("pass_1")
    answers = await asyncio.gather(*(google.post(body) for _ in range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await google.inbox()) == 1
    assert google.callbacks.counts["saved"] == 1


async def test_an_old_word_that_arrives_late_changes_nothing(google: CallbackSide) -> None:
    await google.card("pass_1")
    older, newer = google.later(100), google.later(200)
    await google.post(google.body("pass_1", "del", ends_at=newer))
    await google.post(google.body("pass_1", "save", ends_at=older))
    assert await held(google) == "deleted"
    assert len(await google.inbox()) == 2


@pytest.mark.parametrize("seed", range(5))
async def test_callbacks_out_of_order_and_twice_end_where_the_user_ended(google: CallbackSide, seed: int) -> None:
    chance = random.Random(seed)
    phones = {}
    for number in range(4):
        phones[await google.card(f"pass_{number}")] = google.fleet.phone()
    google.sandbox.callbacks.hold()
    for _ in range(24):
        object_id, phone = chance.choice(list(phones.items()))
        if google.sandbox.phones.has_users(object_id):
            await phone.delete(object_id)
        else:
            google.sandbox.phones.save("loyaltyObject", object_id, phone.account, google.fleet.id, phone.id)
            await asyncio.sleep(0.002)  # two messages of one millisecond have no order
    google.sandbox.callbacks.release(lambda sent: chance.sample([*sent, *sent], 2 * len(sent)))
    await google.sandbox.callbacks.settled()
    for object_id in phones:
        pass_id = object_id.partition(".")[2]
        known = await google.known(pass_id)
        if known["held"] != "unknown":
            assert (known["held"] == "saved") == google.sandbox.phones.has_users(object_id)
    assert all(row["taken_at"] is not None for row in await google.inbox())


async def test_what_another_address_or_a_stranger_sends_moves_nothing(google: CallbackSide) -> None:
    await google.card("pass_1")
    good = google.body("pass_1")
    assert (await google.post(good, "0" * 32)).status_code == 404
    assert (await google.post(good.replace(b"save", b"dele"))).status_code == 403
    assert (await google.post(google.body("pass_1", sender="GoogleWalletPasses"))).status_code == 403
    assert (await google.post(google.body("pass_1", issuer_id="3388000000099999999"))).status_code == 403
    assert (await google.post(google.body("pass_1", ends_at=google.clock.now()))).status_code == 403
    assert (await google.post(b"{")).status_code == 400
    assert (await google.post(b"")).status_code == 400
    assert (await google.post(b" " * (LARGEST_CALLBACK_BYTES + 1))).status_code == 413
    assert (await google.http.get(f"{PATH}/{google.callbacks.segment}")).status_code == 405
    assert await held(google) == "unknown"
    assert await google.inbox() == []
    assert google.callbacks.counts == {"signature": 2, "root": 1, "expired": 1, "malformed": 2}


async def test_a_callback_that_has_ended_is_refused_though_google_signed_it(google: CallbackSide) -> None:
    await google.card("pass_1")
    body = google.body("pass_1", ends_at=google.later(60))
    google.clock.advance(timedelta(seconds=60))
    assert (await google.post(body)).status_code == 403
    google.clock.advance(timedelta(seconds=-1))
    assert (await google.post(body)).status_code == 200


async def test_a_card_that_we_lost_sight_of_is_taken_up_again(google: CallbackSide) -> None:
    """After a restored backup Google knows of an object that we do not."""
    await google.card("pass_1", pushed=False)
    assert (await google.post(google.body("pass_1"))).status_code == 200
    assert await held(google) == "saved"
    assert (await google.known("pass_1"))["pushed_hash"] == ""
    async with google.db.read() as read:
        assert [(note.kind, note.waiting) for note in await waiting(read.connection)] == [("google.push", 1)]


async def test_a_card_that_is_not_ours_is_kept_and_moves_nothing(google: CallbackSide) -> None:
    assert (await google.post(google.body("pass_nobody"))).status_code == 200
    (row,) = await google.inbox()
    assert row["taken_at"] is None
    assert google.callbacks.counts == {"unknown": 1}


async def test_nothing_is_kept_when_the_change_cannot_be(google: CallbackSide) -> None:
    await google.card("pass_1")
    body = google.body("pass_1")
    async with google.db.unit() as unit:
        await unit.connection.execute("ALTER TABLE google_object ADD CONSTRAINT broken CHECK (held <> 'saved')")
    assert (await google.post(body)).status_code == 500
    assert await google.inbox() == []
    async with google.db.unit() as unit:
        await unit.connection.execute("ALTER TABLE google_object DROP CONSTRAINT broken")
    assert (await google.post(body)).status_code == 200
    assert await held(google) == "saved"


async def test_a_bad_signature_does_not_make_us_ask_google_again(google: CallbackSide) -> None:
    await google.card("pass_1")
    forger = google.sandbox.signer
    stranger = type(forger)(forger.issuer_id).root
    for _ in range(50):
        assert (await google.post(google.body("pass_1", root=stranger))).status_code == 403
    assert google.sandbox.requests["GET keys"] == 2  # at first, and once because the key was unknown
    google.seconds.now += FORCED_EVERY_S
    for _ in range(50):
        await google.post(google.body("pass_1", root=stranger))
    assert google.sandbox.requests["GET keys"] == 3


async def test_a_new_root_key_is_learned_when_it_is_first_used(google: CallbackSide) -> None:
    await google.card("pass_1")
    await google.post(google.body("pass_1", ends_at=google.later(10)))
    google.sandbox.signer.rotate()
    assert (await google.post(google.body("pass_1", "del", ends_at=google.later(20)))).status_code == 200
    assert await held(google) == "deleted"
    assert google.sandbox.requests["GET keys"] == 2


async def test_a_new_root_key_serves_all_who_wait_for_it(google: CallbackSide) -> None:
    for number in range(8):
        await google.card(f"pass_{number}")
    await google.post(google.body("pass_0"))
    google.sandbox.signer.rotate()
    answers = await asyncio.gather(*(google.post(google.body(f"pass_{number}")) for number in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert google.sandbox.requests["GET keys"] == 2


async def test_without_root_keys_google_is_asked_to_come_again(google: CallbackSide) -> None:
    await google.card("pass_1")
    google.sandbox.faults.add(Fault("refuse", call="GET keys", status=503))
    answer = await google.post(google.body("pass_1"))
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    google.sandbox.faults.mend()
    google.seconds.now += 60
    assert (await google.post(google.body("pass_1"))).status_code == 200


async def test_what_cannot_be_a_callback_does_not_make_us_ask_google(google: CallbackSide) -> None:
    for body in (b"", b"{}", b"null", b"[]", b"{" * 1000):
        assert (await google.post(body)).status_code == 400
    assert google.sandbox.requests["GET keys"] == 0


async def test_a_refused_delivery_of_the_sandbox_comes_again(google: CallbackSide) -> None:
    object_id = await google.card("pass_1")
    google.sandbox.faults.add(Fault("refuse", call="GET keys", status=503, times=1))
    google.sandbox.phones.save("loyaltyObject", object_id, "somebody", google.fleet.id, "phone")
    google.clock.advance(timedelta(seconds=1))
    google.seconds.step = 61  # a minute has passed whenever it is looked at
    await google.sandbox.callbacks.settled()
    assert google.sandbox.callbacks.sent[0].statuses == [503, 200]
    assert await held(google) == "saved"


async def test_robots_of_google_may_go_where_callbacks_go_and_nowhere_else(google: CallbackSide) -> None:
    answer = await google.http.get("/robots.txt")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == "User-agent: *\nAllow: /google/v1/callbacks/\nAllow: /designs/\nDisallow: /\n"
    assert callback_segment(KEYRING) not in answer.text


def test_the_address_cannot_be_guessed_and_never_changes() -> None:
    assert len(callback_segment(KEYRING)) == 32
    assert callback_url("https://points.example", KEYRING) == (
        f"https://points.example/google/v1/callbacks/{callback_segment(KEYRING)}"
    )
