"""What a till sees of a card, however it was shown: points, tier, what can be had now, what may be spent unproved."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from api.http.rewards import HeldVoucher, reward_name
from kernel.clock import Clock
from kernel.database import Connection, Database
from network.programmes import Programmes
from points.answers import UnknownMember
from points.book import VoucherState
from points.claims import Catalogue, catalogue
from points.members import MemberRow, find
from points.programme.face import in_language, tier_name
from points.programme.proving import unproved_left
from points.programme.version import InForce, Version
from points.statement import member_states


class CardParts(Protocol):
    """The parts that this uses."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def programmes(self) -> Programmes: ...


class ClaimableReward(msgspec.Struct, frozen=True):
    """A reward that the member can have now, and for how many points at least."""

    reward: str
    name: str
    kind: str
    points: int


class CardSummary(msgspec.Struct, frozen=True):
    """A card as it is now, by the programme in force at the calling partner."""

    balance: int
    frozen: bool
    tier: str | None
    tier_name: str | None
    claimable: list[ClaimableReward]
    vouchers: list[HeldVoucher]


@dataclass(frozen=True, slots=True)
class ShownCard:
    """Whose card it is, what it says, and the points that may be spent today without a proof (None: all)."""

    member: MemberRow
    card: CardSummary
    unproved_left: int | None


async def shown_card(parts: CardParts, member_id: str, partner_id: str, language: str) -> ShownCard:
    """The member's card as it is now, in `language`. Raises UnknownMember."""
    now = parts.clock.now()
    in_force = await parts.programmes.in_force(partner_id, now)
    async with parts.db.read() as read:
        member = await find(read.connection, member_id)
        if member is None:
            raise UnknownMember("There is no such member.")
        found = await catalogue(read.connection, member.id, in_force, now, partner_id)
        left = await _unproved_left(read.connection, member.id, in_force, parts.clock)
    versions = await _versions(parts, {voucher.version_id for voucher in found.vouchers})
    return ShownCard(member, _summary(found, in_force.version, versions, language), left)


async def _unproved_left(connection: Connection, member_id: str, in_force: InForce, clock: Clock) -> int | None:
    if in_force.version.programme.redemptions.proof is None:
        return None
    state = (await member_states(connection, [member_id]))[member_id]
    return unproved_left(in_force.version, state.standing, clock.now())


def _summary(found: Catalogue, version: Version, versions: dict[str, Version], language: str) -> CardSummary:
    return CardSummary(
        balance=found.balance,
        frozen=found.frozen,
        tier=found.tier,
        tier_name=tier_name(version, found.tier, language),
        claimable=[
            ClaimableReward(
                offer.reward.id, in_language(offer.reward.names, language, offer.reward.id), offer.reward.kind,
                offer.points,
            )
            for offer in found.ladder.offers
            if offer.claimable
        ],
        vouchers=[_voucher(voucher, versions[voucher.version_id], language) for voucher in found.vouchers],
    )  # fmt: skip


def _voucher(voucher: VoucherState, version: Version, language: str) -> HeldVoucher:
    return HeldVoucher(
        code=voucher.code,
        reward=voucher.reward,
        name=reward_name(version, voucher.reward, language),
        uses_left=voucher.uses_left,
        value=voucher.value_minor,
        valid_until=voucher.valid_until,
    )


async def _versions(parts: CardParts, ids: Iterable[str]) -> dict[str, Version]:
    known = parts.programmes.versions
    await known.ensure(ids)
    return {version_id: known[version_id] for version_id in ids}
