"""What callbacks did not say is found out by asking Google, with the calls that nobody else wants."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kernel.database import Database
from kernel.errors import Unavailable
from kernel.outbox import waiting
from passes.google.holders import ASKED_EVERY, SETTLES_WITHIN
from passes.google.identity import GoogleIdentity
from passes.google.pace import Pace
from passes.google.reconcile import Reconcile, class_resource
from passes.google.rest import WalletApi
from passes.sandbox.google_account import make_service_account
from passes.sandbox.google_faults import Fault
from tests.support.google_callbacks import CLASS_ID, CallbackSide, callback_side


class Side:
    """Google with callbacks that get lost, and the job that asks."""

    def __init__(self, google: CallbackSide, reconcile: Reconcile) -> None:
        self.google = google
        self.reconcile = reconcile
        self.sandbox = google.sandbox

    async def cards(self, count: int) -> Sequence[str]:
        return [await self.google.card(f"pass_{number}") for number in range(count)]

    def save(self, object_id: str, account: str = "somebody") -> None:
        self.sandbox.phones.save("loyaltyObject", object_id, account, "fleet", "phone")

    async def held(self, number: int = 0) -> str:
        return str((await self.google.known(f"pass_{number}"))["held"])

    async def next_day(self) -> int:
        self.google.clock.advance(ASKED_EVERY)
        return await self.reconcile.once()

    async def change(self, statement: str, *values: Any) -> None:
        async with self.google.db.unit() as unit:
            await unit.connection.execute(statement, *values)


@pytest.fixture
async def side(db: Database, tmp_path: Path) -> AsyncIterator[Side]:
    async with callback_side(db) as google, aiohttp.ClientSession() as http:
        account = make_service_account(tmp_path, google.sandbox.token_uri)
        google.sandbox.invite(account)
        identity = GoogleIdentity.from_file(account.path, google.sandbox.issuer_id)
        api = WalletApi(identity, http, google.sandbox.base_url, pace=Pace(10_000, 1000), timeout_s=2.0)
        yield Side(google, Reconcile(db, api, google.sandbox.issuer_id, google.clock))


async def test_a_lost_callback_is_healed(side: Side) -> None:
    (object_id,) = await side.cards(1)
    side.sandbox.callbacks.lose(2)
    side.save(object_id)
    assert await side.held() == "unknown"
    assert await side.reconcile.once() == 1
    assert await side.held() == "saved"
    side.sandbox.phones.delete(object_id, "somebody")
    assert await side.next_day() == 1
    assert await side.held() == "deleted"
    assert (await side.google.known("pass_0"))["holders"] == 0
    assert side.reconcile.counts["saved"] == side.reconcile.counts["deleted"] == 1


async def test_a_card_that_nobody_ever_saved_is_not_called_deleted(side: Side) -> None:
    await side.cards(1)
    await side.reconcile.once()
    assert await side.held() == "unknown"


async def test_a_card_that_nobody_holds_stays_the_members(side: Side) -> None:
    """Neither the pass nor the member is touched, and its changes go to Google as before."""
    (object_id,) = await side.cards(1)
    await side.google.post(side.google.body("pass_0"))
    await side.google.post(side.google.body("pass_0", "del", ends_at=side.google.later(7200)))
    await side.next_day()
    async with side.google.db.read() as read:
        voided = await read.connection.fetchval("SELECT voided FROM wallet_pass WHERE id = 'pass_0'")
    assert voided is False
    assert side.sandbox.resources.kept["loyaltyObject"][object_id]["state"] == "ACTIVE"
    assert side.sandbox.requests["PATCH loyaltyObject"] == 0


async def test_each_object_is_asked_about_once_a_day(side: Side) -> None:
    await side.cards(45)
    assert await side.reconcile.once() == 45
    assert await side.reconcile.once() == 0
    side.google.clock.advance(ASKED_EVERY - timedelta(seconds=1))
    assert await side.reconcile.once() == 0
    side.google.clock.advance(timedelta(seconds=1))
    assert await side.reconcile.once() == 45
    assert side.sandbox.requests["GET loyaltyObject"] == 90


async def test_a_callback_is_checked_with_google_once_it_has_settled(side: Side) -> None:
    await side.cards(1)
    await side.reconcile.once()
    await side.google.post(side.google.body("pass_0"))  # yet nobody holds it: the word was old
    assert await side.held() == "saved"
    assert await side.reconcile.once() == 0
    side.google.clock.advance(SETTLES_WITHIN)
    assert await side.reconcile.once() == 1
    assert await side.held() == "deleted"


async def test_an_object_just_made_is_left_alone_for_a_while(side: Side) -> None:
    await side.cards(1)
    await side.change("UPDATE google_object SET pushed_at = now()")
    assert await side.reconcile.once() == 0


async def test_a_callback_taken_while_google_was_asked_knows_better(side: Side) -> None:
    (object_id,) = await side.cards(1)
    del object_id

    class Slow:
        """Answers after a callback has overtaken it."""

        async def get(self, resource: str, resource_id: str, fields: str) -> dict[str, Any]:
            if resource == "loyaltyObject":
                await side.google.post(side.google.body("pass_0"))
            return {"id": resource_id, "hasUsers": False}

    await Reconcile(side.google.db, Slow(), side.sandbox.issuer_id, side.google.clock).once()
    assert await side.held() == "saved"


async def test_an_answer_that_leaves_out_what_is_false_says_no(side: Side) -> None:
    await side.cards(1)
    await side.google.post(side.google.body("pass_0"))

    class Terse:
        """Leaves out values that are the default, as protocol buffers do."""

        async def get(self, resource: str, resource_id: str, fields: str) -> dict[str, Any]:
            return {"id": resource_id}

    side.google.clock.advance(ASKED_EVERY)
    await Reconcile(side.google.db, Terse(), side.sandbox.issuer_id, side.google.clock).once()
    assert await side.held() == "deleted"


async def test_a_stale_answer_is_healed_by_the_next_one(side: Side) -> None:
    (object_id,) = await side.cards(1)
    side.save(object_id)
    await side.sandbox.callbacks.settled()
    side.google.clock.advance(SETTLES_WITHIN)
    side.sandbox.faults.add(Fault("stale", times=1, call="GET loyaltyObject"))
    await side.reconcile.once()
    assert await side.held() == "deleted"
    await side.next_day()
    assert await side.held() == "saved"


async def test_a_google_that_is_away_ends_the_round_and_none_is_forgotten(side: Side) -> None:
    objects = await side.cards(30)
    side.sandbox.callbacks.lose(30)
    for object_id in objects:
        side.save(object_id, object_id)
    side.sandbox.faults.add(Fault("refuse", times=1, call="GET loyaltyObject", status=429, reason="rateLimitExceeded"))
    with pytest.raises(Unavailable):
        await side.reconcile.once()
    assert side.sandbox.requests["GET loyaltyObject"] == 1
    for _ in range(3):
        side.google.clock.advance(SETTLES_WITHIN)
        await side.reconcile.once()
    assert [await side.held(number) for number in range(30)] == ["saved"] * 30


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_the_weather_what_google_knows_is_known_in_the_end(side: Side, seed: int) -> None:
    chance = random.Random(seed)
    objects = await side.cards(12)
    side.sandbox.faults.weather(seed, 0.4)
    side.sandbox.callbacks.copies = 2
    side.google.seconds.step = 61  # root keys that were not to be had are asked for again
    for _ in range(30):
        object_id = chance.choice(objects)
        if chance.random() < 0.3:
            side.sandbox.callbacks.lose(1)
        if side.sandbox.phones.has_users(object_id):
            side.sandbox.phones.delete(object_id, "somebody")
        else:
            side.save(object_id)
        if chance.random() < 0.2:
            side.google.clock.advance(SETTLES_WITHIN)
            with suppress(Unavailable):
                await side.reconcile.once()
    side.sandbox.faults.mend()
    await side.sandbox.callbacks.settled()
    await side.next_day()
    for number, object_id in enumerate(objects):
        held = await side.held(number)
        assert (held == "saved") == side.sandbox.phones.has_users(object_id), (number, held)
    inbox = await side.google.inbox()
    assert inbox
    assert all(row["taken_at"] is not None for row in inbox)


async def test_an_object_that_google_lost_is_sent_again(side: Side) -> None:
    (object_id,) = await side.cards(1)
    del side.sandbox.resources.kept["loyaltyObject"][object_id]
    await side.reconcile.once()
    assert (await side.google.known("pass_0"))["pushed_hash"] == ""
    async with side.google.db.read() as read:
        assert [(note.kind, note.waiting) for note in await waiting(read.connection)] == [("google.push", 1)]
    assert side.reconcile.counts["lost"] == 1
    assert await side.reconcile.once() == 0


async def test_a_coupon_is_asked_about_as_an_offer(side: Side) -> None:
    (object_id,) = await side.cards(1)
    await side.change("UPDATE wallet_pass SET kind = 'coupon'")
    kept = side.sandbox.resources.kept
    kept["offerClass"][CLASS_ID] = kept["loyaltyClass"][CLASS_ID]
    kept["offerObject"][object_id] = kept["loyaltyObject"].pop(object_id)
    side.sandbox.phones.save("offerObject", object_id, "somebody", "fleet", "phone")
    await side.sandbox.callbacks.settled()
    assert await side.held() == "saved"
    side.google.clock.advance(SETTLES_WITHIN)
    assert await side.reconcile.once() == 1
    assert await side.held() == "saved"
    assert side.sandbox.requests["GET offerObject"] == side.reconcile.counts["asked"] == 1


async def test_a_callback_about_a_card_that_we_did_not_know_yet_is_taken_later(side: Side) -> None:
    await side.google.post(side.google.body("pass_0"))
    assert (await side.google.inbox())[0]["taken_at"] is None
    await side.reconcile.once()
    await side.cards(1)
    await side.reconcile.once()
    assert await side.held() == "saved"
    assert (await side.google.inbox())[0]["taken_at"] is not None


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("APPROVED", "APPROVED"),
        ("REJECTED", "REJECTED"),
        ("underReview", "UNDER_REVIEW"),
        ("SOMETHING_NEW", "SOMETHING_NEW"),
    ],
)
async def test_what_google_thinks_of_a_class_is_written_down(side: Side, said: str, kept: str) -> None:
    await side.cards(1)
    await side.change("INSERT INTO google_class (id, body_hash) VALUES ($1, 'h')", CLASS_ID)
    side.sandbox.resources.kept["loyaltyClass"][CLASS_ID]["reviewStatus"] = said
    await side.reconcile.once()
    async with side.google.db.read() as read:
        assert await read.connection.fetchval("SELECT review FROM google_class") == kept
    await side.reconcile.once()
    assert side.sandbox.requests["GET loyaltyClass"] == 1


async def test_a_class_that_google_lost_is_sent_again(side: Side) -> None:
    await side.change("INSERT INTO google_class (id, body_hash) VALUES ($1, 'h')", CLASS_ID)
    await side.reconcile.once()
    async with side.google.db.read() as read:
        assert await read.connection.fetchval("SELECT body_hash FROM google_class") == ""
        assert [(note.kind, note.waiting) for note in await waiting(read.connection)] == [("google.class", 1)]


def test_the_classes_of_cards_and_coupons_are_told_apart_by_their_ids() -> None:
    assert class_resource("3388.ptn_cafe") == "loyaltyClass"
    assert class_resource("3388.ptn_cafe.0a1b2c") == "offerClass"
