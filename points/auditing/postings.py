"""Invariants of postings, balances and what partners promised: numbers 1, 2, 3, 5 and 17."""

from points.auditing.check import Check, by_sql

BALANCE: tuple[Check, ...] = (
    by_sql(
        1,
        "postings of a journal sum to zero",
        """
        SELECT journal_id AS subject, 'sum ' || sum(amount) AS detail
        FROM entry GROUP BY journal_id HAVING sum(amount) <> 0""",
    ),
    by_sql(
        1,
        "a balance is the sum of its entries",
        """
        SELECT account.id AS subject, 'balance ' || balance || ', entries ' || coalesce(sum(amount), 0) AS detail
        FROM account LEFT JOIN entry ON entry.account_id = account.id
        GROUP BY account.id HAVING balance <> coalesce(sum(amount), 0)""",
    ),
    by_sql(
        1,
        "every member's postings have an account",
        """
        SELECT DISTINCT account_id AS subject, 'no such account' AS detail FROM entry
        WHERE (account_id LIKE '%/spendable' OR account_id LIKE '%/arrears')
          AND NOT EXISTS (SELECT FROM account WHERE account.id = account_id)""",
    ),
    by_sql(
        1,
        "every journal is sealed in the chain",
        """
        SELECT journal.id AS subject, 'height ' || height AS detail FROM journal
        WHERE NOT EXISTS (SELECT FROM seal WHERE seal.height = journal.height AND place BETWEEN 1 AND seal.journals)""",
    ),
)

# A partner's promise by postings, and by what became of its lots.
CONSERVATION: tuple[Check, ...] = (
    by_sql(
        2,
        "what a partner issued is in its lots, or was taken back",
        """
        WITH promised AS (
            SELECT split_part(account_id, '/', 1) AS partner, -amount AS points FROM entry
            WHERE account_id LIKE '%/issued'
            UNION ALL SELECT issuer_id, -original FROM lot WHERE moved_from IS NULL
            UNION ALL SELECT issuer_id, points FROM allocation WHERE purpose = 'withdrawn')
        SELECT partner AS subject, 'off by ' || sum(points) AS detail
        FROM promised GROUP BY partner HAVING sum(points) <> 0""",
    ),
    by_sql(
        2,
        "what a partner honoured is in allocations, or still owed to it",
        """
        WITH honoured AS (
            SELECT split_part(account_id, '/', 1) AS partner, amount AS points FROM entry
            WHERE account_id LIKE '%/accepted'
            UNION ALL SELECT acceptor_id, -points FROM allocation WHERE purpose = 'honoured'
            UNION ALL SELECT creditor_id, -remaining FROM arrear)
        SELECT partner AS subject, 'off by ' || sum(points) AS detail
        FROM honoured GROUP BY partner HAVING sum(points) <> 0""",
    ),
    by_sql(
        2,
        "what expired is breakage of its issuer",
        """
        WITH gone AS (
            SELECT split_part(account_id, '/', 1) AS partner, amount AS points FROM entry
            WHERE account_id LIKE '%/expired'
            UNION ALL SELECT issuer_id, -points FROM allocation WHERE purpose = 'expired')
        SELECT partner AS subject, 'off by ' || sum(points) AS detail
        FROM gone GROUP BY partner HAVING sum(points) <> 0""",
    ),
    by_sql(
        2,
        "nothing stays on its way between members",
        """
        SELECT account_id AS subject, 'sum ' || sum(amount) AS detail
        FROM entry WHERE account_id = 'transit' GROUP BY account_id HAVING sum(amount) <> 0""",
    ),
    by_sql(
        2,
        "what moved to another member is what left the first",
        """
        SELECT came.moved_from AS subject, 'came ' || came.points || ', left ' || coalesce(went.points, 0) AS detail
        FROM (SELECT moved_from, issuer_id, sum(original) AS points FROM lot
              WHERE moved_from IS NOT NULL GROUP BY moved_from, issuer_id) came
        FULL JOIN (SELECT lot_id, issuer_id, sum(points) AS points FROM allocation
                   WHERE purpose = 'moved' GROUP BY lot_id, issuer_id) went
            ON went.lot_id = came.moved_from AND went.issuer_id = came.issuer_id
        WHERE came.points IS DISTINCT FROM went.points""",
    ),
)

MEMBERS: tuple[Check, ...] = (
    by_sql(
        3,
        "what is spendable is what remains of the lots",
        """
        SELECT account.id AS subject, 'balance ' || balance || ', lots ' || coalesce(sum(remaining), 0) AS detail
        FROM account LEFT JOIN lot ON lot.member_id = account.member_id AND NOT lot.pending
        WHERE account.id LIKE '%/spendable' GROUP BY account.id HAVING balance <> coalesce(sum(remaining), 0)""",
    ),
    by_sql(
        3,
        "what is pending is what remains of the lots that wait",
        """
        WITH waiting AS (
            SELECT member_id, amount AS points FROM entry WHERE account_id LIKE '%/pending'
            UNION ALL SELECT member_id, -remaining FROM lot WHERE pending)
        SELECT member_id AS subject, 'off by ' || sum(points) AS detail
        FROM waiting GROUP BY member_id HAVING sum(points) <> 0""",
    ),
    by_sql(
        3,
        "arrears are the sum of what is open",
        """
        SELECT account.id AS subject, 'balance ' || balance || ', open ' || coalesce(sum(remaining), 0) AS detail
        FROM account LEFT JOIN arrear ON arrear.member_id = account.member_id
        WHERE account.id LIKE '%/arrears' GROUP BY account.id HAVING -balance <> coalesce(sum(remaining), 0)""",
    ),
    by_sql(
        5,
        "whoever owes has nothing to spend",
        """
        SELECT owed.id AS subject, 'owes ' || -owed.balance || ', can spend ' || spendable.balance AS detail
        FROM account owed JOIN account spendable ON spendable.id = owed.member_id || '/spendable'
        WHERE owed.id LIKE '%/arrears' AND owed.balance < 0 AND spendable.balance > 0""",
    ),
    by_sql(
        17,
        "what partners still owe members is in the open lots",
        """
        WITH liability AS (
            SELECT 'all partners' AS subject, -amount AS points FROM entry
            WHERE account_id LIKE '%/issued' OR account_id LIKE '%/accepted' OR account_id LIKE '%/expired'
            UNION ALL SELECT 'all partners', -remaining FROM lot
            UNION ALL SELECT 'all partners', -points FROM claim WHERE state = 'held'
            UNION ALL SELECT 'all partners', remaining FROM arrear)
        SELECT subject, 'off by ' || sum(points) AS detail FROM liability GROUP BY subject HAVING sum(points) <> 0""",
    ),
)
