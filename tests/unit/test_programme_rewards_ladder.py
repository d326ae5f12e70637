"""The catalogue as a member meets it: what they can have, what comes next, what comes by itself."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from points.book import CapState
from points.programme.reward_eligibility import Claimant
from points.programme.rewards import (
    MOST_ISSUED_AT_ONCE,
    auto_issues,
    claim_caps,
    claimable,
    given,
    ladder,
    stock_caps,
)
from points.programme.schema.basics import Limit, Schedule, When
from points.programme.schema.programme import Programme, Unit
from points.programme.schema.rewards import Reward, Stock
from points.programme.standing import Standing
from points.programme.version import Version

NOON = datetime(2026, 3, 1, 10, tzinfo=UTC)


def rung(cost: int | None, reward_id: str | None = None, **more: Any) -> Reward:
    return Reward(
        id=reward_id or f"for_{cost}", names={"en": "Thing"}, kind=more.pop("kind", "product"), cost=cost, **more
    )


def of(*rewards: Reward) -> Version:
    return Version(
        "v1",
        Programme(
            programme="cafe", names={"en": "Café"}, zone="Europe/Helsinki", currency="EUR",
            unit=Unit(value=Decimal("0.01")), rewards=rewards,
        ),
    )  # fmt: skip


def who(spendable: int, **more: Any) -> Claimant:
    return Claimant(at=NOON, spendable=spendable, **more)


STARS = of(rung(300), rung(25), rung(200), rung(60), rung(100), rung(400))


def test_with_130_points_three_rewards_are_reached_and_70_are_to_the_next() -> None:
    seen = ladder(STARS, who(130))
    assert [offer.points for offer in seen.claimable] == [25, 60, 100]
    assert seen.next is not None
    assert (seen.next.points, seen.distance) == (200, 70)


def test_at_the_exact_price_the_reward_is_reached() -> None:
    assert [offer.points for offer in claimable(STARS, who(60))] == [25, 60]
    assert ladder(STARS, who(59)).distance == 1


def test_when_all_are_reached_nothing_is_next() -> None:
    seen = ladder(STARS, who(400))
    assert (len(seen.claimable), seen.next, seen.distance) == (6, None, None)


def test_a_reward_for_others_is_shown_with_its_reason_but_is_not_next() -> None:
    version = of(rung(50, eligible=When(tiers=("gold",))), rung(80))
    seen = ladder(version, who(10, tier="silver"))
    assert [refusal.code for refusal in seen.offers[0].refusals] == ["reward_for_tiers", "insufficient_points"]
    assert seen.next is not None
    assert seen.next.points == 80


def test_what_is_out_of_season_or_only_won_is_not_shown() -> None:
    gone, won = rung(10, available=Schedule(until="2026-01-01")), rung(None, "gift")
    assert [offer.points for offer in ladder(of(gone, won, rung(20)), who(50)).offers] == [20]


def test_points_as_money_and_donations_begin_at_their_smallest_step() -> None:
    version = of(
        rung(None, "cash", kind="points_as_money", multiple_of=100),
        rung(None, "charity", kind="donation", multiple_of=50),
    )
    assert [offer.points for offer in claimable(version, who(100))] == [50, 100]
    assert [offer.reward.id for offer in claimable(version, who(99))] == ["charity"]


def test_a_reward_with_its_own_order_rules_is_claimable_on_the_card() -> None:
    version = of(rung(50, one_per_order=True, minimum_basket=Decimal("5.00")))
    assert len(claimable(version, who(50))) == 1


def test_what_is_out_of_stock_is_not_claimable() -> None:
    version = of(rung(50, "last", stock=Stock(count=1)))
    cap = "cafe/last/stock/ever"
    assert claimable(version, who(50), {cap: CapState(cap, 1, 1)}) == []
    assert stock_caps(version, NOON.date()) == {cap: 1}


def test_a_full_stamp_card_becomes_a_voucher_and_the_rest_is_kept() -> None:
    version = of(rung(10, "free_cup", auto_issue=True, valid="P60D"))
    assert auto_issues(version, who(9)) == []
    assert [made.points for made in auto_issues(version, who(10))] == [10]
    assert [made.points for made in auto_issues(version, who(23))] == [10, 10]
    assert auto_issues(version, who(23))[0].voucher


def test_what_comes_by_itself_keeps_to_limits_stock_and_eligibility() -> None:
    limited = of(rung(10, "cup", auto_issue=True, per_member=Limit(times=2, per="day")))
    assert len(auto_issues(limited, who(100))) == 2
    scarce = of(rung(10, "cup", auto_issue=True, stock=Stock(count=3)))
    assert len(auto_issues(scarce, who(100))) == 3
    cap = "cafe/cup/stock/ever"
    assert len(auto_issues(scarce, who(100), {cap: CapState(cap, 3, 2)})) == 1
    for_gold = of(rung(10, "cup", auto_issue=True, eligible=When(tiers=("gold",))))
    assert auto_issues(for_gold, who(100, tier="silver")) == []


def test_asking_what_comes_by_itself_changes_nothing() -> None:
    version = of(rung(10, "cup", auto_issue=True, stock=Stock(count=3)))
    standing, caps = Standing(), {"cafe/cup/stock/ever": CapState("cafe/cup/stock/ever", 3, 1)}
    first = auto_issues(version, who(50, standing=standing), caps)
    assert auto_issues(version, who(50, standing=standing), caps) == first
    assert standing == Standing()
    assert caps["cafe/cup/stock/ever"].used == 1


def test_a_huge_balance_becomes_vouchers_in_portions() -> None:
    assert len(auto_issues(of(rung(1, "cup", auto_issue=True)), who(10**9))) == MOST_ISSUED_AT_ONCE


def test_what_is_won_takes_no_points_and_no_stock() -> None:
    won = given(of(rung(None, "gift", kind="amount_off", amount=Decimal("5.00"), stock=Stock(count=1))), "gift", NOON)
    assert (won.points, won.worth_minor, won.uses, won.change.counts) == (0, 500, {}, {})


def test_a_claim_waits_for_its_own_stock_and_that_of_what_issues_itself() -> None:
    stock = Stock(count=3)
    version = of(rung(5, "one", stock=stock), rung(6, "two", stock=stock), rung(7, "own", stock=stock, auto_issue=True))
    assert set(claim_caps(version, "one", NOON.date())) == {"cafe/one/stock/ever", "cafe/own/stock/ever"}
    assert set(claim_caps(version, "nothing", NOON.date())) == {"cafe/own/stock/ever"}
    assert len(stock_caps(version, NOON.date())) == 3
