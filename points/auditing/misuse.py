"""Invariants of proofs and reviews: number 22. Meters are a help to judge by, and no truth rests on them."""

from points.auditing.check import Check, by_sql

# The lots that come of reviewed earnings, also where they moved on with a merged account.
_LOTS = """
WITH RECURSIVE reviewed AS (
    SELECT lot.id, review.id AS review_id, state, remaining, pending, awaits
    FROM review JOIN lot ON lot.journal_id = review.journal_id AND moved_from IS NULL
    UNION ALL
    SELECT lot.id, reviewed.review_id, reviewed.state, lot.remaining, lot.pending, lot.awaits
    FROM reviewed JOIN lot ON lot.moved_from = reviewed.id)
"""

PROOFS: tuple[Check, ...] = (
    by_sql(
        22,
        "a proof that is used up names what was spent by it: of its member, at its partner, in its time",
        """
        SELECT proof.id AS subject, 'used by ' || used_by AS detail
        FROM proof LEFT JOIN journal ON journal.id = used_by
        WHERE used_by IS NOT NULL AND (
            kind IS NULL OR kind NOT IN ('redeem', 'claim', 'transfer_out')
            OR facts#>>'{proof,id}' IS DISTINCT FROM proof.id
            OR facts#>>'{proof,member}' IS DISTINCT FROM proof.member_id
            OR journal.partner_id <> proof.partner_id OR recorded_at >= good_until)""",
    ),
    by_sql(
        22,
        "what was spent by a proof used it up, and nothing else did",
        """
        SELECT journal.id AS subject, 'proof ' || (facts#>>'{proof,id}') AS detail
        FROM journal JOIN proof ON proof.id = facts#>>'{proof,id}'
        WHERE facts ? 'proof' AND used_by IS DISTINCT FROM journal.id""",
    ),
)

REVIEWS: tuple[Check, ...] = (
    by_sql(
        22,
        "an earning that somebody must look at has a review",
        """
        SELECT journal.id AS subject, 'none' AS detail FROM journal LEFT JOIN review ON review.journal_id = journal.id
        WHERE kind = 'earn' AND facts ? 'review' AND review.id IS NULL""",
    ),
    by_sql(
        22,
        "points wait as long as their review is open, and no longer",
        f"""
        {_LOTS}
        SELECT review_id AS subject, state || ', lot ' || id || ' awaits ' || coalesce(awaits, 'nothing') AS detail
        FROM reviewed
        WHERE remaining > 0 AND (state = 'open') <> (pending AND coalesce(awaits, '') ~ '^review([+]|$)')""",
    ),
    by_sql(
        22,
        "a review is decided by one journal that says so",
        """
        SELECT review.id AS subject, state || ', said by ' || count(journal.id) AS detail
        FROM review LEFT JOIN journal ON facts#>>'{verdict,review}' = review.id
        GROUP BY review.id
        HAVING count(journal.id) <> (state <> 'open')::int
            OR bool_or((facts#>>'{verdict,approved}')::boolean <> (state = 'approved'))""",
    ),
)
