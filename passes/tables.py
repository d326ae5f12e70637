"""Tables of the wallet passes, the phones that hold them, and what the vendors have been told."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Sequence, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from kernel.tables import bigint, moment

# Orders all changes of all passes. It is drawn under an advisory lock, so that a smaller number never appears later.
PASS_CHANGE = Sequence("pass_change", metadata=SQLModel.metadata)


class WalletPass(SQLModel, table=True):
    """A member's card in one wallet, as it is shown now. `id` is Apple's serial number and Google's object suffix."""

    __tablename__ = "wallet_pass"
    __table_args__ = (
        UniqueConstraint("member_id", "wallet", name="wallet_pass_one_per_wallet"),
        Index("wallet_pass_change", "change_seq"),
    )

    id: str = Field(primary_key=True)
    member_id: str
    wallet: str
    card: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    change_seq: int = Field(sa_column=bigint())
    last_modified: datetime = Field(sa_column=moment())
    token_version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    voided: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    created_at: datetime = Field(sa_column=moment(now=True))


class Device(SQLModel, table=True):
    """An Apple device that holds passes, and where to wake it."""

    __tablename__ = "apple_device"

    library_id: str = Field(primary_key=True)
    push_token: str
    updated_at: datetime = Field(sa_column=moment(now=True))


class Registration(SQLModel, table=True):
    """A device's wish to hear of changes to a pass."""

    __tablename__ = "apple_registration"
    __table_args__ = (Index("apple_registration_pass", "pass_id"),)

    library_id: str = Field(primary_key=True)
    pass_id: str = Field(primary_key=True)
    registered_at: datetime = Field(sa_column=moment(now=True))


class GoogleObject(SQLModel, table=True):
    """What Google was last told of a pass: the change number and the hash of the body."""

    __tablename__ = "google_object"

    pass_id: str = Field(primary_key=True)
    pushed_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    pushed_hash: str
    pushed_at: datetime = Field(sa_column=moment(now=True))


class GoogleClass(SQLModel, table=True):
    """What Google was last told of a class."""

    __tablename__ = "google_class"

    id: str = Field(primary_key=True)
    body_hash: str
    updated_at: datetime = Field(sa_column=moment(now=True))
