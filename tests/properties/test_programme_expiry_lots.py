"""A lot that is looked at only when it is due ends exactly when a calendar that is watched every day says."""

from datetime import date, datetime, time, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from points.programme.dues import needed_counters
from points.programme.expiry import Expire, ends_at, expires_at, fate
from points.programme.standing import Change, Standing, fold, prune
from points.programme.version import Version
from tests.support.timed import happen, lot, standing, version

START = date(2026, 1, 1)
ACTIVE = st.sets(st.integers(0, 500), max_size=40)
STARTS = st.sampled_from(["00:00", "04:00"])
ZONES = st.sampled_from(["Europe/Helsinki", "America/New_York", "Pacific/Auckland"])


def noon(what: Version, day: date) -> datetime:
    return datetime.combine(day, time(12), what.zone)


def act(who: Standing, day: date) -> None:
    happen(who, "points", day, 1)
    fold(who, Change(activity={"earn": day.toordinal()}))


def lived(what: Version, active: set[int], pruned: bool) -> date | None:
    """The last day of a lot earned on the first day: it is looked at when due, activities come in time."""
    who = standing(START)
    act(who, START)
    issued = noon(what, START)
    a = lot("a", issued, expires_at=expires_at(what, None, issued))
    coming = sorted(START + timedelta(days=n) for n in active)
    for _ in range(200):
        if a.expires_at is None:
            return None
        while coming and noon(what, coming[0]) < a.expires_at:
            day = coming.pop(0)
            act(who, day)
            promised = ends_at(what, a, who, noon(what, day))
            assert promised is not None
            assert promised >= a.expires_at
            if pruned:
                prune(who, needed_counters(what.programme), day.toordinal())
        found = fate(what, a, who, a.expires_at)
        assert fate(what, a, who, a.expires_at - timedelta(microseconds=1)).__class__ is not Expire
        if isinstance(found, Expire):
            return what.day(a.expires_at - timedelta(microseconds=1))
        assert found.moment is not None
        assert found.moment > a.expires_at
        a.expires_at = found.moment
    raise AssertionError("the lot is looked at for ever")


@settings(deadline=None)
@given(ACTIVE, st.sampled_from(["P30D", "P3M", "P1Y"]), ZONES, STARTS, st.booleans())
def test_inactivity_is_counted_from_the_last_activity_before_the_end(
    active: set[int], length: str, zone: str, day_starts: str, pruned: bool
) -> None:
    what = version(zone=zone, day_starts=day_starts, lots={"expiry": {"kind": "inactivity", "length": length}})
    by = {"P30D": relativedelta(days=30), "P3M": relativedelta(months=3), "P1Y": relativedelta(years=1)}[length]
    days = {START, *(START + timedelta(days=n) for n in active)}
    last = day = START
    while day <= last + by:
        if day in days:
            last = day
        day += timedelta(days=1)
    assert lived(what, active, pruned) == last + by


@settings(deadline=None)
@given(
    ACTIVE,
    st.sampled_from(["P1M", "P2M", "P6M", "P10D"]),
    st.sampled_from(["day", "month"]),
    ZONES,
    STARTS,
    st.booleans(),
)
def test_a_lot_lives_on_while_every_month_is_active(
    active: set[int], length: str, edge: str, zone: str, day_starts: str, pruned: bool
) -> None:
    rule: dict[str, Any] = {"kind": "rolling", "length": length, "end_of": edge, "unless_active_each": "month"}
    what = version(zone=zone, day_starts=day_starts, lots={"expiry": rule})
    by = relativedelta(days=10) if length == "P10D" else relativedelta(months=int(length[1]))
    earliest = START + by
    if edge == "month":
        earliest = earliest + relativedelta(day=31)
    months = {
        (START.year, START.month),
        *((day.year, day.month) for day in (START + timedelta(days=n) for n in active)),
    }
    missed = START
    while (missed.year, missed.month) in months:
        missed += relativedelta(months=1)
    assert lived(what, active, pruned) == max(earliest, missed + relativedelta(day=31))


@settings(deadline=None)
@given(
    st.integers(0, 800),
    st.sampled_from(["P1D", "P45D", "P6M", "P24M"]),
    st.sampled_from(["day", "month", "quarter", "year"]),
    ZONES,
    STARTS,
)
def test_a_lot_ends_with_the_first_edge_that_is_not_before_its_length(
    after: int, length: str, edge: str, zone: str, day_starts: str
) -> None:
    what = version(
        zone=zone, day_starts=day_starts, lots={"expiry": {"kind": "rolling", "length": length, "end_of": edge}}
    )
    issued = START + timedelta(days=after)
    by = {"P1D": relativedelta(days=1), "P45D": relativedelta(days=45), "P6M": relativedelta(months=6)}
    day = issued + by.get(length, relativedelta(months=24))
    while edge != "day" and (
        (day + timedelta(days=1)).day != 1
        or (edge == "quarter" and day.month % 3)
        or (edge == "year" and day.month != 12)
    ):
        day += timedelta(days=1)
    end = expires_at(what, None, noon(what, issued))
    assert end is not None
    assert what.day(end) == day + timedelta(days=1)
    assert what.day(end - timedelta(microseconds=1)) == day


@settings(deadline=None)
@given(st.integers(0, 800), st.integers(1, 12), st.integers(1, 31), st.sampled_from(["P0D", "P30D", "P1Y"]))
def test_a_sweep_takes_what_is_old_enough_on_the_first_such_day(after: int, month: int, day: int, older: str) -> None:
    what = version(lots={"expiry": {"kind": "annual", "month": month, "day": day, "older_than": older}})
    issued = START + timedelta(days=after)
    by = {"P0D": relativedelta(), "P30D": relativedelta(days=30), "P1Y": relativedelta(years=1)}[older]
    found = issued + by
    while found != date(found.year, month, 1) + relativedelta(day=day):
        found += timedelta(days=1)
    end = expires_at(what, None, noon(what, issued))
    assert end is not None
    assert what.day(end - timedelta(microseconds=1)) == found
