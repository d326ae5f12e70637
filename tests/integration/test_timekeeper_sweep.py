"""Whoever is due is matured by the sweeper, page by page, and it comes to an end."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

import points.timekeeper
from kernel.clock import MovableClock
from kernel.database import Database
from network.programmes import Programmes
from points.ledger import Ledger
from points.programme.publishing import publish
from points.programme.registry import Versions
from points.programme.text import read_programme
from points.statement import member_states
from points.teller import Teller
from points.timekeeper import Timekeeper
from tests.support.ledger import START, a_member, earn

WAITING = """
programme: waiting
names: {en: Waiting}
zone: UTC
currency: EUR
earn: [{id: base, kind: spend, per: 1, pending: {after: PT1H}}]
"""


async def test_everybody_who_is_due_is_matured_once_whatever_the_size_of_a_page(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(points.timekeeper, "MOST_AT_ONCE", 2)
    clock = MovableClock(START)
    async with db.unit() as unit:
        await publish(unit, clock, read_programme(WAITING), {}, None)
    programmes = Programmes(db, Versions(db))
    teller = Teller(db, Ledger(clock, versions=programmes.versions))
    await teller.start()
    members = [await a_member(db) for _ in range(5)]
    in_force = await programmes.in_force("ptn_a", START)
    await asyncio.gather(*(teller.ask(replace(earn(member, 700), in_force=in_force)) for member in members))
    keeper = Timekeeper(db, teller, clock, programmes)
    assert await keeper.sweep() == 0
    clock.advance(timedelta(hours=1))
    assert await keeper.sweep() == 5
    async with db.read() as read:
        states = await member_states(read.connection, members)
    assert {(state.spendable, state.pending) for state in states.values()} == {(7, 0)}
    assert await keeper.sweep() == 0
    await teller.stop()
