"""Proofs that a member is at the till now, or agrees: made from what was shown, used up by one spending.

A card's static code can be photographed, so it says who somebody claims to be and no more. A proof is good for a few
minutes, at one partner, for one member (or whoever shares their account), once; the ledger takes it in the same
transaction as the points.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

from kernel.database import Connection
from kernel.ids import new_id
from points.decision import ProofState

# `rotating_code`: from the pass or the member's own page; `tap`: a phone held to an enrolled reader.
Way = Literal["rotating_code", "tap", "confirmation", "pin"]

GOOD_FOR: Final = timedelta(minutes=5)

_MAKE = """
INSERT INTO proof (id, member_id, partner_id, way, made_at, good_until) VALUES ($1, $2, $3, $4, $5, $6)
"""

# Proofs are locked after accounts, caps and meters, in the order of their ids.
_READ = """
SELECT proof.id, proof.member_id, coalesce(account.pool_id, proof.member_id) AS holder_id,
       account.pool_id IS NULL OR account.may_spend AS may_spend, proof.partner_id, way, proof.good_until,
       (SELECT min(points) FROM confirmation WHERE proof_id = proof.id) AS points, used_by IS NOT NULL AS used
FROM proof LEFT JOIN account ON account.id = proof.member_id || '/spendable'
WHERE proof.id = ANY($1::text[]) ORDER BY proof.id
"""
_USE = """
UPDATE proof SET used_by = new.used_by FROM unnest($1::text[], $2::text[]) AS new (id, used_by)
WHERE proof.id = new.id AND proof.used_by IS NULL
"""


class ProofTaken(Exception):
    """A proof that was locked as unused is used: the lock did not hold."""


async def make_proof(connection: Connection, member_id: str, partner_id: str, way: Way, now: datetime) -> str:
    """A new proof for spending at the partner; its id. `now` is business time."""
    proof_id = new_id("prf")
    await connection.execute(_MAKE, proof_id, member_id, partner_id, way, now, now + GOOD_FOR)
    return proof_id


async def read_proofs(
    connection: Connection, proof_ids: Iterable[str], *, holding: bool = True
) -> dict[str, ProofState]:
    """Those of the proofs that exist, locked until the transaction ends; without `holding` a look at a snapshot."""
    asked = sorted(set(proof_ids))
    if not asked:
        return {}
    rows = await connection.fetch(f"{_READ} FOR UPDATE OF proof" if holding else _READ, asked)
    return {row["id"]: ProofState(**row) for row in rows}


async def use_proofs(connection: Connection, used: Mapping[str, str]) -> None:
    """Write which journal used up each proof (proof id -> journal id). Raises ProofTaken."""
    if used:
        status = await connection.execute(_USE, list(used), list(used.values()))
        if status != f"UPDATE {len(used)}":
            raise ProofTaken(f"{len(used)} proofs were to be used: {status}")
