"""One rate for a whole month, given at its end and corrected by refunds; statements that become vouchers."""

from datetime import date, timedelta
from typing import Any

import pytest

from points.book import LotState
from points.programme.conversion import conversion_due, convert, next_statement
from points.programme.standing import Standing, fold
from points.programme.totals import foreseen, needed_counters, next_total, totals_due
from points.programme.version import Version
from tests.support.timed import at, happen, lot, standing, version

BONUS = version(
    earn=[
        {
            "kind": "period_total",
            "id": "bonus",
            "period": "month",
            "per": "1.00",
            "steps": [
                {"from": "50.00", "points": "1"},
                {"from": "300.00", "points": "2.5"},
                {"from": "900.00", "points": "5"},
            ],
        }
    ]
)
STATEMENT = version(
    currency="GBP",
    zone="Europe/London",
    conversion={
        "months": [2, 5, 8, 11],
        "min_points": 150,
        "points": 100,
        "money": "1.00",
        "step": "0.50",
        "valid": "P2Y",
    },
)


def buy(who: Standing, day: date, minor: int, times: int = 1) -> None:
    happen(who, "total/bonus", day, minor)
    happen(who, "total/bonus/weighted", day, minor * times)


def pay(who: Standing, day: date, what: Version = BONUS) -> list[tuple[str, int]]:
    """What is due, kept as the ledger keeps it."""
    due = totals_due(what, who, day)
    for each in due:
        fold(who, each.mark(who, day, f"journal-{day}"))
    return [(each.period, each.points) for each in due]


def test_one_rate_from_the_whole_month_is_given_when_it_is_over() -> None:
    who = standing(date(2026, 1, 1))
    buy(who, date(2026, 3, 2), 20_000)
    buy(who, date(2026, 3, 31), 10_000)
    assert pay(who, date(2026, 3, 31)) == []
    assert next_total(BONUS, who, date(2026, 3, 31)) == date(2026, 4, 1)
    assert [(each.rule, each.points) for each in foreseen(BONUS, who, date(2026, 3, 31))] == [("bonus", 750)]
    assert next_total(BONUS, who, date(2026, 4, 1)) == date(2026, 4, 1)
    assert pay(who, date(2026, 4, 1)) == [("2026-03", 750)]
    assert pay(who, date(2026, 4, 1)) == []
    assert next_total(BONUS, who, date(2026, 4, 1)) is None


def test_outlets_that_count_double_are_paid_double_but_do_not_lift_the_rate() -> None:
    who = standing(date(2026, 1, 1))
    buy(who, date(2026, 3, 2), 10_000)
    buy(who, date(2026, 3, 3), 10_000, times=2)
    (due,) = totals_due(BONUS, who, date(2026, 4, 1))
    assert (due.total_minor, due.weighted_minor, due.points) == (20_000, 30_000, 300)


def test_below_the_first_step_there_is_nothing() -> None:
    who = standing(date(2026, 1, 1))
    buy(who, date(2026, 3, 2), 4_999)
    assert totals_due(BONUS, who, date(2026, 4, 1)) == []
    assert next_total(BONUS, who, date(2026, 4, 1)) is None


def test_a_refund_after_the_month_corrects_what_was_paid_by_the_rate_that_is_left() -> None:
    who = standing(date(2026, 1, 1))
    buy(who, date(2026, 3, 2), 29_000)
    buy(who, date(2026, 3, 9), 1_000)
    assert pay(who, date(2026, 4, 1)) == [("2026-03", 750)]
    buy(who, date(2026, 3, 9), -1_000)
    (due,) = totals_due(BONUS, who, date(2026, 4, 20))
    assert (due.points, due.journal_ids) == (290 - 750, ("journal-2026-04-01",))
    assert pay(who, date(2026, 4, 20)) == [("2026-03", -460)]
    buy(who, date(2026, 3, 2), -29_000)
    assert pay(who, date(2026, 4, 21)) == [("2026-03", -290)]
    assert pay(who, date(2026, 4, 22)) == []
    assert who.counts == {}


def test_a_purchase_that_arrives_after_the_month_is_paid_then() -> None:
    who = standing(date(2026, 1, 1))
    buy(who, date(2026, 3, 2), 29_000)
    pay(who, date(2026, 4, 1))
    buy(who, date(2026, 3, 31), 1_000)
    assert pay(who, date(2026, 4, 2)) == [("2026-03", 460)]
    assert len(who.awards["total/bonus"]) == 1


def test_months_that_were_slept_through_are_paid_each() -> None:
    who = standing(date(2026, 1, 1))
    buy(who, date(2026, 3, 2), 10_000)
    buy(who, date(2026, 5, 2), 10_000)
    assert pay(who, date(2026, 7, 1)) == [("2026-03", 100), ("2026-05", 100)]


@pytest.mark.parametrize(("rounding", "points"), [("floor", 50), ("half_up", 51), ("ceil", 51), ("carry", 50)])
def test_a_periods_points_are_rounded_once(rounding: str, points: int) -> None:
    rule = {"kind": "period_total", "id": "bonus", "period": "month", "per": "1.00", "rounding": rounding}
    what = version(earn=[{**rule, "steps": [{"from": "0", "points": "1"}]}])
    who = standing(date(2026, 1, 1))
    buy(who, date(2026, 3, 2), 5_050)
    assert [each.points for each in totals_due(what, who, date(2026, 4, 1))] == [points]
    assert needed_counters(what.programme)["total/bonus/paid"] > 31


def points_of(*points: tuple[int, str]) -> list[LotState]:
    return [lot(f"lot-{n}", at(f"{day}T12:00"), each) for n, (each, day) in enumerate(points)]


@pytest.mark.parametrize(
    ("points", "found"), [(149, None), (150, (150, 150)), (199, (150, 150)), (200, (200, 200)), (500, (500, 500))]
)
def test_a_balance_becomes_a_voucher_in_steps_and_the_rest_stays(points: int, found: tuple[int, int] | None) -> None:
    made = convert(STATEMENT, points, date(2026, 2, 1))
    assert (None if made is None else made[:2]) == found


def test_149_points_are_carried_and_one_more_makes_a_voucher_next_quarter() -> None:
    who = standing(date(2025, 12, 1))
    lots = points_of((149, "2026-01-10"))
    assert conversion_due(STATEMENT, who, lots, date(2026, 2, 1)) is None
    assert next_statement(STATEMENT, who, lots, date(2026, 2, 1)) is None
    lots += points_of((1, "2026-02-10"))
    assert conversion_due(STATEMENT, who, lots, date(2026, 2, 10)) is None
    assert next_statement(STATEMENT, who, lots, date(2026, 2, 10)) == date(2026, 5, 1)
    due = conversion_due(STATEMENT, who, lots, date(2026, 5, 1))
    assert due is not None
    assert (due.period, due.points, due.value_minor, due.reward) == ("2026-05", 150, 150, "statement")
    fold(who, due.mark("journal", "voucher"))
    assert conversion_due(STATEMENT, who, lots, date(2026, 5, 2)) is None
    assert next_statement(STATEMENT, who, lots, date(2026, 5, 2)) == date(2026, 8, 1)


def test_a_statement_that_is_made_late_is_that_of_its_day() -> None:
    who = standing(date(2025, 12, 1))
    lots = points_of((160, "2026-01-10"), (1000, "2026-02-03"))
    due = conversion_due(STATEMENT, who, lots, date(2026, 2, 4))
    assert due is not None
    assert (due.points, due.day) == (150, date(2026, 2, 1))


def test_a_voucher_of_february_2021_is_over_on_the_first_of_march_2023() -> None:
    for day in (1, 28):
        made = convert(STATEMENT, 150, date(2021, 2, day))
        assert made is not None
        assert made[2] <= at("2023-03-01T00:00")


def test_points_that_are_not_free_are_not_converted() -> None:
    who = standing(date(2025, 12, 1))
    (waiting,) = points_of((500, "2026-01-10"))
    waiting.pending = True
    assert conversion_due(STATEMENT, who, [waiting], date(2026, 2, 1)) is None


def test_there_is_no_statement_for_the_day_of_joining() -> None:
    assert (
        conversion_due(STATEMENT, standing(date(2026, 2, 1)), points_of((500, "2026-01-10")), date(2026, 2, 1)) is None
    )


def test_without_rules_nothing_is_due() -> None:
    who: Any = standing(date(2026, 1, 1))
    assert totals_due(version(), who, date(2026, 2, 1)) == []
    assert next_statement(version(), who, points_of((500, "2026-01-10")), date(2026, 2, 1)) is None
    assert convert(version(), 500, date(2026, 2, 1) + timedelta(days=1)) is None
