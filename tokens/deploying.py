"""Finding the contract on the chain, or putting it there.

A deployment is known by the hash of the chain's first block. A first block never seen means that the chain is new
(`memory:` after a restart): the deepest of all reorganisations. Then everything mirrored is forgotten, the contract is
created anew and every member is looked at again.
"""

from dataclasses import dataclass

import structlog
from eth_utils.crypto import keccak

from kernel.database import Connection, Database
from kernel.outbox import touch
from tokens.batches import batch_id
from tokens.chain import Chain, ChainAway
from tokens.contract import DEPLOYMENT_GAS, deployment
from tokens.sending import MIRROR, Stored, store
from tokens.signing import Signer, fee_offer

log = structlog.get_logger(__name__)

_PAGE = 10_000
_FORGET = (
    "mirror_move",
    "mirror_batch",
    "mirror_position",
    "mirror_balance",
    "chain_event",
    "chain_block",
    "chain_sender",
)
_CURRENT = "SELECT genesis_hash, contract, first_block FROM chain_deployment WHERE retired_at IS NULL"
_NEW = "INSERT INTO chain_deployment (genesis_hash, contract, chain_id, first_block) VALUES ($1, $2, $3, $4)"
_NEW_SENDER = "INSERT INTO chain_sender (address, next_nonce) VALUES ($1, $2) ON CONFLICT (address) DO NOTHING"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('commonpoint chain deployment', 0))"


@dataclass(frozen=True, slots=True)
class Terms:
    """How a new contract is set up: who may do what, and how far batches may go without the admin.

    `opening_cap` is in points per partner; `openings` is how many partners batches may open.
    """

    admin: str
    guardian: str
    opening_cap: int
    openings: int


@dataclass(frozen=True, slots=True)
class Deployment:
    """The contract that is in use."""

    contract: str
    first_block: int


async def current(connection: Connection) -> Deployment | None:
    """The deployment in use, None before the first."""
    row = await connection.fetchrow(_CURRENT)
    return None if row is None else Deployment(row["contract"], row["first_block"])


async def ensure_deployed(db: Database, chain: Chain, signer: Signer, terms: Terms, fee_ceiling: int) -> Deployment:
    """The deployment on this chain; if there is none, a new one, signed and stored. Sending is left to the sender."""
    genesis = await chain.block(0)
    if genesis is None:
        raise ChainAway("The node has no first block.")
    async with db.read() as read:
        row = await read.connection.fetchrow(_CURRENT)
        known = await read.connection.fetchval("SELECT true FROM chain_sender WHERE address = $1", signer.address)
    if row is not None and row["genesis_hash"] == genesis.hash:
        if not known:
            await _register_sender(db, signer.address, await chain.nonce(signer.address))
        return Deployment(row["contract"], row["first_block"])
    return await _deploy(db, chain, signer, terms, fee_ceiling, genesis.hash)


def created_address(sender: str, nonce: int) -> str:
    """Where a contract created by `sender` with `nonce` will be: the last 20 bytes of keccak256(rlp([sender, nonce])).

    RLP: ethereum.org/developers/docs/data-structures-and-encoding/rlp
    """
    digits = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    number = digits if 0 < nonce < 0x80 else bytes([0x80 + len(digits)]) + digits
    body = bytes([0x80 + 20]) + bytes.fromhex(sender.removeprefix("0x")) + number
    return "0x" + keccak(bytes([0xC0 + len(body)]) + body)[-20:].hex()


async def _deploy(
    db: Database, chain: Chain, signer: Signer, terms: Terms, fee_ceiling: int, genesis_hash: bytes
) -> Deployment:
    await chain.fund(signer.address)
    chain_id, nonce, head = await chain.chain_id(), await chain.nonce(signer.address), await chain.head()
    data = deployment(terms.admin, signer.address, terms.guardian, terms.opening_cap, terms.openings)
    signed = signer.sign(chain_id, nonce, None, data, DEPLOYMENT_GAS, fee_offer(await chain.fees(), fee_ceiling))
    contract = created_address(signer.address, nonce)
    name = batch_id(chain_id, contract, signer.address, nonce)
    transaction = Stored(name, signer.address, nonce, signed.raw, signed.hash, data)
    async with db.unit() as unit:
        await unit.connection.execute(_LOCK)
        row = await unit.connection.fetchrow(_CURRENT)
        if row is not None and row["genesis_hash"] == genesis_hash:  # another process was quicker
            return Deployment(row["contract"], row["first_block"])
        await _forget(unit.connection)
        await unit.connection.execute(_NEW, genesis_hash, contract, chain_id, head.number)
        await unit.connection.execute(_NEW_SENDER, signer.address, nonce + 1)
        await store(unit.connection, transaction, (), 0)
    log.info("mirror.deploying", chain_id=chain_id, contract=contract)
    return Deployment(contract, head.number)


async def _register_sender(db: Database, address: str, nonce: int) -> None:
    """A new key takes over; the contract's admin has to give it the poster's role."""
    async with db.unit() as unit:
        await unit.connection.execute(_NEW_SENDER, address, nonce)


async def _forget(connection: Connection) -> None:
    await connection.execute("UPDATE chain_deployment SET retired_at = now() WHERE retired_at IS NULL")
    for table in _FORGET:
        await connection.execute(f"DELETE FROM {table}")
    last = ""
    while members := await connection.fetch("SELECT id FROM member WHERE id > $1 ORDER BY id LIMIT $2", last, _PAGE):
        last = members[-1]["id"]
        await touch(connection, MIRROR, [row["id"] for row in members])
