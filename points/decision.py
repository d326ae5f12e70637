"""What a command does: journals with postings, slices of lots, and the changed state; plain values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from points.book import ArrearState, Book, CapState, ClaimState, LotState, VoucherState
from points.commands import Command, Offline
from points.programme.standing import Change
from points.programme.velocity import Meter
from points.programme.version import Version

NewId = Callable[[str], str]

# What a slice of a lot was used for. `honoured`: spent at the acceptor, whom the issuer owes; `withdrawn`: the issuer
# took its own points back; `held`: reserved by a claim; `expired`; `moved`: to another member's lot.
Purpose = Literal["honoured", "withdrawn", "held", "expired", "moved"]


@dataclass(frozen=True, slots=True)
class Allocated:
    """A slice of a lot that was used (positive) or given back (negative)."""

    id: str
    lot_id: str
    issuer_id: str
    acceptor_id: str | None
    points: int
    purpose: Purpose = "honoured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One journal: signed postings by account, slices of lots, and the state that it leaves.

    `points` is the size of the effect; the changes are those of the member's balances. A journal that follows from
    another in the same command names it as `cause_id` and has no key of its own. `meters` are those it counts on (id ->
    points), `awaiting` what lots await from now on; `review` says why somebody must look at it. What was redeemed
    `offline` may be `short` of what was honoured.
    """

    journal_id: str
    kind: str
    member_id: str
    command: Command
    points: int = 0
    spendable_change: int = 0
    arrears_change: int = 0
    pending_change: int = 0
    held_change: int = 0
    postings: tuple[tuple[str, int], ...] = ()
    allocations: tuple[Allocated, ...] = ()
    new_lots: tuple[LotState, ...] = ()
    new_arrears: tuple[ArrearState, ...] = ()
    changed_lots: Mapping[str, int] = field(default_factory=dict)
    activated: tuple[str, ...] = ()
    prolonged: Mapping[str, datetime] = field(default_factory=dict)
    changed_arrears: Mapping[str, int] = field(default_factory=dict)
    standing: Change = field(default_factory=Change)
    uses: Mapping[str, int] = field(default_factory=dict)
    claims: tuple[ClaimState, ...] = ()
    vouchers: tuple[VoucherState, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    reverses_id: str | None = None
    cause_id: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    returned: Mapping[int, int] = field(default_factory=dict)
    frozen: bool | None = None
    pool_id: str | None = None
    awaiting: Mapping[str, str | None] = field(default_factory=dict)
    meters: Mapping[str, int] = field(default_factory=dict)
    proof_id: str | None = None
    review: tuple[str, ...] = ()
    offline: Offline | None = None
    short: int = 0


@dataclass(slots=True)
class ProofState:
    """A proof as the ledger finds it: for whom (`holder_id`: whose account they use), where, how, until when. A
    confirmation is good for at most `points`. `may_spend` is whether its member may spend from that account."""

    id: str
    member_id: str
    holder_id: str
    may_spend: bool
    partner_id: str
    way: str
    good_until: datetime
    points: int | None = None
    used: bool = False


@dataclass(slots=True)
class Ground:
    """What decisions stand on besides the book: the moment, published versions, shared caps, other members' books,
    meters of what was done lately, proofs. `barred` are members who may not spend from the account they use."""

    now: datetime
    new_id: NewId
    new_code: Callable[[], str]
    versions: Mapping[str, Version]
    caps: dict[str, CapState] = field(default_factory=dict)
    books: Mapping[str, Book] = field(default_factory=dict)
    meters: dict[str, Meter] = field(default_factory=dict)
    proofs: dict[str, ProofState] = field(default_factory=dict)
    barred: frozenset[str] = frozenset()
    locked_meters: frozenset[str] = frozenset()
