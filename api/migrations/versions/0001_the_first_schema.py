"""The first schema"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("outbox_touch")))
    op.execute(sa.schema.CreateSequence(sa.Sequence("pass_change")))
    op.create_table(
        "account",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("balance", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "CASE WHEN id LIKE '%/arrears' THEN balance <= 0 ELSE balance >= 0 END", name="account_sign"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_account_member_id"), "account", ["member_id"], unique=False)
    op.create_table(
        "allocation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("journal_id", sa.String(), nullable=False),
        sa.Column("lot_id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("issuer_id", sa.String(), nullable=False),
        sa.Column("acceptor_id", sa.String(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("allocation_member", "allocation", ["member_id", "id"], unique=False)
    op.create_index(op.f("ix_allocation_journal_id"), "allocation", ["journal_id"], unique=False)
    op.create_index(op.f("ix_allocation_lot_id"), "allocation", ["lot_id"], unique=False)
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name="api_key_mode"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("api_key_partner", "api_key", ["partner_id"], unique=False)
    op.create_table(
        "apple_device",
        sa.Column("library_id", sa.String(), nullable=False),
        sa.Column("push_token", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("library_id"),
    )
    op.create_table(
        "apple_registration",
        sa.Column("library_id", sa.String(), nullable=False),
        sa.Column("pass_id", sa.String(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("library_id", "pass_id"),
    )
    op.create_index("apple_registration_pass", "apple_registration", ["pass_id"], unique=False)
    op.create_table(
        "arrear",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("creditor_id", sa.String(), nullable=False),
        sa.Column("journal_id", sa.String(), nullable=False),
        sa.Column("original", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("remaining >= 0 AND remaining <= original", name="arrear_within_bounds"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("arrear_open", "arrear", ["member_id", "id"], unique=False, postgresql_where="remaining > 0")
    op.create_index(op.f("ix_arrear_journal_id"), "arrear", ["journal_id"], unique=False)
    op.create_table(
        "carry",
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("numerator", sa.BigInteger(), nullable=False),
        sa.Column("denominator", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "partner_id"),
    )
    op.create_table(
        "chain_block",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("parent_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("hash"),
    )
    op.create_table(
        "chain_deployment",
        sa.Column("genesis_hash", sa.LargeBinary(), nullable=False),
        sa.Column("contract", sa.String(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("first_block", sa.BigInteger(), nullable=False),
        sa.Column("deployed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("genesis_hash", "contract"),
    )
    op.create_table(
        "chain_event",
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("batch_id", sa.LargeBinary(), nullable=True),
        sa.Column("sender", sa.String(), nullable=True),
        sa.Column("receiver", sa.String(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block_hash", "log_index"),
    )
    op.create_index("chain_event_block", "chain_event", ["block_number"], unique=False)
    op.create_table(
        "chain_sender",
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("next_nonce", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address"),
    )
    op.create_table(
        "clearing_cycle",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("obligations", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number", name="clearing_cycle_number"),
    )
    op.create_table(
        "entry",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("journal_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name="entry_says_something"),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("entry_account", "entry", ["account_id", "seq"], unique=False)
    op.create_index(op.f("ix_entry_journal_id"), "entry", ["journal_id"], unique=False)
    op.create_table(
        "google_class",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("body_hash", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "google_object",
        sa.Column("pass_id", sa.String(), nullable=False),
        sa.Column("pushed_seq", sa.BigInteger(), nullable=False),
        sa.Column("pushed_hash", sa.String(), nullable=False),
        sa.Column("pushed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("pass_id"),
    )
    op.create_table(
        "idempotency",
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("effect_id", sa.String(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("partner_id", "key"),
        sa.UniqueConstraint("effect_id"),
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("location_id", sa.String(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("reverses_id", sa.String(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("seq"),
    )
    op.create_index(op.f("ix_journal_reverses_id"), "journal", ["reverses_id"], unique=False)
    op.create_index("journal_member", "journal", ["member_id", "id"], unique=False)
    op.create_index("journal_partner", "journal", ["partner_id", "id"], unique=False)
    op.create_table(
        "location",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("location_partner", "location", ["partner_id"], unique=False)
    op.create_table(
        "lot",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("issuer_id", sa.String(), nullable=False),
        sa.Column("journal_id", sa.String(), nullable=False),
        sa.Column("original", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("remaining >= 0 AND remaining <= original", name="lot_within_bounds"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_lot_journal_id"), "lot", ["journal_id"], unique=False)
    op.create_index("lot_member", "lot", ["member_id", "id"], unique=False)
    op.create_index("lot_open", "lot", ["member_id", "id"], unique=False, postgresql_where="remaining > 0")
    op.create_table(
        "member",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_index(op.f("ix_member_partner_id"), "member", ["partner_id"], unique=False)
    op.create_table(
        "mirror_balance",
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("mirrored", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("member_id"),
        sa.UniqueConstraint("address"),
    )
    op.create_table(
        "mirror_batch",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("change_count", sa.Integer(), nullable=False),
        sa.Column("gas_used", sa.BigInteger(), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.LargeBinary(), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status IN ('signed', 'sent', 'mined', 'final', 'reverted')", name="mirror_batch_status"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("mirror_batch_nonce", "mirror_batch", ["sender", "nonce"], unique=True)
    op.create_index(
        "mirror_batch_open",
        "mirror_batch",
        ["nonce"],
        unique=False,
        postgresql_where="status IN ('signed', 'sent', 'mined')",
    )
    op.create_table(
        "mirror_move",
        sa.Column("batch_id", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("issuer_id", sa.String(), nullable=False),
        sa.Column("acceptor_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "member_id", "issuer_id", "acceptor_id", "kind"),
    )
    op.create_table(
        "mirror_partner",
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.PrimaryKeyConstraint("partner_id"),
        sa.UniqueConstraint("number"),
    )
    op.create_table(
        "mirror_position",
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("issuer_id", sa.String(), nullable=False),
        sa.Column("acceptor_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "issuer_id", "acceptor_id", "kind"),
    )
    op.create_table(
        "net_position",
        sa.Column("cycle_id", sa.String(), nullable=False),
        sa.Column("party_id", sa.String(), nullable=False),
        sa.Column("pays_micros", sa.BigInteger(), nullable=False),
        sa.Column("gets_micros", sa.BigInteger(), nullable=False),
        sa.Column("carried_in_micros", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("carry_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cycle_id", "party_id"),
    )
    op.create_table(
        "obligation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("allocation_id", sa.String(), nullable=False),
        sa.Column("journal_id", sa.String(), nullable=False),
        sa.Column("lot_id", sa.String(), nullable=False),
        sa.Column("issuer_id", sa.String(), nullable=False),
        sa.Column("acceptor_id", sa.String(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("issuer_micros", sa.BigInteger(), nullable=False),
        sa.Column("acceptor_micros", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("cycle_id", sa.String(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("issuer_id <> acceptor_id", name="obligation_between_two"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("allocation_id", name="obligation_allocation"),
    )
    op.create_index("obligation_cycle", "obligation", ["cycle_id", "allocation_id"], unique=False)
    op.create_index("obligation_journal", "obligation", ["journal_id"], unique=False)
    op.create_index(
        "obligation_open", "obligation", ["recorded_at"], unique=False, postgresql_where=sa.text("cycle_id IS NULL")
    )
    op.create_table(
        "outbox",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("nextval('outbox_touch')"), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("touched_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kind", "subject"),
    )
    op.create_index(
        "outbox_due", "outbox", ["kind", "due"], unique=False, postgresql_where=sa.text("parked_at IS NULL")
    )
    op.create_table(
        "partner",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), server_default="active", nullable=False),
        sa.Column("brand_name", sa.String(), nullable=False),
        sa.Column("background", sa.String(), nullable=False),
        sa.Column("foreground", sa.String(), nullable=False),
        sa.Column("label_colour", sa.String(), nullable=False),
        sa.Column("logo_text", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('active', 'suspended', 'closed')", name="partner_status"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "profile",
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), server_default="en", nullable=False),
        sa.PrimaryKeyConstraint("member_id"),
    )
    op.create_table(
        "terms",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("earn_points", sa.BigInteger(), nullable=False),
        sa.Column("earn_per_minor", sa.BigInteger(), nullable=False),
        sa.Column("issuer_pays_micros", sa.BigInteger(), nullable=False),
        sa.Column("acceptor_gets_micros", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("earn_points >= 0 AND earn_per_minor > 0", name="terms_earn"),
        sa.CheckConstraint("issuer_pays_micros >= 0 AND acceptor_gets_micros >= 0", name="terms_prices"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("partner_id", "effective_from", name="terms_version"),
    )
    op.create_table(
        "wallet_pass",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("wallet", sa.String(), nullable=False),
        sa.Column("card", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_modified", sa.DateTime(timezone=True), nullable=False),
        sa.Column("token_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("voided", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("member_id", "wallet", name="wallet_pass_one_per_wallet"),
    )
    op.create_index("wallet_pass_change", "wallet_pass", ["change_seq"], unique=False)


def downgrade() -> None:
    op.drop_index("wallet_pass_change", table_name="wallet_pass")
    op.drop_table("wallet_pass")
    op.drop_table("terms")
    op.drop_table("profile")
    op.drop_table("partner")
    op.drop_index("outbox_due", table_name="outbox", postgresql_where=sa.text("parked_at IS NULL"))
    op.drop_table("outbox")
    op.drop_index("obligation_open", table_name="obligation", postgresql_where=sa.text("cycle_id IS NULL"))
    op.drop_index("obligation_journal", table_name="obligation")
    op.drop_index("obligation_cycle", table_name="obligation")
    op.drop_table("obligation")
    op.drop_table("net_position")
    op.drop_table("mirror_position")
    op.drop_table("mirror_partner")
    op.drop_table("mirror_move")
    op.drop_index(
        "mirror_batch_open", table_name="mirror_batch", postgresql_where="status IN ('signed', 'sent', 'mined')"
    )
    op.drop_index("mirror_batch_nonce", table_name="mirror_batch")
    op.drop_table("mirror_batch")
    op.drop_table("mirror_balance")
    op.drop_index(op.f("ix_member_partner_id"), table_name="member")
    op.drop_table("member")
    op.drop_index("lot_open", table_name="lot", postgresql_where="remaining > 0")
    op.drop_index("lot_member", table_name="lot")
    op.drop_index(op.f("ix_lot_journal_id"), table_name="lot")
    op.drop_table("lot")
    op.drop_index("location_partner", table_name="location")
    op.drop_table("location")
    op.drop_index("journal_partner", table_name="journal")
    op.drop_index("journal_member", table_name="journal")
    op.drop_index(op.f("ix_journal_reverses_id"), table_name="journal")
    op.drop_table("journal")
    op.drop_table("idempotency")
    op.drop_table("google_object")
    op.drop_table("google_class")
    op.drop_index(op.f("ix_entry_journal_id"), table_name="entry")
    op.drop_index("entry_account", table_name="entry")
    op.drop_table("entry")
    op.drop_table("clearing_cycle")
    op.drop_table("chain_sender")
    op.drop_index("chain_event_block", table_name="chain_event")
    op.drop_table("chain_event")
    op.drop_table("chain_deployment")
    op.drop_table("chain_block")
    op.drop_table("carry")
    op.drop_index(op.f("ix_arrear_journal_id"), table_name="arrear")
    op.drop_index("arrear_open", table_name="arrear", postgresql_where="remaining > 0")
    op.drop_table("arrear")
    op.drop_index("apple_registration_pass", table_name="apple_registration")
    op.drop_table("apple_registration")
    op.drop_table("apple_device")
    op.drop_index("api_key_partner", table_name="api_key")
    op.drop_table("api_key")
    op.drop_index(op.f("ix_allocation_lot_id"), table_name="allocation")
    op.drop_index(op.f("ix_allocation_journal_id"), table_name="allocation")
    op.drop_index("allocation_member", table_name="allocation")
    op.drop_table("allocation")
    op.drop_index(op.f("ix_account_member_id"), table_name="account")
    op.drop_table("account")
    op.execute(sa.schema.DropSequence(sa.Sequence("outbox_touch")))
    op.execute(sa.schema.DropSequence(sa.Sequence("pass_change")))
