"""What the model of a programme is made of: points one by one, purchases, redemptions, holds, holders."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from math import floor

Lines = tuple[tuple[int, str | None], ...]


@dataclass(slots=True, eq=False)
class Point:
    """One point. `lot` says where it stands among the others of its holder: it came with those of the same number."""

    issuer: str
    bill: str
    lot: int
    earned: date
    state: str = "free"
    free_on: datetime | None = None


@dataclass(slots=True)
class Bill:
    """A purchase, and what came back of it."""

    holder: str
    partner: str
    lines: Lines
    at: datetime
    rate: Fraction
    visit: int
    pushed: bool
    left_of_budget: int | None
    returned: Counter[int] = field(default_factory=Counter)
    unnamed: int = 0

    @property
    def total(self) -> int:
        return sum(amount for amount, _ in self.lines)

    @property
    def remaining(self) -> int:
        return self.total - self.unnamed - sum(self.returned.values())

    def of_lines(self) -> list[int]:
        """What is left of each line; what came back without saying of which is spread by largest remainder."""
        left = [amount - self.returned[index] for index, (amount, _) in enumerate(self.lines)]
        whole = sum(left)
        if not self.unnamed or not whole:
            return left
        shares = [Fraction(self.unnamed * part, whole) for part in left]
        taken = [floor(share) for share in shares]
        order = sorted(range(len(left)), key=lambda i: (-(shares[i] - taken[i]), i))
        for index in order[: self.unnamed - sum(taken)]:
            taken[index] += 1
        return [part - n for part, n in zip(left, taken, strict=True)]


@dataclass(slots=True)
class Spent:
    """A redemption: its points in the order of use."""

    holder: str
    points: list[Point]
    whole: bool = False
    stock: int = 0


@dataclass(slots=True)
class Hold:
    """A claim that is open."""

    holder: str
    points: list[Point]
    deadline: datetime


@dataclass(slots=True)
class Holder:
    """Somebody's points, what they owe (creditor by creditor, the oldest first), and what they did."""

    points: list[Point] = field(default_factory=list)
    owed: list[str] = field(default_factory=list)
    spend: int = 0
    visits: Counter[date] = field(default_factory=Counter)
    transferred: Counter[date] = field(default_factory=Counter)
    active: date | None = None
