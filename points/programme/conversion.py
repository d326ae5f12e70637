"""Statements: on given days of the year a balance becomes a voucher. Pure.

A statement takes what had been issued before its day, so that it does not matter when it is made. A balance below the
minimum stays as it is, without a trace.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from kernel.money import decimals
from points.book import LotState
from points.programme.periods import day_begins, day_ends, later, span
from points.programme.schema.rewards import Conversion
from points.programme.standing import Award, Change, Standing
from points.programme.version import Version

NAME = "conversion"


@dataclass(frozen=True, slots=True)
class Converted:
    """`points` of the balance become a voucher of `value_minor`, good until `valid_until`; `reward` is its id."""

    reward: str
    period: str
    day: date
    points: int
    value_minor: int
    valid_until: datetime

    def mark(self, journal_id: str | None = None, voucher_id: str | None = None) -> Change:
        """What the standing keeps: one statement per day of statements."""
        return Change(awards={NAME: [Award(self.period, self.day.toordinal(), journal_id, voucher_id)]})


def convert(version: Version, points: int, issued_on: date) -> tuple[int, int, datetime] | None:
    """(points used, minor units, good until) that a balance of `points` becomes; None if it is not enough."""
    rule = version.programme.conversion
    if rule is None or points < rule.min_points:
        return None
    scale = 10 ** decimals(version.programme.currency)
    per_point = Fraction(rule.money) * scale / rule.points
    step = Fraction(rule.step) * scale
    value = points * per_point // step * step
    used = -(-value // per_point)
    if used <= 0 or value.denominator != 1:
        return None
    return used, int(value), _good_until(version, issued_on, rule.valid)


def conversion_due(version: Version, standing: Standing, lots: Collection[LotState], day: date) -> Converted | None:
    """The statement that is due on `day`: that of the last statement day, if it was not made and there is enough."""
    rule = version.programme.conversion
    if rule is None:
        return None
    statement = _last_statement(rule, day)
    period = statement.isoformat()[:7]
    if statement.toordinal() <= standing.joined or _made(standing, period):
        return None
    opens = day_begins(statement, version.zone, version.day_starts)
    balance = sum(lot.remaining for lot in lots if lot.issued_at < opens and not lot.pending)
    found = convert(version, balance, statement)
    if found is None:
        return None
    points, value_minor, valid_until = found
    return Converted(rule.id, period, statement, points, value_minor, valid_until)


def next_statement(version: Version, standing: Standing, lots: Collection[LotState], day: date) -> date | None:
    """`day` if a statement is due, else the next day of one for which there is enough by now; None if there is none."""
    rule = version.programme.conversion
    if rule is None or sum(lot.remaining for lot in lots) < rule.min_points:
        return None
    if conversion_due(version, standing, lots, day):
        return day
    statement = day
    # What waits for time alone is free within a year or so; later it is asked again.
    for _ in range(len(rule.months) + 1):
        statement = _next_statement(rule, statement)
        opens = day_begins(statement, version.zone, version.day_starts)
        if convert(version, sum(lot.remaining for lot in lots if _free_by(lot, opens)), statement):
            return statement
    return None


def _free_by(lot: LotState, moment: datetime) -> bool:
    in_time = lot.active_at is not None and lot.active_at <= moment and lot.awaits is None
    return lot.issued_at < moment and (in_time or not lot.pending)


def _good_until(version: Version, issued_on: date, valid: str) -> datetime:
    """The end of the day that is `valid` after the day of issue."""
    return day_ends(later(issued_on, span(valid)), version.zone, version.day_starts)


def _made(standing: Standing, period: str) -> bool:
    return any(award.period >= period for award in standing.awards.get(NAME, ()))


def _last_statement(rule: Conversion, day: date) -> date:
    """The last day of a statement that is not after `day`."""
    months = sorted(rule.months)
    past = [month for month in months if month <= day.month]
    return date(day.year, past[-1], 1) if past else date(day.year - 1, months[-1], 1)


def _next_statement(rule: Conversion, day: date) -> date:
    """The first day of a statement after `day`."""
    months = sorted(rule.months)
    coming = [month for month in months if month > day.month]
    return date(day.year, coming[0], 1) if coming else date(day.year + 1, months[0], 1)
