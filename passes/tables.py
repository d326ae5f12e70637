"""Tables of the wallet passes: what each shows, and what the vendors have been told."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Sequence, Text, UniqueConstraint
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


class PresentationRow(SQLModel, table=True):
    """What was shown at a till, and what came of it: the answer to the same message sent again.

    `sequence` is the terminal's number of the message. `assurance` and `reasons` are as they were judged then;
    `proof_id` is what a spending may use.
    """

    __tablename__ = "presentation"
    __table_args__ = (
        UniqueConstraint("partner_id", "key", name="presentation_key"),
        CheckConstraint("assurance IN ('identified', 'proved_present')", name="presentation_assurance"),
        CheckConstraint("(assurance = 'proved_present') = (proof_id IS NOT NULL)", name="presentation_proof"),
        Index("presentation_member", "member_id", "id"),
        Index("presentation_time", "shown_at"),
    )

    id: str = Field(primary_key=True)
    partner_id: str
    key: str
    fingerprint: bytes
    terminal_id: str | None = None
    location_id: str | None = None
    member_id: str
    pass_id: str | None = None
    way: str
    assurance: str
    reasons: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    proof_id: str | None = None
    shown_at: datetime = Field(sa_column=moment())


class LiveCodeUse(SQLModel, table=True):
    """A rotating code that was accepted as live: the same one is not a second time. Kept for as long as it could be
    shown again. `subject` is the pass, or the member for the code on their own page."""

    __tablename__ = "live_code_use"
    __table_args__ = (Index("live_code_use_time", "used_at"),)

    subject: str = Field(primary_key=True)
    counter: int = Field(sa_column=Column(BigInteger, primary_key=True))
    used_at: datetime = Field(sa_column=moment())
