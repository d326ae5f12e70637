"""/v1/games, /v1/commitments: chance with published odds that anybody can check afterwards."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter

from api.auth import AUTH_DEPENDENCIES, CallerIs, partner_of, requires
from api.body import StrictBody, idempotency_key
from api.http.engagement import Parts
from api.http.entries import REPLAYED
from api.http.purchases import EntityId
from points.engagement import commitments, games

MOST_DRAWS = 1000
Key = Annotated[
    str | None,
    HeaderParameter(name="Idempotency-Key", description="Required. New for each play, the same for its repeats."),
]


class PlayBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who plays."""

    member_id: EntityId


class PlayView(msgspec.Struct, frozen=True):
    """A play: `prize` is what was won, if anything; `subject` is its number under the commitment, which decides it."""

    id: str
    game: str
    cost: int
    prize: str | None
    commitment_id: str
    subject: str


class PrizeView(msgspec.Struct, frozen=True):
    """A prize with its odds as an exact fraction, how many there are (null: enough) and how many were won."""

    prize: str
    odds: str
    stock: int | None
    won: int


class CommitmentView(msgspec.Struct, frozen=True):
    """A seed's SHA-256 (`hash`), published before its window; `seed` (hex) is told when the window is over."""

    id: str
    programme: str
    kind: str
    name: str
    period: str
    hash: str
    published_at: datetime
    opens: datetime
    closes: datetime
    seed: str | None


class CommitmentsView(msgspec.Struct, frozen=True):
    """Commitments, newest first."""

    data: list[CommitmentView]


class GameView(msgspec.Struct, frozen=True):
    """A game: what a play costs, the odds, and the commitments under which it is drawn."""

    game: str
    names: dict[str, str]
    cost: int
    prizes: list[PrizeView]
    commitments: list[CommitmentView]


class DrawView(msgspec.Struct, frozen=True):
    """One draw: `outcome` is what the seed gives for the subject, `instead` why something else was given."""

    subject: str
    outcome: str | None
    instead: str | None
    at: datetime


class DrawsView(msgspec.Struct, frozen=True):
    """Draws in the order of their subjects; `next` is the subject to go on `after`."""

    data: list[DrawView]
    next: str | None


@post(
    "/games/{game:str}/plays", dto=StrictBody[PlayBody], return_dto=None, guards=[requires("redeem")],
    summary="Play a game of chance", operation_id="playGame",
)  # fmt: skip
async def play(
    game: FromPath[str], data: JSONBody[PlayBody], caller: CallerIs, parts: Parts, key: Key = None
) -> Response[PlayView]:
    """Its cost is spent at the calling partner; a prize that is out of stock gives nothing."""
    known_by = idempotency_key(key)
    played = await games.play(
        parts.db, parts.teller, parts.programmes, parts.clock, partner_of(caller), data.member_id, game, known_by
    )
    view = PlayView(played.id, played.game, played.cost, played.prize, played.commitment_id, played.subject)
    return Response(view, status_code=201, headers={REPLAYED: "true"} if played.replayed else {})


@get("/games/{game:str}", guards=[requires("members:read")], summary="A game and its odds", operation_id="getGame")
async def show(game: FromPath[str], caller: CallerIs, parts: Parts) -> GameView:
    """The odds as published, what is left of the prizes, and the seeds' hashes."""
    now = parts.clock.now()
    in_force = await parts.programmes.in_force(partner_of(caller), now)
    rules, programme = games.game_of(in_force, game), in_force.version.programme.programme
    async with parts.db.read() as read:
        odds = await games.odds_of(read.connection, programme, rules)
        committed = await commitments.listed(read.connection, "game", programme, game, now)
    return GameView(
        game=game,
        names={str(language): words for language, words in rules.names.items()},
        cost=rules.cost or 0,
        prizes=[PrizeView(one.prize, str(one.odds), one.stock, one.won) for one in odds],
        commitments=[CommitmentView(**asdict(one)) for one in committed],
    )


@get(
    "/commitments", guards=[requires("members:read")], summary="Commitments of a surprise or game",
    operation_id="listCommitments",
)  # fmt: skip
async def list_commitments(
    kind: Annotated[Literal["surprise", "game"], QueryParameter()],
    name: Annotated[str, QueryParameter(min_length=1, max_length=40)],
    caller: CallerIs,
    parts: Parts,
) -> CommitmentsView:
    """Of the programme in force at the calling partner."""
    now = parts.clock.now()
    programme = (await parts.programmes.in_force(partner_of(caller), now)).version.programme.programme
    async with parts.db.read() as read:
        found = await commitments.listed(read.connection, kind, programme, name, now)
    return CommitmentsView([CommitmentView(**asdict(one)) for one in found])


@get(
    "/commitments/{commitment_id:str}", guards=[requires("members:read")], summary="A commitment",
    operation_id="getCommitment",
)  # fmt: skip
async def show_commitment(commitment_id: FromPath[str], parts: Parts) -> CommitmentView:
    """With the seed, when its window is over."""
    async with parts.db.read() as read:
        found = await commitments.shown(read.connection, commitment_id, parts.clock.now())
    return CommitmentView(**asdict(found))


@get(
    "/commitments/{commitment_id:str}/draws", guards=[requires("members:read")], summary="The draws of a commitment",
    operation_id="listDraws",
)  # fmt: skip
async def list_draws(
    commitment_id: FromPath[str], parts: Parts, after: Annotated[str, QueryParameter(max_length=64)] = ""
) -> DrawsView:
    """Subjects and outcomes, to be repeated with the seed: HMAC-SHA256(seed, subject) / 2^256 against the odds."""
    async with parts.db.read() as read:
        await commitments.shown(read.connection, commitment_id, parts.clock.now())
        found = await commitments.draws_of(read.connection, commitment_id, after, MOST_DRAWS)
    more = found[-1].subject if len(found) == MOST_DRAWS else None
    return DrawsView([DrawView(**asdict(one)) for one in found], more)


games_router = Router(
    "/v1",
    route_handlers=[play, show, list_commitments, show_commitment, list_draws],
    dependencies=AUTH_DEPENDENCIES,
    tags=["games"],
)
