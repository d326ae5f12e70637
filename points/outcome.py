"""What the ledger answers: the effect of a command, in a form that is stored with the key and replayed as it was."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from points.book import Book
from points.decision import Decision


class VoucherGiven(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A voucher that the command issued or voided."""

    id: str
    code: str
    reward: str
    state: str
    valid_until: datetime | None = None
    value_minor: int | None = None


class Consequence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A journal that followed by itself: a bonus, an automatic reward, something taken back."""

    id: str
    kind: str
    points: int
    facts: dict[str, Any] = {}


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The effect of a command. `points` is signed as the member sees it; `balance` is what they can spend after it.

    `pending` are points that wait, `held` those reserved by claims, `arrears` what they owe after it, `version` the
    state of the ledger that a pass may show. `facts` pins version, inputs and rounding. `review` says why somebody must
    look at it before its points can be spent; `short` is what was honoured offline and not there.
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
    pending: int = 0
    held: int = 0
    tier: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    reverses_id: str | None = None
    deadline: datetime | None = None
    vouchers: tuple[VoucherGiven, ...] = ()
    consequences: tuple[Consequence, ...] = ()
    review: tuple[str, ...] = ()
    short: int = 0


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Outcome)


def outcome_of(main: Decision, journals: Sequence[Decision], book: Book) -> Outcome:
    """The outcome of the journals of a command and the state that they leave in the book of whom `main` is about."""
    return Outcome(
        id=main.journal_id,
        kind=main.kind,
        member_id=main.member_id,
        partner_id=main.command.partner_id,
        points=seen_by_member(main),
        balance=book.spendable,
        arrears=book.arrears,
        version=book.version,
        facts=main.facts,
        pending=book.pending,
        held=book.held,
        tier=book.standing.tier.level if book.standing.tier else None,
        amount_minor=main.amount_minor,
        currency=main.currency,
        reverses_id=main.reverses_id,
        deadline=main.claims[0].deadline if main.kind == "claim" else None,
        vouchers=tuple(
            VoucherGiven(
                id=v.id, code=v.code, reward=v.reward, state=v.state, valid_until=v.valid_until,
                value_minor=v.value_minor,
            )
            for d in journals
            for v in d.vouchers
        ),
        consequences=tuple(
            Consequence(id=d.journal_id, kind=d.kind, points=seen_by_member(d), facts=d.facts)
            for d in journals
            if d is not main and d.member_id == main.member_id
        ),
        review=main.review,
        short=main.short,
    )  # fmt: skip


def seen_by_member(decision: Decision) -> int:
    """Points as the member sees them: what came or went, spendable, waiting or against what they owe."""
    return decision.spendable_change + decision.arrears_change + decision.pending_change


def encode(outcome: Outcome) -> bytes:
    """The stored form."""
    return _encoder.encode(outcome)


def decode(stored: bytes) -> Outcome:
    """What `encode` stored."""
    return _decoder.decode(stored)
