"""A quote is what would happen: for random programmes and histories, it equals the effect that follows it."""

import re
from itertools import count
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.clock import MovableClock
from kernel.database import Database
from kernel.errors import CommonpointError
from points.answers import Done
from points.commands import Command, Earn, Redeem, Reverse
from points.ledger import BuiltIn, Ledger
from points.outcome import Outcome
from points.programme.events import Event
from points.programme.version import InForce, Version
from tests.support.ledger import START, a_member
from tests.support.random_programmes import TERMS, events, versions

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("event"), events),
        st.tuples(st.just("redeem"), st.integers(1, 60)),
        st.tuples(st.just("reverse"), st.integers(0, 5)),
        st.tuples(st.just("minutes"), st.integers(1, 3000)),
    ),
    min_size=2,
    max_size=8,
)
_keys = count(1)


def command_of(step: tuple[str, Any], member: str, version: Version, clock: MovableClock, bills: list[str]) -> Command:
    what, value = step
    asked: dict[str, Any] = {
        "partner_id": "ptn_a", "key": f"k{next(_keys)}", "fingerprint": b"", "occurred_at": clock.now(),
    }  # fmt: skip
    if what == "event":
        assert isinstance(value, Event)
        in_force = InForce(version, {"a": "ptn_a", "s": "ptn_s"}, {"ptn_a": "a", "ptn_s": "s"})
        return Earn(**asked, member_id=member, event=value, currency="EUR", in_force=in_force, terms=TERMS)
    if what == "redeem" or not bills:
        return Redeem(**asked, member_id=member, points=value + 1)
    return Reverse(**asked, journal_id=bills[value % len(bills)])


def without_ids(outcome: Outcome) -> object:
    """What an outcome says, ids aside: a quote's mean nothing."""
    text = msgspec.json.encode(outcome).decode()
    return re.sub(r"\b(ern|rdm|rev|lot|alc|arr|grt)_\w+", "id", text)


@settings(max_examples=settings().max_examples // 5)
@given(version=versions(), steps=STEPS)
async def test_what_is_quoted_is_what_happens(db: Database, version: Version, steps: list[tuple[str, Any]]) -> None:
    clock = MovableClock(START)
    shelf = BuiltIn()
    shelf[version.id] = version
    ledger = Ledger(clock, versions=shelf)
    member, bills = await a_member(db), list[str]()
    for step in steps:
        if step[0] == "minutes":
            clock.move_to(clock.now() + step[1] * (START - START.replace(minute=59, hour=11)))
            continue
        command = command_of(step, member, version, clock, bills)
        try:
            async with db.read() as read:
                quoted: Outcome | str = await ledger.quote(read.connection, command)
        except CommonpointError as refused:
            quoted = refused.code
        async with db.unit() as unit:
            (answer,) = await ledger.apply(unit.connection, [command])
        if isinstance(answer, Done):
            assert isinstance(quoted, Outcome)
            assert without_ids(quoted) == without_ids(answer.outcome)
            bills += [answer.outcome.id] if answer.outcome.kind == "earn" else []
        else:
            assert quoted == answer.code


async def test_a_quote_keeps_nothing(db: Database) -> None:
    member = await a_member(db)
    ledger = Ledger(MovableClock(START))
    command = command_of(
        ("event", Event(amount_minor=1000)), member, next(iter(BuiltIn().values())), MovableClock(START), []
    )
    async with db.read() as read:
        assert (await ledger.quote(read.connection, command)).balance == 6
        assert await read.connection.fetchval("SELECT count(*) FROM journal") == 0
        assert await read.connection.fetchval("SELECT balance FROM account WHERE id = $1", f"{member}/spendable") == 0
