"""The figures of a simulated programme: integers and exact fractions; formatting is somebody else's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Wait:
    """How long members waited for something, in days from joining: how many got it, and of those the median and the
    90th percentile (nearest rank); None if nobody did."""

    reached: int
    p50_days: int | None
    p90_days: int | None


@dataclass(frozen=True, slots=True)
class RewardFigures:
    """A reward: how many members ever had the points for it (those spent on other rewards counted as well), how many
    had it, how often, for how many points, at which cost in minor units (None: nobody says)."""

    id: str
    name: str
    reached: int
    members: int
    times: int
    points: int
    cost_minor: Fraction | None


@dataclass(frozen=True, slots=True)
class TierFigures:
    """A tier: how many members were ever in it, and how many are at the end."""

    id: str
    name: str
    reached: int
    at_end: int


@dataclass(frozen=True, slots=True)
class Day:
    """A day on which points moved: what moved on it, and what members hold at its end (`open`: what can be spent,
    waits or is held; `owed`: arrears)."""

    day: date
    issued: int
    withdrawn: int
    redeemed: int
    expired: int
    open: int
    owed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a programme did over a history. Points are whole, money is in minor units of `currency`.

    `issued` is what was ever promised, `withdrawn` what refunds took back, `open` what members hold at the end.
    `breakage_declared` is the share of open points that is expected never to be used; it lowers the liability alone.
    """

    version_id: str
    programme: str
    name: str
    currency: str
    first: date | None
    last: date | None
    members: int
    purchases: int
    events: int
    refunds: int
    refused: Mapping[str, int]
    revenue_minor: int
    issued: int
    withdrawn: int
    redeemed: int
    expired: int
    open: int
    owed: int
    cost_minor: Fraction | None
    per_point_minor: Fraction | None
    breakage_declared: Fraction
    to_claimable: Wait
    to_redeemed: Wait
    rewards: tuple[RewardFigures, ...]
    tiers: tuple[TierFigures, ...]
    days: tuple[Day, ...]

    @property
    def liability_minor(self) -> Fraction | None:
        """What the open points cost when those that are expected to be used are used."""
        return self.liability_of(self.open)

    def liability_of(self, points: int) -> Fraction | None:
        """The liability of so many open points; None if nobody says what a point costs."""
        if self.per_point_minor is None:
            return None
        return points * self.per_point_minor * (1 - self.breakage_declared)

    @property
    def breakage(self) -> Fraction | None:
        """Expired points by all that were issued and not taken back by refunds."""
        return share(self.expired, self.issued - self.withdrawn)

    @property
    def redemption_rate(self) -> Fraction | None:
        """Redeemed points by all that were issued and not taken back by refunds."""
        return share(self.redeemed, self.issued - self.withdrawn)

    @property
    def reward_rate(self) -> Fraction | None:
        """The effective reward rate: what redeemed rewards cost by what members paid."""
        return None if self.cost_minor is None else share(self.cost_minor, self.revenue_minor)

    @property
    def promised_rate(self) -> Fraction | None:
        """The reward rate if every point that was issued and not taken back were used."""
        if self.per_point_minor is None:
            return None
        return share(self.per_point_minor * (self.issued - self.withdrawn), self.revenue_minor)


def share(part: int | Fraction, whole: int | Fraction) -> Fraction | None:
    """`part` by `whole`; None if there is no whole."""
    return Fraction(part) / whole if whole > 0 else None


def wait_of(days: Sequence[int]) -> Wait:
    """The waiting times of those who got it."""
    ordered = sorted(days)
    return Wait(len(ordered), percentile(ordered, 50), percentile(ordered, 90))


def percentile(ordered: Sequence[int], percent: int) -> int | None:
    """The nearest-rank percentile of values in rising order: the least that `percent` of them do not exceed."""
    if not ordered:
        return None
    return ordered[max(-(-percent * len(ordered) // 100), 1) - 1]
