"""When Google does not let us write: one call finds out, the others wait, and all go on once it is mended."""

from collections.abc import AsyncIterator

import pytest

from kernel.database import Database
from passes.google.pace import Lane
from passes.google.push_state import PushState
from passes.google.rest import WalletForbidden, WalletUnavailable
from passes.sandbox.google_faults import TOKEN_CALL, Fault
from tests.support.google import (
    PASS,
    GoogleSide,
    a_card,
    balance_at,
    follow_all,
    google_side,
    keep_card,
    make_due,
    waiting,
)

DENIED = Fault("refuse", status=403, reason="permissionDenied", message="Permission denied.")


@pytest.fixture
async def google(db: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GoogleSide]:
    folder = tmp_path_factory.getbasetemp() / "google"
    folder.mkdir(exist_ok=True)
    async with google_side(db, folder) as side:
        await keep_card(db, PASS, a_card(balance=0))
        await follow_all(db, side)
        yield side


async def stored(db: Database) -> tuple[str, str]:
    async with db.read() as read:
        row = await read.connection.fetchrow("SELECT standing, reason FROM google_push_state")
    assert row is not None
    return row["standing"], row["reason"]


def calls(google: GoogleSide) -> int:
    return google.sandbox.requests["PATCH loyaltyObject"]


async def test_after_one_refusal_nothing_is_sent_and_operators_see_why(db: Database, google: GoogleSide) -> None:
    google.sandbox.faults.add(DENIED)
    await keep_card(db, PASS, a_card(balance=1))
    failed = await google.push.follow([PASS])
    assert isinstance(failed[PASS], WalletForbidden)
    before = calls(google)
    again = (await google.push.follow([PASS]))[PASS]
    assert isinstance(again, WalletForbidden)
    assert again.retry_after_s is not None
    assert 30 < again.retry_after_s < 70
    assert calls(google) == before
    standing, reason = await stored(db)
    assert standing == "stopped"
    assert "Permission denied" in reason
    assert await google.push.room() == 0


async def test_a_member_who_asks_for_a_link_meanwhile_is_told_to_come_later(db: Database, google: GoogleSide) -> None:
    google.sandbox.faults.add(DENIED)
    await keep_card(db, "pass_new", a_card(code="NEW"))
    for _ in range(2):
        with pytest.raises(WalletForbidden):
            await google.service.save_link("pass_new")
    assert google.sandbox.requests["POST loyaltyObject"] == 2  # that of the fixture, and the one that found out


async def test_when_an_operator_asks_for_another_try_everything_goes_on(db: Database, google: GoogleSide) -> None:
    google.sandbox.faults.add(DENIED)
    for number in range(5):
        await keep_card(db, f"pass_{number}", a_card(code=f"C{number}"))
    await keep_card(db, PASS, a_card(balance=1))
    await follow_all(db, google)
    assert [note.waiting for note in await waiting(db)] == [6]
    google.sandbox.faults.mend()
    await make_due(db)
    await follow_all(db, google)
    assert balance_at(google) == 1
    assert await waiting(db) == []
    assert (await stored(db))[0] == "open"
    assert google.api.state().open


async def test_a_trial_that_succeeds_makes_all_that_waited_due(db: Database, google: GoogleSide) -> None:
    google.sandbox.faults.add(DENIED)
    await keep_card(db, "pass_other", a_card(code="OTHER"))
    await keep_card(db, PASS, a_card(balance=1))
    await follow_all(db, google)
    google.sandbox.faults.mend()
    google.api.standing.try_now()
    await google.push.follow([PASS])
    async with db.read() as read:
        due = await read.connection.fetchval("SELECT count(*) FROM outbox WHERE due <= now() AND attempts = 0")
    assert due == 2


async def test_an_account_that_google_does_not_know_stops_everything_too(db: Database, google: GoogleSide) -> None:
    google.identity.reject(await google.identity.access_token(google.http))
    google.sandbox.faults.add(Fault("refuse", status=401, reason="invalid_client", call=TOKEN_CALL))
    await keep_card(db, PASS, a_card(balance=1))
    await follow_all(db, google)
    before = google.sandbox.requests[TOKEN_CALL]
    await google.push.follow([PASS])
    assert google.sandbox.requests[TOKEN_CALL] == before
    assert (await stored(db))[0] == "stopped"


async def test_a_google_that_is_away_is_called_on(db: Database, google: GoogleSide) -> None:
    google.sandbox.faults.add(Fault("refuse", status=503))
    await keep_card(db, PASS, a_card(balance=1))
    await follow_all(db, google)
    assert (await stored(db))[0] == "waiting"
    before = calls(google)
    await google.push.follow([PASS])
    assert calls(google) == before + 1
    google.sandbox.faults.mend()
    await google.push.follow([PASS])
    assert (await stored(db)) == ("open", "")


async def test_being_asked_to_slow_down_halves_the_pace_and_stops_nothing(db: Database, google: GoogleSide) -> None:
    full = google.api.state().rate_per_s
    google.sandbox.faults.add(Fault("refuse", times=1, status=429, reason="rateLimitExceeded"))
    await keep_card(db, PASS, a_card(balance=1))
    await follow_all(db, google)
    state: PushState = google.api.state()
    assert full / 2 <= state.rate_per_s < full / 2 + 1
    await make_due(db)
    await follow_all(db, google)
    assert balance_at(google) == 1


async def test_somebody_who_waits_gets_more_than_one_try(db: Database, google: GoogleSide) -> None:
    google.sandbox.faults.add(Fault("refuse", times=2, status=503, call="POST loyaltyObject"))
    await keep_card(db, "pass_new", a_card(code="NEW"))
    assert await google.service.save_link("pass_new")
    google.sandbox.faults.add(Fault("refuse", times=1, status=503, call="GET loyaltyObject"))
    with pytest.raises(WalletUnavailable):
        await google.api.get("loyaltyObject", google.object_id(PASS), "id")


async def test_a_get_reads_the_fields_that_are_there(google: GoogleSide) -> None:
    held = await google.api.get("loyaltyObject", google.object_id(PASS), "id,hasUsers,nothing", lane=Lane.LIVE)
    assert held == {"id": google.object_id(PASS), "hasUsers": False}


async def test_a_refused_body_is_not_sent_again_before_it_changes_or_somebody_asks(
    db: Database, google: GoogleSide
) -> None:
    refusal = Fault("refuse", times=1, call="PATCH loyaltyObject", status=400, reason="invalidResource", message="no")
    google.sandbox.faults.add(refusal)
    await keep_card(db, PASS, a_card(balance=1))
    assert PASS in await google.push.follow([PASS])
    before = calls(google)
    assert "no" in str((await google.push.follow([PASS]))[PASS])
    assert calls(google) == before
    async with db.read() as read:
        assert "no" in await read.connection.fetchval("SELECT refused FROM google_object")
    await keep_card(db, PASS, a_card(balance=2))
    await follow_all(db, google)
    assert balance_at(google) == 2
    async with db.read() as read:
        assert await read.connection.fetchval("SELECT refused FROM google_object") is None


async def test_a_new_card_that_google_refuses_is_remembered_with_the_reason(db: Database, google: GoogleSide) -> None:
    google.sandbox.faults.add(Fault("refuse", times=1, call="POST loyaltyObject", status=400, message="bad card"))
    await keep_card(db, "pass_bad", a_card(code="BAD"))
    await follow_all(db, google)
    (note,) = await waiting(db)
    assert note.stuck == 1
    assert "bad card" in str(note.error)
    await make_due(db)
    await follow_all(db, google)
    assert await waiting(db) == []
