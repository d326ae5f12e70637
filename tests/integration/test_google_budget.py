"""From the till to the notification: a busy day is told as often as Google shows, and what matters most has room."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from kernel.database import Database
from passes.design.looks import Looks
from tests.support.cards import Town, town
from tests.support.google import GoogleSide, follow_all, google_side, waiting


@dataclass(frozen=True)
class Street:
    """A member with an Android phone, and the way from the ledger to it."""

    town: Town
    google: GoogleSide
    member: str
    pass_id: str

    async def follow(self) -> None:
        """Everything that waits is done."""
        await self.town.looks_again()
        await follow_all(self.town.db, self.google)

    @property
    def shown(self) -> int:
        """The balance at Google."""
        body = self.google.sandbox.resources.get("loyaltyObject", self.google.object_id(self.pass_id))
        return int(body["loyaltyPoints"]["balance"]["int"])

    @property
    def notices(self) -> int:
        """How many notifications Google showed."""
        return self.google.sandbox.resources.notices[self.google.object_id(self.pass_id)]


@pytest.fixture
async def street(db: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    folder = tmp_path_factory.getbasetemp() / "google"
    folder.mkdir(exist_ok=True)
    the = await town(db)
    async with google_side(db, folder, designs=Looks(db)) as google:
        member = await the.member()
        pass_id = await the.wallet(member, "google")
        one = Street(the, google, member, pass_id)
        await google.service.save_link(pass_id)
        await one.follow()
        yield one


async def test_a_day_of_purchases_is_announced_twice_and_the_third_is_kept_for_what_matters(street: Street) -> None:
    assert street.notices == 0
    for _ in range(6):
        await street.town.buys(street.member, 2)
        await street.follow()
    assert (street.shown, street.notices) == (12, 2)
    await street.town.spends(street.member, 5)
    await street.follow()
    assert (street.shown, street.notices) == (7, 3)
    await street.town.spends(street.member, 5)
    await street.follow()
    assert (street.shown, street.notices) == (2, 3)
    assert await waiting(street.town.db) == []


async def test_a_new_design_reaches_all_cards_by_one_call_and_is_announced_to_nobody(street: Street) -> None:
    for number in range(4):
        await street.google.service.save_link(
            await street.town.wallet(await street.town.member(f"M{number}"), "google")
        )
    await street.follow()
    before = street.google.sandbox.requests["PATCH loyaltyObject"]
    await street.town.shows(background="#123456")
    await street.follow()
    (look,) = street.google.sandbox.resources.kept["loyaltyClass"].values()
    assert look["hexBackgroundColor"] == "#123456"
    assert street.google.sandbox.requests["PATCH loyaltyClass"] == 1
    assert street.google.sandbox.requests["PATCH loyaltyObject"] == before
    assert sum(street.google.sandbox.resources.notices.values()) == 0


async def test_what_is_announced_and_what_is_counted_is_the_same(street: Street) -> None:
    for _ in range(3):
        await street.town.buys(street.member, 40)
        await street.follow()
    told = (await street.town.row(street.pass_id))["told"]
    assert len(told) == street.notices
