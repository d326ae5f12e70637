"""The table of sales without a member: each has a token that is printed, and can be claimed once."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from kernel.tables import bigint, moment


class ReceiptRow(SQLModel, table=True):
    """A sale that nobody showed a card for. `sale` is the purchase as the till told it; of the token only a keyed hash
    is kept. `kind` is `receipt` (printed, good for the window) or `counter` (shown on the till, good for a minute).
    Who claimed it, and by which journal, is the ledger's to decide: `key` of the earning is derived from `id`.
    """

    __tablename__ = "receipt"
    __table_args__ = (
        CheckConstraint("kind IN ('receipt', 'counter')", name="receipt_kind"),
        CheckConstraint("state IN ('open', 'claimed', 'voided')", name="receipt_state"),
        CheckConstraint("(state = 'claimed') = (journal_id IS NOT NULL)", name="receipt_claimed"),
        UniqueConstraint("partner_id", "key", name="receipt_key"),
        Index("receipt_open", "good_until", postgresql_where=text("state = 'open'")),
    )

    id: str = Field(primary_key=True)
    token_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    partner_id: str
    key: str
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    kind: str
    sale: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    amount_minor: int = Field(sa_column=bigint())
    currency: str
    terminal: str | None = None
    occurred_at: datetime = Field(sa_column=moment())
    good_until: datetime = Field(sa_column=moment())
    state: str = Field(default="open", sa_column_kwargs={"server_default": "open"})
    member_id: str | None = None
    journal_id: str | None = None
    claimed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    created_at: datetime = Field(sa_column=moment())
