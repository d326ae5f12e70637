"""Tables of tills that work without a connection: what each may give out, what it did, and its float."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from kernel.tables import bigint, moment


class AllowanceRow(SQLModel, table=True):
    """What a terminal may let members spend while it is offline: a document signed for the terminal, with an end.

    `points` in all, `per_redemption` at once; `used` is what has arrived of it so far. It ends when the terminal gets
    the next one.
    """

    __tablename__ = "allowance"
    __table_args__ = (
        CheckConstraint("points > 0 AND per_redemption > 0 AND used >= 0", name="allowance_amounts"),
        Index("allowance_terminal", "terminal_id", "id"),
    )

    id: str = Field(primary_key=True)
    terminal_id: str
    partner_id: str
    points: int = Field(sa_column=bigint())
    per_redemption: int = Field(sa_column=bigint())
    used: int = Field(default=0, sa_column=bigint(default=0))
    valid_from: datetime = Field(sa_column=moment())
    valid_until: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    document: str


class OfflineUseRow(SQLModel, table=True):
    """A redemption that a terminal honoured without a connection, known by the id it was given there.

    Only what is `within` an allowance takes points from the member; what is not is charged to the float in whole, for
    the `reason`.
    """

    __tablename__ = "offline_use"
    __table_args__ = (CheckConstraint("within = (reason IS NULL)", name="offline_use_judged"),)

    terminal_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    fingerprint: bytes
    allowance_id: str | None = None
    points: int = Field(sa_column=bigint())
    within: bool
    reason: str | None = None
    occurred_at: datetime = Field(sa_column=moment())
    recorded_at: datetime = Field(sa_column=moment())


class TerminalFloatRow(SQLModel, table=True):
    """The float of a terminal in points: what its partner stands for when an offline redemption was not covered.

    It may fall below zero; a terminal gets allowances up to its float.
    """

    __tablename__ = "terminal_float"

    terminal_id: str = Field(primary_key=True)
    balance: int = Field(default=0, sa_column=bigint(default=0))


class FloatMoveRow(SQLModel, table=True):
    """One change of a float: a payment in, or the part of an offline redemption that the member's points did not cover.

    `cause` is what it came of, so that it is counted once: the journal that found the lack, the terminal and its id of
    a redemption that no allowance covered, or the partner's key of a payment.
    """

    __tablename__ = "float_move"
    __table_args__ = (
        CheckConstraint("kind IN ('paid_in', 'paid_out', 'charged')", name="float_move_kind"),
        Index("float_move_terminal", "terminal_id", "id"),
    )

    id: str = Field(primary_key=True)
    cause: str = Field(unique=True)
    terminal_id: str
    partner_id: str
    kind: str
    points: int = Field(sa_column=bigint())
    reason: str
    member_id: str | None = None
    allowance_id: str | None = None
    recorded_at: datetime = Field(sa_column=moment())
