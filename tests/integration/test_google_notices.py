"""What a phone is told aloud: as often as the card tells something, never twice, never at the cost of the change."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from kernel.database import Database
from passes.google.schema.check import WalletBodyInvalid
from passes.sandbox.google_faults import Fault
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


@pytest.fixture
async def google(db: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GoogleSide]:
    folder = tmp_path_factory.getbasetemp() / "google"
    folder.mkdir(exist_ok=True)
    async with google_side(db, folder) as side:
        await keep_card(db, PASS, a_card(balance=0, news="Welcome"))
        await follow_all(db, side)
        yield side


def notices(google: GoogleSide) -> int:
    return google.sandbox.resources.notices[google.object_id(PASS)]


def messages(google: GoogleSide) -> list[Any]:
    body = google.sandbox.resources.get("loyaltyObject", google.object_id(PASS))
    return list(body.get("messages", []))


async def changes(db: Database, google: GoogleSide, balance: int, news: str, *, tells: bool = True) -> None:
    await keep_card(db, PASS, a_card(balance=balance, news=news), tells=tells)
    await follow_all(db, google)


async def tries_again(db: Database, google: GoogleSide) -> None:
    await make_due(db)
    await follow_all(db, google)


async def test_a_new_card_and_a_silent_change_are_not_announced(db: Database, google: GoogleSide) -> None:
    await changes(db, google, 10, "Welcome", tells=False)
    assert (balance_at(google), notices(google), messages(google)) == (10, 0, [])


async def test_a_change_of_points_that_tells_something_is_announced_by_google(db: Database, google: GoogleSide) -> None:
    await changes(db, google, 10, "You earned 10 points")
    assert (balance_at(google), notices(google), messages(google)) == (10, 1, [])


async def test_news_without_a_change_of_points_come_as_a_message_once(db: Database, google: GoogleSide) -> None:
    await changes(db, google, 0, "Your points end on Sunday")
    (message,) = messages(google)
    assert (message["body"], message["messageType"]) == ("Your points end on Sunday", "TEXT_AND_NOTIFY")
    assert notices(google) == 1
    await keep_card(db, PASS, a_card(balance=0, news="Your points end on Sunday"))
    await follow_all(db, google)
    assert notices(google) == 1


async def test_two_changes_before_google_is_reached_are_announced_once(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card(balance=5, news="You earned 5 points"), tells=True)
    await changes(db, google, 9, "You earned 4 points")
    assert (balance_at(google), notices(google)) == (9, 1)


async def test_a_notification_is_dropped_rather_than_the_change_when_none_is_left(
    db: Database, google: GoogleSide
) -> None:
    for points in range(1, 7):
        await changes(db, google, points, f"You have {points}")
        assert balance_at(google) == points
    assert notices(google) == 3
    assert await waiting(db) == []


async def test_a_message_beyond_what_google_shows_is_dropped_rather_than_the_change(
    db: Database, google: GoogleSide
) -> None:
    for number in range(5):
        await changes(db, google, 0, f"News {number}")
    assert notices(google) == 3
    body = google.sandbox.resources.get("loyaltyObject", google.object_id(PASS))
    assert "News 4" in str(body["textModulesData"])
    assert await waiting(db) == []


async def test_a_lost_answer_is_found_out_by_asking_what_google_holds(db: Database, google: GoogleSide) -> None:
    google.sandbox.faults.add(Fault("lose_answer", times=1, call="PATCH loyaltyObject"))
    await changes(db, google, 10, "You earned 10 points")
    assert (balance_at(google), notices(google)) == (10, 1)
    assert google.sandbox.requests["GET loyaltyObject"] == 1
    assert await waiting(db) == []


async def test_a_change_whose_answer_was_lost_is_not_announced_twice(db: Database, google: GoogleSide) -> None:
    google.sandbox.faults.add(Fault("lose_answer", times=1, call="PATCH loyaltyObject"))
    google.sandbox.faults.add(Fault("refuse", times=1, call="GET loyaltyObject", status=503))
    await changes(db, google, 10, "You earned 10 points")
    assert [note.waiting for note in await waiting(db)] == [1]
    for _ in range(3):
        await tries_again(db, google)
    assert (balance_at(google), notices(google)) == (10, 1)
    assert await waiting(db) == []


async def test_a_change_that_never_arrived_is_announced_when_it_does(db: Database, google: GoogleSide) -> None:
    google.sandbox.faults.add(Fault("hang_up", times=1, call="PATCH loyaltyObject"))
    await changes(db, google, 10, "You earned 10 points")
    await tries_again(db, google)
    assert (balance_at(google), notices(google)) == (10, 1)


async def test_a_message_whose_answer_was_lost_is_not_added_twice(db: Database, google: GoogleSide) -> None:
    google.sandbox.faults.add(Fault("lose_answer", times=1, call="POST loyaltyObject"))
    google.sandbox.faults.add(Fault("refuse", times=1, call="GET loyaltyObject", status=503))
    await changes(db, google, 0, "Your points end on Sunday")
    for _ in range(3):
        await tries_again(db, google)
    assert (len(messages(google)), notices(google)) == (1, 1)
    assert await waiting(db) == []


async def test_a_crash_after_the_call_announces_nothing_twice(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card(balance=10, news="You earned 10 points"), tells=True)
    record = google.push._record

    async def crash(*_: object) -> None:
        raise SystemError("the process ends here")

    google.push._record = crash  # type: ignore[method-assign,assignment]
    with pytest.raises(SystemError):
        await google.push.follow([PASS])
    google.push._record = record  # type: ignore[method-assign]
    await tries_again(db, google)
    assert (balance_at(google), notices(google)) == (10, 1)


async def test_news_of_the_day_before_yesterday_are_no_news(db: Database, google: GoogleSide) -> None:
    await keep_card(db, PASS, a_card(balance=10, news="You earned 10 points"), tells=True)
    async with db.unit() as unit:
        await unit.connection.execute("UPDATE wallet_pass SET told = ARRAY[now() - interval '25 hours']")
    await follow_all(db, google)
    assert (balance_at(google), notices(google)) == (10, 0)


async def test_nobody_is_told_of_a_card_that_was_removed_or_is_void(db: Database, google: GoogleSide) -> None:
    async with db.unit() as unit:
        await unit.connection.execute("UPDATE google_object SET held = 'deleted'")
    await changes(db, google, 10, "You earned 10 points")
    async with db.unit() as unit:
        await unit.connection.execute("UPDATE google_object SET held = 'saved'")
    await keep_card(db, PASS, a_card(balance=0, news="Over"), tells=True, voided=True)
    await follow_all(db, google)
    assert (balance_at(google), notices(google), messages(google)) == (0, 0, [])


async def test_a_message_that_google_would_refuse_does_not_leave(google: GoogleSide) -> None:
    calls = google.sandbox.requests.total()
    with pytest.raises(WalletBodyInvalid):
        await google.api.add_message("loyaltyObject", google.object_id(PASS), {"id": "x", "text": "Hello"})
    assert google.sandbox.requests.total() == calls
