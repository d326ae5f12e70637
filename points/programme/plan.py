"""Everything of a version that evaluating events needs, compiled once per version. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from points.programme import campaigns, earning
from points.programme.basket import Base, base_of
from points.programme.campaigns import Push
from points.programme.earning import Way, minor
from points.programme.matching import Who
from points.programme.schema.engagement import Goal
from points.programme.schema.programme import Programme
from points.programme.schema.segments import Segment
from points.programme.segments import categories_of
from points.programme.version import Version


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rules and campaigns of one event may ask of a member, so that a context pins no more.

    `ways` and `pushes` are the rules and campaigns; the other fields name what any of them looks at;
    `history` and `limited` are the rules and campaigns that look at what the member had before, or at shared budgets,
    `budgeted` are the campaigns with a budget and its size.
    """

    ways: tuple[Way, ...]
    pushes: tuple[Push, ...]
    tier: bool
    first: bool
    terms: bool
    place: bool
    segments: tuple[Segment, ...]
    memberships: tuple[str, ...]
    offers: frozenset[str]
    history: tuple[Way, ...]
    limited: tuple[Push, ...]
    budgeted: tuple[tuple[Push, int], ...]
    by_tender: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled version. `categories` are counted by purchases and spend, `items` by pieces (None: all of them)."""

    base: Base
    by_event: dict[str, Asked]
    otherwise: Asked
    categories: frozenset[str]
    items: frozenset[str] | None

    def asked(self, event_name: str) -> Asked:
        """What an event of this name may ask."""
        return self.by_event.get(event_name, self.otherwise)


def plan_of(version: Version) -> Plan:
    """The version's plan, compiled at the first call and kept."""
    return version.once("plan", _compile)


def _compile(programme: Programme) -> Plan:
    by_event = earning.compiled(programme)
    pushes = campaigns.compiled(programme)
    names = {*by_event, *(name for push in pushes for name in push.events)}
    return Plan(
        base=base_of(programme.earn_base, minor(programme.earn_base.minimum_basket, programme.currency)),
        by_event={name: _asked(programme, by_event.get(name, ()), pushes, name) for name in names},
        otherwise=_asked(programme, (), (), ""),
        categories=frozenset(_categories(programme)),
        items=_items(programme),
    )


def _asked(programme: Programme, ways: tuple[Way, ...], pushes: tuple[Push, ...], name: str) -> Asked:
    mine = tuple(push for push in pushes if not push.events or name in push.events)
    people = [who for who in (*(way.who for way in ways), *(push.who for push in mine)) if who is not None]
    about = [*(way.about for way in ways), *(push.about for push in mine)]
    segments = _named(people, "segments")
    return Asked(
        ways=ways,
        pushes=mine,
        tier=programme.tiers is not None,
        first=any(who.first for who in people),
        terms=any(way.kind == "terms" for way in ways),
        place=any(one.by_place for one in about),
        segments=tuple(segment for segment in programme.segments if segment.id in segments),
        memberships=tuple(sorted(_named(people, "memberships"))),
        offers=frozenset(push.id for push in mine if push.activation),
        history=tuple(way for way in ways if way.remembers or (way.who is not None and way.who.nth)),
        limited=tuple(push for push in mine if _is_limited(push)),
        budgeted=tuple((push, push.size) for push in mine if push.size is not None),
        by_tender=any(one.tenders for one in about),
    )


def _is_limited(push: Push) -> bool:
    of_member = push.times is not None or push.points is not None or (push.who is not None and push.who.nth > 0)
    return of_member or push.size is not None or push.sponsor is not None or push.holdout is not None


def _named(people: Iterable[Who], what: str) -> frozenset[str]:
    """What the conditions name as wanted or unwanted."""
    return frozenset[str]().union(*(getattr(who, what) | getattr(who, f"not_{what}") for who in people))


def _categories(programme: Programme) -> Iterator[str]:
    for segment in programme.segments:
        yield from categories_of(segment.where)
    for goal in _goals(programme):
        if goal.of in ("visits", "purchases", "spend"):
            yield from goal.match.categories


def _items(programme: Programme) -> frozenset[str] | None:
    goals = [goal for goal in _goals(programme) if goal.of == "items"]
    boards = any(board.of == "items" for board in programme.engagement.leaderboards)
    if boards or any(not goal.match.categories for goal in goals):
        return None
    return frozenset(category for goal in goals for category in goal.match.categories)


def _goals(programme: Programme) -> Iterator[Goal]:
    engagement = programme.engagement
    yield from (challenge.goal for challenge in engagement.challenges)
    yield from (milestone.goal for milestone in engagement.milestones)
