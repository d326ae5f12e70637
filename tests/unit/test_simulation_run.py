"""A history replayed: the same decisions as the ledger's, in order of time, the same bytes every time."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from io import BytesIO
from typing import Any

from points.programme.canonical import version_of
from points.programme.events import Line
from points.programme.shelf import template
from points.programme.simulation.behaviour import Assumptions, redeems
from points.programme.simulation.example import example_sales, read_purchases
from points.programme.simulation.figures import Figures, Wait
from points.programme.simulation.run import simulate
from points.programme.simulation.sale import Sale, micros_of
from points.programme.simulation.sales import sales_of
from points.programme.simulation.worth import Told
from points.programme.text import read_programme
from points.programme.version import Version

NEVER = Assumptions(redeem=Fraction(0))
ALWAYS = Assumptions(redeem=Fraction(1))
BEGINS = datetime(2026, 1, 1, 12, tzinfo=UTC)

HEAD = """
programme: shop
names: {en: Shop}
zone: UTC
currency: EUR
earn: [{id: base, kind: spend, per: 1.00, points: 1}]
"""
CUPS = """
rewards:
  - {id: meal, kind: product, cost: 30, names: {en: Meal}}
  - {id: cup, kind: product, cost: 10, names: {en: Cup}}
"""


def programme(text: str = CUPS) -> Version:
    return version_of(read_programme(HEAD + text))


def sale(line: int, day: int, amount: int | None, customer: str = "a", **more: Any) -> Sale:
    return Sale(at=micros_of(BEGINS + timedelta(days=day)), line=line, customer=customer, amount_minor=amount, **more)


def run(sales: Iterable[Sale], version: Version | None = None, assumed: Assumptions = NEVER) -> Figures:
    return simulate(version or programme(), sales_of(sales), assumed)


def ledger(sales: Iterable[Sale], version: Version, assumed: Assumptions = ALWAYS) -> bytes:
    to = BytesIO()
    simulate(version, sales_of(sales), assumed, ledger=to)
    return to.getvalue()


def journals(sales: Iterable[Sale], version: Version, assumed: Assumptions = ALWAYS) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ledger(sales, version, assumed).splitlines()]


def test_purchases_earn_with_the_fraction_carried_and_nothing_paid_is_no_purchase() -> None:
    found = run([sale(1, 0, 150), sale(2, 1, 150), sale(3, 2, 0), sale(4, 3, 999, "b")])
    assert (found.issued, found.open, found.members, found.purchases) == (12, 12, 2, 4)
    assert found.refused == {"nothing_paid": 1}
    assert [(day.issued, day.open) for day in found.days] == [(1, 1), (2, 3), (9, 12)]


def test_a_member_takes_the_cheapest_claimable_reward_or_none_by_the_assumed_chance() -> None:
    sales = [sale(number, number, 1500) for number in range(1, 5)]
    assert run(sales).redeemed == 0
    found = run(sales, assumed=ALWAYS)
    assert [(reward.id, reward.times, reward.points) for reward in found.rewards] == [("meal", 0, 0), ("cup", 4, 40)]
    assert (found.redeemed, found.open) == (40, 20)
    some = run([sale(number, number, 1500) for number in range(1, 401)], assumed=Assumptions(redeem=Fraction(1, 4)))
    assert 70 <= some.rewards[1].times <= 130


def test_members_make_the_same_choices_whatever_the_programme() -> None:
    drawn = [redeems(Assumptions(), "a", line) for line in range(64)]
    assert drawn == [redeems(Assumptions(), "a", line) for line in range(64)]
    assert drawn != [redeems(Assumptions(seed=2), "a", line) for line in range(64)]
    assert drawn != [redeems(Assumptions(), "b", line) for line in range(64)]


def test_rewards_are_reached_by_points_that_were_spent_on_others_too() -> None:
    found = run([sale(1, 0, 1000), sale(2, 5, 1000), sale(3, 9, 1000), sale(4, 9, 100, "b")], assumed=ALWAYS)
    assert [(reward.id, reward.reached, reward.members) for reward in found.rewards] == [("meal", 1, 0), ("cup", 1, 1)]
    assert (found.to_claimable, found.to_redeemed) == (Wait(1, 0, 0), Wait(1, 0, 0))


def test_days_to_the_first_reward_count_from_the_first_sale() -> None:
    found = run([sale(1, 0, 500), sale(2, 7, 500), sale(3, 0, 1000, "b"), sale(4, 30, 1000, "c"), sale(5, 1, 100, "d")])
    assert found.to_claimable == Wait(3, 0, 7)
    assert found.to_redeemed == Wait(0, None, None)


def test_points_expire_when_they_are_due_even_after_the_last_sale() -> None:
    version = programme(CUPS + "lots: {expiry: {kind: rolling, length: P30D}}\n")
    sales = [sale(1, 0, 500), sale(2, 100, 300)]
    assert (run(sales, version).expired, run(sales, version).open) == (5, 3)
    found = run(sales, version, Assumptions(redeem=Fraction(0), until=datetime(2027, 1, 1, tzinfo=UTC)))
    assert (found.expired, found.open) == (8, 0)
    assert [day.day.isoformat() for day in found.days if day.expired] == ["2026-02-01", "2026-05-12"]
    assert found.breakage == 1


def test_stock_is_shared_by_all_members_in_order_of_time() -> None:
    version = programme(
        "rewards: [{id: cup, kind: product, cost: 10, stock: {count: 2, per: month}, names: {en: Cup}}]\n"
    )
    sales = [sale(number, number, 1000, f"m{number}") for number in range(1, 6)]
    assert run(sales, version, ALWAYS).rewards[0].times == 2
    assert run([*sales, sale(9, 40, 1000, "m9")], version, ALWAYS).rewards[0].times == 3


def test_a_budget_stops_exactly() -> None:
    version = programme("campaigns: [{id: twice, stacking: stack, times: 2, budget: {points: 25}}]\n")
    assert run([sale(number, number, 1000, f"m{number}") for number in range(1, 6)], version).issued == 50 + 25


def test_a_refund_takes_back_what_the_purchase_gave() -> None:
    sales = [
        sale(1, 0, 1000, order="o1"),
        sale(2, 1, 500, order="o2"),
        sale(3, 2, 300, refund_of="o1"),
        sale(4, 3, None, refund_of="o1"),
    ]
    found = run(sales)
    assert (found.issued, found.withdrawn, found.open, found.revenue_minor, found.refunds) == (15, 10, 5, 500, 2)
    spent = run([*sales[:1], sale(3, 2, None, refund_of="o1")], assumed=ALWAYS)
    assert (spent.redeemed, spent.open, spent.owed) == (10, 0, 10), "what is spent is owed"


def test_a_refund_that_names_its_article_is_of_that_line() -> None:
    version = programme("campaigns: [{id: tea, stacking: stack, times: 3, match: {categories: [tea]}}]\n")
    lines = (
        Line(amount_minor=1000, sku="pot", category="pots"),
        Line(amount_minor=1000, sku="tea", category="tea"),
    )
    back = (Line(amount_minor=1000, sku="tea"),)
    sales = [sale(1, 0, 2000, order="o1", lines=lines), sale(2, 1, 1000, refund_of="o1", lines=back)]
    assert (run(sales, version).issued, run(sales, version).withdrawn) == (40, 30)


def test_a_refund_of_a_refused_purchase_is_told() -> None:
    found = run([sale(1, 0, 0, order="o1"), sale(2, 1, None, refund_of="o1")])
    assert found.refused == {"nothing_paid": 1, "refund_of_refused": 1}


def test_vouchers_that_issue_themselves_count_and_go_when_unused_at_a_refund() -> None:
    version = programme(
        "rewards: [{id: cup, kind: product, cost: 10, auto_issue: true, valid: P60D, names: {en: Cup}}]\n"
    )
    bought = [sale(1, 0, 1000, order="o1")]
    found = run(bought, version)
    assert [(reward.reached, reward.members, reward.times) for reward in found.rewards] == [(1, 1, 1)]
    assert (found.redeemed, found.open, found.to_redeemed) == (10, 0, Wait(1, 0, 0))
    undone = run([*bought, sale(2, 3, None, refund_of="o1")], version)
    assert (undone.redeemed, undone.withdrawn, undone.open, undone.owed) == (0, 10, 0, 0)
    assert (undone.rewards[0].times, undone.rewards[0].points) == (0, 0)


def test_tiers_are_reached_and_left_with_time() -> None:
    version = programme(
        "tiers:\n  measure: spend\n  window: {kind: rolling, length: P30D}\n  levels:\n"
        "    - {id: base, from: 0, names: {en: Base}}\n    - {id: gold, from: 10, names: {en: Gold}}\n"
    )
    sales = [sale(1, 0, 1000), sale(2, 0, 100, "b")]
    assert [(t.id, t.reached, t.at_end) for t in run(sales, version).tiers] == [("base", 2, 1), ("gold", 1, 1)]
    later = run(sales, version, Assumptions(until=datetime(2026, 6, 1, tzinfo=UTC)))
    assert [(t.id, t.reached, t.at_end) for t in later.tiers] == [("base", 2, 2), ("gold", 1, 0)]


def test_a_statement_turns_points_into_vouchers_at_their_worth() -> None:
    version = programme(
        "conversion: {months: [2], min_points: 100, points: 100, money: 1.00, step: 0.50, valid: P1Y}\n"
    )
    sales = [sale(1, 0, 17_000), sale(2, 60, 100)]
    found = run(sales, version)
    assert (found.redeemed, found.cost_minor, found.open) == (150, Fraction(150), 21)
    assert [(reward.id, reward.members, reward.cost_minor) for reward in found.rewards] == [
        ("statement", 1, Fraction(150))
    ]


def test_costs_follow_what_is_told() -> None:
    told = Told(Fraction(1, 2), {"cup": Fraction(60)})
    found = run([sale(1, 0, 1000)], assumed=Assumptions(redeem=Fraction(1), told=told, breakage=Fraction(1, 10)))
    assert (found.cost_minor, found.reward_rate) == (Fraction(60), Fraction(60, 1000))
    assert run([sale(1, 0, 1000)], assumed=ALWAYS).cost_minor is None, "nobody says what a cup costs"


def test_other_events_earn_by_their_rules() -> None:
    version = version_of(read_programme(template("gym")))
    sales = [sale(number, number, None, name="visit") for number in range(1, 13)]
    found = run(sales, version)
    assert (found.events, found.purchases, found.issued) == (12, 0, 170), "12 workouts and the month's challenge"


def test_every_journal_balances_and_names_its_cause() -> None:
    version = programme(CUPS + "lots: {expiry: {kind: rolling, length: P30D}}\n")
    found = journals([sale(1, 0, 1500), sale(2, 50, 700, "b"), sale(3, 90, 1500)], version)
    assert [journal["kind"] for journal in found if journal["kind"] != "notice"] == [
        "earn", "claim", "capture", "expire", "earn", "expire", "earn", "claim", "capture",
    ]  # fmt: skip
    assert all(sum(amount for _, amount in journal.get("postings", ())) == 0 for journal in found)
    assert len({journal["id"] for journal in found}) == len(found)
    assert [journal["id"] for journal in found] == sorted((j["id"] for j in found), key=lambda i: i.split("_")[1])
    assert found[0]["key"] == "sale-1"
    assert found[0]["facts"]["version"] == version.id


def test_the_same_version_and_history_are_the_same_ledger_byte_for_byte() -> None:
    version = version_of(read_programme(template("coffee_chain")))
    history = list(example_sales())[:800]

    def digest(version: Version, assumed: Assumptions = ALWAYS) -> str:
        return hashlib.sha256(ledger(history, version, assumed)).hexdigest()

    again = version_of(read_programme(template("coffee_chain")))
    first = digest(version)
    assert digest(again) == first
    assert digest(version_of(read_programme(template("cafe_points")))) != first
    assert digest(version, NEVER) != first


def test_the_order_of_rows_in_a_file_does_not_matter() -> None:
    sales = [sale(number, number * 7 % 11, 700 + number, f"m{number % 3}") for number in range(1, 30)]
    assert ledger(sales, programme()) == ledger(reversed(sales), programme())


def test_the_example_has_every_purchase_of_the_file() -> None:
    found = run(example_sales(), version_of(read_programme(template("default"))))
    purchases = read_purchases()
    assert (found.members, found.purchases) == (2357, 6919)
    assert found.revenue_minor == sum(purchase.amount_minor for purchase in purchases)
    carried: dict[str, int] = {}
    for purchase in purchases:
        carried[purchase.customer] = carried.get(purchase.customer, 0) + purchase.amount_minor
    assert found.issued == sum(paid // 100 for paid in carried.values()), "a point per unit, fractions carried"
