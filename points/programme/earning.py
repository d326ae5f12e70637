"""Earn rules, compiled, and what they give for an event: the best rule for each share of a line, and those that add.

Rules of lines (`terms`, `spend`, `item`) compete for every share of every line; visit rules compete with visit rules,
and event rules with event rules, for the event as a whole; `period_total` rules compete with nobody. Of equals the
first written gives. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

from kernel.money import decimals
from points.programme.basket import Basket
from points.programme.context import Context, Rounding
from points.programme.events import PURCHASE, VISIT, Event
from points.programme.matching import About, Who, about, who
from points.programme.periods import Period, Span, span
from points.programme.schedule import Timetable, timetable_of
from points.programme.schema.basics import Match, Schedule, When
from points.programme.schema.earning import (
    EarnRule,
    EventRule,
    ItemRule,
    PeriodTotalRule,
    SpendRule,
    TermsRule,
    VisitRule,
)
from points.programme.schema.programme import Programme

# Which share of an event: (index of the line, tender), or the event as a whole.
Share = tuple[int, str | None]
WHOLE: Share = (-1, None)

# What rules of lines compete under.
LINES = "lines"

Rate = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Way:
    """An earn rule, compiled. `rates` are (numerator, denominator) by tier, None for all others: points per minor unit,
    per thousandth of a piece (`by_piece`), or for the event as a whole. A `plain` rule is about everyone, always."""

    id: str
    kind: str
    adds: bool
    about: About
    who: Who | None
    timetable: Timetable | None
    rates: Mapping[str | None, Rate]
    rounding: Rounding
    minimum: int
    by_piece: bool
    event: str | None
    steps: tuple[tuple[int, int], ...]
    gap: Span | None
    times: tuple[tuple[Period, int], ...]
    points: tuple[tuple[Period, int], ...]
    once: str | None
    plain: bool

    @property
    def remembers(self) -> bool:
        """Whether the rule asks the member's history when it is limited."""
        return bool(self.gap or self.times or self.points or self.once)

    def rate(self, context: Context) -> Rate | None:
        """The rate for this member at this partner; None without terms."""
        if self.kind == "terms":
            return None if context.terms is None else context.terms[1:]
        return self.rates.get(context.tier) or self.rates[None]

    def asked(self, event: Event, context: Context) -> str | None:
        """Why the rule is not about this event and member, here and now, or None."""
        if self.timetable is not None and not self.timetable.holds(context.at):
            return "schedule"
        if self.about.by_place and (reason := self.about.elsewhere(event, context)):
            return reason
        return self.who.other(context, self.id) if self.who is not None else None

    def refusal(self, event: Event, context: Context, basket: Basket) -> str | None:
        """Why the rule does not give, or None."""
        if not self.plain and (reason := self.asked(event, context)):
            return reason
        if self.minimum and basket.total < self.minimum * basket.money:
            return "minimum_basket"
        return context.blocked.get(self.id) if context.blocked else None


@dataclass(slots=True)
class Gain:
    """What a rule gives: for each share so many points over `of`, before campaigns and rounding. `each` is the rate's
    numerator."""

    way: Way
    each: int
    of: int
    shares: list[tuple[Share, int]] = field(default_factory=list)

    @property
    def points(self) -> int:
        """The sum over all shares, over `of`."""
        return sum(n for _, n in self.shares)

    @property
    def rival(self) -> str:
        """What the rule competes with for a share: others of the same name."""
        if self.way.adds or self.way.kind == "period_total":
            return self.way.id
        return self.way.kind if self.way.kind in ("visit", "event") else LINES


Taken = Mapping[tuple[str, Share], Way]


def compiled(programme: Programme) -> dict[str, tuple[Way, ...]]:
    """Rules by the name of the event that they look at, in written order."""
    ways: dict[str, list[Way]] = {PURCHASE: [], VISIT: []}
    zone = ZoneInfo(programme.zone)
    for rule in programme.earn:
        way = _way(rule, programme.currency, zone)
        names = programme.earn_base.visits_of if way.kind == "visit" else (way.event or PURCHASE,)
        for name in names:
            ways.setdefault(name, []).append(way)
    return {name: tuple(these) for name, these in ways.items()}


@lru_cache(maxsize=4096)
def minor(amount: Decimal | None, currency: str) -> int:
    """Money in minor units (a finer amount counts as the next unit); 0 for None."""
    if amount is None:
        return 0
    exact = Fraction(amount) * 10 ** decimals(currency)
    return -int(-exact // 1)


def gains_of(
    ways: Iterable[Way],
    event: Event,
    context: Context,
    basket: Basket,
    refusals: list[tuple[str, str]],
    before: Taken | None = None,
) -> list[Gain]:
    """What the rules give, in written order. `before` says who gave what when nothing had been returned: what a rule
    with a limit gave then is not given by another rule now."""
    gains: list[Gain] = []
    lines: list[Gain] = []
    for way in ways:
        reason = way.refusal(event, context, basket)
        rate = way.rate(context) if reason is None else None
        if rate is None:
            refusals.append((way.id, reason or "terms"))
        elif way.kind in ("visit", "event"):
            gains.append(_of_event(way, rate, basket))
        else:
            gain = Gain(way, rate[0], rate[1] * (basket.quantity if way.by_piece else basket.money))
            lines.append(gain)
            gains.append(gain)
    if lines:
        _fill_lines(lines, context, basket, before)
    _best_of_event(gains, context, before)
    given = [gain for gain in gains if gain.shares]
    if len(given) < len(gains):
        refusals.extend((gain.way.id, "match") for gain in gains if not gain.shares)
    return given


def whole(n: int, of: int, rounding: Rounding) -> int:
    """`n / of` points as whole points; `carry` is rounded down like `floor`."""
    match rounding:
        case "half_up":
            return (2 * n + of) // (2 * of)
        case "ceil":
            return -(-n // of)
        case _:
            return n // of


def _of_event(way: Way, rate: Rate, basket: Basket) -> Gain:
    points, of = rate
    if way.steps:
        points = max((n for amount, n in way.steps if basket.total >= amount * basket.money), default=0)
    gain = Gain(way, points, of)
    if points and (chooses(way.about, basket) if basket.cells else not (way.about.by_line or way.about.tenders)):
        gain.shares.append((WHOLE, points))
    return gain


def chooses(about: About, basket: Basket) -> bool:
    """Whether at least one share of the basket is chosen."""
    return any(about.line(cell.line) and about.tender(cell.share[1]) for cell in basket.cells)


def _fill_lines(lines: list[Gain], context: Context, basket: Basket, before: Taken | None) -> None:
    for cell in basket.cells:
        share = cell.share
        best: Gain | None = None
        best_n, best_of = 0, 1
        for gain in lines:
            way = gain.way
            if way.about.by_line and not way.about.line(cell.line):
                continue
            if way.about.tenders and share[1] not in way.about.tenders:
                continue
            n = (cell.pieces if way.by_piece else cell.weight) * gain.each
            if way.adds or way.kind == "period_total":
                if n:
                    gain.shares.append((share, n))
            elif n * best_of > best_n * gain.of:
                best, best_n, best_of = gain, n, gain.of
        if best is not None and not _was_limited(best, LINES, share, context, before):
            best.shares.append((share, best_n))


def _best_of_event(gains: list[Gain], context: Context, before: Taken | None) -> None:
    """Of the rules that give for the event as a whole, all but the best give nothing."""
    if not any(gain.way.kind in ("visit", "event") for gain in gains):
        return
    for kind in ("visit", "event"):
        rivals = [gain for gain in gains if gain.way.kind == kind and not gain.way.adds and gain.shares]
        if not rivals:
            continue
        best = max(rivals, key=lambda gain: gain.points)
        for gain in rivals:
            if gain is not best or _was_limited(gain, kind, WHOLE, context, before):
                gain.shares.clear()


def _was_limited(gain: Gain, rival: str, share: Share, context: Context, before: Taken | None) -> bool:
    """Whether the share was another rule's before something was returned, and that rule's limit had cut it."""
    if before is None:
        return False
    first = before.get((rival, share))
    return first is not None and first is not gain.way and first.id in context.left


def _way(rule: EarnRule, currency: str, zone: ZoneInfo) -> Way:
    steps = rule.steps if isinstance(rule, EventRule) else ()
    return Way(
        id=rule.id,
        kind=_KINDS[type(rule)],
        adds=rule.adds,
        about=about(rule.match),
        who=who(rule.when),
        timetable=timetable_of(rule.schedule, zone),
        rates=_rates(rule, currency),
        rounding=_rounding(rule),
        minimum=minor(rule.minimum_basket, currency),
        by_piece=isinstance(rule, ItemRule),
        event=rule.event if isinstance(rule, EventRule) else None,
        steps=tuple((minor(step.from_, currency), step.points) for step in steps),
        gap=span(rule.min_gap) if rule.min_gap else None,
        times=tuple(rule.max_per.items()),
        points=tuple(rule.max_points.items()),
        once=rule.once_per,
        plain=rule.when == When() and rule.schedule == Schedule() and not _places(rule.match),
    )


def _rounding(rule: EarnRule) -> Rounding:
    if isinstance(rule, SpendRule | ItemRule):
        return rule.rounding
    return "carry" if isinstance(rule, TermsRule) else "floor"


def _places(match: Match) -> bool:
    return bool(match.partners or match.locations or match.channels)


_KINDS: dict[type[EarnRule], str] = {
    TermsRule: "terms",
    SpendRule: "spend",
    ItemRule: "item",
    VisitRule: "visit",
    EventRule: "event",
    PeriodTotalRule: "period_total",
}


def _rates(rule: EarnRule, currency: str) -> dict[str | None, Rate]:
    """Points by tier: per minor unit of money, per thousandth of a piece, or for the event."""
    rates: dict[str | None, Rate] = {}
    match rule:
        case SpendRule():
            per = Fraction(rule.per) * 10 ** decimals(currency)
            rates[None] = (Fraction(rule.points) / per).as_integer_ratio()
            rates.update({tier: (Fraction(n) / per).as_integer_ratio() for tier, n in rule.tiers.items()})
        case ItemRule():
            rates[None] = (Fraction(rule.points) / (Fraction(rule.per_quantity) * 1000)).as_integer_ratio()
        case VisitRule():
            rates[None] = (rule.points, 1)
            rates.update({tier: (n, 1) for tier, n in rule.tiers.items()})
        case EventRule():
            rates[None] = (rule.points or 0, 1)
        case PeriodTotalRule():
            rates[None] = (1, 1)
        case TermsRule():
            rates[None] = (0, 1)
    return rates
