"""Codes at tills: one winner, partial value, validity, persons, places, cancelling, refunds of what paid for them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kernel.ids import new_code, new_id
from points.book import VoucherState
from points.programme.publishing import publish
from points.programme.text import read_programme
from points.voucher_records import issue
from tests.support.reward_shop import PROGRAMME, RewardShop, reward_shop


@pytest.fixture
async def shop(database_url: str, twins_folder: Path) -> AsyncIterator[RewardShop]:
    async with reward_shop(database_url, twins_folder) as opened:
        yield opened


async def test_of_two_tills_at_the_same_moment_one_gets_the_code_and_the_other_409(shop: RewardShop) -> None:
    member = await shop.member(1000)
    for _ in range(10):
        code = await shop.code(member)
        answers = await asyncio.gather(shop.use(code, shop.cafe), shop.use(code, shop.gym))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert next(a.json()["code"] for a in answers if a.status_code == 409) == "voucher_used"
    assert await shop.count("SELECT count(*) FROM voucher_move WHERE kind = 'used'") == 10


async def test_a_value_is_used_in_parts_and_never_beyond_itself_by_many_tills(shop: RewardShop) -> None:
    code = await shop.code(await shop.member(1000), "card")
    answers = await asyncio.gather(*(shop.use(code, till, basket=300) for till in [shop.cafe, shop.gym] * 4))
    taken = sorted(answer.json()["taken"] for answer in answers if answer.status_code == 200)
    assert taken == [100, 300, 300, 300]
    assert {answer.json()["code"] for answer in answers if answer.status_code != 200} == {"voucher_used"}
    left = (await shop.door.ask("GET", f"/v1/vouchers/{code}", shop.cafe.key)).json()
    assert (left["state"], left["value"], left["uses_left"]) == ("used", 0, 0)


async def test_the_same_use_delivered_again_gets_the_same_answer(shop: RewardShop) -> None:
    member = await shop.member(1000)
    code = await shop.code(member, "card")
    first = await shop.use(code, key="use-1", basket=300)
    await shop.use(code, basket=200)
    again = await shop.use(code, key="use-1", basket=300)
    assert first.content == again.content
    assert again.headers["idempotent-replayed"] == "true"
    other = await shop.use(code, key="use-1", basket=301)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    earning = {"member_id": member, "amount": 1, "currency": "EUR"}
    reused = await shop.door.move("/v1/earnings", shop.cafe.key, earning, "use-1")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    left = (await shop.door.ask("GET", f"/v1/vouchers/{code}", shop.cafe.key)).json()
    assert left["value"] == 500


async def test_the_same_use_sent_twice_at_once_is_one_use(shop: RewardShop) -> None:
    code = await shop.code(await shop.member(1000), "card")
    answers = await asyncio.gather(*(shop.use(code, key="same", basket=300) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert await shop.count("SELECT count(*) FROM voucher_move") == 1


async def test_a_key_of_a_use_is_not_good_for_another_code(shop: RewardShop) -> None:
    member = await shop.member(1000)
    one, other = await shop.code(member), await shop.code(member)
    answers = await asyncio.gather(shop.use(one, key="same"), shop.use(other, key="same"))
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    assert await shop.count("SELECT count(*) FROM voucher WHERE state = 'used'") == 1


async def test_a_personal_code_is_refused_for_anybody_else(shop: RewardShop) -> None:
    owner, other = await shop.member(100), await shop.member(0, "Bo")
    code = await shop.code(owner, "mine")
    for shown_by in (other, None, "mbr_nobody"):
        refused = await shop.use(code, basket=1000, member_id=shown_by)
        assert (refused.status_code, refused.json()["code"]) == (403, "voucher_of_another_member")
    used = await shop.use(code, basket=1000, member_id=owner)
    assert (used.status_code, used.json()["taken"]) == (200, 200)


async def test_a_personal_code_follows_its_member_into_a_merged_account(shop: RewardShop) -> None:
    owner, other = await shop.member(100), await shop.member(0, "Bo")
    code = await shop.code(owner, "mine")
    merged = await shop.door.move(f"/v1/members/{owner}/merge", shop.cafe.key, {"into": other})
    assert merged.status_code == 201, merged.text
    assert (await shop.use(code, basket=1000, member_id=other)).status_code == 200


async def test_a_code_is_used_where_it_is_good(shop: RewardShop) -> None:
    code = await shop.code(await shop.member(100), "at_cafe")
    refused = await shop.use(code, shop.gym)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_here")
    assert (await shop.use(code, shop.cafe)).status_code == 200


async def test_a_code_ends_with_its_last_day(shop: RewardShop) -> None:
    member = await shop.member(100)
    code = await shop.code(member)
    until = await _until(shop, code)
    await shop.at(until - timedelta(seconds=1))
    assert (await shop.use(await shop.code(member))).status_code == 200
    await shop.at(until)
    refused = await shop.use(code)
    assert (refused.status_code, refused.json()["code"]) == (409, "voucher_expired")
    assert (await shop.door.ask("GET", f"/v1/vouchers/{code}", shop.cafe.key)).json()["state"] == "expired"


async def _until(shop: RewardShop, code: str) -> Any:
    async with shop.door.parts.db.read() as read:
        return await read.connection.fetchval("SELECT valid_until FROM voucher WHERE code = $1", code)


async def test_a_code_is_read_by_people_so_case_does_not_matter(shop: RewardShop) -> None:
    code = await shop.code(await shop.member(100))
    assert (await shop.use(code.lower())).status_code == 200


async def test_an_unknown_code_is_not_found(shop: RewardShop) -> None:
    for answer in (await shop.use("NOTHING"), await shop.door.ask("GET", "/v1/vouchers/NOTHING", shop.cafe.key)):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_voucher")


async def test_refunding_what_paid_for_a_code_cancels_it(shop: RewardShop) -> None:
    member = await shop.member(100)
    made = (await shop.claim(member, "code")).json()
    code = made["vouchers"][0]["code"]
    back = await shop.door.made("/v1/reversals", shop.cafe.key, {"entry_id": made["entry_id"]})
    assert back["balance"] == 100
    refused = await shop.use(code)
    assert (refused.status_code, refused.json()["code"]) == (409, "voucher_voided")


async def test_a_used_code_is_not_refunded(shop: RewardShop) -> None:
    made = (await shop.claim(await shop.member(100), "code")).json()
    await shop.use(made["vouchers"][0]["code"])
    refused = await shop.door.move("/v1/reversals", shop.cafe.key, {"entry_id": made["entry_id"]})
    assert refused.status_code in (400, 409)


async def test_a_use_and_a_refund_at_the_same_moment_never_both_win(shop: RewardShop) -> None:
    member = await shop.member(1000)
    for _ in range(12):
        made = (await shop.claim(member, "code")).json()
        code, before = made["vouchers"][0]["code"], made["balance"]
        used, back = await asyncio.gather(
            shop.use(code, shop.gym),
            shop.door.move("/v1/reversals", shop.cafe.key, {"entry_id": made["entry_id"]}),
        )
        assert (used.status_code == 200) != (back.status_code == 201), (used.text, back.text)
        assert await shop.points(member) == before + (20 if back.status_code == 201 else 0)


async def test_the_issuer_or_the_operator_cancels_a_code_and_nobody_else(shop: RewardShop) -> None:
    member = await shop.member(100)
    one, other = await shop.code(member), await shop.code(member)
    reason = {"reason": "lost"}
    stranger = await shop.door.move(f"/v1/vouchers/{one}/void", shop.gym.key, reason)
    assert (stranger.status_code, stranger.json()["code"]) == (403, "voucher_of_another_partner")
    for code, key in ((one, shop.cafe.key), (other, shop.door.operator_key)):
        done = await shop.door.move(f"/v1/vouchers/{code}/void", key, reason)
        assert (done.status_code, done.json()["voucher"]["state"]) == (200, "voided")
        assert (await shop.door.move(f"/v1/vouchers/{code}/void", key, reason)).status_code == 200
        assert (await shop.use(code)).json()["code"] == "voucher_voided"
    assert await shop.count("SELECT count(*) FROM voucher_move WHERE reason = 'lost'") == 4


async def test_a_used_code_is_not_cancelled(shop: RewardShop) -> None:
    code = await shop.code(await shop.member(100))
    await shop.use(code)
    refused = await shop.door.move(f"/v1/vouchers/{code}/void", shop.cafe.key, {"reason": "lost"})
    assert (refused.status_code, refused.json()["code"]) == (409, "voucher_used")


async def test_a_code_used_with_an_order_keeps_lone_rewards_out(shop: RewardShop) -> None:
    text = PROGRAMME.replace("id: code, names: {en: Code}", "id: code, one_per_order: true, names: {en: Code}")
    await _publish(shop, text)
    member = await shop.member(200)
    first, second = await shop.code(member), await shop.code(member)
    assert (await shop.use(first, order="o1")).status_code == 200
    refused = await shop.use(second, order="o1")
    assert (refused.status_code, refused.json()["code"]) == (409, "order_already_rewarded")
    assert (await shop.use(second, order="o2")).status_code == 200
    claimed = await shop.claim(member, "drink", order="o1")
    assert (claimed.status_code, claimed.json()["code"]) == (409, "order_already_rewarded")


BAD: list[dict[str, Any]] = [
    {"amount": 0}, {"amount": -1}, {"basket": 1.5}, {"amount": "5"}, {"unknown": 1}, {"member_id": ""},
]  # fmt: skip


@pytest.mark.parametrize("body", BAD, ids=str)
async def test_a_use_of_no_sense_is_refused(shop: RewardShop, body: dict[str, Any]) -> None:
    refused = await shop.use("ABC", **body)
    assert (refused.status_code, refused.json()["code"]) == (400, "body_invalid")


STATEMENT = """
conversion:
  months: [2, 5, 8, 11]
  min_points: 150
  points: 100
  money: 1.00
  step: 0.50
  valid: P2Y
  boosts: [{times: 3, partner: gym, valid: P12M}]
"""


async def test_a_statement_voucher_is_exchanged_once_for_a_code_of_the_partner(shop: RewardShop) -> None:
    await _publish(shop, PROGRAMME + STATEMENT)
    code = await _statement(shop, await shop.member(1))
    assert (await _exchange(shop, code, shop.cafe.key)).json()["code"] == "voucher_not_exchangeable"
    answers = await asyncio.gather(*(_exchange(shop, code, shop.gym.key) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    into = next(answer.json()["into"] for answer in answers if answer.status_code == 200)
    assert (into["value"], into["partner_id"]) == (1500, shop.gym.partner_id)
    again = await _exchange(shop, into["code"], shop.gym.key)
    assert (again.status_code, again.json()["code"]) == (409, "voucher_not_exchangeable")
    elsewhere = await shop.use(into["code"], shop.cafe, basket=2000)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "not_here")
    assert (await shop.use(into["code"], shop.gym, basket=2000)).json()["taken"] == 1500


async def _exchange(shop: RewardShop, code: str, key: str) -> Any:
    return await shop.door.move(f"/v1/vouchers/{code}/exchange", key, {})


async def _statement(shop: RewardShop, member: str, value_minor: int = 500) -> str:
    """A voucher as a statement makes it."""
    parts = shop.door.parts
    in_force = await parts.programmes.in_force(shop.cafe.partner_id, shop.now())
    code = new_code()
    async with parts.db.unit() as unit:
        journal = await unit.connection.fetchval("SELECT id FROM journal WHERE member_id = $1 LIMIT 1", member)
        made = VoucherState(
            new_id("vch"), code, "statement", in_force.version.id, shop.cafe.partner_id, journal, "issued", None, 1,
            value_minor, automatic=True,
        )  # fmt: skip
        await issue(unit, made, member)
    return code


async def _publish(shop: RewardShop, text: str) -> None:
    parts = shop.door.parts
    await shop.at(shop.now() + timedelta(seconds=1))
    ids = {"cafe": shop.cafe.partner_id, "gym": shop.gym.partner_id, "charity": shop.charity.partner_id}
    async with parts.db.unit() as unit:
        await publish(unit, parts.clock, read_programme(text), ids, None)
    parts.programmes.forget()
