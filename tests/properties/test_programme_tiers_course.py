"""However a history comes about, the tier judged at events and reviews is the one that a replay of it gives."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from points.programme.dues import needed_counters
from points.programme.standing import Change, Standing, fold, prune
from points.programme.tier_history import Correction
from points.programme.tiers import from_history, judge, next_review, outlook, tier_of, warned, warning
from points.programme.version import Version
from tests.support.timed import happen, standing, tiers, version

START = date(2024, 1, 20)

WINDOWS: list[dict[str, str]] = [
    {"kind": "calendar_year"},
    {"kind": "anniversary"},
    {"kind": "rolling", "length": "P30D"},
    {"kind": "rolling", "length": "P3M"},
    {"kind": "lifetime"},
]
VALID: list[dict[str, str]] = [
    {"kind": "while_measured"},
    {"kind": "rest_of_year_and_next"},
    {"kind": "period", "period": "P45D"},
    {"kind": "period", "period": "P3M"},
]


@st.composite
def ladders(draw: st.DrawFn) -> Version:
    rest: dict[str, Any] = {
        "valid": draw(st.sampled_from(VALID)),
        "grace": draw(st.sampled_from(["P0D", "P10D", "P1M"])),
        "downgrade": draw(st.sampled_from(["to_measure", "one_down", "never"])),
    }
    levels = {"base": 0, "low": 5, "middle": 12, "high": 20}
    return version(tiers=tiers("points", draw(st.sampled_from(WINDOWS)), levels, **rest))


@dataclass(frozen=True)
class Happening:
    """So many days after the last one: points, on the day itself or some days late; or a refund of an earlier one."""

    gap: int
    n: int
    late: int
    refund: bool


HAPPENINGS = st.lists(
    st.builds(
        Happening,
        gap=st.one_of(st.integers(0, 3), st.integers(0, 60), st.integers(0, 400)),
        n=st.integers(1, 15),
        late=st.sampled_from([0, 0, 0, 1, 5, 40]),
        refund=st.sampled_from([False, False, True]),
    ),
    max_size=12,
)


class Life:
    """A member who is judged only when something happens and when a review is due, as the ledger does."""

    def __init__(self, what: Version, pruned: bool) -> None:
        self.what = what
        self.who = standing(START)
        self.today = START
        self.pruned = pruned
        self.by_day: dict[int, int] = {}
        self.corrections: list[Correction] = []
        self.given: list[tuple[int, int]] = []
        self.warnings: list[tuple[date, date]] = []

    def judge(self) -> None:
        state = judge(self.what, self.who, self.today)
        if state is not None:
            fold(self.who, Change(tier=state))
        if (fall := warning(self.what, self.who, self.today)) is not None and self.who.tier is not None:
            self.warnings.append((self.today, fall.falls_on))
            fold(self.who, Change(tier=warned(self.who.tier, fall)))
        if self.pruned:
            prune(self.who, needed_counters(self.what.programme), self.today.toordinal())
        # As it is kept in the database.
        self.who = msgspec.json.decode(msgspec.json.encode(self.who), type=Standing)

    def wait(self, until: date) -> None:
        while True:
            review, fall = outlook(self.what, self.who, self.today)
            coming = [day for day in (review, fall.warn_on if fall else None) if day is not None and day <= until]
            if not coming:
                self.today = until
                return
            self.today = max(self.today, min(coming))
            self.judge()

    def live(self, what: Happening) -> None:
        self.wait(self.today + timedelta(days=what.gap))
        now = self.today.toordinal()
        if what.refund and self.given:
            day, n = self.given.pop(what.n % len(self.given))
            self._write(day, -n, now)
        else:
            day = max(START.toordinal(), now - what.late)
            self.given.append((day, what.n))
            self._write(day, what.n, now)
        self.judge()

    def _write(self, day: int, n: int, now: int) -> None:
        happen(self.who, "points", date.fromordinal(day), n)
        if day == now:
            self.by_day[day] = self.by_day.get(day, 0) + n
        else:
            self.corrections.append(Correction(now, day, n))

    def replayed(self) -> str:
        return from_history(self.what, self.by_day, START.toordinal(), self.today.toordinal(), self.corrections)


@settings(deadline=None, max_examples=100)
@given(ladders(), HAPPENINGS, st.booleans(), st.integers(0, 500))
def test_the_judged_tier_is_that_of_the_replayed_history(
    what: Version, happenings: list[Happening], pruned: bool, rest: int
) -> None:
    life = Life(what, pruned)
    for happening in happenings:
        life.live(happening)
        assert tier_of(what, life.who, life.today) == life.replayed()
    for gap in (rest // 7, rest):
        life.wait(life.today + timedelta(days=gap))
        assert tier_of(what, life.who, life.today) == life.replayed()


@settings(deadline=None, max_examples=80)
@given(ladders(), HAPPENINGS)
def test_nothing_changes_before_the_review_and_something_does_on_it(what: Version, happenings: list[Happening]) -> None:
    life = Life(what, pruned=False)
    for happening in happenings:
        life.live(happening)
    review = next_review(what, life.who, life.today)
    last = life.today + timedelta(days=400) if review is None else review - timedelta(days=1)
    day = life.today
    while day <= last:
        assert judge(what, life.who, day) is None
        day += timedelta(days=7 if (last - day).days > 14 else 1)
    if review is not None:
        assert judge(what, life.who, review) is not None


@settings(deadline=None, max_examples=60)
@given(ladders(), HAPPENINGS)
def test_a_purchase_refunded_on_its_day_leaves_no_trace(what: Version, happenings: list[Happening]) -> None:
    life = Life(what, pruned=False)
    for happening in happenings:
        life.live(happening)
    before = life.who.tier
    happen(life.who, "points", life.today, 50)
    life.judge()
    happen(life.who, "points", life.today, -50)
    life.judge()
    level = tier_of(what, life.who, life.today)
    assert level == (before.level if before else "base")
    if before and life.who.tier:
        assert (life.who.tier.since, life.who.tier.until) == (before.since, before.until)


@settings(deadline=None, max_examples=80)
@given(ladders(), HAPPENINGS)
def test_whoever_falls_by_time_was_told_as_long_ahead_as_there_was_time(
    what: Version, happenings: list[Happening]
) -> None:
    life = Life(what, pruned=False)
    for happening in happenings:
        life.live(happening)
    told = len(life.warnings)
    settled = life.today
    life.warnings.clear()
    before = tier_of(what, life.who, life.today)
    known = life.who.tier.warned_for if life.who.tier else None
    while before == tier_of(what, life.who, life.today) and (review := next_review(what, life.who, life.today)):
        life.wait(review)
    if before != tier_of(what, life.who, life.today) and known is None and told == 0:
        assert life.warnings[0] == (max(life.today - timedelta(days=30), settled), life.today)
