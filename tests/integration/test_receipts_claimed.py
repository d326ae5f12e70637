"""Receipts of sales without a card: claimed once, within their window, as the sale would have earned."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from api.http.receipts import claim_receipt, look_at_receipt
from kernel.database import Database
from points.receipts import ReceiptClaimed, ReceiptUnknown
from tests.support.receipts import Counter, counter


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[Counter]:
    async with counter(db) as opened:
        yield opened


async def test_a_receipt_earns_what_the_card_would_have_earned(shop: Counter) -> None:
    await shop.publish(2)
    with_card, later = await shop.member("Bo"), await shop.member()
    at_once = await shop.door.earn(shop.shop, with_card, 1_250)
    receipt = await shop.printed(1_250, order="A-1", lines=[{"amount": 1_000, "sku": "cup"}, {"amount": 250}])
    assert receipt["state"] == "open"
    await shop.later(timedelta(hours=3))
    claimed = await shop.claim(receipt["token"], later)
    assert claimed.status_code == 201, claimed.text
    told = claimed.json()
    assert (told["points"], told["amount"], told["currency"]) == (at_once["points"], 1_250, "EUR")
    assert (told["kind"], told["partner_id"], told["member_id"]) == ("earn", shop.shop.partner_id, later)
    found = await shop.shown(receipt)
    assert (found["state"], found["member_id"], found["entry_id"]) == ("claimed", later, told["id"])
    entry = (await shop.door.ask("GET", f"/v1/entries/{told['id']}", shop.shop.key)).json()
    assert entry["occurred_at"] == receipt["occurred_at"]


async def test_the_programme_and_the_terms_of_the_sale_hold_and_not_those_of_the_claim(shop: Counter) -> None:
    await shop.publish(1)
    member = await shop.member()
    receipt = await shop.printed(1_000)
    await shop.later(timedelta(hours=1))
    await shop.publish(5)
    await shop.later(timedelta(minutes=1))
    assert (await shop.claim((await shop.printed(1_000))["token"], member)).json()["points"] == 50
    assert (await shop.claim(receipt["token"], member)).json()["points"] == 10


async def test_the_second_member_is_refused_and_the_first_gets_the_same_answer_again(shop: Counter) -> None:
    first, second = await shop.member(), await shop.member("Bo")
    receipt = await shop.printed()
    answer = await shop.claim(receipt["token"], first)
    refused = await shop.claim(receipt["token"], second)
    assert (refused.status_code, refused.json()["code"]) == (409, "receipt_claimed")
    assert first not in refused.text
    again = await shop.claim(receipt["token"].lower(), first)
    assert again.content == answer.content
    assert again.headers["idempotent-replayed"] == "true"
    await shop.later(timedelta(days=3))
    assert (await shop.claim(receipt["url"], first)).content == answer.content
    assert (await shop.points(first), await shop.points(second)) == (10, 0)


@pytest.mark.parametrize(
    ("more", "good_s"),
    [({}, 86_400), ({"good_for_s": 600}, 600), ({"kind": "counter", "terminal": "Till 1"}, 60)],
)
async def test_a_receipt_is_good_for_its_window_to_the_second(shop: Counter, more: dict[str, Any], good_s: int) -> None:
    member = await shop.member()
    in_time, late = await shop.printed(**more), await shop.printed(**more)
    await shop.later(timedelta(seconds=good_s))
    assert (await shop.claim(in_time["token"], member)).status_code == 201
    await shop.later(timedelta(seconds=1))
    refused = await shop.claim(late["token"], member)
    assert (refused.status_code, refused.json()["code"]) == (409, "receipt_expired")
    assert (await shop.shown(late))["state"] == "expired"
    assert await shop.points(member) == 10


async def test_a_void_receipt_earns_nobody_anything(shop: Counter) -> None:
    member, receipt = await shop.member(), await shop.printed()
    first, again = await shop.void(receipt), await shop.void(receipt)
    assert (first.status_code, first.json()["state"], again.content) == (200, "voided", first.content)
    refused = await shop.claim(receipt["token"], member)
    assert (refused.status_code, refused.json()["code"]) == (409, "receipt_voided")
    assert await shop.points(member) == 0


async def test_a_claimed_receipt_is_not_voided_but_its_entry_can_be_reversed(shop: Counter) -> None:
    member, receipt = await shop.member(), await shop.printed()
    entry_id = (await shop.claim(receipt["token"], member)).json()["id"]
    refused = await shop.void(receipt)
    assert (refused.status_code, refused.json()["code"]) == (409, "receipt_claimed")
    assert refused.json()["facts"] == {"entry_id": entry_id}
    assert (await shop.door.move("/v1/reversals", shop.shop.key, {"entry_id": entry_id})).status_code == 201
    assert await shop.points(member) == 0
    assert (await shop.claim(receipt["token"], await shop.member("Bo"))).status_code == 409


async def test_a_receipt_that_the_ledger_refuses_a_member_stays_open_for_others(shop: Counter) -> None:
    frozen, other, receipt = await shop.member(), await shop.member("Bo"), await shop.printed()
    stopped = await shop.door.move(f"/v1/members/{frozen}/freeze", shop.door.operator_key, {"reason": "lost"})
    assert stopped.status_code == 200, stopped.text
    assert (await shop.claim(receipt["token"], frozen)).json()["code"] == "member_frozen"
    assert (await shop.shown(receipt))["state"] == "open"
    assert (await shop.claim(receipt["token"], other)).status_code == 201


async def test_a_receipt_is_the_affair_of_the_shop_that_made_it(shop: Counter) -> None:
    member, receipt = await shop.member(), await shop.printed()
    at_other = await shop.claim(receipt["token"], member, shop.other)
    assert (at_other.status_code, at_other.json()["code"]) == (404, "receipt_unknown")
    assert (await shop.void(receipt, shop.other)).status_code == 404
    assert (await shop.door.ask("GET", f"/v1/receipts/{receipt['id']}", shop.other.key)).status_code == 404
    assert (await shop.door.ask("GET", f"/v1/receipts/{receipt['id']}", shop.door.operator_key)).status_code == 200
    assert (await shop.void({"id": "rcp_nothing"})).status_code == 404


async def test_the_members_page_claims_receipts_of_every_shop(shop: Counter) -> None:
    member, other, receipt = await shop.member(), await shop.member("Bo"), await shop.printed(700)
    parts = shop.door.parts
    seen = await look_at_receipt(parts, receipt["url"])
    assert (seen.state, seen.amount_minor, seen.currency, seen.member_id) == ("open", 700, "EUR", None)
    done = await claim_receipt(parts, receipt["url"], member)
    assert (done.outcome.points, done.replayed) == (7, False)
    assert (await claim_receipt(parts, receipt["token"], member)).replayed
    with pytest.raises(ReceiptClaimed):
        await claim_receipt(parts, receipt["token"], other)
    with pytest.raises(ReceiptUnknown):
        await look_at_receipt(parts, "nothing")


async def test_the_same_sale_told_again_prints_the_same_token(shop: Counter) -> None:
    first = await shop.sell(key="sale-1")
    again = await shop.sell(key="sale-1")
    assert first.content == again.content
    assert again.headers["idempotent-replayed"] == "true"
    other = await shop.sell(1_001, key="sale-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    await shop.later(timedelta(days=2))
    much_later = (await shop.sell(key="sale-1")).json()
    assert (much_later["token"], much_later["state"]) == (first.json()["token"], "expired")
    assert await shop.count("SELECT count(*) FROM receipt") == 1


async def test_a_sale_cannot_earn_by_a_card_and_print_a_receipt_under_one_key(shop: Counter) -> None:
    member = await shop.member()
    body = {"member_id": member, "amount": 1_000, "currency": "EUR"}
    await shop.sell(key="sale-1")
    assert (await shop.door.move("/v1/earnings", shop.shop.key, body, "sale-1")).status_code == 422
    assert (await shop.door.move("/v1/earnings", shop.shop.key, body, "sale-2")).status_code == 201
    assert (await shop.sell(key="sale-2")).status_code == 422


async def test_what_is_stored_of_a_token_does_not_tell_it(shop: Counter, db: Database) -> None:
    receipt = await shop.printed()
    token = receipt["token"].removeprefix("CPR1.")
    async with db.read() as read:
        stored = await read.connection.fetchval("SELECT receipt::text FROM receipt")
        keys = await read.connection.fetch("SELECT idempotency::text AS row FROM idempotency")
    assert token not in stored
    assert all(token not in row["row"] for row in keys)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"kind": "counter"}, "terminal_missing"),
        ({"kind": "counter", "terminal": "Till 1", "good_for_s": 61}, "bad_window"),
        ({"good_for_s": 86_401}, "body_invalid"),
        ({"good_for_s": 0}, "body_invalid"),
        ({"kind": "other"}, "body_invalid"),
        ({"member_id": "mbr_1"}, "body_invalid"),
        ({"currency": "SEK"}, "currency_mismatch"),
        ({"lines": [{"amount": 1}]}, "amounts_differ"),
        ({"occurred_at": "2026-01-01T10:00:00"}, "invalid"),
        ({"occurred_at": "2001-01-01T10:00:00Z"}, "terms_missing"),
        ({"occurred_at": "2099-01-01T10:00:00Z"}, "in_the_future"),
        ({"location_id": "loc_nowhere"}, "location_unknown"),
    ],
)
async def test_a_sale_that_could_not_earn_gets_no_receipt(shop: Counter, more: dict[str, Any], code: str) -> None:
    refused = await shop.sell(**more)
    assert refused.json()["code"] == code, refused.text
    assert refused.status_code < 500
    assert await shop.count("SELECT count(*) FROM receipt") == 0


async def test_a_sale_longer_ago_than_the_window_gets_no_receipt(shop: Counter) -> None:
    sold_at = shop.door.parts.clock.now()
    await shop.later(timedelta(seconds=86_401))
    refused = await shop.sell(occurred_at=sold_at.isoformat())
    assert (refused.status_code, refused.json()["code"]) == (400, "sale_too_old")


async def test_a_receipt_needs_a_key_and_a_member(shop: Counter) -> None:
    body = {"amount": 100, "currency": "EUR"}
    without = await shop.door.ask("POST", "/v1/receipts", shop.shop.key, body)
    assert (without.status_code, without.json()["code"]) == (400, "idempotency_key_missing")
    nobody = await shop.claim((await shop.printed())["token"], "mbr_nobody")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "unknown_member")
    as_operator = await shop.door.move("/v1/receipts", shop.door.operator_key, body)
    assert (as_operator.status_code, as_operator.json()["code"]) == (403, "partner_only")
