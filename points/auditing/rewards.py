"""Invariants of claims, shared limits and vouchers: numbers 6, 13 and 14."""

from points.auditing.check import Check, by_sql

HOLDS: tuple[Check, ...] = (
    by_sql(
        6,
        "a hold has ended if and only if something ended it",
        """
        SELECT claim.id AS subject, state || ' by ' || coalesce(ended_by, 'nothing') AS detail
        FROM claim LEFT JOIN journal ending ON ending.id = ended_by
        WHERE CASE state
            WHEN 'held' THEN ended_by IS NOT NULL
            WHEN 'captured' THEN ending.kind IS DISTINCT FROM 'capture' AND ended_by IS DISTINCT FROM claim.id
            WHEN 'released' THEN ending.kind IS DISTINCT FROM 'release'
            ELSE ending.kind IS DISTINCT FROM 'time_out' END""",
    ),
    by_sql(
        6,
        "a hold ends once",
        """
        SELECT facts->>'claim' AS subject, count(*) || ' endings' AS detail
        FROM journal LEFT JOIN claim ON claim.id = facts->>'claim' AND claim.ended_by = journal.id
        WHERE kind IN ('capture', 'release', 'time_out')
        GROUP BY facts->>'claim' HAVING count(*) <> 1 OR count(claim.id) <> 1""",
    ),
    by_sql(
        6,
        "a hold keeps exactly its points, and none when it has ended",
        """
        SELECT claim.id AS subject, state || ', holds ' || coalesce(sum(holds.points), 0) AS detail
        FROM claim LEFT JOIN (
            SELECT coalesce(facts->>'claim', journal.id) AS claim_id, allocation.points
            FROM allocation JOIN journal ON journal.id = journal_id WHERE purpose = 'held') holds ON claim_id = claim.id
        GROUP BY claim.id
        HAVING coalesce(sum(holds.points), 0) <> CASE WHEN state = 'held' THEN claim.points ELSE 0 END""",
    ),
    by_sql(
        6,
        "what is posted as held is held by open claims",
        """
        WITH held AS (
            SELECT member_id, amount AS points FROM entry WHERE account_id LIKE '%/held'
            UNION ALL SELECT member_id, -points FROM claim WHERE state = 'held')
        SELECT member_id AS subject, 'off by ' || sum(points) AS detail
        FROM held GROUP BY member_id HAVING sum(points) <> 0""",
    ),
    by_sql(
        6,
        "a claim is captured before its deadline and times out after it",
        """
        SELECT claim.id AS subject, kind || ' ' || recorded_at || ', deadline ' || deadline AS detail
        FROM claim JOIN journal ON journal.id = ended_by
        WHERE (kind = 'capture' AND recorded_at >= deadline) OR (kind = 'time_out' AND recorded_at < deadline)""",
    ),
)

CAPS: tuple[Check, ...] = (
    by_sql(
        13,
        "no shared limit is exceeded",
        "SELECT id AS subject, used || ' of ' || size AS detail FROM cap WHERE used NOT BETWEEN 0 AND size",
    ),
    by_sql(
        13,
        "what is used of a shared limit is what journals used",
        """
        WITH used AS (
            SELECT key AS cap_id, value::bigint AS n FROM journal, jsonb_each_text(
                CASE jsonb_typeof(facts->'uses') WHEN 'object' THEN facts->'uses' ELSE '{}' END)
            UNION ALL SELECT id, -used FROM cap)
        SELECT cap_id AS subject, 'off by ' || sum(n) AS detail FROM used GROUP BY cap_id HAVING sum(n) <> 0""",
    ),
)

VOUCHERS: tuple[Check, ...] = (
    by_sql(
        14,
        "a voucher belongs to the journal that issued it",
        """
        SELECT voucher.id AS subject, 'journal ' || voucher.journal_id AS detail
        FROM voucher LEFT JOIN journal ON journal.id = voucher.journal_id
        WHERE facts->>'voucher' IS DISTINCT FROM voucher.id
          AND NOT EXISTS (SELECT FROM voucher_move WHERE into_id = voucher.id)""",
    ),
    by_sql(
        14,
        "a code that another was exchanged for is of the same member, and came of one exchange",
        """
        SELECT made.id AS subject, count(given.id) || ' exchanges' AS detail
        FROM voucher made JOIN voucher_move ON into_id = made.id
        LEFT JOIN voucher given ON given.id = voucher_id AND kind = 'exchanged'
            AND (given.member_id, given.journal_id) = (made.member_id, made.journal_id)
        GROUP BY made.id HAVING count(given.id) <> 1""",
    ),
    by_sql(
        14,
        "a code is used as often as it was good for, and for no more than its value",
        """
        SELECT voucher_id AS subject, id || ' leaves ' || uses_left || ' uses' AS detail FROM (
            SELECT *, lag(uses_left) OVER moves AS uses_before, lag(value_minor) OVER moves AS value_before
            FROM voucher_move WINDOW moves AS (PARTITION BY voucher_id ORDER BY id)) moved
        WHERE (kind = 'used' AND value_minor IS NULL AND uses_left <> uses_before - 1)
           OR (kind = 'used' AND value_minor <> value_before - coalesce(money_minor, 0))""",
    ),
    by_sql(
        14,
        "a code is what its last use left of it",
        """
        SELECT voucher.id AS subject, voucher.state || ', last use left ' || last.state AS detail
        FROM voucher JOIN LATERAL (SELECT * FROM voucher_move WHERE voucher_id = voucher.id ORDER BY id DESC LIMIT 1)
            AS last ON true
        WHERE voucher.state <> 'voided' AND (voucher.state, voucher.uses_left, voucher.value_minor)
            IS DISTINCT FROM (last.state, last.uses_left, last.value_minor)""",
    ),
    by_sql(
        14,
        "a voucher can be used as long as it says so",
        """
        SELECT id AS subject, state || ', uses left ' || uses_left AS detail FROM voucher
        WHERE (state = 'issued') <> (uses_left > 0) OR (state = 'used' AND NOT used)""",
    ),
)
