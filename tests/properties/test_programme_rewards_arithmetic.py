"""Points and money of rewards: no point is taken for nothing, no limit is passed, for any numbers."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from math import floor
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import CommonpointError
from points.book import CapState, VoucherState
from points.programme.reward_eligibility import Claimant
from points.programme.reward_price import most_of_basket, tender
from points.programme.rewards import Wish, auto_issues, ladder, price_claim
from points.programme.schema.basics import Limit
from points.programme.schema.programme import Programme, Unit
from points.programme.schema.rewards import Reward, Stock
from points.programme.version import Version
from points.programme.voucher_value import Use, use_voucher

NOON = datetime(2026, 3, 1, 10, tzinfo=UTC)
values = st.decimals(min_value="0.0001", max_value="20", places=4)
points = st.integers(0, 100_000)
minor = st.integers(0, 1_000_000)


def of(value: Decimal, *rewards: Reward) -> Version:
    return Version(
        "v1",
        Programme(
            programme="cafe", names={"en": "Café"}, zone="Europe/Helsinki", currency="EUR", unit=Unit(value=value),
            rewards=rewards,
        ),
    )  # fmt: skip


Answer = TypeVar("Answer")


def refused_or(ask: Callable[[], Answer]) -> Answer | CommonpointError:
    """The answer, or the refusal as a value."""
    try:
        return ask()
    except CommonpointError as refused:
        return refused


def cash(step: int, share: Decimal | None = None) -> Reward:
    return Reward(id="cash", names={"en": "Cash"}, kind="points_as_money", multiple_of=step, max_share=share)


@given(values, st.integers(1, 500), points, st.none() | minor)
def test_a_payment_is_the_largest_within_bounds_and_the_cheapest_for_it(
    value: Decimal, step: int, balance: int, most: int | None
) -> None:
    version, reward = of(value), cash(step)
    paid = tender(version, reward, balance, most)
    each = Fraction(value) * 100
    assert 0 <= paid.points <= balance
    assert paid.points % step == 0
    assert paid.money_minor == floor(paid.points * each)
    assert most is None or paid.money_minor <= most
    if paid.points:
        assert floor((paid.points - step) * each) < paid.money_minor, "fewer points would buy as much"
    following = paid.points + step
    while following <= balance and floor(following * each) == paid.money_minor:
        following += step
    more = floor(following * each)
    assert following > balance or (most is not None and more > most), "more could have been paid"


@given(st.decimals(min_value="0.001", max_value="2", places=3), st.integers(1, 100), points, minor, minor)
def test_a_bigger_purchase_or_balance_never_pays_less(
    value: Decimal, step: int, balance: int, most: int, extra: int
) -> None:
    version, reward = of(value), cash(step)
    base = tender(version, reward, balance, most).money_minor
    assert tender(version, reward, balance + extra, most).money_minor >= base
    assert tender(version, reward, balance, most + extra).money_minor >= base


@given(
    st.decimals(min_value="0.001", max_value="2", places=3),
    st.decimals(min_value="0.01", max_value="1", places=2),
    points,
    st.integers(1, 1_000_000),
    st.none() | st.integers(1, 100_000),
)
def test_points_as_money_never_exceed_balance_wish_or_share(
    value: Decimal, share: Decimal, balance: int, basket: int, wish: int | None
) -> None:
    reward = cash(1, share)
    version = of(value, reward)
    claimant = Claimant(at=NOON, spendable=balance)
    made = refused_or(lambda: price_claim(version, "cash", claimant, Wish(points=wish, basket_minor=basket)))
    if isinstance(made, CommonpointError):
        assert made.code in {"insufficient_points", "basket_too_small", "not_a_multiple"}
        return
    assert 0 < made.points <= min(balance, wish or balance)
    assert made.worth_minor is not None
    assert 0 < made.worth_minor <= most_of_basket(reward, basket) <= basket


@given(st.lists(st.integers(1, 500), min_size=1, max_size=8, unique=True), st.integers(0, 600))
def test_the_ladder_parts_at_the_balance(costs: list[int], balance: int) -> None:
    rewards = [Reward(id=f"r{cost}", names={"en": "R"}, kind="product", cost=cost) for cost in costs]
    version, claimant = of(Decimal("0.01"), *rewards), Claimant(at=NOON, spendable=balance)
    seen = ladder(version, claimant)
    assert [offer.points for offer in seen.claimable] == sorted(cost for cost in costs if cost <= balance)
    beyond = [cost for cost in costs if cost > balance]
    assert (seen.next.points if seen.next else None) == (min(beyond) if beyond else None)
    assert seen.distance == (min(beyond) - balance if beyond else None)
    for offer in seen.offers:
        answer = refused_or(partial(price_claim, version, offer.reward.id, claimant))
        if isinstance(answer, CommonpointError):
            assert answer.facts["short"] == offer.points - balance
        assert offer.claimable == (not isinstance(answer, CommonpointError)), "the card and the claim must agree"


@given(
    st.integers(1, 50),
    st.integers(0, 400),
    st.none() | st.integers(1, 5),
    st.none() | st.integers(1, 5),
    st.integers(0, 5),
)
def test_what_issues_itself_leaves_less_than_a_price_unless_something_stops_it(
    cost: int, balance: int, times: int | None, stock: int | None, used: int
) -> None:
    reward = Reward(
        id="cup", names={"en": "Cup"}, kind="product", cost=cost, auto_issue=True,
        per_member=None if times is None else Limit(times=times, per="day"),
        stock=None if stock is None else Stock(count=stock),
    )  # fmt: skip
    cap = "cafe/cup/stock/ever"
    caps = {} if stock is None else {cap: CapState(cap, stock, min(used, stock))}
    issued = auto_issues(of(Decimal("0.01"), reward), Claimant(at=NOON, spendable=balance), caps)
    left = balance - sum(made.points for made in issued)
    room = min(times or 50, 50 if stock is None else stock - min(used, stock), 50)
    assert len(issued) == min(room, balance // cost)
    assert left >= 0


@given(st.integers(1, 10_000), st.integers(1, 6), st.lists(st.integers(1, 4000), min_size=1, max_size=8))
def test_a_code_never_pays_more_than_its_value_nor_more_often_than_its_uses(
    value: int, uses: int, baskets: list[int]
) -> None:
    version = of(Decimal("0.01"))
    state = VoucherState("v", "C", "statement", "v1", "ptn_a", "j", "issued", None, uses, value)
    paid, times = 0, 0
    for basket in baskets:
        done = refused_or(partial(use_voucher, version, state, "mbr", Use(at=NOON, basket_minor=basket)))
        if isinstance(done, CommonpointError):
            assert (done.code, state.state) == ("voucher_used", "used")
            continue
        assert done.money_minor is not None
        assert done.money_minor <= basket
        state, paid, times = done.voucher, paid + done.money_minor, times + 1
        assert state.value_minor == value - paid
    assert paid <= value
    assert times <= uses
