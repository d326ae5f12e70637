"""The ladder of tiers as arithmetic: what a window measures, how long a tier is held, what comes after. Pure.

Days are ordinals of business days, levels are ranks in the ladder (0 is the lowest, which everybody has).
"""

import hashlib
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from math import ceil

import msgspec
from dateutil.relativedelta import relativedelta

from kernel.money import decimals
from points.programme.periods import Span, earlier, later, span
from points.programme.schema.programme import Programme
from points.programme.schema.tiers import Tiers
from points.programme.version import Version

NO_SPAN = Span()
_MOST_DAYS = 10_000


@dataclass(frozen=True, slots=True)
class Held:
    """A level held since day `since`. `until` is the last day it is held whatever the measure says; `grace_until` the
    last day of grace while the measure does not hold it. `changed` is the day from which all of this is so."""

    level: int
    since: int
    until: int | None = None
    grace_until: int | None = None
    changed: int = 0

    @property
    def due(self) -> int | None:
        """The first day on which time alone may end what is written here."""
        end = self.until if self.grace_until is None else self.grace_until
        return None if end is None else end + 1


@dataclass(frozen=True, slots=True)
class Ladder:
    """The tiers of a programme, compiled. `steps` are in the counter's unit (minor units for spend)."""

    levels: tuple[str, ...]
    steps: tuple[int, ...]
    counter: str
    window: str
    length: Span
    valid: str
    period: Span
    grace: Span
    downgrade: str
    warn: Span
    mark: str
    left: dict[int, int] = field(default_factory=dict, compare=False, repr=False)

    @property
    def yearly(self) -> bool:
        """Whether the window begins anew each year."""
        return self.window in ("calendar_year", "anniversary")

    @property
    def horizon(self) -> int:
        """How many days back the counter is asked by day: the window, and the window of its first day."""
        if self.window == "lifetime":
            return 0
        return 367 if self.yearly else 2 * self.length.upper_days + 2

    def rank(self, level: str) -> int | None:
        """The rank of a level by name; None if this ladder has no such level."""
        return self.levels.index(level) if level in self.levels else None

    def rank_at(self, measure: int) -> int:
        """The highest rank that so much of the measure reaches."""
        return max(0, bisect_right(self.steps, measure) - 1)

    def within(self, rank: int, measure: int) -> bool:
        """Whether so much of the measure is of that rank."""
        steps, above = self.steps, rank + 1
        return (rank == 0 or steps[rank] <= measure) and (above == len(steps) or measure < steps[above])

    def opens(self, day: int, joined: int) -> int:
        """The first day of the window that ends on `day`."""
        match self.window:
            case "calendar_year":
                return _year_start(day)
            case "anniversary":
                return _member_year(day, joined, 0)
            case "rolling":
                return _rolling_start(day, self.length)
            case _:
                return 1

    def next_year(self, day: int, joined: int) -> int:
        """The first day of the year after the one of `day`: the member's own year for anniversary windows."""
        if self.window == "anniversary":
            return _member_year(day, joined, 1)
        return date(date.fromordinal(day).year + 1, 1, 1).toordinal()

    def leaves(self, day: int) -> int:
        """The first day whose rolling window does not hold `day` any more."""
        if self.length.months == 0:
            return day + self.length.days + self.length.seconds // 86_400
        if day not in self.left:
            if len(self.left) > _MOST_DAYS:
                self.left.clear()
            self.left[day] = _rolling_end(day, self.length)
        return self.left[day]

    def reached(self, level: int, day: int, joined: int, since: int | None = None) -> Held:
        """What reaching a level on `day` gives; a level that is kept keeps its `since`."""
        until = None if level == 0 else self._held_until(day, joined)
        return Held(level, day if since is None else since, until, None, day)

    def _held_until(self, day: int, joined: int) -> int | None:
        match self.valid:
            case "rest_of_year_and_next":
                return self.next_year(self.next_year(day, joined), joined) - 1
            case "period":
                return later(date.fromordinal(day), self.period).toordinal() - 1
            case _:
                return None


def ladder_of(version: Version) -> Ladder | None:
    """The compiled tiers of a version; None if it has none."""
    return version.once("tiers", _compiled)


def step(ladder: Ladder, held: Held, day: int, measured: int, joined: int) -> Held:
    """What is held at the end of `day`, after what was held the day before, when the window now measures `measured`.

    Higher comes at once. Tiers held for a time are judged when it ends; those of a year are also prolonged as soon as
    a new year's measure reaches them. Then grace, then down.
    """
    if measured > held.level:
        return ladder.reached(measured, day, joined)
    if held.level == 0:
        return held
    if measured == held.level:
        return _kept(ladder, held, day, joined)
    if ladder.downgrade == "never" or (held.until is not None and day <= held.until):
        return held
    if held.grace_until is None:
        end = day - 1 if held.until is None else held.until
        held = replace(held, grace_until=_plus(end, ladder.grace), changed=day)
    assert held.grace_until is not None
    return held if day <= held.grace_until else _fallen(ladder, held, day, measured, joined)


def _kept(ladder: Ladder, held: Held, day: int, joined: int) -> Held:
    """The measure holds what is held."""
    if ladder.valid == "while_measured":
        return held if held.grace_until is None else replace(held, grace_until=None, changed=day)
    again = ladder.reached(held.level, day, joined, held.since)
    ended = held.until is None or day > held.until
    if ended:
        return again
    assert held.until is not None
    assert again.until is not None
    prolonged = ladder.yearly and ladder.valid == "rest_of_year_and_next" and again.until > held.until
    return again if prolonged else held


def _fallen(ladder: Ladder, held: Held, day: int, measured: int, joined: int) -> Held:
    """Down. One level down is a soft landing: that level is held for its time, or its grace, though not measured."""
    level = measured if ladder.downgrade == "to_measure" else held.level - 1
    fallen = ladder.reached(level, day, joined)
    if level > measured and fallen.until is None:
        return replace(fallen, grace_until=max(day, _plus(day - 1, ladder.grace)))
    return fallen


def _compiled(programme: Programme) -> Ladder | None:
    tiers = programme.tiers
    if tiers is None:
        return None
    scale = 10 ** decimals(programme.currency) if tiers.measure == "spend" else 1
    levels = sorted(tiers.levels, key=lambda level: level.from_)
    return Ladder(
        levels=tuple(level.id for level in levels),
        steps=tuple(ceil(level.from_ * scale) for level in levels),
        counter=tiers.measure,
        window=tiers.window.kind,
        length=span(tiers.window.length or "P1Y"),
        valid=tiers.valid.kind,
        period=span(tiers.valid.period or "P1Y"),
        grace=span(tiers.grace),
        downgrade=tiers.downgrade,
        warn=span(tiers.warn),
        mark=_mark(tiers, scale),
    )


def _mark(tiers: Tiers, scale: int) -> str:
    """Short name of everything that decides a level, so that a state knows which rules made it."""
    deciding = (
        tiers.measure,
        scale,
        msgspec.to_builtins(tiers.window),
        [(level.id, str(level.from_.normalize())) for level in tiers.levels],
        msgspec.to_builtins(tiers.valid),
        tiers.grace,
        tiers.downgrade,
    )
    return hashlib.sha256(msgspec.json.encode(deciding)).hexdigest()[:8]


def _plus(day: int, by: Span) -> int:
    return day if by == NO_SPAN else later(date.fromordinal(day), by).toordinal()


@lru_cache(maxsize=8192)
def _rolling_start(day: int, length: Span) -> int:
    return earlier(date.fromordinal(day), length).toordinal() + 1


@lru_cache(maxsize=8192)
def _rolling_end(day: int, length: Span) -> int:
    # Months are of many lengths, so the way back from `day + length` need not be `day`: look around it.
    at = later(date.fromordinal(day), length).toordinal() - 4
    while _rolling_start(at, length) <= day:
        at += 1
    return at


@lru_cache(maxsize=8192)
def _year_start(day: int) -> int:
    return date(date.fromordinal(day).year, 1, 1).toordinal()


@lru_cache(maxsize=8192)
def _member_year(day: int, joined: int, ahead: int) -> int:
    """The first day of the member's year that `day` is in, or of one `ahead`; who joined on 29 February begins on the
    28th in other years."""
    since, now = date.fromordinal(max(joined, 1)), date.fromordinal(day)
    years = now.year - since.year
    if since + relativedelta(years=years) > now:
        years -= 1
    return (since + relativedelta(years=years + ahead)).toordinal()
