"""Earning: what the rules give becomes lots; the fraction is carried; open arrears are cured first."""

from collections.abc import Iterable
from datetime import datetime

from points.book import Book, LotState
from points.commands import Earn
from points.deciding.errors import MemberFrozen, check_amount
from points.deciding.journal import finish, make, pin, sums_of
from points.deciding.lots import Slicer
from points.deciding.watching import awaiting_review, said_by, watch_earning
from points.decision import Decision, Ground
from points.programme.context import Context
from points.programme.evaluation import context_of, evaluate
from points.programme.events import PURCHASE
from points.programme.expiry import expires_at
from points.programme.periods import day_ends, moment_after, span
from points.programme.schema.earning import Pending
from points.programme.settlement import Settled, settle
from points.programme.standing import Change
from points.programme.version import Version


def earn(book: Book, command: Earn, ground: Ground) -> Decision:
    """The journal of an event under the programme in force."""
    event = command.event
    check_amount(event.amount_minor, "amount", lowest=1 if event.name == PURCHASE else 0)
    if book.frozen:
        raise MemberFrozen("The member's account is frozen.")
    version = command.in_force.version
    context = _context(book, command, ground)
    evaluation = evaluate(version, event, context)
    settled = settle(evaluation.parts, book.standing.carries, context)
    journal_id = ground.new_id("ern")
    lots = list(_lots(version, context, settled, journal_id, command.occurred_at, ground))
    points = sum(lot.original for lot in lots)
    watched = watch_earning(book, command, command.in_force, points, ground)
    slicer = Slicer(book, ground)
    for lot in lots:
        if watched.reasons:
            lot.pending, lot.awaits = True, awaiting_review(lot.awaits)
        slicer.issue(lot)
    active = [lot.id for lot in lots if not lot.pending]
    waiting = sum(lot.original for lot in lots if lot.pending)
    cured, changed_arrears = slicer.cure(active)
    day = version.day(command.occurred_at).toordinal()
    change = sums_of(evaluation.change, settled.change, _earned(points, day))
    decision = make(
        book,
        command,
        ground,
        "earn",
        journal_id=journal_id,
        slicer=slicer,
        spendable=points - waiting - cured,
        arrears=cured,
        pending=waiting,
        others=[(f"{lot.issuer_id}/issued", -lot.original) for lot in lots],
        points=points,
        changed_arrears=changed_arrears,
        change=change,
        uses=evaluation.uses,
        facts=pin(
            version,
            event=event,
            context=context,
            carries_before=_carried(book, settled.change),
            points=points,
            lots=[[g.rule, g.campaign, g.issuer_id, g.points] for g in settled.points],
            uses=evaluation.uses or None,
            refusals=list(evaluation.refusals) or None,
            till=said_by(command.till, place=False),
            review=watched.reasons or None,
        ),
        meters=watched.meters,
        review=watched.reasons,
        amount_minor=event.amount_minor or None,
        currency=command.currency,
    )
    return finish(book, decision, ground, version)


def _context(book: Book, command: Earn, ground: Ground) -> Context:
    return context_of(
        command.in_force,
        book.standing,
        command.event,
        at=command.occurred_at,
        partner_id=command.partner_id,
        location_id=command.location_id,
        terms=command.terms,
        member_id=book.member_id,
        balance=book.spendable,
        caps=ground.caps,
        staff=command.till is not None and command.till.staff,
    )


def _earned(points: int, day: int) -> Change:
    counts = {"points": {day: points}} if points else {}
    return Change(counts=counts, activity={"earn": day})


def _carried(book: Book, change: Change) -> dict[str, tuple[int, int]]:
    return {key: book.standing.carries.get(key, (0, 1)) for key in change.carries}


def _lots(
    version: Version, context: Context, settled: Settled, journal_id: str, at: datetime, ground: Ground
) -> Iterable[LotState]:
    """One lot per issuer and way of waiting."""
    pendings: dict[str, Pending] = version.once("pendings", lambda p: {r.id: r.pending for r in p.earn if r.pending})
    sums: dict[tuple[str, Pending | None], int] = {}
    for given in settled.points:
        key = given.issuer_id, pendings.get(given.rule)
        sums[key] = sums.get(key, 0) + given.points
    for (issuer_id, pending), points in sums.items():
        if points > 0:
            yield new_lot(version, context.tier, issuer_id, journal_id, points, at, ground, pending)


def new_lot(
    version: Version,
    tier: str | None,
    issuer_id: str,
    journal_id: str,
    points: int,
    at: datetime,
    ground: Ground,
    pending: Pending | None = None,
) -> LotState:
    """A lot with the expiry that the version gives to what is issued at `at`."""
    active_at = _active_at(version, at, pending)
    awaits = pending.until_event if pending else None
    waits = awaits is not None or (active_at is not None and active_at > ground.now)
    return LotState(
        id=ground.new_id("lot"),
        issuer_id=issuer_id,
        journal_id=journal_id,
        original=points,
        remaining=points,
        issued_at=at,
        version_id=version.id,
        pending=waits,
        active_at=active_at,
        awaits=awaits,
        expires_at=expires_at(version, tier, at),
    )


def _active_at(version: Version, at: datetime, pending: Pending | None) -> datetime | None:
    """When points can be spent by time alone: after the rule's waiting, and not on the day they were earned if the
    programme says so."""
    moments = []
    if pending and pending.after:
        moments.append(moment_after(at, span(pending.after), version.zone))
    if version.programme.redemptions.from_next_day:
        moments.append(day_ends(version.day(at), version.zone, version.day_starts))
    return max(moments, default=None)
