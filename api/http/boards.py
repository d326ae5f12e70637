"""/v1/leaderboards: who did most, under pseudonyms."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from api.auth import AUTH_DEPENDENCIES, CallerIs, partner_of, requires
from api.body import StrictBody
from api.http.engagement import Parts, programme_at
from points.engagement import boards
from points.engagement.ports import NotOffered


class PlayerBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Under which name the member plays, on one board or (by default) on all of the programme."""

    pseudonym: Annotated[str, msgspec.Meta(min_length=1, max_length=boards.LONGEST_PSEUDONYM)]
    board: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None


class PlayerView(msgspec.Struct, frozen=True):
    """The boards that the member is on now."""

    pseudonym: str
    boards: list[str]


class PlaceView(msgspec.Struct, frozen=True):
    """A place: of equals the one who `reached_at` the count earlier leads."""

    place: int
    pseudonym: str
    count: int
    reached_at: datetime | None


class BoardView(msgspec.Struct, frozen=True):
    """A board for a period. With `closed_at` it is final; until then it may change up to `closes_at`."""

    board: str
    period: str
    tie_rule: str
    closes_at: datetime
    closed_at: datetime | None
    data: list[PlaceView]


@post(
    "/members/{member_id:str}/boards", dto=StrictBody[PlayerBody], return_dto=None, guards=[requires("members:write")],
    summary="A member wants to be on leaderboards", operation_id="joinBoards",
)  # fmt: skip
async def opt_in(member_id: FromPath[str], data: JSONBody[PlayerBody], caller: CallerIs, parts: Parts) -> PlayerView:
    """Nobody is on a board without asking; the pseudonym may not be the member's own name."""
    partner_id, in_force = await programme_at(caller, parts, member_id)
    every = [board.id for board in in_force.version.programme.engagement.leaderboards]
    wanted = every if data.board is None else [data.board]
    if not wanted:
        raise NotOffered("The programme has no leaderboards.")
    async with parts.db.unit() as unit:
        for board in wanted:
            await boards.opt_in(unit, parts.clock, in_force, partner_id, board, member_id, data.pseudonym)
    return PlayerView(data.pseudonym.strip(), wanted)


@delete(
    "/members/{member_id:str}/boards/{board:str}", guards=[requires("members:write")],
    summary="A member leaves a leaderboard", operation_id="leaveBoard",
)  # fmt: skip
async def opt_out(member_id: FromPath[str], board: FromPath[str], caller: CallerIs, parts: Parts) -> None:
    """At once; twice is no error. Closed boards do not change."""
    _, in_force = await programme_at(caller, parts, member_id)
    async with parts.db.unit() as unit:
        await boards.opt_out(unit, in_force, board, member_id)


@get("/leaderboards/{board:str}", guards=[requires("members:read")], summary="A leaderboard", operation_id="getBoard")
async def show(
    board: FromPath[str],
    caller: CallerIs,
    parts: Parts,
    period: Annotated[
        str | None, QueryParameter(max_length=10, description="`2026-03`, `2026-W10`; default: now.")
    ] = None,
) -> BoardView:
    """The present period as it stands, or a closed one as it ended."""
    now = parts.clock.now()
    in_force = await parts.programmes.in_force(partner_of(caller), now)
    async with parts.db.read() as read:
        found = await boards.standings(read.connection, in_force, board, now, period)
    places = [PlaceView(p.place, p.pseudonym, p.score, p.reached_at) for p in found.places]
    return BoardView(found.board, found.period, found.tie_rule, found.closes_at, found.closed_at, places)


boards_router = Router(
    "/v1", route_handlers=[opt_in, opt_out, show], dependencies=AUTH_DEPENDENCIES, tags=["leaderboards"]
)
