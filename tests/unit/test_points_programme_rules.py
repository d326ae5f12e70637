"""Tiers, rewards and the earning rate as values."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points.programme.rules import COALITION, EarnRule, Programme, Reward, Tier

PROGRAMME = Programme(
    name="Test",
    tiers=(Tier("Member", 0), Tier("Silver", 500), Tier("Gold", 2000)),
    rewards=(Reward("Coffee", 25), Reward("Lunch", 100)),
)


@pytest.mark.parametrize(("points", "per_minor", "rate"), [(1, 100, "1/100"), (3, 200, "3/200"), (10, 5, "2")])
def test_a_rate_is_exact(points: int, per_minor: int, rate: str) -> None:
    assert EarnRule("trm_1", points, per_minor).rate == Fraction(rate)


@pytest.mark.parametrize(
    ("earned", "tier"),
    [
        (-5, "Member"),
        (0, "Member"),
        (499, "Member"),
        (500, "Silver"),
        (1999, "Silver"),
        (2000, "Gold"),
        (10**9, "Gold"),
    ],
)
def test_the_tier_is_the_highest_that_is_reached(earned: int, tier: str) -> None:
    assert PROGRAMME.tier_at(earned).name == tier


@pytest.mark.parametrize(
    ("balance", "reached", "following"),
    [
        (0, None, "Coffee"),
        (24, None, "Coffee"),
        (25, "Coffee", "Lunch"),
        (99, "Coffee", "Lunch"),
        (100, "Lunch", None),
        (5000, "Lunch", None),
    ],
)
def test_rewards_are_reached_by_balance(balance: int, reached: str | None, following: str | None) -> None:
    best, following_reward = PROGRAMME.reached(balance), PROGRAMME.next_reward(balance)
    assert (best and best.name, following_reward and following_reward.name) == (reached, following)


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_more_points_never_mean_less(one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert COALITION.tier_at(less).from_points <= COALITION.tier_at(more).from_points <= more
    low, high = COALITION.reached(less), COALITION.reached(more)
    assert (low.cost if low else 0) <= (high.cost if high else 0) <= more


def test_a_programme_without_rewards_or_with_one_tier_is_fine() -> None:
    bare = Programme("Bare", (Tier("Member", 0),), ())
    assert (bare.tier_at(99).name, bare.reached(99), bare.next_reward(0)) == ("Member", None, None)


@pytest.mark.parametrize(
    ("tiers", "rewards", "fault"),
    [
        pytest.param((), (), "start at 0", id="no tiers"),
        pytest.param((Tier("A", 1),), (), "start at 0", id="nobody is in the first tier"),
        pytest.param((Tier("A", 0), Tier("B", 0)), (), "tiers must be in rising", id="two tiers at once"),
        pytest.param((Tier("A", 0), Tier("B", 9), Tier("C", 5)), (), "tiers must be in rising", id="falling tiers"),
        pytest.param((Tier("A", 0),), (Reward("x", 9), Reward("y", 9)), "rewards must be in rising", id="same cost"),
        pytest.param((Tier("A", 0),), (Reward("x", 9), Reward("y", 3)), "rewards must be in rising", id="falling cost"),
    ],
)
def test_tiers_and_rewards_must_rise(tiers: tuple[Tier, ...], rewards: tuple[Reward, ...], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Programme("Odd", tiers, rewards)
