"""What cannot reach Google now reaches it later, and what went wrong heals."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kernel import outbox
from kernel.database import Database
from kernel.errors import Unavailable
from passes.google.pace import Pace
from passes.google.rest import WalletForbidden
from passes.sandbox.google_faults import ALWAYS, TOKEN_CALL, Fault
from tests.support.google import (
    PASS,
    GoogleSide,
    a_card,
    a_look,
    balance_at,
    follow_all,
    google_side,
    keep_card,
    make_due,
    waiting,
)


@pytest.fixture
async def google(db: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GoogleSide]:
    folder = tmp_path_factory.getbasetemp() / "google"
    folder.mkdir(exist_ok=True)
    async with google_side(db, folder) as side:
        yield side


async def pushed_hash(db: Database, pass_id: str) -> str:
    async with db.read() as read:
        found = await read.connection.fetchval("SELECT pushed_hash FROM google_object WHERE pass_id = $1", pass_id)
    return str(found)


# Healing


async def test_an_object_that_google_already_has_is_patched(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card(balance=1))
    await follow_all(db, google)
    async with db.unit() as unit:  # as after a restore from an old backup
        await unit.connection.execute("DELETE FROM google_object")
        await unit.connection.execute("DELETE FROM google_class")
    await keep_card(db, PASS, a_card(balance=2))
    await follow_all(db, google)
    assert balance_at(google) == 2


async def test_an_object_that_google_lost_is_inserted_with_its_class(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card(balance=1))
    await follow_all(db, google)
    for kept in google.sandbox.resources.kept.values():
        kept.clear()
    await keep_card(db, PASS, a_card(balance=2))
    await follow_all(db, google)
    assert balance_at(google) == 2
    assert await waiting(db) == []


@pytest.mark.parametrize("call", ["POST loyaltyClass", "POST loyaltyObject", "PATCH loyaltyObject"])
async def test_a_lost_answer_is_healed_by_the_next_try(db: Database, google: GoogleSide, call: str) -> None:
    google.sandbox.faults.add(Fault("lose_answer", times=1, call=call))
    for points in (1, 2):
        await keep_card(db, PASS, a_card(balance=points))
        await follow_all(db, google)
        await make_due(db)
        await follow_all(db, google)
    assert balance_at(google) == 2
    assert await waiting(db) == []


async def test_a_refused_token_is_renewed_once(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card(balance=1))
    await follow_all(db, google)
    google.sandbox.revoke_tokens()
    await keep_card(db, PASS, a_card(balance=2))
    await follow_all(db, google)
    assert balance_at(google) == 2
    assert google.sandbox.requests["POST token"] == 2


async def test_many_calls_at_once_ask_for_one_token(db: Database, google: GoogleSide) -> None:
    for number in range(20):
        await keep_card(db, f"pass_{number}", a_card(code=f"C{number}"))
    await follow_all(db, google)
    google.sandbox.revoke_tokens()
    for number in range(20):
        await keep_card(db, f"pass_{number}", a_card(code=f"C{number}", balance=1))
    await follow_all(db, google)
    assert google.sandbox.requests["POST token"] == 2
    assert await waiting(db) == []


async def test_a_late_refusal_of_an_old_token_does_not_throw_the_new_one_away(google: GoogleSide) -> None:
    old = await google.identity.access_token(google.http)
    google.identity.reject(old)
    new = await google.identity.access_token(google.http)
    google.identity.reject(old)
    assert await google.identity.access_token(google.http) == new


async def test_a_token_serves_until_it_expires_while_no_new_one_is_to_be_had(google: GoogleSide) -> None:
    google.sandbox.token_lifetime_s = 200  # less than what a token is renewed ahead
    token = await google.identity.access_token(google.http)
    google.sandbox.faults.add(Fault("hang_up", call=TOKEN_CALL))
    assert await google.identity.access_token(google.http) == token
    assert await google.identity.access_token(google.http) == token
    assert google.sandbox.requests[TOKEN_CALL] == 2


async def test_a_token_that_never_works_is_not_asked_for_without_end(db: Database, google: GoogleSide) -> None:
    google.sandbox.faults.add(Fault("refuse", status=401, reason="authError"))
    await keep_card(db, PASS, a_card())
    failed = await google.push.follow([PASS])
    assert isinstance(failed[PASS], WalletForbidden)
    assert google.sandbox.requests["POST token"] == 2


# Trouble


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("refuse", times=ALWAYS, status=500), id="internal error"),
        pytest.param(Fault("refuse", times=ALWAYS, status=429, reason="rateLimitExceeded", retry_after_s=1), id="429"),
        pytest.param(Fault("refuse", times=ALWAYS, status=403, reason="rateLimitExceeded"), id="403 for the quota"),
        pytest.param(Fault("hang_up", times=ALWAYS), id="hanging up"),
        pytest.param(Fault("refuse", times=ALWAYS, call=TOKEN_CALL), id="no tokens"),
    ],
)
async def test_what_cannot_be_sent_waits_and_the_last_state_is_delivered(
    db: Database, google: GoogleSide, fault: Fault
) -> None:
    await keep_card(db, PASS, a_card(balance=0))
    phone = google.phones.phone()
    await phone.save(await google.service.save_link(PASS))
    google.identity.reject(await google.identity.access_token(google.http))
    google.sandbox.faults.add(fault)
    for points in (10, 20, 30):
        await keep_card(db, PASS, a_card(balance=points))
        await follow_all(db, google)
    (note,) = await waiting(db)
    assert (note.waiting, note.stuck) == (1, 0)
    assert balance_at(google) == 0

    google.sandbox.faults.mend()
    runner = outbox.Runner(db, [google.push], poll_s=0.05)
    running = asyncio.create_task(runner.run())
    await make_due(db)
    assert (await asyncio.wait_for(phone.until(lambda card: card.balance == 30), 20)).balance == 30
    runner.stop()
    await running
    assert phone.updates == 2


async def test_a_server_that_is_down_is_waited_for(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card(balance=0))
    phone = google.phones.phone()
    await phone.save(await google.service.save_link(PASS))
    await google.sandbox.stop()
    await keep_card(db, PASS, a_card(balance=40))
    await follow_all(db, google)
    assert [note.waiting for note in await waiting(db)] == [1]
    await google.sandbox.start()
    await make_due(db)
    await follow_all(db, google)
    assert (await phone.until(lambda card: card.balance == 40)).balance == 40


async def test_retry_after_is_honoured(db: Database, google: GoogleSide) -> None:
    google.sandbox.faults.add(Fault("refuse", status=429, reason="rateLimitExceeded", retry_after_s=77))
    await keep_card(db, PASS, a_card())
    failed = await google.push.follow([PASS])
    error = failed[PASS]
    assert isinstance(error, Unavailable)
    assert error.retry_after_s == 77


async def test_a_body_that_google_refuses_parks_its_note_and_no_other(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card())
    await keep_card(db, "pass_good", a_card(code="GOOD"))
    await follow_all(db, google)
    google.sandbox.faults.add(
        Fault("refuse", times=1, call="PATCH loyaltyObject", status=400, reason="invalidResource")
    )
    await keep_card(db, PASS, a_card(balance=1))
    await follow_all(db, google)
    await keep_card(db, "pass_good", a_card(code="GOOD", balance=1))
    await follow_all(db, google)
    (note,) = await waiting(db)
    assert (note.waiting, note.stuck) == (1, 1)
    assert "invalidResource" in str(note.error) or "400" in str(note.error)


async def test_a_refused_look_does_not_hold_back_the_balance(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card(balance=1))
    await follow_all(db, google)
    google.looks.now = a_look(background="navy")
    await keep_card(db, PASS, a_card(balance=2))
    await follow_all(db, google)
    assert balance_at(google) == 2
    (note,) = await waiting(db)
    assert (note.kind, note.stuck) == ("google.class", 1)


async def test_a_new_card_waits_for_a_class_that_google_takes(db: Database, google: GoogleSide) -> None:
    google.looks.now = a_look(background="navy")
    await keep_card(db, PASS, a_card(balance=2))
    await follow_all(db, google)
    assert [(note.kind, note.stuck) for note in await waiting(db)] == [("google.push", 1)]
    google.looks.now = a_look(background="#000080")
    await make_due(db)
    await follow_all(db, google)
    assert balance_at(google) == 2
    assert await waiting(db) == []


async def test_an_account_that_was_not_invited_is_told_apart(db: Database, google: GoogleSide) -> None:
    google.sandbox.faults.add(Fault("refuse", status=403, reason="permissionDenied", message="Permission denied."))
    await keep_card(db, PASS, a_card())
    failed = await google.push.follow([PASS])
    assert isinstance(failed[PASS], WalletForbidden)


async def test_nothing_is_sent_while_a_transaction_is_open(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card(balance=1))
    await follow_all(db, google)
    await keep_card(db, PASS, a_card(balance=2))
    async with db.unit():
        failed = await google.push.follow([PASS])
    assert isinstance(failed[PASS], RuntimeError)
    assert balance_at(google) == 1


async def test_a_state_overtaken_by_a_newer_one_is_looked_at_again(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card(balance=1))
    await follow_all(db, google)
    async with db.unit() as unit:  # another process recorded a newer state while ours was under way
        await unit.connection.execute("UPDATE google_object SET pushed_seq = pushed_seq + 1000, pushed_hash = 'newer'")
    await google.push.follow([PASS])
    assert (await pushed_hash(db, PASS)).startswith("?")
    assert [note.waiting for note in await waiting(db)] == [1]
    async with db.unit() as unit:
        await unit.connection.execute("SELECT setval('pass_change', 2000)")
    await keep_card(db, PASS, a_card(balance=3))
    await follow_all(db, google)
    assert await waiting(db) == []
    assert balance_at(google) == 3


async def test_the_pace_of_an_issuer_is_kept_and_nothing_is_lost(
    db: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("google-pace")
    async with google_side(db, folder, Pace(rate_per_s=50, burst=5, max_wait_s=0.1)) as side:
        for number in range(20):
            await keep_card(db, f"pass_{number}", a_card(code=f"C{number}"))
        await follow_all(db, side)
        assert sum(note.stuck for note in await waiting(db)) == 0
        while await waiting(db):
            await make_due(db)
            await follow_all(db, side)
        assert len(side.sandbox.resources.kept["loyaltyObject"]) == 20
