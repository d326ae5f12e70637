"""The next due moment: nothing becomes due before it, and at it something is done."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from points.book import ClaimState, LotState
from points.programme.conversion import conversion_due
from points.programme.dues import needed_counters, next_due
from points.programme.expiry import Expire, expires_at, fate, notices_due
from points.programme.standing import Change, Standing, fold, prune
from points.programme.tiers import judge, tier_of, warned, warning
from points.programme.totals import totals_due
from points.programme.version import Version
from tests.support.timed import at, happen, lot, standing, tiers, version

EXPIRIES: list[dict[str, Any]] = [
    {"kind": "never"},
    {"kind": "fixed", "on": "2026-08-31"},
    {"kind": "rolling", "length": "P40D"},
    {"kind": "rolling", "length": "P3M", "end_of": "month"},
    {"kind": "rolling", "length": "P2M", "end_of": "month", "unless_active_each": "month"},
    {"kind": "rolling", "length": "P20D", "unless_active_each": "quarter", "activity": ["earn", "redeem"]},
    {"kind": "inactivity", "length": "P60D"},
    {"kind": "annual", "month": 4, "day": 30, "older_than": "P1M"},
]
START = at("2026-01-05T10:00")


@st.composite
def programmes(draw: st.DrawFn) -> Version:
    parts: dict[str, Any] = {
        "zone": draw(st.sampled_from(["Europe/Helsinki", "America/New_York", "Pacific/Auckland"])),
        "day_starts": draw(st.sampled_from(["00:00", "02:30", "05:00"])),
        "lots": {
            "expiry": draw(st.sampled_from(EXPIRIES)),
            "by_tier": {"gold": draw(st.sampled_from(EXPIRIES))} if draw(st.booleans()) else {},
            "notices": draw(st.sampled_from([[], ["P30D", "P7D"], ["P1M", "PT12H"]])),
        },
    }
    if draw(st.booleans()):
        window = draw(st.sampled_from([{"kind": "calendar_year"}, {"kind": "rolling", "length": "P50D"}]))
        grace = draw(st.sampled_from(["P0D", "P20D"]))
        parts["tiers"] = tiers("points", window, {"base": 0, "gold": 100}, grace=grace)
    if draw(st.booleans()):
        steps = [{"from": "1.00", "points": "1"}]
        parts["earn"] = [{"kind": "period_total", "id": "bonus", "period": "month", "per": "1.00", "steps": steps}]
    if draw(st.booleans()):
        parts["conversion"] = {
            "months": [2, 5, 8, 11], "min_points": 80, "points": 100, "money": "1.00", "step": "0.50", "valid": "P1Y",
        }  # fmt: skip
    return version(**parts)


@dataclass
class Account:
    """A member's part of a ledger that does what is due."""

    what: Version
    who: Standing
    lots: list[LotState] = field(default_factory=list)
    claims: list[ClaimState] = field(default_factory=list)

    def earn(self, now: datetime, points: int, waits: timedelta | None) -> None:
        day = self.what.day(now)
        tier = tier_of(self.what, self.who, day)
        new = lot(f"lot-{len(self.lots):03}", now, points, expires_at(self.what, tier, now))
        if waits is not None:
            new.pending, new.active_at = True, now + waits
        self.lots.append(new)
        for counter in ("points", "total/bonus", "total/bonus/weighted"):
            happen(self.who, counter, day, points)
        fold(self.who, Change(activity={"earn": day.toordinal()}))
        self.judge(now)

    def claim(self, now: datetime, points: int) -> None:
        deadline = now + timedelta(minutes=points)
        self.claims.append(
            ClaimState(f"claim-{len(self.claims)}", "r", "timed", "p", points, "j", "held", deadline)
        )  # fmt: skip

    def judge(self, now: datetime) -> bool:
        state = judge(self.what, self.who, self.what.day(now))
        if state is not None:
            fold(self.who, Change(tier=state))
        return state is not None

    def mature(self, now: datetime) -> int:
        """Everything that is due; how much there was."""
        day = self.what.day(now)
        done = int(self.judge(now))
        done += self._lots(now) + self._claims(now)
        for total in totals_due(self.what, self.who, day):
            fold(self.who, total.mark(self.who, day))
            done += 1
        if (converted := conversion_due(self.what, self.who, self.lots, day)) is not None:
            fold(self.who, converted.mark())
            left = converted.points
            for each in self.lots:
                used = min(left, 0 if each.pending else each.remaining)
                each.remaining -= used
                left -= used
            done += 1
        for notice in notices_due(self.what, self._open(), self.who, now):
            fold(self.who, notice.mark)
            done += 1
        if (fall := warning(self.what, self.who, day)) is not None and self.who.tier is not None:
            fold(self.who, Change(tier=warned(self.who.tier, fall)))
            done += 1
        prune(self.who, needed_counters(self.what.programme), day.toordinal())
        return done

    def due(self, now: datetime) -> datetime | None:
        return next_due(self.what, self.who, self.lots, self.claims, now)

    def _open(self) -> list[LotState]:
        return [each for each in self.lots if each.remaining and not each.pending]

    def _lots(self, now: datetime) -> int:
        done = 0
        for each in self.lots:
            if each.pending and each.active_at is not None and each.active_at <= now:
                each.pending = False
                done += 1
        for each in self._open():
            found = fate(self.what, each, self.who, now)
            if isinstance(found, Expire):
                each.remaining = 0
                done += 1
            elif found.moment != each.expires_at:
                each.expires_at = found.moment
                done += 1
        return done

    def _claims(self, now: datetime) -> int:
        over = [each for each in self.claims if each.state == "held" and each.deadline <= now]
        for each in over:
            each.state = "timed_out"
        return len(over)


STEPS = st.lists(
    st.tuples(
        st.integers(0, 60 * 24 * 40),
        st.integers(1, 120),
        st.sampled_from(["earn", "earn", "pending", "claim", "redeem"]),
    ),
    min_size=1,
    max_size=6,
)


def happens(account: Account, now: datetime, n: int, what: str) -> None:
    match what:
        case "earn" | "pending":
            account.earn(now, n, timedelta(hours=n) if what == "pending" else None)
        case "claim":
            account.claim(now, n)
        case _:
            day = account.what.day(now)
            happen(account.who, "redeemed", day, n)
            fold(account.who, Change(activity={"redeem": day.toordinal()}))


@settings(deadline=None, max_examples=80)
@given(programmes(), STEPS, st.data())
def test_nothing_is_due_before_the_next_due_moment_and_something_is_at_it(
    what: Version, steps: list[tuple[int, int, str]], data: st.DataObject
) -> None:
    account = Account(what, standing(date(2026, 1, 1)))
    now = START
    for minutes, n, name in steps:
        target = now + timedelta(minutes=minutes)
        while (due := account.due(now)) is not None and due <= target:
            now = max(now, due)
            assert account.mature(now)
        now = target
        happens(account, now, n, name)
        while (due := account.due(now)) is not None and due <= now:
            assert account.mature(now)
    for _ in range(12):
        due = account.due(now)
        if due is None:
            assert not account.mature(now + timedelta(days=data.draw(st.integers(0, 700))))
            break
        assert due > now
        between = now + (due - now) * data.draw(st.integers(0, 999)) / 1000
        assert not account.mature(between)
        assert not account.mature(due - timedelta(microseconds=1))
        assert account.mature(due)
        now = due
        assert not account.mature(now)
