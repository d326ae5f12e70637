"""A member's part of the ledger in memory, as much of it as a decision needs."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec

from points.programme.standing import Change, Standing


@dataclass(slots=True)
class LotState:
    """A lot and what remains of it. A `pending` lot cannot be spent before `active_at` (or, if that is None, before
    the action `awaits`). `version_id` pins the programme version whose expiry holds; `moved_from` is the lot of another
    member that it continues, `root` the journal that issued the first of them. One that is `elsewhere` belongs to an
    account that was merged into this one."""

    id: str
    issuer_id: str
    journal_id: str
    original: int
    remaining: int
    issued_at: datetime
    version_id: str | None = None
    pending: bool = False
    active_at: datetime | None = None
    awaits: str | None = None
    expires_at: datetime | None = None
    moved_from: str | None = None
    root: str | None = None
    elsewhere: bool = False


@dataclass(slots=True)
class ArrearState:
    """An arrear and what is still owed."""

    id: str
    creditor_id: str
    journal_id: str
    original: int
    remaining: int


@dataclass(slots=True)
class ClaimState:
    """A claim: a hold on points for a reward. `state` leaves `held` once."""

    id: str
    reward: str
    version_id: str
    partner_id: str
    points: int
    journal_id: str
    state: Literal["held", "captured", "released", "timed_out"]
    deadline: datetime
    order: str | None = None
    voucher_id: str | None = None
    ended_by: str | None = None


@dataclass(slots=True)
class VoucherState:
    """A right with a code. `journal_id` is what paid for it; an `automatic` one was issued without being asked for.

    `value_minor` is what is left of an amount; `uses_left` how often it can still be used.
    """

    id: str
    code: str
    reward: str
    version_id: str
    partner_id: str
    journal_id: str
    state: Literal["issued", "used", "voided"]
    valid_until: datetime | None
    uses_left: int
    value_minor: int | None = None
    automatic: bool = False
    used: bool = False


@dataclass(slots=True)
class CapState:
    """A limit shared by members (a budget, a stock) and how much of it is used."""

    id: str
    size: int
    used: int = 0


@dataclass(slots=True)
class Past:
    """A journal that may be reversed: what it was, how much of it was reversed, and which lots it used in which order.

    `used` lists (lot id, points not yet given back) in the order of use; empty for earnings. `returned` are the amounts
    of lines that were refunded so far. `expired` are points of its own lots that ended, by issuer, as far as no refund
    has counted them: what is gone is not taken a second time.
    """

    id: str
    kind: str
    partner_id: str
    points: int
    amount_minor: int | None
    currency: str | None
    facts: dict[str, Any]
    reversals: int = 0
    reversed_points: int = 0
    reversed_minor: int = 0
    returned: dict[int, int] = field(default_factory=dict)
    expired: dict[str, int] = field(default_factory=dict)
    used: list[tuple[str, int]] = field(default_factory=list)

    @property
    def acceptor_id(self) -> str:
        """Who honoured the points: the partner that asked, unless the reward names another."""
        return str(self.facts.get("acceptor", self.partner_id))

    def change(self) -> Change:
        """What it did to the standing."""
        return msgspec.convert(self.facts.get("change", {}), Change, strict=False)


@dataclass(slots=True)
class Book:
    """The state of whoever holds the points: a member, or a household.

    Lots are in order of issue; whoever owes arrears has no open active lots. `pending` and `held` are sums over lots
    and claims. `due_at` is the earliest moment at which time itself may change something.
    """

    member_id: str
    version: int = 0
    spendable: int = 0
    arrears: int = 0
    pending: int = 0
    held: int = 0
    frozen: bool = False
    pool_id: str | None = None
    may_spend: bool = True
    due_at: datetime | None = None
    standing: Standing = field(default_factory=Standing)
    lots: dict[str, LotState] = field(default_factory=dict)
    open_arrears: dict[str, ArrearState] = field(default_factory=dict)
    past: dict[str, Past] = field(default_factory=dict)
    claims: dict[str, ClaimState] = field(default_factory=dict)
    vouchers: dict[str, VoucherState] = field(default_factory=dict)
    rewarded: dict[str, tuple[str, ...]] = field(default_factory=dict)
