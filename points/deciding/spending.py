"""What every spending is asked besides whether the points are there: a proof, limits, the cool-down."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from points.book import Book
from points.commands import Claim, Redeem, Transfer
from points.deciding.errors import ProofNeeded, ProofRefused
from points.deciding.watching import said_by, watch_spending
from points.decision import Ground, ProofState
from points.programme.proving import UNPROVED, unproved_left
from points.programme.reward_eligibility import cooling
from points.programme.standing import Change
from points.programme.version import InForce


@dataclass(frozen=True, slots=True)
class Spending:
    """What a spending that may be done leaves besides its points; `rest` are the fields of its journal."""

    change: Change = field(default_factory=Change)
    facts: dict[str, Any] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)


# What the service spends by itself, such as a balance that becomes a reward.
UNASKED: Final = Spending()


def spending(
    book: Book, command: Redeem | Claim | Transfer, in_force: InForce | None, points: int, ground: Ground
) -> Spending:
    """Whether `points` may be spent so. Raises CoolingDown, TooOften, OwnAccountServed, ApprovalNeeded, ProofNeeded,
    ProofRefused."""
    if in_force is not None:
        for refusal in cooling(in_force.version, book.standing, ground.now):
            raise refusal
    watched = watch_spending(book, command, in_force, points, ground)
    proof = _proof(book, command, in_force, points, ground)
    facts: dict[str, Any] = {}
    if till := said_by(command.till, place=True):
        facts["till"] = till
    if proof is not None:
        facts["proof"] = {"id": proof.id, "way": proof.way, "member": proof.member_id}
    return Spending(
        change=Change() if proof is not None or in_force is None else unproved(in_force, points, ground.now),
        facts=facts,
        rest={"meters": watched.meters, "proof_id": proof.id if proof is not None else None},
    )


def spent_offline(book: Book, command: Redeem, points: int, ground: Ground) -> Spending:
    """The same of what a terminal has honoured already: it counts, and is not refused."""
    watched = watch_spending(book, command, command.in_force, points, ground, happened=True)
    assert command.offline is not None
    facts: dict[str, Any] = {
        "asked": command.points,
        "short": command.points - points,
        "offline": {"terminal": command.offline.terminal_id, "allowance": command.offline.allowance_id},
    }
    if till := said_by(command.till, place=True):
        facts["till"] = till
    return Spending(
        change=Change() if command.in_force is None else unproved(command.in_force, points, ground.now),
        facts=facts,
        rest={"meters": watched.meters, "offline": command.offline, "short": command.points - points},
    )


def unproved(in_force: InForce, points: int, at: datetime) -> Change:
    """What spending without a proof counts for, where the programme asks for proofs."""
    version = in_force.version
    if version.programme.redemptions.proof is None or not points:
        return Change()
    return Change(counts={UNPROVED: {version.day(at).toordinal(): points}})


def _proof(
    book: Book, command: Redeem | Claim | Transfer, in_force: InForce | None, points: int, ground: Ground
) -> ProofState | None:
    """The proof that is used up; None: none was shown, or of a way that the programme does not accept, and the points
    are few enough. Raises ProofNeeded, ProofRefused."""
    policy = in_force.version.programme.redemptions.proof if in_force is not None else None
    if command.proof_id is not None:
        proof = ground.proofs.get(command.proof_id)
        if proof is None or not _good(proof, book, command, points, ground):
            raise ProofRefused("The proof is unknown, used, too old, or not for this.")
        if policy is None or proof.way in policy.ways:
            return proof
    if policy is None or in_force is None:
        return None
    left = unproved_left(in_force.version, book.standing, ground.now)
    if left is not None and points > left:
        raise ProofNeeded(
            f"{left} more points can be spent today without a proof.",
            above=policy.above, left=left, ways=list(policy.ways),
        )  # fmt: skip
    return None


def _good(proof: ProofState, book: Book, command: Redeem | Claim | Transfer, points: int, ground: Ground) -> bool:
    """Whether a proof is of this member (or whoever shares the account and may spend from it), for this partner, for as
    much, in time and unused."""
    themselves = proof.member_id == command.member_id
    sharing = proof.holder_id == book.member_id and proof.may_spend
    return (
        (themselves or sharing)
        and proof.partner_id == command.partner_id
        and not proof.used
        and ground.now < proof.good_until
        and (proof.points is None or points <= proof.points)
    )
