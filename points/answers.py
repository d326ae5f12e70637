"""What the ledger answers to a command: what it did, or why not."""

from dataclasses import dataclass

from kernel.errors import CommonpointError, Forbidden, Invalid, NotFound
from points.outcome import Outcome


class UnknownMember(NotFound):
    """No such member."""

    code = "unknown_member"
    title = "No such member"


class SpendingNotAllowed(Forbidden):
    """The household did not give this member the right to spend."""

    code = "spending_not_allowed"
    title = "This member may not spend"


class KeyReused(Invalid):
    """The idempotency key was used for another request."""

    code = "idempotency_key_reused"
    title = "The idempotency key stands for another request"


@dataclass(frozen=True, slots=True)
class Done:
    """The answer to a command; `replayed` when the key had been answered before."""

    outcome: Outcome
    replayed: bool


Answer = Done | CommonpointError
