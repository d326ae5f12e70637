"""Putting the mirror together for those who wire the service."""

import hashlib
import hmac
from dataclasses import dataclass

from kernel.database import Database
from kernel.errors import Invalid
from tokens.batches import Limits
from tokens.chain import Chain, MemoryChain, open_chain
from tokens.deploying import Terms
from tokens.mirror import BATCH, MirrorFollower
from tokens.reconcile import Reconciliation, reconcile
from tokens.sending import RECEIPT_TIMEOUT_S, Sender
from tokens.signing import Signer

OPENING_CAP = 10_000_000
OPENINGS = 1_000
FEE_CEILING_WEI = 100 * 10**9


class SenderKeyMissing(Invalid):
    """A real chain needs a key of one's own."""

    code = "sender_key_missing"
    title = "The chain needs a sender's key"


@dataclass(frozen=True, slots=True)
class Mirror:
    """The mirror, ready to be wired: give `follower` to the outbox and call `index_once` every few seconds."""

    db: Database
    chain: Chain
    follower: MirrorFollower

    async def index_once(self) -> None:
        """Follow the chain to its head, undo what it took back, send again what is not mined. Raises Unavailable."""
        await self.follower.settle()

    async def reconcile(self) -> Reconciliation:
        """Compare ledger, mirror and chain as they are now."""
        return await reconcile(self.db, self.chain)

    async def close(self) -> None:
        """Let go of the chain."""
        await self.chain.close()


async def open_mirror(
    db: Database,
    chain_url: str,
    secret: bytes,
    sender_key: bytes | None = None,
    *,
    admin: str | None = None,
    guardian: str | None = None,
    opening_cap: int = OPENING_CAP,
    openings: int = OPENINGS,
    fee_ceiling_wei: int = FEE_CEILING_WEI,
    batch: int = BATCH,
    limits: Limits | None = None,
    receipt_timeout_s: float = RECEIPT_TIMEOUT_S,
    chain: Chain | None = None,
) -> Mirror:
    """The mirror on the chain at `chain_url`. Does not wait for the chain: a node that is away shows in the follower.

    `secret` makes the members' addresses and must never change; `sender_key` (32 bytes) posts the batches and may be
    left out for `memory:`. `admin` and `guardian` are addresses, by default the sender's, which only suits
    development. `opening_cap` is in points per partner; `openings` is how many partners batches may open by themselves.
    """
    used = chain or open_chain(chain_url)
    signer = Signer(_sender_key(used, secret, sender_key))
    terms = Terms(admin or signer.address, guardian or signer.address, opening_cap, openings)
    sender = Sender(db, used, receipt_timeout_s)
    follower = MirrorFollower(db, used, signer, secret, terms, sender, fee_ceiling_wei, batch, limits)
    return Mirror(db, used, follower)


def _sender_key(chain: Chain, secret: bytes, sender_key: bytes | None) -> bytes:
    if sender_key is not None:
        return sender_key
    if not isinstance(chain, MemoryChain):
        raise SenderKeyMissing("Give the private key that posts batches; only memory: can do without.")
    return hmac.digest(secret, b"commonpoint memory chain sender", hashlib.sha256)
