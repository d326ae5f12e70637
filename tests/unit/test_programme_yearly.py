"""Birthdays and anniversaries: once a year, around the day, whatever becomes of the date."""

from datetime import date
from typing import Any

import pytest

from points.programme.standing import fold
from points.programme.version import Version
from points.programme.yearly import anniversary_due, birthday_due, day_in, next_anniversary, next_birthday
from tests.support.timed import at, standing, version

LONG_AGO = date(2020, 1, 1)


def birthday(**rest: Any) -> Version:
    return version(engagement={"birthday": {"gain": {"points": 50}, **rest}})


@pytest.mark.parametrize(
    ("year", "rule", "day"),
    [
        (2027, "feb28", date(2027, 2, 28)),
        (2027, "mar01", date(2027, 3, 1)),
        (2028, "feb28", date(2028, 2, 29)),
        (2028, "mar01", date(2028, 2, 29)),
        (2100, "mar01", date(2100, 3, 1)),
    ],
)
def test_whoever_is_born_on_29_february_celebrates_every_year(year: int, rule: Any, day: date) -> None:
    assert day_in(year, (2, 29), rule) == day
    what = birthday(feb29=rule)
    due = birthday_due(what, standing(LONG_AGO), (2, 29), LONG_AGO, None, day)
    assert due is not None
    assert (due.year, due.day) == (year, day)


def test_it_is_given_once_and_another_date_in_the_same_year_gives_nothing() -> None:
    what, who = birthday(settle="P0D"), standing(LONG_AGO)
    due = birthday_due(what, who, (2, 28), LONG_AGO, None, date(2027, 2, 28))
    assert due is not None
    fold(who, due.mark(date(2027, 2, 28), "journal"))
    assert birthday_due(what, who, (2, 28), LONG_AGO, None, date(2027, 3, 1)) is None
    assert birthday_due(what, who, (9, 1), date(2027, 3, 2), None, date(2027, 9, 1)) is None
    assert birthday_due(what, who, (9, 1), date(2027, 3, 2), None, date(2028, 9, 1)) is not None
    assert next_birthday(what, who, (9, 1), date(2027, 3, 2), None, date(2027, 4, 1)) == at("2028-08-31T21:00")


def test_a_new_date_counts_thirty_days_after_it_was_given() -> None:
    what, who = birthday(), standing(LONG_AGO)
    assert birthday_due(what, who, (6, 30), date(2026, 6, 1), None, date(2026, 6, 30)) is None
    assert birthday_due(what, who, (7, 1), date(2026, 6, 1), None, date(2026, 7, 1)) is not None
    assert next_birthday(what, who, (6, 30), date(2026, 6, 1), None, date(2026, 6, 1)) == at("2027-06-29T21:00")


def test_the_window_and_the_gain_are_those_of_the_tier() -> None:
    what = birthday(valid="P1D", valid_by_tier={"gold": "P7D", "reserve": "P30D"}, by_tier={"gold": {"reward": "cake"}})
    who, born = standing(LONG_AGO), (5, 10)
    for tier, days in ((None, 1), ("green", 1), ("gold", 7), ("reserve", 30)):
        last = date(2026, 5, 10).toordinal() + days
        assert birthday_due(what, who, born, LONG_AGO, tier, date.fromordinal(last)) is not None
        assert birthday_due(what, who, born, LONG_AGO, tier, date.fromordinal(last + 1)) is None
    gold = birthday_due(what, who, born, LONG_AGO, "gold", date(2026, 5, 10))
    assert gold is not None
    assert (gold.gain.reward, gold.gain.points) == ("cake", None)
    assert birthday_due(what, who, born, LONG_AGO, None, date(2026, 5, 9)) is None


def test_a_window_over_the_turn_of_the_year_is_one_birthday() -> None:
    what, who = birthday(before="P7D", valid="P14D"), standing(LONG_AGO)
    found = [birthday_due(what, who, (1, 3), LONG_AGO, None, day) for day in (date(2026, 12, 27), date(2027, 1, 17))]
    assert [each and each.year for each in found] == [2027, 2027]
    late = birthday_due(what, who, (12, 30), LONG_AGO, None, date(2027, 1, 10))
    assert late is not None
    assert late.year == 2026


def test_an_anniversary_comes_a_year_after_joining() -> None:
    what = version(engagement={"anniversary": {"gain": {"points": 10}, "valid": "P0D"}})
    who = standing(date(2024, 2, 29))
    assert anniversary_due(what, who, None, date(2024, 2, 29)) is None
    assert next_anniversary(what, who, None, date(2024, 3, 1)) == at("2025-02-27T22:00")
    due = anniversary_due(what, who, None, date(2025, 2, 28))
    assert due is not None
    fold(who, due.mark(date(2025, 2, 28)))
    assert anniversary_due(what, who, None, date(2025, 2, 28)) is None
    assert next_anniversary(what, who, None, date(2025, 2, 28)) == at("2026-02-27T22:00")


def test_without_a_rule_there_is_none() -> None:
    who = standing(LONG_AGO)
    assert birthday_due(version(), who, (1, 1), LONG_AGO, None, date(2026, 1, 1)) is None
    assert anniversary_due(version(), who, None, date(2026, 1, 1)) is None
    assert next_birthday(version(), who, (1, 1), LONG_AGO, None, date(2026, 1, 1)) is None
    assert next_anniversary(version(), who, None, date(2026, 1, 1)) is None
