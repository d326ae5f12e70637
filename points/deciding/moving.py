"""Points that move from one member to another: transfers, merges, households. Lots keep issuer and expiry."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from points.book import ArrearState, Book, LotState
from points.commands import Merge, Transfer
from points.deciding.earn import new_lot
from points.deciding.errors import MemberFrozen, NotReversible, TransferLimit, TransferRefused, check_amount
from points.deciding.journal import finish, make, pin, sums_of
from points.deciding.lots import Slicer, spendable, take
from points.deciding.redeem import spendable_or_refuse
from points.deciding.spending import UNASKED, Spending, spending
from points.decision import Decision, Ground
from points.programme.periods import first_of
from points.programme.standing import Change, Standing, between
from points.programme.version import Version

TRANSIT = "transit"


def transfer(book: Book, command: Transfer, ground: Ground) -> list[Decision]:
    """Points given to another member, within the programme's limits."""
    check_amount(command.points, "points")
    other = ground.books[command.to_member_id]
    if other is book:
        raise TransferRefused("Both share one account.")
    if other.frozen:
        raise MemberFrozen("The other member's account is frozen.")
    spendable_or_refuse(book, command.points)
    version = command.in_force.version
    day = version.day(ground.now)
    _within_limits(version, book.standing, command.points, day)
    said = spending(book, command, command.in_force, command.points, ground)
    return _move(
        book, other, command, ground, version, take(spendable(book), command.points), "transfer",
        leaving=sums_of(Change(counts={"transferred": {day.toordinal(): command.points}}), said.change), said=said,
    )  # fmt: skip


def _within_limits(version: Version, standing: Standing, points: int, day: date) -> None:
    rules = version.programme.transfers
    if rules is None:
        raise TransferRefused("This programme does not allow transfers.")
    if points < rules.minimum:
        raise TransferLimit(f"At least {rules.minimum} points must be transferred.", minimum=rules.minimum)
    today = between(standing, "transferred", day.toordinal(), day.toordinal())
    month = between(standing, "transferred", first_of(day, "month").toordinal(), day.toordinal())
    if today + points > rules.max_points_per_day:
        raise TransferLimit("More than may be transferred in a day.", left=rules.max_points_per_day - today)
    if rules.max_points_per_month is not None and month + points > rules.max_points_per_month:
        raise TransferLimit("More than may be transferred in a month.", left=rules.max_points_per_month - month)


def merge(book: Book, command: Merge, ground: Ground) -> list[Decision]:
    """Everything moves to another account, which both use from now on."""
    other = ground.books[command.to_member_id]
    if other is book:
        raise NotReversible("Both share one account already.")
    if book.frozen or other.frozen:
        raise MemberFrozen("A frozen account cannot be merged.")
    if any(claim.state == "held" for claim in book.claims.values()):
        raise NotReversible("A claim is open; capture or release it first.")
    slices = [(lot, lot.remaining) for lot in sorted(book.lots.values(), key=lambda lot: lot.id) if lot.remaining]
    return _move(
        book, other, command, ground, command.in_force.version, slices, "merge",
        leaving=_emptied(book.standing), arriving=_all_of(book.standing, other.standing),
        whole=_whole(book.standing, other.standing), pool_id=other.member_id,
    )  # fmt: skip


def _move(
    book: Book,
    other: Book,
    command: Transfer | Merge,
    ground: Ground,
    version: Version,
    slices: Sequence[tuple[LotState, int]],
    kind: str,
    *,
    leaving: Change,
    arriving: Change | None = None,
    whole: Sequence[str] = (),
    pool_id: str | None = None,
    said: Spending = UNASKED,
) -> list[Decision]:
    active = sum(n for lot, n in slices if not lot.pending)
    waiting = sum(n for lot, n in slices if lot.pending)
    owed = book.arrears if kind == "merge" else 0
    out_id, in_id = ground.new_id("trf"), ground.new_id("trf")
    out = Slicer(book, ground)
    for lot, n in slices:
        out.use(lot.id, n, "moved")
    gone = make(
        book, command, ground, f"{kind}_out", journal_id=out_id, slicer=out,
        spendable=-active, pending=-waiting, arrears=owed,
        others=[(TRANSIT, active + waiting - owed)], points=active + waiting,
        changed_arrears={arrear.id: 0 for arrear in book.open_arrears.values() if arrear.remaining} if owed else {},
        change=leaving, pool_id=pool_id, facts=pin(version, to=other.member_id, **said.facts), **said.rest,
    )  # fmt: skip
    arrears = tuple(
        ArrearState(ground.new_id("arr"), a.creditor_id, in_id, a.remaining, a.remaining)
        for a in book.open_arrears.values()
        if owed and a.remaining
    )
    first = finish(book, gone, ground, None)
    new = Slicer(other, ground)
    for lot, n in slices:
        came = replace(lot, id=ground.new_id("lot"), journal_id=in_id, original=n, remaining=n, moved_from=lot.id)
        came.root = lot.root or lot.journal_id
        new.issue(came)
    for issuer_id in whole:
        new.issue(new_lot(version, None, issuer_id, in_id, 1, ground.now, ground))
    owing = replace(other, open_arrears={**other.open_arrears, **{a.id: a for a in arrears}})
    cured, changed = _cure(owing, new, ground)
    for arrear in arrears:
        arrear.remaining = changed.pop(arrear.id, arrear.remaining)
    come = make(
        other, command, ground, f"{kind}_in", journal_id=in_id, slicer=new,
        spendable=active + len(whole) - cured, pending=waiting, arrears=cured - owed,
        others=[(TRANSIT, owed - active - waiting), *((f"{issuer_id}/issued", -1) for issuer_id in whole)],
        points=active + waiting,
        new_arrears=arrears, changed_arrears=changed, change=arriving, cause_id=out_id,
        facts=pin(version, sender=book.member_id),
    )  # fmt: skip
    return [first, finish(other, come, ground, version)]


def _cure(owing: Book, new: Slicer, ground: Ground) -> tuple[int, dict[str, int]]:
    """What comes cures what is owed on either side; spendable lots of the receiver cure arrears that come along."""
    probe = Slicer(owing, ground)
    probe.new, probe.allocations, probe.remaining = new.new, new.allocations, new.remaining
    return probe.cure([lot.id for lot in (*spendable(owing), *new.new.values()) if not lot.pending])


def _all_of(standing: Standing, other: Standing) -> Change:
    """What a merged standing adds to the other: sums, awards, memberships; the other's consents hold."""
    return Change(
        counts={counter: dict(days) for counter, days in standing.counts.items()},
        moments={rule: list(moments) for rule, moments in standing.moments.items()},
        awards={name: list(awards) for name, awards in standing.awards.items()},
        memberships={name: span for name, span in standing.memberships.items() if name not in other.memberships},
        activity=dict(standing.activity),
        carries={key: _added(standing, other, key)[1] for key in standing.carries},
    )


def _whole(standing: Standing, other: Standing) -> list[str]:
    """Issuers of whole points that two fractions of a point make together."""
    return [key.split("/")[0] for key in sorted(standing.carries) if _added(standing, other, key)[0]]


def _added(standing: Standing, other: Standing, key: str) -> tuple[int, tuple[int, int]]:
    """The whole point, if two fractions make one, and the fraction that is left."""
    both = Fraction(*standing.carries[key]) + Fraction(*other.carries.get(key, (0, 1)))
    left = both - int(both)
    return int(both), (left.numerator, left.denominator)


def _emptied(standing: Standing) -> Change:
    """What leaves nothing of a standing."""
    return Change(
        counts={counter: {day: -n for day, n in days.items()} for counter, days in standing.counts.items()},
        moments_gone={rule: list(moments) for rule, moments in standing.moments.items()},
        awards_gone={name: list(awards) for name, awards in standing.awards.items()},
        carries=dict.fromkeys(standing.carries, (0, 1)),
    )
