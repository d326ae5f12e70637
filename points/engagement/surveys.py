"""Surveys: what members answered, apart from what they earned for it; once per member and survey."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from kernel.clock import Clock
from kernel.database import Connection, Database
from kernel.errors import Conflict, Invalid
from points.answers import UnknownMember
from points.engagement import promises
from points.engagement.ports import Asks, NotOffered, Programmes
from points.engagement.promises import Promise, promise
from points.programme.schema.engagement import Gain, Survey
from points.programme.version import InForce

LONGEST_WORDS = 2000
SCORES = {"nps": (0, 10), "csat": (1, 5)}


class AlreadyAnswered(Conflict):
    """The member answered this survey before."""

    code = "already_answered"
    title = "The survey was answered before"


class BadAnswer(Invalid):
    """An answer that this kind of survey does not take."""

    code = "bad_answer"
    title = "The answer does not fit the survey"


@dataclass(frozen=True, slots=True)
class Nps:
    """The net promoter score's parts: 9 and 10 promote, 7 and 8 are passive, 0 to 6 detract."""

    promoters: int
    passives: int
    detractors: int

    @property
    def answers(self) -> int:
        """How many answered."""
        return self.promoters + self.passives + self.detractors

    @property
    def score(self) -> Fraction | None:
        """Percent of promoters minus percent of detractors, from -100 to 100, exact; None without answers."""
        return Fraction(100 * (self.promoters - self.detractors), self.answers) if self.answers else None


@dataclass(frozen=True, slots=True)
class Csat:
    """Customer satisfaction: how many of the answers (1 to 5) were 4 or 5, and their sum."""

    satisfied: int
    answers: int
    total: int

    @property
    def score(self) -> Fraction | None:
        """Percent of satisfied answers, exact; None without answers."""
        return Fraction(100 * self.satisfied, self.answers) if self.answers else None


def nps(counts: Mapping[int, int]) -> Nps:
    """The net promoter score of answers from 0 to 10, given how many there are of each score."""
    promoters = sum(n for score, n in counts.items() if score >= 9)
    detractors = sum(n for score, n in counts.items() if score <= 6)
    return Nps(promoters, sum(counts.values()) - promoters - detractors, detractors)


def csat(counts: Mapping[int, int]) -> Csat:
    """The satisfaction of answers from 1 to 5, given how many there are of each score."""
    satisfied = sum(n for score, n in counts.items() if score >= 4)
    return Csat(satisfied, sum(counts.values()), sum(score * n for score, n in counts.items()))


def survey_of(in_force: InForce, survey_id: str) -> Survey:
    """The survey by that name. Raises NotOffered."""
    for survey in in_force.version.programme.engagement.surveys:
        if survey.id == survey_id:
            return survey
    raise NotOffered(f"The programme has no survey '{survey_id}'.")


async def answer(
    db: Database,
    teller: Asks,
    programmes: Programmes,
    clock: Clock,
    partner_id: str,
    member_id: str,
    survey_id: str,
    score: int | None,
    words: str | None,
) -> None:
    """Take an answer and thank for it. The same answer again is no error; another one is.

    Raises UnknownMember, NotOffered, BadAnswer, AlreadyAnswered.
    """
    now = clock.now()
    in_force = await programmes.in_force(partner_id, now)
    survey = survey_of(in_force, survey_id)
    _check(survey, score, words)
    programme = in_force.version.programme.programme
    key = f"survey/{programme}/{survey_id}/{member_id}"
    async with db.unit() as unit:
        connection = unit.connection
        if await connection.fetchval("SELECT 1 FROM member WHERE id = $1", member_id) is None:
            raise UnknownMember(f"There is no member '{member_id}'.")
        done = await connection.execute(
            "INSERT INTO survey_answer (member_id, programme, survey, kind, score, words, partner_id, answered_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            member_id,
            programme,
            survey_id,
            survey.kind,
            score,
            words,
            partner_id,
            now,
        )
        if done == "INSERT 0 0":
            await _check_same(connection, member_id, programme, survey_id, score, words)
        elif survey.points:
            thanks = Promise(
                key=key,
                member_id=member_id,
                partner_id=partner_id,
                at=now,
                gain=Gain(points=survey.points),
                reason="survey",
                about=survey_id,
            )
            await promise(connection, now, [thanks])
    await promises.keep(db, teller, programmes, clock, [key])


async def tally(connection: Connection, programme: str, survey_id: str) -> tuple[dict[int, int], int]:
    """How many there are of each score, and how many answers there are in all; not who gave them."""
    rows = await connection.fetch(
        "SELECT score, count(*) AS n FROM survey_answer WHERE programme = $1 AND survey = $2 GROUP BY score",
        programme,
        survey_id,
    )
    return {row["score"]: row["n"] for row in rows if row["score"] is not None}, sum(row["n"] for row in rows)


def _check(survey: Survey, score: int | None, words: str | None) -> None:
    bounds = SCORES.get(survey.kind)
    if words is not None and not 0 < len(words.strip()) <= LONGEST_WORDS:
        raise BadAnswer(f"Words have 1 to {LONGEST_WORDS} characters.", field="words")
    if bounds is None:
        if words is None or score is not None:
            raise BadAnswer("This survey is answered in words.", field="words")
    elif score is None or not bounds[0] <= score <= bounds[1]:
        raise BadAnswer(f"The score must be from {bounds[0]} to {bounds[1]}.", field="score")


async def _check_same(
    connection: Connection, member_id: str, programme: str, survey_id: str, score: int | None, words: str | None
) -> None:
    known = await connection.fetchrow(
        "SELECT score, words FROM survey_answer WHERE member_id = $1 AND programme = $2 AND survey = $3",
        member_id,
        programme,
        survey_id,
    )
    if known is None or (known["score"], known["words"]) != (score, words):
        raise AlreadyAnswered("The member answered this survey before.")
