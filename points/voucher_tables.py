"""The table of what happened to vouchers after they were issued."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from kernel.tables import bigint, moment


class VoucherMove(SQLModel, table=True):
    """One use, exchange or cancelling of a code; never edited.

    `shown_by` is the member whom the till named, `money_minor` what the use took off the purchase, `into_id` the code
    that an exchange made. `state`, `uses_left` and `value_minor` are the voucher's after it, so that the answer to the
    same request can be given again. `actor` is the API key that asked.
    """

    __tablename__ = "voucher_move"
    __table_args__ = (
        CheckConstraint("kind IN ('used', 'exchanged', 'voided')", name="voucher_move_kind"),
        Index("voucher_move_voucher", "voucher_id", "id"),
        Index("voucher_move_into", "into_id", unique=True, postgresql_where=text("into_id IS NOT NULL")),
        Index("voucher_move_order", "member_id", "order_ref", postgresql_where=text("order_ref IS NOT NULL")),
    )

    id: str = Field(primary_key=True)
    voucher_id: str
    kind: str
    member_id: str
    partner_id: str | None = None
    location_id: str | None = None
    shown_by: str | None = None
    order_ref: str | None = None
    basket_minor: int | None = Field(default=None, sa_column=bigint(nullable=True))
    money_minor: int | None = Field(default=None, sa_column=bigint(nullable=True))
    state: str
    uses_left: int
    value_minor: int | None = Field(default=None, sa_column=bigint(nullable=True))
    into_id: str | None = None
    reason: str | None = None
    actor: str
    at: datetime = Field(sa_column=moment())
