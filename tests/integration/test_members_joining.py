"""Joining the coalition, and being found again."""

import asyncio

import pytest

from kernel.clock import MovableClock
from kernel.database import Database
from kernel.ids import is_id
from points.answers import Done, KeyReused
from points.ledger import Ledger
from points.members import BadLanguage, BadName, Joined, find, find_by_code, find_many, join
from tests.support.ledger import START, a_member, earn

CLOCK = MovableClock(START)


async def joins(
    db: Database, key: str | None = None, name: str = "Aino", partner: str = "ptn_a", language: str = "fi"
) -> Joined:
    async with db.unit() as unit:
        return await join(unit, CLOCK, partner, name, language, key, f"{name}/{language}".encode(errors="replace"))


async def count(db: Database, table: str) -> int:
    async with db.read() as read:
        return int(await read.connection.fetchval(f"SELECT count(*) FROM {table}"))


async def test_a_member_has_an_id_a_code_and_two_empty_accounts(db: Database) -> None:
    joined = await joins(db)
    member = joined.member
    assert not joined.replayed
    assert is_id(member.id, "mbr")
    assert (member.name, member.language, member.partner_id, member.joined_at) == ("Aino", "fi", "ptn_a", START)
    async with db.read() as read:
        accounts = await read.connection.fetch("SELECT id, balance, version FROM account ORDER BY id")
        assert [tuple(row) for row in accounts] == [(f"{member.id}/arrears", 0, 0), (f"{member.id}/spendable", 0, 0)]


async def test_a_member_is_found_by_id_and_by_code(db: Database) -> None:
    member, other = (await joins(db)).member, (await joins(db, name="Béla", language="hu")).member
    async with db.read() as read:
        assert await find(read.connection, member.id) == member
        assert await find_by_code(read.connection, other.code) == other
        assert await find_many(read.connection, [member.id, other.id, "mbr_x"]) == {member.id: member, other.id: other}
        assert await find(read.connection, "mbr_x") is None
        assert await find_by_code(read.connection, member.id) is None


async def test_a_member_whose_personal_data_were_erased_is_still_found(db: Database) -> None:
    member = await a_member(db)
    async with db.unit() as unit:
        await unit.connection.execute("DELETE FROM profile WHERE member_id = $1", member)
        found = await find(unit.connection, member)
    assert found is not None
    assert (found.name, found.language) == ("", "en")


async def test_joining_again_with_the_same_key_gives_the_same_member(db: Database) -> None:
    first, again = await joins(db, "k"), await joins(db, "k")
    assert again == Joined(first.member, replayed=True)
    assert (await count(db, "member"), await count(db, "account")) == (1, 2)


async def test_joining_many_times_at_once_with_one_key_makes_one_member(db: Database) -> None:
    joined = await asyncio.gather(*(joins(db, "k") for _ in range(12)))
    assert sorted(j.replayed for j in joined) == [False] + [True] * 11
    assert len({j.member.id for j in joined}) == 1
    assert (await count(db, "member"), await count(db, "profile"), await count(db, "account")) == (1, 1, 2)


async def test_a_join_that_was_rolled_back_leaves_its_key_free(db: Database) -> None:
    async def join_and_fail() -> None:
        async with db.unit() as unit:
            await join(unit, CLOCK, "ptn_a", "Aino", "fi", "k", b"x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await join_and_fail()
    assert not (await joins(db, "k")).replayed


async def test_a_key_with_other_content_is_refused(db: Database) -> None:
    await joins(db, "k")
    with pytest.raises(KeyReused):
        await joins(db, "k", name="Béla")
    assert await count(db, "member") == 1


async def test_keys_belong_to_the_partner_and_without_a_key_everybody_is_new(db: Database) -> None:
    await asyncio.gather(joins(db, "k"), joins(db, "k", partner="ptn_b"), joins(db), joins(db))
    assert await count(db, "member") == 4


async def test_joining_and_earning_do_not_share_a_key(db: Database) -> None:
    member = (await joins(db, "k")).member
    ledger = Ledger(CLOCK)
    async with db.unit() as unit:
        earned, refused = await ledger.apply(
            unit.connection, [earn(member.id, 100, key="e"), earn(member.id, 1, key="k")]
        )
    assert isinstance(earned, Done)
    assert isinstance(refused, KeyReused)
    with pytest.raises(KeyReused):
        await joins(db, "e")


async def test_joining_and_earning_with_one_key_at_once_let_one_through(db: Database) -> None:
    member = await a_member(db)
    ledger = Ledger(CLOCK)

    async def earns(key: str) -> object:
        async with db.unit() as unit:
            return (await ledger.apply(unit.connection, [earn(member, 100, key=key)]))[0]

    for n in range(10):
        joined, earned = await asyncio.gather(joins(db, f"k{n}"), earns(f"k{n}"), return_exceptions=True)
        assert isinstance(joined, Joined | KeyReused)
        assert isinstance(joined, Joined) != isinstance(earned, Done)


async def test_a_name_that_a_card_cannot_show_is_refused(db: Database) -> None:
    for name in ("", " ", "\t", "x" * 61, "A\nB", "A\0B", "\u202eevil", "half \ud800"):
        with pytest.raises(BadName):
            await joins(db, name=name)
    assert await count(db, "member") == 0


async def test_names_of_the_world_are_kept_as_they_are(db: Database) -> None:
    for name in ("A", "x" * 60, "Ó Briain-Kovács Ágnes", "李小龍", "🙂"):
        member = (await joins(db, name=name)).member
        async with db.read() as read:
            assert await find(read.connection, member.id) == member
        assert member.name == name


async def test_a_language_that_cards_do_not_speak_is_refused(db: Database) -> None:
    for language in ("", "sv", "EN", "fi-FI"):
        with pytest.raises(BadLanguage):
            await joins(db, language=language)
