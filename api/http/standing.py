"""/v1/members/{id}/standing and /lots: what a member's history amounts to, and which points they have until when."""

from datetime import date, datetime

import msgspec
from litestar import Router, get
from litestar.params import FromPath

from api.auth import caller_of, requires
from api.http.entries import HotRequest, language_of, parts_of
from kernel.database import Connection
from points.answers import UnknownMember
from points.engagement.ports import home_of
from points.programme.entitlements import entitlements
from points.programme.face import in_language
from points.programme.progress import Progress, progress
from points.programme.schema.basics import Words
from points.programme.segments import segments_of
from points.programme.standing import Standing
from points.programme.tiers import outlook, tier_of
from points.programme.version import InForce, Version
from points.statement import MemberState, member_states

# (kind, id) -> what it is called.
Names = dict[tuple[str, str], Words]


class FallView(msgspec.Struct, frozen=True):
    """To which level the member falls, and on which day, unless they do something."""

    to: str
    on: date


class TierView(msgspec.Struct, frozen=True):
    """A level. `until` is the last day on which it is held at least, `grace_until` the last day of grace; null: for as
    long as the measure holds it. `warning` is there from the programme's time of warning on."""

    level: str
    name: str
    until: date | None
    grace_until: date | None
    warning: FallView | None


class ProgressView(msgspec.Struct, frozen=True):
    """How far a challenge, streak or milestone is: `done` of `goal` (minor units for goals of spending, periods for
    streaks), and how often it was reached. `until` is the last day that counts."""

    kind: str
    id: str
    name: str
    done: int
    goal: int
    times: int
    until: date | None
    freezes: int | None


class BadgeView(msgspec.Struct, frozen=True):
    """A badge and how often it was earned."""

    id: str
    name: str
    count: int


class BenefitView(msgspec.Struct, frozen=True):
    """A right that is not paid with points, and what it follows from (`tier:gold`, `everyone`)."""

    id: str
    name: str
    because: list[str]


class StandingView(msgspec.Struct, frozen=True):
    """What follows from a member's history by the programme in force. `segments` are the groups they are in now."""

    member_id: str
    tier: TierView | None
    progress: list[ProgressView]
    badges: list[BadgeView]
    segments: list[str]
    entitlements: list[BenefitView]


class LotView(msgspec.Struct, frozen=True):
    """Points that were earned together. `pending` ones cannot be spent before `active_at` (null: before an action).
    A partner is told the issuer of its own points only."""

    id: str
    issuer_id: str | None
    points: int
    pending: bool
    earned_at: datetime
    active_at: datetime | None
    expires_at: datetime | None


class LotsView(msgspec.Struct, frozen=True):
    """All points of a member (or of their household), oldest first: those not pending add up to `balance`."""

    member_id: str
    balance: int
    pending: int
    data: list[LotView]


_LOTS = """
SELECT id, issuer_id, remaining AS points, pending, issued_at AS earned_at, active_at, expires_at
FROM lot WHERE member_id = $1 AND remaining > 0 ORDER BY issued_at, id
"""


@get(
    "/members/{member_id:str}/standing", guards=[requires("members:read")],
    summary="Tier, progress, badges, groups and rights of a member", operation_id="getStanding",
)  # fmt: skip
async def get_standing(member_id: FromPath[str], request: HotRequest) -> StandingView:
    """By the programme in force at the calling partner; for the operator, at the partner where the member joined."""
    parts = parts_of(request)
    now, caller = parts.clock.now(), caller_of(request)
    async with parts.db.read() as read:
        state = await _state(read.connection, member_id)
        partner_id = caller.partner_id or await home_of(read.connection, member_id)
        in_force = await parts.programmes.in_force(partner_id, now, read.connection)
    return standing_view(in_force, state, now, language_of(request))


@get(
    "/members/{member_id:str}/lots", guards=[requires("members:read")],
    summary="Which points a member has, and until when", operation_id="getLots",
)  # fmt: skip
async def get_lots(member_id: FromPath[str], request: HotRequest) -> LotsView:
    """With the moments at which they can be spent and expire."""
    parts = parts_of(request)
    caller = caller_of(request)
    async with parts.db.read() as read:
        state = await _state(read.connection, member_id)
        rows = await read.connection.fetch(_LOTS, state.holder_id)
    lots = [LotView(**row) for row in rows]
    shown = [lot if caller.partner_id in (None, lot.issuer_id) else _unsigned(lot) for lot in lots]
    return LotsView(member_id, state.spendable, state.pending, shown)


def standing_view(in_force: InForce, state: MemberState, now: datetime, language: str) -> StandingView:
    """The programme's view of a member at a moment; pure."""
    version, standing = in_force.version, state.standing
    day = version.day(now)
    joined, balance, holder = standing.joined, state.spendable, state.holder_id
    found = progress(version, standing, day)
    names = _names(version)
    groups = segments_of(version, standing, day=day, joined=joined, balance=balance, member_id=holder, at=now)
    rights = entitlements(version, standing, day, joined=joined, balance=balance, member_id=holder, at=now)
    return StandingView(
        member_id=state.member_id,
        tier=_tier(version, standing, day, language),
        progress=[_progress(one, names, language) for one in found if one.kind != "badge"],
        badges=[
            BadgeView(one.id, in_language(names.get(("badge", one.id)), language, one.id), one.times)
            for one in found
            if one.kind == "badge" and one.times
        ],
        segments=sorted(groups),
        entitlements=[
            BenefitView(
                one.benefit, in_language(names.get(("benefit", one.benefit)), language, one.benefit), [*one.because]
            )
            for one in rights
        ],
    )


async def _state(connection: Connection, member_id: str) -> MemberState:
    found = (await member_states(connection, [member_id])).get(member_id)
    if found is None:
        raise UnknownMember(f"There is no member '{member_id}'.")
    return found


def _tier(version: Version, standing: Standing, day: date, language: str) -> TierView | None:
    level = tier_of(version, standing, day)
    tiers = version.programme.tiers
    if level is None or tiers is None:
        return None
    names = next((one.names for one in tiers.levels if one.id == level), None)
    state = standing.tier if standing.tier is not None and standing.tier.level == level else None
    return TierView(
        level=level,
        name=in_language(names, language, level),
        until=_date(state.until if state else None),
        grace_until=_date(state.grace_until if state else None),
        warning=_warning(version, standing, day),
    )


def _warning(version: Version, standing: Standing, day: date) -> FallView | None:
    """The fall that is ahead, also when the member was told of it already."""
    if standing.tier is None:
        return None
    untold = msgspec.structs.replace(standing.tier, warned_for=None)
    fall = outlook(version, msgspec.structs.replace(standing, tier=untold), day)[1]
    return FallView(fall.to, fall.falls_on) if fall is not None and fall.warn_on <= day else None


def _progress(one: Progress, names: Names, language: str) -> ProgressView:
    name = in_language(names.get((one.kind, one.id)), language, one.id)
    return ProgressView(one.kind, one.id, name, one.done, one.goal, one.times, one.until, one.freezes)


def _names(version: Version) -> Names:
    programme = version.programme
    engagement = programme.engagement
    return {
        **{("challenge", one.id): one.names for one in engagement.challenges},
        **{("streak", one.id): one.names for one in engagement.streaks},
        **{("milestone", one.id): one.names for one in engagement.milestones},
        **{("badge", one.id): one.names for one in engagement.badges},
        **{("benefit", one.id): one.names for one in programme.benefits},
    }


def _unsigned(lot: LotView) -> LotView:
    return msgspec.structs.replace(lot, issuer_id=None)


def _date(ordinal: int | None) -> date | None:
    return None if ordinal is None else date.fromordinal(ordinal)


standing_router = Router("/v1", route_handlers=[get_standing, get_lots], tags=["members"])
