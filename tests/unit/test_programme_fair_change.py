"""A new version may favour members; it may not take from points they already have."""

import pytest

from points.programme.fair_change import reasons_against
from points.programme.text import read_programme
from tests.support.programme_files import HEAD, programme

TIERS = (
    "tiers: {measure: points, window: {kind: lifetime}, levels: "
    "[{id: base, from: 0, names: {en: B}}, {id: gold, from: 9, names: {en: G}}]}\n"
)
CONVERSION = "conversion: {months: [2, 8], min_points: 150, points: 100, money: 1, step: 0.5, valid: P2Y}\n"


def reward(fields: str) -> str:
    return "rewards: [{id: r, names: {en: R}, " + fields + "}]\n"


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("unit: {value: 0.02}\n", "unit: {value: 0.01}\n", "the value of a point falls from 0.02 to 0.01"),
        ("unit: {value: 0.02}\n", "", "the value of a point falls from 0.02 to nothing"),
        (
            reward("kind: product, cost: 10"),
            reward("kind: product, cost: 11"),
            "reward r: it costs 11 points instead of 10",
        ),
        (
            TIERS + reward("kind: product, cost: 10, cost_by_tier: {gold: 5}"),
            TIERS + reward("kind: product, cost: 10"),
            "10 points instead of 5 in tier gold",
        ),
        (reward("kind: product, cost: 10"), reward("kind: service, cost: 10"), "turns from product into service"),
        (
            reward("kind: percent_off, percent: 0.2, cost: 9"),
            reward("kind: percent_off, percent: 0.1, cost: 9"),
            "percent falls",
        ),
        (
            reward("kind: product, cost: 9, voucher: true"),
            reward("kind: product, cost: 9, voucher: true, valid: P30D"),
            "valid for P30D instead of ever",
        ),
        (
            reward("kind: product, cost: 9, voucher: true, uses: 2"),
            reward("kind: product, cost: 9, voucher: true"),
            "uses falls from 2 to 1",
        ),
        (reward("kind: product, cost: 9"), reward("kind: product, cost: 9, minimum_basket: 5"), "needs a basket of 5"),
        (reward("kind: product, cost: 9"), reward("kind: product, cost: 9, refundable: false"), "given back"),
        (
            reward("kind: product, cost: 9"),
            reward("kind: product, cost: 9, one_per_order: true"),
            "one can be had per order",
        ),
        (
            TIERS + reward("kind: product, cost: 9"),
            TIERS + reward("kind: product, cost: 9, eligible: {tiers: [gold]}"),
            "fewer members",
        ),
        (
            TIERS + reward("kind: product, cost: 9"),
            TIERS + reward("kind: product, cost: 9, eligible: {not_tiers: [base]}"),
            "fewer members",
        ),
        (
            reward("kind: product, cost: 9"),
            reward("kind: product, cost: 9, available: {until: 2027-01-01}"),
            "other times",
        ),
        (
            reward("kind: product, cost: 9, available: {until: 2027-02-01}"),
            reward("kind: product, cost: 9, available: {until: 2027-01-01}"),
            "other times",
        ),
        (reward("kind: product, cost: 9"), reward("kind: product, cost: 9, item: {skus: [a]}"), "other items"),
        (CONVERSION, "", "no longer turned into vouchers"),
        (CONVERSION, CONVERSION.replace("points: 100, ", "points: 120, "), "1 for 120 points instead of 1 for 100"),
        (CONVERSION, CONVERSION.replace("150", "200"), "needs 200 points instead of 150"),
        (CONVERSION, CONVERSION.replace("[2, 8]", "[2]"), "fewer or other months"),
        (CONVERSION, CONVERSION.replace("P2Y", "P1Y"), "valid for P1Y instead of P2Y"),
        (CONVERSION, CONVERSION.replace("0.5", "1"), "steps of 1 instead of 0.5"),
        (
            reward("kind: amount_off, amount: 5, cost: 100"),
            "rewards: [{id: s, names: {en: S}, kind: amount_off, amount: 5, cost: 200}]\n",
            "brings at most 0.025 EUR instead of 0.05",
        ),
        (reward("kind: amount_off, amount: 5, cost: 100"), "", "brings at most 0 EUR instead of 0.05"),
        (
            "unit: {value: 0.01}\n" + reward("kind: points_as_money, max_share: 0.5"),
            "unit: {value: 0.01}\n" + reward("kind: points_as_money, max_share: 0.4"),
            "max_share falls from 0.5 to 0.4",
        ),
        (
            "unit: {value: 0.01}\n" + reward("kind: points_as_money"),
            "unit: {value: 0.01}\n" + reward("kind: points_as_money, multiple_of: 50"),
            "in steps of 50 instead of 1",
        ),
    ],
)
def test_what_takes_from_existing_points_is_refused_with_the_reason(before: str, after: str, says: str) -> None:
    reasons = reasons_against(programme(before), programme(after))
    assert any(says in reason for reason in reasons), reasons


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("unit: {value: 0.01}\n", "unit: {value: 0.02}\n"),
        ("", "unit: {value: 0.02}\n"),
        (reward("kind: product, cost: 10"), reward("kind: product, cost: 9")),
        (reward("kind: product, cost: 10"), reward("kind: product, cost: 12").replace("id: r", "id: larger")),
        (reward("kind: product, cost: 10"), ""),
        (TIERS + reward("kind: product, cost: 9, eligible: {tiers: [gold]}"), TIERS + reward("kind: product, cost: 9")),
        (
            reward("kind: product, cost: 9, available: {until: 2027-01-01}"),
            reward("kind: product, cost: 9, available: {until: 2027-02-01}"),
        ),
        ("lots: {expiry: {kind: never}}\n", "lots: {expiry: {kind: rolling, length: P1Y}}\n"),
        ("earn: [{id: a, kind: spend, per: 1}]\n", "earn: [{id: a, kind: spend, per: 2}]\n"),
        (TIERS, TIERS.replace("from: 9", "from: 900")),
        (CONVERSION, CONVERSION.replace("points: 100, ", "points: 80, ").replace("0.5", "0.25")),
    ],
)
def test_what_favours_members_or_touches_only_later_points_is_allowed(before: str, after: str) -> None:
    assert reasons_against(programme(before), programme(after)) == []


def test_a_change_of_currency_is_refused() -> None:
    dollars = read_programme(HEAD.replace("EUR", "USD"))
    (reason,) = reasons_against(programme(), dollars)
    assert "from EUR to USD" in reason


def test_the_same_programme_may_always_follow_itself() -> None:
    made = programme("unit: {value: 0.01}\n" + TIERS + CONVERSION + reward("kind: amount_off, amount: 5, cost: 100"))
    assert reasons_against(made, made) == []
