"""A file of the right shape that makes no sense is refused, part by part, with the place of what to mend."""

import time

import pytest

from points.programme.check import faults_of_meaning
from points.programme.shelf import default_version
from tests.support.programme_files import HEAD, faults, messages

TIERS = (
    "tiers: {measure: points, window: {kind: lifetime}, levels: "
    "[{id: base, from: 0, names: {en: Base}}, {id: gold, from: 10, names: {en: Gold}}]}\n"
)


def rule(fields: str) -> str:
    return "earn: [{id: a, " + fields + "}]\n"


def conversion(fields: str) -> str:
    return "conversion: {min_points: 1, step: 1, valid: P1Y, " + fields + "}\n"


def challenge(fields: str, gain: str = "{points: 1}") -> str:
    return "challenges: [{id: a, names: {en: A}, gain: " + gain + ", " + fields + "}]"


def campaign(fields: str) -> str:
    return "campaigns: [{id: c, stacking: stack, adds: 1, " + fields + "}]\n"


def reward(fields: str) -> str:
    return "rewards: [{id: r, names: {en: R}, " + fields + "}]\n"


def schedule(fields: str) -> str:
    return campaign("schedule: {" + fields + "}")


GROUND = [
    ("programme: a\nnames: {en: A}\nzone: Europe/Atlantis\ncurrency: EUR\n", "zone", "not a time zone"),
    ("programme: a\nnames: {en: A}\nzone: ../../etc/passwd\ncurrency: EUR\n", "zone", "not a time zone"),
    ("programme: a\nnames: {en: A}\nzone: Europe\ncurrency: EUR\n", "zone", "not a time zone"),
    ("programme: a\nnames: {en: A}\nzone: ''\ncurrency: EUR\n", "zone", "not a time zone"),
    ("programme: a\nnames: {en: A}\nzone: UTC\ncurrency: XXX\n", "currency", "not a currency"),
]


@pytest.mark.parametrize(("text", "path", "says"), GROUND)
def test_zone_and_currency_must_exist(text: str, path: str, says: str) -> None:
    (fault,) = faults(text)
    assert fault.path == path
    assert says in fault.message


@pytest.mark.parametrize(
    ("rest", "path", "says"),
    [
        ("earn: [{id: a, kind: terms}, {id: a, kind: terms}]\n", "earn[1].id", "used twice; first in earn"),
        ("earn: [{id: c, kind: terms}]\n" + campaign(""), "campaigns[0].id", "used twice"),
        (campaign("match: {partners: [shop]}"), "campaigns[0].match.partners[0]", "no partner `shop`"),
        (
            "locations: {north: North}\n" + campaign("match: {locations: [nort]}"),
            "campaigns[0].match.locations[0]",
            "did you mean `north`",
        ),
        ("partners: {a: {name: A}}\nlocations: {a: A}\n", "locations.a", "a partner already"),
        (TIERS + campaign("when: {tiers: [silver]}"), "campaigns[0].when.tiers[0]", "there are base, gold"),
        (campaign("when: {segments: [new]}"), "campaigns[0].when.segments[0]", "no segment `new`"),
        (campaign("applies_to: [x]"), "campaigns[0].applies_to[0]", "no earn rule `x`"),
        (campaign("sponsor: x"), "campaigns[0].sponsor", "no partner `x`"),
        (campaign("holdout: x"), "campaigns[0].holdout", "no holdout `x`"),
        (rule("kind: spend, per: 1, tiers: {x: 2}"), "earn[0].tiers.x", "no tier `x`"),
        (reward("kind: product, cost: 5, cost_by_tier: {x: 2}"), "rewards[0].cost_by_tier.x", "no tier `x`"),
        ("lots: {by_tier: {x: {kind: never}}}\n", "lots.by_tier.x", "no tier `x`"),
        ("benefits: [{id: a, names: {en: A}, badge: x}]\n", "benefits[0].badge", "no badge `x`"),
        ("engagement: {birthday: {gain: {reward: cake}}}\n", "engagement.birthday.gain.reward", "no reward `cake`"),
        ("segments: [{id: a, where: {any: [{tiers: [x]}]}}]\n", "segments[0].where.any[0].tiers[0]", "no tier `x`"),
    ],
)
def test_names_are_unique_and_exist(rest: str, path: str, says: str) -> None:
    ((found, message),) = messages(rest)
    assert found == path
    assert says in message


@pytest.mark.parametrize(
    ("rest", "path", "says"),
    [
        (rule("kind: spend, per: 1.005"), "earn[0].per", "EUR has 2 decimals"),
        (rule("kind: spend, per: 0"), "earn[0].per", "not an amount above zero"),
        (rule("kind: spend, per: -1"), "earn[0].per", "not an amount above zero"),
        (rule("kind: spend, per: 1, points: 0"), "earn[0].points", "not a number above zero"),
        (rule("kind: item, points: -0.5"), "earn[0].points", "not a number above zero"),
        (TIERS + rule("kind: spend, per: 1, tiers: {gold: 0}"), "earn[0].tiers.gold", "above zero"),
        (rule("kind: terms, min_gap: PT0S"), "earn[0].min_gap", "has no length"),
        (rule("kind: terms, min_gap: P999Y"), "earn[0].min_gap", "longer than a hundred years"),
        (rule("kind: terms, pending: {}"), "earn[0].pending", "either for a time"),
        (rule("kind: terms, pending: {after: P1D, until_event: x}"), "earn[0].pending", "either for a time"),
        (rule("kind: event, event: x"), "earn[0]", "either `points` or `steps`"),
        (rule("kind: event, event: purchase, points: 1"), "earn[0].event", "no event by name"),
        (
            rule("kind: event, event: x, steps: [{from: 5, points: 1}, {from: 5, points: 2}]"),
            "earn[0].steps[1].from",
            "not above 5",
        ),
        (rule("kind: period_total, period: month, per: 1, steps: []"), "earn[0].steps", "at least one"),
        (
            rule("kind: period_total, period: month, per: 1, steps: [{from: 0, points: 2}, {from: 9, points: 1}]"),
            "earn[0].steps[1].points",
            "not above 2",
        ),
        (
            rule("kind: period_total, period: month, per: 1, max_per: {day: 1}, steps: [{from: 0, points: 2}]"),
            "earn[0].max_per",
            "single purchases",
        ),
        (
            rule("kind: terms, when: {first_purchase: true, nth: {at_least: 2}}"),
            "earn[0].when.nth",
            "cannot be the 2th",
        ),
        (
            rule("kind: terms, match: {categories: [x], not_categories: [x]}"),
            "earn[0].match.not_categories[0]",
            "left out at once",
        ),
        ("earn_base: {visits_of: []}\n", "earn_base.visits_of", "nothing would count"),
        ("campaigns: [{id: c, stacking: stack}]\n", "campaigns[0]", "either multiplies"),
        (rule("kind: terms") + campaign("times: 2"), "campaigns[0]", "either multiplies"),
        ("campaigns: [{id: c, stacking: stack, times: 2}]\n", "campaigns[0].times", "no earn rules"),
        (
            rule("kind: terms}]\ncampaigns: [{id: c, stacking: stack, times: 2, events: [x]"),
            "campaigns[0].times",
            "no rule for these events",
        ),
        (
            "partners: {a: {name: A, roles: [charity]}}\n" + campaign("sponsor: a"),
            "campaigns[0].sponsor",
            "neither the role",
        ),
        (campaign("budget: {per: month}"), "campaigns[0].budget", "either `points` or `money`"),
        (campaign("budget: {points: 1, money: 1}"), "campaigns[0].budget", "either `points` or `money`"),
        (campaign("budget: {money: 100}"), "campaigns[0].budget.money", "value of a point"),
        ("unit: {value: 2}\n" + campaign("budget: {money: 1}"), "campaigns[0].budget.money", "less than one point"),
        (campaign("per_member: {per: day}"), "campaigns[0].per_member", "needs `times` or `points`"),
        (
            TIERS + campaign("when: {tiers: [gold], not_tiers: [gold]}"),
            "campaigns[0].when.not_tiers[0]",
            "nobody qualifies",
        ),
        (TIERS + campaign("when: {not_tiers: [gold, base]}"), "campaigns[0].when.not_tiers", "nobody qualifies"),
        (campaign("when: {memberships: [a], not_memberships: [a]}"), "campaigns[0].when.not_memberships[0]", "nobody"),
    ],
)
def test_rules_and_campaigns_must_be_able_to_give(rest: str, path: str, says: str) -> None:
    ((found, message),) = messages(rest)
    assert found == path
    assert says in message


@pytest.mark.parametrize(
    ("rest", "path", "says"),
    [
        (schedule("from: 2026-02-30"), "from", "not a day"),
        (schedule("from: 2026-13-01"), "from", "not a day"),
        (schedule("from: 2026-01-01T25:00"), "from", "not a day"),
        (schedule("from: 0001-01-01"), "from", "not one that programmes are for"),
        (schedule("from: 2026-02-01, until: 2026-02-01"), "until", "not after"),
        (schedule("from: 2026-02-01, until: 2026-01-31T23:59"), "until", "not after"),
        (schedule("starts: 15:00"), "starts", "needs an `rrule`"),
        (schedule("lasts: PT3H"), "lasts", "needs an `rrule`"),
        (schedule("rrule: every friday"), "rrule", "does not have the form"),
        (schedule("rrule: FREQ=WEEKLY;BYDAY=XX"), "rrule", "not a recurrence rule"),
        (schedule("rrule: BYDAY=FR"), "rrule", "it needs FREQ="),
        (schedule("rrule: FREQ=HOURLY"), "rrule", "it needs FREQ="),
        (schedule("rrule: FREQ=DAILY;BYHOUR=15"), "rrule", "the field `starts` says it"),
        (schedule("rrule: FREQ=DAILY;UNTIL=20260101"), "rrule", "the field `until` says it"),
        (schedule("rrule: FREQ=DAILY;FREQ=WEEKLY"), "rrule", "written twice"),
        (schedule("rrule: FREQ=DAILY;BYMOON=FULL"), "rrule", "BYMOON is no part"),
        (schedule("rrule: FREQ=WEEKLY;INTERVAL=2"), "rrule", "give `from`"),
        (schedule("from: 2026-01-01, rrule: FREQ=WEEKLY;INTERVAL=0"), "rrule", "a number from 1"),
        (schedule("from: 2026-01-01, rrule: FREQ=DAILY;COUNT=99999999999"), "rrule", "a number from 1"),
        (schedule("rrule: FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "rrule", "never happens"),
        (schedule("rrule: FREQ=DAILY;BYSETPOS=3"), "rrule", "never happens"),
        (
            schedule("from: 2025-01-01, rrule: FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29"),
            "rrule",
            "never happens",
        ),
        (
            schedule("from: 2026-02-01, until: 2026-03-01, rrule: FREQ=MONTHLY;BYMONTHDAY=31"),
            "rrule",
            "never happens before",
        ),
        (schedule("rrule: 'FREQ=WEEKLY;BYDAY=FR,SA', lasts: PT25H"), "lasts", "longer than until it happens again"),
        (schedule("rrule: FREQ=MONTHLY;BYMONTHDAY=1, lasts: P1M1D"), "lasts", "longer than"),
    ],
)
def test_a_schedule_must_happen_and_say_one_thing(rest: str, path: str, says: str) -> None:
    ((found, message),) = messages(rest)
    assert found == f"campaigns[0].schedule.{path}"
    assert says in message


@pytest.mark.parametrize(
    "fields",
    [
        "rrule: FREQ=WEEKLY;BYDAY=FR, starts: 15:00, lasts: PT3H",
        "rrule: FREQ=MONTHLY;BYMONTHDAY=1, lasts: P1M",
        "rrule: FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "from: 2026-01-01, rrule: 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO'",
        "from: 2026-01-31, until: 2026-04-01, rrule: FREQ=MONTHLY;BYMONTHDAY=31",
        "from: 2026-01-01, rrule: FREQ=DAILY;COUNT=3",
        "from: 2024-01-01, rrule: FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29",
        "from: 2026-01-01T12:00, until: 2026-01-01T15:00",
        "until: 2026-01-01",
    ],
)
def test_schedules_that_people_write_are_taken(fields: str) -> None:
    assert messages(schedule(fields)) == []


def test_rules_that_never_happen_are_found_without_searching_to_the_end_of_time() -> None:
    started = time.monotonic()
    never = "'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30'"
    rules = ", ".join(
        f"{{id: c{n}, stacking: stack, adds: 1, schedule: {{from: 2026-01-{n + 1:02}, rrule: {never}}}}}"
        for n in range(30)
    )
    assert len(messages(f"campaigns: [{rules}]\n")) == 30
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("rest", "path", "says"),
    [
        (TIERS.replace("from: 0", "from: 1"), "tiers.levels[0].from", "must start at 0"),
        (TIERS.replace("from: 10", "from: 0"), "tiers.levels[1].from", "not above 0"),
        (TIERS.replace("from: 10", "from: 10.5"), "tiers.levels[1].from", "must be whole"),
        (TIERS.replace("from: 10", "from: 10.555").replace("points", "spend"), "tiers.levels[1].from", "EUR has 2"),
        (TIERS.replace("gold", "base"), "tiers.levels[1].id", "used twice"),
        (TIERS.replace("lifetime", "rolling"), "tiers.window", "needs its `length`"),
        (TIERS.replace("lifetime", "lifetime, length: P1Y"), "tiers.window.length", "has no `length`"),
        (TIERS.replace("lifetime", "rolling, length: PT24H"), "tiers.window.length", "days, months or years"),
        (TIERS.replace("levels", "valid: {kind: period}, levels"), "tiers.valid", "needs its `period`"),
        ("tiers: {measure: points, window: {kind: lifetime}, levels: []}\n", "tiers.levels", "at least one"),
        (reward("kind: amount_off, cost: 5"), "rewards[0]", "needs `amount`"),
        (reward("kind: percent_off, cost: 5"), "rewards[0]", "needs `percent`"),
        (reward("kind: percent_off, cost: 5, percent: 15"), "rewards[0].percent", "15 % is 0.15"),
        (reward("kind: percent_off, cost: 5, percent: 0"), "rewards[0].percent", "gives nothing"),
        (reward("kind: product, cost: 5, amount: 3"), "rewards[0].amount", "belongs to `amount_off`"),
        (reward("kind: product, auto_issue: true"), "rewards[0].auto_issue", "needs that balance as `cost`"),
        (reward("kind: product, cost: 5, uses: 2"), "rewards[0].uses", "only a voucher"),
        (reward("kind: points_as_money"), "rewards[0].kind", "value of a point"),
        ("unit: {value: 0.01}\n" + reward("kind: points_as_money, cost: 5"), "rewards[0].cost", "leave `cost` out"),
        (reward("kind: donation"), "rewards[0]", "needs `partner`"),
        (
            "partners: {a: {name: A, roles: [issuer]}}\n" + reward("kind: donation, partner: a"),
            "rewards[0].partner",
            "neither the role",
        ),
        (conversion("months: [13], points: 1, money: 1"), "conversion.months[0]", "no month 13"),
        (conversion("months: [1, 1], points: 1, money: 1"), "conversion.months[1]", "written twice"),
        (conversion("months: [1], points: 3, money: 2"), "conversion.step", "whole number of points"),
        ("lots: {expiry: {kind: annual, month: 2, day: 30}}\n", "lots.expiry.day", "not in every year"),
        ("lots: {expiry: {kind: annual, month: 2, day: 29}}\n", "lots.expiry.day", "not in every year"),
        ("lots: {expiry: {kind: annual, month: 13, day: 1}}\n", "lots.expiry.day", "month 13"),
        ("lots: {expiry: {kind: fixed, on: 2026-02-30}}\n", "lots.expiry.on", "not a day"),
        ("lots: {expiry: {kind: rolling, length: P0D}}\n", "lots.expiry.length", "no length"),
        ("lots: {consume: [oldest, oldest]}\n", "lots.consume[1]", "written twice"),
        ("transfers: {max_points_per_day: 5, minimum: 6}\n", "transfers.minimum", "above"),
        ("households: {max_members: 1}\n", "households.max_members", "at least two"),
        ("reward_band: {low: 0.2, high: 0.1}\n", "reward_band.high", "not above"),
        ("unit: {names: {en: [point, points]}}\n", "unit.names", "no name in fi"),
        ("unit: {names: {en: [point, ' '], fi: [p, p]}}\n", "unit.names.en", "both forms"),
    ],
)
def test_tiers_rewards_and_lots_must_be_possible(rest: str, path: str, says: str) -> None:
    ((found, message),) = messages(rest)
    assert found == path
    assert says in message


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        (challenge("goal: {count: 3}"), "challenges[0]", "either `per`"),
        (challenge("goal: {count: 3}, per: month", "{}"), "challenges[0].gain", "nothing to win"),
        (challenge("goal: {}, per: month"), "challenges[0].goal", "either a `count`"),
        (challenge("goal: {amount: 5}, per: month"), "challenges[0].goal.of", "of: spend"),
        (challenge("goal: {count: 5, of: spend}, per: month"), "challenges[0].goal.count", "give an `amount`"),
        (challenge("goal: {count: 5, of: items, event: x}, per: month"), "challenges[0].goal.of", "leave `of` out"),
        (
            challenge("goal: {count: 5, match: {channels: [web]}}, per: month"),
            "challenges[0].goal.match.channels",
            "counted without",
        ),
        ("streaks: [{id: a, names: {en: A}, per: week, length: 4, gain: {}}]", "streaks[0].gain", "nothing to win"),
        ("birthday: {}", "birthday", "nothing to win"),
        ("birthday: {gain: {points: 5}, valid: P0D}", "birthday.valid", "no length"),
        ("surprises: [{id: a, points: 5, chance: 1.5, budget: {points: 5}}]", "surprises[0].chance", "from 0 to 1"),
        (
            "games: [{id: a, names: {en: A}, prizes: [{id: x, odds: 0.7, gain: {points: 1}}, {id: y, odds: 0.4}]}]",
            "games[0].prizes",
            "add up to 1.1",
        ),
        ("games: [{id: a, names: {en: A}, prizes: [{id: x, odds: 0.7}]}]", "games[0].prizes", "nothing to win"),
        ("games: [{id: a, names: {en: A}, prizes: []}]", "games[0].prizes", "at least one"),
        ("staff: {unit: PT}", "staff.unit", "another unit"),
    ],
)
def test_what_keeps_members_coming_must_be_winnable(fields: str, path: str, says: str) -> None:
    ((found, message),) = messages("engagement: {" + fields + "}\n")
    assert found == f"engagement.{path}"
    assert says in message


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ("", "where", "asks nothing"),
        ("all: [{}]", "where.all[0]", "asks nothing"),
        ("within: P1D", "where.within", "something to count"),
        ("category: x", "where.category", "purchases to look at"),
        ("purchases_at_least: 3, purchases_at_most: 2", "where.purchases_at_most", "nobody qualifies"),
        ("purchases_at_most: -1", "where.purchases_at_most", "nobody has fewer"),
        ("all: [{birthday_month: true}], none: [{birthday_month: true}]", "where.none[0]", "nobody qualifies"),
    ],
)
def test_a_segment_must_ask_something_that_someone_can_meet(fields: str, path: str, says: str) -> None:
    ((found, message),) = messages("segments: [{id: s, where: {" + fields + "}}]\n")
    assert found == f"segments[0].{path}"
    assert says in message


def test_a_holdout_leaves_somebody_in() -> None:
    found = messages("holdouts: [{id: a, share: 1, salt: x}, {id: b, share: 0.1, salt: ' '}]\n")
    assert [path for path, _ in found] == ["holdouts[0].share", "holdouts[1].salt"]


def test_faults_of_meaning_are_placed_where_the_file_writes_them() -> None:
    (fault,) = faults(
        HEAD + "campaigns:\n  - id: c\n    stacking: stack\n    adds: 5\n    applies_to:\n      - nothing\n"
    )
    assert (fault.line, fault.column) == (10, 9)


def test_the_built_in_programme_has_no_faults() -> None:
    assert faults_of_meaning(default_version().programme) == []


@pytest.mark.parametrize(
    ("rest", "path", "says"),
    [
        ("misuse: {velocity: [{of: member, on: earn, within: PT1H}]}\n", "misuse.velocity[0]", "`times` or `points`"),
        (
            "misuse: {velocity: [{of: member, on: earn, within: P13M, times: 1}]}\n",
            "misuse.velocity[0].within",
            "longer than a year",
        ),
        (
            "misuse: {velocity: [{of: member, on: earn, within: PT0S, times: 1}]}\n",
            "misuse.velocity[0].within",
            "no length",
        ),
        (
            "misuse: {velocity: [{of: member, on: earn, within: P1D, times: 1},"
            " {of: member, on: earn, within: P1D, times: 1}]}\n",
            "misuse.velocity[1]",
            "twice",
        ),
        ("redemptions: {proof: {above: 1, ways: []}}\n", "redemptions.proof.ways", "at least one way"),
        ("redemptions: {proof: {above: 1, ways: [pin, pin]}}\n", "redemptions.proof.ways[1]", "twice"),
        (rule("kind: visit, points: 1, pending: {until_event: review}"), "earn[0].pending.until_event", "another name"),
    ],
)
def test_limits_limit_something_and_proofs_can_be_given(rest: str, path: str, says: str) -> None:
    (fault,) = faults(HEAD + rest)
    assert (fault.path, says in fault.message) == (path, True)
