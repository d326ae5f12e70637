"""The line before the ledger: served together, failing alone, never losing its head."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from kernel.clock import MovableClock
from kernel.database import Connection, Database
from kernel.errors import Unavailable
from points.answers import Answer, Done
from points.audit import audit
from points.commands import Command
from points.ledger import Ledger
from points.programme.reward_refusals import PointsShort
from points.teller import LedgerFault, OutcomeUnknown, Teller, TooBusy
from tests.support.ledger import START, a_member, earn, journals_of, redeem


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged, kept instead of printed."""
    with capture_logs() as kept:
        yield kept


class CountingLedger(Ledger):
    """The ledger, noting how many commands came at once."""

    def __init__(self) -> None:
        super().__init__(MovableClock(START), ("pass",))
        self.batches: list[int] = []

    async def apply(self, connection: Connection, commands: Sequence[Command]) -> list[Answer]:
        self.batches.append(len(commands))
        return await super().apply(connection, commands)


@pytest.fixture
def ledger() -> CountingLedger:
    return CountingLedger()


@pytest.fixture
async def teller(db: Database, ledger: CountingLedger) -> AsyncIterator[Teller]:
    teller = Teller(db, ledger)
    await teller.start()
    yield teller
    async with asyncio.timeout(20):
        await teller.stop()
    async with db.read() as read:
        assert await audit(read.connection) == []


@asynccontextmanager
async def blocked(db: Database, member: str) -> AsyncIterator[None]:
    """Somebody else holds the member's lock."""
    async with db.unit() as unit:
        await unit.connection.execute("SELECT 1 FROM account WHERE id = $1 FOR UPDATE", f"{member}/spendable")
        yield


async def until_the_teller_waits_for_a_lock(db: Database) -> int:
    """Its backend process id."""
    sql = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with asyncio.timeout(20):
        while True:
            async with db.read() as read:
                pid = await read.connection.fetchval(sql)
            if pid is not None:
                return int(pid)
            await asyncio.sleep(0.01)


async def kill(db: Database, pid: int) -> None:
    async with db.read() as read:
        await read.connection.execute("SELECT pg_terminate_backend($1, 5000)", pid)
    await asyncio.sleep(0)


async def test_whoever_is_waiting_is_served_in_one_transaction(
    db: Database, teller: Teller, ledger: CountingLedger
) -> None:
    members = [await a_member(db) for _ in range(3)]
    answers = await asyncio.gather(*(teller.ask(earn(members[n % 3], 100)) for n in range(60)))
    assert all(isinstance(answer, Done) for answer in answers)
    assert sum(ledger.batches) == 60
    assert max(ledger.batches) > 50


async def test_a_batch_has_a_largest_size(db: Database, ledger: CountingLedger) -> None:
    member = await a_member(db)
    small = Teller(db, ledger, most_at_once=7)
    await small.start()
    await asyncio.gather(*(small.ask(earn(member, 100)) for _ in range(20)))
    await small.stop()
    assert ledger.batches == [7, 7, 6]


async def test_commands_of_one_member_are_served_in_the_order_of_asking(db: Database, teller: Teller) -> None:
    member = await a_member(db)
    asked: list[Command] = [earn(member, 1000), redeem(member, 10), earn(member, 500), redeem(member, 4)]
    done = await asyncio.gather(*(teller.ask(command) for command in asked))
    assert [answer.outcome.balance for answer in done] == [10, 0, 5, 1]


async def test_who_is_refused_does_not_spoil_the_batch(db: Database, teller: Teller) -> None:
    member = await a_member(db)
    first, refused, last = await asyncio.gather(
        teller.ask(earn(member, 1000)),
        teller.ask(redeem(member, 11)),
        teller.ask(redeem(member, 10)),
        return_exceptions=True,
    )
    assert isinstance(first, Done)
    assert isinstance(refused, PointsShort)
    assert isinstance(last, Done)


@pytest.mark.parametrize("poison", ["nul \0 inside", "half a pair \ud800"], ids=["nul", "surrogate"])
async def test_a_command_that_breaks_the_statement_fails_alone(db: Database, teller: Teller, poison: str) -> None:
    member = await a_member(db)
    commands: list[Command] = [earn(member, 100) for _ in range(20)]
    commands.insert(13, replace(earn(member, 100), location_id=poison))
    answers = await asyncio.gather(*(teller.ask(command) for command in commands), return_exceptions=True)
    assert isinstance(answers.pop(13), LedgerFault)
    assert all(isinstance(answer, Done) for answer in answers)
    assert await journals_of(db, member) == 20


async def test_a_fault_of_ours_is_told_without_its_text_and_logged_with_the_key(
    db: Database, teller: Teller, logs: list[MutableMapping[str, Any]]
) -> None:
    with pytest.raises(LedgerFault) as fault:
        await teller.ask(replace(earn(await a_member(db), 100, key="k7"), location_id="\0 secret"))
    assert "secret" not in f"{fault.value} {fault.value.facts}"
    assert fault.value.code == "internal_error"
    assert [(entry["event"], entry["key"]) for entry in logs] == [("teller.command_failed", "k7")]


async def test_a_full_line_sends_callers_away_until_there_is_room(db: Database, ledger: CountingLedger) -> None:
    member = await a_member(db)
    teller = Teller(db, ledger, most_waiting=3)
    await teller.start()
    async with blocked(db, member):
        asked = [asyncio.create_task(teller.ask(earn(member, 100)))]
        await until_the_teller_waits_for_a_lock(db)
        asked += [asyncio.create_task(teller.ask(earn(member, 100))) for _ in range(3)]
        await asyncio.sleep(0)
        assert teller.waiting == 3
        with pytest.raises(TooBusy) as busy:
            await teller.ask(earn(member, 100))
        assert busy.value.retry_after_s is not None
    await asyncio.gather(*asked)
    await teller.ask(earn(member, 100))
    await teller.stop()
    assert await journals_of(db, member) == 5


async def test_a_caller_who_goes_away_does_not_take_the_command_back(db: Database, teller: Teller) -> None:
    member = await a_member(db)
    in_work, in_line = earn(member, 100), earn(member, 200)
    async with blocked(db, member):
        callers = [asyncio.create_task(teller.ask(in_work))]
        await until_the_teller_waits_for_a_lock(db)
        callers.append(asyncio.create_task(teller.ask(in_line)))
        await asyncio.sleep(0)
        for caller in callers:
            caller.cancel()
        assert all(
            isinstance(e, asyncio.CancelledError) for e in await asyncio.gather(*callers, return_exceptions=True)
        )
    for command in (in_work, in_line):
        assert (await teller.ask(command)).replayed
    assert await journals_of(db, member) == 2


async def test_a_connection_that_breaks_in_the_middle_leaves_the_outcome_to_the_key(
    db: Database, teller: Teller
) -> None:
    member = await a_member(db)
    command = earn(member, 100)
    async with blocked(db, member):
        asked = asyncio.create_task(teller.ask(command))
        await kill(db, await until_the_teller_waits_for_a_lock(db))
        with pytest.raises(OutcomeUnknown) as unknown:
            await asked
    assert unknown.value.retry_after_s is not None
    assert not (await teller.ask(command)).replayed
    assert (await teller.ask(command)).replayed
    assert await journals_of(db, member) == 1


async def test_a_connection_that_breaks_while_idle_is_replaced_unseen(db: Database, teller: Teller) -> None:
    member = await a_member(db)
    await teller.ask(earn(member, 100))
    assert teller._connection is not None
    await kill(db, teller._connection.get_server_pid())
    await teller._connection.close()
    await teller.ask(earn(member, 100))
    assert await journals_of(db, member) == 2


async def test_killed_at_any_moment_retries_with_the_same_keys_have_one_effect(db: Database, teller: Teller) -> None:
    members = [await a_member(db) for _ in range(4)]
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for round_ in range(12):
        await teller.ask(earn(members[0], 100))
        assert teller._connection is not None
        pid = teller._connection.get_server_pid()
        commands = [earn(members[n % 4], 100, key=f"{round_}/{n}") for n in range(20)]
        asked = [asyncio.create_task(teller.ask(command)) for command in commands]
        await asyncio.sleep(dice.uniform(0, 0.008))
        await kill(db, pid)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(answer) for answer in answers} <= {Done, OutcomeUnknown}
        await asyncio.gather(*(teller.ask(command) for command in commands))
    assert sum([await journals_of(db, member) for member in members]) == 12 * 21


async def test_while_the_server_is_away_callers_hear_so_and_then_all_is_well(db: Database, teller: Teller) -> None:
    member, url = await a_member(db), db.url
    db.url = "postgresql://postgres@127.0.0.1:1/nothing"
    with pytest.raises(Unavailable):
        await teller.ask(earn(member, 100))
    db.url = url
    await teller.ask(earn(member, 100))


FAILING = """
CREATE SEQUENCE tries;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('tries') <= {times} THEN RAISE EXCEPTION 'planted' USING ERRCODE = '{code}'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fail BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION fail();
"""


async def plant_failure(db: Database, code: str, times: int) -> None:
    async with db.unit() as unit:
        await unit.connection.execute(FAILING.format(code=code, times=times))


@pytest.mark.parametrize("code", ["40P01", "40001", "55P03", "23505"])
async def test_a_refusal_for_reasons_of_timing_is_tried_again_unseen(db: Database, teller: Teller, code: str) -> None:
    member = await a_member(db)
    await plant_failure(db, code, times=2)
    assert not (await teller.ask(earn(member, 100))).replayed
    assert await journals_of(db, member) == 1


@pytest.mark.parametrize("code", ["40P01", "40001", "55P03", "53100", "53200"])
async def test_what_time_may_heal_is_never_called_a_fault(db: Database, teller: Teller, code: str) -> None:
    member = await a_member(db)
    await plant_failure(db, code, times=1000)
    answers = await asyncio.gather(*(teller.ask(earn(member, 100)) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(answer, Unavailable) and answer.retry_after_s for answer in answers)
    assert await journals_of(db, member) == 0


async def test_a_statement_that_is_cancelled_leaves_the_outcome_to_the_key(db: Database, teller: Teller) -> None:
    member = await a_member(db)
    async with blocked(db, member):
        asked = asyncio.create_task(teller.ask(earn(member, 100, key="k")))
        pid = await until_the_teller_waits_for_a_lock(db)
        async with db.read() as read:
            await read.connection.execute("SELECT pg_cancel_backend($1)", pid)
        with pytest.raises(OutcomeUnknown):
            await asked
    assert not (await teller.ask(earn(member, 100, key="k"))).replayed


async def test_stopping_serves_who_is_in_line_and_nobody_after(db: Database, ledger: CountingLedger) -> None:
    member = await a_member(db)
    teller = Teller(db, ledger, most_at_once=4)
    await teller.start()
    asked = [asyncio.create_task(teller.ask(earn(member, 100))) for _ in range(10)]
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await teller.stop()
    assert all(isinstance(answer, Done) for answer in await asyncio.gather(*asked))
    with pytest.raises(TooBusy):
        await teller.ask(earn(member, 100))


async def test_stopping_before_anybody_asked(db: Database, ledger: CountingLedger) -> None:
    teller = Teller(db, ledger)
    await teller.start()
    await teller.stop()
    await Teller(db, ledger).stop()


async def test_what_is_answered_is_already_committed(db: Database, teller: Teller) -> None:
    member = await a_member(db)
    fresh = await asyncpg.connect(db.url)
    for _ in range(10):
        done = await teller.ask(earn(member, 100))
        assert await fresh.fetchval("SELECT count(*) FROM journal WHERE id = $1", done.outcome.id) == 1
    await fresh.close()


async def test_a_change_leaves_one_note_in_the_same_transaction(db: Database, teller: Teller) -> None:
    member, other = await a_member(db), await a_member(db)
    await asyncio.gather(*(teller.ask(earn(member, 100)) for _ in range(5)))
    await teller.ask(earn(other, 1))  # not yet a whole point: nothing to show
    async with db.read() as read:
        assert [tuple(row) for row in await read.connection.fetch("SELECT kind, subject FROM outbox")] == [
            ("pass", member)
        ]
