"""Promises: kept exactly once, put off while an account is frozen, refused only when nothing can be done."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from kernel.database import Database
from points.commands import INTERNAL, Mark
from points.engagement import promises
from points.engagement.promises import Promise, promise
from points.programme.schema.engagement import Gain
from points.programme.standing import Change
from tests.support.engagement import Shop, at_once, shop

RULES = """
rewards:
  - {id: mask, kind: service, cost: 100, names: {en: Hair mask, fi: Hiusnaamio, hu: Hajpakolás}, valid: P30D}
engagement:
  badges: [{id: star, names: {en: Star, fi: Tähti, hu: Csillag}}]
"""


@pytest.fixture
async def salon(db: Database) -> AsyncIterator[Shop]:
    """A shop with a reward and a badge."""
    async with shop(db, RULES) as opened:
        yield opened


async def promised(salon: Shop, member_id: str, key: str, gain: Gain) -> None:
    now = salon.clock.now()
    made = Promise(
        key=key, member_id=member_id, partner_id=salon.partner_id, at=now, gain=gain, reason="gift", about="test"
    )
    async with salon.db.unit() as unit:
        await promise(unit.connection, now, [made])


async def frozen(salon: Shop, member_id: str, frozen: bool) -> None:
    key = f"freeze-{frozen}-{member_id}"
    await salon.teller.ask(
        Mark(
            partner_id=salon.partner_id,
            key=key,
            key_owner=INTERNAL,
            fingerprint=hashlib.sha256(key.encode()).digest(),
            occurred_at=salon.clock.now(),
            member_id=member_id,
            change=Change(),
            reason="test",
            frozen=frozen,
        )
    )


async def test_a_promise_is_kept_once_by_however_many(salon: Shop) -> None:
    member_id = await salon.member()
    await promised(salon, member_id, "gift/1", Gain(points=7))
    await at_once(*[promises.run_due(*salon.services) for _ in range(6)])
    await promised(salon, member_id, "gift/1", Gain(points=7))
    await promises.run_due(*salon.services)
    assert await salon.balance(member_id) == 7
    assert await salon.value("SELECT journal_id FROM promise") == await salon.value("SELECT id FROM journal")


async def test_a_promise_that_was_kept_but_not_noted_is_not_paid_again(salon: Shop) -> None:
    member_id = await salon.member()
    await promised(salon, member_id, "gift/1", Gain(points=7))
    await promises.run_due(*salon.services)
    async with salon.db.unit() as unit:
        await unit.connection.execute("UPDATE promise SET journal_id = NULL")
    await promises.run_due(*salon.services)
    assert await salon.balance(member_id) == 7
    assert await salon.value("SELECT count(*) FROM promise WHERE journal_id IS NOT NULL") == 1


async def test_a_voucher_and_a_badge_can_be_promised(salon: Shop) -> None:
    member_id = await salon.member()
    await promised(salon, member_id, "gift/1", Gain(reward="mask", badge="star"))
    await promised(salon, member_id, "gift/2", Gain(badge="star"))
    await promises.run_due(*salon.services)
    known = await salon.known(member_id)
    assert known.balance == 0
    assert len(known.standing.awards["badge/star"]) == 2
    assert await salon.value("SELECT reward FROM voucher WHERE member_id = $1", member_id) == "mask"


async def test_a_frozen_member_gets_it_when_thawed(salon: Shop) -> None:
    member_id = await salon.member()
    await frozen(salon, member_id, True)
    await promised(salon, member_id, "gift/1", Gain(points=7))
    await promises.run_due(*salon.services)
    assert await salon.value("SELECT attempts FROM promise") == 1
    await frozen(salon, member_id, False)
    await promises.run_due(*salon.services)
    assert await salon.balance(member_id) == 0  # it is tried again the next day
    salon.later(timedelta(days=1))
    await promises.run_due(*salon.services)
    assert await salon.balance(member_id) == 7


async def test_what_stays_impossible_is_given_up(salon: Shop) -> None:
    member_id = await salon.member()
    await frozen(salon, member_id, True)
    await promised(salon, member_id, "gift/1", Gain(points=7))
    await promised(salon, "mbr_nobody", "gift/2", Gain(points=7))
    for _ in range(promises.MOST_ATTEMPTS + 1):
        await promises.run_due(*salon.services)
        salon.later(timedelta(days=1))
    assert await salon.value("SELECT refused FROM promise WHERE key = 'gift/1'") == "member_frozen"
    assert await salon.value("SELECT refused FROM promise WHERE key = 'gift/2'") == "unknown_member"
