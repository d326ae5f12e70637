"""However visits come, late or returned, what was won is what the visits deserve, each time once."""

from datetime import date, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from points.programme.dues import needed_counters
from points.programme.progress import judged, progress
from points.programme.standing import Standing, fold, prune
from points.programme.version import Version
from tests.support.timed import NAMES, happen, standing, version

START = date(2026, 1, 1)
# (days since the last, how many visits, how late they are told, whether an earlier one is taken back instead)
VISITS = st.lists(
    st.tuples(
        st.integers(0, 12), st.integers(1, 4), st.sampled_from([0, 0, 0, 2, 9]), st.sampled_from([False, False, True])
    ),
    max_size=25,
)
CHALLENGES = st.fixed_dictionaries(
    {
        "goal": st.builds(lambda n: {"count": n}, st.integers(1, 6)),
        "repeat": st.booleans(),
        "when": st.sampled_from([{"per": "week"}, {"per": "month"}, {"per": "ever"}, {"within": "P7D"}]),
    }
)


class Fan:
    """A member whose wins are judged at every event, and kept as the ledger keeps them."""

    def __init__(self, what: Version, pruned: bool) -> None:
        self.what, self.pruned = what, pruned
        self.who = standing(START)
        self.visits: dict[date, int] = {}
        self.given: list[date] = []
        self.today = START

    def live(self, gap: int, n: int, late: int, returned: bool) -> None:
        self.today += timedelta(days=gap)
        if returned and self.given:
            self.write(self.given.pop(n % len(self.given)), -1)
        else:
            day = max(START, self.today - timedelta(days=late))
            self.given += [day] * n
            self.write(day, n)
        gained, taken = judged(self.what, self.who, self.today)
        for each in gained:
            fold(self.who, each.mark(self.today))
        for gone in taken:
            fold(self.who, gone.mark(self.who))
        assert judged(self.what, self.who, self.today) == ([], [])
        if self.pruned:
            prune(self.who, needed_counters(self.what.programme), self.today.toordinal())
        self.who = msgspec.json.decode(msgspec.json.encode(self.who), type=Standing)

    def write(self, day: date, n: int) -> None:
        happen(self.who, "visits", day, n)
        self.visits[day] = self.visits.get(day, 0) + n


def deserved(visits: dict[date, int], count: int, when: dict[str, str], repeat: bool) -> int:
    """How many wins the visits deserve, counted plainly."""
    days = sorted(day for day, n in visits.items() if n)
    wins = 0
    if when == {"per": "ever"}:
        wins = sum(visits.values()) // count
    elif "per" in when:
        names = [
            day.strftime("%G-%V" if when["per"] == "week" else "%Y-%m") for day in days for _ in range(visits[day])
        ]
        wins = sum(names.count(name) >= count for name in set(names))
    else:
        begun = START - timedelta(days=1)
        for day in days:
            first = max(begun + timedelta(days=1), day - timedelta(days=6))
            if sum(n for each, n in visits.items() if first <= each <= day) >= count:
                wins, begun = wins + 1, day
    return wins if repeat else min(1, wins)


@settings(deadline=None, max_examples=100)
@given(CHALLENGES, VISITS, st.booleans())
def test_a_challenge_is_won_as_often_as_it_is_deserved(
    challenge: dict[str, Any], visits: list[tuple[int, int, int, bool]], pruned: bool
) -> None:
    goal, repeat, when = challenge["goal"], challenge["repeat"], challenge["when"]
    listed = [{"id": "one", "names": NAMES, "goal": goal, "repeat": repeat, "gain": {"badge": "b"}, **when}]
    fan = Fan(version(engagement={"challenges": listed, "badges": [{"id": "b", "names": NAMES}]}), pruned)
    for each in visits:
        fan.live(*each)
        wins = deserved(fan.visits, goal["count"], when, repeat)
        assert len(fan.who.awards.get("challenge/one", [])) == wins
        assert len(fan.who.awards.get("badge/b", [])) == wins
        shown, badge = progress(fan.what, fan.who, fan.today)
        assert (shown.times, badge.times) == (wins, wins)
        assert 0 <= shown.done <= shown.goal


def row_of(visits: dict[date, int], today: date, length: int, minimum: int, freezes: int) -> tuple[int, int]:
    """(wins, weeks in a row by now) of a weekly streak, week after week."""
    wins = run = 0
    left = freezes
    monday = START - timedelta(days=START.weekday())
    while monday <= today:
        sunday = monday + timedelta(days=6)
        if sum(n for day, n in visits.items() if monday <= day <= sunday) >= minimum:
            run += 1
            if run % length == 0:
                wins += 1
                left = freezes
        elif sunday < today and run > 0:
            left -= 1
            if left < 0:
                run, left = 0, freezes
        monday += timedelta(days=7)
    return wins, run


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), VISITS, st.booleans())
def test_a_streak_is_won_as_often_as_the_weeks_deserve(
    length: int, minimum: int, freezes: int, visits: list[tuple[int, int, int, bool]], pruned: bool
) -> None:
    streak = {"id": "one", "names": NAMES, "per": "week", "length": length, "minimum": minimum, "freezes": freezes}
    fan = Fan(version(engagement={"streaks": [{**streak, "gain": {"points": 1}}]}), pruned)
    for each in visits:
        fan.live(*each)
        wins, run = row_of(fan.visits, fan.today, length, minimum, freezes)
        (shown,) = progress(fan.what, fan.who, fan.today)
        assert (shown.times, shown.done) == (wins, run % length)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([{"per": "month"}, {"within": "P7D"}, {"per": "ever"}]), st.lists(st.integers(1, 20), max_size=150)
)
def test_over_years_with_old_days_folded_away_the_wins_are_the_same(when: dict[str, str], gaps: list[int]) -> None:
    listed = [{"id": "one", "names": NAMES, "goal": {"count": 3}, "repeat": True, "gain": {"points": 1}, **when}]
    fan = Fan(version(engagement={"challenges": listed}), pruned=True)
    for gap in gaps:
        fan.live(gap, 1, 0, False)
    assert len(fan.who.awards.get("challenge/one", [])) == deserved(fan.visits, 3, when, True)
