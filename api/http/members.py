"""/v1/members: joining, and what a member has."""

from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated, Literal, Protocol

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter, SkipValidation

from api.auth import AUTH_DEPENDENCIES, CallerIs, partner_of, requires
from api.body import StrictBody, fingerprint, idempotency_key
from api.http.entries import REPLAYED
from api.pagination import PAGE_DEPENDENCIES, Listed, Page, PageIs
from kernel.clock import Clock
from kernel.database import Connection, Database
from kernel.errors import Invalid
from kernel.i18n import best_language
from kernel.secrets import Keyring
from network.keys import Caller
from network.programmes import Programmes
from passes.links import page_url
from points.answers import UnknownMember
from points.explain import explain
from points.members import LONGEST_NAME, MemberRow, find, find_by_code, join
from points.programme.face import look_at
from points.programme.registry import Versions
from points.statement import Line, lines, member_states


class _PublicUrl(Protocol):
    @property
    def public_url(self) -> str: ...


class MemberParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def keyring(self) -> Keyring: ...
    @property
    def programmes(self) -> Programmes: ...
    @property
    def settings(self) -> _PublicUrl: ...


Accepted = Annotated[
    str | None, HeaderParameter(name="Accept-Language", description="en, fi or hu, for the explanations.")
]
Parts = NamedDependency[SkipValidation[MemberParts]]


class NameOrAnonymous(Invalid):
    """Whoever joins has a name or is anonymous."""

    code = "name_or_anonymous"
    title = "A name, or anonymous: one of the two"


class MemberBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who joins: a name or nickname for the card, or `anonymous` for a member who tells it later or never; and the
    language of the card."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)] | None = None
    language: Literal["en", "fi", "hu"] = "en"
    anonymous: bool = False


class _Joining(msgspec.Struct, frozen=True):
    """What a repeated request must have in common with the first."""

    name: str
    language: str


class MemberView(msgspec.Struct, frozen=True):
    """A member. `code` is what the card's barcode says; the name of an anonymous one is empty."""

    id: str
    code: str
    name: str
    language: str
    partner_id: str
    joined_at: datetime


class JoinedView(MemberView, frozen=True):
    """A member who has just joined. `card_url` is the member's own page: told here only, and for no other eyes."""

    card_url: str


class PointsView(msgspec.Struct, frozen=True):
    """What a member has: `balance` can be spent, `pending` not yet, `held` is reserved by claims, `owed` is settled
    from the next earnings after a refund. Members of a household share one account, `account_id`."""

    account_id: str
    balance: int
    pending: int
    held: int
    owed: int
    earned_in_all: int
    version: int
    frozen: bool
    tier: str | None
    next_reward: str | None
    points_to_next_reward: int | None


class LineView(msgspec.Struct, frozen=True):
    """One thing that happened; `points` is signed."""

    id: str
    kind: str
    partner_id: str
    location_id: str | None
    points: int
    amount: int | None
    currency: str | None
    reverses: str | None
    occurred_at: datetime
    recorded_at: datetime
    why: list[str]


class MemberState(msgspec.Struct, frozen=True):
    """A member with points and statement. A partner sees the lines of its own entries, the operator all."""

    member: MemberView
    points: PointsView
    statement: Listed[LineView]


@post(
    "/members", dto=StrictBody[MemberBody], return_dto=None, guards=[requires("members:write")],
    summary="A member joins", operation_id="joinMember",
)  # fmt: skip
async def join_member(
    data: JSONBody[MemberBody],
    caller: CallerIs,
    parts: Parts,
    key: Annotated[
        str | None, HeaderParameter(name="Idempotency-Key", description="Optional; repeats are answered.")
    ] = None,
) -> Response[JoinedView]:
    """The member joins at the calling partner, whose brand the card has. An anonymous member has a card and points as
    anybody; Wallet may ask them for a name, if the card's design says so."""
    if (data.name is not None) == data.anonymous:
        raise NameOrAnonymous("Give a name, or say that the member is anonymous.")
    known_by = None if key is None else idempotency_key(key)
    asked = _Joining(data.name or "", data.language)
    async with parts.db.unit() as unit:
        joined = await join(
            unit, parts.clock, partner_of(caller), asked.name, asked.language, known_by, fingerprint("join", asked),
            anonymous=data.anonymous,
        )  # fmt: skip
    headers = {REPLAYED: "true"} if joined.replayed else {}
    page = page_url(parts.keyring, parts.settings.public_url, joined.member.id)
    view = JoinedView(**asdict(joined.member), card_url=page)
    return Response(view, status_code=201, headers=headers)


@get(
    "/members", guards=[requires("members:read")], dependencies=PAGE_DEPENDENCIES,
    summary="Find a member by the code of the card", operation_id="findMember",
)  # fmt: skip
async def find_member(
    code: Annotated[str, QueryParameter(min_length=1, max_length=64, description="What the barcode says.")],
    caller: CallerIs,
    parts: Parts,
    page: PageIs,
    accepted: Accepted = None,
) -> MemberState:
    """The member whose card was shown."""
    async with parts.db.read() as read:
        return await _state(
            read.connection,
            await find_by_code(read.connection, code.upper()),
            caller,
            parts,
            page,
            best_language(accepted),
        )


@get(
    "/members/{member_id:str}", guards=[requires("members:read")], dependencies=PAGE_DEPENDENCIES,
    summary="A member's points and statement", operation_id="getMember",
)  # fmt: skip
async def get_member(
    member_id: FromPath[str], caller: CallerIs, parts: Parts, page: PageIs, accepted: Accepted = None
) -> MemberState:
    """Balance, tier, next reward, and the newest entries first."""
    async with parts.db.read() as read:
        return await _state(
            read.connection, await find(read.connection, member_id), caller, parts, page, best_language(accepted)
        )


async def _state(
    connection: Connection, member: MemberRow | None, caller: Caller, parts: MemberParts, page: Page, language: str
) -> MemberState:
    if member is None:
        raise UnknownMember("There is no such member.")
    state = (await member_states(connection, [member.id]))[member.id]
    after, before, rows = page.window_by_number()
    found = await lines(connection, member.id, rows, after, before, caller.partner_id)
    versions = parts.programmes.versions
    await versions.ensure({line.facts["version"] for line in found if "version" in line.facts})
    now = parts.clock.now()
    rules = await parts.programmes.in_force(member.partner_id, now, connection)
    seen = look_at(rules, state.standing, state.spendable, state.holder_id, now)
    return MemberState(
        member=MemberView(**asdict(member)),
        points=PointsView(
            account_id=state.holder_id,
            balance=state.spendable,
            pending=state.pending,
            held=state.held,
            owed=state.arrears,
            earned_in_all=state.lifetime,
            version=state.version,
            frozen=state.frozen,
            tier=seen.tier,
            next_reward=seen.next_reward,
            points_to_next_reward=seen.missing,
        ),
        statement=page.answer(found, partial(_line, versions, language), lambda line: str(line.seq)),
    )


def _line(versions: Versions, language: str, line: Line) -> LineView:
    return LineView(
        id=line.id,
        kind=line.kind,
        partner_id=line.partner_id,
        location_id=line.location_id,
        points=line.points,
        amount=line.amount_minor,
        currency=line.currency,
        reverses=line.reverses_id,
        occurred_at=line.occurred_at,
        recorded_at=line.recorded_at,
        why=explain(
            versions.get(line.facts.get("version", "")),
            line.kind,
            line.facts,
            line.points,
            line.amount_minor,
            line.currency,
            language,
        ),
    )


members_router = Router(
    "/v1", route_handlers=[join_member, find_member, get_member], dependencies=AUTH_DEPENDENCIES, tags=["members"]
)
