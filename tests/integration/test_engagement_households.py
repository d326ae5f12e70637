"""Households: one account for several members, with rights, and nobody's points lost on the way in or out."""

from collections.abc import AsyncIterator

import pytest

from kernel.database import Database
from kernel.errors import CommonpointError, Forbidden
from points.commands import Redeem
from points.engagement import consents, households, memberships, offers
from points.engagement.household_seats import HouseholdUnknown, InHousehold, OwnerOnly
from points.engagement.households import HouseholdFull
from points.engagement.ports import NotOffered
from tests.support.engagement import Shop, at_once, shop

RULES = """
households: {max_members: 3}
campaigns:
  - {id: double, stacking: stack, times: 2, activation: true, names: {en: Double, fi: Tupla, hu: Dupla}}
"""


@pytest.fixture
async def salon(db: Database) -> AsyncIterator[Shop]:
    """A shop with households and an offer."""
    async with shop(db, RULES) as opened:
        yield opened


async def rich(salon: Shop, *amounts: int) -> list[str]:
    """Members with so many minor units spent, and as many hundredths in points."""
    members = await salon.members(len(amounts))
    for member_id, amount in zip(members, amounts, strict=True):
        if amount:
            await salon.buys(member_id, amount)
    return members


async def together(salon: Shop, *members: str) -> str:
    made = await households.create(*salon.services, members[0])
    for member_id in members[1:]:
        await households.accept(*salon.services, made.id, member_id, at_the_counter=True)
    return made.id


async def consent(salon: Shop, member_id: str, given: bool = True, kind: str = "sensitive") -> None:
    await consents.record(
        salon.db, salon.teller, salon.clock, salon.partner_id, member_id, kind, given, "form 7", "till"
    )


async def open_points(salon: Shop) -> int:
    found: int = await salon.value("SELECT coalesce(sum(remaining), 0)::bigint FROM lot")
    return found


async def test_members_of_a_household_earn_into_and_spend_from_one_account(salon: Shop) -> None:
    one, other = await rich(salon, 1000, 2500)
    household_id = await together(salon, one, other)
    assert (await salon.balance(one), await salon.balance(other)) == (35, 35)
    await salon.buys(other, 500)
    assert (await salon.balance(one), (await salon.known(one)).owner_id) == (40, household_id)
    assert await open_points(salon) == 40
    async with salon.db.read() as read:
        made = await households.household(read.connection, household_id)
    assert [(seat.member_id, seat.state, seat.owner) for seat in made.seats] == [
        (one, "active", True),
        (other, "active", False),
    ]


async def test_a_refund_of_before_the_household_is_taken_from_it(salon: Shop) -> None:
    one, other = await salon.members(2)
    entry = await salon.buys(one, 1000)
    await salon.buys(other, 3000)
    await together(salon, one, other)
    await salon.returns(entry)
    assert await salon.balance(other) == 30


async def test_who_leaves_goes_without_and_the_last_one_takes_everything(salon: Shop) -> None:
    one, other = await rich(salon, 1000, 2500)
    household_id = await together(salon, one, other)
    await households.leave(*salon.services, household_id, one)
    assert (await salon.balance(one), await salon.balance(other)) == (0, 35)
    async with salon.db.read() as read:
        assert (await households.household(read.connection, household_id)).seats[0].owner
    await salon.buys(one, 700)
    assert (await salon.balance(one), await salon.balance(other)) == (7, 35)
    await households.leave(*salon.services, household_id, other)
    assert await salon.balance(other) == 35
    await salon.buys(other, 100)
    assert ((await salon.known(other)).owner_id, await salon.balance(other)) == (other, 36)
    with pytest.raises(HouseholdUnknown):
        await households.accept(*salon.services, household_id, one, at_the_counter=True)
    assert await open_points(salon) == 43


async def test_who_left_may_begin_anew(salon: Shop) -> None:
    one, other = await rich(salon, 1000, 2500)
    household_id = await together(salon, one, other)
    await households.leave(*salon.services, household_id, other)
    await together(salon, other)
    await households.leave(*salon.services, household_id, one)
    assert (await salon.balance(one), await salon.balance(other)) == (35, 0)


async def test_a_household_has_no_more_members_than_allowed_however_many_come_at_once(salon: Shop) -> None:
    owner, *others = await salon.members(6)
    household_id = await together(salon, owner)
    answers = await at_once(
        *[households.accept(*salon.services, household_id, other, at_the_counter=True) for other in others]
    )
    assert sum(isinstance(answer, HouseholdFull) for answer in answers) == 3
    async with salon.db.read() as read:
        assert len((await households.household(read.connection, household_id)).seats) == 3


async def test_a_member_is_in_one_household_even_if_two_take_them_at_once(salon: Shop) -> None:
    one, other, guest = await rich(salon, 100, 100, 900)
    homes = [await together(salon, one), await together(salon, other)]
    answers = await at_once(*[households.accept(*salon.services, home, guest, at_the_counter=True) for home in homes])
    assert sum(isinstance(answer, InHousehold) for answer in answers) == 1
    assert sorted([await salon.balance(one), await salon.balance(other)]) == [1, 10]
    with pytest.raises(InHousehold):
        await households.create(*salon.services, guest)


async def test_joining_many_times_at_once_moves_the_points_once(salon: Shop) -> None:
    one, guest = await rich(salon, 100, 900)
    household_id = await together(salon, one)
    await households.invite(salon.db, salon.programmes, salon.clock, household_id, one, guest)
    answers = await at_once(*[households.accept(*salon.services, household_id, guest) for _ in range(5)])
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert (await salon.balance(guest), await open_points(salon)) == (10, 10)


async def test_only_the_owner_invites_and_sets_rights(salon: Shop) -> None:
    one, other, guest = await salon.members(3)
    household_id = await together(salon, one, other)
    with pytest.raises(OwnerOnly):
        await households.invite(salon.db, salon.programmes, salon.clock, household_id, other, guest)
    with pytest.raises(HouseholdUnknown):
        await households.accept(*salon.services, household_id, guest)
    with pytest.raises(OwnerOnly):
        await households.set_rights(salon.db, salon.clock, household_id, other, one, True, False)
    await households.set_rights(salon.db, salon.clock, household_id, one, other, True, False)
    async with salon.db.read() as read:
        rights = await households.rights_of(read.connection, [one, other, guest])
    assert (rights[one].may_spend, rights[other].may_spend, rights[guest].household_id) == (True, False, None)


async def spends(salon: Shop, member_id: str, points: int) -> None:
    key = f"spend-{member_id}-{points}"
    command = Redeem(
        partner_id=salon.partner_id, key=key, fingerprint=key.encode(), occurred_at=salon.clock.now(),
        member_id=member_id, points=points, in_force=await salon.in_force(),
    )  # fmt: skip
    await salon.teller.ask(command)


async def test_who_may_not_spend_earns_for_the_household_and_cannot_spend_from_it(salon: Shop) -> None:
    one, child = await rich(salon, 1000, 500)
    household_id = await together(salon, one)
    await households.invite(salon.db, salon.programmes, salon.clock, household_id, one, child, may_spend=False)
    await households.accept(*salon.services, household_id, child)
    await salon.buys(child, 500)
    with pytest.raises(Forbidden):
        await spends(salon, child, 1)
    await spends(salon, one, 2)
    await households.set_rights(salon.db, salon.clock, household_id, one, child, True, True)
    await spends(salon, child, 3)
    await households.set_rights(salon.db, salon.clock, household_id, one, child, True, False)
    with pytest.raises(Forbidden):
        await spends(salon, child, 4)
    await households.leave(*salon.services, household_id, one)  # the child owns it now
    await spends(salon, child, 5)
    await households.leave(*salon.services, household_id, child)
    await spends(salon, child, 6)
    assert await salon.balance(child) == 20 - 2 - 3 - 5 - 6


async def test_an_invitation_can_be_declined(salon: Shop) -> None:
    one, guest = await salon.members(2)
    household_id = await together(salon, one)
    await households.invite(salon.db, salon.programmes, salon.clock, household_id, one, guest)
    await households.leave(*salon.services, household_id, guest)
    with pytest.raises(HouseholdUnknown):
        await households.accept(*salon.services, household_id, guest)


async def test_what_a_crash_left_in_the_middle_is_finished(salon: Shop) -> None:
    one, guest = await rich(salon, 100, 900)
    household_id = await together(salon, one)
    await households.invite(salon.db, salon.programmes, salon.clock, household_id, one, guest)
    async with salon.db.unit() as unit:
        await unit.connection.execute("UPDATE household_member SET state = 'joining' WHERE state = 'invited'")
    assert await at_once(*[households.run_due(*salon.services) for _ in range(4)]) == [None] * 4
    assert await salon.balance(guest) == 10


async def test_a_programme_without_households_has_none(db: Database) -> None:
    async with shop(db, "") as salon:
        with pytest.raises(NotOffered):
            await households.create(*salon.services, await salon.member())


async def test_a_consent_is_in_effect_at_once_and_every_record_stays(salon: Shop) -> None:
    member_id = await salon.member()
    await consent(salon, member_id)
    assert (await salon.known(member_id)).standing.consents == ["sensitive"]
    await consent(salon, member_id, given=False)
    assert (await salon.known(member_id)).standing.consents == []
    async with salon.db.read() as read:
        history = await consents.history(read.connection, member_id)
    assert [(one.given, one.evidence) for one in history] == [(False, "form 7"), (True, "form 7")]
    assert not any(consents.in_effect(history).values())


async def test_of_consents_changed_at_once_the_last_record_is_what_the_ledger_knows(salon: Shop) -> None:
    member_id = await salon.member()
    answers = await at_once(*[consent(salon, member_id, given=n % 2 == 0) for n in range(12)])
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    last = await salon.value("SELECT given FROM consent ORDER BY id DESC LIMIT 1")
    assert (await salon.known(member_id)).standing.consents == (["sensitive"] if last else [])


async def test_a_household_has_the_consents_that_all_its_members_gave(salon: Shop) -> None:
    one, other = await salon.members(2)
    await consent(salon, one)
    household_id = await together(salon, one)
    assert (await salon.known(one)).standing.consents == ["sensitive"]
    await households.accept(*salon.services, household_id, other, at_the_counter=True)
    assert (await salon.known(one)).standing.consents == []
    await consent(salon, other)
    assert (await salon.known(one)).standing.consents == ["sensitive"]
    await consent(salon, one, given=False)
    await households.leave(*salon.services, household_id, one)
    assert (await salon.known(other)).standing.consents == ["sensitive"]
    assert (await salon.known(one)).standing.consents == []


async def test_a_membership_holds_from_and_until_and_the_latest_record_counts(salon: Shop) -> None:
    member_id, now = await salon.member(), salon.clock.now()
    for until in (None, now):
        await memberships.record(
            salon.db, salon.teller, salon.clock, salon.partner_id, member_id, "prime", now, until, "order 5"
        )
    standing = (await salon.known(member_id)).standing
    assert standing.memberships == {"prime": (int(now.timestamp()), int(now.timestamp()))}
    with pytest.raises(CommonpointError):
        await memberships.record(
            salon.db, salon.teller, salon.clock, salon.partner_id, member_id, "prime", now, now.replace(year=2025), "x"
        )


async def test_an_offer_doubles_only_for_those_who_switched_it_on(salon: Shop) -> None:
    keen, other = await salon.members(2)
    in_force = await salon.in_force()
    more = (salon.db, salon.teller, salon.clock, in_force, salon.partner_id)
    await offers.switch(*more, keen, "double", True)
    await offers.switch(*more, keen, "double", True)
    for member_id in (keen, other):
        await salon.buys(member_id, 1000)
    assert (await salon.balance(keen), await salon.balance(other)) == (20, 10)
    await offers.switch(*more, keen, "double", False)
    await salon.buys(keen, 1000)
    assert await salon.balance(keen) == 30
    assert await salon.value("SELECT count(*) FROM offer_switch") == 2
    with pytest.raises(NotOffered):
        await offers.switch(*more, keen, "triple", True)
