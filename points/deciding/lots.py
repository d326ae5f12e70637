"""Slices of lots: which are used first, how they are given back, how what comes in cures what is owed."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from points.book import Book, LotState
from points.decision import Allocated, Ground, Purpose
from points.programme.version import InForce

_NEVER = datetime.max.replace(tzinfo=UTC)


def spendable(book: Book) -> list[LotState]:
    """The lots that can be spent now, oldest first."""
    return sorted((lot for lot in book.lots.values() if lot.remaining and not lot.pending), key=lambda lot: lot.id)


def in_order(book: Book, partner_id: str, in_force: InForce | None) -> list[LotState]:
    """The lots that can be spent, in the order that the programme says (default: the oldest first)."""
    consume = in_force.version.programme.lots.consume if in_force else ("oldest",)

    def key(lot: LotState) -> tuple[object, ...]:
        keys: dict[str, object] = {
            "own_issuer_first": lot.issuer_id != partner_id,
            "soonest_expiry": lot.expires_at or _NEVER,
            "oldest": lot.id,
        }
        return (*(keys[name] for name in consume), lot.id)

    return sorted(spendable(book), key=key)


def take(lots: Iterable[LotState], points: int) -> list[tuple[LotState, int]]:
    """Slices of `lots` in order until `points` are covered or the lots are empty."""
    slices: list[tuple[LotState, int]] = []
    for lot in lots:
        if points == 0:
            break
        n = min(points, lot.remaining)
        if n:
            points -= n
            slices.append((lot, n))
    return slices


def give_back(used: Sequence[tuple[str, int]], points: int) -> Iterator[tuple[str, int]]:
    """Which lots `points` go back to: the last used first."""
    for lot_id, n_used in reversed(used):
        n = min(points, n_used)
        if n:
            points -= n
            yield lot_id, n


class Slicer:
    """Collects the allocations of one journal, and what they leave of the lots.

    Nothing is changed in the book until the decision is folded.
    """

    def __init__(self, book: Book, ground: Ground) -> None:
        self._book = book
        self._ground = ground
        self.remaining: dict[str, int] = {}
        self.new: dict[str, LotState] = {}
        self.allocations: list[Allocated] = []

    def left(self, lot_id: str) -> int:
        """What is left of a lot by now."""
        known = self.new.get(lot_id) or self._book.lots[lot_id]
        return self.remaining.get(lot_id, known.remaining)

    def issue(self, lot: LotState) -> None:
        """A new lot of this journal."""
        self.new[lot.id] = lot

    def use(self, lot_id: str, points: int, purpose: Purpose, acceptor_id: str | None = None) -> None:
        """Take `points` from a lot; negative ones go back to it."""
        lot = self.new.get(lot_id) or self._book.lots[lot_id]
        self.remaining[lot_id] = self.left(lot_id) - points
        self.allocations.append(
            Allocated(self._ground.new_id("alc"), lot_id, lot.issuer_id, acceptor_id, points, purpose)
        )

    def cure(self, lot_ids: Iterable[str]) -> tuple[int, dict[str, int]]:
        """Let the points in those lots cure open arrears, oldest first: how many did, and what is left of each arrear.

        The creditor of an arrear honours the points of other issuers, and takes its own back in the same way.
        """
        cured = 0
        changed: dict[str, int] = {}
        lots = sorted(lot_ids)
        for arrear in sorted(self._book.open_arrears.values(), key=lambda a: a.id):
            owed = arrear.remaining
            for lot_id in lots:
                n = min(owed, self.left(lot_id))
                if n:
                    owed -= n
                    self.use(lot_id, n, "honoured", arrear.creditor_id)
            if owed != arrear.remaining:
                cured += arrear.remaining - owed
                changed[arrear.id] = owed
        return cured, changed

    def settled(self) -> dict[str, int]:
        """What is left of the lots that were there before; new ones are changed in place."""
        for lot_id, lot in self.new.items():
            lot.remaining = self.left(lot_id)
        return {lot_id: n for lot_id, n in self.remaining.items() if lot_id not in self.new}
