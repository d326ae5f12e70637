"""Programmes"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What the rules need of members' histories before there were programmes, as totals without days (day 0).
_STANDINGS = """
WITH carries AS (
    SELECT member_id, jsonb_object_agg(partner_id || '/terms', jsonb_build_array(numerator, denominator)) AS carries
    FROM carry WHERE numerator <> 0 GROUP BY member_id),
bills AS (
    SELECT bill.member_id, bill.points - coalesce(sum(back.points), 0) AS points,
           bill.amount_minor - coalesce(sum(back.amount_minor), 0) AS minor
    FROM journal bill LEFT JOIN journal back ON back.reverses_id = bill.id
    WHERE bill.kind = 'earn' GROUP BY bill.id),
sums AS (
    SELECT member_id, sum(points) AS points, sum(minor) AS spend, count(*) FILTER (WHERE minor > 0) AS purchases
    FROM bills GROUP BY member_id)
UPDATE account SET standing = jsonb_strip_nulls(jsonb_build_object(
    'joined', (member.joined_at AT TIME ZONE 'UTC')::date - date '0001-01-01' + 1,
    'carries', carries.carries,
    'counts', CASE WHEN sums.purchases > 0 THEN jsonb_build_object(
        'purchases', jsonb_build_object('0', sums.purchases), 'visits', jsonb_build_object('0', sums.purchases),
        'spend', jsonb_build_object('0', sums.spend),
        'points', CASE WHEN sums.points > 0 THEN jsonb_build_object('0', sums.points) END) END))
FROM member LEFT JOIN carries ON carries.member_id = member.id LEFT JOIN sums ON sums.member_id = member.id
WHERE account.id = member.id || '/spendable'
"""

# A standing is the fold of the journals' changes: what came before is one journal of its own.
_OPENINGS = """
INSERT INTO journal (id, kind, member_id, partner_id, points, occurred_at, recorded_at, facts)
SELECT 'mrk_opening_' || account.member_id, 'mark', account.member_id, member.partner_id, 0, now(), now(),
       jsonb_build_object('reason', 'opening', 'change', account.standing - 'joined')
FROM account JOIN member ON member.id = account.member_id
WHERE account.id LIKE '%/spendable' AND account.standing - 'joined' <> '{}'::jsonb
"""


def upgrade() -> None:
    op.create_table(
        "adjustment",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("location_id", sa.String(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("actor_key", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("approver", sa.String(), nullable=True),
        sa.Column("approver_key", sa.String(), nullable=True),
        sa.Column("journal_id", sa.String(), nullable=True),
        sa.Column("refusal", sa.String(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'done') = (journal_id IS NOT NULL)", name="adjustment_done"),
        sa.CheckConstraint("state IN ('waiting', 'asked', 'done', 'refused')", name="adjustment_state"),
        sa.CheckConstraint("approver IS NULL OR approver <> actor", name="adjustment_four_eyes"),
        sa.CheckConstraint("points <> 0", name="adjustment_says_something"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("adjustment_member", "adjustment", ["member_id", "id"], unique=False)
    op.create_index("adjustment_partner", "adjustment", ["partner_id", "id"], unique=False)
    op.create_index(
        "adjustment_waiting",
        "adjustment",
        ["partner_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "birthday",
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changes", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("month BETWEEN 1 AND 12 AND day BETWEEN 1 AND 31", name="birthday_day"),
        sa.PrimaryKeyConstraint("member_id"),
    )
    op.create_index("birthday_when", "birthday", ["month", "day"], unique=False)
    op.create_table(
        "board_closed",
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("board", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("tie_rule", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("programme", "board", "period"),
    )
    op.create_table(
        "board_place",
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("board", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("pseudonym", sa.String(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=False),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("programme", "board", "period", "place"),
    )
    op.create_table(
        "board_player",
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("board", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("pseudonym", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("programme", "board", "member_id"),
    )
    op.create_index(
        "board_player_pseudonym",
        "board_player",
        ["programme", "board", sa.literal_column("lower(pseudonym)")],
        unique=True,
    )
    op.create_table(
        "cap",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("used >= 0 AND used <= size", name="cap_holds"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "chain_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name="one_chain_head"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "claim",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("reward", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("journal_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("order_ref", sa.String(), nullable=True),
        sa.Column("voucher_id", sa.String(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.CheckConstraint("state IN ('held', 'captured', 'released', 'timed_out')", name="claim_state"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("claim_held", "claim", ["member_id"], unique=False, postgresql_where=sa.text("state = 'held'"))
    op.create_index("claim_member", "claim", ["member_id", "id"], unique=False)
    op.create_index(
        "claim_order",
        "claim",
        ["member_id", "order_ref"],
        unique=False,
        postgresql_where=sa.text("order_ref IS NOT NULL"),
    )
    op.create_index(op.f("ix_claim_journal_id"), "claim", ["journal_id"], unique=False)
    op.create_table(
        "commitment",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opens", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes", sa.DateTime(timezone=True), nullable=False),
        sa.Column("drawn", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("looked_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("finished", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("kind IN ('surprise', 'game')", name="commitment_kind"),
        sa.CheckConstraint("published_at <= opens AND opens < closes", name="commitment_before"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("programme", "kind", "name", "period", name="commitment_period"),
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('marketing', 'profiling', 'sensitive')", name="consent_kind"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("consent_member", "consent", ["member_id", "kind", "id"], unique=False)
    op.create_index("consent_recorded", "consent", ["recorded_at"], unique=False)
    op.create_table(
        "draw",
        sa.Column("commitment_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("instead", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("commitment_id", "subject"),
    )
    op.create_index(
        "draw_won", "draw", ["commitment_id", "subject"], unique=False, postgresql_where=sa.text("outcome IS NOT NULL")
    )
    op.create_index(op.f("ix_draw_member_id"), "draw", ["member_id"], unique=False)
    op.create_table(
        "household",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "household_member",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("household_id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("owner", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("may_view", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("may_spend", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('invited', 'joining', 'active', 'leaving', 'left', 'declined')", name="household_member_state"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "household_member_one",
        "household_member",
        ["member_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('joining', 'active', 'leaving')"),
    )
    op.create_index(
        "household_member_seat",
        "household_member",
        ["household_id", "member_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('invited', 'joining', 'active', 'leaving')"),
    )
    op.create_table(
        "membership",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name="membership_span"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("membership_member", "membership", ["member_id", "name", "id"], unique=False)
    op.create_index("membership_recorded", "membership", ["recorded_at"], unique=False)
    op.create_table(
        "nomination",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("nominated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moderated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moderated_by", sa.String(), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'approved', 'rejected')", name="nomination_state"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("entry_id", name="nomination_once_per_visit"),
    )
    op.create_index("nomination_member", "nomination", ["member_id", "period"], unique=False)
    op.create_index("nomination_partner", "nomination", ["partner_id", "id"], unique=False)
    op.create_table(
        "offer_switch",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("offer", sa.String(), nullable=False),
        sa.Column("on", sa.Boolean(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("offer_switch_member", "offer_switch", ["member_id", "offer", "id"], unique=False)
    op.create_index("offer_switch_recorded", "offer_switch", ["recorded_at"], unique=False)
    op.create_table(
        "play",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("game", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("prize", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("commitment_id", sa.String(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('paying', 'drawn', 'refused')", name="play_state"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("partner_id", "key", name="play_key"),
    )
    op.create_index("play_member", "play", ["member_id", "programme", "game", "period"], unique=False)
    op.create_index("play_open", "play", ["started_at"], unique=False, postgresql_where=sa.text("state = 'paying'"))
    op.create_table(
        "prize_stock",
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("game", sa.String(), nullable=False),
        sa.Column("prize", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("won", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("won >= 0 AND won <= size", name="prize_stock_holds"),
        sa.PrimaryKeyConstraint("programme", "game", "prize"),
    )
    op.create_table(
        "programme_publication",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=True),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_programme_publication_version_id"), "programme_publication", ["version_id"], unique=False)
    op.create_index(
        "programme_publication_start",
        "programme_publication",
        ["partner_id", "effective_from"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "programme_version",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "promise",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("reward", sa.String(), nullable=True),
        sa.Column("badge", sa.String(), nullable=True),
        sa.Column("award", sa.String(), nullable=True),
        sa.Column("period", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("cap_id", sa.String(), nullable=True),
        sa.Column("cap_size", sa.BigInteger(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("journal_id", sa.String(), nullable=True),
        sa.Column("refused", sa.String(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("points >= 0", name="promise_points"),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(
        "promise_due",
        "promise",
        ["due"],
        unique=False,
        postgresql_where=sa.text("journal_id IS NULL AND refused IS NULL"),
    )
    op.create_index("promise_member", "promise", ["member_id", "key"], unique=False)
    op.create_table(
        "recognition",
        sa.Column("nomination_id", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("nominated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("nomination_id"),
    )
    op.create_index("recognition_staff", "recognition", ["staff_id", "unit", "month"], unique=False)
    op.create_table(
        "referral",
        sa.Column("friend_id", sa.String(), nullable=False),
        sa.Column("referrer_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("journal_id", sa.String(), nullable=True),
        sa.Column("partner_id", sa.String(), nullable=True),
        sa.Column("programme", sa.String(), nullable=True),
        sa.Column("period", sa.String(), nullable=True),
        sa.Column("qualified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('bound', 'waiting', 'paid', 'refused')", name="referral_state"),
        sa.CheckConstraint("friend_id <> referrer_id", name="referral_of_another"),
        sa.PrimaryKeyConstraint("friend_id"),
    )
    op.create_index(
        "referral_open",
        "referral",
        ["state", "due_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('bound', 'waiting')"),
    )
    op.create_index("referral_referrer", "referral", ["referrer_id", "friend_id"], unique=False)
    op.create_table(
        "referral_code",
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "seal",
        sa.Column("height", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("journals", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("height"),
    )
    op.create_table(
        "share",
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("award", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("token"),
        sa.UniqueConstraint("member_id", "programme", "award", name="share_once"),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=True),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('trainee', 'cashier', 'manager')", name="staff_role"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "staff_member", "staff", ["partner_id", "member_id"], unique=True, postgresql_where=sa.text("left_at IS NULL")
    )
    op.create_index("staff_partner", "staff", ["partner_id", "id"], unique=False)
    op.create_table(
        "staff_award",
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=True),
        sa.Column("amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("partner_id", "month"),
    )
    op.create_table(
        "survey_answer",
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("survey", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("words", sa.String(), nullable=True),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "programme", "survey"),
    )
    op.create_index("survey_answer_survey", "survey_answer", ["programme", "survey", "answered_at"], unique=False)
    op.create_table(
        "voucher",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("reward", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("journal_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("value_minor", sa.BigInteger(), nullable=True),
        sa.Column("automatic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("used", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("state IN ('issued', 'used', 'voided')", name="voucher_state"),
        sa.CheckConstraint("uses_left >= 0", name="voucher_uses"),
        sa.CheckConstraint("value_minor >= 0", name="voucher_value"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_index(op.f("ix_voucher_journal_id"), "voucher", ["journal_id"], unique=False)
    op.create_index("voucher_member", "voucher", ["member_id", "id"], unique=False)
    op.create_table(
        "voucher_move",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("voucher_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=True),
        sa.Column("location_id", sa.String(), nullable=True),
        sa.Column("shown_by", sa.String(), nullable=True),
        sa.Column("order_ref", sa.String(), nullable=True),
        sa.Column("basket_minor", sa.BigInteger(), nullable=True),
        sa.Column("money_minor", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("value_minor", sa.BigInteger(), nullable=True),
        sa.Column("into_id", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('used', 'exchanged', 'voided')", name="voucher_move_kind"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "voucher_move_into", "voucher_move", ["into_id"], unique=True, postgresql_where=sa.text("into_id IS NOT NULL")
    )
    op.create_index(
        "voucher_move_order",
        "voucher_move",
        ["member_id", "order_ref"],
        unique=False,
        postgresql_where=sa.text("order_ref IS NOT NULL"),
    )
    op.create_index("voucher_move_voucher", "voucher_move", ["voucher_id", "id"], unique=False)
    op.add_column(
        "account",
        sa.Column(
            "standing", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
    )
    op.add_column("account", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("account", sa.Column("frozen", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("account", sa.Column("pool_id", sa.String(), nullable=True))
    op.add_column("account", sa.Column("may_spend", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.create_index("account_due", "account", ["due_at"], unique=False, postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_index(
        "account_pool", "account", ["pool_id"], unique=False, postgresql_where=sa.text("pool_id IS NOT NULL")
    )
    op.add_column("allocation", sa.Column("purpose", sa.String(), server_default="honoured", nullable=False))
    op.add_column("journal", sa.Column("cause_id", sa.String(), nullable=True))
    op.add_column("journal", sa.Column("by_member_id", sa.String(), nullable=True))
    op.add_column(
        "journal", sa.Column("digest", sa.LargeBinary(), server_default=sa.text("'\\x'::bytea"), nullable=False)
    )
    op.add_column("journal", sa.Column("height", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("journal", sa.Column("place", sa.Integer(), server_default="0", nullable=False))
    op.create_index(op.f("ix_journal_cause_id"), "journal", ["cause_id"], unique=False)
    op.create_index(
        "journal_chain", "journal", ["height", "place"], unique=True, postgresql_where=sa.text("height > 0")
    )
    op.add_column("lot", sa.Column("version_id", sa.String(), nullable=True))
    op.add_column("lot", sa.Column("pending", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("lot", sa.Column("active_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("lot", sa.Column("awaits", sa.String(), nullable=True))
    op.add_column("lot", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("lot", sa.Column("moved_from", sa.String(), nullable=True))
    op.create_index("lot_pending", "lot", ["member_id"], unique=False, postgresql_where="pending AND remaining > 0")

    op.execute(_STANDINGS)
    op.execute(_OPENINGS)
    op.drop_table("carry")


def downgrade() -> None:
    op.drop_index("lot_pending", table_name="lot", postgresql_where="pending AND remaining > 0")
    op.drop_column("lot", "moved_from")
    op.drop_column("lot", "expires_at")
    op.drop_column("lot", "awaits")
    op.drop_column("lot", "active_at")
    op.drop_column("lot", "pending")
    op.drop_column("lot", "version_id")
    op.drop_index("journal_chain", table_name="journal", postgresql_where=sa.text("height > 0"))
    op.drop_index(op.f("ix_journal_cause_id"), table_name="journal")
    op.drop_column("journal", "place")
    op.drop_column("journal", "height")
    op.drop_column("journal", "digest")
    op.drop_column("journal", "by_member_id")
    op.drop_column("journal", "cause_id")
    op.drop_column("allocation", "purpose")
    op.drop_index("account_pool", table_name="account", postgresql_where=sa.text("pool_id IS NOT NULL"))
    op.drop_index("account_due", table_name="account", postgresql_where=sa.text("due_at IS NOT NULL"))
    op.drop_column("account", "may_spend")
    op.drop_column("account", "pool_id")
    op.drop_column("account", "frozen")
    op.drop_column("account", "due_at")
    op.drop_column("account", "standing")
    op.create_table(
        "carry",
        sa.Column("member_id", sa.VARCHAR(), autoincrement=False, nullable=False),
        sa.Column("partner_id", sa.VARCHAR(), autoincrement=False, nullable=False),
        sa.Column("numerator", sa.BIGINT(), autoincrement=False, nullable=False),
        sa.Column("denominator", sa.BIGINT(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("member_id", "partner_id", name=op.f("carry_pkey")),
    )
    op.drop_index("voucher_move_voucher", table_name="voucher_move")
    op.drop_index("voucher_move_order", table_name="voucher_move", postgresql_where=sa.text("order_ref IS NOT NULL"))
    op.drop_index("voucher_move_into", table_name="voucher_move", postgresql_where=sa.text("into_id IS NOT NULL"))
    op.drop_table("voucher_move")
    op.drop_index("voucher_member", table_name="voucher")
    op.drop_index(op.f("ix_voucher_journal_id"), table_name="voucher")
    op.drop_table("voucher")
    op.drop_index("survey_answer_survey", table_name="survey_answer")
    op.drop_table("survey_answer")
    op.drop_table("staff_award")
    op.drop_index("staff_partner", table_name="staff")
    op.drop_index("staff_member", table_name="staff", postgresql_where=sa.text("left_at IS NULL"))
    op.drop_table("staff")
    op.drop_table("share")
    op.drop_table("seal")
    op.drop_table("referral_code")
    op.drop_index("referral_referrer", table_name="referral")
    op.drop_index("referral_open", table_name="referral", postgresql_where=sa.text("state IN ('bound', 'waiting')"))
    op.drop_table("referral")
    op.drop_index("recognition_staff", table_name="recognition")
    op.drop_table("recognition")
    op.drop_index("promise_member", table_name="promise")
    op.drop_index(
        "promise_due", table_name="promise", postgresql_where=sa.text("journal_id IS NULL AND refused IS NULL")
    )
    op.drop_table("promise")
    op.drop_table("programme_version")
    op.drop_index("programme_publication_start", table_name="programme_publication", postgresql_nulls_not_distinct=True)
    op.drop_index(op.f("ix_programme_publication_version_id"), table_name="programme_publication")
    op.drop_table("programme_publication")
    op.drop_table("prize_stock")
    op.drop_index("play_open", table_name="play", postgresql_where=sa.text("state = 'paying'"))
    op.drop_index("play_member", table_name="play")
    op.drop_table("play")
    op.drop_index("offer_switch_recorded", table_name="offer_switch")
    op.drop_index("offer_switch_member", table_name="offer_switch")
    op.drop_table("offer_switch")
    op.drop_index("nomination_partner", table_name="nomination")
    op.drop_index("nomination_member", table_name="nomination")
    op.drop_table("nomination")
    op.drop_index("membership_recorded", table_name="membership")
    op.drop_index("membership_member", table_name="membership")
    op.drop_table("membership")
    op.drop_index(
        "household_member_seat",
        table_name="household_member",
        postgresql_where=sa.text("state IN ('invited', 'joining', 'active', 'leaving')"),
    )
    op.drop_index(
        "household_member_one",
        table_name="household_member",
        postgresql_where=sa.text("state IN ('joining', 'active', 'leaving')"),
    )
    op.drop_table("household_member")
    op.drop_table("household")
    op.drop_index(op.f("ix_draw_member_id"), table_name="draw")
    op.drop_index("draw_won", table_name="draw", postgresql_where=sa.text("outcome IS NOT NULL"))
    op.drop_table("draw")
    op.drop_index("consent_recorded", table_name="consent")
    op.drop_index("consent_member", table_name="consent")
    op.drop_table("consent")
    op.drop_table("commitment")
    op.drop_index(op.f("ix_claim_journal_id"), table_name="claim")
    op.drop_index("claim_order", table_name="claim", postgresql_where=sa.text("order_ref IS NOT NULL"))
    op.drop_index("claim_member", table_name="claim")
    op.drop_index("claim_held", table_name="claim", postgresql_where=sa.text("state = 'held'"))
    op.drop_table("claim")
    op.drop_table("chain_head")
    op.drop_table("cap")
    op.drop_index("board_player_pseudonym", table_name="board_player")
    op.drop_table("board_player")
    op.drop_table("board_place")
    op.drop_table("board_closed")
    op.drop_index("birthday_when", table_name="birthday")
    op.drop_table("birthday")
    op.drop_index("adjustment_waiting", table_name="adjustment", postgresql_where=sa.text("state = 'waiting'"))
    op.drop_index("adjustment_partner", table_name="adjustment")
    op.drop_index("adjustment_member", table_name="adjustment")
    op.drop_table("adjustment")
