"""The table of corrections by hand: who asked for them and why, and who approved."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from kernel.tables import bigint, moment


class AdjustmentRow(SQLModel, table=True):
    """Points to add (or, negative, to take) by hand.

    `waiting` for a second person, `asked` of the ledger, then `done` (with its journal) or `refused` (`refusal` is the
    ledger's code, or `rejected`). `actor` and `approver` are staff ids or keys of the operator; `actor_key` and
    `approver_key` the API keys that they used.
    """

    __tablename__ = "adjustment"
    __table_args__ = (
        CheckConstraint("points <> 0", name="adjustment_says_something"),
        CheckConstraint("state IN ('waiting', 'asked', 'done', 'refused')", name="adjustment_state"),
        CheckConstraint("approver IS NULL OR approver <> actor", name="adjustment_four_eyes"),
        CheckConstraint("(state = 'done') = (journal_id IS NOT NULL)", name="adjustment_done"),
        Index("adjustment_member", "member_id", "id"),
        Index("adjustment_partner", "partner_id", "id"),
        Index("adjustment_waiting", "partner_id", "id", postgresql_where=text("state = 'waiting'")),
    )

    id: str = Field(primary_key=True)
    member_id: str
    partner_id: str
    location_id: str | None = None
    points: int = Field(sa_column=bigint())
    reason: str
    actor: str
    actor_key: str
    role: str
    state: str
    approver: str | None = None
    approver_key: str | None = None
    journal_id: str | None = None
    refusal: str | None = None
    asked_at: datetime = Field(sa_column=moment())
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
