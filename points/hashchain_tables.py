"""Tables of the hash chain: one seal per written batch, and the head that the next batch builds on."""

from sqlalchemy import CheckConstraint, Column, LargeBinary
from sqlmodel import Field, SQLModel

from kernel.tables import bigint


class ChainHead(SQLModel, table=True):
    """The single row that says how far the chain goes; written in the statement that writes the journals."""

    __tablename__ = "chain_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_chain_head"),)

    id: int = Field(default=1, primary_key=True)
    height: int = Field(sa_column=bigint())
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Seal(SQLModel, table=True):
    """A batch of `journals` journals, closed: `digest` is that of its last journal, `hash` chains it to all before."""

    __tablename__ = "seal"

    height: int = Field(sa_column=Column(bigint().type, primary_key=True, autoincrement=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    journals: int
