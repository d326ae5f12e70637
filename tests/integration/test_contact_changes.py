"""A changed address or number: the ledger hears of it, points stay where they are for a while, numbers find members."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from kernel.clock import MovableClock
from kernel.database import Database
from kernel.secrets import Keyring
from points.answers import UnknownMember
from points.contact_changes import ContactMoves, Contacts, is_change
from points.contacts import BadContact, Contact, contact_of, find_by_phone, index_phones, keep, kept
from points.ledger import Ledger
from points.programme.reward_eligibility import CONTACT_CHANGED
from points.statement import member_states
from points.teller import Teller
from tests.support.ledger import START, a_member
from tests.support.service import Door, Till, door

KEYRING = Keyring(b"only for tests, at least 32 bytes")
AINO = contact_of("aino@example.org", "+358401234567", "00100", "fi")
THIEF = contact_of("thief@example.org", "+358409999999")
PROGRAMME = """
programme: cool_cafe
names: {en: Cool café}
zone: Europe/Helsinki
currency: EUR
unit: {code: PT, value: 0.01}
earn: [{id: base, kind: spend, per: 1.00, points: 1}]
redemptions: {cool_down_after_contact_change: PT24H}
"""


@dataclass
class Desk:
    db: Database
    contacts: Contacts
    clock: MovableClock

    async def marks(self, member_id: str) -> list[int]:
        async with self.db.read() as read:
            state = (await member_states(read.connection, [member_id]))[member_id]
        return state.standing.moments.get(CONTACT_CHANGED, [])

    async def kept(self, member_id: str) -> Contact:
        async with self.db.read() as read:
            return await kept(read.connection, KEYRING, member_id)

    async def found(self, number: str, prefix: str = "+358") -> list[str]:
        async with self.db.read() as read:
            return await find_by_phone(read.connection, KEYRING, prefix, number)

    async def keeps(self, member_id: str, contact: Contact, prefix: str = "") -> None:
        async with self.db.unit() as unit:
            await keep(unit.connection, KEYRING, member_id, contact, prefix)


@pytest.fixture
async def desk(db: Database) -> AsyncIterator[Desk]:
    clock = MovableClock(START)
    teller = Teller(db, Ledger(clock, []))
    await teller.start()
    yield Desk(db, Contacts(db, teller, clock, KEYRING, "+358"), clock)
    await teller.stop()


@pytest.mark.parametrize(
    ("before", "told", "changes"),
    [
        (Contact(), AINO, False),
        (AINO, AINO, False),
        (contact_of(postal_code="00100"), AINO, False),
        (AINO, contact_of("aino@example.org", "+358401234567", "33100"), False),
        (AINO, THIEF, True),
        (AINO, contact_of("thief@example.org", "+358401234567"), True),
        (AINO, Contact(), True),
        (contact_of("aino@example.org"), AINO, True),
    ],
)
def test_being_reached_elsewhere_than_before_is_a_change(before: Contact, told: Contact, changes: bool) -> None:
    assert is_change(before, told) is changes


async def test_the_first_telling_is_no_change_and_the_second_is(desk: Desk) -> None:
    member = await a_member(desk.db)
    assert not await desk.contacts.change(member, AINO)
    assert not await desk.contacts.change(member, AINO)
    assert await desk.marks(member) == []
    desk.clock.advance(timedelta(days=1))
    assert await desk.contacts.change(member, THIEF)
    assert await desk.marks(member) == [int((START + timedelta(days=1)).timestamp())]
    assert await desk.kept(member) == THIEF


async def test_forgetting_and_telling_anew_is_no_way_around(desk: Desk) -> None:
    member = await a_member(desk.db)
    await desk.contacts.change(member, AINO)
    assert await desk.contacts.change(member, Contact())
    assert len(await desk.marks(member)) == 1
    assert await desk.kept(member) == Contact()


async def test_a_change_that_dies_half_way_has_marked_the_account(desk: Desk) -> None:
    """The mark comes first: a crash leaves one too many, never one too few."""
    member = await a_member(desk.db)
    await desk.contacts.change(member, AINO)
    await desk.contacts.announce(member, THIEF)
    assert len(await desk.marks(member)) == 1
    assert await desk.kept(member) == AINO


async def test_changes_at_the_same_moment_all_leave_their_mark(desk: Desk) -> None:
    member = await a_member(desk.db)
    await desk.contacts.change(member, AINO)
    told = [contact_of(f"thief{n}@example.org") for n in range(6)]
    await asyncio.gather(*(desk.contacts.change(member, one) for one in told))
    assert await desk.kept(member) in told
    assert len(await desk.marks(member)) == 1  # one second, one mark


async def test_what_was_announced_is_not_kept_when_the_data_moved_meanwhile(desk: Desk) -> None:
    """A first telling that was overtaken would be an unmarked change."""
    member = await a_member(desk.db)
    announced = await desk.contacts.announce(member, THIEF)
    await desk.contacts.change(member, AINO)
    with pytest.raises(ContactMoves):
        async with desk.db.unit() as unit:
            await desk.contacts.keep_announced(unit.connection, announced)
    assert await desk.kept(member) == AINO
    assert await desk.marks(member) == []


async def test_nobody_who_is_no_member_is_reached(desk: Desk) -> None:
    with pytest.raises(UnknownMember):
        await desk.contacts.change("mbr_nobody", AINO)


async def test_a_number_finds_its_member_however_it_is_said(desk: Desk) -> None:
    member, other = await a_member(desk.db), await a_member(desk.db)
    await desk.contacts.change(member, contact_of(phone="040 123 4567"))
    await desk.contacts.change(other, contact_of(phone="+358 40 765 4321"))
    for said in ("0401234567", "+358401234567", "00358 40 1234567", "+358 (0)40 123 45 67"):
        assert await desk.found(said) == [member]
    assert await desk.found("+358 40 000 0000") == []
    await desk.contacts.change(member, THIEF)
    assert await desk.found("0401234567") == []
    await desk.contacts.change(member, Contact())
    assert await desk.found(THIEF.phone) == []


async def test_a_number_of_several_members_finds_all_of_them(desk: Desk) -> None:
    members = [await a_member(desk.db) for _ in range(12)]
    for member in members:
        await desk.keeps(member, AINO)
    assert await desk.found(AINO.phone) == sorted(members)[:10]


@pytest.mark.parametrize("said", ["", "call me", "123", "+", "1" * 30, "040\0123"])
async def test_what_is_no_number_finds_nobody_and_says_so(desk: Desk, said: str) -> None:
    with pytest.raises(BadContact):
        await desk.found(said)


async def test_a_number_without_country_cannot_be_looked_up_without_one(desk: Desk) -> None:
    with pytest.raises(BadContact):
        await desk.found("0401234567", prefix="")


async def test_the_index_tells_no_number_without_the_master_secret(desk: Desk) -> None:
    member = await a_member(desk.db)
    await desk.keeps(member, AINO)
    async with desk.db.read() as read:
        other = Keyring(b"another master secret, 32 bytes!")
        assert await find_by_phone(read.connection, other, "", AINO.phone) == []


async def test_members_of_before_are_made_findable_once_in_portions(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("points.contacts._AT_ONCE", 3)
    members = [await a_member(desk.db) for _ in range(8)]
    for number, member in enumerate(members):
        await desk.keeps(member, contact_of(phone=f"04012345{number:02}"))
    await desk.keeps(members[-1], contact_of("only@example.org"))
    async with desk.db.unit() as unit:
        await unit.connection.execute("UPDATE profile SET phone_index = NULL")
        await unit.connection.execute("UPDATE profile SET contact = '\\x00' WHERE member_id = $1", members[0])
    assert await index_phones(desk.db, KEYRING, "") == 7
    assert await index_phones(desk.db, KEYRING, "") == 0
    with pytest.raises(BadContact):
        await desk.found("0401234501", prefix="")
    # The service learns its country: those without one are looked at again.
    assert await index_phones(desk.db, KEYRING, "+358") == 7
    assert await desk.found("+358 40 1234501") == [members[1]]
    assert await index_phones(desk.db, KEYRING, "+358") == 0


@dataclass
class Scene:
    door: Door
    cafe: Till
    member: str

    async def at(self, moment: datetime) -> None:
        body = {"now": moment.isoformat()}
        answer = await self.door.ask("PUT", "/v1/test-clock", self.door.operator_key, body)
        assert answer.status_code == 200, answer.text

    async def contact(self, body: dict[str, Any], method: str = "PUT", key: str = "") -> Response:
        path = f"/v1/members/{self.member}/contact"
        return await self.door.ask(method, path, key or self.cafe.key, body or None)

    async def redeem(self, points: int) -> Response:
        body = {"member_id": self.member, "points": points}
        return await self.door.move("/v1/redemptions", self.cafe.key, body)


@pytest.fixture
async def scene(database_url: str, twins_folder: Path) -> AsyncIterator[Scene]:
    async with door(database_url, twins_folder, test_clock=True, phone_prefix="+358") as opened:
        cafe = await opened.partner("Café")
        await opened.made("/v1/programmes", opened.operator_key, {"text": PROGRAMME})
        scene = Scene(opened, cafe, (await opened.member(cafe))["id"])
        await scene.at(datetime.now(UTC) + timedelta(days=1))
        await opened.earn(cafe, scene.member, 100_000)
        yield scene


async def test_points_are_not_spent_five_minutes_after_a_contact_change(scene: Scene) -> None:
    started = scene.door.parts.clock.now()
    assert (await scene.contact({"email": "aino@example.org", "phone": "040 123 4567"})).status_code == 200
    assert (await scene.redeem(10)).status_code == 201
    await scene.at(started + timedelta(hours=1))
    assert (await scene.contact({"email": "thief@example.org", "phone": "040 999 9999"})).status_code == 200
    await scene.at(started + timedelta(hours=1, minutes=5))
    refused = await scene.redeem(10)
    assert (refused.status_code, refused.json()["code"]) == (409, "cooling_down")
    await scene.at(started + timedelta(hours=25))
    assert (await scene.redeem(10)).status_code == 201


async def test_contact_data_are_changed_where_the_member_joined(scene: Scene) -> None:
    gym = await scene.door.partner("Gym")
    told = await scene.contact({"phone": "040 123-4567", "country": "fi"})
    assert told.json() == {"email": None, "phone": "0401234567", "postal_code": None, "country": "FI"}
    assert (await scene.contact({}, "GET")).json() == told.json()
    refused = await scene.contact({"email": "a@example.org"}, key=gym.key)
    assert (refused.status_code, refused.json()["code"]) == (403, "member_of_another_partner")
    for body, code in (
        ({"email": "nobody"}, "bad_contact"), ({"phone": "call"}, "bad_contact"), ({"fax": "1"}, "body_invalid"),
        ({"email": ""}, "body_invalid"), ({"phone": 5}, "body_invalid"),
    ):  # fmt: skip
        wrong = await scene.contact(body)
        assert (wrong.status_code, wrong.json()["code"]) == (400, code), body
    assert (await scene.contact({}, "DELETE")).status_code == 204
    assert (await scene.contact({}, "GET")).json()["phone"] is None
