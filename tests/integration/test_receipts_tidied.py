"""Old receipts: what was claimed stays, what nobody claimed goes, and a half-told claim is told."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from kernel.database import Database
from points.receipt_tidying import KEPT_FOR, tidy_receipts
from points.receipts import claim, present
from tests.support.ledger import earn
from tests.support.receipts import Counter, Died, DiesAfter, counter


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[Counter]:
    async with counter(db) as opened:
        yield opened


async def test_old_receipts_that_nobody_claimed_are_forgotten_and_no_others(shop: Counter) -> None:
    member, parts = await shop.member(), shop.door.parts
    nobody, claimed, died, void = [await shop.printed() for _ in range(4)]
    await shop.claim(claimed["token"], member)
    await shop.void(void)
    found = await present(parts.db, parts.clock, parts.keyring, died["token"], member)
    with pytest.raises(Died):
        await claim(parts.db, parts.clock, DiesAfter(parts.teller), found, earn(member, 1_000, shop.shop.partner_id))
    await shop.later(KEPT_FOR + timedelta(days=1))
    fresh = await shop.printed()
    assert await tidy_receipts(parts.db, parts.clock) == 0
    await shop.later(timedelta(seconds=1))
    assert await tidy_receipts(parts.db, parts.clock) == 2
    assert await tidy_receipts(parts.db, parts.clock) == 0
    states = {
        name: (await shop.shown(one)).get("state")
        for name, one in {"claimed": claimed, "died": died, "void": void, "fresh": fresh}.items()
    }
    assert states == {"claimed": "claimed", "died": "claimed", "void": "voided", "fresh": "open"}
    assert await shop.count("SELECT count(*) FROM receipt WHERE state = 'claimed' AND member_id IS NOT NULL") == 2
    gone = await shop.claim(nobody["token"], member)
    assert (gone.status_code, gone.json()["code"]) == (404, "receipt_unknown")
    assert (await shop.claim(died["token"], member)).headers["idempotent-replayed"] == "true"


async def test_the_key_of_a_forgotten_receipt_stays_used(shop: Counter) -> None:
    await shop.sell(key="sale-1")
    await shop.later(KEPT_FOR + timedelta(days=2))
    await tidy_receipts(shop.door.parts.db, shop.door.parts.clock)
    assert (await shop.sell(key="sale-1")).status_code == 422


async def test_counts_of_guesses_are_forgotten_after_a_day(shop: Counter) -> None:
    parts, member = shop.door.parts, await shop.member()
    await shop.claim("nothing", member)
    await tidy_receipts(parts.db, parts.clock)
    assert await shop.count("SELECT count(*) FROM attempt") == 1
    async with parts.db.unit() as unit:
        await unit.connection.execute("UPDATE attempt SET since = since - interval '25 hours'")
    await tidy_receipts(parts.db, parts.clock)
    assert await shop.count("SELECT count(*) FROM attempt") == 0
