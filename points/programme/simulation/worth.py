"""What rewards and points cost whoever runs the programme, in minor units, exactly; None where nobody says.

A file says what a reward is worth where that is money (an amount off, a partner's price). What a cup of coffee costs
the merchant it does not say: that is told to the simulation, by reward or by point.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from kernel.money import decimals
from points.programme.fair_change import worth_of_a_point
from points.programme.schema.programme import Programme
from points.programme.schema.rewards import Reward


@dataclass(frozen=True, slots=True)
class Told:
    """What the simulation was told: minor units per point, and per claim of a reward (by its id)."""

    per_point: Fraction | None = None
    per_reward: Mapping[str, Fraction] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Costs:
    """Minor units per claim of a reward, and per point for what has no price of its own."""

    per_point: Fraction | None
    per_reward: Mapping[str, Fraction]

    def of(self, reward: str | None, points: int) -> Fraction | None:
        """What a redemption of `points` for a reward (None: for nothing in particular) costs."""
        known = self.per_reward.get(reward) if reward is not None else None
        if known is not None:
            return known
        if points == 0:
            return Fraction(0)
        return None if self.per_point is None else self.per_point * points


def costs_of(programme: Programme, told: Told) -> Costs:
    """What is told goes before what the file says. A point costs, in this order: what is told, the unit's value, the
    most that any reward gives per point."""
    minor = int(10 ** decimals(programme.currency))
    stated: dict[str, Fraction] = {}
    for reward in programme.rewards:
        price = told.per_reward.get(reward.id, _stated(reward, minor))
        if price is not None:
            stated[reward.id] = price
    if told.per_point is not None:
        return Costs(told.per_point, stated)
    if programme.unit.value is not None:
        return Costs(Fraction(programme.unit.value) * minor, stated)
    rates = [stated[reward.id] / reward.cost for reward in programme.rewards if reward.id in stated and reward.cost]
    most = max([*rates, worth_of_a_point(programme) * minor])
    return Costs(most or None, stated)


def _stated(reward: Reward, minor: int) -> Fraction | None:
    # Points as money and donations have no price of their own: they are worth their points.
    if reward.kind in ("points_as_money", "donation"):
        return None
    if reward.price is not None:
        return Fraction(reward.price) * minor
    return None if reward.amount is None else Fraction(reward.amount) * reward.uses * minor
