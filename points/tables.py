"""Tables of the ledger. Amounts are points (`bigint`) or minor units of a currency; times are `timestamptz`.

Accounts are named, not numbered: `mbr_…/spendable`, `mbr_…/arrears`, `mbr_…/pending`, `mbr_…/held`, `ptn_…/issued`,
`ptn_…/accepted`, `ptn_…/expired`, and `transit` for what is on its way between members. Only what a member can spend
and what they owe keep a balance; a partner's would be a row that every sale fights for, so it is summed.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from kernel.tables import bigint, moment


class Member(SQLModel, table=True):
    """A person in the coalition, by pseudonym. The card's barcode says `code`; they joined at `partner_id`."""

    __tablename__ = "member"

    id: str = Field(primary_key=True)
    code: str = Field(unique=True)
    partner_id: str = Field(index=True)
    joined_at: datetime = Field(sa_column=moment())


class Profile(SQLModel, table=True):
    """Personal data, kept apart from the ledger so that it can be erased without touching a sum.

    `contact` is JSON (email, phone, postal_code, country) sealed under the master secret; `phone_index` is a keyed hash
    of the telephone number, by which a till finds who says it.
    """

    __tablename__ = "profile"
    __table_args__ = (Index("profile_phone", "phone_index", postgresql_where=text("phone_index IS NOT NULL")),)

    member_id: str = Field(primary_key=True)
    name: str
    language: str = Field(default="en", sa_column_kwargs={"server_default": "en"})
    contact: bytes | None = None
    phone_index: bytes | None = None


class Account(SQLModel, table=True):
    """A member's account: what they can spend (never below zero) or what they owe as arrears (never above zero).

    `version` counts the journals that touched the account; the row of the spendable account is the member's lock. It
    carries the member's `standing` (what the rules need of their history), `due_at` (when time itself may change
    something), whether the member is `frozen`, the household (`pool_id`) whose account they use in place of theirs,
    and whether they `may_spend` from it.
    """

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("CASE WHEN id LIKE '%/arrears' THEN balance <= 0 ELSE balance >= 0 END", name="account_sign"),
        Index("account_pool", "pool_id", postgresql_where=text("pool_id IS NOT NULL")),
        Index("account_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    id: str = Field(primary_key=True)
    member_id: str = Field(index=True)
    balance: int = Field(default=0, sa_column=bigint(default=0))
    version: int = Field(default=0, sa_column=bigint(default=0))
    standing: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb")))
    due_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    frozen: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    pool_id: str | None = Field(default=None)
    may_spend: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})


class Journal(SQLModel, table=True):
    """One effect on the ledger; never edited. Its entries sum to zero. `facts` pins version, inputs and rounding.

    `member_id` holds the account; `by_member_id` is the member of a household who acted. A journal that follows from
    another one in the same transaction names it as `cause_id`. `digest`, `height` and `place` make it tamper-evident
    (`points.hashchain`).
    """

    __tablename__ = "journal"
    __table_args__ = (
        Index("journal_member", "member_id", "seq"),
        Index("journal_partner", "partner_id", "id"),
        Index("journal_chain", "height", "place", unique=True, postgresql_where=text("height > 0")),
    )

    id: str = Field(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, Identity(always=True), unique=True))
    kind: str
    member_id: str
    partner_id: str
    location_id: str | None = None
    points: int = Field(sa_column=bigint())
    amount_minor: int | None = Field(default=None, sa_column=bigint(nullable=True))
    currency: str | None = None
    reverses_id: str | None = Field(default=None, index=True)
    cause_id: str | None = Field(default=None, index=True)
    by_member_id: str | None = None
    occurred_at: datetime = Field(sa_column=moment())
    recorded_at: datetime = Field(sa_column=moment(now=True))
    facts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False, server_default=text("'\\x'::bytea")))
    height: int = Field(default=0, sa_column=bigint(default=0))
    place: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class Entry(SQLModel, table=True):
    """One posting of a journal: a signed amount on one account."""

    __tablename__ = "entry"
    __table_args__ = (
        Index("entry_account", "account_id", "seq"),
        CheckConstraint("amount <> 0", name="entry_says_something"),
    )

    seq: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    journal_id: str = Field(index=True)
    account_id: str
    member_id: str
    amount: int = Field(sa_column=bigint())


class Lot(SQLModel, table=True):
    """Points issued by one partner in one journal, and what is left of them.

    A `pending` lot cannot be spent before `active_at` (or the event `awaits`). Its expiry follows the programme version
    it was issued under (`version_id`); at `expires_at` it is looked at. `moved_from` is the lot of another member that
    it continues.
    """

    __tablename__ = "lot"
    __table_args__ = (
        CheckConstraint("remaining >= 0 AND remaining <= original", name="lot_within_bounds"),
        Index("lot_member", "member_id", "id"),
        Index("lot_open", "member_id", "id", postgresql_where="remaining > 0"),
        Index("lot_pending", "member_id", postgresql_where="pending AND remaining > 0"),
    )

    id: str = Field(primary_key=True)
    member_id: str
    issuer_id: str
    journal_id: str = Field(index=True)
    original: int = Field(sa_column=bigint())
    remaining: int = Field(sa_column=bigint())
    issued_at: datetime = Field(sa_column=moment())
    version_id: str | None = None
    pending: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    active_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    awaits: str | None = None
    expires_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    moved_from: str | None = None


class Allocation(SQLModel, table=True):
    """Which lot a debit used, and how much; negative gives back to the lot.

    `purpose` is one of `points.decision.Purpose`. `honoured` ones name the acceptor, whom the issuer owes.
    """

    __tablename__ = "allocation"
    __table_args__ = (Index("allocation_member", "member_id", "id"),)

    id: str = Field(primary_key=True)
    journal_id: str = Field(index=True)
    lot_id: str = Field(index=True)
    member_id: str
    issuer_id: str
    acceptor_id: str | None = None
    points: int = Field(sa_column=bigint())
    purpose: str = Field(default="honoured", sa_column_kwargs={"server_default": "honoured"})


class Arrear(SQLModel, table=True):
    """What a member owes a partner after a refund of points already spent; cured by later earnings."""

    __tablename__ = "arrear"
    __table_args__ = (
        CheckConstraint("remaining >= 0 AND remaining <= original", name="arrear_within_bounds"),
        Index("arrear_open", "member_id", "id", postgresql_where="remaining > 0"),
    )

    id: str = Field(primary_key=True)
    member_id: str
    creditor_id: str
    journal_id: str = Field(index=True)
    original: int = Field(sa_column=bigint())
    remaining: int = Field(sa_column=bigint())


class Idempotency(SQLModel, table=True):
    """A partner's key and the one effect (journal or member) it stands for, for ever."""

    __tablename__ = "idempotency"

    partner_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    effect_id: str = Field(unique=True)
    answer: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
