"""Points on a whole period: one rate, found from the total of the month (quarter, year), given at its end. Pure.

A period is due once it is over, for the difference between what it is worth and what was paid: the counter
`total/<rule>/paid` keeps that on the period's last day, and the award `total/<rule>` with the period's name which
journal paid first. So a refund (or a purchase that arrives late) after the period makes the difference due, which may
be negative.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor

from kernel.money import decimals
from points.programme.periods import first_of, last_of, name_of
from points.programme.schema.earning import PeriodTotalRule
from points.programme.schema.programme import Programme
from points.programme.standing import LONG_AGO, Award, Change, Standing, between
from points.programme.version import Version

# How long after its end a period is still adjusted.
ADJUSTED_DAYS = 400
_DAYS = {"month": 31, "quarter": 92, "year": 366}


@dataclass(frozen=True, slots=True)
class TotalDue:
    """Points due for a period: `points` is what is still to be given (or, negative, taken back), `exact` what the whole
    period is worth before rounding, `rate` points per minor unit."""

    rule: str
    period: str
    last_day: date
    total_minor: int
    weighted_minor: int
    rate: Fraction
    exact: Fraction
    points: int
    journal_ids: tuple[str, ...] = ()

    def mark(self, standing: Standing, day: date, journal_id: str | None = None) -> Change:
        """What the standing keeps: that the period is settled, and the points."""
        known = any(award.period == self.period for award in standing.awards.get(f"total/{self.rule}", ()))
        award = Award(self.period, day.toordinal(), journal_id)
        return Change(
            counts={f"total/{self.rule}/paid": {self.last_day.toordinal(): self.points}} if self.points else {},
            awards={} if known else {f"total/{self.rule}": [award]},
        )


def totals_due(version: Version, standing: Standing, day: date) -> list[TotalDue]:
    """What is due on `day`, for every period that is over and not older than `ADJUSTED_DAYS`; oldest first."""
    due = []
    for rule in _rules(version.programme):
        for first in sorted(_periods(rule, standing)):
            last = last_of(first, rule.period)
            if last < day and (day - last).days <= ADJUSTED_DAYS:
                one = _due(version.programme, rule, standing, last)
                if one is not None:
                    due.append(one)
    return due


def next_total(version: Version, standing: Standing, day: date) -> date | None:
    """The first day on which something is due: `day` if something is now, or the day after a period that runs and is
    worth something by now."""
    if totals_due(version, standing, day):
        return day
    ends = [
        last
        for rule in _rules(version.programme)
        for first in _periods(rule, standing)
        if (last := last_of(first, rule.period)) >= day and _due(version.programme, rule, standing, last) is not None
    ]
    return min(ends) + timedelta(days=1) if ends else None


def foreseen(version: Version, standing: Standing, day: date) -> list[TotalDue]:
    """What the running periods would give if they ended now, for display."""
    found = (_due(version.programme, rule, standing, last_of(day, rule.period)) for rule in _rules(version.programme))
    return [due for due in found if due is not None]


def needed_counters(programme: Programme) -> dict[str, int]:
    """The counters of the rules, and how many days back they are asked."""
    return {
        f"total/{rule.id}{part}": _DAYS[rule.period] + ADJUSTED_DAYS
        for rule in _rules(programme)
        for part in ("", "/weighted", "/paid")
    }


def _rules(programme: Programme) -> list[PeriodTotalRule]:
    return [rule for rule in programme.earn if isinstance(rule, PeriodTotalRule)]


def _periods(rule: PeriodTotalRule, standing: Standing) -> set[date]:
    """The first days of the periods of which something is known."""
    names = (f"total/{rule.id}", f"total/{rule.id}/weighted", f"total/{rule.id}/paid")
    days = {day for name in names for day in standing.counts.get(name, ()) if day > LONG_AGO}
    return {first_of(date.fromordinal(day), rule.period) for day in days}


def _due(programme: Programme, rule: PeriodTotalRule, standing: Standing, last: date) -> TotalDue | None:
    """What is due for the period that ends on `last`; None if what was paid is right."""
    span = first_of(last, rule.period).toordinal(), last.toordinal()
    total = between(standing, f"total/{rule.id}", *span)
    weighted = between(standing, f"total/{rule.id}/weighted", *span)
    paid = between(standing, f"total/{rule.id}/paid", *span)
    period = name_of(last, rule.period)
    known = [award for award in standing.awards.get(f"total/{rule.id}", ()) if award.period == period]
    rate = _rate(programme, rule, total)
    exact = max(Fraction(0), rate * weighted)
    points = _rounded(rule, exact) - paid
    if not points:
        return None
    journals = tuple(award.journal_id for award in known if award.journal_id is not None)
    return TotalDue(rule.id, period, last, total, weighted, rate, exact, points, journals)


def _rate(programme: Programme, rule: PeriodTotalRule, total_minor: int) -> Fraction:
    """Points per minor unit: the rate of the highest step that the total reaches, for the whole of it."""
    scale: int = 10 ** decimals(programme.currency)
    reached = [step for step in rule.steps if Fraction(step.from_) * scale <= total_minor]
    if not reached or total_minor <= 0:
        return Fraction(0)
    step = max(reached, key=lambda each: each.from_)
    return Fraction(step.points) / (Fraction(rule.per) * scale)


def _rounded(rule: PeriodTotalRule, exact: Fraction) -> int:
    """Whole points of a period. There is no next purchase in it to carry to, so `carry` rounds down."""
    match rule.rounding:
        case "ceil":
            return ceil(exact)
        case "half_up":
            return floor(exact + Fraction(1, 2))
        case _:
            return floor(exact)
