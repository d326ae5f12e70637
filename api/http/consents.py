"""/v1/members/…: consents with their evidence, memberships, and offers that members switch on."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from api.auth import AUTH_DEPENDENCIES, CallerIs, partner_of, requires
from api.body import StrictBody
from api.http.engagement import Parts, programme_at
from network.keys import Caller
from points.engagement import consents, memberships, offers
from points.programme.schema.segments import Consent

Evidence = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Named = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$", max_length=40)]


class ConsentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A consent given or withdrawn: `evidence` names the words that were shown, `channel` where."""

    kind: Consent
    given: bool
    evidence: Evidence
    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] = "till"


class ConsentView(msgspec.Struct, frozen=True):
    """A consent as recorded; never edited."""

    id: str
    kind: str
    given: bool
    evidence: str
    channel: str
    partner_id: str
    recorded_at: datetime


class ConsentsView(msgspec.Struct, frozen=True):
    """What holds now, and how it came to it (newest first)."""

    now: dict[str, bool]
    data: list[ConsentView]


class MembershipBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A membership from a moment (default: now) until another (default: open); a new record replaces the older one."""

    membership: Named
    from_: datetime | None = None
    until: datetime | None = None
    evidence: Evidence | None = None


class MembershipView(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """A membership and its validity."""

    membership: str
    from_: datetime
    until: datetime | None
    evidence: str
    recorded_at: datetime


class MembershipsView(msgspec.Struct, frozen=True):
    """A member's memberships, also those that are over."""

    data: list[MembershipView]


class OfferBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An offer (a campaign that is switched on by members)."""

    campaign: Named
    on: bool = True


class OfferView(msgspec.Struct, frozen=True):
    """An offer and whether the member has it on."""

    campaign: str
    names: dict[str, str]
    on: bool


class OffersView(msgspec.Struct, frozen=True):
    """The offers that the programme has for switching on."""

    data: list[OfferView]


@post(
    "/members/{member_id:str}/consents", dto=StrictBody[ConsentBody], return_dto=None,
    guards=[requires("members:write")], summary="Give or withdraw a consent", operation_id="recordConsent",
)  # fmt: skip
async def record_consent(
    member_id: FromPath[str], data: JSONBody[ConsentBody], caller: CallerIs, parts: Parts
) -> ConsentView:
    """In effect at once; each record stays as evidence."""
    made = await consents.record(
        parts.db,
        parts.teller,
        parts.clock,
        partner_of(caller),
        member_id,
        data.kind,
        data.given,
        data.evidence,
        data.channel,
    )
    return ConsentView(**asdict(made))


@get(
    "/members/{member_id:str}/consents", guards=[requires("members:read")], summary="A member's consents",
    operation_id="listConsents",
)  # fmt: skip
async def list_consents(member_id: FromPath[str], parts: Parts) -> ConsentsView:
    """What holds now, and every record of the last 500."""
    async with parts.db.read() as read:
        history = await consents.history(read.connection, member_id)
    return ConsentsView(consents.in_effect(history), [ConsentView(**asdict(one)) for one in history])


@post(
    "/members/{member_id:str}/memberships", dto=StrictBody[MembershipBody], return_dto=None,
    guards=[requires("members:write")], summary="A membership begins, changes or ends",
    operation_id="recordMembership",
)  # fmt: skip
async def record_membership(
    member_id: FromPath[str], data: JSONBody[MembershipBody], caller: CallerIs, parts: Parts
) -> MembershipView:
    """It holds from its first moment until (not including) its last, to the second."""
    made = await memberships.record(
        parts.db,
        parts.teller,
        parts.clock,
        partner_of(caller),
        member_id,
        data.membership,
        data.from_ or parts.clock.now(),
        data.until,
        data.evidence or _recorded_by(caller),
    )
    return _membership(made)


@get(
    "/members/{member_id:str}/memberships", guards=[requires("members:read")], summary="A member's memberships",
    operation_id="listMemberships",
)  # fmt: skip
async def list_memberships(member_id: FromPath[str], parts: Parts) -> MembershipsView:
    """The latest record of each."""
    async with parts.db.read() as read:
        found = await memberships.memberships(read.connection, member_id)
    return MembershipsView([_membership(one) for one in found])


@post(
    "/members/{member_id:str}/offers", dto=StrictBody[OfferBody], return_dto=None, guards=[requires("members:write")],
    summary="Switch an offer on or off", operation_id="switchOffer",
)  # fmt: skip
async def switch_offer(
    member_id: FromPath[str], data: JSONBody[OfferBody], caller: CallerIs, parts: Parts
) -> OffersView:
    """It counts from the next purchase on."""
    partner_id, in_force = await programme_at(caller, parts, member_id)
    await offers.switch(parts.db, parts.teller, parts.clock, in_force, partner_id, member_id, data.campaign, data.on)
    return await _offers(member_id, caller, parts)


@get(
    "/members/{member_id:str}/offers", guards=[requires("members:read")], summary="Offers that can be switched on",
    operation_id="listOffers",
)  # fmt: skip
async def list_offers(member_id: FromPath[str], caller: CallerIs, parts: Parts) -> OffersView:
    """Those of the programme, and whether the member has them on."""
    return await _offers(member_id, caller, parts)


async def _offers(member_id: str, caller: Caller, parts: Parts) -> OffersView:
    _, in_force = await programme_at(caller, parts, member_id)
    async with parts.db.read() as read:
        on = set(await offers.switched_on(read.connection, member_id))
    return OffersView(
        [
            OfferView(one.id, {str(language): words for language, words in (one.names or {}).items()}, one.id in on)
            for one in offers.offers_of(in_force)
        ]
    )


def _membership(made: memberships.Membership) -> MembershipView:
    return MembershipView(made.name, made.valid_from, made.valid_until, made.evidence, made.recorded_at)


def _recorded_by(caller: Caller) -> str:
    return f"recorded with the key {caller.key_id}"


consents_router = Router(
    "/v1",
    route_handlers=[
        record_consent, list_consents, record_membership, list_memberships, switch_offer, list_offers,
    ],
    dependencies=AUTH_DEPENDENCIES,
    tags=["consents"],
)  # fmt: skip
