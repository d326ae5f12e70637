"""Surveys: answered once, counted apart from points."""

from collections.abc import AsyncIterator
from fractions import Fraction

import pytest

from kernel.database import Database
from points.engagement import promises, surveys
from points.engagement.ports import NotOffered
from tests.support.engagement import Shop, at_once, shop

RULES = """
engagement:
  surveys:
    - {id: how_was_it, kind: nps, points: 20}
    - {id: the_cut, kind: csat}
    - {id: ideas, kind: free, points: 5}
"""


@pytest.fixture
async def salon(db: Database) -> AsyncIterator[Shop]:
    """A shop that asks."""
    async with shop(db, RULES) as opened:
        yield opened


async def answers(salon: Shop, member_id: str, survey: str, score: int | None = None, words: str | None = None) -> None:
    await surveys.answer(*salon.services, salon.partner_id, member_id, survey, score, words)


async def test_an_answer_is_recorded_once_and_thanked_once(salon: Shop) -> None:
    member_id = await salon.member()
    outcomes = await at_once(*[answers(salon, member_id, "how_was_it", 9, "Lovely") for _ in range(5)])
    assert outcomes == [None] * 5
    await promises.run_due(*salon.services)
    assert await salon.balance(member_id) == 20
    assert await salon.value("SELECT count(*) FROM survey_answer") == 1


async def test_another_answer_to_the_same_survey_is_refused(salon: Shop) -> None:
    member_id = await salon.member()
    await answers(salon, member_id, "how_was_it", 9)
    with pytest.raises(surveys.AlreadyAnswered):
        await answers(salon, member_id, "how_was_it", 3)
    assert await salon.value("SELECT score FROM survey_answer") == 9


async def test_five_three_two_are_plus_thirty(salon: Shop) -> None:
    for score in (9, 9, 10, 10, 10, 7, 8, 8, 0, 6):
        await answers(salon, await salon.member(), "how_was_it", score)
    async with salon.db.read() as read:
        counts, answered = await surveys.tally(read.connection, "corner_salon", "how_was_it")
    assert (surveys.nps(counts).score, answered) == (Fraction(30), 10)


async def test_the_ledger_does_not_learn_the_answer(salon: Shop) -> None:
    await answers(salon, await salon.member(), "how_was_it", 3, "Never again")
    facts = await salon.value("SELECT string_agg(facts::text, ' ') FROM journal")
    assert "Never" not in facts
    assert "score" not in facts


@pytest.mark.parametrize(
    ("survey", "score", "words"),
    [
        ("how_was_it", 11, None),
        ("how_was_it", -1, None),
        ("how_was_it", None, "good"),
        ("the_cut", 0, None),
        ("the_cut", 6, None),
        ("ideas", 5, "tea"),
        ("ideas", None, None),
        ("ideas", None, "   "),
    ],
)
async def test_an_answer_must_fit_the_survey(salon: Shop, survey: str, score: int | None, words: str | None) -> None:
    with pytest.raises(surveys.BadAnswer):
        await answers(salon, await salon.member(), survey, score, words)


async def test_a_survey_that_does_not_exist_is_not_answered(salon: Shop) -> None:
    with pytest.raises(NotOffered):
        await answers(salon, await salon.member(), "nothing", 3)
