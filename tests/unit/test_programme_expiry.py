"""Expiry: at the end of a business day in the programme's zone, put off by activity and tiers, told ahead."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from points.book import LotState
from points.programme.expiry import Expire, Until, ends_at, expires_at, fate, next_due, next_notice, notices_due
from points.programme.standing import Standing, TierState, fold
from points.programme.version import Version
from tests.support.timed import at, happen, lot, standing, tiers, version

YEAR = {"kind": "rolling", "length": "P12M"}
CHAIN = version(
    zone="America/New_York",
    tiers=tiers("points", {"kind": "lifetime"}, {"green": 0, "gold": 500}),
    lots={
        "expiry": {"kind": "rolling", "length": "P6M", "end_of": "month", "unless_active_each": "month"},
        "by_tier": {"gold": {"kind": "never"}},
    },
)
BEAUTY = version(lots={"expiry": {"kind": "inactivity", "length": "P12M"}})


def issued(what: Version, moment: datetime, id_: str = "a", points: int = 100, tier: str | None = None) -> LotState:
    return lot(id_, moment, points, expires_at(what, tier, moment))


@pytest.mark.parametrize(
    ("rule", "moment", "ends"),
    [
        ({"kind": "rolling", "length": "P12M"}, "2026-03-10T12:00", "2027-03-10T22:00"),
        # 29 March 2026: clocks go forward at 3:00 in Helsinki, so the day is 23 hours long.
        ({"kind": "rolling", "length": "P1D"}, "2026-03-28T12:00", "2026-03-29T21:00"),
        ({"kind": "rolling", "length": "P1D"}, "2026-10-24T12:00", "2026-10-25T22:00"),
        ({"kind": "rolling", "length": "P24M", "end_of": "quarter"}, "2026-02-03T12:00", "2028-03-31T21:00"),
        ({"kind": "rolling", "length": "P6M", "end_of": "month"}, "2026-08-31T12:00", "2027-02-28T22:00"),
        ({"kind": "rolling", "length": "P1Y", "end_of": "year"}, "2026-08-31T12:00", "2027-12-31T22:00"),
        ({"kind": "fixed", "on": "2026-12-31"}, "2026-08-31T12:00", "2026-12-31T22:00"),
        ({"kind": "fixed", "on": "2026-12-31"}, "2027-01-01T12:00", None),
        ({"kind": "annual", "month": 1, "day": 31}, "2026-01-31T12:00", "2026-01-31T22:00"),
        ({"kind": "annual", "month": 1, "day": 31}, "2026-02-01T12:00", "2027-01-31T22:00"),
        ({"kind": "annual", "month": 1, "day": 31, "older_than": "P1Y"}, "2026-02-01T12:00", "2028-01-31T22:00"),
        ({"kind": "annual", "month": 2, "day": 29}, "2026-02-01T12:00", "2026-02-28T22:00"),
        ({"kind": "inactivity", "length": "P12M"}, "2026-03-10T12:00", "2027-03-10T22:00"),
        ({"kind": "never"}, "2026-03-10T12:00", None),
        # 22:30 in UTC is past midnight in Helsinki: it belongs to the next day.
        ({"kind": "rolling", "length": "P1D"}, "2026-01-10T22:30", "2026-01-12T22:00"),
    ],
)
def test_points_end_with_the_business_day_in_the_programmes_zone(
    rule: dict[str, Any], moment: str, ends: str | None
) -> None:
    what = version(lots={"expiry": rule})
    found = expires_at(what, None, at(moment))
    assert found == (None if ends is None else at(ends))
    if found is not None:
        a = lot("a", at(moment), expires_at=found)
        who = standing(date(2026, 1, 1))
        assert fate(what, a, who, found - timedelta(microseconds=1)) == Until(found)
        assert isinstance(fate(what, a, who, found), Expire)


def test_a_bars_points_end_when_its_night_is_over() -> None:
    what = version(day_starts="05:00", lots={"expiry": {"kind": "rolling", "length": "P1D"}})
    assert expires_at(what, None, at("2026-01-11T01:00")) == at("2026-01-12T03:00")


def active(who: Standing, *months: int) -> None:
    for month in months:
        happen(who, "points", date(2026, month, 15), 10)


def test_points_of_the_lowest_tier_live_on_while_each_month_is_active() -> None:
    who = standing(date(2026, 1, 1))
    a = issued(CHAIN, at("2026-01-10T12:00"))
    assert a.expires_at == at("2026-08-01T04:00")
    active(who, 1, 2, 3, 4, 5, 6, 7)
    assert fate(CHAIN, a, who, at("2026-08-01T04:00")) == Until(at("2026-09-01T04:00"))
    a.expires_at = at("2026-09-01T04:00")
    assert fate(CHAIN, a, who, at("2026-09-01T04:00")) == Expire("rolling")
    active(who, 8)
    assert fate(CHAIN, a, who, at("2026-09-01T04:00")) == Until(at("2026-10-01T04:00"))


def test_one_month_without_activity_ends_them_after_their_six_months() -> None:
    who = standing(date(2026, 1, 1))
    a = issued(CHAIN, at("2026-01-10T12:00"))
    active(who, 1, 2, 3, 5, 6, 7)
    assert ends_at(CHAIN, a, who, at("2026-07-20T12:00")) == at("2026-08-01T04:00")
    assert fate(CHAIN, a, who, at("2026-08-01T04:00")) == Expire("rolling")


def test_what_is_shown_looks_ahead_to_the_first_month_that_may_be_missed() -> None:
    who = standing(date(2026, 1, 1))
    a = issued(CHAIN, at("2026-01-10T12:00"))
    active(who, 1, 2, 3, 4, 5, 6, 7)
    assert ends_at(CHAIN, a, who, at("2026-07-20T12:00")) == at("2026-09-01T04:00")


def test_a_spared_tiers_points_do_not_end_and_are_asked_again_a_length_later() -> None:
    who = standing(date(2026, 1, 1))
    who.tier = TierState(level="gold", since=1)
    a = issued(CHAIN, at("2026-01-10T12:00"), tier="gold")
    assert a.expires_at == at("2026-08-01T04:00")
    assert ends_at(CHAIN, a, who, at("2026-02-01T12:00")) is None
    again = fate(CHAIN, a, who, at("2026-08-01T04:00"))
    assert again == Until(at("2027-02-01T05:00"))
    assert isinstance(again, Until)
    a.expires_at = again.moment
    who.tier = TierState(level="green", since=1)
    assert fate(CHAIN, a, who, at("2027-02-01T04:59")) == again
    assert fate(CHAIN, a, who, at("2027-02-01T05:00")) == Expire("rolling")


def test_a_spared_lot_that_was_forgotten_for_years_is_due_in_the_future() -> None:
    who = standing(date(2020, 1, 1))
    who.tier = TierState(level="gold", since=1)
    found = fate(CHAIN, issued(CHAIN, at("2020-01-10T12:00")), who, at("2026-01-10T12:00"))
    assert isinstance(found, Until)
    assert found.moment is not None
    assert found.moment > at("2026-01-10T12:00")


def test_twelve_months_without_activity_end_everything_at_one_moment() -> None:
    who = standing(date(2026, 1, 1))
    who.activity = {"earn": date(2026, 3, 10).toordinal()}
    lots = [issued(BEAUTY, at("2026-01-10T12:00"), "a"), issued(BEAUTY, at("2026-03-10T12:00"), "b")]
    end = at("2027-03-10T22:00")
    assert {ends_at(BEAUTY, each, who, at("2026-04-01T12:00")) for each in lots} == {end}
    for each in lots:
        found = fate(BEAUTY, each, who, each.expires_at or end)
        if isinstance(found, Until):
            each.expires_at = found.moment
    assert {each.expires_at for each in lots} == {end}
    assert {fate(BEAUTY, each, who, end) for each in lots} == {Expire("inactivity")}


def test_redeeming_in_the_eleventh_month_resets_the_clock() -> None:
    who = standing(date(2026, 1, 1))
    a = issued(BEAUTY, at("2026-01-10T12:00"))
    who.activity = {"earn": date(2026, 1, 10).toordinal(), "redeem": date(2026, 12, 10).toordinal()}
    assert fate(BEAUTY, a, who, at("2027-01-10T22:00")) == Until(at("2027-12-10T22:00"))


def test_points_that_come_back_after_their_end_end_at_once() -> None:
    what = version(lots={"expiry": YEAR})
    a = issued(what, at("2026-03-10T12:00"))
    assert fate(what, a, standing(date(2026, 1, 1)), at("2027-06-01T12:00")) == Expire("rolling")


def tell(what: Version, lots: list[LotState], who: Standing, now: datetime) -> list[tuple[str, int]]:
    """What is told, and kept as told."""
    notices = notices_due(what, lots, who, now)
    for notice in notices:
        fold(who, notice.mark)
    return [(notice.ahead, notice.points) for notice in notices]


def test_an_end_is_told_thirty_and_seven_days_ahead_and_once_each() -> None:
    what = version(lots={"expiry": YEAR})
    who = standing(date(2026, 1, 1))
    lots = [issued(what, at("2026-03-10T12:00"), "a", 70), issued(what, at("2026-03-10T15:00"), "b", 30)]
    assert tell(what, lots, who, at("2027-02-08T21:59")) == []
    assert next_notice(what, lots, who, at("2027-02-08T21:59")) == at("2027-02-08T22:00")
    assert tell(what, lots, who, at("2027-02-08T22:00")) == [("P30D", 100)]
    assert tell(what, lots, who, at("2027-02-20T22:00")) == []
    assert next_notice(what, lots, who, at("2027-02-20T22:00")) == at("2027-03-03T22:00")
    assert tell(what, lots, who, at("2027-03-04T12:00")) == [("P7D", 100)]
    assert next_notice(what, lots, who, at("2027-03-04T12:00")) is None
    assert next_due(lots) == at("2027-03-10T22:00")


def test_only_the_nearest_notice_is_told_when_several_are_due() -> None:
    what = version(lots={"expiry": {"kind": "rolling", "length": "P3D"}})
    who = standing(date(2026, 1, 1))
    lots = [issued(what, at("2026-03-10T12:00"))]
    assert (next_notice(what, lots, who, at("2026-03-10T12:00")) or at("2030-01-01T00:00")) <= at("2026-03-10T12:00")
    assert tell(what, lots, who, at("2026-03-10T12:00")) == [("P7D", 100)]
    assert next_notice(what, lots, who, at("2026-03-10T12:00")) is None
    assert tell(what, lots, who, at("2026-03-11T12:00")) == []


def test_whose_points_do_not_end_is_told_nothing() -> None:
    who = standing(date(2026, 1, 1))
    who.tier = TierState(level="gold", since=1)
    lots = [issued(CHAIN, at("2026-01-10T12:00"))]
    assert tell(CHAIN, lots, who, at("2026-07-20T12:00")) == []
    assert next_notice(CHAIN, lots, who, at("2026-07-20T12:00")) is None


def test_what_was_told_of_past_ends_is_forgotten() -> None:
    what = version(lots={"expiry": {"kind": "rolling", "length": "P3D"}})
    who = standing(date(2026, 1, 1))
    for n in range(20):
        moment = at("2026-03-10T12:00") + timedelta(days=n)
        tell(what, [issued(what, moment)], who, moment)
    assert len(who.awards["notice/P7D"]) <= 5
