"""Campaigns, compiled, and what they add to what the rules give. Their stacking, among those that hold:

an `exclusive` one stands alone (the first written of several); of all `best_of` ones the one that gives most is used
(of equals the first written); `stack` ones come after it in written order, each on what the ones before it left. A
campaign that would give nothing does not hold. Points that campaigns add as such are not multiplied. Pure.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Literal
from zoneinfo import ZoneInfo

from points.programme.basket import Basket
from points.programme.context import Context, Part, Rounding
from points.programme.earning import WHOLE, Gain, Share, Taken, Way, whole
from points.programme.events import PURCHASE, Event
from points.programme.matching import About, Who, about, who
from points.programme.periods import Period, name_of
from points.programme.schedule import Timetable, timetable_of
from points.programme.schema.campaigns import Campaign
from points.programme.schema.programme import Programme


@dataclass(frozen=True, slots=True)
class Push:
    """A campaign, compiled. `size` is its budget in points (None: no budget), `by` = `times` - 1 as a fraction."""

    id: str
    stacking: Literal["exclusive", "best_of", "stack"]
    by: Fraction | None
    adds: int
    timetable: Timetable | None
    about: About
    who: Who | None
    events: frozenset[str]
    rules: frozenset[str]
    size: int | None
    per: Period
    budget_name: str
    times: int | None
    points: int | None
    limit_per: Period
    sponsor: str | None
    activation: bool
    holdout: str | None

    def budget(self, day: date) -> str:
        """The id of the shared cap of the period that `day` is in."""
        return f"{self.budget_name}/{name_of(day, self.per)}"

    def asked_apart(self, event: Event, context: Context) -> str | None:
        """Why the campaign does not hold for this event, here and now, whoever the member is, or None."""
        if self.events and event.name not in self.events:
            return "event"
        if self.timetable is not None and not self.timetable.holds(context.at):
            return "schedule"
        if self.about.by_place and (reason := self.about.elsewhere(event, context)):
            return reason
        return None

    def asked(self, event: Event, context: Context) -> str | None:
        """Why the campaign does not hold for this event and member, here and now, or None."""
        return self.asked_apart(event, context) or self.asked_of(context)

    def asked_of(self, context: Context) -> str | None:
        """Why the campaign is not for this member, or None."""
        if self.activation and self.id not in context.offers:
            return "offer"
        return self.who.other(context, self.id) if self.who is not None else None


@dataclass(slots=True)
class Run:
    """What a rule gives as campaigns raise it: shares over `of`, in all `points` (`base` without campaigns): exact for
    rounding `carry`, else whole. `paid` rules give parts now, others only count."""

    gain: Gain
    of: int
    shares: list[tuple[Share, int]]
    paid: bool
    rounding: Rounding
    base: Fraction | int
    points: Fraction | int

    @property
    def gave(self) -> bool:
        """Whether the rule gave anything, be it less than a point."""
        return self.base > 0


@dataclass(frozen=True, slots=True)
class Raise:
    """What multiplying gives on top (by the rule's rounding, and exactly), and the shares as they are then."""

    more: Fraction | int
    exact: Fraction
    shares: list[tuple[Share, int]]
    of: int


@dataclass(slots=True)
class Stage:
    """Campaigns at work on one event."""

    event: Event
    context: Context
    basket: Basket
    runs: list[Run]
    before: Taken | None
    enough: bool
    parts: list[Part]
    used: dict[str, int] = field(default_factory=dict)


def compiled(programme: Programme) -> tuple[Push, ...]:
    """The programme's campaigns in written order."""
    zone = ZoneInfo(programme.zone)
    return tuple(_push(campaign, programme, zone) for campaign in programme.campaigns)


def runs_of(gains: Iterable[Gain], context: Context) -> list[Run]:
    """The rules' gains, cut to what the rules' own limits leave: whole points, so that limits are exact."""
    runs = []
    for gain in gains:
        way = gain.way
        limit = context.left.get(way.id) if context.left else None
        rounding = "floor" if limit is not None and way.rounding == "carry" else way.rounding
        base = rounded(gain.shares, gain.of, rounding)
        run = Run(gain, gain.of, gain.shares, way.kind != "period_total", rounding, base, base)
        if limit is not None and base > limit:
            cut = Fraction(limit * gain.of, gain.points)
            run.shares = [(share, n * cut.numerator) for share, n in gain.shares]
            run.of *= cut.denominator
            run.base = run.points = limit
        runs.append(run)
    return runs


def rounded(shares: list[tuple[Share, int]], of: int, rounding: Rounding) -> Fraction | int:
    """The sum of `shares` over `of`, exact for `carry`, else whole."""
    n = shares[0][1] if len(shares) == 1 else sum(n for _, n in shares)
    return Fraction(n, of) if rounding == "carry" else whole(n, of, rounding)


def chosen(pushes: Iterable[Push], stage: Stage, refusals: list[tuple[str, str]]) -> list[Push]:
    """The campaigns that are used, in the order of their use."""
    holding = []
    for push in pushes:
        reason = push.asked(stage.event, stage.context) or stage.context.blocked.get(push.id)
        if reason is None:
            holding.append(push)
        elif reason != "event":
            refusals.append((push.id, reason))
    if all(push.stacking == "stack" for push in holding):
        return holding
    alone = next((push for push in holding if push.stacking == "exclusive" and _worth(push, stage)), None)
    if alone is not None:
        refusals.extend((push.id, "stacking") for push in holding if push is not alone)
        return [alone]
    rivals = [push for push in holding if push.stacking == "best_of"]
    best = max(rivals, key=lambda push: _worth(push, stage)) if len(rivals) > 1 else next(iter(rivals), None)
    refusals.extend((push.id, "stacking") for push in rivals if push is not best)
    stacked = [push for push in holding if push.stacking == "stack"]
    return stacked if best is None else [best, *stacked]


def apply(push: Push, stage: Stage) -> None:
    """Add what a campaign gives to the stage."""
    left = _left(push, stage)
    shares = _chosen(push, stage)
    if push.by is None:
        points = _added(push, stage, shares)
        _give(push, push.id, points if left is None else min(points, left), stage, "floor")
        return
    for run in stage.runs:
        raised = _raised(push, run, stage, shares, push.by)
        if raised is None:
            continue
        if not run.paid:
            stage.used.setdefault(push.id, 0)
        elif left is None:
            _give(push, run.gain.way.id, raised.more, stage, run.rounding)
        else:
            # Whatever the rule's rounding: what is on top is made whole by itself, so that a return can only lower it.
            whole = int(raised.exact)
            given = min(whole, left)
            if given < whole:
                raised = _raised(push, run, stage, shares, push.by * given / raised.exact) or raised
            left -= given
            _give(push, run.gain.way.id, given, stage, "floor")
        run.shares, run.of = raised.shares, raised.of
        if run.rounding != "carry":
            run.points = rounded(run.shares, run.of, run.rounding)


def _give(push: Push, rule: str, points: Fraction | int, stage: Stage, rounding: Rounding) -> None:
    if not points:
        return
    issuer = stage.context.sponsors.get(push.id, stage.context.partner)
    if isinstance(points, int):
        stage.used[push.id] = stage.used.get(push.id, 0) + points
        points = Fraction(points)
    else:
        stage.used.setdefault(push.id, 0)
    stage.parts.append(Part(rule, issuer, points, rounding, push.id))


def _left(push: Push, stage: Stage) -> int | None:
    """How many points the campaign may give, None if it has no limit."""
    return stage.context.left.get(push.id) if stage.context.left else None


def _worth(push: Push, stage: Stage) -> Fraction | int:
    """What the campaign would give on top of what the rules give."""
    shares = _chosen(push, stage)
    if push.by is None:
        points: Fraction | int = _added(push, stage, shares)
    else:
        raised = (_raised(push, run, stage, shares, push.by) for run in stage.runs)
        points = sum((one.more for one in raised if one is not None), Fraction(0))
    left = _left(push, stage)
    return points if left is None else min(points, left)


def _added(push: Push, stage: Stage, shares: Set[Share] | None) -> int:
    """The points of a campaign that adds, if something of the event is chosen and its rules gave."""
    if push.rules and not any(_meant(push, run, share, stage) for run in stage.runs for share, _ in run.shares):
        return 0
    return push.adds if shares is None or shares else 0


def _chosen(push: Push, stage: Stage) -> Set[Share] | None:
    """The shares that the campaign's lists choose, and with any of them the event as a whole; None without lists."""
    about = push.about
    if not (about.by_line or about.tenders):
        return None
    shares = {cell.share for cell in stage.basket.cells if about.line(cell.line) and about.tender(cell.share[1])}
    return shares | {WHOLE} if shares else shares


def _raised(push: Push, run: Run, stage: Stage, shares: Set[Share] | None, by: Fraction) -> Raise | None:
    """What multiplying a rule's chosen shares gives; None if it gives nothing."""
    more, of = by.numerator, by.denominator
    if more <= 0:
        return None
    raised, on_top = [], 0
    for share, n in run.shares:
        if (shares is None or share in shares) and (not push.rules or _meant(push, run, share, stage)):
            raised.append((share, n * (of + more)))
            on_top += n * more
        else:
            raised.append((share, n * of))
    if not on_top:
        return None
    of *= run.of
    exact = Fraction(on_top, of)
    if run.rounding == "carry":
        return Raise(exact, exact, raised, of)
    return Raise(rounded(raised, of, run.rounding) - run.points, exact, raised, of)


def _meant(push: Push, run: Run, share: Share, stage: Stage) -> bool:
    """Whether the campaign is about this rule's share; after a return, only if it was so for the whole purchase."""
    if stage.before is not None:
        first = stage.before.get((run.gain.rival, share))
        if first is None or first.id not in push.rules:
            return False
    return run.gain.way.id in push.rules


def taken(runs: Iterable[Run]) -> dict[tuple[str, Share], Way]:
    """Who gave which share."""
    return {(run.gain.rival, share): run.gain.way for run in runs for share, _ in run.shares}


def _push(campaign: Campaign, programme: Programme, zone: ZoneInfo) -> Push:
    limit, budget = campaign.per_member, campaign.budget
    return Push(
        id=campaign.id,
        stacking=campaign.stacking,
        by=None if campaign.times is None else Fraction(campaign.times) - 1,
        adds=campaign.adds or 0,
        timetable=timetable_of(campaign.schedule, zone),
        about=about(campaign.match),
        who=who(campaign.when),
        events=frozenset(campaign.events or ((PURCHASE,) if campaign.times is None else ())),
        rules=frozenset(campaign.applies_to),
        size=_size(campaign, programme),
        per=budget.per if budget else "ever",
        budget_name=f"{programme.programme}/{campaign.id}/points",
        times=limit.times if limit else None,
        points=limit.points if limit else None,
        limit_per=limit.per if limit else "ever",
        sponsor=campaign.sponsor,
        activation=campaign.activation,
        holdout=campaign.holdout,
    )


def _size(campaign: Campaign, programme: Programme) -> int | None:
    """The budget in points: money at the unit's value, rounded down; a unit without a value buys nothing."""
    budget = campaign.budget
    if budget is None:
        return None
    sizes = [budget.points] if budget.points is not None else []
    if budget.money is not None:
        value = Fraction(programme.unit.value or 0)
        sizes.append(int(Fraction(budget.money) / value) if value else 0)
    return min(sizes, default=None)
