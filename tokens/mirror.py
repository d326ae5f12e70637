"""The follower that brings the chain's balances to the ledger's: look, compare, plan one batch, store, send, wait.

A crash between any two steps is harmless: what is stored is sent again with the same bytes, what is not stored was
never sent, and what was planned already is no longer out of step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from kernel.bulk import columns_of, insert_many
from kernel.database import Connection, Database
from kernel.errors import CommonpointError, Unavailable
from points.statement import positions
from tokens.batches import (
    Counters,
    Key,
    Limits,
    MemberChange,
    batch_id,
    changes,
    counters,
    fitting,
    gas,
    member_address,
    pack,
)
from tokens.chain import Chain, Reverted
from tokens.contract import ContractRefused, DatabaseBehindChain, apply_batch, refusal
from tokens.deploying import Deployment, Terms, ensure_deployed
from tokens.indexer import Indexer
from tokens.sending import MIRROR, Sender, Stored, is_next, reserve_nonce, store
from tokens.signing import Signer, fee_offer
from tokens.tables import MirrorBalance, MirrorPosition

log = structlog.get_logger(__name__)

BATCH = 250
ROUNDS_MAX = 64
_POSITION_COLUMNS = ("member_id", "issuer_id", "acceptor_id", "kind", "points")
_BALANCE_COLUMNS = ("member_id", "address", "mirrored")

_MIRRORED = """
SELECT member_id, issuer_id, acceptor_id, kind, points FROM mirror_position WHERE member_id = ANY($1::text[])
"""

_NUMBER_PARTNERS = """
INSERT INTO mirror_partner (partner_id) SELECT unnest($1::text[]) ON CONFLICT (partner_id) DO NOTHING
"""

_NUMBERS = "SELECT partner_id, number FROM mirror_partner WHERE partner_id = ANY($1::text[])"

# Refusals that stop only those who would raise what the partner owes; any other concerns all who touch it.
_ABOUT_RISING = frozenset({"CapExceeded", "PartnerClosed"})


class Busy(Unavailable):
    """Others kept planning batches before this one could; looking again soon helps."""

    code = "mirror_busy"
    title = "The mirror is busy"


class NonceGap(Unavailable):
    """A transaction that reverted was reorganised away, so its nonce is free again; a person must fill it."""

    code = "mirror_nonce_gap"
    title = "A nonce of the chain's sender is missing"


@dataclass(frozen=True, slots=True)
class Plan:
    """One batch that could be brought, computed from one snapshot of the ledger at the sender's next nonce."""

    nonce: int
    batch_id: bytes
    changes: tuple[MemberChange, ...]
    numbers: Mapping[str, int]
    deltas: Mapping[str, Counters]
    payload: bytes

    @property
    def gas(self) -> int:
        """The transaction's gas limit."""
        return gas(len(self.changes), len(self.deltas))


class MirrorFollower:
    """Hears the notes of kind "mirror" (subject: member id). One batch is on its way at a time."""

    kind = MIRROR

    def __init__(
        self,
        db: Database,
        chain: Chain,
        signer: Signer,
        secret: bytes,
        terms: Terms,
        sender: Sender,
        fee_ceiling: int,
        batch: int = BATCH,
        limits: Limits | None = None,
    ) -> None:
        self._db = db
        self._chain = chain
        self._signer = signer
        self._secret = secret
        self._terms = terms
        self._sender = sender
        self._fee_ceiling = fee_ceiling
        self._limits = limits or Limits()
        self.batch = batch

    async def follow(self, subjects: Sequence[str]) -> Mapping[str, Exception]:
        """Bring these members' points on the chain; returns those that the contract would refuse, and why."""
        deployment = await self.settle()
        failed: dict[str, Exception] = {}
        for _ in range(ROUNDS_MAX):
            plan = await self._plan(deployment, sorted(set(subjects) - failed.keys()))
            if plan is None:
                return failed
            refused = await self._refusal(deployment, plan)
            if refused is None:
                await self._store(deployment, plan)
            elif await self._still_next(plan.nonce):
                failed.update(concerned(plan, refused))
            await self._sender.finish_open()
        raise Busy("Other batches kept coming first.", 1.0)

    async def settle(self) -> Deployment:
        """Bring what is stored to an end: the contract is there, the index at the head, every batch mined."""
        deployment = await ensure_deployed(self._db, self._chain, self._signer, self._terms, self._fee_ceiling)
        indexer = Indexer(self._db, self._chain, deployment)
        await indexer.run_once()
        await self._sender.finish_open()
        await indexer.run_once()
        return deployment

    async def _plan(self, deployment: Deployment, member_ids: Sequence[str]) -> Plan | None:
        async with self._db.read() as read:
            nonce = await read.connection.fetchval(
                "SELECT next_nonce FROM chain_sender WHERE address = $1", self._signer.address
            )
            waiting = await out_of_step(read.connection, member_ids)
        if not waiting:
            return None
        await self._check_nonce(nonce)
        chosen = fitting(waiting, self._limits)
        deltas = counters(move for change in chosen for move in change.moves)
        numbers = await self._numbers(sorted({partner for change in chosen for partner in change.partners}))
        name = batch_id(await self._chain.chain_id(), deployment.contract, self._signer.address, nonce)
        by_number = {numbers[partner]: delta for partner, delta in deltas.items()}
        return Plan(nonce, name, tuple(chosen), numbers, deltas, apply_batch(name, by_number, self._packed(chosen)))

    async def _check_nonce(self, nonce: int) -> None:
        seen = await self._chain.nonce(self._signer.address)
        if seen == nonce or not await self._still_next(nonce):  # else another worker's batch is on its way
            return
        if seen > nonce:
            raise DatabaseBehindChain("The sender's key was used beyond this database.", chain=seen, database=nonce)
        raise NonceGap("The chain lost transactions of the sender.", 30.0, chain=seen, database=nonce)

    async def _still_next(self, nonce: int) -> bool:
        async with self._db.read() as read:
            return await is_next(read.connection, self._signer.address, nonce)

    def _packed(self, chosen: Sequence[MemberChange]) -> bytes:
        entries = ((self._address(change.member_id), change.delta) for change in chosen if change.delta)
        # In the order of the addresses, so that the order says nothing about who joined when.
        return pack(sorted((bytes.fromhex(address[2:]), delta) for address, delta in entries))

    def _address(self, member_id: str) -> str:
        return member_address(self._secret, member_id)

    async def _numbers(self, partner_ids: Sequence[str]) -> dict[str, int]:
        async with self._db.unit() as unit:
            await unit.connection.execute(_NUMBER_PARTNERS, list(partner_ids))
            rows = await unit.connection.fetch(_NUMBERS, list(partner_ids))
        return {row["partner_id"]: row["number"] for row in rows}

    async def _refusal(self, deployment: Deployment, plan: Plan) -> CommonpointError | None:
        """What the contract would say; asking costs nothing, a reverted transaction would."""
        try:
            await self._chain.call(deployment.contract, plan.payload, sender=self._signer.address)
        except Reverted as error:
            return refusal(error.data)
        return None

    async def _store(self, deployment: Deployment, plan: Plan) -> None:
        """Sign and write the batch with what it mirrors, unless another batch came first: then the plan is void."""
        chain_id = await self._chain.chain_id()
        fees = fee_offer(await self._chain.fees(), self._fee_ceiling)
        signed = self._signer.sign(chain_id, plan.nonce, deployment.contract, plan.payload, plan.gas, fees)
        transaction = Stored(plan.batch_id, self._signer.address, plan.nonce, signed.raw, signed.hash, plan.payload)
        async with self._db.unit() as unit:
            if not await reserve_nonce(unit.connection, self._signer.address, plan.nonce):
                return
            await store(unit.connection, transaction, [m for c in plan.changes for m in c.moves], len(plan.changes))
            await self._mark_mirrored(unit.connection, plan.changes)

    async def _mark_mirrored(self, connection: Connection, done: Sequence[MemberChange]) -> None:
        positions_ = [(*move.key, move.points) for change in done for move in change.moves]
        await connection.execute(
            insert_many(MirrorPosition, _POSITION_COLUMNS)
            + " ON CONFLICT (member_id, issuer_id, acceptor_id, kind)"
            + " DO UPDATE SET points = mirror_position.points + excluded.points",
            *columns_of(positions_, len(_POSITION_COLUMNS)),
        )
        balances = [(change.member_id, self._address(change.member_id), change.delta) for change in done]
        await connection.execute(
            insert_many(MirrorBalance, _BALANCE_COLUMNS)
            + " ON CONFLICT (member_id) DO UPDATE SET mirrored = mirror_balance.mirrored + excluded.mirrored",
            *columns_of(balances, len(_BALANCE_COLUMNS)),
        )


async def out_of_step(connection: Connection, member_ids: Sequence[str]) -> list[MemberChange]:
    """What the ledger says of these members that no batch has taken up yet."""
    now = {
        Key(p.member_id, p.issuer_id, p.acceptor_id or "", p.kind): p.points
        for p in await positions(connection, member_ids)
    }
    rows = await connection.fetch(_MIRRORED, list(member_ids))
    mirrored = {Key(r["member_id"], r["issuer_id"], r["acceptor_id"], r["kind"]): r["points"] for r in rows}
    return changes(now, mirrored)


def concerned(plan: Plan, refused: CommonpointError) -> dict[str, Exception]:
    """Whose changes a refusal is about. Raises `refused` when it is about the batch as a whole."""
    if not isinstance(refused, ContractRefused) or "partner" not in refused.arguments:
        raise refused
    number = refused.arguments["partner"]
    partner = next((partner for partner, known in plan.numbers.items() if known == number), None)
    rising = refused.name in _ABOUT_RISING
    members = [c.member_id for c in plan.changes if partner is not None and _concerns(c, partner, rising)]
    if not members:
        raise refused
    return dict.fromkeys(members, refused)


def _concerns(change: MemberChange, partner: str, rising: bool) -> bool:
    if not rising:
        return partner in change.partners
    moved = counters(change.moves).get(partner)
    return moved is not None and moved.outstanding > 0
