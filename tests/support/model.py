"""What the ledger should do, told a second time and differently: every point is one object that knows where it is."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import Any


class Refused(Exception):
    """The model says no; the text is the code of the error that the ledger should give."""


@dataclass(eq=False)
class Point:
    """One point: who gave it, for which bill, and where it is: "held", "withdrawn", or the id of what it was spent on.

    A point that was honoured in place of another partner's lack is at "owed".
    """

    issuer: str
    bill: str
    place: str = "held"


@dataclass(eq=False)
class Bill:
    """A purchase: where, what a minor unit is worth there, and how much of it was not refunded."""

    partner: str
    rate: Fraction
    left_minor: int


class Model:
    """One member. `points` are in the order in which they were given, `owed` is one creditor per point owed."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.owed: list[str] = []
        self.bills: dict[str, Bill] = {}
        self.spent: dict[str, list[Point]] = {}  # by redemption, in the order of use
        self.at: dict[str, str] = {}  # where a redemption was made

    def earn(self, bill: str, partner: str, amount_minor: int, rate: Fraction) -> None:
        had = self.value(partner) // 1
        self.bills[bill] = Bill(partner, rate, amount_minor)
        new = [Point(partner, bill) for _ in range(int(self.value(partner) // 1 - had))]
        self.points += new
        self._settle(new)

    def redeem(self, redemption: str, partner: str, points: int) -> None:
        if points > len(self.held()):
            raise Refused("insufficient_points")
        self.spent[redemption] = self.held()[:points]
        self.at[redemption] = partner
        for point in self.spent[redemption]:
            point.place = redemption

    def refund(self, bill: str, amount_minor: int) -> None:
        refunded = self.bills[bill]
        if amount_minor > refunded.left_minor:
            raise Refused("more_than_left")
        had = self.value(refunded.partner) // 1
        refunded.left_minor -= amount_minor
        lack = int(had - self.value(refunded.partner) // 1)
        # Sorting keeps the order of giving among equals: first this bill's, then this partner's, then all others.
        wanted = sorted(self.held(), key=lambda p: (p.bill != bill, p.issuer != refunded.partner))[:lack]
        for point in wanted:
            point.place = "withdrawn" if point.issuer == refunded.partner else "owed"
        self.owed += [refunded.partner] * (lack - len(wanted))

    def restore(self, redemption: str, points: int) -> None:
        if points > len(self.spent[redemption]):
            raise Refused("more_than_left")
        back = {self.spent[redemption].pop() for _ in range(points)}
        for point in back:
            point.place = "held"
        self._settle([point for point in self.points if point in back])

    def value(self, partner: str) -> Fraction:
        """The exact worth of all that was bought at a partner and not refunded."""
        return sum((b.left_minor * b.rate for b in self.bills.values() if b.partner == partner), Fraction(0))

    def held(self) -> list[Point]:
        return [point for point in self.points if point.place == "held"]

    def held_by_bill(self) -> Counter[str]:
        return Counter(point.bill for point in self.held())

    def _settle(self, came: list[Point]) -> None:
        for point in came[: len(self.owed)]:
            point.place = "owed"
        self.owed = self.owed[len(came) :]


def pinned(points: int, per_minor: int, before: Fraction, after: Fraction) -> dict[str, Any]:
    """The facts of an earning as the ledger keeps them."""
    return {
        "rule": {"id": "trm_1", "points": points, "per_minor": per_minor},
        "carry_before": [before.numerator, before.denominator],
        "carry_after": [after.numerator, after.denominator],
        "rounding": "floor",
    }
