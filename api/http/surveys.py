"""/v1/surveys: answers and what they amount to."""

from fractions import Fraction
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from api.auth import AUTH_DEPENDENCIES, CallerIs, partner_of, requires
from api.body import StrictBody
from api.http.engagement import Parts, programme_at
from api.http.purchases import EntityId
from points.engagement import surveys


class AnswerBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer: a `score` (NPS 0 to 10, CSAT 1 to 5) with or without `words`; free surveys take words only."""

    member_id: EntityId
    score: Annotated[int, msgspec.Meta(ge=0, le=10)] | None = None
    words: Annotated[str, msgspec.Meta(min_length=1, max_length=surveys.LONGEST_WORDS)] | None = None


class AnswerView(msgspec.Struct, frozen=True):
    """The answer was taken."""

    survey: str
    taken: bool


class ResultView(msgspec.Struct, frozen=True):
    """What the answers amount to: `score` is the NPS (-100 to 100) or the percent of satisfied (CSAT), with one
    decimal, rounded half away from zero; `counts` how many gave each score."""

    survey: str
    kind: str
    answers: int
    score: str | None
    counts: dict[str, int]


@post(
    "/surveys/{survey:str}/answers", dto=StrictBody[AnswerBody], return_dto=None, guards=[requires("members:write")],
    summary="A member answers a survey", operation_id="answerSurvey",
)  # fmt: skip
async def answer(survey: FromPath[str], data: JSONBody[AnswerBody], caller: CallerIs, parts: Parts) -> AnswerView:
    """Once per member; the points for it are given by the ledger, which does not learn the answer."""
    partner_id, _ = await programme_at(caller, parts, data.member_id)
    await surveys.answer(
        parts.db,
        parts.teller,
        parts.programmes,
        parts.clock,
        partner_id,
        data.member_id,
        survey,
        data.score,
        data.words,
    )
    return AnswerView(survey, taken=True)


@get(
    "/surveys/{survey:str}", guards=[requires("network:read")], summary="The figures of a survey",
    operation_id="getSurvey",
)  # fmt: skip
async def result(survey: FromPath[str], caller: CallerIs, parts: Parts) -> ResultView:
    """Over all answers so far, without who gave them."""
    in_force = await parts.programmes.in_force(partner_of(caller), parts.clock.now())
    asked = surveys.survey_of(in_force, survey)
    async with parts.db.read() as read:
        counts, answers = await surveys.tally(read.connection, in_force.version.programme.programme, survey)
    score = {"nps": surveys.nps(counts).score, "csat": surveys.csat(counts).score}.get(asked.kind)
    listed = {str(score): n for score, n in sorted(counts.items())}
    return ResultView(survey, asked.kind, answers, None if score is None else one_decimal(score), listed)


def one_decimal(value: Fraction) -> str:
    """An exact number with one decimal, halves away from zero: 30 -> `30.0`, -2/3 -> `-0.7`."""
    tenths = (abs(value) * 20 + 1) // 2
    sign = "-" if value < 0 and tenths else ""
    return f"{sign}{tenths // 10}.{tenths % 10}"


surveys_router = Router("/v1", route_handlers=[answer, result], dependencies=AUTH_DEPENDENCIES, tags=["surveys"])
