"""Checks that must hold after every committed transaction (reference: the invariants of the loyalty domain)."""

from dataclasses import dataclass

from kernel.database import Connection


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that does not hold, and for what."""

    rule: str
    subject: str
    detail: str


_CHECKS = {
    "postings of a journal sum to zero": """
        SELECT journal_id AS subject, 'sum ' || sum(amount) AS detail
        FROM entry GROUP BY journal_id HAVING sum(amount) <> 0""",
    "a balance is the sum of its entries": """
        SELECT account.id AS subject, 'balance ' || balance || ', entries ' || coalesce(sum(amount), 0) AS detail
        FROM account LEFT JOIN entry ON entry.account_id = account.id
        GROUP BY account.id HAVING balance <> coalesce(sum(amount), 0)""",
    "what is spendable is what remains of the lots": """
        SELECT account.id AS subject, 'balance ' || balance || ', lots ' || coalesce(sum(remaining), 0) AS detail
        FROM account LEFT JOIN lot ON lot.member_id = account.member_id
        WHERE account.id LIKE '%/spendable' GROUP BY account.id HAVING balance <> coalesce(sum(remaining), 0)""",
    "what remains of a lot is what was not allocated": """
        SELECT lot.id AS subject, 'remaining ' || remaining || ' of ' || original AS detail
        FROM lot LEFT JOIN allocation ON allocation.lot_id = lot.id
        GROUP BY lot.id HAVING original - coalesce(sum(points), 0) <> remaining""",
    "what a member can spend moves by lots and allocations": """
        WITH moved AS (
            SELECT journal_id, amount FROM entry WHERE account_id LIKE '%/spendable'
            UNION ALL SELECT journal_id, -original FROM lot
            UNION ALL SELECT journal_id, points FROM allocation)
        SELECT journal_id AS subject, 'off by ' || sum(amount) AS detail
        FROM moved GROUP BY journal_id HAVING sum(amount) <> 0""",
    "whoever owes has nothing to spend": """
        SELECT owed.id AS subject, 'owes ' || -owed.balance || ', can spend ' || spendable.balance AS detail
        FROM account owed JOIN account spendable ON spendable.id = owed.member_id || '/spendable'
        WHERE owed.id LIKE '%/arrears' AND owed.balance < 0 AND spendable.balance > 0""",
    "arrears are the sum of what is open": """
        SELECT account.id AS subject, 'balance ' || balance || ', open ' || coalesce(sum(remaining), 0) AS detail
        FROM account LEFT JOIN arrear ON arrear.member_id = account.member_id
        WHERE account.id LIKE '%/arrears' GROUP BY account.id HAVING -balance <> coalesce(sum(remaining), 0)""",
    "reversals do not exceed what they reverse": """
        SELECT original.id AS subject, 'reversed beyond the original' AS detail
        FROM journal original JOIN journal reversal ON reversal.reverses_id = original.id
        GROUP BY original.id
        HAVING sum(coalesce(reversal.amount_minor, 0)) > coalesce(original.amount_minor, 0)
            OR (original.kind = 'redeem' AND sum(reversal.points) > original.points)""",
    "every journal has one key": """
        SELECT journal.id AS subject, 'keys ' || count(effect_id) AS detail
        FROM journal LEFT JOIN idempotency ON idempotency.effect_id = journal.id
        GROUP BY journal.id HAVING count(effect_id) <> 1""",
}


async def audit(connection: Connection, most: int = 20) -> list[Finding]:
    """Every broken rule with up to `most` examples; an empty list means the ledger is in order."""
    findings: list[Finding] = []
    for rule, sql in _CHECKS.items():
        rows = await connection.fetch(f"{sql} LIMIT {most}")
        findings.extend(Finding(rule, row["subject"], row["detail"]) for row in rows)
    return findings
