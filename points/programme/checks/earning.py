"""Earn rules and campaigns."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import pairwise

from points.programme.checks.parts import Found
from points.programme.faults import Place
from points.programme.schema.campaigns import Campaign
from points.programme.schema.earning import EarnBase, EventRule, PeriodTotalRule, Rule
from points.programme.schema.programme import Programme

PURCHASES = ("purchase", "visit")


def earn_base(part: EarnBase, _: Programme) -> Iterator[Found]:
    """Something must count as a visit."""
    if not part.visits_of:
        yield ("visits_of",), "nothing would count as a visit"


def rule(part: Rule, _: Programme) -> Iterator[Found]:
    """Points that wait must wait for something."""
    if part.pending is not None and (part.pending.after is None) == (part.pending.until_event is None):
        yield ("pending",), "points wait either for a time (`after`) or for an event (`until_event`)"
    if part.pending is not None and part.pending.until_event == "review":
        yield ("pending", "until_event"), "`review` is what points under review wait for; give the event another name"


def event_rule(part: EventRule, _: Programme) -> Iterator[Found]:
    """Either fixed points or steps."""
    if (part.points is None) == (not part.steps):
        yield (), "an event rule gives either `points` or `steps`"
    if part.event == "purchase":
        yield ("event",), "a purchase is no event by name; use a rule of kind `spend` or `visit`"
    yield from rising([step.from_ for step in part.steps], ("steps",), "from")


def period_total_rule(part: PeriodTotalRule, _: Programme) -> Iterator[Found]:
    """Steps rise, and nothing that belongs to single purchases applies."""
    if not part.steps:
        yield ("steps",), "at least one step is needed"
    yield from rising([step.from_ for step in part.steps], ("steps",), "from")
    yield from rising([step.points for step in part.steps], ("steps",), "points")
    for name in ("min_gap", "max_per", "max_points", "once_per"):
        if getattr(part, name):
            yield (name,), "this is about single purchases; a rule for the whole period cannot have it"


def campaign(part: Campaign, programme: Programme) -> Iterator[Found]:
    """It multiplies or adds; a sponsor must be one that issues points."""
    if (part.times is None) == (part.adds is None):
        yield (), "a campaign either multiplies (`times`) or adds points (`adds`)"
    sponsor = programme.partners.get(part.sponsor or "")
    if sponsor is not None and not {"sponsor", "issuer"} & {*sponsor.roles}:
        yield ("sponsor",), f"partner `{part.sponsor}` has neither the role `sponsor` nor `issuer`"
    if part.times is not None and part.events and not _gives_for_events(programme, part):
        yield ("times",), "there is no rule for these events whose points could be multiplied"
    if not programme.earn and part.times is not None:
        yield ("times",), "there are no earn rules whose points could be multiplied"


def _gives_for_events(programme: Programme, part: Campaign) -> bool:
    chosen = [one for one in programme.earn if not part.applies_to or one.id in part.applies_to]
    return any(
        name in PURCHASES or any(isinstance(one, EventRule) and one.event == name for one in chosen)
        for name in part.events
    )


def rising(numbers: Iterable[Decimal | int], place: Place, field: str) -> Iterator[Found]:
    """Each number above the one before."""
    for number, (lower, higher) in enumerate(pairwise(numbers), start=1):
        if higher <= lower:
            yield (*place, number, field), f"{higher} is not above {lower} of the step before"
