"""Invariants of clearing and of tills without a connection: number 16."""

from points.auditing.check import Check, by_sql

SETTLEMENT: tuple[Check, ...] = (
    by_sql(
        16,
        "points honoured for another partner are one obligation",
        """
        SELECT allocation.id AS subject, 'points ' || allocation.points || ', obligation '
            || coalesce(obligation.points::text, 'none') AS detail
        FROM allocation LEFT JOIN obligation ON allocation_id = allocation.id
        WHERE purpose = 'honoured' AND allocation.acceptor_id <> allocation.issuer_id
          AND (obligation.points, obligation.issuer_id, obligation.acceptor_id, obligation.journal_id,
               obligation.lot_id)
              IS DISTINCT FROM (allocation.points, allocation.issuer_id, allocation.acceptor_id,
                                allocation.journal_id, allocation.lot_id)""",
    ),
    by_sql(
        16,
        "an obligation is for points that were honoured",
        """
        SELECT obligation.id AS subject, 'allocation ' || allocation_id AS detail
        FROM obligation LEFT JOIN allocation ON allocation.id = allocation_id AND purpose = 'honoured'
        WHERE allocation.id IS NULL""",
    ),
    by_sql(
        16,
        "an obligation of a cycle is in a cycle that was closed",
        """
        SELECT obligation.id AS subject, 'cycle ' || cycle_id AS detail
        FROM obligation LEFT JOIN clearing_cycle ON clearing_cycle.id = cycle_id AND clearing_cycle.currency
            = obligation.currency
        WHERE cycle_id IS NOT NULL AND clearing_cycle.id IS NULL""",
    ),
    by_sql(
        16,
        "a cycle holds as many obligations as it was closed with",
        """
        SELECT clearing_cycle.id AS subject, obligations || ', now ' || count(obligation.id) AS detail
        FROM clearing_cycle LEFT JOIN obligation ON cycle_id = clearing_cycle.id
        GROUP BY clearing_cycle.id HAVING obligations <> count(obligation.id)""",
    ),
    by_sql(
        16,
        "the net amounts of a cycle sum to nothing",
        """
        SELECT cycle_id AS subject, 'minor units ' || sum(net_minor) || ', micros ' || sum(carry_micros) AS detail
        FROM net_position GROUP BY cycle_id HAVING sum(net_minor) <> 0 OR sum(carry_micros) <> 0""",
    ),
    by_sql(
        16,
        "what a party pays and gets in a cycle is the sum of its obligations",
        """
        WITH owed AS (
            SELECT cycle_id, issuer_id AS party_id, issuer_micros AS pays, 0::bigint AS gets FROM obligation
            UNION ALL SELECT cycle_id, acceptor_id, 0, acceptor_micros FROM obligation
            UNION ALL SELECT cycle_id, party_id, -pays_micros, -gets_micros FROM net_position
                WHERE EXISTS (SELECT FROM partner WHERE partner.id = party_id))
        SELECT cycle_id AS subject, party_id || ' pays off by ' || sum(pays) || ', gets off by ' || sum(gets) AS detail
        FROM owed WHERE cycle_id IS NOT NULL GROUP BY cycle_id, party_id HAVING sum(pays) <> 0 OR sum(gets) <> 0""",
    ),
    by_sql(
        16,
        "a float is what was paid in less what was charged",
        """
        SELECT terminal_id AS subject, 'float ' || balance || ', moves ' || coalesce(sum(points), 0) AS detail
        FROM terminal_float LEFT JOIN float_move USING (terminal_id)
        GROUP BY terminal_id, balance HAVING balance <> coalesce(sum(points), 0)""",
    ),
    by_sql(
        16,
        "what an offline redemption lacked is charged once",
        """
        SELECT journal.id AS subject, 'short ' || (facts ->> 'short') || ', charged '
            || coalesce(-float_move.points, 0) AS detail
        FROM journal LEFT JOIN float_move ON float_move.cause = journal.id
        WHERE journal.kind = 'redeem' AND facts ? 'offline'
          AND coalesce((facts ->> 'short')::bigint, 0) <> coalesce(-float_move.points, 0)""",
    ),
    by_sql(
        16,
        "an allowance says what was used of it",
        """
        SELECT allowance.id AS subject, 'used ' || used || ', uses ' || coalesce(sum(offline_use.points), 0) AS detail
        FROM allowance LEFT JOIN offline_use ON allowance_id = allowance.id AND within
        GROUP BY allowance.id, used HAVING used <> coalesce(sum(offline_use.points), 0)""",
    ),
)
