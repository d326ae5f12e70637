"""Tables of the coalition: partners and their keys, places, terms, and what they owe each other."""

from datetime import datetime

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from kernel.tables import bigint, moment


class PartnerRow(SQLModel, table=True):
    """A business in the programme, with the brand its members see on their passes."""

    __tablename__ = "partner"
    __table_args__ = (CheckConstraint("status IN ('active', 'suspended', 'closed')", name="partner_status"),)

    id: str = Field(primary_key=True)
    name: str
    status: str = Field(default="active", sa_column_kwargs={"server_default": "active"})
    brand_name: str
    background: str
    foreground: str
    label_colour: str
    logo_text: str
    created_at: datetime = Field(sa_column=moment())


class ApiKey(SQLModel, table=True):
    """A bearer key. Only a keyed hash of its secret is kept; `partner_id` empty means the operator."""

    __tablename__ = "api_key"
    __table_args__ = (
        CheckConstraint("mode IN ('test', 'live')", name="api_key_mode"),
        Index("api_key_partner", "partner_id"),
    )

    id: str = Field(primary_key=True)
    partner_id: str | None = Field(default=None)
    hash: bytes
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    mode: str
    created_at: datetime = Field(sa_column=moment())
    revoked_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    last_used_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class LocationRow(SQLModel, table=True):
    """A place of a partner; its zone decides which business day a visit belongs to.

    Degrees are WGS 84; `beacon` (a UUID, with `beacon_major` and `beacon_minor`) is what a transmitter there says.
    """

    __tablename__ = "location"
    __table_args__ = (
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="location_whole"),
        Index("location_partner", "partner_id"),
        Index("location_latitude", "latitude", postgresql_where=text("latitude IS NOT NULL")),
    )

    id: str = Field(primary_key=True)
    partner_id: str
    name: str
    zone: str
    latitude: float | None = None
    longitude: float | None = None
    beacon: str | None = None
    beacon_major: int | None = None
    beacon_minor: int | None = None
    created_at: datetime = Field(sa_column=moment())


class TermsRow(SQLModel, table=True):
    """One version of a partner's terms, in force from `effective_from` until the next version. Never edited.

    A purchase earns `earn_points` for each `earn_per_minor` minor units; per point honoured the issuer pays
    `issuer_pays_micros` and the acceptor gets `acceptor_gets_micros` (1e-6 of the currency unit).
    """

    __tablename__ = "terms"
    __table_args__ = (
        UniqueConstraint("partner_id", "effective_from", name="terms_version"),
        CheckConstraint("earn_points >= 0 AND earn_per_minor > 0", name="terms_earn"),
        CheckConstraint("issuer_pays_micros >= 0 AND acceptor_gets_micros >= 0", name="terms_prices"),
    )

    id: str = Field(primary_key=True)
    partner_id: str
    effective_from: datetime = Field(sa_column=moment())
    currency: str
    earn_points: int = Field(sa_column=bigint())
    earn_per_minor: int = Field(sa_column=bigint())
    issuer_pays_micros: int = Field(sa_column=bigint())
    acceptor_gets_micros: int = Field(sa_column=bigint())
    created_at: datetime = Field(sa_column=moment())


class ObligationRow(SQLModel, table=True):
    """What one allocation of a redemption makes an issuer owe: negative when the redemption was taken back.

    `issuer_micros` is paid by the issuer, `acceptor_micros` goes to the acceptor, the difference is the operator's.
    """

    __tablename__ = "obligation"
    __table_args__ = (
        UniqueConstraint("allocation_id", name="obligation_allocation"),
        CheckConstraint("issuer_id <> acceptor_id", name="obligation_between_two"),
        Index("obligation_open", "recorded_at", postgresql_where=text("cycle_id IS NULL")),
        Index("obligation_cycle", "cycle_id", "allocation_id"),
        Index("obligation_journal", "journal_id"),
    )

    id: str = Field(primary_key=True)
    allocation_id: str
    journal_id: str
    lot_id: str
    issuer_id: str
    acceptor_id: str
    points: int = Field(sa_column=bigint())
    issuer_micros: int = Field(sa_column=bigint())
    acceptor_micros: int = Field(sa_column=bigint())
    currency: str
    cycle_id: str | None = Field(default=None)
    recorded_at: datetime = Field(sa_column=moment())


class CycleRow(SQLModel, table=True):
    """A closed set of obligations; `content_hash` chains it to the cycle before."""

    __tablename__ = "clearing_cycle"
    __table_args__ = (UniqueConstraint("number", name="clearing_cycle_number"),)

    id: str = Field(primary_key=True)
    number: int = Field(sa_column=bigint())
    currency: str
    closed_at: datetime = Field(sa_column=moment())
    obligations: int = Field(sa_column=bigint())
    content_hash: str


class NetPositionRow(SQLModel, table=True):
    """What one party receives (positive) or pays (negative) for a cycle, and what is carried to the next."""

    __tablename__ = "net_position"

    cycle_id: str = Field(primary_key=True)
    party_id: str = Field(primary_key=True)
    pays_micros: int = Field(sa_column=bigint())
    gets_micros: int = Field(sa_column=bigint())
    carried_in_micros: int = Field(sa_column=bigint())
    net_minor: int = Field(sa_column=bigint())
    carry_micros: int = Field(sa_column=bigint())


class TerminalRow(SQLModel, table=True):
    """A reader at a till. `sequence` is the highest number it has used: each of its messages has a higher one."""

    __tablename__ = "terminal"
    __table_args__ = (Index("terminal_partner", "partner_id"),)

    id: str = Field(primary_key=True)
    partner_id: str
    location_id: str | None = None
    name: str
    sequence: int = Field(default=0, sa_column=bigint(default=0))
    created_at: datetime = Field(sa_column=moment())
    revoked_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
