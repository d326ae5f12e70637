"""Birthdays and anniversaries: once a year, whatever date is named next."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from kernel.database import Database
from points.engagement import birthdays
from points.engagement.ports import NotOffered
from tests.support.engagement import Shop, at_once, shop

RULES = """
rewards:
  - {id: gift, kind: product, names: {en: A gift, fi: Lahja, hu: Ajándék}, valid: P14D}
engagement:
  birthday: {gain: {points: 100}, valid: P14D, feb29: feb28, settle: P30D}
  anniversary: {gain: {reward: gift}, valid: P7D}
"""
CHOICES = """
tiers:
  measure: points
  window: {kind: lifetime}
  levels:
    - {id: insider, from: 0, names: {en: Insider, fi: Jäsen, hu: Tag}}
    - {id: vib, from: 50, names: {en: VIB, fi: VIB, hu: VIB}}
rewards:
  - {id: gift, kind: product, names: {en: A gift, fi: Lahja, hu: Ajándék}, valid: P14D}
engagement:
  birthday:
    valid: P10D
    choices:
      - {id: gift, names: {en: A gift, fi: Lahja, hu: Ajándék}, gain: {reward: gift}}
      - {id: points, names: {en: Points, fi: Pisteitä, hu: Pont}, gain: {points: 250}, when: {tiers: [vib]}}
"""


@pytest.fixture
async def salon(db: Database) -> AsyncIterator[Shop]:
    """A shop that celebrates."""
    async with shop(db, RULES) as opened:
        yield opened


async def born(salon: Shop, member_id: str, month: int, day: int, year: int | None = None) -> None:
    async with salon.db.unit() as unit:
        await birthdays.give(unit, salon.clock, member_id, month, day, year)


async def today(salon: Shop, year: int, month: int, day: int) -> None:
    """The day's work, at noon."""
    salon.clock.move_to(datetime(year, month, day, 12, tzinfo=UTC))
    await birthdays.run_due(*salon.services)


async def test_a_birthday_is_given_on_its_day_and_once(salon: Shop) -> None:
    member_id = await salon.member()
    await born(salon, member_id, 6, 10)
    await today(salon, 2026, 6, 9)
    assert await salon.balance(member_id) == 0
    salon.clock.move_to(datetime(2026, 6, 10, 12, tzinfo=UTC))
    assert await at_once(*[birthdays.run_due(*salon.services) for _ in range(5)]) == [None] * 5
    await today(salon, 2026, 6, 11)
    assert await salon.balance(member_id) == 100
    await today(salon, 2027, 6, 10)
    assert await salon.balance(member_id) == 200


async def test_a_day_that_was_missed_is_made_up_for_within_its_time(salon: Shop) -> None:
    in_time, too_late = await salon.members(2)
    await born(salon, in_time, 6, 10)
    await born(salon, too_late, 6, 1)
    await today(salon, 2026, 6, 20)
    assert (await salon.balance(in_time), await salon.balance(too_late)) == (100, 0)


async def test_who_was_born_on_29_february_celebrates_on_the_28th_in_other_years(salon: Shop) -> None:
    member_id = await salon.member()
    await born(salon, member_id, 2, 29, 2000)
    await today(salon, 2027, 2, 27)
    assert await salon.balance(member_id) == 0
    await today(salon, 2027, 2, 28)
    assert await salon.balance(member_id) == 100
    await today(salon, 2028, 2, 28)
    assert await salon.balance(member_id) == 100
    await today(salon, 2028, 2, 29)
    assert await salon.balance(member_id) == 200


async def test_a_changed_date_does_not_pay_twice(salon: Shop) -> None:
    member_id = await salon.member()
    await born(salon, member_id, 6, 10)
    await today(salon, 2026, 6, 10)
    await born(salon, member_id, 9, 1)
    await today(salon, 2026, 9, 1)
    assert await salon.balance(member_id) == 100
    await today(salon, 2027, 9, 1)
    assert await salon.balance(member_id) == 200


async def test_a_date_named_just_before_the_day_does_not_count_yet(salon: Shop) -> None:
    member_id = await salon.member()
    await born(salon, member_id, 3, 20)  # it is 2 March
    await today(salon, 2026, 3, 20)
    assert await salon.balance(member_id) == 0
    await today(salon, 2027, 3, 20)
    assert await salon.balance(member_id) == 100


async def test_forgetting_and_telling_again_does_not_pay_twice(salon: Shop) -> None:
    member_id = await salon.member()
    await born(salon, member_id, 6, 10)
    await today(salon, 2026, 6, 10)
    async with salon.db.unit() as unit:
        await birthdays.forget(unit, member_id)
    await born(salon, member_id, 8, 10)
    await today(salon, 2026, 8, 10)
    assert await salon.balance(member_id) == 100


async def test_the_anniversary_of_joining_gives_a_voucher_after_a_year(salon: Shop) -> None:
    member_id = await salon.member()
    await today(salon, 2026, 3, 2)
    assert await salon.value("SELECT count(*) FROM voucher") == 0
    await today(salon, 2027, 3, 2)
    await today(salon, 2027, 3, 3)
    assert await salon.value("SELECT count(*) FROM voucher WHERE member_id = $1", member_id) == 1


@pytest.mark.parametrize(("month", "day", "year"), [(2, 30, None), (13, 1, None), (2, 29, 2023), (3, 3, 2026)])
async def test_a_date_that_cannot_be_is_refused(salon: Shop, month: int, day: int, year: int | None) -> None:
    with pytest.raises(birthdays.BadBirthday):
        await born(salon, await salon.member(), month, day, year)


async def test_a_date_can_be_corrected_only_so_often(salon: Shop) -> None:
    member_id = await salon.member()
    for day in range(1, birthdays.MOST_CHANGES + 2):
        await born(salon, member_id, 6, day)
    await born(salon, member_id, 6, birthdays.MOST_CHANGES + 1)
    with pytest.raises(birthdays.BirthdayChangedOften):
        await born(salon, member_id, 7, 1)


async def choose(salon: Shop, member_id: str, choice: str) -> None:
    await birthdays.choose(*salon.services, await salon.in_force(), salon.partner_id, member_id, choice)


async def test_a_choice_is_made_once_a_year_from_what_the_level_allows(db: Database) -> None:
    async with shop(db, CHOICES) as salon:
        plain, fine = await salon.members(2)
        for member_id in (plain, fine):
            await born(salon, member_id, 6, 10)
        await salon.buys(fine, 6000)
        with pytest.raises(birthdays.NothingToChoose):
            await choose(salon, fine, "points")
        await today(salon, 2026, 6, 10)
        with pytest.raises(NotOffered):
            await choose(salon, plain, "points")
        answers = await at_once(*[choose(salon, fine, choice) for choice in ("points", "gift", "points")])
        assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", "NothingToChoose", "NothingToChoose"]
        points, gifts = await salon.balance(fine) - 60, await salon.value("SELECT count(*) FROM voucher")
        assert (points, gifts) in ((250, 0), (0, 1))
        await choose(salon, plain, "gift")
        async with salon.db.read() as read:
            left = await birthdays.choices(read.connection, await salon.in_force(), fine, salon.clock.now())
        assert left == []


async def test_nobody_chooses_outside_the_days_around_the_birthday(db: Database) -> None:
    async with shop(db, CHOICES) as salon:
        member_id = await salon.member()
        await born(salon, member_id, 6, 10)
        await today(salon, 2026, 6, 21)
        with pytest.raises(birthdays.NothingToChoose):
            await choose(salon, member_id, "gift")
        salon.later(timedelta(days=354))
        await choose(salon, member_id, "gift")
