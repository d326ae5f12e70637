"""The whole file."""

from typing import Annotated, Literal

import msgspec

from points.programme.schema.basics import Id, Language, LocalDate, Money, Node, Number, Share, TimeOfDay, Words
from points.programme.schema.campaigns import Campaign
from points.programme.schema.earning import EarnBase, EarnRule
from points.programme.schema.engagement import Engagement
from points.programme.schema.lifecycle import Adjustments, Arrears, Households, Lots, Redemptions, Transfers
from points.programme.schema.misuse import Misuse
from points.programme.schema.rewards import Benefit, Conversion, Reward
from points.programme.schema.segments import Holdout, Segment
from points.programme.schema.tiers import Tiers


class Unit(Node, frozen=True, kw_only=True):
    """The point: its code, its names (singular, plural) and what one is worth to a member.

    `label` stands above the balance on the card (default: the plural).
    """

    code: Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Z0-9]{0,11}$")] = "PT"
    names: dict[Language, tuple[str, str]] = {}
    label: Words | None = None
    value: Money | None = None


class Goal(Node, frozen=True, kw_only=True):
    """What the programme is for, and when it is looked at again."""

    metric: Literal["retention_rate", "repeat_purchase_rate", "redemption_rate", "active_rate", "average_order_value"]
    target: Number
    review_on: LocalDate


class PartnerRole(Node, frozen=True, kw_only=True):
    """A partner by the name that this file uses; publishing says which partner that is."""

    name: str
    roles: tuple[Literal["issuer", "acceptor", "sponsor", "operator", "charity"], ...] = ("issuer", "acceptor")


class RewardBand(Node, frozen=True, kw_only=True):
    """Between which effective reward rates (reward value by money spent) the programme is meant to be."""

    low: Share
    high: Share


class Programme(Node, frozen=True, kw_only=True):
    """A programme as its file says it. `zone` is an IANA time zone; the business day starts at `day_starts`."""

    programme: Id
    names: Words
    zone: str
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
    format: Literal[1] = 1
    day_starts: TimeOfDay = "00:00"
    unit: Unit = Unit()
    goal: Goal | None = None
    partners: dict[Id, PartnerRole] = {}
    locations: dict[Id, str] = {}
    earn_base: EarnBase = EarnBase()
    earn: tuple[EarnRule, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    tiers: Tiers | None = None
    rewards: tuple[Reward, ...] = ()
    conversion: Conversion | None = None
    benefits: tuple[Benefit, ...] = ()
    lots: Lots = Lots()
    arrears: Arrears = Arrears()
    adjustments: Adjustments = Adjustments()
    transfers: Transfers | None = None
    households: Households | None = None
    redemptions: Redemptions = Redemptions()
    misuse: Misuse = Misuse()
    engagement: Engagement = Engagement()
    segments: tuple[Segment, ...] = ()
    holdouts: tuple[Holdout, ...] = ()
    sensitive_categories: tuple[str, ...] = ()
    reward_band: RewardBand | None = None
