"""Which wins a member deserves: of challenges, milestones and streaks, from the counts as they are now. Pure.

Nothing is stored of the way there. What was won longer ago than `SETTLED_DAYS` stands for good, and counting goes on
after it; only what is younger is judged anew, after a refund or when a purchase arrives late.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from points.programme.goals import by_day, target
from points.programme.periods import last_of, name_of, span
from points.programme.schema.basics import Per
from points.programme.schema.engagement import Challenge, Streak
from points.programme.standing import LONG_AGO, Award, Standing
from points.programme.streaks import Row, lap_days, row, when_reached

SETTLED_DAYS = 400
# Wins may shift by some days when something arrives late, so what is taken back is younger than what is settled.
FIRM_DAYS = 365


@dataclass(frozen=True, slots=True)
class Win:
    """A win that is deserved: for which period, and the day on which it was reached (None: not known)."""

    period: str
    day: int | None = None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """`missing`: deserved but not awarded; `undue`: awarded but not deserved."""

    missing: tuple[Win, ...]
    undue: tuple[Award, ...]


def reconciled(deserved: Sequence[Win], awarded: Iterable[Award], settled: int, firm: int) -> Reconciled:
    """What must be given and taken back. Awards up to day `settled` stand and have no part in it; up to day `firm`
    none is taken back.

    A win whose period shifted (a late purchase, a refund) is the same win: only the number differs.
    """
    open_awards = [award for award in awarded if award.day > settled]
    named = {award.period for award in open_awards}
    missing = [win for win in deserved if win.period not in named]
    wanted = {win.period for win in deserved}
    undue = [award for award in open_awards if award.period not in wanted]
    both = min(len(missing), len(undue))
    return Reconciled(tuple(missing[both:]), tuple(award for award in undue[both:] if award.day > firm))


def reconciled_by_total(done: int, awards: Sequence[Award]) -> Reconciled:
    """The same for wins that are numbered by a total: the first `done` awards are deserved."""
    missing = tuple(Win(str(n)) for n in range(len(awards) + 1, done + 1))
    return Reconciled(missing, tuple(awards[max(0, done) :]))


def horizon(challenge: Challenge) -> int:
    """How many days back the goal's counters are asked by day."""
    if challenge.within is not None:
        return span(challenge.within).upper_days + SETTLED_DAYS
    days: dict[Per, int] = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
    return 0 if challenge.per in (None, "ever") else days[challenge.per or "ever"] + SETTLED_DAYS


def streak_horizon(streak: Streak) -> int:
    """How many days back visits are asked by day."""
    return 2 * lap_days(streak) + SETTLED_DAYS


def settled_before(today: int) -> int:
    """The last day whose awards stand for good."""
    return today - SETTLED_DAYS


def challenge_reconciled(challenge: Challenge, standing: Standing, currency: str, day: date) -> Reconciled:
    """What is to be given and taken back of a challenge."""
    awards = standing.awards.get(f"challenge/{challenge.id}", [])
    counts, enough, today = by_day(standing, challenge.goal), target(challenge.goal, currency), day.toordinal()
    settled = settled_before(today)
    if challenge.within is None and challenge.per in (None, "ever"):
        done = sum(n for at, n in counts.items() if at <= today) // enough
        return reconciled_by_total(done if challenge.repeat else min(1, done), awards)
    if not challenge.repeat and any(award.day <= settled for award in awards):
        return Reconciled((), ())
    if challenge.within is None:
        assert challenge.per is not None
        deserved = _of_periods(counts, enough, challenge.per, settled, today, awards)
    else:
        start = max((award.day + 1 for award in awards if award.day <= settled), default=0)
        done = sum(award.day <= settled for award in awards)
        deserved = _of_rolling(counts, enough, span(challenge.within).upper_days, start, today, done)
    if not challenge.repeat:
        deserved = [Win("ever", deserved[0].day)] if deserved else []
    return reconciled(deserved, awards, settled, today - FIRM_DAYS)


def streak_row(streak: Streak, standing: Standing, day: date) -> tuple[Row, bool]:
    """The row as far as it is not settled, and whether its beginning is known for sure."""
    today = day.toordinal()
    settled = settled_before(today)
    visits = standing.counts.get("visits", {})
    last = max(
        (award.day for award in standing.awards.get(f"streak/{streak.id}", ()) if award.day <= settled), default=0
    )
    if last:
        following = last_of(date.fromordinal(last), streak.per) + timedelta(days=1)
        return row(streak, visits, following.toordinal(), today), True
    first = max(min((at for at in visits if at > LONG_AGO), default=today), today - streak_horizon(streak))
    return row(streak, visits, first, today), LONG_AGO not in visits and first == min(visits, default=first)


def streak_reconciled(streak: Streak, standing: Standing, day: date) -> Reconciled:
    """What is to be given and taken back of a streak. What began before the kept days is never taken back."""
    found, sure = streak_row(streak, standing, day)
    awards = standing.awards.get(f"streak/{streak.id}", ())
    today = day.toordinal()
    result = reconciled([Win(*won) for won in found.won], awards, settled_before(today), today - FIRM_DAYS)
    return result if sure else Reconciled(result.missing, ())


def _of_periods(
    counts: Mapping[int, int], enough: int, per: Per, settled: int, today: int, awards: Iterable[Award]
) -> list[Win]:
    """Each calendar period whose sum is enough is a win."""
    stands = {award.period for award in awards if award.day <= settled}
    days = sorted(day for day in counts if settled < day + 366 and LONG_AGO < day <= today)
    reached = when_reached(days, counts, enough, per)
    wins = [(name_of(date.fromordinal(period), per), day) for period, day in sorted(reached.items()) if day > settled]
    return [Win(name, day) for name, day in wins if name not in stands]


def _of_rolling(counts: Mapping[int, int], enough: int, length: int, start: int, today: int, done: int) -> list[Win]:
    """Each span of `length` days that saw enough is a win; what counted for it does not count again. Numbered on from
    the `done` that stand."""
    wins: list[Win] = []
    inside: list[int] = []
    for day in sorted(day for day in counts if max(start, LONG_AGO + 1) <= day <= today):
        inside = [each for each in inside if each > day - length]
        inside.append(day)
        if sum(counts[each] for each in inside) >= enough:
            wins.append(Win(str(done + len(wins) + 1), day))
            inside = []
    return wins
