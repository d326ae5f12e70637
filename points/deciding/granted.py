"""Points given or taken otherwise than by a sale: grants, adjustments by hand, marks, actions that were waited for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from points.book import Book, Past, VoucherState
from points.commands import Act, Adjust, Command, Grant, Judge, Mark
from points.deciding.claims import acceptor_of
from points.deciding.earn import new_lot
from points.deciding.errors import (
    AdjustmentRefused,
    CapReached,
    MemberFrozen,
    NotReversible,
    check_amount,
)  # fmt: skip
from points.deciding.journal import finish, make, pin
from points.deciding.lots import Slicer, spendable, take
from points.deciding.refund import waiting_of
from points.deciding.watching import after_review, awaiting_review, is_under_review
from points.decision import Decision, Ground
from points.programme.reward_refusals import PointsShort
from points.programme.rewards import given
from points.programme.standing import Change
from points.programme.tiers import tier_of
from points.programme.version import InForce
from points.programme.voucher_value import voucher_of


def grant(book: Book, command: Grant, ground: Ground) -> Decision:
    """Points, a voucher, or both, for something other than an event."""
    check_amount(command.points, "points", lowest=0)
    if book.frozen:
        raise MemberFrozen("The member's account is frozen.")
    uses = {cap_id: n for cap_id, _, n in command.uses}
    for cap_id, n in uses.items():
        cap = ground.caps[cap_id]
        if cap.used + n > cap.size:
            raise CapReached("The budget is used up.", cap=cap_id, left=cap.size - cap.used)
    return give_points(
        book, command, ground, command.in_force, command.points,
        kind="grant", change=command.change, uses=uses, reward=command.reward,
        valid_until=command.valid_until,
        reason=command.reason, about=command.about,
    )  # fmt: skip


def give_points(
    book: Book,
    command: Command,
    ground: Ground,
    in_force: InForce,
    points: int,
    *,
    kind: str,
    reason: str,
    about: str,
    change: Change | None = None,
    uses: dict[str, int] | None = None,
    reward: str | None = None,
    cause_id: str | None = None,
    journal_id: str | None = None,
    actor: str | None = None,
    approved_by: str | None = None,
    valid_until: datetime | None = None,
    prefix: str = "grt",
) -> Decision:
    """A journal that issues points of the asking partner; they cure open arrears first."""
    version = in_force.version
    journal_id = journal_id or ground.new_id(prefix)
    slicer = Slicer(book, ground)
    day = version.day(ground.now)
    if points:
        tier = tier_of(version, book.standing, day)
        slicer.issue(new_lot(version, tier, command.partner_id, journal_id, points, ground.now, ground))
    cured, changed_arrears = slicer.cure(slicer.new)
    vouchers = (gift(in_force, command.partner_id, reward, journal_id, ground, valid_until),) if reward else ()
    decision = make(
        book,
        command,
        ground,
        kind,
        journal_id=journal_id,
        slicer=slicer,
        spendable=points - cured,
        arrears=cured,
        others=[(f"{command.partner_id}/issued", -points)],
        points=points,
        changed_arrears=changed_arrears,
        change=change,
        uses=uses or {},
        vouchers=vouchers,
        cause_id=cause_id,
        facts=pin(
            version, reason=reason, about=about, uses=uses or None, reward=reward, actor=actor,
            approved_by=approved_by, voucher=vouchers[0].id if vouchers else None,
        ),
    )  # fmt: skip
    return finish(book, decision, ground, version)


def adjust(book: Book, command: Adjust, ground: Ground) -> Decision:
    """Points added or taken by hand, within the limit of the role."""
    check_amount(abs(command.points), "points")
    rules = command.in_force.version.programme.adjustments
    limit = rules.limits.get(command.role, 0)
    if abs(command.points) > limit:
        raise AdjustmentRefused(f"A {command.role} may adjust by at most {limit} points.", limit=limit)
    above = rules.four_eyes_above
    if above is not None and abs(command.points) > above and command.approved_by in (None, command.actor):
        raise AdjustmentRefused(f"Above {above} points a second person must approve.", four_eyes_above=above)
    if command.points > 0:
        return give_points(
            book, command, ground, command.in_force, command.points, kind="adjust", reason=command.reason,
            about=command.role, actor=command.actor, approved_by=command.approved_by, prefix="adj",
        )  # fmt: skip
    return _taken_by_hand(book, command, ground)


def _taken_by_hand(book: Book, command: Adjust, ground: Ground) -> Decision:
    points = -command.points
    own = [lot for lot in spendable(book) if lot.issuer_id == command.partner_id]
    available = sum(lot.remaining for lot in own)
    if available < points:
        raise PointsShort(
            f"{points} points asked, {available} of this partner available.",
            asked=points, available=available, short=points - available,
        )  # fmt: skip
    slicer = Slicer(book, ground)
    for lot, n in take(own, points):
        slicer.use(lot.id, n, "withdrawn")
    version = command.in_force.version
    decision = make(
        book,
        command,
        ground,
        "adjust",
        slicer=slicer,
        spendable=-points,
        others=[(f"{command.partner_id}/issued", points)],
        facts=pin(
            version, reason=command.reason, about=command.role, actor=command.actor, approved_by=command.approved_by
        ),
    )
    return finish(book, decision, ground, version)


def mark(book: Book, command: Mark, ground: Ground) -> Decision:
    """A journal without points that changes the standing."""
    decision = make(
        book, command, ground, "mark", change=command.change, frozen=command.frozen,
        facts=pin(None, reason=command.reason, frozen=command.frozen),
    )  # fmt: skip
    return finish(book, decision, ground, None)


def act(book: Book, command: Act, past: Past, ground: Ground) -> Decision:
    """Points that waited for an action can be spent from now on, or when somebody has looked at them."""
    waiting = waiting_of(book, past)
    looked_at = [lot.id for lot in waiting if is_under_review(lot.awaits) and "review" in past.facts]
    acted = [lot for lot in waiting if lot.id in looked_at and after_review(lot.awaits) == command.event]
    if acted:
        awaiting = {lot.id: awaiting_review(None) for lot in acted}
        facts = pin(None, reason="acted", about=command.event, lots=sorted(awaiting))
        return finish(book, make(book, command, ground, "mark", awaiting=awaiting, facts=facts), ground, None)
    free = [lot.id for lot in waiting if lot.id not in looked_at and lot.awaits == command.event]
    if not free:
        raise NotReversible(f"Nothing of this entry waits for '{command.event}'.", event=command.event)
    return activate(book, command, free, ground)


def approve(book: Book, command: Judge, past: Past, ground: Ground) -> Decision:
    """What waited for a look can be spent; what waits for something else besides waits on."""
    awaiting = {lot.id: after_review(lot.awaits) for lot in waiting_of(book, past) if is_under_review(lot.awaits)}
    free = [
        lot_id for lot_id, awaits in awaiting.items()
        if awaits is None and ((at := book.lots[lot_id].active_at) is None or at <= ground.now)
    ]  # fmt: skip
    verdict = verdict_of(command)
    if any(book.lots[lot_id].remaining for lot_id in free):
        return activate(book, command, sorted(free), ground, awaiting=awaiting, verdict=verdict)
    marked = make(
        book, command, ground, "mark", awaiting=awaiting, activated=tuple(free),
        facts=pin(None, reason="review", verdict=verdict, lots=sorted(awaiting)),
    )  # fmt: skip
    return finish(book, marked, ground, None)


def verdict_of(command: Judge) -> dict[str, Any]:
    """What a journal keeps of a decision on a review."""
    return {"review": command.review_id, "approved": command.approve, "by": command.actor}


def activate(
    book: Book,
    command: Command,
    lot_ids: list[str],
    ground: Ground,
    *,
    awaiting: Mapping[str, str | None] | None = None,
    verdict: Mapping[str, Any] | None = None,
) -> Decision:
    """Waiting lots become spendable; they cure open arrears first."""
    points = sum(book.lots[lot_id].remaining for lot_id in lot_ids)
    slicer = Slicer(book, ground)
    cured, changed_arrears = slicer.cure(lot_ids)
    decision = make(
        book,
        command,
        ground,
        "activate",
        slicer=slicer,
        spendable=points - cured,
        arrears=cured,
        pending=-points,
        points=points,
        changed_arrears=changed_arrears,
        activated=tuple(lot_ids),
        awaiting=awaiting or {},
        facts=pin(None, lots=sorted(lot_ids), verdict=verdict),
    )
    return finish(book, decision, ground, None)


def gift(
    in_force: InForce, partner_id: str, reward: str, journal_id: str, ground: Ground, valid_until: datetime | None
) -> VoucherState:
    """The voucher of a reward that is won, not paid for; it ends with the reward's validity or at `valid_until`."""
    priced = given(in_force.version, reward, ground.now)
    voucher = voucher_of(
        in_force.version, priced, voucher_id=ground.new_id("vch"), code=ground.new_code(),
        partner_id=acceptor_of(in_force, priced, partner_id), journal_id=journal_id, at=ground.now,
    )  # fmt: skip
    ends = [end for end in (voucher.valid_until, valid_until) if end is not None]
    voucher.valid_until = min(ends, default=None)
    return voucher
