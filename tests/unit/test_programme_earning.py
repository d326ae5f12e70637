"""What rules give for purchases and other events: the rows of earning, and programmes that merchants run."""

from datetime import timedelta
from fractions import Fraction

import pytest

from points.programme.events import VISIT, Event, Line, Tender
from points.programme.standing import TierState
from points.programme.version import TermsRate
from tests.support.evaluating import MONDAY, Member, version

ONE_PER_EURO = "earn: [{id: base, kind: spend, per: 1.00, points: 1}]\n"


def line(amount_minor: int, category: str | None = None, **more: object) -> Line:
    return Line(amount_minor=amount_minor, category=category, **more)  # type: ignore[arg-type]


def basket(*lines: Line, **more: object) -> Event:
    return Event(amount_minor=sum(line.amount_minor for line in lines), lines=lines, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("amount", "points"), [(499, 0), (500, 1), (99_999, 1)])
def test_e1_a_fixed_number_of_points_for_a_purchase_from_a_minimum_on(amount: int, points: int) -> None:
    member = Member(version("earn: [{id: visit, kind: visit, points: 1, minimum_basket: 5.00}]"))
    assert member.buys(amount).points == points


def test_e2_points_for_the_amount_without_tax_rounded_down() -> None:
    text = "earn_base: {tax: excluded}\nearn: [{id: base, kind: spend, per: 1.00, rounding: floor}]"
    member = Member(version(text))
    assert member.does(Event(amount_minor=1999 + 480, tax_minor=480)).points == 19
    assert member.does(basket(line(1240, tax_minor=240), line(1239, tax_minor=240))).points == 19
    # Tax that is only told for the whole basket is spread over its lines.
    assert member.does(basket(line(1240), line(1239), tax_minor=480)).points == 19


@pytest.mark.parametrize(
    ("rounding", "points"), [("carry", [0, 1, 1, 1]), ("floor", [0] * 4), ("half_up", [1] * 4), ("ceil", [1] * 4)]
)
def test_rounding_is_part_of_the_rule(rounding: str, points: list[int]) -> None:
    member = Member(version(f"earn: [{{id: base, kind: spend, per: 1.00, rounding: {rounding}}}]"))
    assert [member.buys(75).points for _ in range(4)] == points


def test_n9_what_is_less_than_a_point_is_kept_for_the_next_purchase() -> None:
    member = Member(version("earn: [{id: base, kind: spend, per: 50.00, points: 1}]"))
    assert [member.buys(3000).points, member.buys(2000).points] == [0, 1]
    assert member.standing.carries == {}


@pytest.mark.parametrize(
    ("tier", "rounding", "points"),
    [("green", "carry", [4, 6]), ("gold", "carry", [5, 7]), ("green", "floor", [4, 5]), ("gold", "floor", [5, 6])],
)
def test_tiers_have_their_own_rates(tier: str, rounding: str, points: list[int]) -> None:
    text = f"""tiers: {{measure: points, window: {{kind: lifetime}},
      levels: [{{id: green, names: {{en: Green}}, from: 0}}, {{id: gold, names: {{en: Gold}}, from: 500}}]}}
earn: [{{id: stars, kind: spend, per: 1.00, points: 1, tiers: {{gold: 1.2}}, rounding: {rounding}}}]"""
    member = Member(version(text))
    member.standing.tier = TierState(tier, 1)
    assert [member.buys(495).points, member.buys(505).points] == points


def test_what_discounts_rewards_and_points_pay_for_does_not_earn() -> None:
    member = Member(version(ONE_PER_EURO))
    assert member.does(Event(amount_minor=10_000, discount_minor=1000, reward_minor=2000)).points == 70
    paid = (Tender(kind="points", amount_minor=2500), Tender(kind="card", amount_minor=7500))
    assert member.does(Event(amount_minor=10_000, tenders=paid)).points == 75
    gross = Member(version("earn_base: {net_of: []}\n" + ONE_PER_EURO))
    assert gross.does(Event(amount_minor=10_000, discount_minor=1000, reward_minor=2000)).points == 100
    assert gross.does(Event(amount_minor=10_000, tenders=paid)).points == 100


def test_a_discount_on_the_basket_is_spread_over_its_lines_exactly() -> None:
    text = "earn: [{id: tea, kind: spend, per: 1.00, match: {categories: [tea]}}]"
    bought = Member(version(text)).does(basket(line(100, "tea"), line(200, "bread"), discount_minor=100))
    assert [part.exact for part in bought.evaluation.parts] == [Fraction(2, 3)]


def test_excluded_categories_skus_and_tenders_never_earn() -> None:
    text = "earn_base: {exclude_skus: [stamps], exclude_tenders: [meal_voucher]}\n" + ONE_PER_EURO
    member = Member(version(text))
    bought = member.does(
        basket(line(1000, "food"), line(5000, "gift_cards"), line(300, sku="stamps"), line(200, "tips"))
    )
    assert bought.points == 10
    assert member.does(Event(amount_minor=1000, tenders=(Tender(kind="meal_voucher", amount_minor=600),))).points == 4
    assert member.does(basket(line(5000, "gift_cards"))).refusals == {"base": "earn_base"}


def test_a_purchase_below_the_minimum_of_the_programme_earns_nothing_and_still_counts() -> None:
    member = Member(version("earn_base: {minimum_basket: 5.00}\n" + ONE_PER_EURO))
    bought = member.buys(499)
    assert (bought.points, bought.refusals) == (0, {"base": "minimum_basket"})
    assert member.standing.counts == {
        "purchases": {bought.context.day: 1},
        "visits": {bought.context.day: 1},
        "spend": {bought.context.day: 499},
    }
    # 5.49 less 0.50 is not enough either: what counts must reach it.
    assert member.does(Event(amount_minor=549, discount_minor=50)).points == 0
    assert member.does(Event(amount_minor=550, discount_minor=50)).points == 5


def test_e4_points_for_services_by_piece() -> None:
    text = "earn: [{id: cut, kind: item, points: 25, match: {categories: [haircut]}}]"
    member = Member(version(text))
    assert [member.does(basket(line(3000, "haircut"))).points for _ in range(4)] == [25] * 4
    assert member.does(basket(line(6000, "haircut", quantity_milli=2000), line(900, "wax"))).points == 50
    assert member.buys(3000).points == 0


def test_litres_are_pieces_too_and_their_fractions_are_carried() -> None:
    text = "earn: [{id: fuel, kind: item, points: 1, per_quantity: 2, match: {categories: [fuel]}}]"
    member = Member(version(text))
    assert [member.does(basket(line(6000, "fuel", quantity_milli=31_500))).points for _ in range(2)] == [15, 16]


def test_a_piece_that_a_reward_paid_for_is_no_piece() -> None:
    text = "earn: [{id: cut, kind: item, points: 25, match: {categories: [haircut]}}]"
    member = Member(version(text))
    assert member.does(basket(line(3000, "haircut"), line(3000, "haircut"), reward_minor=3000)).points == 25
    assert member.does(basket(line(3000, "haircut"), discount_minor=300)).points == 25


def test_e6_a_review_gives_once_for_an_order() -> None:
    text = "earn: [{id: review, kind: event, event: review.posted, points: 5, once_per: subject, max_per: {day: 2}}]"
    member = Member(version(text))

    def review(order: str | None) -> int:
        return member.does(Event(name="review.posted", subject=order)).points

    assert [review("o1"), review("o1"), review(None), review("o2"), review("o3")] == [5, 0, 0, 5, 0]


def test_e8_a_share_gives_once_for_ever() -> None:
    member = Member(version("earn: [{id: share, kind: event, event: shared, points: 10, once_per: member}]"))
    given = [member.does(Event(name="shared", subject=str(n)), after=timedelta(days=200)) for n in range(2)]
    assert [one.points for one in given] == [10, 0]
    assert given[1].refusals == {"share": "once"}


def test_e10_visits_closer_than_the_gap_give_once() -> None:
    member = Member(version("earn: [{id: workout, kind: visit, points: 10, min_gap: PT6H}]"))
    scan = Event(name=VISIT)
    given = [member.does(scan, at=MONDAY + timedelta(seconds=s)).points for s in (0, 7200, 6 * 3600 - 1, 6 * 3600)]
    assert given == [10, 0, 0, 10]
    # One that is told late is near to what happened after it.
    assert member.does(scan, at=MONDAY - timedelta(hours=5)).points == 0
    assert member.does(scan, at=MONDAY - timedelta(hours=6)).points == 10


def test_a_gap_of_days_is_by_the_wall_clock() -> None:
    member = Member(version("earn: [{id: check_up, kind: visit, points: 10, min_gap: P1D}]"))
    before_the_clock_goes_back = MONDAY.replace(month=10, day=24, hour=12)
    assert member.does(Event(name=VISIT), at=before_the_clock_goes_back).points == 10
    assert member.does(Event(name=VISIT), at=before_the_clock_goes_back + timedelta(hours=24, minutes=59)).points == 0
    assert member.does(Event(name=VISIT), at=before_the_clock_goes_back + timedelta(hours=25)).points == 10


def test_a_rule_gives_so_many_times_in_a_period_of_the_business_calendar() -> None:
    member = Member(
        version('day_starts: "04:00"\nearn: [{id: coffee, kind: visit, points: 1, max_per: {day: 2, week: 3}}]')
    )
    evening = MONDAY.replace(hour=20)
    given = [member.buys(300, at=evening + timedelta(hours=h)).points for h in (0, 1, 5.9, 6, 7, 24 * 7)]
    assert given == [1, 1, 0, 1, 0, 1]


def test_points_of_a_rule_stop_exactly_at_their_limit() -> None:
    member = Member(version("earn: [{id: base, kind: spend, per: 1.00, max_points: {day: 25}}]"))
    assert [member.buys(1090).points for _ in range(4)] == [10, 10, 5, 0]
    assert member.buys(1090, after=timedelta(days=1)).points == 10


def test_when_a_better_rule_is_used_up_the_next_one_gives() -> None:
    text = """earn:
      - {id: plain, kind: spend, per: 1.00, points: 1}
      - {id: much, kind: spend, per: 1.00, points: 5, max_points: {month: 50}}"""
    member = Member(version(text))
    assert [member.buys(1000).points for _ in range(2)] == [50, 10]


def test_e13_a_category_gives_more_than_the_rest() -> None:
    text = """earn:
      - {id: base, kind: spend, per: 1.00, points: 1}
      - {id: new, kind: spend, per: 1.00, points: 3, match: {categories: [new]}}"""
    bought = Member(version(text)).does(basket(line(1000, "new"), line(1000, "other")))
    assert {given.rule: given.points for given in bought.given} == {"base": 10, "new": 30}


def test_a_rule_that_adds_gives_besides_the_best() -> None:
    text = """earn:
      - {id: base, kind: spend, per: 1.00, points: 1}
      - {id: extra, kind: spend, per: 1.00, points: 3, match: {categories: [new]}, adds: true}
      - {id: cup, kind: visit, points: 2, adds: true}
      - {id: hello, kind: visit, points: 1}"""
    bought = Member(version(text)).does(basket(line(1000, "new"), line(1000)))
    assert {given.rule: given.points for given in bought.given} == {"base": 20, "extra": 30, "cup": 2, "hello": 1}


def test_of_rules_for_the_visit_itself_the_best_gives() -> None:
    text = """earn:
      - {id: hello, kind: visit, points: 1}
      - {id: web, kind: visit, points: 3, match: {channels: [web]}}
      - {id: early, kind: visit, points: 2}"""
    member = Member(version(text))
    assert [given.rule for given in member.buys(100).given] == ["early"]
    assert [given.rule for given in member.does(Event(amount_minor=100, channel="web")).given] == ["web"]


def test_of_equal_rules_the_first_written_gives() -> None:
    text = "earn: [{id: one, kind: spend, per: 1.00}, {id: two, kind: spend, per: 2.00, points: 2}]"
    bought = Member(version(text)).buys(1000)
    assert [given.rule for given in bought.given] == ["one"]
    assert bought.refusals == {"two": "match"}


def test_a_category_can_be_left_out_of_a_rule() -> None:
    text = """earn:
      - {id: shopping, kind: spend, per: 1.00, match: {not_categories: [fuel]}}
      - {id: fuel, kind: item, points: 1, per_quantity: 2, match: {categories: [fuel]}}"""
    member = Member(version(text))
    bought = member.does(basket(line(6000, "fuel", quantity_milli=40_000), line(1000), line(500, "food")))
    assert {given.rule: given.points for given in bought.given} == {"shopping": 15, "fuel": 20}
    assert member.buys(700).points == 7


def test_split_tenders_earn_by_their_shares() -> None:
    text = """earn:
      - {id: base, kind: spend, per: 1.00, points: 1}
      - {id: card, kind: spend, per: 1.00, points: 2, match: {tenders: [card]}}"""
    paid = (Tender(kind="card", amount_minor=600), Tender(kind="cash", amount_minor=400))
    bought = Member(version(text)).does(Event(amount_minor=1000, tenders=paid))
    assert {given.rule: given.points for given in bought.given} == {"base": 4, "card": 12}
    only_card = "earn: [{id: card, kind: spend, per: 1.00, points: 1, match: {tenders: [card]}}]"
    assert Member(version(only_card)).does(Event(amount_minor=1000, tenders=paid)).points == 6


def test_e15_the_card_gives_more_to_subscribers_until_the_moment_their_membership_ends() -> None:
    text = """earn:
      - {id: five, kind: spend, per: 1.00, points: 5, rounding: floor, when: {memberships: [prime]},
         match: {tenders: [card]}}
      - {id: three, kind: spend, per: 1.00, points: 3, rounding: floor, when: {not_memberships: [prime]},
         match: {tenders: [card]}}"""
    member = Member(version(text))
    noon = MONDAY.replace(hour=12)
    member.standing.memberships["prime"] = (0, int(noon.timestamp()))
    by_card = Event(amount_minor=5999, tenders=(Tender(kind="card", amount_minor=5999),))
    moments = (noon - timedelta(seconds=1), noon, noon + timedelta(minutes=1))
    assert [member.does(by_card, at=at).points for at in moments] == [299, 179, 179]


def test_e16_partners_give_by_their_own_rules_and_issue_the_points() -> None:
    text = """earn:
      - {id: at_a, kind: spend, per: 1.00, points: 1, match: {partners: [a]}}
      - {id: at_b, kind: spend, per: 2.00, points: 1, match: {partners: [b]}}"""
    member = Member(version(text))
    given = [*member.buys(1000, partner="a").given, *member.buys(1000, partner="b").given]
    assert [(one.rule, one.issuer_id, one.points) for one in given] == [("at_a", "prt_a", 10), ("at_b", "prt_b", 5)]


def test_places_and_channels_choose_purchases() -> None:
    text = """earn:
      - {id: station, kind: visit, points: 3, match: {locations: [station]}}
      - {id: web, kind: visit, points: 7, match: {channels: [web]}}"""
    member = Member(version(text))
    assert member.buys(100, location="station").points == 3
    assert member.buys(100, location="market").refusals == {"station": "location", "web": "channel"}
    assert member.does(Event(amount_minor=100, channel="web")).points == 7


def test_the_terms_of_the_partner_are_a_rule_like_any_other() -> None:
    member = Member(version("earn: [{id: terms, kind: terms}]"))
    assert member.buys(1000).refusals == {"terms": "terms"}
    member.terms = TermsRate("trm_1", 1, 300)
    assert [member.buys(1000).points for _ in range(3)] == [3, 3, 4]


def test_the_first_purchase_of_a_member_can_give_more() -> None:
    text = "earn: [{id: welcome, kind: visit, points: 50, when: {first_purchase: true}}]"
    member = Member(version(text))
    assert member.does(Event(name=VISIT)).points == 0
    first = member.buys(100)
    assert [first.points, member.buys(100).points] == [50, 0]


def test_amounts_of_events_give_by_steps() -> None:
    text = """earn:
      - {id: reload, kind: event, event: card.loaded, steps: [{from: 30.00, points: 10}, {from: 50.00, points: 25}]}"""
    member = Member(version(text))
    loads = [Event(name="card.loaded", amount_minor=amount) for amount in (2999, 3000, 4999, 5000)]
    assert [member.does(load).points for load in loads] == [0, 10, 10, 25]


def test_a_rule_can_hold_at_some_hours() -> None:
    text = 'earn: [{id: early, kind: visit, points: 2, schedule: {rrule: "FREQ=DAILY", starts: "06:00", lasts: PT4H}}]'
    member = Member(version(text))
    given = [
        member.buys(100, at=MONDAY.replace(hour=h, minute=m)).points for h, m in ((3, 59), (4, 0), (7, 59), (8, 0))
    ]
    assert given == [0, 2, 2, 0]


def test_visits_nearer_than_the_visit_gap_are_one_visit() -> None:
    text = """earn_base: {visits_of: [visit], visit_gap: PT6H}
earn: [{id: workout, kind: visit, points: 10, min_gap: PT6H}]"""
    member = Member(version(text))
    for hours in (0, 2, 6):
        member.does(Event(name=VISIT), at=MONDAY + timedelta(hours=hours))
    assert member.buys(500, after=timedelta(hours=8)).points == 0
    assert sum(member.standing.counts["visits"].values()) == 2
    assert sum(member.standing.counts["purchases"].values()) == 1


def test_a_period_total_only_counts_until_the_period_is_over() -> None:
    text = """earn: [{id: bonus, kind: period_total, period: month, per: 1.00, steps: [{from: 0, points: 1}]}]
campaigns: [{id: double, stacking: stack, times: 2, match: {partners: [b]}}]"""
    member = Member(version(text))
    assert [member.buys(1050, partner=name).points for name in ("a", "b")] == [0, 0]
    day = member.buys(1).context.day
    assert member.standing.counts["total/bonus"] == {day: 2101}
    assert member.standing.counts["total/bonus/weighted"] == {day: 1050 + 2100 + 1}


def test_what_was_bought_is_counted_only_as_far_as_the_version_asks() -> None:
    text = """earn: []
engagement: {challenges: [
  {id: cups, names: {en: Cups}, per: ever, gain: {points: 1},
   goal: {count: 5, of: items, match: {categories: [coffee]}}},
  {id: books, names: {en: Books}, per: ever, gain: {points: 1},
   goal: {amount: 9, of: spend, match: {categories: [books]}}}]}"""
    member = Member(version(text))
    bought = member.does(
        basket(line(900, "coffee", quantity_milli=3500), line(1000, "books"), line(1, "tea"), discount_minor=100)
    )
    assert {name: by_day[bought.context.day] for name, by_day in member.standing.counts.items()} == {
        "purchases": 1, "visits": 1, "spend": 1801, "items/coffee": 3, "category/books/purchases": 1,
        "category/books/spend": 947,
    }  # fmt: skip
