"""What a decision looks at besides the event, collected from the standing and the shared budgets. Pure.

Only what the version's rules and campaigns can ask about this event is collected: it is kept with every entry.
"""

from collections.abc import Mapping
from datetime import date, datetime

from points.book import CapState
from points.programme.campaigns import Push
from points.programme.context import Context
from points.programme.earning import Way
from points.programme.events import PURCHASE, Event
from points.programme.history import VISIT_GAP, limited, member_limit, nth_purchase, points_left, too_soon
from points.programme.plan import Asked, plan_of
from points.programme.segments import belongs, held_out, is_member, person_of
from points.programme.standing import Standing
from points.programme.tiers import tier_of
from points.programme.version import InForce, TermsRate, Version


def caps_of(in_force: InForce, event: Event, at: datetime) -> dict[str, int]:
    """The shared budgets that an event may draw on at the moment `at`: cap id -> size in points."""
    pushes = plan_of(in_force.version).asked(event.name).budgeted
    if not pushes:
        return {}
    day = in_force.version.day(at)
    return {push.budget(day): size for push, size in pushes if push.timetable is None or push.timetable.holds(at)}


def context_of(
    in_force: InForce,
    standing: Standing,
    event: Event,
    *,
    at: datetime,
    partner_id: str,
    location_id: str | None,
    terms: TermsRate | None,
    member_id: str,
    balance: int,
    caps: Mapping[str, CapState],
    birth_month: int | None = None,
    staff: bool = False,
) -> Context:
    """What the version's rules and campaigns may ask about this event.

    `at` is when it happened (aware), `balance` what the member can spend, `caps` the shared budgets as they are (one
    that is absent is whole), `birth_month` what segments of birthdays ask (None: unknown), `staff` whether the member
    works for the partner.
    """
    version = in_force.version
    plan = plan_of(version)
    asked = plan.asked(event.name)
    day = version.day(at)
    segments: tuple[str, ...] = ()
    if asked.segments:
        person = person_of(
            version, standing, day=day, joined=standing.joined, balance=balance, member_id=member_id, at=at,
            birth_month=birth_month,
        )  # fmt: skip
        segments = tuple(segment.id for segment in asked.segments if belongs(version, segment, person))
    context = Context(
        partner=partner_id,
        at=at,
        day=day.toordinal(),
        partner_name=in_force.names.get(partner_id) if asked.place else None,
        location=in_force.names.get(location_id) if asked.place and location_id else None,
        terms=(terms.id, terms.points, terms.per_minor) if asked.terms and terms else None,
        tier=tier_of(version, standing, day) if asked.tier else None,
        segments=segments,
        memberships=_memberships(asked, standing, at),
        offers=tuple(offer for offer in standing.offers if offer in asked.offers) if asked.offers else (),
        first=asked.first and event.name == PURCHASE and not standing.counts.get("purchases"),
    )
    history = _History(version, standing, event, day, context)
    for way in asked.history:
        history.rule(way)
    for push in asked.limited:
        history.campaign(push, in_force, member_id, caps)
    if staff and not version.programme.misuse.staff_campaigns:
        context.blocked.update((push.id, "staff") for push in asked.pushes if not push.asked(event, context))
    gap = plan.base.visit_gap
    visits = standing.moments.get(VISIT_GAP, ()) if gap else ()
    if gap and event.name in plan.base.visits_of and too_soon(visits, gap, at, version.zone):
        context.blocked[VISIT_GAP] = "min_gap"
    return context


class _History:
    """Pins what a member's history says of the rules and campaigns that could give at all."""

    __slots__ = ("context", "day", "event", "standing", "version")

    def __init__(self, version: Version, standing: Standing, event: Event, day: date, context: Context) -> None:
        self.version, self.standing, self.event, self.day, self.context = version, standing, event, day, context

    def rule(self, way: Way) -> None:
        """Pin a rule's limits."""
        context = self.context
        if way.who is not None and way.who.nth:
            context.nth[way.id] = nth_purchase(way.who, self.standing, self.event, self.day)
        if not way.remembers or way.asked(self.event, context) is not None:
            return
        reason = limited(way, self.standing, self.event, context.at, self.day, self.version.zone)
        if reason is not None:
            context.blocked[way.id] = reason
        elif (left := points_left(way, self.standing, self.day)) is not None:
            self._leave(way.id, left, "max_points")

    def campaign(self, push: Push, in_force: InForce, member_id: str, caps: Mapping[str, CapState]) -> None:
        """Pin a campaign's limits, budget, sponsor and holdout."""
        context = self.context
        if push.asked_apart(self.event, context) is not None:
            return
        if push.who is not None and push.who.nth:
            context.nth[push.id] = nth_purchase(push.who, self.standing, self.event, self.day)
        if push.asked_of(context) is not None:
            return
        if push.holdout is not None and held_out(self.version, push.holdout, member_id):
            context.blocked[push.id] = "holdout"
            return
        over, left = member_limit(push, self.standing, self.day)
        if push.size is not None:
            cap = caps.get(push.budget(self.day))
            budget = push.size if cap is None else cap.size - cap.used
            left = max(0, budget) if left is None else max(0, min(left, budget))
        if over:
            context.blocked[push.id] = "per_member"
        elif left is not None:
            self._leave(push.id, left, "budget")
        if push.sponsor is not None and (sponsor := in_force.ids.get(push.sponsor)) is not None:
            context.sponsors[push.id] = sponsor

    def _leave(self, name: str, left: int, reason: str) -> None:
        if left > 0:
            self.context.left[name] = left
        else:
            self.context.blocked[name] = reason


def _memberships(asked: Asked, standing: Standing, at: datetime) -> tuple[str, ...]:
    if not asked.memberships or not standing.memberships:
        return ()
    second = int(at.timestamp())
    return tuple(name for name in asked.memberships if is_member(standing, name, second))
