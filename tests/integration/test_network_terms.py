"""Terms are versions: the one in force counts, an old one is never touched."""

from datetime import timedelta

import pytest

from kernel.clock import MovableClock
from kernel.database import Database
from network.partners import Brand, Partner, add_partner, partner, partner_window, partners
from network.terms import Rates, TermsOutOfRange, check, publish, versions
from tests.support.ledger import START

CLOCK = MovableClock(START)
RATES = Rates("EUR", 3, 200, 10_000, 9_000)


async def _partner(db: Database, name: str = "P") -> Partner:
    async with db.unit() as unit:
        return await add_partner(unit, CLOCK, name, Brand(name))


async def test_versions_are_kept_and_told_the_latest_first(db: Database) -> None:
    who = (await _partner(db)).id
    async with db.unit() as unit:
        first = await publish(unit, CLOCK, who, RATES)
        later = Rates("EUR", 1, 100, 8_000, 8_000)
        second = await publish(unit, CLOCK, who, later, START + timedelta(days=30))
    async with db.read() as read:
        assert await versions(read.connection, who) == [second, first]
        assert await versions(read.connection, "ptn_x") == []


@pytest.mark.parametrize(
    "rates",
    [
        Rates("EUR", -1, 100, 0, 0),
        Rates("EUR", 1, 0, 0, 0),
        Rates("EUR", 1, 100, -1, 0),
        Rates("EUR", 1, 100, 0, -1),
        Rates("EUR", 10**7, 100, 0, 0),
        Rates("EUR", 1, 100, 10**10, 0),
    ],
)
def test_numbers_out_of_range_are_refused(rates: Rates) -> None:
    with pytest.raises(TermsOutOfRange):
        check(rates)


async def test_partners_are_read_one_all_or_by_window(db: Database) -> None:
    made = [await _partner(db, f"P{n}") for n in range(5)]
    async with db.read() as read:
        assert await partners(read.connection) == made
        assert await partner(read.connection, made[2].id) == made[2]
        assert await partner_window(read.connection, made[1].id, None, 2) == made[2:4]
        assert await partner_window(read.connection, None, made[4].id, 2) == made[2:4]
        assert await partner_window(read.connection, None, None, 9, only=made[3].id) == [made[3]]
