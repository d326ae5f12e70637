"""Whom a till knows as the partner's staff, and whose account they use."""

from kernel.clock import MovableClock
from kernel.database import Database
from network.partners import Brand, add_partner
from network.staff import add_staff, end_staff
from network.staff_desk import StaffDesk
from tests.support.ledger import START, a_member

CLOCK = MovableClock(START)


class Seconds:
    """A clock that goes forward when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def a_partner(db: Database) -> str:
    async with db.unit() as unit:
        return (await add_partner(unit, CLOCK, "Café", Brand("Café"))).id


async def hired(db: Database, partner_id: str, member_id: str | None = None) -> str:
    async with db.unit() as unit:
        return (await add_staff(unit, CLOCK, partner_id, "Kim", "cashier", member_id)).id


async def test_staff_are_known_at_their_partner_also_after_they_left(db: Database) -> None:
    desk, here, elsewhere = StaffDesk(db, Seconds()), await a_partner(db), await a_partner(db)
    kim = await hired(db, here)
    found = await desk.who(here, kim)
    assert found is not None
    assert found.active
    assert await desk.who(elsewhere, kim) is None
    assert await desk.who(here, "Kim") is None
    async with db.unit() as unit:
        await end_staff(unit, CLOCK, here, kim)
    gone = await StaffDesk(db).who(here, kim)
    assert gone is not None
    assert not gone.active


async def test_what_is_remembered_is_looked_up_again_after_half_a_minute(db: Database) -> None:
    seconds = Seconds()
    desk, here = StaffDesk(db, seconds), await a_partner(db)
    kim = await hired(db, here)
    await desk.who(here, kim)
    async with db.unit() as unit:
        await end_staff(unit, CLOCK, here, kim)
    seconds.now = 29
    still = await desk.who(here, kim)
    seconds.now = 30
    no_more = await desk.who(here, kim)
    assert still is not None
    assert no_more is not None
    assert (still.active, no_more.active) == (True, False)


async def test_an_account_is_the_same_over_a_household_or_a_merge(db: Database) -> None:
    desk = StaffDesk(db)
    one, other, stranger = [await a_member(db) for _ in range(3)]
    assert await desk.same_account(one, one)
    assert not await desk.same_account(one, other)
    await share(db, one, other)
    assert await desk.same_account(one, other)
    assert await desk.same_account(other, one)
    assert not await desk.same_account(one, stranger)
    assert not await desk.same_account("mbr_none", "mbr_no")


async def test_whoever_shares_an_account_with_staff_counts_as_staff(db: Database) -> None:
    seconds = Seconds()
    desk, here, elsewhere = StaffDesk(db, seconds), await a_partner(db), await a_partner(db)
    kim, mate, stranger = [await a_member(db) for _ in range(3)]
    assert not await desk.works_here(here, kim)
    await hired(db, here, kim)
    seconds.now = 31
    assert await desk.works_here(here, kim)
    assert not await desk.works_here(here, mate)
    await share(db, mate, kim)
    assert await desk.works_here(here, mate)
    assert not await desk.works_here(here, stranger)
    assert not await desk.works_here(elsewhere, kim)


async def share(db: Database, member: str, holder: str) -> None:
    async with db.unit() as unit:
        await unit.connection.execute("UPDATE account SET pool_id = $1 WHERE id = $2", holder, f"{member}/spendable")
