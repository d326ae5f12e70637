"""/v1/members/…: referral codes and friends, birthdays, links to achievements; /shared: what is behind such a link."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Protocol

import msgspec
from litestar import Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from api.auth import AUTH_DEPENDENCIES, CallerIs, requires
from api.body import StrictBody
from kernel.clock import Clock
from kernel.database import Database
from network.keys import Caller
from points.engagement import birthdays, referral, sharing
from points.engagement.ports import Asks, Programmes, home_of
from points.programme.version import InForce


class EngagementParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def teller(self) -> Asks: ...
    @property
    def programmes(self) -> Programmes: ...


Parts = NamedDependency[SkipValidation[EngagementParts]]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class ReferralCodeView(msgspec.Struct, frozen=True):
    """The code that a member gives to friends."""

    code: str


class ReferralBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code of the member who brought this friend."""

    code: Code


class ReferredView(msgspec.Struct, frozen=True):
    """The friend is bound to the member who brought them, who is not named to the friend's till."""

    bound: bool


class ReferralView(msgspec.Struct, frozen=True):
    """A friend that the member brought, unnamed: how far it is and, if refused, why."""

    state: str
    bound_at: datetime
    decided_by: datetime | None
    reason: str | None


class ReferralsView(msgspec.Struct, frozen=True):
    """The friends that a member brought, newest first."""

    data: list[ReferralView]


class BirthdayBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the member was born; the year may be kept back."""

    month: Annotated[int, msgspec.Meta(ge=1, le=12)]
    day: Annotated[int, msgspec.Meta(ge=1, le=31)]
    year: Annotated[int, msgspec.Meta(ge=1900, le=9999)] | None = None


class ChoiceView(msgspec.Struct, frozen=True):
    """Something that a member may choose for their birthday."""

    id: str
    names: dict[str, str]


class BirthdayView(msgspec.Struct, frozen=True):
    """What is known of a member's birthday, and what they may choose from now."""

    month: int
    day: int
    year: int | None
    given_at: datetime
    choices: list[ChoiceView]


class ChoiceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the member chose."""

    choice: Code


class ChosenView(msgspec.Struct, frozen=True):
    """What the member has for their birthday this year."""

    choice: str


class ShareBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to share: `badge/<id>`, `challenge/<id>`, `streak/<id>` or `milestone/<id>`."""

    award: Annotated[str, msgspec.Meta(pattern="^(badge|challenge|streak|milestone)/[a-z0-9_]{1,40}$")]


class ShareView(msgspec.Struct, frozen=True):
    """A link that may be given to anybody: `/shared/<token>`."""

    token: str
    path: str


class SharedView(msgspec.Struct, frozen=True):
    """An achievement without the person: words by language, how often it was won, and a code to join with."""

    programme: dict[str, str]
    achievement: dict[str, str]
    times: int
    referral_code: str


async def programme_at(caller: Caller, parts: EngagementParts, member_id: str) -> tuple[str, InForce]:
    """The partner whose programme holds: the one that calls, or for the operator the member's own; and what is in force
    there now. Raises UnknownMember."""
    partner_id = caller.partner_id
    if partner_id is None:
        async with parts.db.read() as read:
            partner_id = await home_of(read.connection, member_id)
    return partner_id, await parts.programmes.in_force(partner_id, parts.clock.now())


@post(
    "/members/{member_id:str}/referral-code", guards=[requires("members:read")], status_code=200,
    summary="The code that a member gives to friends", operation_id="getReferralCode",
)  # fmt: skip
async def referral_code(member_id: FromPath[str], parts: Parts) -> ReferralCodeView:
    """Made at the first asking; it stays the same."""
    async with parts.db.unit() as unit:
        return ReferralCodeView(await referral.code_of(unit, parts.clock, member_id))


@post(
    "/members/{member_id:str}/referral", dto=StrictBody[ReferralBody], return_dto=None,
    guards=[requires("members:write")], summary="Bind a new member to the friend who brought them",
    operation_id="bindReferral",
)  # fmt: skip
async def bind_referral(member_id: FromPath[str], data: JSONBody[ReferralBody], parts: Parts) -> ReferredView:
    """Once, before the first purchase; both are rewarded after that purchase has stood for the programme's hold."""
    async with parts.db.unit() as unit:
        await referral.bind(unit, parts.clock, member_id, data.code)
    return ReferredView(bound=True)


@get(
    "/members/{member_id:str}/referrals", guards=[requires("members:read")],
    summary="Friends that a member brought", operation_id="listReferrals",
)  # fmt: skip
async def list_referrals(member_id: FromPath[str], parts: Parts) -> ReferralsView:
    """How far each is, without saying who they are; the newest 200."""
    async with parts.db.read() as read:
        await home_of(read.connection, member_id)
        found = await referral.friends_of(read.connection, member_id)
    return ReferralsView([ReferralView(**asdict(friend)) for friend in found])


@put(
    "/members/{member_id:str}/birthday", dto=StrictBody[BirthdayBody], return_dto=None,
    guards=[requires("members:write")], summary="When a member was born", operation_id="setBirthday",
)  # fmt: skip
async def set_birthday(
    member_id: FromPath[str], data: JSONBody[BirthdayBody], caller: CallerIs, parts: Parts
) -> BirthdayView:
    """Kept apart from the ledger. A changed date counts only after a while and never gives a second time in a year."""
    async with parts.db.unit() as unit:
        await birthdays.give(unit, parts.clock, member_id, data.month, data.day, data.year)
    return await _birthday(member_id, caller, parts)


@get(
    "/members/{member_id:str}/birthday", guards=[requires("members:read")],
    summary="A member's birthday and its choices", operation_id="getBirthday",
)  # fmt: skip
async def get_birthday(member_id: FromPath[str], caller: CallerIs, parts: Parts) -> BirthdayView:
    """What was given, and what the member may choose from if it is their time."""
    return await _birthday(member_id, caller, parts)


@delete(
    "/members/{member_id:str}/birthday", guards=[requires("members:write")],
    summary="Forget a member's birthday", operation_id="deleteBirthday",
)  # fmt: skip
async def forget_birthday(member_id: FromPath[str], parts: Parts) -> None:
    """The date is gone; what was given for it stays given."""
    async with parts.db.unit() as unit:
        await birthdays.forget(unit, member_id)


@post(
    "/members/{member_id:str}/birthday-choice", dto=StrictBody[ChoiceBody], return_dto=None,
    guards=[requires("members:write")], summary="Choose what to get for a birthday", operation_id="chooseForBirthday",
)  # fmt: skip
async def choose_for_birthday(
    member_id: FromPath[str], data: JSONBody[ChoiceBody], caller: CallerIs, parts: Parts
) -> ChosenView:
    """One choice a year; it closes the others."""
    partner_id, in_force = await programme_at(caller, parts, member_id)
    await birthdays.choose(
        parts.db, parts.teller, parts.programmes, parts.clock, in_force, partner_id, member_id, data.choice
    )
    return ChosenView(data.choice)


@post(
    "/members/{member_id:str}/shares", dto=StrictBody[ShareBody], return_dto=None, guards=[requires("members:write")],
    summary="A link to an achievement", operation_id="shareAchievement",
)  # fmt: skip
async def share_achievement(
    member_id: FromPath[str], data: JSONBody[ShareBody], caller: CallerIs, parts: Parts
) -> ShareView:
    """The page behind it shows the achievement and a referral code: no name, balance or address."""
    partner_id, in_force = await programme_at(caller, parts, member_id)
    async with parts.db.unit() as unit:
        token = await sharing.share(unit, parts.clock, in_force, partner_id, member_id, data.award)
    return ShareView(token, f"/shared/{token}")


@delete(
    "/shares/{token:str}", guards=[requires("members:write")], summary="Withdraw a link", operation_id="withdrawShare"
)
async def withdraw_share(token: FromPath[str], parts: Parts) -> None:
    """Nothing is shown there any more; twice is no error."""
    async with parts.db.unit() as unit:
        await sharing.withdraw(unit, parts.clock, token)


@get("/shared/{token:str}", summary="What is behind a shared link", operation_id="getShared", tags=["engagement"])
async def get_shared(token: FromPath[str], parts: Parts) -> SharedView:
    """For anybody, without a key."""
    async with parts.db.read() as read:
        shown = await sharing.shared(read.connection, parts.programmes, parts.clock.now(), token)
    return SharedView(**asdict(shown))


async def _birthday(member_id: str, caller: Caller, parts: EngagementParts) -> BirthdayView:
    _, in_force = await programme_at(caller, parts, member_id)
    async with parts.db.read() as read:
        known = await birthdays.birthday(read.connection, member_id)
        if known is None:
            raise birthdays.BirthdayUnknown("The member has not said when they were born.")
        offered = await birthdays.choices(read.connection, in_force, member_id, parts.clock.now())
    names = [ChoiceView(c.id, {str(language): words for language, words in c.names.items()}) for c in offered]
    return BirthdayView(known.month, known.day, known.year, known.given_at, names)


engagement_router = Router(
    "/v1",
    route_handlers=[
        referral_code, bind_referral, list_referrals, set_birthday, get_birthday, forget_birthday,
        choose_for_birthday, share_achievement, withdraw_share,
    ],
    dependencies=AUTH_DEPENDENCIES,
    tags=["engagement"],
)  # fmt: skip
shared_router = Router("", route_handlers=[get_shared])
