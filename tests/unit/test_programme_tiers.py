"""Tiers: reached at once, held for their time, kept by requalifying, lost after grace, told ahead."""

from datetime import date, timedelta

import msgspec
import pytest

from points.programme.standing import Change, Standing, fold, prune
from points.programme.tiers import judge, needed_counters, next_review, next_warning, outlook, tier_of, warned, warning
from points.programme.version import Version
from tests.support.timed import happen, standing, tiers, version

CHAIN = version(
    tiers=tiers(
        "points",
        {"kind": "rolling", "length": "P12M"},
        {"green": 0, "gold": 500, "reserve": 2500},
        valid={"kind": "period", "period": "P12M"},
    )
)
BEAUTY = version(
    tiers=tiers(
        "spend",
        {"kind": "calendar_year"},
        {"insider": 0, "vib": 350, "rouge": 1000},
        valid={"kind": "rest_of_year_and_next"},
    )
)
GYM = version(
    tiers=tiers(
        "visits",
        {"kind": "rolling", "length": "P90D"},
        {"bronze": 0, "silver": 20, "gold": 40},
        grace="P30D",
        downgrade="one_down",
    )
)


def told(what: Version, who: Standing, day: date) -> str | None:
    """The tier after a judgement, kept as a journal keeps it."""
    state = judge(what, who, day)
    if state is not None:
        fold(who, Change(tier=state))
    return tier_of(what, who, day)


def earn(what: Version, who: Standing, day: date, n: int, counter: str = "points") -> str | None:
    happen(who, counter, day, n)
    return told(what, who, day)


def last_day(who: Standing) -> date | None:
    return None if who.tier is None or who.tier.until is None else date.fromordinal(who.tier.until)


def test_one_point_short_is_below_and_the_next_is_gold_at_once() -> None:
    who = standing(date(2026, 3, 10))
    assert earn(CHAIN, who, date(2026, 3, 10), 499) == "green"
    assert earn(CHAIN, who, date(2026, 3, 11), 1) == "gold"


def test_a_tier_of_twelve_months_ends_unless_the_following_year_earned_as_much() -> None:
    who = standing(date(2026, 3, 10))
    earn(CHAIN, who, date(2026, 3, 10), 500)
    assert last_day(who) == date(2027, 3, 9)
    assert next_review(CHAIN, who, date(2026, 3, 10)) == date(2027, 3, 10)
    other = msgspec.json.decode(msgspec.json.encode(who), type=Standing)
    earn(CHAIN, who, date(2026, 9, 1), 499)
    assert told(CHAIN, who, date(2027, 3, 10)) == "green"
    earn(CHAIN, other, date(2026, 9, 1), 500)
    assert told(CHAIN, other, date(2027, 3, 10)) == "gold"
    assert last_day(other) == date(2028, 3, 9)
    assert other.tier is not None
    assert other.tier.since == date(2026, 3, 10).toordinal()


def test_spend_of_350_makes_vib_through_the_end_of_the_next_year() -> None:
    who = standing(date(2026, 1, 5))
    assert earn(BEAUTY, who, date(2026, 2, 2), 34_999, "spend") == "insider"
    assert earn(BEAUTY, who, date(2026, 2, 3), 1, "spend") == "vib"
    assert last_day(who) == date(2027, 12, 31)
    assert told(BEAUTY, who, date(2027, 12, 31)) == "vib"
    assert next_review(BEAUTY, who, date(2027, 12, 31)) == date(2028, 1, 1)
    assert told(BEAUTY, who, date(2028, 1, 1)) == "insider"


def test_reaching_the_spend_again_in_the_next_year_prolongs_by_a_year() -> None:
    who = standing(date(2026, 1, 5))
    earn(BEAUTY, who, date(2026, 2, 3), 35_000, "spend")
    assert earn(BEAUTY, who, date(2027, 6, 1), 35_000, "spend") == "vib"
    assert last_day(who) == date(2028, 12, 31)


def test_a_refund_in_the_window_takes_back_what_the_purchase_gave() -> None:
    who = standing(date(2025, 1, 5))
    earn(BEAUTY, who, date(2025, 5, 1), 40_000, "spend")
    before = msgspec.json.encode(who)
    assert earn(BEAUTY, who, date(2026, 2, 3), 100_000, "spend") == "rouge"
    happen(who, "spend", date(2026, 2, 3), -100_000)
    assert told(BEAUTY, who, date(2026, 2, 20)) == "vib"
    assert last_day(who) == date(2026, 12, 31)
    known = msgspec.json.decode(before, type=Standing)
    assert (who.tier and who.tier.level, last_day(who)) == (known.tier and known.tier.level, last_day(known))
    assert who.counts == known.counts


def test_a_refund_of_last_years_purchase_leaves_the_tier_of_the_years_beginning() -> None:
    who = standing(date(2025, 1, 5))
    earn(BEAUTY, who, date(2025, 12, 20), 35_000, "spend")
    happen(who, "spend", date(2025, 12, 20), -35_000)
    assert told(BEAUTY, who, date(2026, 1, 7)) == "vib"
    assert last_day(who) == date(2026, 12, 31)


def test_burning_points_does_not_lower_a_tier() -> None:
    who = standing(date(2026, 3, 10))
    earn(CHAIN, who, date(2026, 3, 10), 500)
    happen(who, "redeemed", date(2026, 3, 11), 400)
    assert told(CHAIN, who, date(2026, 3, 11)) == "gold"


def gold_at_the_gym() -> tuple[Standing, date]:
    """Forty days in a row, the last of them returned."""
    who = standing(date(2026, 1, 1))
    for n in range(40):
        earn(GYM, who, date(2026, 1, 1) + timedelta(days=n), 1, "visits")
    return who, date(2026, 2, 9)


def test_after_grace_it_goes_one_level_down_and_another_after_the_next_grace() -> None:
    who, day = gold_at_the_gym()
    assert tier_of(GYM, who, day) == "gold"
    fails = date(2026, 1, 1) + timedelta(days=90)
    assert next_review(GYM, who, day) == fails
    assert told(GYM, who, fails) == "gold"
    assert who.tier is not None
    assert who.tier.grace_until == (fails + timedelta(days=29)).toordinal()
    assert told(GYM, who, fails + timedelta(days=29)) == "gold"
    assert told(GYM, who, fails + timedelta(days=30)) == "silver"
    assert told(GYM, who, fails + timedelta(days=59)) == "silver"
    assert told(GYM, who, fails + timedelta(days=60)) == "bronze"
    assert next_review(GYM, who, fails + timedelta(days=60)) is None


def test_visits_within_grace_keep_the_tier() -> None:
    who, _ = gold_at_the_gym()
    fails = date(2026, 4, 1)
    assert told(GYM, who, fails) == "gold"
    # Four of the forty days have left the window by then.
    earn(GYM, who, fails + timedelta(days=3), 3, "visits")
    assert who.tier is not None
    assert (who.tier.level, who.tier.grace_until) == ("gold", (fails + timedelta(days=29)).toordinal())
    earn(GYM, who, fails + timedelta(days=3), 1, "visits")
    assert (who.tier.level, who.tier.grace_until) == ("gold", None)


def test_a_fall_is_told_thirty_days_ahead_and_once() -> None:
    who, day = gold_at_the_gym()
    falls = date(2026, 5, 1)
    assert next_warning(GYM, who, day) == falls - timedelta(days=30)
    assert warning(GYM, who, falls - timedelta(days=31)) is None
    told(GYM, who, falls - timedelta(days=30))
    fall = warning(GYM, who, falls - timedelta(days=30))
    assert fall is not None
    assert (fall.level, fall.to, fall.falls_on) == ("gold", "silver", falls)
    assert who.tier is not None
    fold(who, Change(tier=warned(who.tier, fall)))
    assert warning(GYM, who, falls - timedelta(days=29)) is None
    assert next_warning(GYM, who, falls - timedelta(days=29)) is None


@pytest.mark.parametrize(
    ("valid", "grace", "falls"),
    [
        ({"kind": "while_measured"}, "P1Y", date(2028, 1, 1)),
        ({"kind": "rest_of_year_and_next"}, "P0D", date(2028, 1, 1)),
        ({"kind": "rest_of_year_and_next"}, "P3M", date(2028, 4, 1)),
        ({"kind": "while_measured"}, "P0D", date(2027, 1, 1)),
    ],
)
def test_without_requalification_the_tier_falls_on_the_stated_date(
    valid: dict[str, str], grace: str, falls: date
) -> None:
    what = version(tiers=tiers("points", {"kind": "calendar_year"}, {"base": 0, "top": 10}, valid=valid, grace=grace))
    who, day = standing(date(2026, 1, 1)), date(2026, 6, 1)
    earn(what, who, day, 10)
    review, fall = outlook(what, who, day)
    assert fall is not None
    assert (fall.falls_on, fall.to, fall.warn_on) == (falls, "base", falls - timedelta(days=30))
    while review is not None and review < falls:
        assert told(what, who, review) == "top"
        review = next_review(what, who, review)
    assert told(what, who, falls - timedelta(days=1)) == "top"
    assert told(what, who, falls) == "base"


def test_a_years_window_from_joining_begins_on_the_day_of_joining() -> None:
    what = version(tiers=tiers("points", {"kind": "anniversary"}, {"base": 0, "top": 10}))
    who = standing(date(2024, 2, 29))
    earn(what, who, date(2025, 2, 27), 6)
    assert earn(what, who, date(2025, 2, 28), 6) == "base"
    assert earn(what, who, date(2026, 2, 27), 4) == "top"
    assert next_review(what, who, date(2026, 2, 27)) == date(2026, 2, 28)
    assert told(what, who, date(2026, 2, 28)) == "base"


def test_a_lifetime_tier_follows_the_total_both_ways() -> None:
    what = version(tiers=tiers("points", {"kind": "lifetime"}, {"member": 0, "silver": 500}))
    who = standing(date(2020, 1, 1))
    who.counts = {"points": {0: 400, date(2026, 1, 1).toordinal(): 100}}
    assert told(what, who, date(2026, 1, 1)) == "silver"
    assert judge(what, who, date(2030, 1, 1)) is None
    assert next_review(what, who, date(2030, 1, 1)) is None
    happen(who, "points", date(2026, 1, 1), -1)
    assert told(what, who, date(2026, 1, 2)) == "member"


def test_a_tier_that_never_falls_stays_until_a_refund() -> None:
    what = version(
        tiers=tiers("points", {"kind": "rolling", "length": "P30D"}, {"base": 0, "top": 10}, downgrade="never")
    )
    who = standing(date(2026, 1, 1))
    earn(what, who, date(2026, 1, 1), 10)
    assert next_review(what, who, date(2026, 1, 1)) is None
    assert told(what, who, date(2029, 1, 1)) == "top"
    other = standing(date(2026, 1, 1))
    earn(what, other, date(2026, 1, 1), 10)
    happen(other, "points", date(2026, 1, 1), -10)
    assert told(what, other, date(2026, 1, 10)) == "base"


def test_a_purchase_that_arrives_late_counts_as_if_in_time() -> None:
    who = standing(date(2026, 1, 1))
    earn(CHAIN, who, date(2026, 5, 1), 300)
    happen(who, "points", date(2026, 4, 1), 200)
    assert told(CHAIN, who, date(2026, 5, 10)) == "gold"
    assert last_day(who) == date(2027, 4, 30)


def test_new_thresholds_do_not_take_a_tier_that_is_held() -> None:
    who = standing(date(2026, 1, 1))
    earn(BEAUTY, who, date(2026, 2, 3), 35_000, "spend")
    dearer = version(
        tiers=tiers(
            "spend",
            {"kind": "calendar_year"},
            {"insider": 0, "vib": 500, "rouge": 1000},
            valid={"kind": "rest_of_year_and_next"},
        )
    )
    assert told(dearer, who, date(2026, 3, 1)) == "vib"
    assert last_day(who) == date(2027, 12, 31)
    assert earn(dearer, who, date(2026, 3, 2), 1_000, "spend") == "vib"
    assert told(dearer, who, date(2028, 1, 1)) == "insider"


def test_every_day_of_the_window_is_kept_when_older_ones_are_folded_away() -> None:
    what = version(tiers=tiers("points", {"kind": "rolling", "length": "P30D"}, {"base": 0, "top": 4}))
    who = standing(date(2026, 1, 1))
    for n in (0, 1, 2, 31):
        earn(what, who, date(2026, 1, 1) + timedelta(days=n), 1)
        prune(who, needed_counters(what.programme), (date(2026, 1, 1) + timedelta(days=n)).toordinal())
    assert earn(what, who, date(2026, 2, 1), 2) == "top"


def test_a_programme_without_tiers_has_none() -> None:
    who = standing(date(2026, 1, 1))
    assert tier_of(version(), who, date(2026, 1, 1)) is None
    assert judge(version(), who, date(2026, 1, 1)) is None
