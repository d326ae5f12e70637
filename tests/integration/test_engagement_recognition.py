"""Recognition of staff: by customers, for a visit, never for oneself, and no customer's points."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from kernel.database import Database
from network.staff import Staff, add_staff, end_staff, member_of, staff_of
from points.engagement import recognition
from points.engagement.recognition import Nominee
from tests.support.engagement import Shop, at_once, shop

RULES = """
engagement:
  staff: {unit: RECOGNITION, max_per_member: {times: 1, per: day}, monthly_award: true}
"""


@pytest.fixture
async def salon(db: Database) -> AsyncIterator[Shop]:
    """A shop that recognises its staff."""
    async with shop(db, RULES) as opened:
        yield opened


async def hired(salon: Shop, name: str, member_id: str | None = None) -> Staff:
    async with salon.db.unit() as unit:
        return await add_staff(unit, salon.clock, salon.partner_id, name, "cashier", member_id)


async def nominate(salon: Shop, who: Staff, member_id: str, entry_id: str) -> recognition.Nomination:
    async with salon.db.unit() as unit:
        nominee = Nominee(who.id, who.partner_id, who.member_id)
        return await recognition.nominate(
            unit, salon.clock, await salon.in_force(), nominee, member_id, entry_id, "So kind"
        )


async def decide(salon: Shop, nomination_id: str, approve: bool = True, by: str = "key_boss") -> None:
    async with salon.db.unit() as unit:
        await recognition.moderate(unit, salon.clock, salon.partner_id, nomination_id, approve, by)


async def counted(salon: Shop, month: str = "2026-03") -> dict[str, int]:
    async with salon.db.read() as read:
        return await recognition.counts(read.connection, salon.partner_id, month)


async def test_a_nomination_with_a_visit_gives_one_recognition_once_approved(salon: Shop) -> None:
    cut, member_id = await hired(salon, "Kati"), await salon.member()
    made = await nominate(salon, cut, member_id, await salon.buys(member_id))
    assert (made.state, await counted(salon)) == ("pending", {})
    await at_once(*[decide(salon, made.id) for _ in range(5)])
    assert await counted(salon) == {cut.id: 1}


async def test_a_rejected_nomination_does_not_count(salon: Shop) -> None:
    cut, member_id = await hired(salon, "Kati"), await salon.member()
    made = await nominate(salon, cut, member_id, await salon.buys(member_id))
    await decide(salon, made.id, approve=False)
    with pytest.raises(recognition.AlreadyModerated):
        await decide(salon, made.id)
    assert await counted(salon) == {}


async def test_staff_neither_nominate_themselves_nor_decide_on_it(salon: Shop) -> None:
    member_id, customer = await salon.members(2)
    cut = await hired(salon, "Kati", member_id)
    with pytest.raises(recognition.OwnNomination):
        await nominate(salon, cut, member_id, await salon.buys(member_id))
    made = await nominate(salon, cut, customer, await salon.buys(customer))
    with pytest.raises(recognition.OwnDecision):
        await decide(salon, made.id, by=cut.id)
    async with salon.db.read() as read:
        assert await member_of(read.connection, cut.id) == member_id


async def test_two_nominations_for_one_visit_at_once_are_one(salon: Shop) -> None:
    kati, ben, member_id = await hired(salon, "Kati"), await hired(salon, "Ben"), await salon.member()
    entry = await salon.buys(member_id)
    answers = await at_once(*[nominate(salon, who, member_id, entry) for who in (kati, ben)])
    assert sorted(type(answer).__name__ for answer in answers) == ["Nomination", "VisitUsed"]
    assert await salon.value("SELECT count(*) FROM nomination") == 1


async def test_the_same_nomination_again_is_the_same(salon: Shop) -> None:
    cut, member_id = await hired(salon, "Kati"), await salon.member()
    entry = await salon.buys(member_id)
    answers = await at_once(*[nominate(salon, cut, member_id, entry) for _ in range(4)])
    assert len({answer.id for answer in answers}) == 1


async def test_a_member_nominates_only_as_often_as_allowed_even_at_once(salon: Shop) -> None:
    cut, member_id = await hired(salon, "Kati"), await salon.member()
    entries = [await salon.buys(member_id) for _ in range(4)]
    answers = await at_once(*[nominate(salon, cut, member_id, entry) for entry in entries])
    assert sorted(type(answer).__name__ for answer in answers) == ["NominatedEnough"] * 3 + ["Nomination"]
    salon.later(timedelta(days=1))
    await nominate(salon, cut, member_id, await salon.buys(member_id))


async def test_a_visit_must_be_ones_own_and_at_that_partner(salon: Shop) -> None:
    cut, (member_id, other) = await hired(salon, "Kati"), await salon.members(2)
    entry = await salon.buys(other)
    elsewhere = Staff(cut.id, "ptn_elsewhere", "Kati", "cashier", None, True)
    for who, by, visit in ((cut, member_id, entry), (cut, member_id, "ern_nothing"), (elsewhere, other, entry)):
        with pytest.raises(recognition.NoSuchVisit):
            await nominate(salon, who, by, visit)


async def test_recognition_is_no_part_of_what_customers_are_owed(salon: Shop) -> None:
    cut, member_id = await hired(salon, "Kati"), await salon.member()
    made = await nominate(salon, cut, member_id, await salon.buys(member_id, 1000))
    await decide(salon, made.id)
    assert await salon.value("SELECT sum(remaining)::int FROM lot") == 10
    assert await salon.value("SELECT count(*) FROM journal") == 1
    assert await salon.value("SELECT count(*) FROM account WHERE member_id = $1", cut.id) == 0


async def test_the_months_award_is_decided_once_when_all_is_moderated(salon: Shop) -> None:
    kati, ben = await hired(salon, "Kati"), await hired(salon, "Ben")
    made = []
    for who in (ben, kati, kati, ben):
        member_id = await salon.member()
        salon.later(timedelta(hours=1))
        made.append(await nominate(salon, who, member_id, await salon.buys(member_id)))
    for one in made[:3]:
        await decide(salon, one.id)
    salon.clock.move_to(datetime(2026, 4, 1, 12, tzinfo=UTC))
    await recognition.run_due(salon.db, salon.programmes, salon.clock)
    assert await salon.value("SELECT count(*) FROM staff_award") == 0  # one still waits
    await decide(salon, made[3].id)
    await at_once(*[recognition.run_due(salon.db, salon.programmes, salon.clock) for _ in range(4)])
    async with salon.db.read() as read:
        award = await recognition.award(read.connection, salon.partner_id, "2026-03")
    assert award is not None
    assert (award.staff_id, award.amount) == (kati.id, 2)  # both have two; Kati had them first


async def test_the_award_does_not_wait_for_ever_and_may_go_to_nobody(salon: Shop) -> None:
    cut, member_id = await hired(salon, "Kati"), await salon.member()
    await nominate(salon, cut, member_id, await salon.buys(member_id))
    salon.clock.move_to(datetime(2026, 4, 8, 12, tzinfo=UTC))
    await recognition.run_due(salon.db, salon.programmes, salon.clock)
    async with salon.db.read() as read:
        award = await recognition.award(read.connection, salon.partner_id, "2026-03")
    assert award is not None
    assert award.staff_id is None


async def test_who_left_is_not_listed_and_may_come_back(salon: Shop) -> None:
    member_id = await salon.member()
    cut = await hired(salon, "Kati", member_id)
    async with salon.db.unit() as unit:
        await end_staff(unit, salon.clock, salon.partner_id, cut.id)
        assert await staff_of(unit.connection, salon.partner_id) == []
    again = await hired(salon, "Kati", member_id)
    assert again.id != cut.id
