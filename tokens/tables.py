"""Tables of the mirror. Everything about a chain hangs on `chain_deployment`: a chain that is new is mirrored anew.

Hashes are bytes as the chain has them; addresses are lower case hexadecimal text.
"""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, LargeBinary
from sqlmodel import Field, SQLModel

from kernel.tables import bigint, moment


def blob(*, nullable: bool = False) -> "Column[bytes]":
    """A `bytea` column."""
    return Column(LargeBinary, nullable=nullable)


class ChainDeployment(SQLModel, table=True):
    """The contract on one chain, known by its first block's hash. One is current: its `retired_at` is null."""

    __tablename__ = "chain_deployment"

    genesis_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    contract: str = Field(primary_key=True)
    chain_id: int = Field(sa_column=bigint())
    first_block: int = Field(sa_column=bigint())
    deployed_at: datetime = Field(sa_column=moment(now=True))
    retired_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class ChainSender(SQLModel, table=True):
    """The next nonce of a sender's key. Its row lock decides who plans."""

    __tablename__ = "chain_sender"

    address: str = Field(primary_key=True)
    next_nonce: int = Field(sa_column=bigint())


class MirrorPartner(SQLModel, table=True):
    """The number by which the chain knows a partner."""

    __tablename__ = "mirror_partner"

    partner_id: str = Field(primary_key=True)
    number: int = Field(sa_column=Column(BigInteger, Identity(always=True), unique=True))


class MirrorPosition(SQLModel, table=True):
    """Cumulative totals that were put into batches; `acceptor_id` is empty unless `kind` is redeemed."""

    __tablename__ = "mirror_position"

    member_id: str = Field(primary_key=True)
    issuer_id: str = Field(primary_key=True)
    acceptor_id: str = Field(primary_key=True, default="")
    kind: str = Field(primary_key=True)
    points: int = Field(sa_column=bigint())


class MirrorBalance(SQLModel, table=True):
    """What batches have made of a member's balance, and the address that holds it."""

    __tablename__ = "mirror_balance"

    member_id: str = Field(primary_key=True)
    address: str = Field(unique=True)
    mirrored: int = Field(sa_column=bigint())


class MirrorBatch(SQLModel, table=True):
    """A transaction of the mirror, stored with its signed bytes before it is sent. The first one creates the contract.

    `signed` may have been sent or not; `sent` was taken by a node; `mined` is in a block; `final` stays there;
    `reverted` used up its nonce and changed nothing, and what it would have mirrored was taken back.
    """

    __tablename__ = "mirror_batch"
    __table_args__ = (
        Index("mirror_batch_nonce", "sender", "nonce", unique=True),
        Index("mirror_batch_open", "nonce", postgresql_where="status IN ('signed', 'sent', 'mined')"),
        CheckConstraint("status IN ('signed', 'sent', 'mined', 'final', 'reverted')", name="mirror_batch_status"),
    )

    id: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    sender: str
    nonce: int = Field(sa_column=bigint())
    status: str = Field(default="signed")
    raw: bytes = Field(sa_column=blob())
    tx_hash: bytes = Field(sa_column=blob())
    payload: bytes = Field(sa_column=blob())
    change_count: int
    gas_used: int | None = Field(default=None, sa_column=bigint(nullable=True))
    block_number: int | None = Field(default=None, sa_column=bigint(nullable=True))
    block_hash: bytes | None = Field(default=None, sa_column=blob(nullable=True))
    planned_at: datetime = Field(sa_column=moment(now=True))


class MirrorMove(SQLModel, table=True):
    """One moved total inside a batch, kept until the batch is final: needed to take a reverted batch back."""

    __tablename__ = "mirror_move"

    batch_id: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    member_id: str = Field(primary_key=True)
    issuer_id: str = Field(primary_key=True)
    acceptor_id: str = Field(primary_key=True, default="")
    kind: str = Field(primary_key=True)
    points: int = Field(sa_column=bigint())


class ChainBlock(SQLModel, table=True):
    """A block that was read, kept while it may still be reorganised. The highest one is the indexer's cursor."""

    __tablename__ = "chain_block"

    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, unique=True, nullable=False))
    parent_hash: bytes = Field(sa_column=blob())


class ChainEvent(SQLModel, table=True):
    """An event of the contract, as seen in one block. `batch_applied` has a batch id; `transfer` has both ends."""

    __tablename__ = "chain_event"
    __table_args__ = (Index("chain_event_block", "block_number"),)

    block_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    log_index: int = Field(primary_key=True)
    block_number: int = Field(sa_column=bigint())
    tx_hash: bytes = Field(sa_column=blob())
    name: str
    batch_id: bytes | None = Field(default=None, sa_column=blob(nullable=True))
    sender: str | None = None
    receiver: str | None = None
    points: int = Field(sa_column=bigint())
