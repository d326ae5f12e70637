"""Tables of the wallet passes: what each shows, and what the vendors have been told."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Sequence, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlmodel import Field, SQLModel

from kernel.tables import bigint, moment

# Orders all changes of all passes. It is drawn under an advisory lock, so that a smaller number never appears later.
PASS_CHANGE = Sequence("pass_change", metadata=SQLModel.metadata)


class WalletPass(SQLModel, table=True):
    """A member's card, or one of their vouchers as a coupon, in one wallet, as it is shown now.

    `id` is Apple's serial number and Google's object suffix. `subject_id` is the voucher's id for a coupon and "" for
    the card. `pass_type` is Apple's pass type identifier, fixed when the pass is made. `tap_code` is what a tap says
    (random, so it may be changed without touching the barcode). `ledger_version` is the number of the newest
    journal that is shown and never goes back; `told` are the moments of the last notices, for the budget of messages.
    `sign_up` is "open" while Wallet may ask the member for their details, "done" afterwards.
    """

    __tablename__ = "wallet_pass"
    __table_args__ = (
        UniqueConstraint("member_id", "wallet", "kind", "subject_id", name="wallet_pass_one_per_wallet"),
        CheckConstraint("kind IN ('card', 'coupon')", name="wallet_pass_kind"),
        CheckConstraint("sign_up IN ('', 'open', 'done')", name="wallet_pass_sign_up"),
        Index("wallet_pass_change", "change_seq"),
        Index("wallet_pass_tap", "tap_code", unique=True),
        Index("wallet_pass_brand", "brand_id", "id"),
    )

    id: str = Field(primary_key=True)
    member_id: str
    brand_id: str
    wallet: str
    kind: str = Field(default="card", sa_column_kwargs={"server_default": "card"})
    subject_id: str = Field(default="", sa_column_kwargs={"server_default": ""})
    pass_type: str = Field(default="", sa_column_kwargs={"server_default": ""})
    card: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    change_seq: int = Field(sa_column=bigint())
    last_modified: datetime = Field(sa_column=moment())
    ledger_version: int = Field(default=0, sa_column=bigint(default=0))
    tap_code: str
    told: list[datetime] = Field(
        default_factory=list, sa_column=Column(ARRAY(TIMESTAMP(timezone=True)), nullable=False, server_default="{}")
    )
    sign_up: str = Field(default="", sa_column_kwargs={"server_default": ""})
    token_version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    voided: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    created_at: datetime = Field(sa_column=moment(now=True))


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
