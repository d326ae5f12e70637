"""Challenges, streaks, milestones and badges: what is newly won, what is no longer deserved, how far a member is. Pure.

All of it is computed from the counts. Awards are kept under `challenge/<id>`, `streak/<id>`, `milestone/<id>`, and for
badges under `badge/<id>`, one award for each time it was earned.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from points.programme.challenge_wins import (
    Reconciled,
    challenge_reconciled,
    horizon,
    reconciled_by_total,
    streak_horizon,
    streak_reconciled,
    streak_row,
)
from points.programme.goals import by_day, counters, target
from points.programme.periods import first_of, last_of, span
from points.programme.schema.engagement import Challenge, Engagement, Gain, Milestone
from points.programme.schema.programme import Programme
from points.programme.standing import Award, Change, Standing
from points.programme.version import Version

Kind = Literal["challenge", "streak", "milestone", "badge"]


@dataclass(frozen=True, slots=True)
class Won:
    """Something newly deserved: for which period (or which win, numbered), what it gives, and the day on which it was
    reached, if that is known. `name` is where its award is kept."""

    kind: Kind
    id: str
    period: str
    gain: Gain
    day: int | None = None

    @property
    def name(self) -> str:
        """`challenge/<id>` and so on."""
        return f"{self.kind}/{self.id}"

    def mark(self, day: date, journal_id: str | None = None, voucher_id: str | None = None) -> Change:
        """What the standing keeps of it, a badge included; the journal gave its points, the voucher its reward."""
        on = day.toordinal() if self.day is None else self.day
        awards = {self.name: [Award(self.period, on, journal_id, voucher_id)]}
        if self.gain.badge is not None:
            awards[f"badge/{self.gain.badge}"] = [Award(f"{self.name}/{self.period}", on)]
        return Change(awards=awards)


@dataclass(frozen=True, slots=True)
class Lost:
    """An award that is no longer deserved: `award.journal_id` gave its points, `award.voucher_id` its reward."""

    kind: Kind
    id: str
    award: Award
    gain: Gain

    @property
    def name(self) -> str:
        """Where the award is kept."""
        return f"{self.kind}/{self.id}"

    def mark(self, standing: Standing) -> Change:
        """What the standing forgets, the badge that came with it included."""
        gone = {self.name: [self.award]}
        if self.gain.badge is not None:
            badge, period = f"badge/{self.gain.badge}", f"{self.name}/{self.award.period}"
            gone[badge] = [award for award in standing.awards.get(badge, ()) if award.period == period]
        return Change(awards_gone=gone)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a member is: `done` of `goal` (minor units for goals of spend, periods for streaks), and how often it
    was won. `until` is the last day that counts; None: no end. For badges `goal` is 1 and `done` says earned or not.
    """

    kind: Kind
    id: str
    done: int
    goal: int
    times: int
    until: date | None = None
    freezes: int | None = None


def judged(version: Version, standing: Standing, day: date) -> tuple[list[Won], list[Lost]]:
    """What is deserved and was not given yet, and what was given and is no longer deserved after a refund; both in the
    order of the file."""
    gained: list[Won] = []
    taken: list[Lost] = []
    for kind, id_, gain, found in _all_reconciled(version, standing, day):
        gained += [Won(kind, id_, win.period, gain, win.day) for win in found.missing]
        taken += [Lost(kind, id_, award, gain) for award in found.undue]
    return gained, taken


def won(version: Version, standing: Standing, day: date) -> list[Won]:
    """What is deserved and was not given yet."""
    return judged(version, standing, day)[0]


def lost(version: Version, standing: Standing, day: date) -> list[Lost]:
    """What was given and is no longer deserved."""
    return judged(version, standing, day)[1]


def progress(version: Version, standing: Standing, day: date) -> list[Progress]:
    """How far the member is with everything the programme has, in the order of the file."""
    engagement = version.programme.engagement
    return [
        *(_challenge(version, challenge, standing, day) for challenge in engagement.challenges),
        *_streaks(engagement, standing, day),
        *(_milestone(version, milestone, standing) for milestone in engagement.milestones),
        *(
            Progress("badge", badge.id, min(1, times), 1, times)
            for badge in engagement.badges
            for times in (len(standing.awards.get(f"badge/{badge.id}", ())),)
        ),
    ]


def needed_counters(programme: Programme) -> dict[str, int]:
    """The counters that goals ask, and how many days back by day (0: only the total)."""
    needed: dict[str, int] = {}
    engagement = programme.engagement
    asked = [(counters(challenge.goal), horizon(challenge)) for challenge in engagement.challenges]
    asked += [(counters(milestone.goal), 0) for milestone in engagement.milestones]
    asked += [(("visits",), streak_horizon(streak)) for streak in engagement.streaks]
    for names, days in asked:
        for name in names:
            needed[name] = max(days, needed.get(name, 0))
    return needed


def _all_reconciled(version: Version, standing: Standing, day: date) -> Iterator[tuple[Kind, str, Gain, Reconciled]]:
    engagement, currency = version.programme.engagement, version.programme.currency
    for challenge in engagement.challenges:
        found = challenge_reconciled(challenge, standing, currency, day)
        yield "challenge", challenge.id, challenge.gain, found
    for streak in engagement.streaks:
        yield "streak", streak.id, streak.gain, streak_reconciled(streak, standing, day)
    for milestone in engagement.milestones:
        reached = sum(by_day(standing, milestone.goal).values()) >= target(milestone.goal, currency)
        awards = standing.awards.get(f"milestone/{milestone.id}", ())
        yield "milestone", milestone.id, milestone.gain, reconciled_by_total(int(reached), awards)


def _challenge(version: Version, challenge: Challenge, standing: Standing, day: date) -> Progress:
    awards = standing.awards.get(f"challenge/{challenge.id}", ())
    counts, goal, today = (
        by_day(standing, challenge.goal),
        target(challenge.goal, version.programme.currency),
        day.toordinal(),
    )
    until: date | None = None
    if challenge.within is not None:
        length = span(challenge.within).upper_days
        last = max((award.day for award in awards), default=0)
        inside = {at: n for at, n in counts.items() if max(last, today - length) < at <= today}
        done = sum(inside.values())
        until = date.fromordinal(min(inside) + length - 1) if inside else None
    elif challenge.per in (None, "ever"):
        done = sum(counts.values()) - (goal * len(awards) if challenge.repeat else 0)
    else:
        assert challenge.per is not None
        first, until = first_of(day, challenge.per), last_of(day, challenge.per)
        done = sum(n for at, n in counts.items() if first.toordinal() <= at <= until.toordinal())
    if awards and not challenge.repeat:
        done, until = goal, None
    return Progress("challenge", challenge.id, max(0, min(done, goal)), goal, len(awards), until)


def _streaks(engagement: Engagement, standing: Standing, day: date) -> Iterator[Progress]:
    for streak in engagement.streaks:
        found, _ = streak_row(streak, standing, day)
        times = len(standing.awards.get(f"streak/{streak.id}", ()))
        until = last_of(day, streak.per)
        yield Progress("streak", streak.id, found.run % streak.length, streak.length, times, until, found.freezes)


def _milestone(version: Version, milestone: Milestone, standing: Standing) -> Progress:
    goal = target(milestone.goal, version.programme.currency)
    done = sum(by_day(standing, milestone.goal).values())
    times = len(standing.awards.get(f"milestone/{milestone.id}", ()))
    return Progress("milestone", milestone.id, max(0, min(done, goal)), goal, times)
