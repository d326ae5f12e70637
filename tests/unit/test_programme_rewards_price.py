"""What a reward costs whom, and when it is refused: every reason with its numbers."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from kernel.errors import CommonpointError, Conflict, Forbidden, Invalid, NotFound
from points.book import CapState, LotState
from points.programme.reward_eligibility import Claimant, later_points
from points.programme.rewards import Priced, Wish, price_claim
from points.programme.schema.basics import Limit, Match, Nth, Schedule, When
from points.programme.schema.lifecycle import Redemptions
from points.programme.schema.programme import Programme, Unit
from points.programme.schema.rewards import Reward, Stock
from points.programme.standing import Standing
from points.programme.version import Version

# A Sunday noon in Helsinki.
NOON = datetime(2026, 3, 1, 10, tzinfo=UTC)
TODAY = NOON.date().toordinal()


def of(*rewards: Reward, value: str | None = "0.01", **more: Any) -> Version:
    """A version with these rewards; a point is worth a cent."""
    unit = Unit(value=None if value is None else Decimal(value))
    fields: dict[str, Any] = {"names": {"en": "Café"}, "zone": "Europe/Helsinki", "currency": "EUR", **more}
    return Version("v1", Programme(programme="cafe", unit=unit, rewards=rewards, **fields))


def reward(reward_id: str = "drink", kind: Any = "product", cost: int | None = 100, **more: Any) -> Reward:
    return Reward(id=reward_id, names={"en": "Drink"}, kind=kind, cost=cost, **more)


def claim(one: Reward, wish: Wish | None = None, caps: dict[str, CapState] | None = None, **who: Any) -> Priced:
    """A claim of the reward by a member with 1,000 points unless said otherwise."""
    return price_claim(of(one), one.id, Claimant(**{"at": NOON, "spendable": 1000, **who}), wish, caps or {})


def counted(**counts: int) -> Standing:
    """A standing with counters of today; `__` in a name stands for `/`."""
    return Standing(counts={name.replace("__", "/"): {TODAY: n} for name, n in counts.items()})


def test_a_reward_is_refused_at_one_point_less_and_says_how_many_are_short() -> None:
    with pytest.raises(Conflict) as refused:
        claim(reward(), spendable=99)
    assert (refused.value.code, refused.value.facts["short"]) == ("insufficient_points", 1)
    assert claim(reward(), spendable=100).points == 100


def test_a_claim_counts_the_reward_its_points_and_what_was_spent_today() -> None:
    made = claim(reward(stock=Stock(count=3, per="month")))
    assert made.change.counts == {
        "reward/drink": {TODAY: 1},
        "reward/drink/points": {TODAY: 100},
        "redeemed": {TODAY: 100},
    }
    assert made.uses == {"cafe/drink/stock/2026-03": 1}


def test_a_claim_is_held_for_as_long_as_the_file_says() -> None:
    assert claim(reward(hold="PT30M")).deadline == datetime(2026, 3, 1, 10, 30, tzinfo=UTC)


def test_a_tier_may_have_a_price_of_its_own() -> None:
    gold_only = reward(cost=None, cost_by_tier={"gold": 80})
    assert claim(gold_only, tier="gold").points == 80
    assert claim(reward(cost_by_tier={"gold": 80}), tier="silver").points == 100
    with pytest.raises(Forbidden, match="no price"):
        claim(gold_only, tier="silver")


def test_a_reward_of_money_says_what_it_takes_off_and_never_more_than_the_purchase() -> None:
    tenner = reward(kind="amount_off", amount=Decimal("10.00"))
    assert claim(tenner).worth_minor == 1000
    assert claim(tenner, Wish(basket_minor=600)).worth_minor == 600
    fifth = reward(kind="percent_off", percent=Decimal("0.2"))
    assert claim(fifth, Wish(basket_minor=1999)).worth_minor == 399
    assert claim(fifth).worth_minor is None


def test_a_partners_reward_names_who_supplies_it_and_for_how_much() -> None:
    made = claim(reward(kind="partner", partner="spa", price=Decimal("7.50")))
    assert (made.acceptor, made.price_minor) == ("spa", 750)


AS_MONEY = reward("cash", kind="points_as_money", cost=None)
PAYMENTS = [
    ("the row of the domain: 350 points on 3.00", {}, 350, None, 300, 300, 300),
    ("half of the basket", {"max_share": Decimal("0.5")}, 350, None, 300, 150, 150),
    ("in hundreds", {"multiple_of": 100}, 350, None, 999, 300, 300),
    ("fewer than the balance are wished", {}, 350, 120, 300, 120, 120),
    ("more are wished than the purchase takes", {}, 350, 340, 300, 300, 300),
    ("the balance is the bound", {}, 350, None, 99_999, 350, 350),
    ("a share is rounded down", {"max_share": Decimal("0.5")}, 350, None, 301, 150, 150),
]


@pytest.mark.parametrize(
    ("what", "fields", "balance", "wish", "basket", "points", "money"), PAYMENTS, ids=[row[0] for row in PAYMENTS]
)
def test_points_pay_a_part_of_a_purchase(
    what: str, fields: dict[str, Any], balance: int, wish: int | None, basket: int, points: int, money: int
) -> None:
    one = reward("cash", kind="points_as_money", cost=None, **fields)
    made = claim(one, Wish(points=wish, basket_minor=basket), spendable=balance)
    assert (made.points, made.worth_minor) == (points, money)


def test_points_worth_less_than_the_smallest_coin_are_kept() -> None:
    third = of(AS_MONEY, value="0.003")
    made = price_claim(third, "cash", Claimant(at=NOON, spendable=353), Wish(basket_minor=99_999))
    assert (made.points, made.worth_minor) == (350, 105)


def test_a_donation_is_a_multiple_and_says_what_the_charity_gets() -> None:
    gift = reward("charity", kind="donation", cost=None, multiple_of=50, partner="charity")
    made = claim(gift, Wish(points=100))
    assert (made.points, made.worth_minor, made.acceptor) == (100, 100, "charity")
    assert claim(gift).points == 50
    with pytest.raises(Invalid) as refused:
        claim(gift, Wish(points=75))
    assert (refused.value.code, refused.value.facts["multiple_of"]) == ("not_a_multiple", 50)


REDEEMED = Redemptions(max_points_per_day=150)
WHO: list[tuple[str, When, dict[str, Any], dict[str, Any], str]] = [
    ("a tier", When(tiers=("rouge",)), {"tier": "rouge"}, {"tier": "vib"}, "reward_for_tiers"),
    ("not a tier", When(not_tiers=("vib",)), {"tier": "rouge"}, {"tier": "vib"}, "reward_for_tiers"),
    (
        "a segment", When(segments=("new",)), {"segments": frozenset({"new"})}, {}, "reward_for_segments",
    ),
    (
        "not a segment", When(not_segments=("new",)), {}, {"segments": frozenset({"new"})}, "reward_for_segments",
    ),
    (
        "a membership", When(memberships=("prime",)), {"standing": Standing(memberships={"prime": (0, None)})},
        {"standing": Standing(memberships={"prime": (0, int(NOON.timestamp()))})}, "reward_for_memberships",
    ),
    (
        "no membership", When(not_memberships=("prime",)), {},
        {"standing": Standing(memberships={"prime": (0, None)})}, "reward_for_memberships",
    ),
    (
        "the first purchase", When(first_purchase=True), {"standing": counted(purchases=1)},
        {"standing": counted(purchases=2)}, "reward_for_history",
    ),
    (
        "enough purchases", When(nth=Nth(at_least=3, within="P30D")), {"standing": counted(purchases=3)},
        {"standing": Standing(counts={"purchases": {TODAY - 31: 9, TODAY: 2}})}, "reward_for_history",
    ),
    (
        "each third purchase", When(nth=Nth(at_least=3, every=True)), {"standing": counted(purchases=6)},
        {"standing": counted(purchases=7)}, "reward_for_history",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("what", "when", "good", "bad", "code"), WHO, ids=[row[0] for row in WHO])
def test_a_reward_is_for_those_it_names_and_others_are_told_why(
    what: str, when: When, good: dict[str, Any], bad: dict[str, Any], code: str
) -> None:
    one = reward(eligible=when)
    assert claim(one, **good).points == 100
    with pytest.raises(Forbidden) as refused:
        claim(one, **bad)
    assert refused.value.code == code


def test_a_refusal_by_tier_names_the_tiers() -> None:
    with pytest.raises(Forbidden) as refused:
        claim(reward(eligible=When(tiers=("rouge",))), tier="vib")
    assert refused.value.facts == {"tiers": ["rouge"], "tier": "vib"}


NOW: list[tuple[str, Reward, Wish, dict[str, Any], type[CommonpointError], str]] = [
    (
        "out of season", reward(available=Schedule(until="2026-03-01T12:00")), Wish(), {}, Conflict,
        "reward_not_available",
    ),
    ("twice a month", reward(per_member=Limit(times=2, per="month")), Wish(),
     {"standing": counted(reward__drink=2)}, Conflict, "reward_limit_reached"),
    ("points a week", reward(per_member=Limit(points=250, per="week")), Wish(),
     {"standing": counted(reward__drink__points=151)}, Conflict, "reward_limit_reached"),
    ("no order", reward(one_per_order=True), Wish(), {}, Invalid, "order_needed"),
    ("second in the order", reward(one_per_order=True), Wish(order="o1"), {"orders": {"o1": ("cake",)}}, Conflict,
     "order_already_rewarded"),
    ("after a lone one", reward(), Wish(order="o1"), {"orders": {"o1": ("drink",)}}, Conflict, ""),
    ("small purchase", reward(minimum_basket=Decimal("5.00")), Wish(basket_minor=499), {}, Conflict,
     "basket_too_small"),
    ("unknown purchase", reward(minimum_basket=Decimal("5.00")), Wish(), {}, Invalid, "basket_needed"),
    ("another price", reward(), Wish(points=50), {}, Invalid, "cost_is_fixed"),
    ("no price", reward(cost=None), Wish(), {}, Forbidden, "not_for_points"),
    ("other place", reward(item=Match(partners=("cafe",))), Wish(), {"partner": "bookshop"}, Forbidden, "not_here"),
    ("no coin", AS_MONEY, Wish(basket_minor=300), {"spendable": 0}, Conflict, "insufficient_points"),
    ("wish beyond the balance", AS_MONEY, Wish(points=400, basket_minor=900), {"spendable": 350}, Conflict,
     "insufficient_points"),
    ("money of an unknown purchase", AS_MONEY, Wish(), {}, Invalid, "basket_needed"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "one", "wish", "who", "kind", "code"), NOW, ids=[row[0] for row in NOW])
def test_a_claim_that_cannot_be_is_refused_with_a_code(
    what: str, one: Reward, wish: Wish, who: dict[str, Any], kind: type[CommonpointError], code: str
) -> None:
    if not code:  # two rewards that both allow company
        assert claim(one, wish, **who).points == 100
        return
    with pytest.raises(kind) as refused:
        claim(one, wish, **who)
    assert refused.value.code == code


def test_a_lone_reward_of_the_order_also_keeps_others_out() -> None:
    version = of(reward(one_per_order=True), reward("cake", cost=50))
    claimant = Claimant(at=NOON, spendable=500, orders={"o1": ("drink",)})
    with pytest.raises(Conflict, match="drink"):
        price_claim(version, "cake", claimant, Wish(order="o1"))
    assert price_claim(version, "cake", claimant, Wish(order="o2")).points == 50


def test_an_unknown_reward_does_not_exist() -> None:
    with pytest.raises(NotFound):
        price_claim(of(reward()), "cake", Claimant(at=NOON))


def test_the_stock_ends_exactly_and_begins_anew_with_the_period() -> None:
    one = reward(stock=Stock(count=2, per="month"))
    cap = "cafe/drink/stock/2026-03"
    assert claim(one, caps={cap: CapState(cap, 2, 1)}).points == 100
    with pytest.raises(Conflict) as refused:
        claim(one, caps={cap: CapState(cap, 2, 2)})
    assert refused.value.code == "out_of_stock"
    assert claim(one, caps={cap: CapState(cap, 2, 2)}, at=datetime(2026, 4, 1, tzinfo=UTC)).points == 100


def test_a_limit_begins_anew_with_the_period() -> None:
    one = reward(per_member=Limit(times=1, per="month"))
    old = Standing(counts={"reward/drink": {datetime(2026, 2, 28).toordinal(): 1}})
    assert claim(one, standing=old).points == 100
    with pytest.raises(Conflict) as refused:
        claim(one, standing=counted(reward__drink=1))
    assert refused.value.facts["again_on"] == "2026-04-01"


def test_a_limit_in_points_holds_to_the_point() -> None:
    one = reward(per_member=Limit(points=250, per="week"))
    assert claim(one, standing=counted(reward__drink__points=150)).points == 100
    with pytest.raises(Conflict) as refused:
        claim(one, standing=counted(reward__drink__points=151))
    assert refused.value.facts["left"] == 99


def test_a_member_spends_at_most_so_many_points_a_day() -> None:
    version = of(reward(), redemptions=REDEEMED)
    claimant = Claimant(at=NOON, spendable=1000, standing=counted(redeemed=50))
    assert price_claim(version, "drink", claimant).points == 100
    with pytest.raises(Conflict) as refused:
        price_claim(version, "drink", Claimant(at=NOON, spendable=1000, standing=counted(redeemed=51)))
    assert (refused.value.code, refused.value.facts["left"]) == ("daily_redemption_limit", 99)


def test_points_as_money_stop_at_the_days_limit_by_themselves() -> None:
    version = of(AS_MONEY, redemptions=REDEEMED)
    claimant = Claimant(at=NOON, spendable=1000, standing=counted(redeemed=50))
    assert price_claim(version, "cash", claimant, Wish(basket_minor=10_000)).points == 100


def test_points_of_today_are_used_from_tomorrow() -> None:
    version = of(reward(), redemptions=Redemptions(from_next_day=True))
    lots = [_lot(datetime(2026, 2, 28, 21, 59, tzinfo=UTC), 60), _lot(datetime(2026, 2, 28, 22, 1, tzinfo=UTC), 70)]
    claimant = Claimant(at=NOON, spendable=130, later=later_points(version, lots, NOON))
    with pytest.raises(Conflict) as refused:
        price_claim(version, "drink", claimant)
    assert (refused.value.facts["short"], refused.value.facts["later"]) == (40, 70)
    assert later_points(version, lots, datetime(2026, 3, 1, 22, tzinfo=UTC)) == 0
    assert later_points(of(reward()), lots, NOON) == 0


def test_a_changed_contact_stops_spending_for_a_while() -> None:
    version = of(reward(), redemptions=Redemptions(cool_down_after_contact_change="PT24H"))
    changed = Standing(moments={"contact": [int(NOON.timestamp()) - 86_399]})
    with pytest.raises(Conflict) as refused:
        price_claim(version, "drink", Claimant(at=NOON, spendable=100, standing=changed))
    assert refused.value.code == "cooling_down"
    long_ago = Standing(moments={"contact": [int(NOON.timestamp()) - 86_400]})
    assert price_claim(version, "drink", Claimant(at=NOON, spendable=100, standing=long_ago)).points == 100


def _lot(issued_at: datetime, points: int) -> LotState:
    return LotState("lot_x", "ptn_a", "ern_x", points, points, issued_at)
