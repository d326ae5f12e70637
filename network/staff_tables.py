"""Tables of the people who work for partners."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from kernel.tables import moment


class StaffRow(SQLModel, table=True):
    """Someone who works for a partner. `member_id` is their own membership, if they have one: it bars them from
    recognising or adjusting themselves."""

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint("role IN ('trainee', 'cashier', 'manager')", name="staff_role"),
        Index("staff_partner", "partner_id", "id"),
        Index("staff_member", "partner_id", "member_id", unique=True, postgresql_where=text("left_at IS NULL")),
    )

    id: str = Field(primary_key=True)
    partner_id: str
    display_name: str
    role: str
    member_id: str | None = None
    joined_at: datetime = Field(sa_column=moment())
    left_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
