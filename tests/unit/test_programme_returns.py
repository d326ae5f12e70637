"""What comes back takes back what it gave, to the point, and the rest keeps exactly its share."""

from datetime import timedelta

import pytest

from points.programme.context import Evaluation
from points.programme.evaluation import evaluate, less, without
from points.programme.events import VISIT, Event, Line, Tender
from points.programme.standing import Change
from tests.support.evaluating import Member, version

BASE = "earn: [{id: base, kind: spend, per: 1.00, points: 1}]\n"


def test_three_returns_of_a_third_each_take_back_what_one_would() -> None:
    member = Member(version("earn: [{id: base, kind: spend, per: 10.00, points: 1}]"))
    bought = member.buys(2190)
    taken = [sum(given.points for given in member.returns(bought, 730)) for _ in range(3)]
    assert (bought.points, taken) == (2, [-1, -1, 0])
    assert (member.standing.counts, member.standing.carries) == ({}, {})


def test_a_return_below_the_minimum_undoes_a_visit() -> None:
    member = Member(version("earn: [{id: visit, kind: visit, points: 3, minimum_basket: 5.00, min_gap: PT1H}]"))
    bought = member.buys(1000)
    assert [member.returns(bought, 400), [given.points for given in member.returns(bought, 200)]] == [(), [-3]]
    assert member.standing.moments == {}
    assert member.buys(1000, after=timedelta(minutes=1)).points == 3


def test_what_is_still_deserved_is_not_touched_by_a_return() -> None:
    text = "earn: [{id: visit, kind: visit, points: 3, min_gap: PT1H, once_per: member, max_per: {day: 1}}]"
    member = Member(version(text))
    bought = member.buys(1000)
    change = less(member.version, bought.event, without(bought.event, {}, 400), bought.context).change
    assert change == Change(counts={"spend": {bought.context.day: -400}})


def test_a_rule_that_falls_below_its_minimum_leaves_its_place_to_the_next() -> None:
    text = """earn:
      - {id: base, kind: spend, per: 1.00, points: 1}
      - {id: big, kind: spend, per: 1.00, points: 2, minimum_basket: 50.00}"""
    member = Member(version(text))
    bought = member.buys(6000)
    given = {one.rule: one.points for one in member.returns(bought, 2000)}
    assert (bought.points, given, member.balance) == (120, {"big": -120, "base": 40}, 40)


def test_what_a_limit_had_cut_off_is_not_given_by_another_rule_after_a_return() -> None:
    text = """earn:
      - {id: base, kind: spend, per: 1.00, points: 1}
      - {id: big, kind: spend, per: 1.00, points: 2, minimum_basket: 50.00, max_points: {day: 10}}"""
    member = Member(version(text))
    bought = member.buys(6000)
    assert (bought.points, [given.points for given in member.returns(bought, 2000)]) == (10, [-10])


def test_a_return_does_not_bring_a_campaign_that_was_not_about_the_purchase() -> None:
    text = """earn:
      - {id: base, kind: spend, per: 1.00, points: 1}
      - {id: big, kind: spend, per: 1.00, points: 2, minimum_basket: 50.00}
campaigns: [{id: small, stacking: stack, times: 9, applies_to: [base]}]"""
    member = Member(version(text))
    bought = member.buys(6000)
    member.returns(bought, 2000)
    assert (bought.points, member.balance) == (120, 40)


def test_lines_that_come_back_take_their_share_of_the_discount_with_them() -> None:
    member = Member(version("earn: [{id: tea, kind: spend, per: 1.00, match: {categories: [tea]}}]"))
    lines = (Line(amount_minor=1000, category="tea"), Line(amount_minor=2000, category="bread"))
    bought = member.does(Event(amount_minor=3000, lines=lines, discount_minor=1000))
    before = member.standing.carries.copy()
    assert member.returns(bought, lines={1: 2000}) == ()
    assert member.standing.carries == before
    member.returns(bought, lines={0: 1000})
    assert (member.balance, member.standing.carries) == (0, {})


def test_a_return_gives_the_budget_back() -> None:
    text = BASE + "campaigns: [{id: push, stacking: stack, times: 2, budget: {points: 15}, sponsor: s}]"
    member = Member(version(text))
    first, second = member.buys(1000), member.buys(1000)
    cap = member.caps["test/push/points/ever"]
    assert (first.points, second.points, cap.used) == (20, 15, 15)
    member.returns(second, 600)
    assert (cap.used, member.balance) == (14, 20 + 8)
    member.returns(second, 400)
    member.returns(first, 1000)
    assert (cap.used, member.balance, member.standing.carries) == (0, 0, {})


def test_the_campaigns_of_a_purchase_stay_what_they_were_when_something_comes_back() -> None:
    text = (
        BASE
        + """campaigns:
      - {id: alone, stacking: exclusive, adds: 5, match: {categories: [tea]}}
      - {id: triple, stacking: stack, times: 3}"""
    )
    member = Member(version(text))
    lines = (Line(amount_minor=1000, category="tea"), Line(amount_minor=1000))
    bought = member.does(Event(amount_minor=2000, lines=lines))
    member.returns(bought, lines={0: 1000})
    assert (bought.points, member.balance) == (25, 10)


def test_what_was_given_once_may_be_given_again_after_a_return() -> None:
    member = Member(version("earn: [{id: welcome, kind: visit, points: 9, once_per: member}]"))
    bought = member.buys(1000)
    assert member.buys(1000).points == 0
    member.returns(bought, 1000)
    assert member.buys(1000).points == 9


def test_money_that_names_no_line_is_spread_over_what_is_left_of_the_lines() -> None:
    event = Event(amount_minor=100, lines=(Line(amount_minor=50), Line(amount_minor=30), Line(amount_minor=20)))
    rest = without(event, {0: 50}, 25)
    assert [line.amount_minor - line.returned_minor for line in rest.lines] == [0, 15, 10]
    rest = without(event, {}, 1)
    assert [line.returned_minor for line in rest.lines] == [1, 0, 0]
    assert sum(line.returned_minor for line in without(event, {2: 20}, 80).lines) == 100


@pytest.mark.parametrize(
    "event", [Event(amount_minor=500), Event(name="loaded", amount_minor=500), Event(amount_minor=0)]
)
def test_of_what_came_back_entirely_nothing_is_left(event: Event) -> None:
    text = BASE + "campaigns: [{id: load, stacking: stack, adds: 5, events: [loaded, purchase]}]"
    member = Member(version(text))
    context = member.does(Event(name=VISIT)).context
    assert evaluate(member.version, without(event, {}, 500), context) == Evaluation()


def test_the_shares_of_tenders_stay_when_a_part_comes_back() -> None:
    text = "earn: [{id: card, kind: spend, per: 1.00, points: 1, match: {tenders: [card]}}]"
    member = Member(version(text))
    tenders = (Tender(kind="card", amount_minor=600), Tender(kind="cash", amount_minor=400))
    bought = member.does(Event(amount_minor=1000, tenders=tenders))
    member.returns(bought, 500)
    assert (bought.points, member.balance) == (6, 3)
