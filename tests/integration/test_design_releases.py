"""A design reaches the passes in stages: whoever stops it, wherever, it ends with every pass showing what it should."""

import asyncio
from collections import Counter
from collections.abc import Iterable

import pytest

from kernel.clock import SystemClock
from kernel.database import Database
from kernel.errors import NotFound
from kernel.ids import new_id
from kernel.outbox import BULK, follow_once
from network.partners import Brand, add_partner
from passes.coupons import COUPON_MARK
from passes.design.darkroom import Darkroom
from passes.design.designs import Design, add_design
from passes.design.looks import Looks, LookUnknown, brand_look
from passes.design.release import (
    KIND,
    MOST_STAGED,
    PAGE,
    DesignRelease,
    Release,
    ShareFalls,
    TooManyStages,
    publish,
    release_window,
    sweep_brand,
)
from passes.design.stages import BRAND, Stage, covers
from passes.look import Look
from passes.refresh import SWEEP_KIND

_CLOCK = SystemClock()
_PASSES = 3 * PAGE + 250


async def _partner(db: Database, name: str = "Café") -> str:
    async with db.unit() as unit:
        return (await add_partner(unit, _CLOCK, name, Brand(name))).id


async def _passes(db: Database, partner_id: str, count: int, shown: str = "") -> list[str]:
    """Passes in phones, showing the brand's look."""
    ids = [new_id("pas") for _ in range(count)]
    async with db.unit() as unit:
        first = int(await unit.connection.fetchval("SELECT count(*) FROM wallet_pass"))
        await unit.connection.execute(
            "INSERT INTO wallet_pass (id, member_id, brand_id, wallet, card, change_seq, last_modified, tap_code)"
            " SELECT id, 'mbr_' || number, $2, 'apple', jsonb_build_object('design', $3::text), $4 + number, now(), id"
            " FROM unnest($1::text[]) WITH ORDINALITY AS one (id, number)",
            ids,
            partner_id,
            shown or await _brand_id(db, partner_id),
            first,
        )
    return ids


async def _brand_id(db: Database, partner_id: str) -> str:
    async with db.read() as read:
        return (await Looks(db).as_released(read.connection, [partner_id])).look(partner_id, "any").id


async def _design(db: Database, partner_id: str, background: str) -> Design:
    draft = Look(id="", partner_id=partner_id, brand_name="Café", background=background)
    return await add_design(db, _CLOCK, Darkroom(), draft, "operator")


async def _publish(db: Database, partner_id: str, design_id: str, share: int) -> Release:
    async with db.unit() as unit:
        return await publish(unit, _CLOCK, partner_id, design_id, share)


async def _walk(db: Database, steps: int = 1000) -> int:
    """The follower's work, page after page as the service does it; how many pages there were."""
    follower = DesignRelease(db, Looks(db))
    for done in range(steps):
        if await follow_once(db, follower, BULK) == 0:
            return done
    return steps


async def _noted(db: Database, kind: str = SWEEP_KIND) -> set[str]:
    async with db.read() as read:
        rows = await read.connection.fetch("SELECT subject, lane FROM outbox WHERE kind = $1", kind)
    assert {row["lane"] for row in rows} <= {BULK}
    return {row["subject"] for row in rows}


async def _render(db: Database, ids: Iterable[str]) -> None:
    """What the passes' own follower does with its notes: they show what is released now."""
    noted = sorted(ids)
    async with db.unit() as unit:
        brands = await unit.connection.fetch("SELECT id, brand_id FROM wallet_pass WHERE id = ANY($1::text[])", noted)
        released = await Looks(db).released(unit.connection, sorted({row["brand_id"] for row in brands}))
        await unit.connection.execute(
            "UPDATE wallet_pass SET card = jsonb_build_object('design', new.design)"
            " FROM unnest($1::text[], $2::text[]) AS new (id, design) WHERE wallet_pass.id = new.id",
            [row["id"] for row in brands],
            [released.look(row["brand_id"], row["id"]).id for row in brands],
        )
        await unit.connection.execute(
            "DELETE FROM outbox WHERE kind = $1 AND subject = ANY($2::text[])", SWEEP_KIND, noted
        )


async def _shown(db: Database, partner_id: str) -> dict[str, str]:
    async with db.read() as read:
        rows = await read.connection.fetch(
            "SELECT id, card ->> 'design' AS design FROM wallet_pass WHERE brand_id = $1", partner_id
        )
    return {row["id"]: row["design"] for row in rows}


async def test_a_stage_reaches_its_share_and_the_next_one_only_adds(db: Database) -> None:
    partner_id = await _partner(db)
    ids = await _passes(db, partner_id, _PASSES)
    made = await _design(db, partner_id, "#000000")
    have: set[str] = set()
    for share in (1, 10, 50, 100):
        release = await _publish(db, partner_id, made.id, share)
        await _walk(db)
        noted = await _noted(db)
        expected = {one for one in ids if covers(Stage(made.id, share), one)}
        assert noted == expected - have
        assert have <= expected
        await _render(db, noted)
        have = {one for one, design in (await _shown(db, partner_id)).items() if design == made.id}
        assert have == expected
        async with db.read() as read:
            kept = (await release_window(read.connection, partner_id, release.number - 1, None, 1))[0]
        assert (kept.told, kept.done_at is not None) == (len(noted), True)
    assert have == set(ids)


async def test_going_back_is_publishing_the_older_design(db: Database) -> None:
    partner_id = await _partner(db)
    ids = set(await _passes(db, partner_id, 60))
    old, new = await _design(db, partner_id, "#000000"), await _design(db, partner_id, "#111111")
    for design_id in (old.id, new.id, old.id, BRAND):
        await _publish(db, partner_id, design_id, 100)
        await _walk(db)
        assert await _noted(db) == ids
        await _render(db, ids)
        shown = set((await _shown(db, partner_id)).values())
        assert shown == {design_id if design_id != BRAND else await _brand_id(db, partner_id)}


async def test_a_walk_that_is_stopped_anywhere_goes_on_from_there(db: Database) -> None:
    """A page and the cursor are one transaction: what was not finished is done again, and nothing is left out."""
    partner_id = await _partner(db)
    ids = await _passes(db, partner_id, _PASSES)
    made = await _design(db, partner_id, "#000000")
    release = await _publish(db, partner_id, made.id, 100)
    follower = DesignRelease(db, Looks(db))
    assert await follower.follow([release.id]) == {}  # and the process ends before the note is settled
    assert len(await _noted(db)) == PAGE

    async def cut_short() -> None:
        async with db.unit() as unit:
            await follower._release_page(unit, release.id)
            raise RuntimeError("the power is cut before the commit")

    with pytest.raises(RuntimeError, match="power"):
        await cut_short()
    assert len(await _noted(db)) == PAGE
    assert await _walk(db) >= 3
    assert await _noted(db) == set(ids)
    assert await _noted(db, KIND) == set()


async def test_two_workers_on_one_release_do_its_pages_once_each(db: Database) -> None:
    partner_id = await _partner(db)
    ids = await _passes(db, partner_id, _PASSES)
    made = await _design(db, partner_id, "#000000")
    release = await _publish(db, partner_id, made.id, 100)
    one, other = DesignRelease(db, Looks(db)), DesignRelease(db, Looks(db))
    for _ in range(4):
        await asyncio.gather(one.follow([release.id]), other.follow([release.id]))
    assert await _noted(db) == set(ids)
    async with db.read() as read:
        kept = (await release_window(read.connection, partner_id, None, None, 5))[0]
    assert (kept.told, kept.done_at is not None) == (_PASSES, True)


async def test_a_second_publication_overtakes_one_that_walks(db: Database) -> None:
    partner_id = await _partner(db)
    ids = await _passes(db, partner_id, _PASSES)
    first, second = await _design(db, partner_id, "#000000"), await _design(db, partner_id, "#111111")
    await _publish(db, partner_id, first.id, 100)
    await _walk(db, 2)
    await _render(db, await _noted(db))
    assert Counter((await _shown(db, partner_id)).values())[first.id] == 2 * PAGE
    await _publish(db, partner_id, second.id, 30)
    await _walk(db)
    await _render(db, await _noted(db))
    shown = await _shown(db, partner_id)
    expected = {one: second.id if covers(Stage(second.id, 30), one) else first.id for one in ids}
    assert shown == expected
    async with db.read() as read:
        found = await release_window(read.connection, partner_id, None, None, 5)
    assert [one.done_at is not None for one in found] == [True, True]
    assert found[0].told == 2 * PAGE


async def test_a_card_that_is_being_rendered_is_not_missed(db: Database) -> None:
    """It was rendered by the old release and is stored after the new one: the publication waits for it."""
    partner_id = await _partner(db)
    made = await _design(db, partner_id, "#000000")
    looks = Looks(db)
    rendered, store = asyncio.Event(), asyncio.Event()

    async def join() -> str:
        async with db.unit() as unit:
            released = await looks.released(unit.connection, [partner_id])
            pass_id = new_id("pas")
            look = released.look(partner_id, pass_id)
            rendered.set()
            await store.wait()
            await unit.connection.execute(
                "INSERT INTO wallet_pass (id, member_id, brand_id, wallet, card, change_seq, last_modified, tap_code)"
                " VALUES ($1, 'mbr_x', $2, 'apple', jsonb_build_object('design', $3::text), 1, now(), $1)",
                pass_id,
                partner_id,
                look.id,
            )
            return pass_id

    joining = asyncio.create_task(join())
    await rendered.wait()
    publishing = asyncio.create_task(_publish(db, partner_id, made.id, 100))
    await _until_waiting(db)
    assert not publishing.done()
    store.set()
    pass_id = await joining
    await publishing
    await _walk(db)
    assert await _noted(db) == {pass_id}


async def _until_waiting(db: Database) -> None:
    """Until somebody waits for an advisory lock."""
    async with asyncio.timeout(10):
        while True:
            async with db.read() as read:
                if await read.connection.fetchval("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)"):
                    return
            await asyncio.sleep(0.01)


async def test_publishing_the_same_again_changes_nothing(db: Database) -> None:
    partner_id = await _partner(db)
    made = await _design(db, partner_id, "#000000")
    first = await _publish(db, partner_id, made.id, 20)
    assert await _publish(db, partner_id, made.id, 20) == first
    with pytest.raises(ShareFalls):
        await _publish(db, partner_id, made.id, 19)
    assert (await _publish(db, partner_id, made.id, 21)).number == first.number + 1


async def test_two_people_who_publish_at_once_are_served_one_after_the_other(db: Database) -> None:
    partner_id = await _partner(db)
    designs = [await _design(db, partner_id, colour) for colour in ("#000000", "#111111", "#222222")]
    made = await asyncio.gather(*(_publish(db, partner_id, one.id, 100) for one in designs))
    assert sorted(one.number for one in made) == [1, 2, 3]


async def test_only_a_few_designs_are_tried_at_once(db: Database) -> None:
    partner_id = await _partner(db)
    made = [await _design(db, partner_id, f"#0000{number:02x}") for number in range(MOST_STAGED + 2)]
    *tried, winner, another = made
    for one in tried:
        await _publish(db, partner_id, one.id, 5)
    with pytest.raises(TooManyStages):
        await _publish(db, partner_id, another.id, 5)
    await _publish(db, partner_id, tried[0].id, 6)
    await _publish(db, partner_id, winner.id, 100)
    await _publish(db, partner_id, another.id, 5)


async def test_only_designs_of_the_partner_are_published(db: Database) -> None:
    partner_id, other = await _partner(db), await _partner(db, "Bar")
    theirs = await _design(db, other, "#000000")
    for design_id in (theirs.id, new_id("dsn"), "dsn_x", "", "\ud800"):
        with pytest.raises(LookUnknown):
            await _publish(db, partner_id, design_id, 100)
    with pytest.raises(NotFound):
        await _publish(db, new_id("ptn"), BRAND, 100)


async def test_coupons_follow_their_brands_design(db: Database) -> None:
    partner_id = await _partner(db)
    made = await _design(db, partner_id, "#000000")
    right = await _passes(db, partner_id, 3, made.id + COUPON_MARK)
    assert right
    await _publish(db, partner_id, made.id, 100)
    await _walk(db)
    assert await _noted(db) == set()


async def test_other_partners_passes_are_left_alone(db: Database) -> None:
    partner_id, other = await _partner(db), await _partner(db, "Bar")
    mine, theirs = set(await _passes(db, partner_id, 20)), await _passes(db, other, 0)
    assert not theirs
    made = await _design(db, partner_id, "#000000")
    await _publish(db, partner_id, made.id, 100)
    await _walk(db)
    assert await _noted(db) == mine


async def test_a_sweep_goes_through_all_passes_of_a_brand_or_of_everybody(db: Database) -> None:
    partner_id = await _partner(db)
    mine = set(await _passes(db, partner_id, _PASSES))
    other = await _partner(db, "Bar")
    async with db.unit() as unit:
        await unit.connection.execute(
            "INSERT INTO wallet_pass (id, member_id, brand_id, wallet, card, change_seq, last_modified, tap_code)"
            " VALUES ('pas_0', 'mbr_other', $1, 'apple', '{}', 1, now(), 'other')",
            other,
        )
        await sweep_brand(unit.connection, partner_id)
    assert await _walk(db) == 4
    assert await _noted(db) == mine
    await _render(db, mine)
    async with db.unit() as unit:
        await sweep_brand(unit.connection, None)
    await _walk(db)
    assert await _noted(db) == mine | {"pas_0"}


async def test_walks_wait_while_the_passes_they_told_are_many(db: Database) -> None:
    partner_id = await _partner(db)
    follower = DesignRelease(db, Looks(db))
    assert await follower.room() > 0
    await _passes(db, partner_id, 10)
    async with db.unit() as unit:
        await unit.connection.execute(
            "INSERT INTO outbox (kind, subject, lane)"
            " SELECT $1, 'pas_' || number, 1 FROM generate_series(1, 5000) AS number",
            SWEEP_KIND,
        )
    assert await follower.room() == 0


async def test_a_look_is_found_by_its_id_for_ever(db: Database) -> None:
    partner_id = await _partner(db)
    made = await _design(db, partner_id, "#000000")
    await _design(db, partner_id, "#111111")
    looks = Looks(db)
    assert await looks.look(made.id) == made.look
    coupon = await looks.look(made.id + COUPON_MARK)
    assert (coupon.style, coupon.background) == ("coupon", "#000000")
    brand_id = await _brand_id(db, partner_id)
    assert (await looks.look(brand_id)).id == brand_id
    for unknown in ("dsn_x", "brand:ptn_x:00", "", new_id("dsn"), "brand:"):
        with pytest.raises(LookUnknown):
            await looks.look(unknown)


async def test_the_brands_look_changes_its_id_with_the_brand(db: Database) -> None:
    async with db.unit() as unit:
        one = await add_partner(unit, _CLOCK, "A", Brand("A"))
        other = await add_partner(unit, _CLOCK, "A", Brand("A", logo_text="a"))
    assert brand_look(one).id.startswith(f"brand:{one.id}:")
    assert brand_look(one).id[-16:] != brand_look(other).id[-16:]
