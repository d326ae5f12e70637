"""The rules of a programme as values."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class EarnRule:
    """`points` for every `per_minor` minor units of money, exactly; whole points are given, the rest is carried.

    `id` names the version of the rule, so that an entry can say what it was computed under.
    """

    id: str
    points: int
    per_minor: int

    @property
    def rate(self) -> Fraction:
        """Points per minor unit, exact."""
        return Fraction(self.points, self.per_minor)


@dataclass(frozen=True, slots=True)
class Tier:
    """A status that a member reaches with `from_points` points earned in all; spending does not lower it."""

    name: str
    from_points: int


@dataclass(frozen=True, slots=True)
class Reward:
    """Something to choose for `cost` points."""

    name: str
    cost: int


@dataclass(frozen=True, slots=True)
class Programme:
    """What a member can reach: tiers by points earned in all, rewards by balance; both in rising order."""

    name: str
    tiers: tuple[Tier, ...]
    rewards: tuple[Reward, ...]

    def __post_init__(self) -> None:
        if not self.tiers or self.tiers[0].from_points != 0:
            raise ValueError("the first tier must start at 0 points")
        _must_rise([tier.from_points for tier in self.tiers], "tiers")
        _must_rise([reward.cost for reward in self.rewards], "rewards")

    def tier_at(self, earned_in_all: int) -> Tier:
        """The highest tier that `earned_in_all` points reach."""
        return next(tier for tier in reversed(self.tiers) if earned_in_all >= tier.from_points or tier is self.tiers[0])

    def next_reward(self, balance: int) -> Reward | None:
        """The cheapest reward that `balance` does not reach yet, or None when all are reached."""
        return next((reward for reward in self.rewards if reward.cost > balance), None)

    def reached(self, balance: int) -> Reward | None:
        """The dearest reward that `balance` pays for, or None."""
        return next((reward for reward in reversed(self.rewards) if reward.cost <= balance), None)


def _must_rise(numbers: list[int], what: str) -> None:
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise ValueError(f"{what} must be in rising order")


# The programme of this version of the service. Names are keys of translated texts.
COALITION = Programme(
    name="Commonpoint",
    tiers=(Tier("member", 0), Tier("silver", 500), Tier("gold", 2000)),
    rewards=(Reward("coffee", 25), Reward("lunch", 100), Reward("gift_card_5", 250), Reward("gift_card_20", 900)),
)
