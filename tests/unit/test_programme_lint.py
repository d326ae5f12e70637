"""Lint says what is unwise: rates, reach, arbitrage, stacking. It is silent about what is fine."""

import pytest

from points.programme.lint import lint
from points.programme.shelf import names, template
from points.programme.text import read_programme
from tests.support.programme_files import programme

GOAL = "goal: {metric: retention_rate, target: 0.5, review_on: 2027-01-01}\n"
ONE_PER_EURO = "earn: [{id: spend, kind: spend, per: 1}]\n"


def advice(rest: str) -> list[tuple[str, str, str]]:
    """(code, path, text) beside what every test file lacks: a goal, names in all languages."""
    found = lint(programme(GOAL + rest))
    return [(one.code, one.path, one.text) for one in found if one.code != "language_missing"]


def off(amount: str, cost: int, fields: str = "") -> str:
    return f"rewards: [{{id: off, names: {{en: Off}}, kind: amount_off, amount: {amount}, cost: {cost}{fields}}}]\n"


def campaigns(*fields: str) -> str:
    return "campaigns: [" + ", ".join(f"{{id: c{n}, {one}}}" for n, one in enumerate(fields)) + "]\n"


def test_a_discount_of_half_the_price_is_outside_the_band() -> None:
    rest = "rewards: [{id: half, names: {en: Half}, kind: percent_off, percent: 0.5, cost: 100}]\n"
    ((code, path, text),) = advice(ONE_PER_EURO + rest)
    assert (code, path) == ("reward_rate_high", "rewards[0]")
    assert text.startswith("effective reward rate 50 %")


@pytest.mark.parametrize(
    ("cost", "band", "found"),
    [
        (10, "", "effective reward rate 50 % (meant to be 1 % to 25 %)"),
        (20, "", None),
        (19, "", "effective reward rate 26.3 % (meant to be 1 % to 25 %)"),
        (500, "", None),
        (501, "", "effective reward rate 0.998 % (meant to be 1 % to 25 %)"),
        (100, "reward_band: {low: 0.005, high: 0.04}\n", "effective reward rate 5 % (meant to be 0.5 % to 4 %)"),
        (125, "reward_band: {low: 0.005, high: 0.04}\n", None),
    ],
)
def test_the_effective_reward_rate_is_compared_with_the_band(cost: int, band: str, found: str | None) -> None:
    texts = [
        text for code, _, text in advice(ONE_PER_EURO + off("5.00", cost) + band) if code.startswith("reward_rate")
    ]
    assert texts == ([found] if found else [])


def test_the_best_tier_decides_the_rate() -> None:
    tiers = (
        "tiers: {measure: points, window: {kind: lifetime}, levels: "
        "[{id: base, from: 0, names: {en: B}}, {id: gold, from: 9, names: {en: G}}]}\n"
    )
    earn = "earn: [{id: spend, kind: spend, per: 1, tiers: {gold: 3}}]\n"
    ((code, _, text),) = advice(tiers + earn + off("1.00", 10))
    assert code == "reward_rate_high"
    assert text.startswith("effective reward rate 30 %")


def test_points_worth_more_than_what_was_paid_are_arbitrage() -> None:
    stack = "stacking: stack, times: 4"
    rest = ONE_PER_EURO + off("2.00", 10) + campaigns(stack, stack.replace("4", "2"))
    found = [(path, text) for code, path, text in advice(rest) if code == "arbitrage"]
    assert found == [("campaigns", "spending 1 gives points worth 1.6 when all campaigns hold at once")]
    within = ONE_PER_EURO + off("2.00", 10) + campaigns(stack)
    assert [code for code, _, _ in advice(within)] == []


def test_loading_money_for_more_points_than_it_is_worth_is_arbitrage() -> None:
    earn = "earn: [{id: load, kind: event, event: card.loaded, once_per: subject, steps: [{from: 10, points: 11}]}]\n"
    money = "unit: {value: 1}\nrewards: [{id: pay, names: {en: P}, kind: points_as_money}]\n"
    assert [(code, path) for code, path, _ in advice(earn + money)] == [("arbitrage", "earn[0].steps[0]")]


def test_a_game_that_gives_more_than_it_takes_is_arbitrage() -> None:
    game = (
        "engagement: {games: [{id: g, names: {en: G}, cost: 10, prizes: [{id: p, odds: 0.5, gain: {points: 21}}]}]}\n"
    )
    ((code, path, text),) = advice(ONE_PER_EURO + off("1.00", 10) + game)
    assert (code, path) == ("arbitrage", "engagement.games[0]")
    assert text == "a draw for 10 points gives 10.5 on average"


@pytest.mark.parametrize(
    ("rest", "path", "says"),
    [
        ("earn: [{id: v, kind: visit, points: 1}]\n" + off("5.00", 366), "rewards[0].cost", "at most 365"),
        (
            "earn: [{id: v, kind: visit, points: 1}]\nlots: {notices: [], expiry: {kind: rolling, length: P30D}}\n"
            + off("5.00", 31),
            "rewards[0].cost",
            "in 30 days, after which points expire",
        ),
        ("redemptions: {max_points_per_day: 99}\n" + ONE_PER_EURO + off("5.00", 100), "rewards[0].cost", "99 a day"),
        (
            ONE_PER_EURO + "rewards: [{id: a, names: {en: A}, kind: product, cost: 10, auto_issue: true}, "
            "{id: b, names: {en: B}, kind: product, cost: 20}]\n",
            "rewards[1].cost",
            "at 10 points `a` is issued by itself",
        ),
    ],
)
def test_rewards_that_cannot_be_reached_are_told(rest: str, path: str, says: str) -> None:
    ((found, text),) = [(path, text) for code, path, text in advice(rest) if code == "unreachable_reward"]
    assert found == path
    assert says in text


def test_what_a_generous_year_reaches_is_not_complained_about() -> None:
    assert advice("earn: [{id: v, kind: visit, points: 1}]\n" + off("5.00", 365)) == []


def test_tiers_above_a_generous_year_are_told() -> None:
    tiers = (
        "tiers: {measure: visits, window: {kind: rolling, length: P2Y}, levels: "
        "[{id: base, from: 0, names: {en: B}}, {id: a, from: 744, names: {en: A}}, "
        "{id: b, from: 745, names: {en: B}}]}\n"
    )
    found = [(path, text) for code, path, text in advice(ONE_PER_EURO + tiers) if code == "unreachable_tier"]
    assert [path for path, _ in found] == ["tiers.levels[2]"]


def test_rewards_and_badges_that_nothing_leads_to_are_told() -> None:
    rest = ONE_PER_EURO + "rewards: [{id: a, names: {en: A}, kind: product}]\n"
    badges = "engagement: {badges: [{id: b, names: {en: B}}]}\n"
    assert [(code, path) for code, path, _ in advice(rest + badges)] == [
        ("never_claimable", "rewards[0]"),
        ("never_won", "engagement.badges[0]"),
    ]
    won = "engagement: {badges: [{id: b, names: {en: B}}], birthday: {gain: {reward: a, badge: b}}}\n"
    assert advice(rest + won) == []


def test_points_that_buy_nothing_are_told() -> None:
    assert [code for code, _, _ in advice(ONE_PER_EURO)] == ["nothing_to_redeem"]
    assert [code for code, _, _ in advice("")] == ["nothing_earned"]


@pytest.mark.parametrize(
    ("first", "second", "code", "says"),
    [
        ("stacking: exclusive, times: 2", "stacking: exclusive, times: 3", "unclear_stacking", "`c0` wins"),
        ("stacking: best_of, times: 2", "stacking: best_of, adds: 3", "unclear_stacking", "depends on the amount"),
        ("stacking: stack, adds: 2", "stacking: stack, times: 3", "unclear_stacking", "multiplies also"),
        ("stacking: exclusive, times: 2", "stacking: stack, times: 3", "never_holds", "`c1` never holds"),
        ("stacking: best_of, times: 2", "stacking: exclusive, times: 3", "never_holds", "`c0` never holds"),
    ],
)
def test_stacking_that_surprises_is_told(first: str, second: str, code: str, says: str) -> None:
    rest = ONE_PER_EURO + off("5.00", 200) + campaigns(first, second)
    ((found, _, text),) = advice(rest)
    assert found == code
    assert says in text


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("stacking: stack, times: 2", "stacking: stack, adds: 2"),
        ("stacking: best_of, times: 2", "stacking: best_of, times: 3"),
        ("stacking: best_of, times: 2", "stacking: stack, adds: 3"),
        (
            "stacking: exclusive, times: 2, schedule: {until: 2026-05-01}",
            "stacking: exclusive, times: 3, schedule: {from: 2026-05-01}",
        ),
        (
            "stacking: exclusive, times: 2, when: {memberships: [club]}",
            "stacking: exclusive, times: 3, when: {not_memberships: [club]}",
        ),
        (
            "stacking: exclusive, times: 2, match: {channels: [web]}",
            "stacking: exclusive, times: 3, match: {channels: [shop]}",
        ),
    ],
)
def test_campaigns_that_never_meet_or_say_their_order_are_fine(first: str, second: str) -> None:
    assert advice(ONE_PER_EURO + off("5.00", 200) + campaigns(first, second)) == []


def test_what_has_no_limit_is_told() -> None:
    earn = "earn: [{id: s, kind: spend, per: 1}, {id: share, kind: event, event: shared, points: 1}]\n"
    rest = earn + off("1.00", 100) + campaigns("stacking: stack, times: 5")
    assert [(code, path) for code, path, _ in advice(rest)] == [("unlimited", "campaigns[0]"), ("unlimited", "earn[1]")]


def test_rules_for_exactly_the_same_purchases_are_told() -> None:
    earn = "earn: [{id: a, kind: spend, per: 1}, {id: b, kind: spend, per: 2}]\n"
    assert [(code, path) for code, path, _ in advice(earn + off("5.00", 200))] == [("competing_rules", "earn[1]")]
    assert advice(earn.replace("per: 2", "per: 2, adds: true") + off("5.00", 200)) == []


def test_easily_forgotten_things_are_told() -> None:
    rest = (
        "lots: {expiry: {kind: rolling, length: P20D}, notices: [P30D, P7D]}\n"
        "sensitive_categories: [health]\n"
        "segments: [{id: s, where: {any: [{category: health, purchases_at_least: 1}]}}]\n"
    )
    found = [(one.code, one.path) for one in lint(programme(rest + ONE_PER_EURO + off("5.00", 200)))]
    assert found == [
        ("no_goal", "goal"),
        ("language_missing", "rewards[0].names"),
        ("notice_too_early", "lots.notices[0]"),
        ("sensitive_segment", "segments[0]"),
    ]


@pytest.mark.parametrize("name", names())
def test_no_template_is_an_arbitrage_or_promises_what_nobody_reaches(name: str) -> None:
    serious = {"arbitrage", "unreachable_reward", "unreachable_tier", "never_claimable", "never_won", "never_holds"}
    found = [one for one in lint(read_programme(template(name))) if one.code in serious]
    assert found == []


def test_a_proof_above_what_can_be_spent_in_a_day_is_never_asked() -> None:
    for above, found in ((99, []), (100, ["proof_never_asked"])):
        limits = f"redemptions: {{max_points_per_day: 100, proof: {{above: {above}}}}}\n"
        assert [code for code, _, _ in advice(ONE_PER_EURO + off("1.00", 100) + limits)] == found
