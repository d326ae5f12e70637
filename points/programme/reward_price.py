"""What a reward costs, and what points are worth in money: exact, in whole points and whole minor units.

Points as money: the member pays the fewest points that buy a whole number of minor units, in multiples of the reward's
step, so that no point is taken for nothing.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from kernel.money import decimals
from points.programme.reward_refusals import PointHasNoValue
from points.programme.schema.rewards import Reward
from points.programme.version import Version

FREE_COST = frozenset({"points_as_money", "donation"})


@dataclass(frozen=True, slots=True)
class Tendered:
    """Points used as money, and the minor units that they pay."""

    points: int
    money_minor: int


def minor_of(version: Version, money: Decimal) -> int:
    """An amount of a programme file in minor units of its currency, rounded down (files have no finer ones)."""
    return floor(Fraction(money) * _minor_per_unit(version))


def point_value(version: Version) -> Fraction:
    """What a point is worth to a member, in minor units, exactly. Raises PointHasNoValue."""
    value = version.programme.unit.value
    if value is None or value <= 0:
        raise PointHasNoValue("The programme does not say what a point is worth.")
    return Fraction(value) * _minor_per_unit(version)


def cost_of(reward: Reward, tier: str | None) -> int | None:
    """Points that the reward costs a member of `tier`; None if it has no price for them."""
    return reward.cost_by_tier.get(tier, reward.cost) if tier is not None else reward.cost


def tender(version: Version, reward: Reward, points: int, most_minor: int | None) -> Tendered:
    """The largest payment of at most `most_minor` (None: no bound) with at most `points`, by the fewest points for it.

    Nothing at all is `Tendered(0, 0)`. Raises PointHasNoValue.
    """
    value, step = point_value(version), reward.multiple_of
    usable = points - points % step
    if most_minor is not None:
        # floor(n * value) <= most  <=>  n * value < most + 1  <=>  n < (most + 1) / value
        within = ceil((most_minor + 1) / value) - 1
        usable = min(usable, within - within % step)
    if usable <= 0:
        return Tendered(0, 0)
    money = floor(usable * value)
    fewest = step * ceil(Fraction(ceil(money / value), step))
    return Tendered(fewest, money) if money else Tendered(0, 0)


def smallest_tender(version: Version, reward: Reward) -> Tendered:
    """The fewest points that pay anything at all. Raises PointHasNoValue."""
    step, value = reward.multiple_of, point_value(version)
    points = step * ceil(Fraction(ceil(1 / value), step))
    return Tendered(points, floor(points * value))


def most_of_basket(reward: Reward, basket_minor: int) -> int:
    """How much of a purchase points may pay, in minor units, rounded down."""
    share = Fraction(1) if reward.max_share is None else Fraction(reward.max_share)
    return floor(basket_minor * share)


def money_off(version: Version, reward: Reward, basket_minor: int | None) -> int | None:
    """What the reward takes off a purchase, in minor units; None if that depends on a purchase not yet known, or if
    the reward is not money. Never more than the purchase."""
    if reward.kind == "amount_off" and reward.amount is not None:
        amount = minor_of(version, reward.amount)
        return amount if basket_minor is None else min(amount, basket_minor)
    if reward.kind == "percent_off" and reward.percent is not None and basket_minor is not None:
        return floor(basket_minor * Fraction(reward.percent))
    return None


def _minor_per_unit(version: Version) -> int:
    return int(10 ** decimals(version.programme.currency))
