"""How a tier came about: the course of a member's tiers, replayed inside the window from what they did. Pure.

What was held when the window began stands; all that came after is a function of the counts as they are now. So a refund
is judged as if the purchase had not been, up and down, but never below what was held at the window's start, and a
purchase that arrives late counts as if it had come in time.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

from points.programme.tier_rules import Held, Ladder, ladder_of, step
from points.programme.version import Version

BASE = Held(0, 0)


@dataclass(frozen=True, slots=True)
class Measure:
    """A counter by day, in order, with running sums: `sums[i]` is the sum of the first `i` days."""

    days: tuple[int, ...]
    sums: tuple[int, ...]

    @classmethod
    def of(cls, by_day: Mapping[int, int], until: int) -> "Measure":
        """The days of a counter up to `until`; what was folded away (day 0) belongs to no window."""
        days = sorted(day for day in by_day if 0 < day <= until)
        return cls(tuple(days), tuple(accumulate((by_day[day] for day in days), initial=0)))

    def between(self, first: int, last: int) -> int:
        """The sum from day `first` to day `last`, both included."""
        return self.sums[bisect_right(self.days, last)] - self.sums[bisect_left(self.days, first)]


@dataclass(frozen=True, slots=True)
class Correction:
    """Something that was written on day `recorded` and counts on an earlier day: a refund, a late purchase."""

    recorded: int
    counts_on: int
    n: int


def replay(ladder: Ladder, base: Held, after: int, day: int, measure: Measure, joined: int) -> list[Held]:
    """What was held, one after the other, from `base` (held at the end of day `after`) to the end of `day`, which is in
    the window that begins with day `after + 1` or (of a year) earlier. Asked at every event, so it takes a step only
    where one may change something."""
    course, held, seen, at = [base], base, after, 0
    changes = _changes(ladder, after, day, measure, joined)
    measured = measure.between(ladder.opens(day if ladder.yearly else after, joined), after)
    rank, due, quiet = ladder.rank_at(measured), base.due, False
    while True:
        following = changes[at][0] if at < len(changes) else day + 1
        if due is not None and seen < due < following:
            following, quiet = due, False
        if following > day:
            return course
        seen = following
        while at < len(changes) and changes[at][0] == seen:
            measured += changes[at][1]
            at += 1
        if not ladder.within(rank, measured):
            rank, quiet = ladder.rank_at(measured), False
        if quiet and seen != due:
            continue
        became = step(ladder, held, seen, rank, joined)
        # What a step leaves as it is stays so while the rank does, but for grace, which begins with the step.
        quiet = became is held
        if not quiet:
            course.append(became)
            held, due = became, became.due


def rank_on(ladder: Ladder, measure: Measure, day: int, joined: int) -> int:
    """The rank that the window ending on `day` measures."""
    return ladder.rank_at(measure.between(ladder.opens(day, joined), day))


def _changes(ladder: Ladder, after: int, day: int, measure: Measure, joined: int) -> list[tuple[int, int]]:
    """The days of (after, day] on which the measure changes, and by how much. The first of them always: something from
    before the window may have been corrected since, so that the measure is not what the base was judged by."""
    days, sums = measure.days, measure.sums
    changes = [(after + 1, 0)]
    changes += [(days[i], sums[i + 1] - sums[i]) for i in range(bisect_right(days, after), len(days))]
    if ladder.window == "rolling":
        opens = bisect_left(days, ladder.opens(after, joined))
        changes += [(ladder.leaves(days[i]), sums[i] - sums[i + 1]) for i in range(opens, len(days))]
    changes.sort()
    return changes


def from_history(
    version: Version,
    by_day: Mapping[int, int],
    joined: int,
    day: int,
    corrections: Iterable[Correction] = (),
) -> str:
    """The level at the end of `day` from the full history of the tier's counter, replayed day by day: the reference
    for `tiers.judge`. `by_day` is what was written on the day it counts for. The programme must have tiers.
    """
    ladder = ladder_of(version)
    if ladder is None:
        raise ValueError("the programme has no tiers")
    counts = dict(by_day)
    late: dict[int, list[Correction]] = {}
    for correction in corrections:
        late.setdefault(correction.recorded, []).append(correction)
    if ladder.window == "lifetime":
        written = [c.n for c in (one for each in late.values() for one in each) if c.recorded <= day]
        return ladder.levels[ladder.rank_at(sum(n for on, n in counts.items() if on <= day) + sum(written))]
    course: dict[int, Held] = {}
    for today in range(joined, day + 1):
        for correction in late.get(today, ()):
            counts[correction.counts_on] = counts.get(correction.counts_on, 0) + correction.n
        # Without corrections today, everything before today is as it was.
        start = max(joined, ladder.opens(today, joined)) if today in late else today
        for each in range(start, today + 1):
            opens = ladder.opens(each, joined)
            measured = ladder.rank_at(sum(n for on, n in counts.items() if opens <= on <= each))
            course[each] = step(ladder, course.get(each - 1, BASE), each, measured, joined)
    return ladder.levels[course.get(day, BASE).level]
