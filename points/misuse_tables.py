"""Tables against misuse: proofs that a member was there, meters of what was done, what waits for a look, and PINs."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from kernel.tables import bigint, moment


class ProofRow(SQLModel, table=True):
    """That a member was at a partner's till, or agreed: good for one spending there, until `good_until`.

    `way` says how it is known (`points.proofs.Way`); `used_by` is the journal that used it.
    """

    __tablename__ = "proof"
    __table_args__ = (Index("proof_member", "member_id", "id"),)

    id: str = Field(primary_key=True)
    member_id: str
    partner_id: str
    way: str
    made_at: datetime = Field(sa_column=moment())
    good_until: datetime = Field(sa_column=moment())
    used_by: str | None = None


class MeterRow(SQLModel, table=True):
    """What was done lately by one member, cashier, terminal or partner: sums by slot of time, oldest forgotten.

    The row is the lock under which a limit is judged.
    """

    __tablename__ = "meter"

    id: str = Field(primary_key=True)
    slots: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb")))
    changed_at: datetime = Field(sa_column=moment(now=True))


class ReviewRow(SQLModel, table=True):
    """A journal that somebody must look at. Its points wait (`review` is what their lots await) until it is decided."""

    __tablename__ = "review"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'approved', 'rejected')", name="review_state"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="review_decided"),
        Index("review_time", "created_at"),
        Index("review_open", "partner_id", "id", postgresql_where=text("state = 'open'")),
    )

    id: str = Field(primary_key=True)
    journal_id: str = Field(unique=True)
    member_id: str
    partner_id: str
    reasons: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    terminal: str | None = None
    cashier: str | None = None
    points: int = Field(sa_column=bigint())
    state: str = Field(default="open", sa_column_kwargs={"server_default": "open"})
    created_at: datetime = Field(sa_column=moment())
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    decided_by: str | None = None
    note: str | None = None


class PinRow(SQLModel, table=True):
    """The PIN of a member or of one of a partner's staff, as an Argon2id hash."""

    __tablename__ = "pin"

    owner_id: str = Field(primary_key=True)
    hash: str
    set_at: datetime = Field(sa_column=moment())


class AttemptRow(SQLModel, table=True):
    """How often something was tried since `since`: guesses of a PIN, look-ups of a telephone number."""

    __tablename__ = "attempt"

    id: str = Field(primary_key=True)
    tries: int = Field(default=0, sa_column=bigint(default=0))
    since: datetime = Field(sa_column=moment())
    blocked_until: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class ConfirmationRow(SQLModel, table=True):
    """A partner's question to a member, answered on the member's own page: may `points` be spent here?"""

    __tablename__ = "confirmation"
    __table_args__ = (
        CheckConstraint("state IN ('asked', 'confirmed', 'declined')", name="confirmation_state"),
        CheckConstraint("points > 0", name="confirmation_points"),
        Index("confirmation_proof", "proof_id", unique=True, postgresql_where=text("proof_id IS NOT NULL")),
        Index("confirmation_open", "member_id", "id", postgresql_where=text("state = 'asked'")),
    )

    id: str = Field(primary_key=True)
    member_id: str
    partner_id: str
    points: int = Field(sa_column=bigint())
    reward: str | None = None
    terminal: str | None = None
    state: str = Field(default="asked", sa_column_kwargs={"server_default": "asked"})
    asked_at: datetime = Field(sa_column=moment())
    good_until: datetime = Field(sa_column=moment())
    answered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    proof_id: str | None = None
