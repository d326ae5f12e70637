"""Tables of what points are for: claims, vouchers, and the limits that members share."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from kernel.tables import bigint, moment


class RewardClaim(SQLModel, table=True):
    """A hold on points for a reward. `state` leaves `held` once: `captured`, `released` or `timed_out`."""

    __tablename__ = "claim"
    __table_args__ = (
        CheckConstraint("state IN ('held', 'captured', 'released', 'timed_out')", name="claim_state"),
        Index("claim_member", "member_id", "id"),
        Index("claim_held", "member_id", postgresql_where=text("state = 'held'")),
        Index("claim_order", "member_id", "order_ref", postgresql_where=text("order_ref IS NOT NULL")),
    )

    id: str = Field(primary_key=True)
    member_id: str
    reward: str
    version_id: str
    partner_id: str
    points: int = Field(sa_column=bigint())
    journal_id: str = Field(index=True)
    state: str
    deadline: datetime = Field(sa_column=moment())
    order_ref: str | None = None
    voucher_id: str | None = None
    ended_by: str | None = None


class Voucher(SQLModel, table=True):
    """A right with a code, bound to a member. `value_minor` is what is left of an amount, `uses_left` how often it can
    still be used; `journal_id` is what paid for it."""

    __tablename__ = "voucher"
    __table_args__ = (
        CheckConstraint("state IN ('issued', 'used', 'voided')", name="voucher_state"),
        CheckConstraint("uses_left >= 0", name="voucher_uses"),
        CheckConstraint("value_minor >= 0", name="voucher_value"),
        Index("voucher_member", "member_id", "id"),
    )

    id: str = Field(primary_key=True)
    code: str = Field(unique=True)
    member_id: str
    reward: str
    version_id: str
    partner_id: str
    journal_id: str = Field(index=True)
    state: str
    valid_until: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    uses_left: int
    value_minor: int | None = Field(default=None, sa_column=bigint(nullable=True))
    automatic: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    used: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})


class Cap(SQLModel, table=True):
    """A limit that members share (a campaign's budget, a reward's stock): never more used than there is."""

    __tablename__ = "cap"
    __table_args__ = (CheckConstraint("used >= 0 AND used <= size", name="cap_holds"),)

    id: str = Field(primary_key=True)
    size: int = Field(sa_column=bigint())
    used: int = Field(default=0, sa_column=bigint(default=0))
