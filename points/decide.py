"""The rules of the ledger: (state, command) -> postings and outcome. Pure: no clock, no database, no randomness.

Earning. A member's points from a partner are the whole part of the exact value of all their net purchases there; the
rest is carried (0 <= carry < 1). So splitting a bill loses nothing, and refunds in any order take back exactly what
the purchases gave.

Redeeming uses the oldest lots first. Each allocation names the issuer, who owes the acceptor.

Refunding an earning takes the points back from the earning's own lot, then from the issuer's other lots. If those are
spent, the partner accepts points of other issuers in their place (they owe it, as for a redemption), and what is still
lacking becomes arrears: owed by the member, cured by the next points that come in. The balance never goes below zero.

Undoing a redemption gives the points back to the lots they came from.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from kernel.errors import Conflict, Invalid, NotFound
from points.book import ArrearState, Book, LotState, Past
from points.commands import Command, Earn, Redeem, Reverse
from points.programme.rules import EarnRule

NewId = Callable[[str], str]

# Refused above this: leaves room below 2**53 (what every JSON reader holds exactly) for sums.
LARGEST_AMOUNT = 10**12

# Rates have small denominators; a carry whose denominator outgrows this is rounded down to 1 / _FINEST points.
# It stays below 2**53 too, as carries are shown in the facts of an entry.
_FINEST = 10**15

# What is short of a whole point by less than this is short only by such rounding.
_DUST = Fraction(1, 10**12)


class InsufficientPoints(Conflict):
    """The member has fewer points than asked."""

    code = "insufficient_points"
    title = "Not enough points"


class UnknownJournal(NotFound):
    """No such earning or redemption of this partner."""

    code = "unknown_entry"
    title = "No such earning or redemption"


class NotReversible(Invalid):
    """This kind of journal, or this way of asking, cannot be reversed."""

    code = "not_reversible"
    title = "This cannot be reversed"


class MoreThanLeft(Conflict):
    """The reversal asks for more than is left of the original."""

    code = "more_than_left"
    title = "More than is left to reverse"


class BadAmount(Invalid):
    """An amount that is not a positive integer within bounds."""

    code = "bad_amount"
    title = "The amount is out of bounds"


@dataclass(frozen=True, slots=True)
class Allocated:
    """A slice of a lot that was used (positive) or given back (negative)."""

    id: str
    lot_id: str
    issuer_id: str
    acceptor_id: str | None
    points: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What a command does: its journal, signed postings by account, slices of lots, and the state it leaves.

    `points` is the size of the effect, `spendable_change` its sign and size for the member's balance.
    """

    journal_id: str
    kind: str
    command: Command
    points: int
    spendable_change: int
    arrears_change: int
    postings: tuple[tuple[str, int], ...]
    allocations: tuple[Allocated, ...]
    new_lot: LotState | None
    new_arrear: ArrearState | None
    changed_lots: tuple[tuple[str, int], ...]
    changed_arrears: tuple[tuple[str, int], ...]
    carry: tuple[str, Fraction] | None
    facts: dict[str, Any]
    reverses_id: str | None = None
    amount_minor: int | None = None
    currency: str | None = None


def decide(book: Book, command: Command, new_id: NewId) -> Decision:
    """What `command` does to `book`, which is left as it is. Raises a CommonpointError when it may not be done."""
    match command:
        case Earn():
            return _earn(book, command, new_id)
        case Redeem():
            return _redeem(book, command, new_id)
        case Reverse():
            return _reverse(book, command, new_id)


def fold(book: Book, decision: Decision) -> None:
    """Change `book` by a decision made on it."""
    book.spendable += decision.spendable_change
    book.arrears -= decision.arrears_change
    book.version += 1 if decision.postings else 0
    if decision.new_lot is not None:
        book.lots[decision.new_lot.id] = decision.new_lot
    if decision.new_arrear is not None:
        book.open_arrears[decision.new_arrear.id] = decision.new_arrear
    for lot_id, remaining in decision.changed_lots:
        book.lots[lot_id].remaining = remaining
    for arrear_id, remaining in decision.changed_arrears:
        book.open_arrears[arrear_id].remaining = remaining
    if decision.carry is not None:
        book.carries[decision.carry[0]] = decision.carry[1]
    if decision.reverses_id is not None:
        _fold_reversal(book.past[decision.reverses_id], decision)


def _fold_reversal(past: Past, decision: Decision) -> None:
    past.reversed_points += decision.points
    past.reversed_minor += decision.amount_minor or 0
    given_back = {a.lot_id: -a.points for a in decision.allocations if a.points < 0}
    past.used = [(lot_id, points - given_back.get(lot_id, 0)) for lot_id, points in past.used]


def _earn(book: Book, command: Earn, new_id: NewId) -> Decision:
    _check_amount(command.amount_minor, "amount")
    partner = command.partner_id
    carried = book.carries.get(partner, Fraction(0))
    exact = _without_dust(carried + command.amount_minor * command.rule.rate)
    points = int(exact)  # exact >= 0, so this is the floor
    carry = _bounded(exact - points)
    journal_id = new_id("ern")
    cures, changed_arrears, cured = _cure(book, points)
    lot = LotState(new_id("lot"), partner, journal_id, points, points - cured) if points else None
    allocations = tuple(Allocated(new_id("alc"), lot.id, partner, to, n) for to, n in cures) if lot else ()
    return Decision(
        journal_id=journal_id,
        kind="earn",
        command=command,
        points=points,
        spendable_change=points - cured,
        arrears_change=cured,
        postings=_postings(book, points - cured, cured, (f"{partner}/issued", -points)),
        allocations=allocations,
        new_lot=lot,
        new_arrear=None,
        changed_lots=(),
        changed_arrears=changed_arrears,
        carry=(partner, carry),
        facts=_earn_facts(command.rule, carried, carry),
        amount_minor=command.amount_minor,
        currency=command.currency,
    )


def _redeem(book: Book, command: Redeem, new_id: NewId) -> Decision:
    _check_amount(command.points, "points")
    if command.points > book.spendable:
        raise InsufficientPoints(
            f"{command.points} points asked, {book.spendable} available.",
            asked=command.points,
            available=book.spendable,
            short=command.points - book.spendable,
        )
    taken = list(_take(_open_lots(book), command.points))
    return Decision(
        journal_id=new_id("rdm"),
        kind="redeem",
        command=command,
        points=command.points,
        spendable_change=-command.points,
        arrears_change=0,
        postings=_postings(book, -command.points, 0, (f"{command.partner_id}/accepted", command.points)),
        allocations=tuple(Allocated(new_id("alc"), lot.id, lot.issuer_id, command.partner_id, n) for lot, n in taken),
        new_lot=None,
        new_arrear=None,
        changed_lots=tuple((lot.id, lot.remaining - n) for lot, n in taken),
        changed_arrears=(),
        carry=None,
        facts={},
    )


def _reverse(book: Book, command: Reverse, new_id: NewId) -> Decision:
    past = book.past.get(command.journal_id)
    if past is None or past.partner_id != command.partner_id:
        raise UnknownJournal(f"There is no earning or redemption '{command.journal_id}'.")
    if past.kind == "earn":
        return _refund(book, command, past, new_id)
    if past.kind == "redeem":
        return _restore(book, command, past, new_id)
    raise NotReversible("A reversal cannot itself be reversed; post a new earning or redemption instead.")


def _refund(book: Book, command: Reverse, past: Past, new_id: NewId) -> Decision:
    """Take back what the refunded money had earned."""
    if command.points is not None:
        raise NotReversible("An earning is reversed by amount of money, not by points.")
    amount = _part(command.amount_minor, (past.amount_minor or 0) - past.reversed_minor, "amount")
    partner = past.partner_id
    carried = book.carries.get(partner, Fraction(0))
    exact = _without_dust(carried - amount * _rule_of(past.facts).rate)
    points = -(exact.numerator // exact.denominator)  # minus the floor: 0 or more, as carried < 1
    carry = _bounded(exact + points)
    slices = list(_take(_refund_order(book, past), points))
    lacking = points - sum(n for _, n in slices)
    own = sum(n for lot, n in slices if lot.issuer_id == partner)
    journal_id = new_id("rev")
    return Decision(
        journal_id=journal_id,
        kind="reverse",
        command=command,
        points=points,
        spendable_change=lacking - points,
        arrears_change=-lacking,
        postings=_postings(
            book, lacking - points, -lacking, (f"{partner}/issued", own), (f"{partner}/accepted", points - own)
        ),
        allocations=tuple(
            Allocated(new_id("alc"), lot.id, lot.issuer_id, None if lot.issuer_id == partner else partner, n)
            for lot, n in slices
        ),
        new_lot=None,
        new_arrear=ArrearState(new_id("arr"), partner, journal_id, lacking, lacking) if lacking else None,
        changed_lots=tuple((lot.id, lot.remaining - n) for lot, n in slices),
        changed_arrears=(),
        carry=(partner, carry),
        facts=_earn_facts(_rule_of(past.facts), carried, carry),
        reverses_id=past.id,
        amount_minor=amount,
        currency=past.currency,
    )


def _restore(book: Book, command: Reverse, past: Past, new_id: NewId) -> Decision:
    """Give points back to the lots they came from, the last used first; open arrears are cured from them."""
    if command.amount_minor is not None:
        raise NotReversible("A redemption is reversed by points, not by amount of money.")
    points = _part(command.points, past.points - past.reversed_points, "points")
    partner = past.partner_id
    remaining = {lot_id: book.lots[lot_id].remaining for lot_id, _ in past.used}
    allocations: list[Allocated] = []
    for lot_id, n in _give_back(past, points):
        remaining[lot_id] += n
        allocations.append(Allocated(new_id("alc"), lot_id, book.lots[lot_id].issuer_id, partner, -n))
    cures, changed_arrears, cured = _cure(book, points)
    for creditor, owed in cures:
        for lot_id, n in _spread(remaining, owed):
            remaining[lot_id] -= n
            allocations.append(Allocated(new_id("alc"), lot_id, book.lots[lot_id].issuer_id, creditor, n))
    return Decision(
        journal_id=new_id("rev"),
        kind="reverse",
        command=command,
        points=points,
        spendable_change=points - cured,
        arrears_change=cured,
        postings=_postings(book, points - cured, cured, (f"{partner}/accepted", -points)),
        allocations=tuple(allocations),
        new_lot=None,
        new_arrear=None,
        changed_lots=tuple(remaining.items()),
        changed_arrears=changed_arrears,
        carry=None,
        facts={},
        reverses_id=past.id,
    )


def _check_amount(amount: int, name: str) -> None:
    if not 0 < amount <= LARGEST_AMOUNT:
        raise BadAmount(f"'{name}' must be between 1 and {LARGEST_AMOUNT}.", field=name, largest=LARGEST_AMOUNT)


def _part(asked: int | None, left: int, name: str) -> int:
    """The part of a journal to reverse: what is asked, or all that is left."""
    if asked is not None:
        _check_amount(asked, name)
    if left <= 0 or (asked is not None and asked > left):
        raise MoreThanLeft(f"{left} left to reverse.", left=left, asked=asked)
    return left if asked is None else asked


def _postings(book: Book, spendable: int, arrears: int, *partners: tuple[str, int]) -> tuple[tuple[str, int], ...]:
    member = book.member_id
    postings = ((f"{member}/spendable", spendable), (f"{member}/arrears", arrears), *partners)
    return tuple((account, amount) for account, amount in postings if amount)


def _open_lots(book: Book) -> list[LotState]:
    return sorted((lot for lot in book.lots.values() if lot.remaining), key=lambda lot: lot.id)


def _refund_order(book: Book, past: Past) -> list[LotState]:
    """The earning's own lot, then its issuer's lots, then all others; within each the oldest first."""
    return sorted(
        _open_lots(book), key=lambda lot: (lot.journal_id != past.id, lot.issuer_id != past.partner_id, lot.id)
    )


def _take(lots: list[LotState], points: int) -> Iterator[tuple[LotState, int]]:
    """Slices of `lots` in order until `points` are covered or the lots are empty."""
    for lot in lots:
        if points == 0:
            return
        slice_ = min(points, lot.remaining)
        points -= slice_
        yield lot, slice_


def _give_back(past: Past, points: int) -> Iterator[tuple[str, int]]:
    for lot_id, used in reversed(past.used):
        n = min(points, used)
        if n:
            points -= n
            yield lot_id, n


def _spread(remaining: dict[str, int], points: int) -> Iterator[tuple[str, int]]:
    for lot_id in sorted(remaining):
        n = min(points, remaining[lot_id])
        if n:
            points -= n
            yield lot_id, n


def _cure(book: Book, points: int) -> tuple[list[tuple[str, int]], tuple[tuple[str, int], ...], int]:
    """How `points` that come in cure open arrears, oldest first: (creditor, points), what each leaves, the sum."""
    cures: list[tuple[str, int]] = []
    changed: list[tuple[str, int]] = []
    left = points
    for arrear in sorted(book.open_arrears.values(), key=lambda a: a.id):
        n = min(left, arrear.remaining)
        if n:
            left -= n
            cures.append((arrear.creditor_id, n))
            changed.append((arrear.id, arrear.remaining - n))
    return cures, tuple(changed), points - left


def _bounded(carry: Fraction) -> Fraction:
    return carry if carry.denominator <= _FINEST else Fraction(int(carry * _FINEST), _FINEST)


def _without_dust(exact: Fraction) -> Fraction:
    """The whole number that `exact` would be if no carry had ever been rounded down, else `exact` itself."""
    whole = round(exact)
    return Fraction(whole) if 0 < whole - exact < _DUST else exact


def _earn_facts(rule: EarnRule, before: Fraction, after: Fraction) -> dict[str, Any]:
    return {
        "rule": {"id": rule.id, "points": rule.points, "per_minor": rule.per_minor},
        "carry_before": [before.numerator, before.denominator],
        "carry_after": [after.numerator, after.denominator],
        "rounding": "floor",
    }


def _rule_of(facts: dict[str, Any]) -> EarnRule:
    rule = facts["rule"]
    return EarnRule(rule["id"], rule["points"], rule["per_minor"])
