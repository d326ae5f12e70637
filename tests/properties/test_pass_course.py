"""Whatever happens, and whoever looks when: passes never go back, and end at what the ledger says."""

import asyncio
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.database import Database
from kernel.errors import Conflict, Forbidden, Invalid
from passes.audit import PASSES
from passes.news import MESSAGES_PER_DAY
from points.auditing.check import run
from tests.support.cards import BISTRO, Town, town

_NAMES = count(1)
_members = st.integers(0, 2)
_acts = st.one_of(
    st.tuples(st.just("buys"), _members, st.integers(1, 40)),
    st.tuples(st.just("spends"), _members, st.integers(1, 30)),
    st.tuples(st.just("merges"), _members, _members),
    st.tuples(st.just("refresh"), _members, st.just(0)),
    st.tuples(st.just("sweep"), _members, st.just(0)),
)
# What is in one list happens at the same time.
_courses = st.lists(st.lists(_acts, min_size=1, max_size=4), max_size=8)


async def act(the: Town, members: list[str], passes: list[list[str]], what: str, who: int, how_many: int) -> None:
    """One thing that happens; what may not be done is not."""
    try:
        match what:
            case "buys":
                await the.buys(members[who], how_many)
            case "spends":
                await the.spends(members[who], how_many)
            case "merges":
                await the.merges(members[who], members[how_many])
            case "refresh":
                await the.refresh.follow([members[who]])
            case _:
                await the.sweep.follow(passes[who])
    except (Conflict, Forbidden, Invalid):
        return


async def shown(the: Town, passes: list[list[str]]) -> dict[str, tuple[int, Any, int]]:
    """Of each pass: the state of the ledger that it shows, when it changed, and in which place."""
    rows = [await the.row(pass_id) for of_member in passes for pass_id in of_member]
    return {row["id"]: (row["ledger_version"], row["last_modified"], row["change_seq"]) for row in rows}


@settings(max_examples=25)
@given(course=_courses)
async def test_a_pass_never_goes_back_and_ends_at_what_the_ledger_says(
    db: Database, course: list[list[tuple[str, int, int]]]
) -> None:
    the = await town(db, BISTRO.replace("corner_bistro", f"bistro_{next(_NAMES)}"))
    async with db.unit() as unit:  # passes of other examples
        await unit.connection.execute("DELETE FROM wallet_pass")
    members = [await the.member(f"Guest {number}") for number in range(3)]
    passes = [[await the.wallet(one), await the.wallet(one, "google")] for one in members]
    before = await shown(the, passes)
    for together in course:
        await asyncio.gather(*(act(the, members, passes, *one) for one in together))
        now = await shown(the, passes)
        for pass_id, state in now.items():
            assert all(new >= old for new, old in zip(state, before[pass_id], strict=True))
            if state[2] > before[pass_id][2]:
                assert state[1] > before[pass_id][1]
        before = now
    await the.looks_again()
    async with db.read() as read:
        assert await run(read.connection, PASSES, 5) == []
        rows = await read.connection.fetch(
            "SELECT wallet, told, (card #>> '{values,balance,number}')::int AS shows, spendable.balance"
            " FROM wallet_pass JOIN account own ON own.id = wallet_pass.member_id || '/spendable'"
            " JOIN account spendable ON spendable.id = coalesce(own.pool_id, own.member_id) || '/spendable'"
        )
    assert all(row["shows"] == row["balance"] for row in rows)
    assert all(len(row["told"]) <= MESSAGES_PER_DAY[row["wallet"]] for row in rows)
