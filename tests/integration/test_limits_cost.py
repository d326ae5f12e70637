"""What limits and proofs cost: two statements for whoever asks for them, and nothing for everybody else."""

from kernel.clock import MovableClock
from kernel.database import Database
from points.commands import Command
from points.ledger import Ledger
from points.programme.version import Version
from points.proofs import make_proof
from tests.support.ledger import START, a_member
from tests.support.watched import Asks, programme, publish

PLAIN = programme("")
LIMITED = programme("misuse: {velocity: [{of: terminal, on: earn, within: PT1H, times: 1000}]}\n")
PROVED = programme("redemptions: {proof: {above: 0}}\n")


async def statements(db: Database, version: Version, *commands: Command) -> int:
    """How many statements the ledger sends for commands of one batch."""
    ledger = Ledger(MovableClock(START), ("pass",), versions=await publish(db, version))
    sent: set[str] = set()
    async with db.unit() as unit:
        with unit.connection.query_logger(lambda query: sent.add(query.query)):
            answers = await ledger.apply(unit.connection, commands)
    assert not any(isinstance(answer, Exception) for answer in answers), answers
    # What the driver asks about types, once for each connection, is not the ledger's.
    return len([text for text in sent if "'jit'" not in text and "typeinfo_tree" not in text])


async def test_without_limits_an_earning_takes_three_statements_and_with_them_five(db: Database) -> None:
    member = await a_member(db)
    assert await statements(db, PLAIN, Asks(PLAIN, member).buy(10)) == 3
    limited = Asks(LIMITED, member)
    assert await statements(db, LIMITED, limited.buy(10)) == 5
    assert await statements(db, LIMITED, *(limited.buy(10) for _ in range(50))) == 5


async def test_a_proof_takes_two_statements_and_a_spending_without_one_takes_none(db: Database) -> None:
    member = await a_member(db)
    await statements(db, PLAIN, Asks(PLAIN, member).buy(1_000))
    async with db.unit() as unit:
        proof = await make_proof(unit.connection, member, "ptn_a", "tap", START)
    plain = await statements(db, PLAIN, Asks(PLAIN, member).spend(10))
    assert await statements(db, PROVED, Asks(PROVED, member).spend(10, proof_id=proof)) == plain + 2
