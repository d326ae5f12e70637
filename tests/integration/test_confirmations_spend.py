"""A member's yes lets a till spend what was asked: once, there, for them, within five minutes, and not a point more."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from httpx import Response

from kernel.database import Database
from points.confirmations import answer
from tests.support.receipts import Counter, counter
from tests.support.service import Till

PROOF = """
redemptions: {proof: {above: 100, ways: [confirmation]}}
"""


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[Counter]:
    async with counter(db) as opened:
        await opened.publish(1, PROOF)
        yield opened


async def _rich(shop: Counter, name: str = "Alex") -> str:
    member = await shop.member(name)
    await shop.door.earn(shop.shop, member, 100_000)
    return member


async def _agreed(shop: Counter, member: str, points: int, till: Till | None = None) -> str:
    """The proof that a yes makes."""
    key = (till or shop.shop).key
    asked = await shop.door.made("/v1/confirmations", key, {"member_id": member, "points": points})
    parts = shop.door.parts
    await answer(parts.db, parts.clock, asked["id"], member, True)
    seen = (await shop.door.ask("GET", f"/v1/confirmations/{asked['id']}", key)).json()
    proof_id: str = seen["proof_id"]
    return proof_id


async def _spend(shop: Counter, member: str, points: int, proof_id: str | None = None, **more: str) -> Response:
    body = {"member_id": member, "points": points, **({"proof_id": proof_id} if proof_id else {})}
    return await shop.door.move("/v1/redemptions", shop.shop.key, body, **more)


async def test_a_yes_pays_once(shop: Counter) -> None:
    member = await _rich(shop)
    needed = await _spend(shop, member, 200)
    assert (needed.status_code, needed.json()["code"]) == (409, "proof_needed")
    proof_id = await _agreed(shop, member, 200)
    paid = await _spend(shop, member, 200, proof_id, idempotency_key="pay-1")
    assert paid.status_code == 201, paid.text
    assert (await _spend(shop, member, 200, proof_id, idempotency_key="pay-1")).content == paid.content
    again = await _spend(shop, member, 200, proof_id)
    assert (again.status_code, again.json()["code"]) == (409, "proof_refused")
    assert await shop.points(member) == 800


async def test_a_yes_is_good_for_no_more_points_than_the_member_saw(shop: Counter) -> None:
    member = await _rich(shop)
    proof_id = await _agreed(shop, member, 200)
    assert (await _spend(shop, member, 201, proof_id)).json()["code"] == "proof_refused"
    assert (await _spend(shop, member, 150, proof_id)).status_code == 201
    assert await shop.points(member) == 850


async def test_a_yes_is_good_for_nobody_else_and_nowhere_else(shop: Counter) -> None:
    member, other = await _rich(shop), await _rich(shop, "Bo")
    proof_id = await _agreed(shop, member, 200)
    elsewhere = await _agreed(shop, member, 200, shop.other)
    assert (await _spend(shop, other, 200, proof_id)).json()["code"] == "proof_refused"
    assert (await _spend(shop, member, 200, elsewhere)).json()["code"] == "proof_refused"
    assert (await shop.points(member), await shop.points(other)) == (1_000, 1_000)


async def test_a_yes_is_good_for_five_minutes(shop: Counter) -> None:
    member = await _rich(shop)
    in_time, late = await _agreed(shop, member, 200), await _agreed(shop, member, 200)
    await shop.later(timedelta(minutes=4, seconds=59))
    assert (await _spend(shop, member, 200, in_time)).status_code == 201
    await shop.later(timedelta(seconds=2))
    assert (await _spend(shop, member, 200, late)).json()["code"] == "proof_refused"
