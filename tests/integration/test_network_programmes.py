"""What is in force at a partner is remembered for a moment, and never from before a publication that is known of."""

import asyncio
from datetime import timedelta

import pytest

from kernel.clock import MovableClock
from kernel.database import Connection, Database
from network.programmes import Programmes
from points.programme.publishing import Publication, publish
from points.programme.registry import Versions
from points.programme.shelf import template
from points.programme.text import read_programme
from tests.support.ledger import START

CAFE = read_programme(template("cafe"))
LATER = START + timedelta(minutes=1)


async def put_in_force(db: Database) -> None:
    async with db.unit() as unit:
        await publish(unit, MovableClock(START), CAFE, {}, "ptn_a")


async def test_a_reader_with_an_old_snapshot_does_not_hide_a_publication(db: Database) -> None:
    programmes = Programmes(db, Versions(db))
    async with db.read() as read:
        await read.connection.fetchval("SELECT count(*) FROM programme_publication")  # the snapshot is from now on
        await put_in_force(db)
        programmes.forget()
        old = await programmes.in_force("ptn_a", LATER, read.connection)
    assert old.version.programme.programme == "commonpoint"
    assert (await programmes.in_force("ptn_a", LATER)).version.programme == CAFE


async def test_a_reading_that_began_before_a_publication_is_not_remembered(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    programmes = Programmes(db, Versions(db))
    go_on, plainly = asyncio.Event(), programmes._read

    async def slowly(partner_id: str, connection: "Connection | None") -> list[Publication]:
        found = await plainly(partner_id, connection)
        await go_on.wait()
        return found

    monkeypatch.setattr(programmes, "_read", slowly)
    slow = asyncio.create_task(programmes.in_force("ptn_a", LATER))
    await asyncio.sleep(0.05)
    await put_in_force(db)
    programmes.forget()
    go_on.set()
    assert (await slow).version.programme.programme == "commonpoint"
    assert (await programmes.in_force("ptn_a", LATER)).version.programme == CAFE
