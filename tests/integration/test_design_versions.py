"""Versions of designs when two people work at the same time: numbers without gaps, and nothing shown is removed."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from kernel.clock import SystemClock
from kernel.database import Database
from network.partners import Brand, add_partner
from passes.design.darkroom import Darkroom
from passes.design.designs import Design, add_design
from passes.design.gallery import PictureUnknown, PictureUsed, add_picture, remove_picture
from passes.look import Look
from tests.support.drawings import png

_CLOCK = SystemClock()


async def _partner(db: Database) -> str:
    async with db.unit() as unit:
        return (await add_partner(unit, _CLOCK, "Café", Brand("Café"))).id


async def _design(db: Database, partner_id: str, **change: Any) -> Design:
    draft = Look(id="", partner_id=partner_id, brand_name="Café", **change)
    return await add_design(db, _CLOCK, Darkroom(), draft, "operator")


async def _remove(db: Database, partner_id: str, picture_id: str) -> None:
    async with db.unit() as unit:
        await remove_picture(unit, partner_id, picture_id)


async def _together(db: Database, partner_id: str, *works: Coroutine[Any, Any, Any]) -> list[Any]:
    """What the works answer: all of them are let go on only when each has come to where the partner is held."""
    held = asyncio.Event()

    async def begun(work: Coroutine[Any, Any, Any]) -> Any:
        await held.wait()
        return await work

    tasks = [asyncio.create_task(begun(work)) for work in works]
    async with db.unit() as unit:
        await unit.connection.execute("SELECT 1 FROM partner WHERE id = $1 FOR NO KEY UPDATE", partner_id)
        held.set()
        async with asyncio.timeout(20):
            await _until_waiting(db, len(tasks))
    return await asyncio.gather(*tasks, return_exceptions=True)


async def _until_waiting(db: Database, count: int) -> None:
    """Until so many transactions wait for a lock."""
    while True:
        async with db.read() as read:
            waiting = await read.connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
        if waiting == count:
            return
        await asyncio.sleep(0.01)


async def test_two_designers_get_two_numbers_and_the_same_design_one(db: Database) -> None:
    partner_id = await _partner(db)
    made = await _together(
        db, partner_id, _design(db, partner_id, background="#000000"), _design(db, partner_id, background="#111111")
    )
    assert sorted(one.number for one in made) == [1, 2]
    same = await _together(
        db, partner_id, _design(db, partner_id, background="#222222"), _design(db, partner_id, background="#222222")
    )
    assert [one.number for one in same] == [3, 3]


async def test_a_picture_is_removed_or_shown_never_both(db: Database) -> None:
    partner_id = await _partner(db)
    for turn in range(4):
        kept = await add_picture(db, _CLOCK, Darkroom(), partner_id, png(size=(60, 40 + turn)))
        works = [_design(db, partner_id, pictures={"logo": kept.id}), _remove(db, partner_id, kept.id)]
        answers = await _together(db, partner_id, *(works if turn % 2 else works[::-1]))
        refused = [one for one in answers if isinstance(one, Exception)]
        assert len(refused) == 1
        assert isinstance(refused[0], PictureUsed | PictureUnknown)


async def test_a_picture_waits_for_the_partners_other_changes(db: Database) -> None:
    partner_id = await _partner(db)
    both = [add_picture(db, _CLOCK, Darkroom(), partner_id, png(size=(60, 40 + number))) for number in (1, 2)]
    kept = await _together(db, partner_id, *both)
    assert len({one.id for one in kept}) == 2


async def test_only_the_partners_own_pictures_can_be_removed(db: Database) -> None:
    partner_id, other = await _partner(db), await _partner(db)
    kept = await add_picture(db, _CLOCK, Darkroom(), partner_id, png())
    with pytest.raises(PictureUnknown):
        await _remove(db, other, kept.id)
    await _remove(db, partner_id, kept.id)
    with pytest.raises(PictureUnknown):
        await _remove(db, partner_id, kept.id)
