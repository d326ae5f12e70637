"""/v1/reviews: earnings whose points wait until somebody has looked at them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, Protocol

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from api.auth import AUTH_DEPENDENCIES, CallerIs, PartnerOnly, requires
from api.body import StrictBody
from api.http.purchases import EntityId
from api.pagination import PAGE_DEPENDENCIES, Listed, PageIs
from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import Forbidden, Invalid
from network.keys import Caller
from network.partners import partner
from network.programmes import Programmes
from network.staff import StaffUnknown, staff
from points.adjustment_records import Person
from points.adjustments import NotAnApprover
from points.pins import Pins, has_pin
from points.programme.periods import day_begins
from points.review_figures import Alert, Figures, State, Sum, figures, window
from points.review_rights import check_decider
from points.reviews import Review, Verdict, decide, review
from points.teller import Teller
from points.voucher_records import OPERATOR

LONGEST_NOTE = 200
_EARLIEST = date(2000, 1, 1)
_LATEST = date(9000, 1, 1)


class WhoDecides(Invalid):
    """A partner's decision names who of its staff makes it."""

    code = "decider_missing"
    title = "Say who decides"


class PinNotAccepted(Forbidden):
    """The person has a PIN, and this is not it."""

    code = "pin_not_accepted"
    title = "The PIN is missing or not the person's"


class ReviewParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def programmes(self) -> Programmes: ...
    @property
    def teller(self) -> Teller: ...
    @property
    def pins(self) -> Pins: ...


Parts = NamedDependency[SkipValidation[ReviewParts]]


class DecisionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who of the calling partner's managers decides (`pin` where they have one), and why. The operator names nobody."""

    staff_id: EntityId | None = None
    pin: Annotated[str, msgspec.Meta(min_length=1, max_length=12)] | None = None
    note: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NOTE)] | None = None


class ReviewView(msgspec.Struct, frozen=True):
    """An earning that waits, or waited. `points` is what it gave; `reasons` say which limits it was above, `cashier`
    and `terminal` where."""

    id: str
    entry_id: str
    member_id: str
    partner_id: str
    reasons: list[str]
    terminal: str | None
    cashier: str | None
    points: int
    state: State
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    note: str | None


class SumView(msgspec.Struct, frozen=True):
    """How many reviews, and of how many points."""

    reviews: int
    points: int


class ReasonView(SumView, frozen=True):
    """Of those, the ones with this reason; a review may have several."""

    reason: str


class AlertView(SumView, frozen=True):
    """One card at one cashier and till: the points may be the cashier's own. `own_account` says that they are."""

    partner_id: str
    member_id: str
    cashier: str
    terminal: str
    own_account: bool


class SummaryView(msgspec.Struct, frozen=True):
    """The reviews that a business day brought, from `since` until before `until`: what became of them, why they came,
    and who may have credited themselves; and what is open by now, of whatever day."""

    day: date
    since: datetime
    until: datetime
    waiting: SumView
    approved: SumView
    rejected: SumView
    reasons: list[ReasonView]
    self_credits: list[AlertView]
    open_now: SumView
    oldest_open_at: datetime | None


@get(
    "/reviews", guards=[requires("reviews")], dependencies=PAGE_DEPENDENCIES, summary="What waits for a look",
    operation_id="listReviews",
)  # fmt: skip
async def list_reviews(
    caller: CallerIs,
    page: PageIs,
    parts: Parts,
    those: Annotated[
        State | Literal["all"], QueryParameter(name="state", description="Only those in this state.")
    ] = "open",
) -> Listed[ReviewView]:
    """The oldest first; a partner sees its own, the operator all. Open ones unless another `state` is asked for."""
    after, before, rows = page.window("rvw")
    state = None if those == "all" else those
    async with parts.db.read() as read:
        found = await window(read.connection, caller.partner_id, state, after, before, rows)
    return page.answer(found, _view, lambda one: one.id)


@get(
    "/reviews/summary", guards=[requires("reviews")], summary="The day's reviews in figures",
    operation_id="summariseReviews",
)  # fmt: skip
async def summarise(
    caller: CallerIs,
    parts: Parts,
    day: Annotated[date | None, QueryParameter(description="A business day; today if none is named.")] = None,
    partner_id: Annotated[
        str | None, QueryParameter(max_length=64, description="For the operator: of this partner alone.")
    ] = None,
) -> SummaryView:
    """By the partner's business day; the operator's own day is that of UTC."""
    whose = await _whose(parts, caller, partner_id)
    shown, since, until = await _day(parts, whose, day)
    async with parts.db.read() as read:
        return _summary(shown, since, until, await figures(read.connection, whose, since, until))


@get("/reviews/{review_id:str}", guards=[requires("reviews")], summary="A review", operation_id="getReview")
async def get_review(review_id: FromPath[str], caller: CallerIs, parts: Parts) -> ReviewView:
    """A partner sees its own, the operator all."""
    async with parts.db.read() as read:
        return _view(await review(read.connection, review_id, caller.partner_id))


@post(
    "/reviews/{review_id:str}/approve", status_code=200, dto=StrictBody[DecisionBody], return_dto=None,
    guards=[requires("reviews")], summary="The points are in order", operation_id="approveReview",
)  # fmt: skip
async def approve(review_id: FromPath[str], data: JSONBody[DecisionBody], caller: CallerIs, parts: Parts) -> ReviewView:
    """They can be spent from now on, unless they wait for something else too. Approving twice is no error."""
    return await _decided(parts, caller, review_id, data, "approve")


@post(
    "/reviews/{review_id:str}/reject", status_code=200, dto=StrictBody[DecisionBody], return_dto=None,
    guards=[requires("reviews")], summary="The points are not in order", operation_id="rejectReview",
)  # fmt: skip
async def reject(review_id: FromPath[str], data: JSONBody[DecisionBody], caller: CallerIs, parts: Parts) -> ReviewView:
    """The earning is undone as a whole. Rejecting twice is no error."""
    return await _decided(parts, caller, review_id, data, "reject")


async def _decided(
    parts: ReviewParts, caller: Caller, review_id: str, data: DecisionBody, verdict: Verdict
) -> ReviewView:
    """Four eyes: a manager or the operator, who is not the cashier that it is about, nor whose account it is."""
    async with parts.db.read() as read:
        known = await review(read.connection, review_id, caller.partner_id)
    person = await _person(parts, caller, data)
    async with parts.db.read() as read:
        await check_decider(read.connection, known, person)
    decided = await decide(
        parts.db,
        parts.teller,
        parts.clock,
        review_id,
        verdict,
        person.id,
        data.note,
        partner_id=caller.partner_id,
    )
    return _view(decided)


async def _person(parts: ReviewParts, caller: Caller, data: DecisionBody) -> Person:
    """Who decides. Raises WhoDecides, StaffUnknown, NotAnApprover, PinNotAccepted and what a PIN is refused with."""
    if caller.partner_id is None:
        return Person(f"{OPERATOR}/{caller.key_id}", "operator", caller.key_id)
    if data.staff_id is None:
        raise WhoDecides("Name the manager in 'staff_id'.", field="staff_id")
    async with parts.db.read() as read:
        known = await staff(read.connection, data.staff_id, caller.partner_id)
        guarded = await has_pin(read.connection, known.id)
    if not known.active:
        raise StaffUnknown("There is no such staff member.")
    if known.role != "manager":
        raise NotAnApprover(f"A {known.role} decides no reviews.")
    if guarded:
        device = f"{caller.partner_id}/reviews"
        if data.pin is None or not await parts.pins.check(known.id, device, data.pin):
            raise PinNotAccepted("Give the manager's PIN.", field="pin")
    return Person(known.id, known.role, caller.key_id, known.member_id)


async def _whose(parts: ReviewParts, caller: Caller, named: str | None) -> str | None:
    """Whose reviews to sum up. Raises PartnerOnly, PartnerUnknown."""
    if caller.partner_id is not None:
        if named not in (None, caller.partner_id):
            raise PartnerOnly("A partner sees its own reviews alone.")
        return caller.partner_id
    if named is None:
        return None
    async with parts.db.read() as read:
        return (await partner(read.connection, named)).id


async def _day(parts: ReviewParts, partner_id: str | None, day: date | None) -> tuple[date, datetime, datetime]:
    """The day asked for, when it begins, and when the next does."""
    if day is not None and not _EARLIEST <= day <= _LATEST:
        raise Invalid("There are no reviews of that day.", field="day")
    now = parts.clock.now()
    if partner_id is None:
        shown = day or now.date()
        midnight = datetime.combine(shown, time(), UTC)
        return shown, midnight, midnight + timedelta(days=1)
    version = (await parts.programmes.in_force(partner_id, now)).version
    shown = day or version.day(now)
    since, until = (day_begins(one, version.zone, version.day_starts) for one in (shown, shown + timedelta(days=1)))
    return shown, since, until


def _summary(day: date, since: datetime, until: datetime, found: Figures) -> SummaryView:
    return SummaryView(
        day=day,
        since=since,
        until=until,
        waiting=_sum(found.by_state["open"]),
        approved=_sum(found.by_state["approved"]),
        rejected=_sum(found.by_state["rejected"]),
        reasons=[ReasonView(one.number, one.points, reason) for reason, one in found.by_reason.items()],
        self_credits=[_alert(one) for one in found.alerts],
        open_now=_sum(found.open_now),
        oldest_open_at=found.oldest_open,
    )


def _sum(one: Sum) -> SumView:
    return SumView(one.number, one.points)


def _alert(one: Alert) -> AlertView:
    return AlertView(
        reviews=one.number,
        points=one.points,
        partner_id=one.partner_id,
        member_id=one.member_id,
        cashier=one.cashier,
        terminal=one.terminal,
        own_account=one.own_account,
    )


def _view(one: Review) -> ReviewView:
    return ReviewView(
        id=one.id,
        entry_id=one.journal_id,
        member_id=one.member_id,
        partner_id=one.partner_id,
        reasons=one.reasons,
        terminal=one.terminal,
        cashier=one.cashier,
        points=one.points,
        state=one.state,
        created_at=one.created_at,
        decided_at=one.decided_at,
        decided_by=one.decided_by,
        note=one.note,
    )


reviews_router = Router(
    "/v1",
    route_handlers=[list_reviews, summarise, get_review, approve, reject],
    dependencies=AUTH_DEPENDENCIES,
    tags=["reviews"],
)
