"""Members without a name, members who tell it later, and how they can be reached."""

import asyncio

import pytest

from kernel.clock import MovableClock
from kernel.database import Database
from kernel.secrets import Keyring, SealBroken
from points.answers import KeyReused, UnknownMember
from points.contacts import BadContact, Contact, contact_of, keep, kept
from points.members import BadName, Joined, find, join, rename
from tests.support.ledger import START, a_member

KEYRING = Keyring(b"only for tests, at least 32 bytes")
AINO = contact_of("aino@example.org", "+358 40 123-4567", "00100", "fi")


async def joins(db: Database, name: str, key: str | None = None, anonymous: bool = True) -> Joined:
    async with db.unit() as unit:
        return await join(unit, MovableClock(START), "ptn_a", name, "fi", key, b"same", anonymous=anonymous)


async def test_a_member_may_join_without_a_name_and_tell_it_later(db: Database) -> None:
    member = (await joins(db, "")).member
    assert member.name == ""
    async with db.unit() as unit:
        await rename(unit.connection, member.id, "Aino")
        named = await find(unit.connection, member.id)
    assert named is not None
    assert (named.name, named.language, named.code) == ("Aino", "fi", member.code)


async def test_a_request_to_join_without_a_name_is_answered_once_however_often_it_comes(db: Database) -> None:
    joined = await asyncio.gather(*(joins(db, "", "k") for _ in range(8)))
    assert len({one.member.id for one in joined}) == 1
    assert sorted(one.replayed for one in joined) == [False] + [True] * 7


async def test_only_an_anonymous_member_has_no_name(db: Database) -> None:
    with pytest.raises(BadName):
        await joins(db, "", anonymous=False)
    with pytest.raises(BadName):
        await joins(db, " ", anonymous=True)


async def test_a_name_that_a_card_cannot_show_changes_nothing(db: Database) -> None:
    member_id = await a_member(db)
    async with db.unit() as unit:
        before = await find(unit.connection, member_id)
        for name in ("", " ", "x" * 61, "A\nB", "\u202eevil"):
            with pytest.raises(BadName):
                await rename(unit.connection, member_id, name)
        assert await find(unit.connection, member_id) == before


async def test_a_member_whose_data_were_erased_may_be_named_again(db: Database) -> None:
    member_id = await a_member(db)
    async with db.unit() as unit:
        await unit.connection.execute("DELETE FROM profile WHERE member_id = $1", member_id)
        await rename(unit.connection, member_id, "Aino")
        named = await find(unit.connection, member_id)
    assert named is not None
    assert named.name == "Aino"


async def test_nobody_who_is_no_member_is_named_or_reached(db: Database) -> None:
    async with db.unit() as unit:
        with pytest.raises(UnknownMember):
            await rename(unit.connection, "mbr_nobody", "Aino")
        with pytest.raises(UnknownMember):
            await keep(unit.connection, KEYRING, "mbr_nobody", AINO)


async def test_what_is_stored_of_a_contact_tells_nothing_without_the_secret(db: Database) -> None:
    member_id = await a_member(db)
    async with db.unit() as unit:
        await keep(unit.connection, KEYRING, member_id, AINO)
        stored = await unit.connection.fetchval("SELECT contact FROM profile WHERE member_id = $1", member_id)
        assert await kept(unit.connection, KEYRING, member_id) == AINO
        with pytest.raises(SealBroken):
            await kept(unit.connection, Keyring(b"another master secret, 32 bytes!"), member_id)
    for told in ("aino", "example", "358", "00100"):
        assert told.encode() not in stored


async def test_a_contact_that_was_moved_to_another_member_is_not_read(db: Database) -> None:
    member_id, thief = await a_member(db), await a_member(db)
    async with db.unit() as unit:
        await keep(unit.connection, KEYRING, member_id, AINO)
        await unit.connection.execute(
            "UPDATE profile SET contact = (SELECT contact FROM profile WHERE member_id = $1) WHERE member_id = $2",
            member_id,
            thief,
        )
        with pytest.raises(SealBroken):
            await kept(unit.connection, KEYRING, thief)


async def test_an_empty_contact_forgets_what_was_told_and_keeps_the_name(db: Database) -> None:
    member_id = await a_member(db)
    async with db.unit() as unit:
        await keep(unit.connection, KEYRING, member_id, AINO)
        await keep(unit.connection, KEYRING, member_id, Contact())
        assert await kept(unit.connection, KEYRING, member_id) == Contact()
        assert await unit.connection.fetchval("SELECT contact FROM profile WHERE member_id = $1", member_id) is None
        member = await find(unit.connection, member_id)
    assert member is not None
    assert member.name


async def test_a_request_with_another_meaning_does_not_get_the_anonymous_member(db: Database) -> None:
    await joins(db, "", "k")
    with pytest.raises(KeyReused):
        async with db.unit() as unit:
            await join(unit, MovableClock(START), "ptn_a", "Aino", "fi", "k", b"other")


def test_contacts_are_stored_in_one_form() -> None:
    assert Contact(email="aino@example.org", phone="+358401234567", postal_code="00100", country="FI") == AINO
    assert contact_of(postal_code=" sw1a   1aa ").postal_code == "SW1A 1AA"
    assert contact_of("ödön.nagy+kávé@kávézó.hu").email == "ödön.nagy+kávé@kávézó.hu"
    assert "aino" not in repr(AINO)


@pytest.mark.parametrize(
    "told",
    [
        {"email": "aino"}, {"email": "a@b@c"}, {"email": "a b@c"}, {"email": "a@b\0"}, {"email": "a" * 65 + "@b"},
        {"email": "a@" + "b" * 260}, {"email": "a@.b"}, {"email": "a@b."}, {"email": "a\n@b"}, {"email": "@b"},
        {"phone": "123"}, {"phone": "1" * 16}, {"phone": "++1234"}, {"phone": "call me"}, {"phone": "١٢٣٤٥"},
        {"postal_code": "<b>"}, {"postal_code": "1" * 40}, {"postal_code": "12\0"}, {"postal_code": "-1"},
        {"country": "FIN"}, {"country": "1"}, {"country": "\ud800a"}, {"email": "\ud800@b"},
    ],
    ids=ascii,
)  # fmt: skip
def test_what_cannot_be_an_address_is_refused_by_its_name(told: dict[str, str]) -> None:
    with pytest.raises(BadContact) as refused:
        contact_of(**told)
    assert refused.value.facts == {"field": next(iter(told))}
