"""/v1/members/{id}/rewards: what a member can have for their points, and what comes next."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Router, get
from litestar.params import FromPath

from api.auth import caller_of, requires
from api.http.entries import EntryParts, HotRequest, language_of, parts_of
from points.claims import Catalogue, catalogue
from points.engagement.ports import home_of
from points.programme.face import in_language
from points.programme.rewards import Offer, find_reward
from points.programme.version import Version


class ReasonView(msgspec.Struct, frozen=True):
    """Why a reward cannot be had now: a stable code, a sentence, and its numbers."""

    code: str
    detail: str
    facts: dict[str, Any]


class OfferView(msgspec.Struct, frozen=True):
    """A reward of the catalogue: from how many points, and what is in the way. `short` are the points that lack."""

    reward: str
    name: str
    kind: str
    points: int
    claimable: bool
    short: int
    reasons: list[ReasonView]


class NextView(msgspec.Struct, frozen=True):
    """The next reward that only points are lacking for, and how many."""

    reward: str
    name: str
    points: int
    distance: int


class HeldVoucher(msgspec.Struct, frozen=True):
    """A code that the member holds. `value` is what is left of an amount, in minor units."""

    code: str
    reward: str
    name: str
    uses_left: int
    value: int | None
    valid_until: datetime | None


class RewardsView(msgspec.Struct, frozen=True):
    """A member's catalogue at a partner, in rising order of points, and the codes that they hold. More than
    `unproved_left` points need a proof that the member is there, or agrees (null: none does)."""

    member_id: str
    balance: int
    frozen: bool
    tier: str | None
    next: NextView | None
    rewards: list[OfferView]
    vouchers: list[HeldVoucher]
    unproved_left: int | None


@get(
    "/members/{member_id:str}/rewards", guards=[requires("members:read")],
    summary="What a member can have now, and what is next", operation_id="getRewards",
)  # fmt: skip
async def get_rewards(member_id: FromPath[str], request: HotRequest) -> RewardsView:
    """By the programme in force at the calling partner; for the operator, at the partner where the member joined."""
    parts = parts_of(request)
    now, caller = parts.clock.now(), caller_of(request)
    async with parts.db.read() as read:
        partner_id = caller.partner_id or await home_of(read.connection, member_id)
        in_force = await parts.programmes.in_force(partner_id, now, read.connection)
        found = await catalogue(read.connection, member_id, in_force, now, caller.partner_id)
    versions = await _versions(parts, found.vouchers)
    return _view(found, versions, in_force.version, language_of(request))


def reward_name(version: Version, reward_id: str, language: str) -> str:
    """What a reward, or a statement's voucher, is called."""
    reward, conversion = find_reward(version, reward_id), version.programme.conversion
    if reward is not None:
        return in_language(reward.names, language, reward_id)
    return in_language(conversion.names if conversion else None, language, reward_id)


async def _versions(parts: EntryParts, vouchers: Any) -> dict[str, Version]:
    known = parts.programmes.versions
    ids = {voucher.version_id for voucher in vouchers}
    await known.ensure(ids)
    return {version_id: known[version_id] for version_id in ids}


def _view(found: Catalogue, versions: dict[str, Version], version: Version, language: str) -> RewardsView:
    following = found.ladder.next
    return RewardsView(
        member_id=found.member_id,
        balance=found.balance,
        frozen=found.frozen,
        tier=found.tier,
        next=None
        if following is None
        else NextView(
            reward=following.reward.id,
            name=in_language(following.reward.names, language, following.reward.id),
            points=following.points,
            distance=found.ladder.distance or 0,
        ),
        rewards=[_offer(offer, language) for offer in found.ladder.offers],
        vouchers=[
            HeldVoucher(
                code=voucher.code,
                reward=voucher.reward,
                name=reward_name(versions[voucher.version_id], voucher.reward, language),
                uses_left=voucher.uses_left,
                value=voucher.value_minor,
                valid_until=voucher.valid_until,
            )
            for voucher in found.vouchers
        ],
        unproved_left=found.unproved_left,
    )


def _offer(offer: Offer, language: str) -> OfferView:
    return OfferView(
        reward=offer.reward.id,
        name=in_language(offer.reward.names, language, offer.reward.id),
        kind=offer.reward.kind,
        points=offer.points,
        claimable=offer.claimable,
        short=max((int(str(r.facts["short"])) for r in offer.refusals if "short" in r.facts), default=0),
        reasons=[ReasonView(refusal.code, refusal.detail, dict(refusal.facts)) for refusal in offer.refusals],
    )


rewards_router = Router("/v1", route_handlers=[get_rewards], tags=["rewards"])
