"""When time may next change something is never forgotten, whichever programme a command comes under."""

from dataclasses import replace
from datetime import UTC, datetime

from kernel.clock import MovableClock
from kernel.database import Database
from points.answers import Done
from points.commands import INTERNAL, Mature
from points.ledger import BuiltIn, Ledger
from points.programme.canonical import version_of
from points.programme.events import Event
from points.programme.shelf import template
from points.programme.text import read_programme
from points.programme.version import InForce
from tests.support.ledger import IN_FORCE, START, a_member, earn, redeem, reverse

HOME = version_of(read_programme(template("household_bonus")))


async def due_of(db: Database, member: str) -> datetime | None:
    async with db.read() as read:
        due: datetime | None = await read.connection.fetchval(
            "SELECT due_at FROM account WHERE id = $1", f"{member}/spendable"
        )
        return due


async def test_a_months_total_is_paid_although_the_member_shopped_elsewhere_since(db: Database) -> None:
    clock, shelf = MovableClock(START), BuiltIn()
    shelf[HOME.id] = HOME
    ledger = Ledger(clock, versions=shelf)
    member, at_home = await a_member(db), InForce(HOME)
    bought = replace(earn(member, 1), event=Event(amount_minor=60_000), in_force=at_home)
    elsewhere = earn(member, 5_000, "ptn_b")
    async with db.unit() as unit:
        first, second = await ledger.apply(unit.connection, [bought, elsewhere])
        assert isinstance(second, Done)
        spent = replace(redeem(member, 10, "ptn_b"), in_force=IN_FORCE)
        await ledger.apply(unit.connection, [spent, reverse(second.outcome.id, 100, partner_id="ptn_b")])
    assert isinstance(first, Done)
    due = await due_of(db, member)
    assert due is not None
    assert due <= datetime(2026, 3, 31, 22, tzinfo=UTC)
    clock.move_to(datetime(2026, 4, 1, 3, tzinfo=UTC))
    matured = Mature(
        partner_id="ptn_a", key="m", key_owner=INTERNAL, fingerprint=b"", occurred_at=clock.now(), member_id=member,
        in_force=at_home,
    )  # fmt: skip
    async with db.unit() as unit:
        (paid,) = await ledger.apply(unit.connection, [matured])
    assert isinstance(paid, Done)
    assert (paid.outcome.kind, paid.outcome.points > 0) == ("total", True)
    assert (await due_of(db, member) or datetime.max.replace(tzinfo=UTC)) > clock.now()
