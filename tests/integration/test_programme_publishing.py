"""Published programmes never change: they follow one another, fairly, and are in force where and from when they say."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from kernel.clock import MovableClock
from kernel.database import Database
from kernel.errors import CommonpointError
from points.programme.publishing import (
    ChangeUnfair,
    NamesUnbound,
    ProgrammeCurrency,
    ProgrammeNameTaken,
    Publication,
    PublicationCollides,
    PublicationInPast,
    in_force,
    publications,
    publications_of_version,
    publish,
)
from points.programme.registry import Versions, VersionUnknown
from points.programme.shelf import default_version
from points.programme.text import read_programme
from tests.support.points_out import put_points_out
from tests.support.programme_files import HEAD, programme

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
CAFE, BOOKS = "ptn_cafe", "ptn_books"
VALUE = "unit: {value: 0.02}\n"


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(START)


async def put(db: Database, clock: MovableClock, rest: str, partner: str | None = CAFE, **more: object) -> Publication:
    """Publish HEAD and what follows it."""
    ids = more.pop("ids", {})
    starts = more.pop("starts", None)
    text = HEAD.replace("corner_cafe", str(more.pop("name", "corner_cafe")))
    assert isinstance(ids, dict)
    assert starts is None or isinstance(starts, datetime)
    async with db.unit() as unit:
        return await publish(unit, clock, read_programme(text + rest), ids, partner, starts)


async def kept(db: Database) -> tuple[int, int]:
    """How many versions and publications there are."""
    async with db.read() as read:
        versions = await read.connection.fetchval("SELECT count(*) FROM programme_version")
        return versions, await read.connection.fetchval("SELECT count(*) FROM programme_publication")


async def test_without_a_publication_the_built_in_programme_is_in_force(db: Database, clock: MovableClock) -> None:
    async with db.read() as read:
        assert in_force(await publications(read.connection, CAFE), clock.now()).version is default_version()


async def test_a_partners_own_programme_comes_before_the_coalitions(db: Database, clock: MovableClock) -> None:
    whole = await put(db, clock, "", None, name="town")
    own = await put(db, clock, "", CAFE, starts=START + timedelta(days=1))
    async with db.read() as read:
        cafe, books = [await publications(read.connection, one) for one in (CAFE, BOOKS)]
    assert [one.id for one in cafe] == [own.id, whole.id]
    assert in_force(cafe, START).version.id == whole.version.id
    assert in_force(cafe, START + timedelta(hours=23)).version.id == whole.version.id
    assert in_force(cafe, START + timedelta(days=1)).version.id == own.version.id
    assert in_force(books, START + timedelta(days=9)).version.id == whole.version.id
    assert in_force(books, START - timedelta(seconds=1)).version is default_version()


async def test_publishing_the_same_content_again_changes_nothing(db: Database, clock: MovableClock) -> None:
    first = await put(db, clock, "# one way to write it\n")
    clock.advance(timedelta(days=1))
    assert await put(db, clock, "format: 1\n") == first
    assert await kept(db) == (1, 1)


async def test_a_version_that_comes_back_is_the_same_version(db: Database, clock: MovableClock) -> None:
    first = await put(db, clock, "")
    clock.advance(timedelta(days=1))
    await put(db, clock, "arrears: {cap: 5}\n")
    clock.advance(timedelta(days=1))
    again = await put(db, clock, "")
    assert again.version.id == first.version.id
    assert again.id != first.id
    assert await kept(db) == (2, 3)
    async with db.read() as read:
        assert [one.id for one in await publications_of_version(read.connection, first.version.id)] == [
            again.id,
            first.id,
        ]


async def test_a_programme_starts_now_or_later_and_at_a_moment_of_its_own(db: Database, clock: MovableClock) -> None:
    with pytest.raises(PublicationInPast):
        await put(db, clock, "", starts=START - timedelta(microseconds=1))
    await put(db, clock, "")
    with pytest.raises(PublicationCollides):
        await put(db, clock, "arrears: {cap: 5}\n")
    assert await kept(db) == (1, 1)


async def test_all_names_of_the_file_and_no_others_are_bound(db: Database, clock: MovableClock) -> None:
    named = "partners: {cafe: {name: A}, books: {name: B}}\nlocations: {north: North}\n"
    whole = {"cafe": CAFE, "books": BOOKS, "north": "loc_1"}
    for ids in ({}, {"cafe": CAFE, "books": BOOKS}, {**whole, "more": "ptn_x"}, {**whole, "books": CAFE}):
        with pytest.raises(NamesUnbound):
            await put(db, clock, named, None, ids=ids)
    assert await kept(db) == (0, 0)
    made = await put(db, clock, named, None, ids=whole)
    async with db.read() as read:
        found = in_force(await publications(read.connection, BOOKS), START)
    assert found.ids == whole == made.ids
    assert found.names[CAFE] == "cafe"


async def test_programmes_of_a_coalition_share_a_currency_but_not_a_name(db: Database, clock: MovableClock) -> None:
    await put(db, clock, "")
    with pytest.raises(ProgrammeNameTaken):
        await put(db, clock, "arrears: {cap: 5}\n", BOOKS)
    with pytest.raises(ProgrammeNameTaken):
        await put(db, clock, "", BOOKS, name="commonpoint")
    async with db.unit() as unit:
        dollars = read_programme(HEAD.replace("EUR", "USD").replace("corner", "book"))
        with pytest.raises(ProgrammeCurrency):
            await publish(unit, clock, dollars, {}, BOOKS)
    assert await kept(db) == (1, 1)


async def test_points_that_are_out_keep_their_value(db: Database, clock: MovableClock) -> None:
    await put(db, clock, VALUE)
    clock.advance(timedelta(days=1))
    async with db.unit() as unit:
        await put_points_out(unit)
    with pytest.raises(ChangeUnfair) as refused:
        await put(db, clock, "unit: {value: 0.01}\n")
    assert refused.value.reasons == ("the value of a point falls from 0.02 to 0.01",)
    assert await kept(db) == (1, 1)
    await put(db, clock, "unit: {value: 0.03}\n")
    assert await kept(db) == (2, 2)


async def test_before_any_points_are_out_everything_may_change(db: Database, clock: MovableClock) -> None:
    await put(db, clock, VALUE)
    clock.advance(timedelta(days=1))
    await put(db, clock, "unit: {value: 0.01}\n")
    assert await kept(db) == (2, 2)


async def test_a_version_put_before_a_planned_one_must_be_fair_to_both_sides(db: Database, clock: MovableClock) -> None:
    async with db.unit() as unit:
        await put_points_out(unit)
    await put(db, clock, "unit: {value: 0.01}\n")
    await put(db, clock, VALUE, starts=START + timedelta(days=10))
    with pytest.raises(ChangeUnfair, match="in force from 2026-11-11"):
        await put(db, clock, "unit: {value: 0.03}\n", starts=START + timedelta(days=5))
    await put(db, clock, "unit: {value: 0.015}\n", starts=START + timedelta(days=5))


async def test_a_first_own_programme_is_compared_with_what_held_until_then(db: Database, clock: MovableClock) -> None:
    async with db.unit() as unit:
        await put_points_out(unit)
    await put(db, clock, VALUE, None, name="town")
    with pytest.raises(ChangeUnfair):
        await put(db, clock, "unit: {value: 0.01}\n", CAFE)


async def test_the_built_in_programme_that_nobody_published_binds_nobody(db: Database, clock: MovableClock) -> None:
    async with db.unit() as unit:
        await put_points_out(unit)
    await put(db, clock, "rewards: [{id: coffee, kind: product, cost: 999, names: {en: Coffee}}]\n")
    assert await kept(db) == (1, 1)


async def test_many_who_publish_at_once_leave_one_history(db: Database, clock: MovableClock) -> None:
    async def attempt(cap: int) -> object:
        try:
            return await put(db, clock, f"arrears: {{cap: {cap}}}\n")
        except CommonpointError as refused:
            return refused

    done = await asyncio.gather(*(attempt(cap) for cap in range(1, 9)))
    assert sum(isinstance(one, Publication) for one in done) == 1
    assert sum(isinstance(one, PublicationCollides) for one in done) == 7
    assert await kept(db) == (1, 1)


async def test_a_failure_after_publishing_leaves_nothing(db: Database, clock: MovableClock) -> None:
    async def fail_after_publishing() -> None:
        async with db.unit() as unit:
            await publish(unit, clock, programme(), {}, CAFE)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_after_publishing()
    assert await kept(db) == (0, 0)


async def test_versions_are_read_once_by_their_id(db: Database, clock: MovableClock) -> None:
    known = Versions(db)
    assert known[default_version().id] is default_version()
    made = await put(db, clock, "")
    assert made.version.id not in known
    await known.ensure([made.version.id, default_version().id])
    assert known[made.version.id].programme == programme()
    assert set(known) == {made.version.id, default_version().id}
    with pytest.raises(VersionUnknown):
        await known.ensure(["0" * 64])
