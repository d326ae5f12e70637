"""Invariants of keys, pinned rules, numbers, privacy and authority: numbers 7, 11, 12, 20 and 22."""

from points.auditing.check import Check, by_sql

# Kinds that come of a request alone. (A refund may also give back an automatic reward, before its own journal.)
_ASKED = """
'earn', 'redeem', 'reverse', 'claim', 'capture', 'release', 'adjust', 'transfer_out', 'merge_out', 'mark'
"""

KEYS: tuple[Check, ...] = (
    by_sql(
        7,
        "a journal has one key, or follows from another or from time",
        f"""
        SELECT journal.id AS subject, 'keys ' || count(effect_id) AS detail
        FROM journal LEFT JOIN idempotency ON idempotency.effect_id = journal.id
        GROUP BY journal.id
        HAVING count(effect_id) > 1 OR (cause_id IS NOT NULL AND count(effect_id) > 0)
            OR (cause_id IS NULL AND kind IN ({_ASKED}) AND count(effect_id) = 0
                AND NOT EXISTS (SELECT FROM voucher WHERE voucher.journal_id = reverses_id AND automatic))""",
    ),
    by_sql(
        7,
        "a journal follows from one that is there",
        """
        SELECT journal.id AS subject, 'cause ' || journal.cause_id AS detail
        FROM journal LEFT JOIN journal cause ON cause.id = journal.cause_id
        WHERE journal.cause_id IS NOT NULL AND (cause.id IS NULL OR cause.height <> journal.height)""",
    ),
)

PINNED: tuple[Check, ...] = (
    by_sql(
        11,
        "an earning pins version, event, context and what every rule gave",
        """
        SELECT id AS subject, 'facts ' || left(facts::text, 80) AS detail FROM journal WHERE kind = 'earn'
        AND NOT (facts ?& ARRAY['version', 'event', 'context', 'points', 'lots'])""",
    ),
    by_sql(
        11,
        "the points of an earning are those that its rules gave, and those of its lots",
        """
        SELECT journal.id AS subject, 'points ' || points || ', rules ' || given || ', lots ' || issued AS detail
        FROM journal
        CROSS JOIN LATERAL (SELECT coalesce(sum((part->>3)::bigint), 0) AS given
                            FROM jsonb_array_elements(facts->'lots') AS part) rules
        CROSS JOIN LATERAL (SELECT coalesce(sum(original), 0) AS issued FROM lot WHERE journal_id = journal.id) lots
        WHERE kind = 'earn' AND (points <> given OR points <> issued OR points <> (facts->>'points')::bigint)""",
    ),
    by_sql(
        11,
        "a lot was issued under the version that its journal names",
        """
        SELECT lot.id AS subject, 'version ' || coalesce(version_id, 'none') AS detail
        FROM lot JOIN journal ON journal.id = journal_id
        WHERE moved_from IS NULL AND version_id IS DISTINCT FROM facts->>'version'""",
    ),
)

NUMBERS: tuple[Check, ...] = (
    by_sql(
        12,
        "no column holds a number with a fraction",
        """
        SELECT table_name || '.' || column_name AS subject, data_type AS detail FROM information_schema.columns
        WHERE table_schema = current_schema() AND data_type IN ('real', 'double precision', 'numeric', 'money')
          AND (table_name, column_name) NOT IN (('location', 'latitude'), ('location', 'longitude'),
                                                ('google_push_state', 'rate_per_s'))""",
    ),
    by_sql(
        12,
        "no pinned number has a fraction",
        """
        SELECT id AS subject, 'facts ' || left(facts::text, 80) AS detail FROM journal
        WHERE jsonb_path_exists(facts, 'strict $.** ? (@.type() == "number" && @.floor() != @)')""",
    ),
)

# A name of one word may be any word of a programme; one of two or more is a person's.
PRIVACY: tuple[Check, ...] = (
    by_sql(
        20,
        "no entry holds a member's name",
        """
        SELECT journal.id AS subject, 'the name of its member' AS detail
        FROM journal JOIN profile ON profile.member_id = coalesce(by_member_id, journal.member_id)
        WHERE name LIKE '_% _%' AND strpos(lower(facts::text), lower(name)) > 0""",
    ),
    by_sql(
        20,
        "a member's code says nothing but itself",
        """
        SELECT member.id AS subject, 'code' AS detail FROM member LEFT JOIN profile ON profile.member_id = member.id
        WHERE code = member.id OR code = name""",
    ),
)

AUTHORITY: tuple[Check, ...] = (
    by_sql(
        22,
        "an adjustment by hand has a reason, a person and a role",
        """
        SELECT id AS subject, 'facts ' || left(facts::text, 80) AS detail FROM journal WHERE kind = 'adjust'
        AND NOT (coalesce(facts->>'reason', '') <> '' AND coalesce(facts->>'actor', '') <> ''
                 AND coalesce(facts->>'about', '') IN ('cashier', 'manager', 'operator'))""",
    ),
    by_sql(
        22,
        "nobody adjusts their own account or approves their own adjustment",
        """
        SELECT id AS subject, 'by ' || (facts->>'actor') AS detail FROM journal WHERE kind = 'adjust'
        AND (facts->>'actor' IN (member_id, by_member_id, facts->>'approved_by')
             OR facts->>'approved_by' IN (member_id, by_member_id))""",
    ),
    by_sql(
        22,
        "a correction that was asked for is the one that was made",
        """
        SELECT adjustment.id AS subject, 'journal ' || coalesce(journal_id, 'none') AS detail
        FROM adjustment LEFT JOIN journal ON journal.id = journal_id AND kind = 'adjust'
        WHERE (state = 'done') <> (journal.id IS NOT NULL)
           OR (state = 'done' AND (facts->>'reason', facts->>'actor', facts->>'approved_by', journal.points)
               IS DISTINCT FROM (reason, actor, approver, abs(adjustment.points)))""",
    ),
)
