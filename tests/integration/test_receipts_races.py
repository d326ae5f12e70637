"""Receipts under pressure: many at once, a void at the same moment, a process that dies, guesses, copied codes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from api.http.entries import earning
from api.http.purchases import EarningBody
from kernel.database import Database
from points.ledger import Ledger
from points.receipt_guesses import MOST
from points.receipts import ReceiptClaimed, claim, present
from points.teller import Teller
from tests.support.ledger import earn
from tests.support.receipts import Counter, Died, DiesAfter, counter


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[Counter]:
    async with counter(db) as opened:
        yield opened


async def _die_after_earning(shop: Counter, token: str, member_id: str) -> None:
    """A claim whose process ends after the ledger wrote the earning and before the receipt says so."""
    parts = shop.door.parts
    found = await present(parts.db, parts.clock, parts.keyring, token, member_id)
    body = EarningBody(member_id=member_id, amount=1_000, currency="EUR")
    command = await earning(parts, found.partner_id, body, "claim")
    with pytest.raises(Died):
        await claim(parts.db, parts.clock, DiesAfter(parts.teller), found, command)


async def test_of_many_members_at_once_one_gets_the_receipt(shop: Counter) -> None:
    members = [await shop.member(f"Member {number}") for number in range(8)]
    for _ in range(5):
        receipt = await shop.printed()
        answers = await asyncio.gather(*(shop.claim(receipt["token"], member) for member in members))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
        assert {a.json()["code"] for a in answers if a.status_code == 409} == {"receipt_claimed"}
        winner = next(a.json()["member_id"] for a in answers if a.status_code == 201)
        assert (await shop.shown(receipt))["member_id"] == winner
    assert await shop.count("SELECT count(*) FROM journal WHERE kind = 'earn'") == 5


async def test_of_members_who_claim_in_two_processes_at_once_one_gets_the_receipt(shop: Counter) -> None:
    one, other, parts = await shop.member(), await shop.member("Bo"), shop.door.parts
    second = Teller(parts.db, Ledger(parts.clock, versions=parts.versions))
    await second.start()

    async def claimed(token: str, member_id: str, teller: Teller) -> str:
        found = await present(parts.db, parts.clock, parts.keyring, token, member_id)
        try:
            command = earn(member_id, 1_000, shop.shop.partner_id)
            return (await claim(parts.db, parts.clock, teller, found, command)).outcome.member_id
        except ReceiptClaimed:
            return "refused"

    for _ in range(20):
        token = (await shop.printed())["token"]
        answers = await asyncio.gather(claimed(token, one, parts.teller), claimed(token, other, second))
        assert sorted(answers) in (sorted([one, "refused"]), sorted([other, "refused"]))
    await second.stop()
    assert await shop.points(one) + await shop.points(other) == 200


async def test_one_member_who_claims_many_times_at_once_earns_once(shop: Counter) -> None:
    member, receipt = await shop.member(), await shop.printed()
    answers = await asyncio.gather(*(shop.claim(receipt["token"], member) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert await shop.points(member) == 10


async def test_of_a_claim_and_a_void_at_once_one_wins_and_the_other_hears_of_it(shop: Counter) -> None:
    member = await shop.member()
    earned = 0
    for _ in range(20):
        receipt = await shop.printed()
        claimed, voided = await asyncio.gather(shop.claim(receipt["token"], member), shop.void(receipt))
        state = (await shop.shown(receipt))["state"]
        if claimed.status_code == 201:
            earned += 10
            assert (voided.json()["code"], state) == ("receipt_claimed", "claimed")
        else:
            assert (claimed.json()["code"], voided.status_code, state) == ("receipt_voided", 200, "voided")
        assert await shop.points(member) == earned


async def test_a_receipt_that_is_voided_many_times_at_once_is_voided(shop: Counter) -> None:
    for _ in range(40):
        receipt = await shop.printed()
        answers = await asyncio.gather(*(shop.void(receipt) for _ in range(6)))
        assert [answer.status_code for answer in answers] == [200] * 6


async def test_the_same_sale_told_many_times_at_once_is_one_receipt(shop: Counter) -> None:
    answers = await asyncio.gather(*(shop.sell(key="sale-1") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["token"] for answer in answers}) == 1
    assert await shop.count("SELECT count(*) FROM receipt") == 1


async def test_a_process_that_dies_between_earning_and_marking_leaves_the_receipt_claimed(shop: Counter) -> None:
    member, other, receipt = await shop.member(), await shop.member("Bo"), await shop.printed()
    await _die_after_earning(shop, receipt["token"], member)
    assert await shop.count("SELECT count(*) FROM receipt WHERE state = 'open'") == 1
    shown = await shop.shown(receipt)
    assert (shown["state"], shown["member_id"]) == ("claimed", member)
    assert (await shop.claim(receipt["token"], other)).json()["code"] == "receipt_claimed"
    await shop.later(timedelta(days=2))
    again = await shop.claim(receipt["token"], member)
    assert (again.status_code, again.json()["id"]) == (201, shown["entry_id"])
    assert again.headers["idempotent-replayed"] == "true"
    assert await shop.count("SELECT count(*) FROM receipt WHERE state = 'claimed'") == 1
    assert await shop.points(member) == 10


async def test_a_void_after_such_a_death_finds_the_earning(shop: Counter) -> None:
    member, receipt = await shop.member(), await shop.printed()
    await _die_after_earning(shop, receipt["token"], member)
    refused = await shop.void(receipt)
    assert (refused.status_code, refused.json()["code"]) == (409, "receipt_claimed")
    assert refused.json()["facts"]["entry_id"] == (await shop.shown(receipt))["entry_id"]
    assert await shop.count("SELECT count(*) FROM receipt WHERE state = 'claimed' AND member_id IS NOT NULL") == 1


async def test_after_such_a_death_the_receipt_is_of_whose_card_it_was_though_another_account_holds_the_points(
    shop: Counter,
) -> None:
    member, into, receipt = await shop.member(), await shop.member("Bo"), await shop.printed()
    merged = await shop.door.move(f"/v1/members/{member}/merge", shop.door.operator_key, {"into": into})
    assert merged.status_code == 201, merged.text
    await _die_after_earning(shop, receipt["token"], member)
    assert (await shop.shown(receipt))["member_id"] == member
    assert (await shop.claim(receipt["token"], member)).status_code == 201
    assert (await shop.claim(receipt["token"], into)).status_code == 409
    assert await shop.points(into) == 10


async def test_guessing_ends_after_a_few_tries_and_stops_nobody_else(shop: Counter) -> None:
    guesser, other, receipt = await shop.member(), await shop.member("Bo"), await shop.printed()
    guesses = await asyncio.gather(*(shop.claim(f"CPR1.{number:026d}", guesser) for number in range(MOST + 6)))
    assert sorted(answer.status_code for answer in guesses) == [404] * MOST + [429] * 6
    refused = await shop.claim(receipt["token"], guesser)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_guesses")
    assert 3_500 < int(refused.headers["retry-after"]) <= 3_600
    assert (await shop.claim(receipt["token"], other)).status_code == 201
    async with shop.door.parts.db.unit() as unit:
        await unit.connection.execute("UPDATE attempt SET since = since - interval '1 hour'")
    assert (await shop.claim((await shop.printed())["token"], guesser)).status_code == 201


async def test_tokens_that_exist_are_no_guesses(shop: Counter) -> None:
    member, other, taken = await shop.member(), await shop.member("Bo"), await shop.printed()
    await shop.claim(taken["token"], other)
    for _ in range(2 * MOST):
        assert (await shop.claim(taken["token"], member)).status_code == 409
    assert (await shop.claim((await shop.printed())["token"], member)).status_code == 201


async def test_a_code_on_the_counter_that_was_copied_earns_nobody_else_anything(shop: Counter) -> None:
    owner, copier = await shop.member(), await shop.member("Bo")
    shown = [await shop.printed(kind="counter", terminal="Till 1") for _ in range(100)]
    for code in shown[:50]:
        assert (await shop.claim(code["token"], owner)).status_code == 201
        assert (await shop.claim(code["token"], copier)).status_code == 409
    await shop.later(timedelta(seconds=61))
    late = await asyncio.gather(*(shop.claim(code["token"], copier) for code in shown))
    assert {answer.status_code for answer in late} == {409}
    assert (await shop.points(owner), await shop.points(copier)) == (500, 0)
