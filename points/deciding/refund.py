"""Refunding: what the remainder of a purchase would have given, less what was given, is taken back.

The remainder is judged by the pinned context of the purchase, so refunds in any order restore everything. Points are
taken from the earning's own lots (those that still wait first), then from the issuer's other lots. If those are spent,
unused vouchers that were issued by themselves are voided for their points; then points of other issuers are honoured in
their place, and what is still lacking becomes arrears. The balance never goes below zero.
"""

from collections import Counter
from dataclasses import replace
from typing import Any

import msgspec

from points.book import ArrearState, Book, LotState, Past, VoucherState
from points.commands import Command, Reverse
from points.deciding.earn import new_lot
from points.deciding.errors import ArrearsCapped, MoreThanLeft, NotReversible
from points.deciding.journal import finish, make, negated, pin, sums_of
from points.deciding.lots import Slicer, spendable, take
from points.deciding.redeem import give, part, undo_claim
from points.deciding.watching import is_under_review
from points.decision import Decision, Ground
from points.programme.context import Context, Evaluation
from points.programme.evaluation import evaluate, less
from points.programme.events import Event
from points.programme.returns import without
from points.programme.settlement import settle
from points.programme.shelf import default_version
from points.programme.standing import LONG_AGO, Change
from points.programme.version import Version


def refund(book: Book, command: Reverse, past: Past, ground: Ground) -> list[Decision]:
    """Take back what the refunded part had earned; first, if points lack, unused automatic vouchers are voided."""
    if command.points is not None:
        raise NotReversible("An earning is reversed by amount of money, not by points.")
    version, event, context = pinned(past, ground)
    amount, returned = _returned(command, past, event)
    difference = _difference(version, event, context, past, amount, returned)
    settled = settle(difference.parts, book.standing.carries, context)
    by_issuer: Counter[str] = Counter()
    for given in settled.points:
        by_issuer[given.issuer_id] += given.points
    forgone = {issuer_id: n for issuer_id in by_issuer if (n := forgone_of(past, issuer_id, -by_issuer[issuer_id]))}
    points = -sum(by_issuer.values())
    wanted = points - sum(forgone.values()) - _waiting(book, past)
    check_arrears(book, version, wanted)
    taken = Taken(book, command, ground, past, version)
    voided = void_automatic(book, command, wanted, ground, taken.journal_id)
    day = context.day
    counted = Change(counts={"points": {day: -points}} if points else {})
    for issuer_id, n in by_issuer.items():
        taken.change(issuer_id, n + forgone.get(issuer_id, 0), context.tier)
    decision = taken.decision(
        points=points,
        change=sums_of(difference.change, settled.change, counted),
        uses=difference.uses,
        amount_minor=amount or None,
        currency=past.currency,
        returned=returned,
        facts=pin(
            version,
            amount_minor=amount,
            returned=sorted(returned.items()) or None,
            forgone=forgone or None,
            carries_before={key: book.standing.carries.get(key, (0, 1)) for key in settled.change.carries},
            lots=[[g.rule, g.campaign, g.issuer_id, g.points] for g in settled.points],
            uses=difference.uses or None,
        ),
    )
    return [*voided, finish(book, decision, ground, version)]


def forgone_of(past: Past, issuer_id: str, points: int) -> int:
    """Points that are to be taken back but have expired: they are gone already."""
    return max(0, min(points, past.expired.get(issuer_id, 0)))


def _waiting(book: Book, past: Past) -> int:
    """What waits of the earning itself; a refund takes that first."""
    return sum(lot.remaining for lot in waiting_of(book, past))


def waiting_of(book: Book, past: Past) -> list[LotState]:
    """The lots of a journal that still wait; those under review also where a merge brought them into this account, as
    they must be found when it is decided."""
    return [
        lot
        for lot in book.lots.values()
        if lot.pending and (lot.journal_id == past.id or (lot.root == past.id and is_under_review(lot.awaits)))
    ]


def pinned(past: Past, ground: Ground) -> tuple[Version, Event, Context]:
    """What an earning was computed from. Before there were programmes, entries pinned the terms alone."""
    if "version" in past.facts:
        event = msgspec.convert(past.facts["event"], Event)
        return (
            ground.versions[past.facts["version"]],
            event,
            msgspec.convert(past.facts["context"], Context, strict=False),
        )
    rule = past.facts["rule"]
    terms = (rule["id"], rule["points"], rule["per_minor"])
    # Day 0 is where such sums are kept.
    context = Context(partner=past.partner_id, at=ground.now, day=LONG_AGO, terms=terms)
    return default_version(), Event(amount_minor=past.amount_minor or 0), context


def _returned(command: Reverse, past: Past, event: Event) -> tuple[int, dict[int, int]]:
    """The money that comes back, and of which lines."""
    left = (past.amount_minor or 0) - past.reversed_minor
    if not past.amount_minor:
        if past.reversals:
            raise MoreThanLeft("Nothing is left to reverse.", left=0, asked=None)
        return 0, {}
    if not command.lines:
        return part(command.amount_minor, left, "amount"), {}
    returned: Counter[int] = Counter()
    for line, amount in command.lines:
        if line >= len(event.lines):
            raise NotReversible(f"The purchase has no line {line}.", line=line)
        returned[line] += amount
        part(returned[line], event.lines[line].amount_minor - past.returned.get(line, 0), "lines")
    return part(sum(returned.values()), left, "lines"), dict(returned)


def _difference(
    version: Version, event: Event, context: Context, past: Past, amount: int, returned: dict[int, int]
) -> Evaluation:
    if not past.amount_minor:
        whole = evaluate(version, event, context)
        return Evaluation(
            parts=tuple(replace(p, exact=-p.exact) for p in whole.parts),
            change=negated(whole.change),
            uses={cap_id: -n for cap_id, n in whole.uses.items()},
        )
    before = without(event, past.returned, past.reversed_minor - sum(past.returned.values()))
    lines = {line: past.returned.get(line, 0) + returned.get(line, 0) for line in {*past.returned, *returned}}
    after = without(event, lines, past.reversed_minor + amount - sum(lines.values()))
    return less(version, before, after, context)


class Taken:
    """The taking back of points, issuer by issuer, for one journal."""

    def __init__(self, book: Book, command: Command, ground: Ground, past: Past, version: Version) -> None:
        self._book, self._command, self._ground, self._past, self._version = book, command, ground, past, version
        self._slicer = Slicer(book, ground)
        self.journal_id = ground.new_id("rev")
        self._others: list[tuple[str, int]] = []
        self._arrears: list[ArrearState] = []
        self._spendable = self._pending = self._owed = 0

    def change(self, issuer_id: str, points: int, tier: str | None) -> None:
        """`points` of that issuer go (negative), or come after all because another campaign now gives more."""
        if points > 0:
            self._slicer.issue(
                new_lot(self._version, tier, issuer_id, self.journal_id, points, self._ground.now, self._ground)
            )
            self._spendable += points
            self._others.append((f"{issuer_id}/issued", -points))
            return
        lacking = -points
        for lot, n in self._slices(issuer_id, lacking):
            own = lot.issuer_id == issuer_id
            self._slicer.use(lot.id, n, "withdrawn" if own else "honoured", None if own else issuer_id)
            self._others.append((f"{issuer_id}/{'issued' if own else 'accepted'}", n))
            if lot.pending:
                self._pending -= n
            else:
                self._spendable -= n
            lacking -= n
        if lacking:
            self._arrears.append(ArrearState(self._ground.new_id("arr"), issuer_id, self.journal_id, lacking, lacking))
            self._owed += lacking
            self._others.append((f"{issuer_id}/accepted", lacking))

    def _slices(self, issuer_id: str, points: int) -> list[tuple[LotState, int]]:
        own = waiting_of(self._book, self._past)
        waiting = sorted((lot for lot in own if lot.issuer_id == issuer_id), key=lambda lot: lot.id)
        rest = sorted(
            spendable(self._book),
            key=lambda lot: (lot.journal_id != self._past.id, lot.issuer_id != issuer_id, lot.id),
        )
        left = [replace(lot, remaining=self._slicer.left(lot.id)) for lot in (*waiting, *rest)]
        return take(left, points)

    def decision(self, *, points: int, facts: dict[str, Any], kind: str = "reverse", **rest: Any) -> Decision:
        """The journal."""
        return make(
            self._book,
            self._command,
            self._ground,
            kind,
            journal_id=self.journal_id,
            slicer=self._slicer,
            spendable=self._spendable,
            pending=self._pending,
            arrears=-self._owed,
            others=self._others,
            points=points,
            new_arrears=tuple(self._arrears),
            reverses_id=self._past.id or None,
            facts=facts,
            **rest,
        )


def check_arrears(book: Book, version: Version, points: int) -> None:
    """Refuse a refund that would leave more owed than allowed, before anything is touched. Raises ArrearsCapped."""
    cap = version.programme.arrears.cap
    there = book.spendable + sum(past.points for _, past in _voidable(book))
    if cap is not None and points > there and book.arrears + points - there > cap:
        raise ArrearsCapped(f"At most {cap} points may be owed.", cap=cap)


def _voidable(book: Book) -> list[tuple[VoucherState, Past]]:
    """Unused vouchers that were issued by themselves, with what paid for them; the newest first."""
    vouchers = sorted(
        (v for v in book.vouchers.values() if v.automatic and v.state == "issued" and not v.used),
        key=lambda v: v.id,
        reverse=True,
    )
    pasts = ((v, book.past.get(v.journal_id)) for v in vouchers)
    return [(v, past) for v, past in pasts if past is not None and not past.reversals]


def void_automatic(book: Book, command: Command, points: int, ground: Ground, cause_id: str) -> list[Decision]:
    """Void unused vouchers that were issued by themselves, the newest first, until `points` can be taken."""
    decisions: list[Decision] = []
    for _, past in _voidable(book):
        if book.spendable < points:
            undone = undo_claim(book, past, past.points)
            decisions.append(give(book, command, past, past.points, ground, undone, cause_id))
    return decisions
