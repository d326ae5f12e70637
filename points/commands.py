"""What can be asked of the ledger. Points and minor units are positive integers; moments are aware."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from points.programme.events import Event
from points.programme.standing import Change
from points.programme.version import InForce, TermsRate

# The owner of the keys of what the service does by itself; no partner has this id.
INTERNAL = "commonpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """Where and by whom something was done, as the limits of a programme's `misuse` see it.

    `terminal` and `cashier` are the partner's own names of them ("" when it told none: limits then count all such
    together). `own_account` says that the cashier is the member (or uses the same account), `staff` that the member
    works for the partner. `approved_by` names the manager who let it pass in spite of a limit.
    """

    terminal: str = ""
    cashier: str = ""
    own_account: bool = False
    staff: bool = False
    approved_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline:
    """A redemption that a terminal honoured while it had no connection, under an allowance."""

    terminal_id: str
    allowance_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What every command carries: who asks, under which key, and a fingerprint of the request's content.

    The same key with the same fingerprint is the same request delivered again and gets the stored answer; with another
    fingerprint it is refused for ever. Keys belong to the partner, or to `key_owner` for what the service does itself.
    """

    partner_id: str
    key: str
    fingerprint: bytes
    occurred_at: datetime
    location_id: str | None = None
    key_owner: str | None = None
    till: Till | None = None

    @property
    def known_by(self) -> tuple[str, str]:
        """What the command is known by, for ever."""
        return self.key_owner or self.partner_id, self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Earn(Asked):
    """A purchase, visit or other event of a member that earns by the programme in force at the partner."""

    member_id: str
    event: Event
    currency: str
    in_force: InForce
    terms: TermsRate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeem(Asked):
    """`points` spent at the asking partner, whoever issued them.

    `proof_id` names the proof that the member is there or agrees (see `points.proofs`); it is used up. One that was
    honoured `offline` has happened: as many points are taken as there are, and the journal says how many were short.
    """

    member_id: str
    points: int
    in_force: InForce | None = None
    proof_id: str | None = None
    offline: Offline | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse(Asked):
    """Undo an earning or a redemption of the asking partner, in part or (all None) what is left of it.

    `amount_minor` is money refunded on an earning, `lines` says of which lines (index, minor units); `points` are
    points given back on a redemption.
    """

    journal_id: str
    amount_minor: int | None = None
    lines: tuple[tuple[int, int], ...] = ()
    points: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Asked):
    """A member chooses a reward: its points are held until captured, released or timed out.

    `order` names the purchase (for `one_per_order`), `basket_minor` is its amount, `points` the wish for rewards whose
    cost is free (points as money, donation).
    """

    member_id: str
    reward: str
    in_force: InForce
    order: str | None = None
    basket_minor: int | None = None
    points: int | None = None
    proof_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture(Asked):
    """The claimed reward was handed over: its points are spent at the asking partner."""

    claim_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Asked):
    """The claim is given up: its points are free again."""

    claim_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant(Asked):
    """Points (and a mark in the standing) given for something other than an event: a referral, a birthday, a prize.

    `reason` is a code that explanations know, `about` what it was for (the challenge's id, the friend's journal). With
    `reward` a voucher of that reward is given (and `points` may be 0). `uses` takes from shared caps: (id, size, how
    many); a cap that has not so much left refuses the grant. `valid_until` ends the voucher earlier than its reward.
    """

    member_id: str
    points: int
    reason: str
    about: str
    in_force: InForce
    change: Change = field(default_factory=Change)
    uses: tuple[tuple[str, int, int], ...] = ()
    reward: str | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjust(Asked):
    """Points added (or, negative, taken) by hand: `reason` in words, by whom, in which role."""

    member_id: str
    points: int
    reason: str
    actor: str
    role: Literal["cashier", "manager", "operator"]
    in_force: InForce
    approved_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge(Asked):
    """What somebody decided on an earning under review: its points can be spent as they could have been without the
    review, or (not `approve`) the earning is undone whole. `actor` decided, `note` says why."""

    journal_id: str
    review_id: str
    approve: bool
    actor: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Asked):
    """Points given to another member; they keep issuer and expiry. For the sender it is spending."""

    member_id: str
    to_member_id: str
    points: int
    in_force: InForce
    proof_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge(Asked):
    """Everything of a member (lots, arrears, standing) moves to another, for good; also into and out of a household."""

    member_id: str
    to_member_id: str
    in_force: InForce


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark(Asked):
    """A change of the standing alone (memberships, consents, offers), or freezing and unfreezing the account."""

    member_id: str
    change: Change
    reason: str
    frozen: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act(Asked):
    """An action that pending points of an earning waited for (`Pending.until_event`) has happened."""

    journal_id: str
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mature(Asked):
    """Whatever is due at a member by now: activation, expiry, time-outs, tier cycles, period totals, conversions."""

    member_id: str
    in_force: InForce


OfMember = Earn | Redeem | Claim | Grant | Adjust | Transfer | Merge | Mark | Mature
OfJournal = Reverse | Act | Judge
OfClaim = Capture | Release
Command = OfMember | OfJournal | OfClaim
