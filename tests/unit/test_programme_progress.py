"""Challenges, streaks, milestones and badges: won once, lost when no longer deserved, computed from counts."""

from datetime import date, timedelta
from typing import Any

import pytest

from points.programme.progress import Progress, judged, lost, needed_counters, progress, won
from points.programme.standing import Standing, fold
from points.programme.version import Version
from tests.support.timed import NAMES, happen, standing, version

MONDAY = date(2026, 11, 2)


def engaged(**parts: list[dict[str, Any]]) -> Version:
    named = {kind: [{"names": NAMES, **each} for each in listed] for kind, listed in parts.items()}
    return version(engagement=named)


WEEK = engaged(challenges=[{"id": "three", "goal": {"count": 3}, "within": "P7D", "gain": {"points": 30}}])
MONTH = engaged(
    challenges=[{"id": "twelve", "goal": {"count": 12}, "per": "month", "repeat": True, "gain": {"points": 50}}]
)
STAMPS = engaged(
    challenges=[{"id": "ten", "goal": {"count": 10}, "per": "ever", "repeat": True, "gain": {"reward": "cup"}}]
)
STREAK = engaged(
    streaks=[{"id": "steady", "per": "week", "length": 4, "minimum": 2, "freezes": 1, "gain": {"badge": "steady"}}],
    badges=[{"id": "steady"}],
)
GIFT = engaged(milestones=[{"id": "gift", "goal": {"of": "spend", "amount": "500.00"}, "gain": {"reward": "gift"}}])


def settle(what: Version, who: Standing, day: date) -> tuple[list[str], list[str]]:
    """What is newly won and lost, kept as the ledger keeps it."""
    gained, taken = judged(what, who, day)
    for each in gained:
        fold(who, each.mark(day, "journal"))
    for gone in taken:
        fold(who, gone.mark(who))
    return [f"{each.id} {each.period}" for each in gained], [f"{each.id} {each.award.period}" for each in taken]


def visit(what: Version, who: Standing, day: date, n: int = 1) -> list[str]:
    happen(who, "visits", day, n)
    return settle(what, who, day)[0]


def test_three_visits_in_nine_days_do_not_win_and_a_late_one_between_does_once() -> None:
    who = standing(MONDAY)
    for n in (1, 3, 9):
        assert visit(WEEK, who, MONDAY + timedelta(days=n)) == []
    happen(who, "visits", MONDAY + timedelta(days=5), 1)
    assert settle(WEEK, who, MONDAY + timedelta(days=9)) == (["three ever"], [])
    assert visit(WEEK, who, MONDAY + timedelta(days=10)) == []
    for n in range(20, 30):
        assert visit(WEEK, who, MONDAY + timedelta(days=n)) == []


def test_a_rolling_challenge_that_repeats_counts_each_visit_once() -> None:
    what = engaged(
        challenges=[{"id": "three", "goal": {"count": 3}, "within": "P7D", "repeat": True, "gain": {"points": 30}}]
    )
    who = standing(MONDAY)
    found = [visit(what, who, MONDAY + timedelta(days=n)) for n in range(7)]
    assert found == [[], [], ["three 1"], [], [], ["three 2"], []]


def test_eleven_visits_of_a_month_do_not_win_and_the_twelfth_does_once() -> None:
    who = standing(MONDAY)
    for n in range(11):
        assert visit(MONTH, who, date(2026, 11, 2 + n)) == []
    assert visit(MONTH, who, date(2026, 11, 20)) == ["twelve 2026-11"]
    assert visit(MONTH, who, date(2026, 11, 21)) == []
    assert visit(MONTH, who, date(2026, 12, 1), 12) == ["twelve 2026-12"]


def test_a_refund_takes_the_win_back_and_the_next_visit_gives_it_again() -> None:
    who = standing(MONDAY)
    visit(MONTH, who, date(2026, 11, 2), 12)
    happen(who, "visits", date(2026, 11, 2), -1)
    assert settle(MONTH, who, date(2026, 11, 3)) == ([], ["twelve 2026-11"])
    assert who.awards == {}
    assert visit(MONTH, who, date(2026, 11, 4)) == ["twelve 2026-11"]


def test_every_tenth_stamp_is_a_cup_and_the_remainder_is_kept() -> None:
    who = standing(MONDAY)
    assert visit(STAMPS, who, MONDAY, 9) == []
    assert progress(STAMPS, who, MONDAY) == [Progress("challenge", "ten", 9, 10, 0)]
    assert visit(STAMPS, who, MONDAY, 13) == ["ten 1", "ten 2"]
    assert progress(STAMPS, who, MONDAY) == [Progress("challenge", "ten", 2, 10, 2)]
    happen(who, "visits", MONDAY, -3)
    assert settle(STAMPS, who, MONDAY) == ([], ["ten 2"])


def test_a_spending_goal_gives_one_gift() -> None:
    who = standing(MONDAY)
    happen(who, "spend", MONDAY, 48_000)
    assert settle(GIFT, who, MONDAY) == ([], [])
    happen(who, "spend", MONDAY, 5_000)
    assert settle(GIFT, who, MONDAY) == (["gift 1"], [])
    happen(who, "spend", MONDAY, 7_000)
    assert settle(GIFT, who, MONDAY) == ([], [])
    assert progress(GIFT, who, MONDAY) == [Progress("milestone", "gift", 50_000, 50_000, 1)]
    happen(who, "spend", MONDAY, -10_001)
    assert [gone.award.period for gone in lost(GIFT, who, MONDAY)] == ["1"]


def weeks(who: Standing, *visits: int, what: Version = STREAK) -> list[list[str]]:
    """Visits of one week after the other from `MONDAY` on; what each week won."""
    found = []
    for n, count in enumerate(visits):
        day = MONDAY + timedelta(weeks=n, days=2)
        if count:
            happen(who, "visits", day, count)
        found.append(settle(what, who, day)[0])
    return found


def test_four_weeks_in_a_row_win_the_badge() -> None:
    who = standing(MONDAY)
    assert weeks(who, 2, 2, 3, 2) == [[], [], [], ["steady 2026-W48"]]
    assert len(who.awards["badge/steady"]) == 1


def test_a_missed_week_uses_the_freeze_and_the_streak_is_kept() -> None:
    assert weeks(standing(MONDAY), 2, 2, 1, 2, 2)[4] == ["steady 2026-W49"]


def test_a_second_missed_week_resets_the_streak_and_the_history_stays() -> None:
    who = standing(MONDAY)
    assert weeks(who, 2, 2, 0, 2, 0, 2, 2, 2) == [[]] * 8
    assert progress(STREAK, who, MONDAY + timedelta(weeks=7, days=2))[0].done == 3
    assert sum(who.counts["visits"].values()) == 12


def test_the_running_week_is_not_missed_before_it_is_over() -> None:
    who = standing(MONDAY)
    weeks(who, 2, 2, 2)
    sunday = MONDAY + timedelta(weeks=3, days=6)
    assert progress(STREAK, who, sunday)[0].freezes == 1
    assert progress(STREAK, who, sunday + timedelta(days=1))[0].freezes == 0


def test_a_badge_earned_twice_is_one_badge_with_a_count() -> None:
    who = standing(MONDAY)
    weeks(who, *[2] * 8)
    assert progress(STREAK, who, MONDAY + timedelta(weeks=7))[1] == Progress("badge", "steady", 1, 1, 2)


def test_a_badge_goes_with_the_streak_that_a_refund_broke() -> None:
    who = standing(MONDAY)
    weeks(who, 2, 2, 2, 2)
    happen(who, "visits", MONDAY + timedelta(weeks=1, days=2), -2)
    happen(who, "visits", MONDAY + timedelta(weeks=2, days=2), -2)
    assert settle(STREAK, who, MONDAY + timedelta(weeks=3, days=3)) == ([], ["steady 2026-W48"])
    assert who.awards == {}


@pytest.mark.parametrize(
    ("goal", "counter"),
    [
        ({"count": 3}, "visits"),
        ({"count": 3, "of": "purchases"}, "purchases"),
        ({"count": 3, "of": "points"}, "points"),
        ({"count": 3, "event": "class.attended"}, "event/class.attended"),
        ({"count": 3, "of": "items", "match": {"categories": ["tea"]}}, "items/tea"),
        ({"count": 3, "of": "items"}, "items/anything"),
        ({"count": 3, "of": "purchases", "match": {"categories": ["tea"]}}, "category/tea/purchases"),
        ({"amount": "0.03", "of": "spend", "match": {"categories": ["tea"]}}, "category/tea/spend"),
    ],
)
def test_a_goal_counts_what_it_names(goal: dict[str, Any], counter: str) -> None:
    what = engaged(challenges=[{"id": "goal", "goal": goal, "per": "month", "gain": {"points": 1}}])
    who = standing(MONDAY)
    happen(who, counter, MONDAY, 2)
    assert won(what, who, MONDAY) == []
    happen(who, counter, MONDAY + timedelta(days=1), 1)
    assert [each.period for each in won(what, who, MONDAY + timedelta(days=1))] == ["ever"]
    asked = needed_counters(what.programme)
    assert any(counter == name or (counter.startswith(name) and name.endswith("/")) for name in asked)
