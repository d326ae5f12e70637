"""Days that come once a year: birthdays and anniversaries of joining. Pure.

The award `birthday` (or `anniversary`) with the year as its period says that it was given: at most one in a calendar
year, whatever date the member names next.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from points.programme.periods import day_begins, earlier, later, span
from points.programme.schema.engagement import Choice, Gain, Yearly
from points.programme.standing import Award, Change, Standing
from points.programme.version import Version

Kind = Literal["birthday", "anniversary"]
MonthDay = tuple[int, int]


@dataclass(frozen=True, slots=True)
class YearlyDue:
    """A member's day is near: `gain`, from `opens` to `closes` (both included) around `day`, for the `year`.

    `choices` are what the member may pick instead.
    """

    kind: Kind
    year: int
    day: date
    opens: date
    closes: date
    gain: Gain
    choices: tuple[Choice, ...] = ()

    def mark(self, today: date, journal_id: str | None = None, voucher_id: str | None = None) -> Change:
        """What the standing keeps."""
        return Change(awards={self.kind: [Award(str(self.year), today.toordinal(), journal_id, voucher_id)]})


def day_in(year: int, born: MonthDay, feb29: Literal["feb28", "mar01"] = "feb28") -> date:
    """The day on which someone born on `born` (month, day) celebrates in a year. Raises ValueError for no such day."""
    month, day = born
    if (month, day) == (2, 29):
        try:
            return date(year, 2, 29)
        except ValueError:
            return date(year, 2, 28) if feb29 == "feb28" else date(year, 3, 1)
    return date(year, month, day)


def birthday_due(
    version: Version, standing: Standing, born: MonthDay, given_on: date, tier: str | None, day: date
) -> YearlyDue | None:
    """The birthday that `day` is near and that was not given yet. A date counts `settle` after it was given."""
    rule = version.programme.engagement.birthday
    if rule is None:
        return None
    counts_from = later(given_on, span(rule.settle))
    return _open("birthday", rule, standing.awards.get("birthday", ()), born, counts_from, tier, day)


def anniversary_due(version: Version, standing: Standing, tier: str | None, day: date) -> YearlyDue | None:
    """The anniversary of joining that `day` is near and that was not given yet; the first one is after a year."""
    rule = version.programme.engagement.anniversary
    if rule is None or standing.joined < 1:
        return None
    joined = date.fromordinal(standing.joined)
    born, first = (joined.month, joined.day), date(joined.year + 1, 1, 1)
    return _open("anniversary", rule, standing.awards.get("anniversary", ()), born, first, tier, day)


def next_birthday(
    version: Version, standing: Standing, born: MonthDay, given_on: date, tier: str | None, day: date
) -> datetime | None:
    """The moment at which the next birthday to be given opens (in the past if one is open); None without a rule."""
    rule = version.programme.engagement.birthday
    if rule is None:
        return None
    counts_from = later(given_on, span(rule.settle))
    return _next_open(version, "birthday", rule, standing, born, counts_from, tier, day)


def next_anniversary(version: Version, standing: Standing, tier: str | None, day: date) -> datetime | None:
    """The moment at which the next anniversary that can be given opens; None without a rule."""
    rule = version.programme.engagement.anniversary
    if rule is None or standing.joined < 1:
        return None
    joined = date.fromordinal(standing.joined)
    born, first = (joined.month, joined.day), date(joined.year + 1, 1, 1)
    return _next_open(version, "anniversary", rule, standing, born, first, tier, day)


def _open(
    kind: Kind,
    rule: Yearly,
    awards: Collection[Award],
    born: MonthDay,
    counts_from: date,
    tier: str | None,
    day: date,
) -> YearlyDue | None:
    given = {award.period for award in awards}
    # The window may reach over the turn of the year on either side.
    for year in (day.year - 1, day.year, day.year + 1):
        due = _of_year(kind, rule, born, year, tier)
        if due.opens <= day <= due.closes and due.day >= counts_from and str(year) not in given:
            return due
    return None


def _of_year(kind: Kind, rule: Yearly, born: MonthDay, year: int, tier: str | None) -> YearlyDue:
    on = day_in(year, born, rule.feb29)
    valid = rule.valid if tier is None else rule.valid_by_tier.get(tier, rule.valid)
    gain = rule.gain if tier is None else rule.by_tier.get(tier, rule.gain)
    opens, closes = earlier(on, span(rule.before)), later(on, span(valid))
    return YearlyDue(kind, year, on, opens, closes, gain, rule.choices)


def _next_open(
    version: Version,
    kind: Kind,
    rule: Yearly,
    standing: Standing,
    born: MonthDay,
    counts_from: date,
    tier: str | None,
    day: date,
) -> datetime:
    given = {award.period for award in standing.awards.get(kind, ())}
    year = min(day.year, counts_from.year) - 1 if counts_from < day else counts_from.year - 1
    year = max(year, day.year - 1)
    while True:
        due = _of_year(kind, rule, born, year, tier)
        if due.closes >= day and due.day >= counts_from and str(year) not in given:
            return day_begins(due.opens, version.zone, version.day_starts)
        year += 1
