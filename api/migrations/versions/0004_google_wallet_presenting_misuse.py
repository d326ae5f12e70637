"""Google Wallet, presenting, misuse"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "allowance",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("terminal_id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("per_redemption", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("document", sa.String(), nullable=False),
        sa.CheckConstraint("points > 0 AND per_redemption > 0 AND used >= 0", name="allowance_amounts"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("allowance_terminal", "allowance", ["terminal_id", "id"], unique=False)
    op.create_table(
        "attempt",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tries", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "confirmation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("reward", sa.String(), nullable=True),
        sa.Column("terminal", sa.String(), nullable=True),
        sa.Column("state", sa.String(), server_default="asked", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("good_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proof_id", sa.String(), nullable=True),
        sa.CheckConstraint("state IN ('asked', 'confirmed', 'declined')", name="confirmation_state"),
        sa.CheckConstraint("points > 0", name="confirmation_points"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "confirmation_open",
        "confirmation",
        ["member_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_index(
        "confirmation_proof",
        "confirmation",
        ["proof_id"],
        unique=True,
        postgresql_where=sa.text("proof_id IS NOT NULL"),
    )
    op.create_table(
        "float_move",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("terminal_id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=True),
        sa.Column("allowance_id", sa.String(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('paid_in', 'paid_out', 'charged')", name="float_move_kind"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("cause"),
    )
    op.create_index("float_move_terminal", "float_move", ["terminal_id", "id"], unique=False)
    op.create_table(
        "google_callback",
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("class_id", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("said_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("event IN ('save', 'del')", name="google_callback_event"),
        sa.PrimaryKeyConstraint("nonce"),
    )
    op.create_index(
        "google_callback_waiting",
        "google_callback",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("taken_at IS NULL"),
    )
    op.create_table(
        "google_push_state",
        sa.Column("issuer_id", sa.String(), nullable=False),
        sa.Column("standing", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("rate_per_s", sa.Float(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("standing IN ('open', 'waiting', 'stopped')", name="google_push_state_standing"),
        sa.PrimaryKeyConstraint("issuer_id"),
    )
    op.create_table(
        "live_code_use",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", "counter"),
    )
    op.create_index("live_code_use_time", "live_code_use", ["used_at"], unique=False)
    op.create_table(
        "meter",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column(
            "slots", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "offline_use",
        sa.Column("terminal_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("allowance_id", sa.String(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("within", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("within = (reason IS NULL)", name="offline_use_judged"),
        sa.PrimaryKeyConstraint("terminal_id", "id"),
    )
    op.create_table(
        "pin",
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner_id"),
    )
    op.create_table(
        "presentation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("terminal_id", sa.String(), nullable=True),
        sa.Column("location_id", sa.String(), nullable=True),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("pass_id", sa.String(), nullable=True),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("assurance", sa.String(), nullable=False),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("proof_id", sa.String(), nullable=True),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(assurance = 'proved_present') = (proof_id IS NOT NULL)", name="presentation_proof"),
        sa.CheckConstraint("assurance IN ('identified', 'proved_present')", name="presentation_assurance"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("partner_id", "key", name="presentation_key"),
    )
    op.create_index("presentation_member", "presentation", ["member_id", "id"], unique=False)
    op.create_index("presentation_time", "presentation", ["shown_at"], unique=False)
    op.create_table(
        "proof",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("good_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("proof_member", "proof", ["member_id", "id"], unique=False)
    op.create_table(
        "receipt",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sale", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("terminal", sa.String(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("good_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("member_id", sa.String(), nullable=True),
        sa.Column("journal_id", sa.String(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'claimed') = (journal_id IS NOT NULL)", name="receipt_claimed"),
        sa.CheckConstraint("kind IN ('receipt', 'counter')", name="receipt_kind"),
        sa.CheckConstraint("state IN ('open', 'claimed', 'voided')", name="receipt_state"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("partner_id", "key", name="receipt_key"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index("receipt_open", "receipt", ["good_until"], unique=False, postgresql_where=sa.text("state = 'open'"))
    op.create_table(
        "review",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("journal_id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("reasons", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("terminal", sa.String(), nullable=True),
        sa.Column("cashier", sa.String(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="review_decided"),
        sa.CheckConstraint("state IN ('open', 'approved', 'rejected')", name="review_state"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("journal_id"),
    )
    op.create_index("review_time", "review", ["created_at"], unique=False)
    op.create_index(
        "review_open", "review", ["partner_id", "id"], unique=False, postgresql_where=sa.text("state = 'open'")
    )
    op.create_table(
        "smart_tap_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=True),
        sa.Column("collector_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), server_default="current", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('current', 'retiring', 'retired')", name="smart_tap_key_state"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("collector_id", "version", name="smart_tap_key_version"),
    )
    op.create_table(
        "smart_tap_session",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("terminal_id", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("transcript", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("good_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("smart_tap_session_good", "smart_tap_session", ["good_until"], unique=False)
    op.create_table(
        "terminal_float",
        sa.Column("terminal_id", sa.String(), nullable=False),
        sa.Column("balance", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("terminal_id"),
    )
    op.add_column("google_class", sa.Column("review", sa.String(), nullable=True))
    op.add_column("google_object", sa.Column("held", sa.String(), server_default="unknown", nullable=False))
    op.add_column("google_object", sa.Column("held_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("google_object", sa.Column("holders", sa.Integer(), server_default="0", nullable=False))
    op.add_column("google_object", sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("google_object", sa.Column("linked", sa.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.add_column("google_object", sa.Column("refused", sa.String(), nullable=True))
    op.add_column("google_object", sa.Column("refused_hash", sa.String(), nullable=True))
    op.create_check_constraint("google_object_held", "google_object", "held IN ('unknown', 'saved', 'deleted')")
    op.create_index("google_object_checked", "google_object", ["checked_at", "pass_id"], unique=False)
    op.add_column("profile", sa.Column("phone_index", sa.LargeBinary(), nullable=True))
    op.create_index(
        "profile_phone", "profile", ["phone_index"], unique=False, postgresql_where=sa.text("phone_index IS NOT NULL")
    )
    # Cards say their links once now, and Google's objects say more: each pass is looked at again, behind all tills.
    op.execute(
        "INSERT INTO outbox (kind, subject, lane) SELECT 'pass.bulk', id, 1 FROM wallet_pass"
        " UNION ALL SELECT 'google.push', id, 1 FROM wallet_pass WHERE wallet = 'google' ON CONFLICT DO NOTHING"
    )


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE kind = 'google.class'")
    op.drop_index("profile_phone", table_name="profile", postgresql_where=sa.text("phone_index IS NOT NULL"))
    op.drop_column("profile", "phone_index")
    op.drop_index("google_object_checked", table_name="google_object")
    op.drop_constraint("google_object_held", "google_object", type_="check")
    op.drop_column("google_object", "refused_hash")
    op.drop_column("google_object", "refused")
    op.drop_column("google_object", "linked")
    op.drop_column("google_object", "checked_at")
    op.drop_column("google_object", "holders")
    op.drop_column("google_object", "held_at")
    op.drop_column("google_object", "held")
    op.drop_column("google_class", "review")
    op.drop_table("terminal_float")
    op.drop_index("smart_tap_session_good", table_name="smart_tap_session")
    op.drop_table("smart_tap_session")
    op.drop_table("smart_tap_key")
    op.drop_index("review_open", table_name="review", postgresql_where=sa.text("state = 'open'"))
    op.drop_index("review_time", table_name="review")
    op.drop_table("review")
    op.drop_index("receipt_open", table_name="receipt", postgresql_where=sa.text("state = 'open'"))
    op.drop_table("receipt")
    op.drop_index("proof_member", table_name="proof")
    op.drop_table("proof")
    op.drop_index("presentation_time", table_name="presentation")
    op.drop_index("presentation_member", table_name="presentation")
    op.drop_table("presentation")
    op.drop_table("pin")
    op.drop_table("offline_use")
    op.drop_table("meter")
    op.drop_index("live_code_use_time", table_name="live_code_use")
    op.drop_table("live_code_use")
    op.drop_table("google_push_state")
    op.drop_index("google_callback_waiting", table_name="google_callback", postgresql_where=sa.text("taken_at IS NULL"))
    op.drop_table("google_callback")
    op.drop_index("float_move_terminal", table_name="float_move")
    op.drop_table("float_move")
    op.drop_index("confirmation_open", table_name="confirmation", postgresql_where=sa.text("state = 'asked'"))
    op.drop_index("confirmation_proof", table_name="confirmation", postgresql_where=sa.text("proof_id IS NOT NULL"))
    op.drop_table("confirmation")
    op.drop_table("attempt")
    op.drop_index("allowance_terminal", table_name="allowance")
    op.drop_table("allowance")
