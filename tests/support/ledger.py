"""Shortcuts to say commands in tests."""

import hashlib
from datetime import UTC, datetime
from itertools import count

from kernel.clock import MovableClock
from kernel.database import Database
from points.commands import Earn, Redeem, Reverse
from points.decision import NewId
from points.members import join
from points.programme.events import Event
from points.programme.shelf import default_version
from points.programme.version import InForce, TermsRate

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE_PER_UNIT = TermsRate("trm_test", 1, 100)
IN_FORCE = InForce(default_version())
_keys = count(1)


def a_key() -> str:
    return f"key-{next(_keys)}"


def counting_ids() -> NewId:
    """Ids in order that are the same in every run: `lot_00000001`."""
    numbers = count(1)
    return lambda prefix: f"{prefix}_{next(numbers):08}"


def _print(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


def earn(
    member_id: str, amount_minor: int, partner_id: str = "ptn_a", key: str | None = None, rule: TermsRate = ONE_PER_UNIT
) -> Earn:
    return Earn(
        partner_id=partner_id,
        key=key or a_key(),
        fingerprint=_print("earn", member_id, amount_minor),
        occurred_at=START,
        member_id=member_id,
        event=Event(amount_minor=amount_minor),
        currency="EUR",
        in_force=IN_FORCE,
        terms=rule,
    )


def redeem(member_id: str, points: int, partner_id: str = "ptn_b", key: str | None = None) -> Redeem:
    return Redeem(
        partner_id=partner_id,
        key=key or a_key(),
        fingerprint=_print("redeem", member_id, points),
        occurred_at=START,
        member_id=member_id,
        points=points,
    )


def reverse(
    journal_id: str,
    amount_minor: int | None = None,
    points: int | None = None,
    partner_id: str = "ptn_a",
    key: str | None = None,
) -> Reverse:
    return Reverse(
        partner_id=partner_id,
        key=key or a_key(),
        fingerprint=_print("reverse", journal_id, amount_minor, points),
        occurred_at=START,
        journal_id=journal_id,
        amount_minor=amount_minor,
        points=points,
    )


async def a_member(db: Database, partner_id: str = "ptn_a", name: str = "Alex") -> str:
    async with db.unit() as unit:
        return (await join(unit, MovableClock(START), partner_id, name, "en")).member.id


async def journals_of(db: Database, member_id: str) -> int:
    """How many effects the member has seen."""
    async with db.read() as read:
        return int(await read.connection.fetchval("SELECT count(*) FROM journal WHERE member_id = $1", member_id))
