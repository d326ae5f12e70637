"""A member's part of the ledger in memory, as much of it as a decision needs."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any


@dataclass(slots=True)
class LotState:
    """A lot and what remains of it."""

    id: str
    issuer_id: str
    journal_id: str
    original: int
    remaining: int


@dataclass(slots=True)
class ArrearState:
    """An arrear and what is still owed."""

    id: str
    creditor_id: str
    journal_id: str
    original: int
    remaining: int


@dataclass(slots=True)
class Past:
    """A journal that may be reversed: what it was, how much of it was reversed, and which lots it used in which order.

    `used` lists (lot id, points not yet given back) in the order of use; empty for earnings.
    """

    id: str
    kind: str
    partner_id: str
    points: int
    amount_minor: int | None
    currency: str | None
    facts: dict[str, Any]
    reversed_points: int = 0
    reversed_minor: int = 0
    used: list[tuple[str, int]] = field(default_factory=list)


@dataclass(slots=True)
class Book:
    """A member's state. `lots` are in order of issue; whoever owes arrears has no open lots.

    `carries` holds, per partner, the exact part of a point (0 <= carry < 1) towards the next one.
    """

    member_id: str
    version: int = 0
    spendable: int = 0
    arrears: int = 0
    lots: dict[str, LotState] = field(default_factory=dict)
    open_arrears: dict[str, ArrearState] = field(default_factory=dict)
    carries: dict[str, Fraction] = field(default_factory=dict)
    past: dict[str, Past] = field(default_factory=dict)
