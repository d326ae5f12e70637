"""Tables of the kernel: the notes that wait for followers."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, DateTime, Index, Sequence, SmallInteger, func, text
from sqlmodel import Field, SQLModel

# Numbers every touch of a note, so that no two touches look alike, not even of a note that was deleted between them.
OUTBOX_TOUCH = Sequence("outbox_touch", metadata=SQLModel.metadata)


def moment(*, nullable: bool = False, now: bool = False) -> "Column[datetime]":
    """A `timestamptz` column; `now` fills it from the database's clock."""
    default = func.now() if now else None
    return Column(DateTime(timezone=True), nullable=nullable, server_default=default)


def bigint(*, nullable: bool = False, default: int | None = None) -> "Column[int]":
    """A `bigint` column: points, minor units, micros, versions."""
    return Column(BigInteger, nullable=nullable, server_default=None if default is None else text(str(default)))


class OutboxNote(SQLModel, table=True):
    """A note "look again" for one follower (`kind`) about one `subject`; at most one waits per pair.

    `version` names the last touch, `due` is when it may be claimed (a lease moves it forward), `attempts` the failures
    since the last success, and `parked_at` is set when only a new touch or a person can help. `lane` 0 is for what
    somebody waits for, 1 for changes of many at once.
    """

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_due", "kind", "lane", "due", postgresql_where=text("parked_at IS NULL")),)

    kind: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    lane: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    version: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=OUTBOX_TOUCH.next_value()))
    due: datetime = Field(sa_column=moment(now=True))
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    last_error: str | None = Field(default=None)
    touched_at: datetime = Field(sa_column=moment(now=True))
    parked_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
