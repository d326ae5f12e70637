"""Terms are versions: the one in force counts, an old one is never touched."""

from datetime import timedelta
from fractions import Fraction

import pytest

from kernel.clock import MovableClock
from kernel.database import Database
from network.partners import Brand, Partner, add_partner, partner, partner_window, partners
from network.terms import Rates, TermsMissing, TermsOutOfRange, at, at_many, check, publish
from tests.support.ledger import START

CLOCK = MovableClock(START)
RATES = Rates("EUR", 3, 200, 10_000, 9_000)


async def _partner(db: Database, name: str = "P") -> Partner:
    async with db.unit() as unit:
        return await add_partner(unit, CLOCK, name, Brand(name))


async def test_the_version_in_force_counts(db: Database) -> None:
    who = (await _partner(db)).id
    later = START + timedelta(days=30)
    async with db.unit() as unit:
        first = await publish(unit, CLOCK, who, RATES)
        second = await publish(unit, CLOCK, who, Rates("EUR", 1, 100, 8_000, 8_000), later)
    moment = timedelta(microseconds=1)
    async with db.read() as read:
        asked = [(who, START - moment), (who, START), (who, later - moment), (who, later), ("ptn_x", later)]
        assert await at_many(read.connection, asked) == [None, first, first, second, None]
        assert (await at(read.connection, who, later)) == second
        with pytest.raises(TermsMissing):
            await at(read.connection, who, START - moment)
        assert await at_many(read.connection, []) == []


async def test_the_earn_rule_is_an_exact_fraction(db: Database) -> None:
    who = (await _partner(db)).id
    async with db.unit() as unit:
        terms = await publish(unit, CLOCK, who, RATES)
    assert terms.points_per_minor == Fraction(3, 200)


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
