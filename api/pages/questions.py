"""Questions of tills on the member's own page: may so many points be spent here? They appear by themselves."""

from dataclasses import dataclass

from litestar import Response, Router, get, post
from litestar.params import FromPath

from api.pages.page import PRIVATE, PageParts, PageRequest, Parts, Visitor, answer, form_of, member_of, render, visitor
from kernel.database import Connection
from network.partners import partners_by_id
from passes import refresh
from passes.card import said
from passes.coupons import reward_names
from passes.speech import counted
from points import confirmations
from points.confirmations import Confirmation, ConfirmationEnded, UnknownConfirmation
from points.programme.face import nouns_of


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in the member's language. `points` has its unit; `reward` and `terminal` are "" when not told."""

    id: str
    partner: str
    points: str
    reward: str
    terminal: str


async def asked_of(connection: Connection, parts: PageParts, member_id: str, language: str) -> list[Asked]:
    """The questions that can be answered now, oldest first."""
    waiting = await confirmations.waiting_for(connection, member_id, parts.clock.now())
    return [await _asked(connection, parts, one, language) for one in waiting]


@get("/c/{token:str}/questions", media_type="text/html")
async def questions(token: FromPath[str], parts: Parts) -> Response[str]:
    """The questions alone, for the page's script; empty when there is none."""
    member_id = member_of(token, parts.keyring)
    html = ""
    async with parts.db.read() as read:
        # Open pages ask every other second, and mostly for nothing.
        if await confirmations.waiting_for(read.connection, member_id, parts.clock.now()):
            seen = await visitor(read.connection, parts, token)
            asked = await asked_of(read.connection, parts, member_id, seen.language)
            html = render("questions.html", seen.language, seen.look, questions=asked, token=token)
    return Response(html, media_type="text/html", headers=dict(PRIVATE))


@post("/c/{token:str}/questions/{question_id:str}", media_type="text/html", status_code=200)
async def answer_question(
    token: FromPath[str], question_id: FromPath[str], request: PageRequest, parts: Parts
) -> Response[str]:
    """The member's answer: `answer` is yes or no. Twice the same is no error."""
    async with parts.db.read() as read:
        seen = await visitor(read.connection, parts, token)
    yes = (await form_of(request, parts)).get("answer") == "yes"
    try:
        known = await confirmations.answer(
            parts.db, parts.clock, question_id, seen.member.id, yes, note_kinds=(refresh.KIND,)
        )
    except (ConfirmationEnded, UnknownConfirmation):
        return _result(seen, "ended", status=409)
    async with parts.db.read() as read:
        asked = await _asked(read.connection, parts, known, seen.language)
    return _result(seen, known.state, asked)


async def _asked(connection: Connection, parts: PageParts, one: Confirmation, language: str) -> Asked:
    partner = (await partners_by_id(connection, [one.partner_id])).get(one.partner_id)
    version = (await parts.programmes.in_force(one.partner_id, one.asked_at, connection)).version
    return Asked(
        id=one.id,
        partner=partner.brand.name if partner is not None else "",
        points=said(counted(nouns_of(version).unit, one.points), language),
        reward=said(reward_names(version, one.reward), language) if one.reward else "",
        terminal=one.terminal or "",
    )


def _result(seen: Visitor, state: str, asked: Asked | None = None, status: int = 200) -> Response[str]:
    return answer(
        "answered.html", seen.language, seen.look, status=status, token=seen.token, state=state, question=asked
    )


questions_router = Router("/", route_handlers=[questions, answer_question], include_in_schema=False)
