"""One key, one effect, for ever."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from kernel.clock import MovableClock
from kernel.database import Database
from points.answers import Answer, Done, KeyReused, UnknownMember
from points.audit import audit
from points.commands import Command
from points.deciding.errors import UnknownJournal
from points.ledger import Ledger
from points.programme.reward_refusals import PointsShort
from points.teller import Teller
from tests.support.ledger import START, a_member, earn, journals_of, redeem, reverse


@pytest.fixture
async def tellers(db: Database) -> AsyncIterator[list[Teller]]:
    """Two tellers, as two processes would have them."""
    pair = [Teller(db, Ledger(MovableClock(START))) for _ in range(2)]
    for teller in pair:
        await teller.start()
    yield pair
    for teller in pair:
        await teller.stop()
    async with db.read() as read:
        assert await audit(read.connection) == []


async def in_one_batch(db: Database, commands: Sequence[Command]) -> list[Answer]:
    async with db.unit() as unit:
        return await Ledger(MovableClock(START)).apply(unit.connection, commands)


async def test_the_same_request_again_gets_the_same_answer(db: Database, tellers: list[Teller]) -> None:
    member = await a_member(db)
    command = earn(member, 1000)
    first = await tellers[0].ask(command)
    await tellers[0].ask(earn(member, 500))
    again = await tellers[1].ask(command)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.outcome == first.outcome  # as it was then, though the balance has moved on
    assert await journals_of(db, member) == 2


async def test_the_same_request_many_times_at_once_has_one_effect(db: Database, tellers: list[Teller]) -> None:
    member = await a_member(db)
    await tellers[0].ask(earn(member, 10_000))
    for command in (earn(member, 1000, key="e"), redeem(member, 30, key="r")):
        answers = await asyncio.gather(*(tellers[n % 2].ask(command) for n in range(16)))
        assert sorted(answer.replayed for answer in answers) == [False] + [True] * 15
        assert len({answer.outcome.id for answer in answers}) == 1
    assert await journals_of(db, member) == 3


async def test_the_same_request_twice_in_one_batch_has_one_effect(db: Database) -> None:
    member = await a_member(db)
    command = earn(member, 1000)
    first, other, again = await in_one_batch(db, [command, earn(member, 200), command])
    assert isinstance(first, Done)
    assert isinstance(other, Done)
    assert again == Done(first.outcome, replayed=True)
    assert other.outcome.balance == 12
    assert await journals_of(db, member) == 2


async def test_a_reversal_again_gets_the_same_answer(db: Database, tellers: list[Teller]) -> None:
    member = await a_member(db)
    bill = await tellers[0].ask(earn(member, 1000))
    command = reverse(bill.outcome.id)
    answers = await asyncio.gather(*(tellers[n % 2].ask(command) for n in range(8)))
    assert len({answer.outcome.id for answer in answers}) == 1
    assert await journals_of(db, member) == 2


async def test_a_key_with_other_content_is_refused_for_ever(db: Database, tellers: list[Teller]) -> None:
    member = await a_member(db)
    first = await tellers[0].ask(earn(member, 1000, key="k"))
    for other in (earn(member, 1001, key="k"), redeem(member, 1, "ptn_a", key="k"), reverse(first.outcome.id, key="k")):
        for teller in tellers:
            with pytest.raises(KeyReused):
                await teller.ask(other)
    assert (await tellers[1].ask(earn(member, 1000, key="k"))).replayed
    assert await journals_of(db, member) == 1


async def test_a_key_used_for_two_members_at_once_serves_one_of_them(db: Database, tellers: list[Teller]) -> None:
    for round_ in range(10):
        members = [await a_member(db) for _ in range(2)]
        commands = [earn(member, 1000, key=f"k{round_}") for member in members]
        answers = await asyncio.gather(
            *(teller.ask(command) for teller, command in zip(tellers, commands, strict=True)), return_exceptions=True
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["Done", "KeyReused"]
        assert sum([await journals_of(db, member) for member in members]) == 1


async def test_two_members_with_one_key_in_one_batch(db: Database) -> None:
    one, other = await a_member(db), await a_member(db)
    answers = await in_one_batch(db, [earn(one, 1000, key="k"), earn(other, 1000, key="k")])
    assert [type(answer) for answer in answers] == [Done, KeyReused]
    assert (await journals_of(db, one), await journals_of(db, other)) == (1, 0)


async def test_each_partner_has_its_own_keys(db: Database, tellers: list[Teller]) -> None:
    member = await a_member(db)
    answers = [await tellers[0].ask(earn(member, 1000, partner, key="k")) for partner in ("ptn_a", "ptn_b")]
    assert [answer.replayed for answer in answers] == [False, False]
    assert await journals_of(db, member) == 2


async def test_a_refused_request_uses_no_key(db: Database, tellers: list[Teller]) -> None:
    member = await a_member(db)
    with pytest.raises(PointsShort):
        await tellers[0].ask(redeem(member, 5, "ptn_a", key="k"))
    with pytest.raises(UnknownMember):
        await tellers[0].ask(earn("mbr_nobody", 5, key="k"))
    with pytest.raises(UnknownJournal):
        await tellers[0].ask(reverse("ern_nothing", key="k"))
    assert not (await tellers[0].ask(earn(member, 1000, key="k"))).replayed


async def test_a_key_outlives_the_process_and_its_tellers(db: Database, tellers: list[Teller]) -> None:
    member = await a_member(db)
    command = earn(member, 1000)
    first = await tellers[0].ask(command)
    later = Teller(await Database.connect(db.url), Ledger(MovableClock(START)))
    await later.start()
    assert (await later.ask(command)).outcome == first.outcome
    await later.stop()
    await later._db.close()
