"""Tables of published programmes. Contents are kept once, by their hash; publications say where and from when."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from kernel.tables import moment


class ProgrammeVersion(SQLModel, table=True):
    """The canonical form of a programme; `id` is its SHA-256. Never edited."""

    __tablename__ = "programme_version"

    id: str = Field(primary_key=True)
    content: bytes
    created_at: datetime = Field(sa_column=moment())


class PublicationRow(SQLModel, table=True):
    """A version in force at a partner (or, without one, in the whole coalition) from a moment on. Never edited.

    `ids` says which partner or location each name of the file stands for.
    """

    __tablename__ = "programme_publication"
    __table_args__ = (
        Index(
            "programme_publication_start",
            "partner_id",
            "effective_from",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: str = Field(primary_key=True)
    partner_id: str | None = Field(default=None)
    version_id: str = Field(index=True)
    effective_from: datetime = Field(sa_column=moment())
    ids: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime = Field(sa_column=moment())
