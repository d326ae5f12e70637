"""/v1/confirmations: a till asks a member, who answers on their own page; a yes is a proof for one spending."""

from datetime import datetime
from typing import Protocol

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from api.auth import AUTH_DEPENDENCIES, CallerIs, partner_of, requires
from api.body import Points, StrictBody, fingerprint, idempotency_key
from api.http.claims import RewardId
from api.http.entries import REPLAYED, Key
from api.http.purchases import EntityId, Word
from kernel.clock import Clock
from kernel.database import Database
from passes import refresh
from points.confirmations import Confirmation, Question, State, ask, confirmation


class ConfirmationParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...


Parts = NamedDependency[SkipValidation[ConfirmationParts]]


class ConfirmationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to ask whom: may so many points be spent here? `reward` and `terminal` are shown with the question."""

    member_id: EntityId
    points: Points
    reward: RewardId | None = None
    terminal: Word | None = None


class ConfirmationView(msgspec.Struct, frozen=True):
    """A question: `asked`, `confirmed`, `declined`, or `expired` without an answer. `proof_id`, which a yes makes, goes
    into the spending of at most `points`; it is good for five minutes, once."""

    id: str
    member_id: str
    points: int
    reward: str | None
    terminal: str | None
    state: State
    asked_at: datetime
    good_until: datetime
    answered_at: datetime | None
    proof_id: str | None


@post(
    "/confirmations", dto=StrictBody[ConfirmationBody], return_dto=None, guards=[requires("presentations")],
    summary="Ask a member on their own page", operation_id="createConfirmation",
)  # fmt: skip
async def create_confirmation(
    data: JSONBody[ConfirmationBody], caller: CallerIs, parts: Parts, key: Key = None
) -> Response[ConfirmationView]:
    """The page shows the question by itself for three minutes. Ask for the answer every second or two."""
    question = Question(
        partner_id=partner_of(caller),
        key=idempotency_key(key),
        fingerprint=fingerprint("confirmation", data),
        member_id=data.member_id,
        points=data.points,
        reward=data.reward,
        terminal=data.terminal,
    )
    asked = await ask(parts.db, parts.clock, question, (refresh.KIND,))
    headers = {REPLAYED: "true"} if asked.replayed else {}
    return Response(_view(asked.confirmation), status_code=201, headers=headers)


@get(
    "/confirmations/{confirmation_id:str}", guards=[requires("presentations")], summary="What the member answered",
    operation_id="getConfirmation",
)  # fmt: skip
async def get_confirmation(confirmation_id: FromPath[str], caller: CallerIs, parts: Parts) -> ConfirmationView:
    """The calling partner's own questions alone."""
    async with parts.db.read() as read:
        found = await confirmation(read.connection, confirmation_id, partner_of(caller), parts.clock.now())
    return _view(found)


def _view(one: Confirmation) -> ConfirmationView:
    return ConfirmationView(
        id=one.id,
        member_id=one.member_id,
        points=one.points,
        reward=one.reward,
        terminal=one.terminal,
        state=one.state,
        asked_at=one.asked_at,
        good_until=one.good_until,
        answered_at=one.answered_at,
        proof_id=one.proof_id,
    )


confirmations_router = Router(
    "/v1",
    route_handlers=[create_confirmation, get_confirmation],
    dependencies=AUTH_DEPENDENCIES,
    tags=["presenting"],
)
