"""Gas per member whose points changed, in full batches: first for new holders, then for known ones.

    python -m bench.gas

On the chain in memory, by the receipts; the first batch of a partner also opens its account on the contract.
"""

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from api.migrations import migrate
from kernel.clock import MovableClock
from kernel.database import Database
from kernel.embedded import ensure_database, start_embedded, stop_embedded
from points.commands import Command, Earn, Redeem
from points.ledger import Ledger
from points.members import join
from points.programme.events import Event
from points.programme.shelf import default_version
from points.programme.version import InForce, TermsRate
from tokens.mirror import BATCH
from tokens.opening import Mirror, open_mirror

CLOCK = MovableClock(datetime(2026, 1, 1, tzinfo=UTC))
RULE = TermsRate("bench", 1, 100)
IN_FORCE = InForce(default_version())


async def main() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        url = await ensure_database(start_embedded(Path(folder) / "postgres"), "gas")
        await migrate(url)
        db = await Database.connect(url)
        mirror = await open_mirror(db, "memory:", b"the secret of the members' addresses")
        members = [await _member(db, number) for number in range(BATCH)]
        batches: list[tuple[str, list[Command]]] = [
            ("new holder, earning", [_earn(member, "first") for member in members]),
            ("known holder, earning", [_earn(member, "second") for member in members]),
            ("redemption, first at this partner", [_redeem(member, "third") for member in members]),
            ("redemption, partner known", [_redeem(member, "fourth") for member in members]),
        ]
        for name, commands in batches:
            print(f"{name:36} {await _gas(db, mirror, members, commands):8,.0f} gas per change, {BATCH} in a batch")
        await mirror.close()
        await db.close()
        stop_embedded(Path(folder) / "postgres")


async def _gas(db: Database, mirror: Mirror, members: list[str], commands: list[Command]) -> float:
    before = await mirror.reconcile()
    async with db.unit() as unit:
        await Ledger(CLOCK).apply(unit.connection, commands)
    failed = await mirror.follower.follow(members)
    if failed:
        raise next(iter(failed.values()))
    after = await mirror.reconcile()
    assert after.agrees, after.differences
    return (after.gas_used - before.gas_used) / (after.changes - before.changes)


async def _member(db: Database, number: int) -> str:
    async with db.unit() as unit:
        return (await join(unit, CLOCK, "ptn_issuer", f"Member {number}", "en")).member.id


def _earn(member_id: str, key: str) -> Earn:
    return Earn(
        partner_id="ptn_issuer",
        key=f"{key} {member_id}",
        fingerprint=b"",
        occurred_at=CLOCK.now(),
        member_id=member_id,
        event=Event(amount_minor=10_000),
        currency="EUR",
        in_force=IN_FORCE,
        terms=RULE,
    )


def _redeem(member_id: str, key: str) -> Redeem:
    return Redeem(
        partner_id="ptn_acceptor",
        key=f"{key} {member_id}",
        fingerprint=b"",
        occurred_at=CLOCK.now(),
        member_id=member_id,
        points=25,
    )


if __name__ == "__main__":
    asyncio.run(main())
