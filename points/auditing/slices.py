"""Invariants of lots and the slices taken from them: numbers 3, 4, 8, 9 and 21."""

from points.auditing.check import Check, by_sql

ALLOCATIONS: tuple[Check, ...] = (
    by_sql(
        4,
        "what remains of a lot is what was not allocated",
        """
        SELECT lot.id AS subject, 'remaining ' || remaining || ' of ' || original AS detail
        FROM lot LEFT JOIN allocation ON allocation.lot_id = lot.id
        GROUP BY lot.id HAVING original - coalesce(sum(points), 0) <> remaining""",
    ),
    by_sql(
        4,
        "no slice of a lot is used twice",
        """
        SELECT lot_id AS subject, 'used ' || used || ' of ' || original || ' by ' || journal_id AS detail FROM (
            SELECT lot_id, original, slices.journal_id,
                   sum(slices.points) OVER (PARTITION BY lot_id ORDER BY seq) AS used
            FROM (SELECT lot_id, journal_id, sum(points) AS points FROM allocation GROUP BY lot_id, journal_id) slices
            JOIN lot ON lot.id = lot_id JOIN journal ON journal.id = slices.journal_id) running
        WHERE used NOT BETWEEN 0 AND original""",
    ),
    by_sql(
        4,
        "what a member has moves by lots and allocations",
        """
        WITH moved AS (
            SELECT journal_id, amount FROM entry WHERE account_id LIKE '%/spendable' OR account_id LIKE '%/pending'
            UNION ALL SELECT journal_id, -original FROM lot
            UNION ALL SELECT journal_id, points FROM allocation)
        SELECT journal_id AS subject, 'off by ' || sum(amount) AS detail
        FROM moved GROUP BY journal_id HAVING sum(amount) <> 0""",
    ),
    by_sql(
        4,
        "an allocation is of the lot's member and issuer, and says who honoured it",
        """
        SELECT allocation.id AS subject, purpose || ' of ' || lot_id AS detail
        FROM allocation LEFT JOIN lot ON lot.id = lot_id JOIN journal ON journal.id = allocation.journal_id
        LEFT JOIN journal original ON original.id = journal.reverses_id
        WHERE lot.issuer_id IS DISTINCT FROM allocation.issuer_id
           OR lot.member_id IS DISTINCT FROM allocation.member_id
              AND lot.member_id IS DISTINCT FROM original.member_id  -- what was spent before accounts were merged
           OR (purpose = 'honoured') <> (acceptor_id IS NOT NULL)
           OR purpose NOT IN ('honoured', 'withdrawn', 'held', 'expired', 'moved') OR allocation.points = 0""",
    ),
)

REVERSALS: tuple[Check, ...] = (
    by_sql(
        8,
        "reversals do not exceed what they reverse",
        """
        SELECT original.id AS subject, 'reversed beyond the original' AS detail
        FROM journal original JOIN journal reversal ON reversal.reverses_id = original.id
        GROUP BY original.id
        HAVING sum(coalesce(reversal.amount_minor, 0)) > coalesce(original.amount_minor, 0)
            OR (original.kind IN ('redeem', 'capture') AND sum(reversal.points) > original.points)
            OR (original.kind NOT IN ('redeem', 'capture') AND original.amount_minor IS NULL AND count(*) > 1)""",
    ),
    by_sql(
        8,
        "no line is refunded beyond its amount",
        """
        SELECT original.id AS subject, 'line ' || (part->>0) AS detail
        FROM journal original JOIN journal reversal ON reversal.reverses_id = original.id,
             jsonb_array_elements(coalesce(reversal.facts->'returned', '[]')) AS part
        GROUP BY original.id, part->>0, original.facts
        HAVING sum((part->>1)::bigint)
            > coalesce((original.facts#>>ARRAY['event', 'lines', part->>0, 'amount_minor'])::bigint, 0)""",
    ),
    by_sql(
        8,
        "points go back to the lots they came from",
        """
        SELECT original.id AS subject, 'lot ' || lot_id || ' off by ' || sum(slice.points) AS detail
        FROM (SELECT journal_id, lot_id, sum(points) AS points FROM allocation
              WHERE purpose = 'honoured' GROUP BY journal_id, lot_id HAVING sum(points) <> 0) slice
        JOIN journal ON journal.id = slice.journal_id
        JOIN journal original ON original.id = coalesce(journal.reverses_id, journal.id)
        WHERE original.kind IN ('redeem', 'capture')
          AND (journal.reverses_id IS NULL OR slice.points < 0)
        GROUP BY original.id, lot_id HAVING sum(slice.points) < 0""",
    ),
)

EXPIRY: tuple[Check, ...] = (
    by_sql(
        9,
        "a lot expires when its time is over, and not before",
        """
        SELECT lot.id AS subject, 'expires ' || expires_at || ', expired ' || recorded_at AS detail
        FROM allocation JOIN lot ON lot.id = lot_id JOIN journal ON journal.id = allocation.journal_id
        WHERE purpose = 'expired' AND expires_at > recorded_at""",
    ),
    by_sql(
        9,
        "nothing is spent from a lot whose time is over",
        """
        SELECT lot.id AS subject, 'expired ' || expires_at || ', used ' || recorded_at || ' by ' || journal.id AS detail
        FROM allocation JOIN lot ON lot.id = lot_id JOIN journal ON journal.id = allocation.journal_id
        WHERE allocation.points > 0 AND purpose IN ('honoured', 'held', 'moved') AND expires_at <= recorded_at
          AND kind IN ('redeem', 'claim', 'transfer_out', 'convert')""",
    ),
    by_sql(
        9,
        "what waits is not spent",
        """
        SELECT lot.id AS subject, purpose || ' by ' || used.journal_id AS detail
        FROM lot JOIN (SELECT lot_id, purpose, min(journal_id) AS journal_id FROM allocation
                       GROUP BY lot_id, purpose HAVING sum(points) > 0) used ON lot_id = lot.id
        WHERE pending AND purpose IN ('honoured', 'held')""",
    ),
    by_sql(
        21,
        "the expiry of a lot is the one that was promised, or a later one",
        """
        SELECT lot.id AS subject, 'promised ' || coalesce(promised::text, 'never') || ', is '
            || coalesce(expires_at::text, 'never') AS detail
        FROM lot JOIN journal ON journal.id = journal_id
        CROSS JOIN LATERAL (SELECT (facts#>>ARRAY['issued', lot.id, '0'])::timestamptz AS promised) issued
        LEFT JOIN LATERAL (
            SELECT (later.facts#>>ARRAY['prolonged', lot.id])::timestamptz AS until FROM journal later
            WHERE later.member_id = lot.member_id AND later.facts->'prolonged' ? lot.id
            ORDER BY later.seq DESC LIMIT 1) prolonged ON true
        WHERE coalesce(until, promised) IS DISTINCT FROM expires_at OR until < promised""",
    ),
)
