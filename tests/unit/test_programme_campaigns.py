"""Campaigns: windows, stacking, budgets that stop exactly, limits of members, sponsors, offers and holdouts."""

from datetime import timedelta

import pytest

from points.book import CapState
from points.programme.events import Event, Line, Tender
from points.programme.standing import TierState
from tests.support.evaluating import MONDAY, Member, version

BASE = "earn: [{id: base, kind: spend, per: 1.00, points: 1}]\n"
LADDER = """tiers: {measure: points, window: {kind: lifetime},
  levels: [{id: plain, names: {en: Plain}, from: 0}, {id: gold, names: {en: Gold}, from: 500}]}
"""
FRIDAY = MONDAY + timedelta(days=4)


def campaigns(*texts: str, base: str = BASE) -> Member:
    return Member(version(base + "campaigns:\n" + "".join(f"  - {{{text}}}\n" for text in texts)))


def test_y4_a_friday_hour_doubles_from_its_first_moment_to_its_last() -> None:
    rush = 'schedule: {rrule: "FREQ=WEEKLY;BYDAY=FR", starts: "15:00", lasts: PT3H}'
    member = campaigns(f"id: rush, stacking: stack, times: 2, {rush}")
    times = [(12, 59), (13, 0), (15, 59), (16, 0)]
    assert [member.buys(1000, at=FRIDAY.replace(hour=h, minute=m)).points for h, m in times] == [10, 20, 20, 10]


@pytest.mark.parametrize(("stacking", "points"), [("best_of", 20), ("stack", 30)])
def test_y5_gold_and_friday_are_stacked_as_it_is_written(stacking: str, points: int) -> None:
    text = (
        LADDER
        + BASE
        + f"""campaigns:
      - {{id: gold_bonus, stacking: {stacking}, times: 1.5, when: {{tiers: [gold]}}}}
      - {{id: friday, stacking: {stacking}, times: 2}}"""
    )
    member = Member(version(text))
    member.standing.tier = TierState("gold", 1)
    assert member.buys(1000).points == points


def test_y2_gold_earns_half_as_much_again() -> None:
    text = LADDER + BASE + "campaigns: [{id: gold_bonus, stacking: stack, times: 1.5, when: {tiers: [gold]}}]"
    member = Member(version(text))
    assert member.buys(10_000).points == 100
    member.standing.tier = TierState("gold", 1)
    assert member.buys(10_000).points == 150


def test_an_exclusive_campaign_stands_alone_and_the_first_written_of_several_wins() -> None:
    member = campaigns(
        "id: more, stacking: stack, times: 5",
        "id: best, stacking: best_of, times: 4",
        "id: first, stacking: exclusive, times: 2, match: {categories: [tea]}",
        "id: second, stacking: exclusive, times: 3, match: {categories: [tea, cake]}",
    )
    tea = Line(amount_minor=1000, category="tea")
    cake = Line(amount_minor=1000, category="cake")
    bought = member.does(Event(amount_minor=2000, lines=(tea, cake)))
    assert (bought.points, set(bought.refusals.values())) == (30, {"stacking"})
    assert member.does(Event(amount_minor=1000, lines=(cake,))).points == 30
    # None of the exclusive ones is about this basket: the others are not kept out.
    assert member.buys(1000).points == 10 * 4 * 5


def test_of_several_best_of_campaigns_the_one_that_gives_most_is_used_and_stacked_ones_come_after_it() -> None:
    member = campaigns(
        "id: late, stacking: stack, times: 1.5",
        "id: flat, stacking: best_of, adds: 12",
        "id: double, stacking: best_of, times: 2",
    )
    small, big = member.buys(1000), member.buys(2000)
    assert {given.campaign: given.points for given in small.given} == {None: 10, "flat": 12, "late": 5}
    assert {given.campaign: given.points for given in big.given} == {None: 20, "double": 20, "late": 20}


def test_a_campaign_multiplies_only_what_matching_lines_and_tenders_gave() -> None:
    member = campaigns("id: fresh, stacking: stack, times: 3, match: {categories: [fresh], tenders: [card]}")
    lines = (Line(amount_minor=1000, category="fresh"), Line(amount_minor=1000))
    paid = (Tender(kind="card", amount_minor=500), Tender(kind="cash", amount_minor=1500))
    bought = member.does(Event(amount_minor=2000, lines=lines, tenders=paid))
    assert {given.campaign: given.points for given in bought.given} == {None: 20, "fresh": 5}


def test_a_campaign_can_be_about_some_rules() -> None:
    base = "earn: [{id: base, kind: spend, per: 1.00}, {id: visit, kind: visit, points: 3}]\n"
    member = campaigns("id: visits, stacking: stack, times: 2, applies_to: [visit]", base=base)
    assert {(g.rule, g.campaign): g.points for g in member.buys(1000).given} == {
        ("base", None): 10, ("visit", None): 3, ("visit", "visits"): 3,
    }  # fmt: skip


def test_the_sum_with_a_campaign_is_rounded_once() -> None:
    base = "earn: [{id: base, kind: spend, per: 1.00, rounding: floor}]\n"
    member = campaigns("id: half, stacking: stack, times: 1.5", base=base)
    assert member.buys(1999).points == 29  # 29.985, not 19 + 9


def test_e11_from_the_fourth_purchase_within_thirty_days_points_are_worth_more() -> None:
    member = campaigns("id: regulars, stacking: stack, times: 1.5, when: {nth: {at_least: 4, within: P30D}}")
    assert [member.buys(1000, after=timedelta(days=9)).points for _ in range(4)] == [10, 10, 10, 15]
    # Thirty days later the first ones are out of the window.
    assert member.buys(1000, after=timedelta(days=20)).points == 10


@pytest.mark.parametrize(("days", "points"), [(29, 20), (30, 10)])
def test_a_rolling_window_ends_with_the_day_itself(days: int, points: int) -> None:
    member = campaigns("id: again, stacking: stack, times: 2, when: {nth: {at_least: 2, within: P30D}}")
    member.buys(1000)
    assert member.buys(1000, after=timedelta(days=days)).points == points


def test_the_tighter_of_a_budget_and_a_member_s_limit_holds() -> None:
    for budget, limit in ((3, 9), (9, 3)):
        member = campaigns(
            f"id: push, stacking: stack, times: 2, budget: {{points: {budget}}}, per_member: {{points: {limit}}}"
        )
        assert member.buys(1000).points == 13


def test_every_third_purchase_gives_more() -> None:
    member = campaigns("id: third, stacking: stack, adds: 7, when: {nth: {at_least: 3, every: true}}")
    assert [member.buys(1000).points for _ in range(6)] == [10, 10, 17, 10, 10, 17]


def test_e12_a_bonus_for_an_action_is_given_once() -> None:
    member = campaigns("id: install, stacking: stack, adds: 50, events: [app.installed], per_member: {times: 1}")
    installed = Event(name="app.installed")
    assert [member.does(installed).points, member.does(installed).points, member.buys(1000).points] == [50, 0, 10]


def test_r19_a_budget_stops_exactly_and_the_last_grant_may_be_a_part() -> None:
    member = campaigns("id: push, stacking: stack, times: 2, budget: {points: 25, per: month}")
    assert [member.buys(1050).points for _ in range(4)] == [20, 21, 15, 11]
    assert member.caps["test/push/points/2026-11"].used == 25
    assert member.buys(1050, after=timedelta(days=30)).points == 20


def test_a_budget_is_shared_by_the_rules_that_the_campaign_raises() -> None:
    base = "earn: [{id: base, kind: spend, per: 1.00}, {id: visit, kind: visit, points: 8}]\n"
    member = campaigns("id: push, stacking: stack, times: 2, budget: {points: 12}", base=base)
    assert {(g.rule, g.campaign): g.points for g in member.buys(1000).given} == {
        ("base", None): 10, ("visit", None): 8, ("base", "push"): 10, ("visit", "push"): 2,
    }  # fmt: skip


def test_what_a_rule_s_own_limit_cut_off_is_not_multiplied() -> None:
    base = "earn: [{id: base, kind: spend, per: 1.00, max_points: {day: 5}}]\n"
    member = campaigns("id: push, stacking: stack, times: 3", base=base)
    assert {given.campaign: given.points for given in member.buys(1000).given} == {None: 5, "push": 10}


def test_a_stacked_campaign_raises_only_what_the_one_before_it_could_give() -> None:
    member = campaigns("id: one, stacking: stack, times: 2, budget: {points: 4}", "id: two, stacking: stack, times: 2")
    assert {given.campaign: given.points for given in member.buys(1000).given} == {None: 10, "one": 4, "two": 14}


def test_a_budget_that_others_used_up_is_used_up() -> None:
    member = campaigns("id: push, stacking: stack, times: 2, budget: {points: 25}")
    member.caps["test/push/points/ever"] = CapState("test/push/points/ever", 25, 25)
    bought = member.buys(1000)
    assert (bought.points, bought.refusals) == (10, {"push": "budget"})


def test_a_budget_in_money_is_points_at_the_unit_s_value() -> None:
    base = "unit: {value: 0.01}\n" + BASE
    member = campaigns("id: push, stacking: stack, times: 2, budget: {money: 0.15}", base=base)
    assert [member.buys(1000).points for _ in range(3)] == [20, 15, 10]
    assert next(iter(member.caps.values())).size == 15


def test_a_best_campaign_with_little_left_gives_way_to_one_that_gives_more() -> None:
    member = campaigns(
        "id: triple, stacking: best_of, times: 3, budget: {points: 25}", "id: double, stacking: best_of, times: 2"
    )
    assert [member.buys(1000).points for _ in range(2)] == [30, 20]


def test_points_of_a_campaign_are_limited_by_member_and_period() -> None:
    member = campaigns("id: push, stacking: stack, times: 2, per_member: {points: 15, per: day}")
    assert [member.buys(1000).points for _ in range(3)] == [20, 15, 10]
    assert member.buys(1000, after=timedelta(days=1)).points == 20


def test_a_sponsor_issues_the_points_of_its_campaign() -> None:
    member = campaigns("id: push, stacking: stack, times: 2, sponsor: s")
    assert {given.issuer_id: given.points for given in member.buys(1000).given} == {"prt_a": 10, "prt_s": 10}


def test_an_offer_holds_for_members_who_switched_it_on() -> None:
    member = campaigns("id: offer, stacking: stack, times: 2, activation: true")
    assert member.buys(1000).refusals == {"offer": "offer"}
    member.standing.offers.append("offer")
    assert member.buys(1000).points == 20


def test_a_fixed_share_of_members_is_held_out() -> None:
    text = (
        BASE
        + """campaigns: [{id: push, stacking: stack, times: 2, holdout: control}]
holdouts: [{id: control, share: 0.3, salt: autumn}]"""
    )
    one = version(text)
    given = [Member(one, member_id=f"mbr_{n}").buys(1000).points for n in range(400)]
    assert 100 < given.count(10) < 140
    assert given == [Member(one, member_id=f"mbr_{n}").buys(1000).points for n in range(400)]


def test_p1_whoever_was_away_gets_more_when_they_come_back() -> None:
    text = (
        BASE
        + """campaigns: [{id: back, stacking: stack, times: 2, when: {segments: [away]}}]
segments: [{id: away, where: {no_purchase_for: P60D}}]"""
    )
    member = Member(version(text))
    member.standing.joined = MONDAY.toordinal()
    given = [member.buys(1000, after=timedelta(days=days)).points for days in (0, 59, 60, 0)]
    assert given == [10, 10, 20, 10]


def test_what_a_context_pins_is_small() -> None:
    text = (
        LADDER
        + BASE
        + """campaigns:
      - {id: club, stacking: stack, times: 2, when: {memberships: [club]}}
      - {id: push, stacking: stack, times: 2, budget: {points: 25}, match: {partners: [b]}}
      - {id: vip, stacking: stack, times: 2, when: {segments: [big]}}
segments: [{id: big, where: {spend_at_least: 100}}, {id: unasked, where: {purchases_at_least: 1}}]"""
    )
    member = Member(version(text))
    member.standing.memberships.update(club=(0, None), other=(0, None))
    context = member.buys(100_000).context
    assert (context.memberships, context.segments, context.left) == (("club",), (), {})
    assert member.buys(1).context.segments == ("big",)
