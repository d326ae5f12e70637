"""From exact parts to whole points: carries, limits, and days that the standing keeps."""

from datetime import UTC, datetime
from fractions import Fraction

from points.programme.context import Context, Part
from points.programme.evaluation import horizons
from points.programme.settlement import Given, settle
from points.programme.standing import Standing, fold, prune
from tests.support.evaluating import Member, version

CONTEXT = Context(partner="prt_a", at=datetime(2026, 11, 16, tzinfo=UTC), day=739936)


def part(n: int, d: int = 1, rounding: str = "carry", campaign: str | None = None) -> Part:
    return Part("base", "prt_a", Fraction(n, d), rounding, campaign)  # type: ignore[arg-type]


def test_what_is_less_than_a_point_is_carried_by_rule_campaign_and_issuer() -> None:
    settled = settle([part(5, 2), part(5, 4, campaign="push")], {"prt_a/base": (3, 4)}, CONTEXT)
    assert settled.points == (Given("base", None, "prt_a", 3), Given("base", "push", "prt_a", 1))
    assert settled.change.carries == {"prt_a/base": (1, 4), "prt_a/base+push": (1, 4)}


def test_taking_back_is_the_same_arithmetic_downwards() -> None:
    settled = settle([part(-5, 2)], {"prt_a/base": (1, 4)}, CONTEXT)
    assert (settled.points, settled.change.carries) == ((Given("base", None, "prt_a", -3),), {"prt_a/base": (3, 4)})
    assert settle([part(-1, 4)], {"prt_a/base": (1, 4)}, CONTEXT).points == ()


def test_a_carry_that_outgrows_every_reader_of_numbers_is_rounded_down_and_made_good() -> None:
    carries: dict[str, tuple[int, int]] = {}
    standing = Standing()
    for denominator in (999_983, 999_979, 999_961):
        settled = settle([part(1, denominator)], standing.carries, CONTEXT)
        fold(standing, settled.change)
        carries = standing.carries
    assert all(denominator <= 10**15 for _, denominator in carries.values())
    almost = settle([part(10**15 - 1, 10**15)], {}, CONTEXT)
    assert (almost.points, almost.change.carries) == ((Given("base", None, "prt_a", 1),), {"prt_a/base": (0, 1)})


def test_points_of_limited_rules_and_campaigns_are_counted() -> None:
    context = Context(partner="prt_a", at=CONTEXT.at, day=7, left={"base": 9, "push": 3})
    settled = settle([part(4, rounding="floor"), part(3, rounding="floor", campaign="push")], {}, context)
    assert settled.change.counts == {"rule/base/points": {7: 4}, "campaign/push/points": {7: 3}}
    assert settle([part(4, rounding="floor")], {}, CONTEXT).change.counts == {}


def test_days_are_kept_as_long_as_a_rule_looks_back_and_a_month_for_what_comes_late() -> None:
    text = """redemptions: {max_points_per_day: 5}
earn_base: {visit_gap: PT6H}
earn:
  - {id: visit, kind: visit, points: 1, min_gap: P2D, max_per: {week: 2}, max_points: {quarter: 9, ever: 100}}
  - {id: regular, kind: visit, points: 1, adds: true, when: {nth: {at_least: 4, within: P30D}}}
campaigns: [{id: push, stacking: stack, times: 2, per_member: {times: 1, per: year}}]
segments: [{id: away, where: {none: [{purchases_at_least: 2, category: tea, within: P60D}]}}]
"""
    assert horizons(version(text)) == {
        "redeemed": 32, "moments/visits/gap": 33, "moments/visit": 34, "rule/visit": 38, "rule/visit/points": 123,
        "purchases": 61, "campaign/push": 397, "campaign/push/points": 397, "category/tea/purchases": 91,
        "category/tea/spend": 91, "visits": 91,
    }  # fmt: skip


def test_what_was_folded_away_still_counts_for_ever_and_can_be_taken_back() -> None:
    member = Member(version("earn: [{id: visit, kind: visit, points: 1, max_per: {ever: 2}}]"))
    bought = member.buys(100)
    member.buys(100)
    prune(member.standing, horizons(member.version), bought.context.day + 400)
    assert member.buys(100).refusals == {"visit": "max_per_ever"}
    member.returns(bought, 100)
    assert member.buys(100).points == 1
