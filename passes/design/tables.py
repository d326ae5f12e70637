"""Tables of designs, pictures and releases."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from kernel.tables import bigint, moment


class DesignRow(SQLModel, table=True):
    """One version of a partner's design; never edited. `look` is the JSON of `passes.look.Look`."""

    __tablename__ = "card_design"
    __table_args__ = (UniqueConstraint("partner_id", "number", name="card_design_number"),)

    id: str = Field(primary_key=True)
    partner_id: str
    number: int
    look: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    actor: str
    created_at: datetime = Field(sa_column=moment())


class PictureRow(SQLModel, table=True):
    """A picture of a partner, decoded once and written anew as PNG. `id` is the SHA-256 of these bytes, in hex."""

    __tablename__ = "picture"
    __table_args__ = (Index("picture_partner", "partner_id"),)

    id: str = Field(primary_key=True)
    partner_id: str = Field(primary_key=True)
    width: int
    height: int
    png: bytes
    created_at: datetime = Field(sa_column=moment(now=True))


class ReleaseRow(SQLModel, table=True):
    """A design on its way to the partner's passes, or there.

    `share` per cent of the passes have it (which ones is a matter of the pass's id alone); `cursor` is the last pass
    that was told. The newest release whose share covers a pass decides what the pass shows.
    """

    __tablename__ = "design_release"
    __table_args__ = (
        CheckConstraint("share BETWEEN 1 AND 100", name="design_release_share"),
        Index("design_release_partner", "partner_id", "number"),
    )

    id: str = Field(primary_key=True)
    partner_id: str
    number: int = Field(sa_column=bigint())
    design_id: str
    share: int
    cursor: str = Field(default="", sa_column_kwargs={"server_default": ""})
    told: int = Field(default=0, sa_column=bigint(default=0))
    done_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    created_at: datetime = Field(sa_column=moment())
