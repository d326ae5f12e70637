"""The audit finds what was tampered with."""

import asyncpg
import pytest

from kernel.clock import MovableClock
from kernel.database import Database
from points.answers import Done
from points.audit import audit
from points.ledger import Ledger
from points.programme.version import TermsRate
from tests.support.ledger import START, a_member, earn, redeem, reverse

POINT_EACH = TermsRate("trm_one", 1, 1)


async def a_ledger(db: Database) -> None:
    """A member with lots, a partial refund and a partial restoration, and one with arrears."""
    rich, owing = await a_member(db), await a_member(db)
    ledger = Ledger(MovableClock(START))

    async def do(*commands: object) -> list[str]:
        async with db.unit() as unit:
            answers = await ledger.apply(unit.connection, commands)  # type: ignore[arg-type]
        return [answer.outcome.id for answer in answers if isinstance(answer, Done)]

    bill, spent = await do(earn(rich, 100, rule=POINT_EACH), redeem(rich, 60))
    await do(reverse(bill, amount_minor=10), reverse(spent, points=20, partner_id="ptn_b"))
    lost, _ = await do(earn(owing, 100, rule=POINT_EACH), redeem(owing, 100))
    await do(reverse(lost))


async def rules_broken(db: Database) -> set[str]:
    async with db.read() as read:
        return {finding.rule for finding in await audit(read.connection)}


async def test_a_ledger_that_nobody_touched_is_in_order(db: Database) -> None:
    assert await rules_broken(db) == set()
    await a_ledger(db)
    assert await rules_broken(db) == set()


SUM = "postings of a journal sum to zero"
BALANCE = "a balance is the sum of its entries"
SPENDABLE = "what is spendable is what remains of the lots"
REMAINS = "what remains of a lot is what was not allocated"
MOVES = "what a member has moves by lots and allocations"
OWES = "whoever owes has nothing to spend"
ARREARS = "arrears are the sum of what is open"
REVERSALS = "reversals do not exceed what they reverse"
KEY = "a journal has one key, or follows from another or from time"

TAMPERING = [
    ("an entry is changed", "UPDATE entry SET amount = amount + 1 WHERE account_id LIKE 'ptn_%/issued'", {SUM}),
    ("an entry is gone", "DELETE FROM entry WHERE account_id LIKE '%/spendable'", {SUM, BALANCE, MOVES}),
    (
        "a balance is raised",
        "UPDATE account SET balance = balance + 1 WHERE balance > 0",
        {BALANCE, SPENDABLE},
    ),
    (
        "points are made from nothing on all sides but the entries",
        "WITH a AS (UPDATE account SET balance = balance + 1 WHERE balance > 0)"
        " UPDATE lot SET remaining = remaining + 1, original = original + 1 WHERE remaining > 0",
        {BALANCE, MOVES},
    ),
    ("a lot is refilled", "UPDATE lot SET remaining = remaining + 1 WHERE remaining > 0", {SPENDABLE, REMAINS}),
    ("a lot is gone", "DELETE FROM lot WHERE remaining > 0", {SPENDABLE, MOVES}),
    (
        "a lot was allocated twice",
        "INSERT INTO allocation SELECT id || 'x', journal_id, lot_id, member_id, issuer_id, acceptor_id, points"
        " FROM allocation WHERE points = 60",
        {REMAINS, MOVES},
    ),
    (
        "a redemption took from another lot than it says",
        "UPDATE allocation SET lot_id = (SELECT max(id) FROM lot) WHERE points = 60",
        {REMAINS},
    ),
    ("an arrear is forgiven on the side", "UPDATE arrear SET remaining = 0", {ARREARS}),
    ("an arrears account is lowered", "UPDATE account SET balance = balance - 5 WHERE balance < 0", {BALANCE, ARREARS}),
    (
        "a refund is larger than the purchase",
        "UPDATE journal SET amount_minor = 101 WHERE kind = 'reverse' AND amount_minor = 10",
        {REVERSALS},
    ),
    (
        "more is given back than was spent",
        "UPDATE journal SET points = 61 WHERE kind = 'reverse' AND points = 20",
        {REVERSALS},
    ),
    ("a key is gone", "DELETE FROM idempotency WHERE effect_id LIKE 'rdm_%'", {KEY}),
    (
        "somebody who owes has points",
        "WITH a AS (UPDATE account SET balance = 7 WHERE id = (SELECT replace(id, '/arrears', '/spendable')"
        " FROM account WHERE balance < 0))"
        " INSERT INTO entry (journal_id, account_id, member_id, amount)"
        " SELECT journal_id, replace(account_id, '/arrears', '/spendable'), member_id, 7"
        " FROM entry WHERE account_id LIKE '%/arrears'",
        {OWES, SUM, MOVES, SPENDABLE},
    ),
]


async def rules_broken_by(db: Database, sql: str) -> set[str]:
    """What the audit says inside a transaction that tampers and is then rolled back."""
    broken: set[str] = set()

    async def tamper() -> None:
        async with db.unit() as unit:
            await unit.connection.execute(sql)
            broken.update(finding.rule for finding in await audit(unit.connection))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await tamper()
    return broken


async def test_tampering_is_found(db: Database) -> None:
    await a_ledger(db)
    for name, sql, rules in TAMPERING:
        found = await rules_broken_by(db, sql)
        assert rules <= found, f"{name}: {rules - found}"


def test_every_rule_of_the_audit_is_shown_to_bite() -> None:
    from_cases = set().union(*(rules for _, _, rules in TAMPERING))
    assert from_cases == {SUM, BALANCE, SPENDABLE, REMAINS, MOVES, OWES, ARREARS, REVERSALS, KEY}


async def test_a_finding_names_its_subject_and_there_are_not_too_many(db: Database) -> None:
    for _ in range(4):
        await a_ledger(db)
    async with db.unit() as unit:
        await unit.connection.execute("DELETE FROM idempotency")
    async with db.read() as read:
        findings = await audit(read.connection, most=5)
    assert len(findings) == 5
    assert {(f.rule, f.detail, f.subject[3:4]) for f in findings} == {(KEY, "keys 0", "_")}


FENCED = [
    "UPDATE account SET balance = -1 WHERE id LIKE '%/spendable'",
    "UPDATE account SET balance = 1 WHERE id LIKE '%/arrears'",
    "UPDATE lot SET remaining = original + 1",
    "UPDATE lot SET remaining = -1",
    "UPDATE arrear SET remaining = original + 1",
    "UPDATE entry SET amount = 0",
    "UPDATE idempotency SET effect_id = 'same'",
]


async def test_the_database_itself_is_a_second_fence(db: Database) -> None:
    await a_ledger(db)
    for sql in FENCED:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await rules_broken_by(db, sql)
