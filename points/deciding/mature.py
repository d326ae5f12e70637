"""What time alone changes: lots become active or expire, claims time out, tiers are judged, totals are paid."""

from collections import Counter

from points.book import Book, LotState
from points.commands import Command, Mature
from points.deciding.claims import overdue, release
from points.deciding.granted import activate
from points.deciding.journal import finish, make, pin
from points.deciding.lots import Slicer
from points.decision import Decision, Ground
from points.programme.expiry import Expire, fate
from points.programme.standing import Change
from points.programme.tiers import judge
from points.programme.version import InForce


def mature(book: Book, command: Command, ground: Ground, in_force: InForce | None) -> list[Decision]:
    """Everything that is due at the book by now: the tier first, as the expiry of points may depend on it.

    Claims wait for the command `Mature`, which has locked the shared caps that their time-out touches.
    """
    decisions: list[Decision] = []
    if in_force is not None:
        state = judge(in_force.version, book.standing, in_force.version.day(ground.now))
        if state is not None:
            change = Change(tier=state)
            judged = make(book, command, ground, "tier", change=change, facts=pin(in_force.version))
            decisions.append(finish(book, judged, ground, None))
    if isinstance(command, Mature):
        decisions += [release(book, command, claim.id, ground, timed_out=True) for claim in overdue(book, ground)]
    active = [lot.id for lot in book.lots.values() if _activates(lot, ground)]
    if active:
        decisions.append(activate(book, command, sorted(active), ground))
    decisions += _expire(book, command, ground)
    return decisions


def _activates(lot: LotState, ground: Ground) -> bool:
    by_time = lot.active_at is not None and lot.active_at <= ground.now
    return lot.pending and lot.awaits is None and by_time and lot.remaining > 0


def _expire(book: Book, command: Command, ground: Ground) -> list[Decision]:
    """One journal for all lots whose time is over; those that live on are given their new moment."""
    slicer = Slicer(book, ground)
    prolonged = {}
    gone: Counter[str] = Counter()
    for lot in sorted(book.lots.values(), key=lambda lot: lot.id):
        if not lot.remaining or lot.pending or lot.version_id is None:
            continue
        what = fate(ground.versions[lot.version_id], lot, book.standing, ground.now)
        if isinstance(what, Expire):
            gone[lot.issuer_id] += lot.remaining
            slicer.use(lot.id, lot.remaining, "expired")
        elif what.moment is not None and what.moment != lot.expires_at and lot.expires_at is not None:
            prolonged[lot.id] = what.moment
    if not gone and not prolonged:
        return []
    points = sum(gone.values())
    decision = make(
        book, command, ground, "expire", slicer=slicer, spendable=-points, points=points,
        others=[(f"{issuer}/expired", n) for issuer, n in gone.items()], prolonged=prolonged, facts=pin(None),
    )  # fmt: skip
    return [finish(book, decision, ground, None)]
