"""Redeeming, and giving redeemed points back to the lots they came from."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from points.book import Book, Past, VoucherState
from points.commands import Command, Redeem, Reverse
from points.deciding.claimant import claimant_of
from points.deciding.errors import MemberFrozen, MoreThanLeft, NotReversible, check_amount
from points.deciding.journal import finish, make, pin, sums_of
from points.deciding.lots import Slicer, give_back, in_order, take
from points.deciding.spending import spending, spent_offline
from points.decision import Decision, Ground
from points.programme.proving import UNPROVED
from points.programme.reward_eligibility import daily_points_left
from points.programme.reward_refusals import DailyLimitReached, PointsShort
from points.programme.standing import Change
from points.programme.version import InForce

# Counters of what was spent on a day, in points; what is given back is not spent.
_SPENT_TODAY = ("redeemed", UNPROVED)


def redeem(book: Book, command: Redeem, ground: Ground) -> Decision:
    """Points spent at the asking partner; each issuer whose lots are used owes it.

    What a terminal honoured while it was offline has happened: as many points are taken as the member had to spend.
    """
    check_amount(command.points, "points")
    points = command.points
    if command.offline is not None:
        barred = book.frozen or command.member_id in ground.barred
        points = 0 if barred else min(points, book.spendable)
        said = spent_offline(book, command, points, ground)
    else:
        spendable_or_refuse(book, points)
        if command.in_force is not None:
            check_daily_limit(command.in_force, book, points, ground)
        said = spending(book, command, command.in_force, points, ground)
    slicer = Slicer(book, ground)
    for lot, n in take(in_order(book, command.partner_id, command.in_force), points):
        slicer.use(lot.id, n, "honoured", command.partner_id)
    decision = make(
        book,
        command,
        ground,
        "redeem",
        slicer=slicer,
        spendable=-points,
        others=[(f"{command.partner_id}/accepted", points)],
        change=sums_of(spent(command.in_force, ground, points), said.change),
        facts=pin(command.in_force.version if command.in_force else None, **said.facts),
        **said.rest,
    )
    return finish(book, decision, ground, command.in_force.version if command.in_force else None)


def check_daily_limit(in_force: InForce, book: Book, points: int, ground: Ground) -> None:
    """Refuse to spend more in a day than the programme allows. Raises DailyLimitReached."""
    left = daily_points_left(in_force.version, claimant_of(book, in_force, ground.now))
    if left is not None and points > left:
        raise DailyLimitReached(f"At most {left} more points can be spent today.", left=left)


def spendable_or_refuse(book: Book, points: int) -> None:
    """Refuse to spend more than there is, or from a frozen account. Raises MemberFrozen, PointsShort."""
    if book.frozen:
        raise MemberFrozen("The member's account is frozen.")
    if points > book.spendable:
        raise PointsShort(
            f"{points} points asked, {book.spendable} available.",
            asked=points,
            available=book.spendable,
            short=points - book.spendable,
        )


def spent(in_force: InForce | None, ground: Ground, points: int) -> Change:
    """What spending (or, negative, giving back) does to the standing."""
    if in_force is None:
        return Change()
    day = in_force.version.day(ground.now).toordinal()
    activity = {"redeem": day} if points > 0 else {}
    return Change(counts={"redeemed": {day: points}} if points else {}, activity=activity)


def restore(book: Book, command: Reverse, past: Past, ground: Ground) -> Decision:
    """Give points back to the lots they came from, the last used first; open arrears are cured from them.

    The lots keep their expiry; what is past it by now expires when the member is next matured, at once.
    """
    if command.amount_minor is not None or command.lines:
        raise NotReversible("A redemption is reversed by points, not by amount of money.")
    if past.facts.get("final"):
        raise NotReversible("This cannot be taken back.")
    points = part(command.points, past.points - past.reversed_points, "points")
    undone = undo_claim(book, past, points) if past.facts.get("reward") else Undone()
    return give(book, command, past, points, ground, undone)


@dataclass(frozen=True, slots=True)
class Undone:
    """What else goes when a claim's redemption is given back: its unused vouchers, its count, its stock."""

    vouchers: tuple[VoucherState, ...] = ()
    counts: dict[str, dict[int, int]] = field(default_factory=dict)
    uses: dict[str, int] = field(default_factory=dict)


def undo_claim(book: Book, past: Past, points: int) -> Undone:
    """A claim is given back whole, and only while its voucher was not used. Raises NotReversible."""
    if points != past.points:
        raise NotReversible("A claimed reward is given back whole.")
    vouchers = [v for v in book.vouchers.values() if v.journal_id == past.id]
    if any(v.used for v in vouchers):
        raise NotReversible("The voucher was used.")
    undo = past.facts.get("undo") or {"uses": past.facts.get("uses", {}), "counts": past.change().counts}
    return Undone(
        vouchers=tuple(replace(v, state="voided", uses_left=0) for v in vouchers),
        counts={
            counter: {int(day): -n for day, n in days.items()}
            for counter, days in undo["counts"].items()
            if counter.startswith("reward/") or counter in _SPENT_TODAY
        },
        uses={cap_id: -n for cap_id, n in undo["uses"].items()},
    )


def give(
    book: Book, command: Command, past: Past, points: int, ground: Ground, undone: Undone, cause_id: str | None = None
) -> Decision:
    """The journal that gives `points` of a redemption back."""
    journal_id = ground.new_id("rev")
    slicer = Slicer(book, ground)
    cured, changed_arrears = slicer.cure(set(_given(slicer, book, past, points, journal_id, ground)))
    counts = undone.counts or {
        counter: dict.fromkeys(days, -points)
        for counter, days in past.change().counts.items()
        if counter in _SPENT_TODAY
    }
    version = ground.versions.get(past.facts.get("version", ""))
    decision = make(
        book,
        command,
        ground,
        "reverse",
        journal_id=journal_id,
        slicer=slicer,
        spendable=points - cured,
        arrears=cured,
        others=[(f"{past.acceptor_id}/accepted", -points)],
        points=points,
        changed_arrears=changed_arrears,
        change=Change(counts=counts),
        vouchers=undone.vouchers,
        uses=undone.uses,
        reverses_id=past.id,
        cause_id=cause_id,
        facts=pin(version, uses=undone.uses or None),
    )
    return finish(book, decision, ground, version)


def _given(slicer: Slicer, book: Book, past: Past, points: int, journal_id: str, ground: Ground) -> Iterator[str]:
    """The lots that have the points again. One that an account brought along when it was merged into this one is
    continued here, as the rest of it was."""
    for lot_id, n in give_back(past.used, points):
        slicer.use(lot_id, -n, "honoured", past.acceptor_id)
        lot = book.lots[lot_id]
        if lot.elsewhere:
            slicer.use(lot_id, n, "moved")
            lot = replace(
                lot, id=ground.new_id("lot"), journal_id=journal_id, original=n, remaining=n, moved_from=lot_id,
                root=lot.root or lot.journal_id, elsewhere=False,
            )  # fmt: skip
            slicer.issue(lot)
        yield lot.id


def part(asked: int | None, left: int, name: str) -> int:
    """The part of a journal to reverse: what is asked, or all that is left. Raises MoreThanLeft, BadAmount."""
    if asked is not None:
        check_amount(asked, name)
    if left <= 0 or (asked is not None and asked > left):
        raise MoreThanLeft(f"{left} left to reverse.", left=left, asked=asked)
    return left if asked is None else asked
