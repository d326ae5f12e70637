"""Why the ledger refuses."""

from kernel.errors import Conflict, Forbidden, Invalid, NotFound

# Refused above this: leaves room below 2**53 (what every JSON reader holds exactly) for sums.
LARGEST_AMOUNT = 10**12


class UnknownJournal(NotFound):
    """No such earning or redemption of this partner."""

    code = "unknown_entry"
    title = "No such earning or redemption"


class UnknownClaim(NotFound):
    """No such claim."""

    code = "unknown_claim"
    title = "No such claim"


class ClaimEnded(Conflict):
    """The claim was captured, released or timed out before."""

    code = "claim_ended"
    title = "The claim has ended"


class NotReversible(Invalid):
    """This kind of journal, or this way of asking, cannot be reversed."""

    code = "not_reversible"
    title = "This cannot be reversed"


class MoreThanLeft(Conflict):
    """The reversal asks for more than is left of the original."""

    code = "more_than_left"
    title = "More than is left to reverse"


class BadAmount(Invalid):
    """An amount that is not a positive integer within bounds."""

    code = "bad_amount"
    title = "The amount is out of bounds"


class MemberFrozen(Conflict):
    """The member's account is frozen: nothing can be earned or spent."""

    code = "member_frozen"
    title = "The account is frozen"


class ArrearsCapped(Conflict):
    """The refund would leave the member owing more than the programme allows."""

    code = "arrears_capped"
    title = "The member would owe too much"


class CapReached(Conflict):
    """A budget or stock that members share is used up."""

    code = "cap_reached"
    title = "Nothing is left of this"


class AdjustmentRefused(Forbidden):
    """The role may not adjust by so much, or a second person has to approve."""

    code = "adjustment_refused"
    title = "This adjustment is not allowed"


class TransferRefused(Forbidden):
    """The programme does not allow this transfer."""

    code = "transfer_refused"
    title = "This transfer is not allowed"


class TransferLimit(Conflict):
    """More, or less, than a member may transfer now; facts: what is `left`, or the `minimum`."""

    code = "transfer_limit"
    title = "Not so many points can be transferred"


class ProofNeeded(Conflict):
    """So much is spent only with a proof that the member is there or agrees; facts: `above`, `left`, `ways`."""

    code = "proof_needed"
    title = "A proof that the member is there is needed"


class ProofRefused(Conflict):
    """The proof is not good for this: unknown, of somebody else, of another partner, used, or too old. One answer for
    all, so that nobody learns of others' proofs."""

    code = "proof_refused"
    title = "The proof is not good for this"


class TooOften(Conflict):
    """A limit of the programme refuses; facts: `of`, `on`, `within`, and `times` or `points`."""

    code = "too_often"
    title = "This was done too often"


class ApprovalNeeded(Conflict):
    """A manager has to approve a spending above a limit; facts: `reasons`."""

    code = "approval_needed"
    title = "A manager has to approve this"


class OwnAccountServed(Forbidden):
    """The programme does not let cashiers serve the account that they use themselves."""

    code = "own_account"
    title = "A cashier does not serve their own account"


def check_amount(amount: int, name: str, lowest: int = 1) -> None:
    """Refuse amounts below `lowest` or above LARGEST_AMOUNT. Raises BadAmount."""
    if not lowest <= amount <= LARGEST_AMOUNT:
        raise BadAmount(f"'{name}' must be between {lowest} and {LARGEST_AMOUNT}.", field=name, largest=LARGEST_AMOUNT)
