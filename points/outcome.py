"""What the ledger answers: the effect of a command, in a form that is stored with the key and replayed as it was."""

from typing import Any

import msgspec

from points.decide import Decision


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The effect of a command. `points` is signed as the member sees it; `balance` is what they can spend after it.

    `arrears` is what they owe after it, `version` the state of the ledger that a pass may show, and `facts` pins rule,
    inputs and rounding.
    """

    id: str
    kind: str
    member_id: str
    partner_id: str
    points: int
    balance: int
    arrears: int
    version: int
    facts: dict[str, Any]
    amount_minor: int | None = None
    currency: str | None = None
    reverses_id: str | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Outcome)


def outcome_of(decision: Decision, balance: int, arrears: int, version: int, member_id: str) -> Outcome:
    """The outcome of a decision and the state that it leaves."""
    return Outcome(
        id=decision.journal_id,
        kind=decision.kind,
        member_id=member_id,
        partner_id=decision.command.partner_id,
        points=decision.spendable_change + decision.arrears_change,
        balance=balance,
        arrears=arrears,
        version=version,
        facts=decision.facts,
        amount_minor=decision.amount_minor,
        currency=decision.currency,
        reverses_id=decision.reverses_id,
    )


def encode(outcome: Outcome) -> bytes:
    """The stored form."""
    return _encoder.encode(outcome)


def decode(stored: bytes) -> Outcome:
    """What `encode` stored."""
    return _decoder.decode(stored)
