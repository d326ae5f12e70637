"""Earnings under review, over HTTP: listed, decided by a second person, once, and told in the day's figures."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import Response

from kernel.database import Database
from network.staff import Role, add_staff, end_staff
from points.members import join
from tests.support.receipts import Counter, counter
from tests.support.service import Till

MISUSE = """
misuse:
  velocity: [{of: member_at_terminal, on: earn, within: PT1H, times: 5}]
  own_account: review
"""


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[Counter]:
    async with counter(db) as opened:
        await opened.publish(1, MISUSE)
        yield opened


async def _staff(shop: Counter, role: Role = "manager", member_id: str | None = None, till: Till | None = None) -> str:
    parts = shop.door.parts
    async with parts.db.unit() as unit:
        made = await add_staff(unit, parts.clock, (till or shop.shop).partner_id, "Kim", role, member_id)
    return made.id


async def _earn(shop: Counter, member_id: str, cashier: str | None = None, terminal: str = "Till 1") -> dict[str, Any]:
    body = {"member_id": member_id, "amount": 1_000, "currency": "EUR", "terminal": terminal}
    if cashier is not None:
        body["cashier"] = cashier
    return await shop.door.made("/v1/earnings", shop.shop.key, body)


async def _waiting(shop: Counter, member_id: str, cashier: str | None = None) -> dict[str, Any]:
    """The review of the sixth purchase of a member at one till within an hour."""
    for _ in range(5):
        assert (await _earn(shop, member_id, cashier))["review"] == []
    entry = await _earn(shop, member_id, cashier)
    assert entry["review"] == ["member_at_terminal_times"]
    return next(one for one in await _listed(shop) if one["entry_id"] == entry["id"])


async def _listed(shop: Counter, query: str = "", key: str | None = None) -> list[dict[str, Any]]:
    answer = await shop.door.ask("GET", f"/v1/reviews{query}", key or shop.shop.key)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def _decide(
    shop: Counter, review: dict[str, Any], verdict: str, key: str | None = None, **body: object
) -> Response:
    return await shop.door.ask("POST", f"/v1/reviews/{review['id']}/{verdict}", key or shop.shop.key, body)


async def _summary(shop: Counter, query: str = "", key: str | None = None) -> dict[str, Any]:
    answer = await shop.door.ask("GET", f"/v1/reviews/summary{query}", key or shop.shop.key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_sixth_purchase_of_a_member_at_a_till_waits_until_a_manager_approves(shop: Counter) -> None:
    member, manager = await shop.member(), await _staff(shop)
    review = await _waiting(shop, member, "Ann")
    assert (review["points"], review["state"], review["cashier"], review["terminal"]) == (10, "open", "Ann", "Till 1")
    assert (review["member_id"], review["reasons"]) == (member, ["member_at_terminal_times"])
    assert await shop.points(member) == 50
    approved = await _decide(shop, review, "approve", staff_id=manager, note="Birthday party")
    assert approved.status_code == 200, approved.text
    told = approved.json()
    assert (told["state"], told["decided_by"], told["note"]) == ("approved", manager, "Birthday party")
    assert await shop.points(member) == 60
    assert await _listed(shop) == []
    assert [one["id"] for one in await _listed(shop, "?state=approved")] == [review["id"]]


async def test_a_rejected_earning_is_undone_as_a_whole(shop: Counter) -> None:
    member, manager = await shop.member(), await _staff(shop)
    review = await _waiting(shop, member)
    rejected = await _decide(shop, review, "reject", staff_id=manager)
    assert (rejected.status_code, rejected.json()["state"]) == (200, "rejected")
    assert await shop.points(member) == 50
    entry = (await shop.door.ask("GET", f"/v1/members/{member}", shop.door.operator_key)).json()
    assert entry["points"]["pending"] == 0


async def test_a_verdict_holds_and_the_same_again_is_no_error(shop: Counter) -> None:
    member, manager = await shop.member(), await _staff(shop)
    review = await _waiting(shop, member)
    first = await _decide(shop, review, "approve", staff_id=manager)
    again = await _decide(shop, review, "approve", key=shop.door.operator_key)
    assert first.content == again.content
    other = await _decide(shop, review, "reject", staff_id=manager)
    assert (other.status_code, other.json()["code"]) == (409, "review_decided")
    assert await shop.points(member) == 60


async def test_of_many_who_decide_at_once_one_decides(shop: Counter) -> None:
    manager = await _staff(shop)
    for number in range(4):
        member = await shop.member(f"Member {number}")
        review = await _waiting(shop, member)
        answers = await asyncio.gather(
            *(_decide(shop, review, verdict, staff_id=manager) for verdict in ("approve", "reject") * 4)
        )
        assert sorted(answer.status_code for answer in answers) == [200] * 4 + [409] * 4
        state = next(answer.json()["state"] for answer in answers if answer.status_code == 200)
        assert await shop.points(member) == (60 if state == "approved" else 50)


async def test_nobody_decides_about_themselves(shop: Counter) -> None:
    member = await shop.member()
    cashier, other = await _staff(shop), await _staff(shop)
    own = await _staff(shop, member_id=member)
    review = await _waiting(shop, member, cashier)
    about_them = await _decide(shop, review, "approve", staff_id=cashier)
    assert (about_them.status_code, about_them.json()["code"]) == (403, "second_person_needed")
    on_their_account = await _decide(shop, review, "approve", staff_id=own)
    assert (on_their_account.status_code, on_their_account.json()["code"]) == (403, "own_account")
    assert await shop.points(member) == 50
    assert (await _decide(shop, review, "approve", staff_id=other)).status_code == 200


async def test_a_housemates_account_is_ones_own(shop: Counter) -> None:
    member, mate = await shop.member(), await shop.member("Bo")
    review = await _waiting(shop, member)
    async with shop.door.parts.db.unit() as unit:  # as the ledger leaves two members of a household
        await unit.connection.execute("UPDATE account SET pool_id = $2 WHERE id = $1 || '/spendable'", mate, member)
    refused = await _decide(shop, review, "approve", staff_id=await _staff(shop, member_id=mate))
    assert refused.json()["code"] == "own_account"


async def test_only_managers_of_the_shop_and_the_operator_decide(shop: Counter) -> None:
    member = await shop.member()
    review = await _waiting(shop, member)
    gone = await _staff(shop)
    async with shop.door.parts.db.unit() as unit:
        await end_staff(unit, shop.door.parts.clock, shop.shop.partner_id, gone)
    refusals = {
        await _staff(shop, "cashier"): "not_an_approver",
        await _staff(shop, "trainee"): "not_an_approver",
        await _staff(shop, till=shop.other): "staff_unknown",
        gone: "staff_unknown",
        "stf_nobody": "staff_unknown",
    }
    for staff_id, code in refusals.items():
        refused = await _decide(shop, review, "approve", staff_id=staff_id)
        assert refused.json()["code"] == code, refused.text
    nobody = await _decide(shop, review, "approve")
    assert (nobody.status_code, nobody.json()["code"]) == (400, "decider_missing")
    operator = await _decide(shop, review, "approve", key=shop.door.operator_key)
    assert operator.status_code == 200
    assert operator.json()["decided_by"].startswith("operator/")


async def test_a_manager_who_has_a_pin_gives_it(shop: Counter) -> None:
    member, manager = await shop.member(), await _staff(shop)
    review = await _waiting(shop, member)
    await shop.door.parts.pins.set(manager, "2580")
    for body in ({}, {"pin": "2581"}):
        refused = await _decide(shop, review, "approve", staff_id=manager, **body)
        assert (refused.status_code, refused.json()["code"]) == (403, "pin_not_accepted")
    assert await shop.points(member) == 50
    assert (await _decide(shop, review, "approve", staff_id=manager, pin="2580")).status_code == 200
    assert await shop.points(member) == 60


async def test_trying_pins_is_stopped(shop: Counter) -> None:
    review, manager = await _waiting(shop, await shop.member()), await _staff(shop)
    await shop.door.parts.pins.set(manager, "2580")
    tried = [await _decide(shop, review, "approve", staff_id=manager, pin=f"11{number}7") for number in range(7)]
    assert tried[-1].json()["code"] == "pin_blocked"
    assert (await _decide(shop, review, "approve", staff_id=manager, pin="2580")).status_code >= 400
    assert (await _listed(shop))[0]["state"] == "open"


async def test_reviews_are_the_affair_of_the_shop_and_the_operator(shop: Counter) -> None:
    review = await _waiting(shop, await shop.member())
    manager = await _staff(shop, till=shop.other)
    assert await _listed(shop, key=shop.other.key) == []
    assert (await shop.door.ask("GET", f"/v1/reviews/{review['id']}", shop.other.key)).status_code == 404
    refused = await _decide(shop, review, "approve", key=shop.other.key, staff_id=manager)
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_review")
    assert [one["id"] for one in await _listed(shop, key=shop.door.operator_key)] == [review["id"]]
    assert (await shop.door.ask("GET", f"/v1/reviews/{review['id']}", shop.shop.key)).json() == review
    assert (await shop.door.ask("GET", "/v1/reviews/rvw_nothing", shop.shop.key)).status_code == 404


async def test_reviews_are_listed_in_pages_from_the_oldest(shop: Counter) -> None:
    member = await shop.member()
    await _waiting(shop, member)
    for _ in range(4):
        await _earn(shop, member)
    everything = [one["id"] for one in await _listed(shop, "?state=all")]
    assert everything == sorted(everything)
    assert len(everything) == 5
    seen, query = [], "?limit=2"
    while query:
        page = (await shop.door.ask("GET", f"/v1/reviews{query}", shop.shop.key)).json()
        seen += [one["id"] for one in page["data"]]
        query = f"?limit=2&after={page['next']}" if page["has_more"] else ""
    assert seen == everything
    assert (await shop.door.ask("GET", "/v1/reviews?state=other", shop.shop.key)).status_code == 400


async def test_the_days_report_says_who_may_have_credited_themselves(shop: Counter) -> None:
    guest, own = await shop.member(), await shop.member("Bo")
    cashier = await _staff(shop, "cashier", own)
    manager = await _staff(shop)
    review = await _waiting(shop, guest, "Ann")
    assert (await _earn(shop, own, cashier, "Till 2"))["review"] == ["own_account"]
    await _decide(shop, review, "reject", staff_id=manager)
    told = await _summary(shop)
    assert told["waiting"] == {"reviews": 1, "points": 10}
    assert (told["approved"]["reviews"], told["rejected"]["reviews"]) == (0, 1)
    assert {one["reason"]: one["reviews"] for one in told["reasons"]} == {
        "own_account": 1,
        "member_at_terminal_times": 1,
    }
    assert [
        (one["member_id"], one["cashier"], one["terminal"], one["own_account"]) for one in told["self_credits"]
    ] == [
        (own, cashier, "Till 2", True),
        (guest, "Ann", "Till 1", False),
    ]
    assert told["open_now"] == {"reviews": 1, "points": 10}
    for query, key in (("", shop.door.operator_key), (f"?partner_id={shop.shop.partner_id}", shop.door.operator_key)):
        assert (await _summary(shop, query, key))["waiting"]["reviews"] == 1
    assert (await _summary(shop, key=shop.other.key))["waiting"]["reviews"] == 0
    foreign = await shop.door.ask("GET", f"/v1/reviews/summary?partner_id={shop.shop.partner_id}", shop.other.key)
    assert (foreign.status_code, foreign.json()["code"]) == (403, "partner_only")


async def test_a_day_of_the_report_is_the_business_day_of_the_programme(shop: Counter) -> None:
    member = await shop.member()
    # 23:30 and 00:30 in Helsinki, on either side of the night in which clocks go forward there.
    first = datetime(2026, 3, 28, 21, 30, tzinfo=UTC)
    await shop.later(first - shop.door.parts.clock.now())
    await _waiting(shop, member)
    await shop.later(timedelta(hours=1))
    await _waiting(shop, await shop.member("Bo"))
    saturday, sunday = await _summary(shop, "?day=2026-03-28"), await _summary(shop, "?day=2026-03-29")
    assert (saturday["waiting"]["reviews"], sunday["waiting"]["reviews"]) == (1, 1)
    assert saturday["until"] == sunday["since"] == "2026-03-28T22:00:00Z"
    assert sunday["until"] == "2026-03-29T21:00:00Z"
    today = await _summary(shop)
    assert (today["day"], today["open_now"]["reviews"]) == ("2026-03-29", 2)
    assert datetime.fromisoformat(today["oldest_open_at"]) == first


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "yesterday", "2026-02-30"])
async def test_a_day_that_cannot_be_is_refused(shop: Counter, day: str) -> None:
    refused = await shop.door.ask("GET", f"/v1/reviews/summary?day={day}", shop.shop.key)
    assert refused.status_code == 400, refused.text


async def test_a_cashier_who_claims_a_customers_receipt_for_themselves_is_reviewed(shop: Counter) -> None:
    own = await shop.member()
    cashier = await _staff(shop, "cashier", own)
    receipt = await shop.printed(1_000, cashier=cashier, terminal="Till 1")
    claimed = await shop.claim(receipt["token"], own)
    assert (claimed.status_code, claimed.json()["review"]) == (201, ["own_account"])
    assert await shop.points(own) == 0
    assert (await _summary(shop))["self_credits"][0]["member_id"] == own


async def test_receipts_gathered_from_the_floor_run_into_the_limit_of_the_till(shop: Counter) -> None:
    finder = await shop.member()
    receipts = [await shop.printed(1_000, terminal="Till 1") for _ in range(7)]
    reviews = [(await shop.claim(receipt["token"], finder)).json()["review"] for receipt in receipts]
    assert reviews == [[]] * 5 + [["member_at_terminal_times"]] * 2
    assert await shop.points(finder) == 50


async def test_a_review_of_a_member_who_joined_elsewhere_is_told_alike(shop: Counter) -> None:
    parts = shop.door.parts
    async with parts.db.unit() as unit:
        stranger = (await join(unit, parts.clock, shop.other.partner_id, "Cleo", "fi")).member.id
    review = await _waiting(shop, stranger)
    assert (review["member_id"], review["partner_id"]) == (stranger, shop.shop.partner_id)
