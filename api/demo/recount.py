"""An independent recount: what everybody must have, from the purchase file and the refunds alone.

It shares no code with the ledger. A member's points are, per partner, the whole part of (money spent less refunds)
times the partner's rate, less what was redeemed; below zero is owed instead.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(slots=True)
class Count:
    """One customer's money by partner, and points redeemed."""

    net_minor: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    redeemed: int = 0


@dataclass(slots=True)
class Recount:
    """`rates` is points per minor unit by partner."""

    rates: dict[str, Fraction]
    counts: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))

    def bought(self, customer: str, partner: str, amount_minor: int) -> None:
        """A purchase."""
        self.counts[customer].net_minor[partner] += amount_minor

    def refunded(self, customer: str, partner: str, amount_minor: int) -> None:
        """Money given back."""
        self.counts[customer].net_minor[partner] -= amount_minor

    def redeemed(self, customer: str, points: int) -> None:
        """Points spent."""
        self.counts[customer].redeemed += points

    def earned(self, customer: str) -> int:
        """Points earned in all, less what refunds took back."""
        return sum(int(net * self.rates[partner]) for partner, net in self.counts[customer].net_minor.items())

    def balance(self, customer: str) -> int:
        """Points to spend."""
        return max(0, self._total(customer))

    def owed(self, customer: str) -> int:
        """Points owed after refunds."""
        return max(0, -self._total(customer))

    def _total(self, customer: str) -> int:
        return self.earned(customer) - self.counts[customer].redeemed
