"""Tables of Google Wallet: what Google was told, what it told us, and the keys of Smart Tap."""

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, Float, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from kernel.tables import bigint, moment


class GoogleObject(SQLModel, table=True):
    """What Google was last told of a pass (the change number and the hash of the body), and who holds it.

    `held` is what callbacks and reconciling say of holders: `unknown` before the first word, `saved`, or `deleted`;
    `held_at` is the moment of that word, so that an older one arriving later changes nothing. `linked` are the offer
    objects that were linked to the card: Google cannot unlink. `refused` is why Google will not take the body with the
    hash `refused_hash`: it is not sent again before it changes.
    """

    __tablename__ = "google_object"
    __table_args__ = (
        CheckConstraint("held IN ('unknown', 'saved', 'deleted')", name="google_object_held"),
        Index("google_object_checked", "checked_at", "pass_id"),
    )

    pass_id: str = Field(primary_key=True)
    pushed_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    pushed_hash: str
    pushed_at: datetime = Field(sa_column=moment(now=True))
    held: str = Field(default="unknown", sa_column_kwargs={"server_default": "unknown"})
    held_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    holders: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    checked_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    linked: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}"))
    refused: str | None = None
    refused_hash: str | None = None


class GoogleClass(SQLModel, table=True):
    """What Google was last told of a class; `review` is what it said of the class when last asked."""

    __tablename__ = "google_class"

    id: str = Field(primary_key=True)
    body_hash: str
    updated_at: datetime = Field(sa_column=moment(now=True))
    review: str | None = None


class GooglePushState(SQLModel, table=True):
    """How calls for an issuer go, as the process that pushes last found it: see `push_state.PushState`. `rate_per_s` is
    the pace at present."""

    __tablename__ = "google_push_state"
    __table_args__ = (CheckConstraint("standing IN ('open', 'waiting', 'stopped')", name="google_push_state_standing"),)

    issuer_id: str = Field(primary_key=True)
    standing: str
    reason: str = Field(default="", sa_column_kwargs={"server_default": ""})
    rate_per_s: float = Field(sa_column=Column(Float, nullable=False))
    since: datetime = Field(sa_column=moment())
    updated_at: datetime = Field(sa_column=moment(now=True))


class GoogleCallback(SQLModel, table=True):
    """A verified callback, known by its nonce for ever: a second delivery finds it here. `taken_at` is when it moved
    the state of its object."""

    __tablename__ = "google_callback"
    __table_args__ = (
        CheckConstraint("event IN ('save', 'del')", name="google_callback_event"),
        Index("google_callback_waiting", "received_at", postgresql_where=text("taken_at IS NULL")),
    )

    nonce: str = Field(primary_key=True)
    class_id: str
    object_id: str
    event: str
    count: int
    said_until: datetime = Field(sa_column=moment())
    received_at: datetime = Field(sa_column=moment())
    taken_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class SmartTapKey(SQLModel, table=True):
    """A reader's long-term key (P-256), private half sealed, whose public half the issuer publishes to Google under
    `version`; `collector_id` is what Google gave for it. Without `partner_id` it is the coalition's."""

    __tablename__ = "smart_tap_key"
    __table_args__ = (
        CheckConstraint("state IN ('current', 'retiring', 'retired')", name="smart_tap_key_state"),
        UniqueConstraint("collector_id", "version", name="smart_tap_key_version"),
    )

    id: str = Field(primary_key=True)
    partner_id: str | None = None
    collector_id: int = Field(sa_column=bigint())
    version: int
    public_key: str
    sealed: bytes
    state: str = Field(default="current", sa_column_kwargs={"server_default": "current"})
    created_at: datetime = Field(sa_column=moment())
    retired_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class SmartTapSession(SQLModel, table=True):
    """A tap under way: what we signed for a reader, and the ephemeral key (sealed) that opens the phone's answer once.

    The ephemeral key is destroyed when the session is used or over.
    """

    __tablename__ = "smart_tap_session"
    __table_args__ = (Index("smart_tap_session_good", "good_until"),)

    id: str = Field(primary_key=True)
    terminal_id: str
    sequence: int = Field(sa_column=bigint())
    key_id: str
    sealed: bytes | None = None
    transcript: bytes
    made_at: datetime = Field(sa_column=moment())
    good_until: datetime = Field(sa_column=moment())
    used_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
