"""What the till remembers of terms and places for a moment."""

from datetime import timedelta

import pytest

from kernel.clock import MovableClock
from kernel.database import Database
from network.locations import LocationUnknown, add_location
from network.partners import Brand, add_partner
from network.rulebook import Rulebook
from network.terms import Rates, TermsMissing, publish
from tests.support.ledger import START

CLOCK = MovableClock(START)


async def _partner(db: Database) -> str:
    async with db.unit() as unit:
        return (await add_partner(unit, CLOCK, "Café", Brand("Café"))).id


async def _publish(db: Database, partner_id: str, points: int, after: timedelta = timedelta()) -> str:
    async with db.unit() as unit:
        return (await publish(unit, CLOCK, partner_id, Rates("EUR", points, 100, 10, 10), START + after)).id


async def test_the_version_in_force_at_the_moment_of_the_sale_counts(db: Database) -> None:
    partner_id, rulebook = await _partner(db), Rulebook(db)
    first = await _publish(db, partner_id, 1)
    second = await _publish(db, partner_id, 2, timedelta(days=1))
    for after, expected in ((timedelta(), first), (timedelta(hours=23), first), (timedelta(days=1), second)):
        assert (await rulebook.terms(partner_id, START + after)).id == expected
    with pytest.raises(TermsMissing):
        await rulebook.terms(partner_id, START - timedelta(seconds=1))


async def test_a_partner_without_terms_is_asked_about_again_at_each_sale(db: Database) -> None:
    partner_id, rulebook = await _partner(db), Rulebook(db)
    with pytest.raises(TermsMissing):
        await rulebook.terms(partner_id, START)
    first = await _publish(db, partner_id, 1)
    assert (await rulebook.terms(partner_id, START)).id == first


async def test_new_terms_are_seen_at_once_where_they_were_published(db: Database) -> None:
    partner_id, rulebook = await _partner(db), Rulebook(db)
    await _publish(db, partner_id, 1)
    await rulebook.terms(partner_id, START)
    second = await _publish(db, partner_id, 2, timedelta(minutes=1))
    rulebook.forget(partner_id)
    assert (await rulebook.terms(partner_id, START + timedelta(minutes=1))).id == second


async def test_another_partners_place_does_not_exist(db: Database) -> None:
    owner, other, rulebook = await _partner(db), await _partner(db), Rulebook(db)
    async with db.unit() as unit:
        place = await add_location(unit, CLOCK, owner, "Main Street", "Europe/Helsinki")
    await rulebook.check_place(owner, place.id)
    await rulebook.check_place(owner, None)
    for partner_id, location_id in ((other, place.id), (owner, "loc_nothing")):
        with pytest.raises(LocationUnknown):
            await rulebook.check_place(partner_id, location_id)
