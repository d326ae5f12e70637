"""Invariants of the passes: number 19, and number 20 as far as it concerns them."""

from passes.news import MESSAGES_PER_DAY
from passes.refresh import KIND, SWEEP_KIND
from points.auditing.check import Check, by_sql

PASSES: tuple[Check, ...] = (
    by_sql(
        19,
        "a pass shows the balance of the ledger, or is about to look again",
        f"""
        SELECT wallet_pass.id AS subject,
               'shows ' || (card #>> '{{values,balance,number}}') || ', is ' || spendable.balance AS detail
        FROM wallet_pass
        JOIN account own ON own.id = wallet_pass.member_id || '/spendable'
        JOIN account spendable ON spendable.id = coalesce(own.pool_id, own.member_id) || '/spendable'
        WHERE NOT voided AND (card #>> '{{values,balance,number}}')::bigint <> spendable.balance
          AND NOT EXISTS (SELECT FROM outbox WHERE (kind = '{KIND}' AND subject IN (own.member_id, own.pool_id))
                                                OR (kind = '{SWEEP_KIND}' AND subject = wallet_pass.id))""",
    ),
    by_sql(
        19,
        "a pass shows nothing of a ledger that is still to come",
        """
        SELECT id AS subject, 'shows ' || ledger_version || ', is ' || newest.seq AS detail
        FROM wallet_pass, (SELECT coalesce(max(seq), 0) AS seq FROM journal) AS newest
        WHERE ledger_version > newest.seq""",
    ),
    by_sql(
        19,
        "no wallet was told more than it shows in a day",
        f"""
        SELECT id AS subject, 'told ' || cardinality(told) || ' times' AS detail
        FROM wallet_pass WHERE cardinality(told) > CASE wallet WHEN 'google' THEN {MESSAGES_PER_DAY["google"]:d}
                                                               ELSE {MESSAGES_PER_DAY["apple"]:d} END""",
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
        SELECT wallet_pass.id AS subject, 'code' AS detail
        FROM wallet_pass JOIN member ON member.id = member_id LEFT JOIN voucher ON voucher.id = subject_id
        WHERE card->>'code' IS DISTINCT FROM CASE kind WHEN 'coupon' THEN voucher.code ELSE member.code END""",
    ),
)
