"""Invariants of the passes: number 19, and number 20 as far as it concerns them."""

from passes.refresh import KIND
from points.auditing.check import Check, by_sql

PASSES: tuple[Check, ...] = (
    by_sql(
        19,
        "a pass shows the balance of the ledger, or is about to look again",
        f"""
        SELECT wallet_pass.id AS subject, 'shows ' || (card->>'balance') || ', is ' || spendable.balance AS detail
        FROM wallet_pass
        JOIN account own ON own.id = wallet_pass.member_id || '/spendable'
        JOIN account spendable ON spendable.id = coalesce(own.pool_id, own.member_id) || '/spendable'
        WHERE NOT voided AND (card->>'balance')::bigint <> spendable.balance
          AND NOT EXISTS (SELECT FROM outbox WHERE kind = '{KIND}' AND subject IN (own.member_id, own.pool_id))""",
    ),
    by_sql(
        19,
        "changes of passes are numbered once",
        """
        SELECT min(id) AS subject, 'change ' || change_seq AS detail
        FROM wallet_pass GROUP BY change_seq HAVING count(*) > 1""",
    ),
    by_sql(
        19,
        "nobody was told of a change that is still to come",
        """
        SELECT pass_id AS subject, 'told ' || pushed_seq || ', is ' || change_seq AS detail
        FROM google_object JOIN wallet_pass ON wallet_pass.id = pass_id WHERE pushed_seq > change_seq""",
    ),
    by_sql(
        20,
        "the code of a pass says nothing but itself",
        """
        SELECT wallet_pass.id AS subject, 'code' AS detail FROM wallet_pass JOIN member ON member.id = member_id
        WHERE card->>'code' IS DISTINCT FROM member.code""",
    ),
)
