"""Designs, certificates, taps, lanes, and cards that speak three languages"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


# Cards as they were, in the words of the new form: what phones show does not change until each is looked at again.
_CARDS = """
UPDATE wallet_pass SET card = jsonb_strip_nulls(jsonb_build_object(
    'brand_id', card->>'brand_id', 'design', 'brand:' || (card->>'brand_id') || ':', 'language', card->>'language',
    'code', card->>'code',
    'description', jsonb_build_object(card->>'language', card->>'description'),
    'values', jsonb_strip_nulls(jsonb_build_object(
        'balance', jsonb_build_object(
            'label', jsonb_build_object(card->>'language', card->>'balance_label'), 'number', card->'balance'),
        'holder', jsonb_build_object(
            'label', jsonb_build_object(card->>'language', card->>'holder_label'),
            'text', jsonb_build_object(card->>'language', card->>'holder')),
        'tier', CASE WHEN card->>'tier' <> '' THEN jsonb_build_object(
            'label', jsonb_build_object(card->>'language', card->>'tier_label'),
            'text', jsonb_build_object(card->>'language', card->>'tier')) END,
        'next_reward', CASE WHEN card->>'next_reward' <> '' THEN jsonb_build_object(
            'label', jsonb_build_object(card->>'language', card->>'next_reward_label'),
            'text', jsonb_build_object(card->>'language', card->>'next_reward')) END)),
    'links', (SELECT jsonb_agg(jsonb_build_object(
                  'label', jsonb_build_object(card->>'language', link->>'label'), 'url', link->>'url'))
              FROM jsonb_array_elements(card->'links') AS link)))
"""


def _said(key: str, part: str) -> str:
    words = f"card->'values'->'{key}'->'{part}'"
    return f"coalesce({words}->>(card->>'language'), {words}->>'en', '')"


# Each pass is looked at again after an upgrade; on the way back the cards' words come from what is shown.
_CARDS_BACK = f"""
UPDATE wallet_pass SET card = jsonb_build_object(
    'brand_id', partner.id, 'brand_name', partner.brand_name, 'language', card->>'language',
    'description', coalesce(card->'description'->>(card->>'language'), partner.brand_name),
    'background', partner.background, 'foreground', partner.foreground, 'label_colour', partner.label_colour,
    'logo_text', coalesce(nullif(partner.logo_text, ''), partner.brand_name),
    'holder', {_said("holder", "text")}, 'holder_label', {_said("holder", "label")},
    'balance', coalesce(card->'values'->'balance'->'number', '0'), 'balance_label', {_said("balance", "label")},
    'balance_change', '%@', 'tier', {_said("tier", "text")}, 'tier_label', {_said("tier", "label")},
    'next_reward', {_said("next_reward", "text")}, 'next_reward_label', {_said("next_reward", "label")},
    'code', card->>'code', 'links', '[]'::jsonb)
FROM partner WHERE partner.id = wallet_pass.brand_id
"""


def upgrade() -> None:
    op.create_table(
        "apple_identity",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("pass_type", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=True),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.Column("intermediate", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("nfc", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("installed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('requested', 'current', 'retired')", name="apple_identity_state"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "apple_identity_current",
        "apple_identity",
        ["pass_type"],
        unique=True,
        postgresql_where=sa.text("state = 'current'"),
    )
    op.create_table(
        "apple_push_key",
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key_id"),
    )
    op.create_table(
        "apple_push_state",
        sa.Column("pass_type", sa.String(), nullable=False),
        sa.Column("authentication", sa.String(), nullable=False),
        sa.Column("standing", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("standing IN ('open', 'waiting', 'stopped')", name="apple_push_state_standing"),
        sa.PrimaryKeyConstraint("pass_type"),
    )
    op.create_table(
        "apple_report",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("sample", sa.String(), nullable=False),
        sa.Column("reports", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject"),
    )
    op.create_table(
        "apple_tap",
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("ephemeral", sa.LargeBinary(), nullable=False),
        sa.Column("terminal_id", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("pass_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("tapped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "ephemeral"),
    )
    op.create_index("apple_tap_tapped", "apple_tap", ["tapped_at"], unique=False)
    op.create_table(
        "apple_tap_key",
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("retiring_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('current', 'retiring', 'retired')", name="apple_tap_key_state"),
        sa.PrimaryKeyConstraint("key_id"),
    )
    op.create_index(
        "apple_tap_key_current",
        "apple_tap_key",
        [sa.literal_column("coalesce(partner_id, '')")],
        unique=True,
        postgresql_where=sa.text("state = 'current'"),
    )
    op.create_table(
        "apple_wave",
        sa.Column("pass_id", sa.String(), nullable=False),
        sa.Column("pushed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("pass_id"),
    )
    op.create_index("apple_wave_pushed", "apple_wave", ["pushed_at"], unique=False)
    op.create_table(
        "card_design",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("look", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("partner_id", "number", name="card_design_number"),
    )
    op.create_table(
        "design_release",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("design_id", sa.String(), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.String(), server_default="", nullable=False),
        sa.Column("told", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("share BETWEEN 1 AND 100", name="design_release_share"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("design_release_partner", "design_release", ["partner_id", "number"], unique=False)
    op.create_table(
        "picture",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", "partner_id"),
    )
    op.create_index("picture_partner", "picture", ["partner_id"], unique=False)
    op.create_table(
        "terminal",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("location_id", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("terminal_partner", "terminal", ["partner_id"], unique=False)
    op.drop_index("journal_member", table_name="journal")
    op.create_index("journal_member", "journal", ["member_id", "seq"], unique=False)
    op.add_column(
        "apple_registration", sa.Column("owed_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.create_index("apple_device_token", "apple_device", ["push_token"], unique=False)
    op.add_column("location", sa.Column("latitude", sa.Float(), nullable=True))
    op.add_column("location", sa.Column("longitude", sa.Float(), nullable=True))
    op.add_column("location", sa.Column("beacon", sa.String(), nullable=True))
    op.add_column("location", sa.Column("beacon_major", sa.Integer(), nullable=True))
    op.add_column("location", sa.Column("beacon_minor", sa.Integer(), nullable=True))
    op.create_check_constraint("location_whole", "location", "(latitude IS NULL) = (longitude IS NULL)")
    op.create_index(
        "location_latitude", "location", ["latitude"], unique=False, postgresql_where=sa.text("latitude IS NOT NULL")
    )
    op.add_column("outbox", sa.Column("lane", sa.SmallInteger(), server_default=sa.text("0"), nullable=False))
    op.drop_index(op.f("outbox_due"), table_name="outbox", postgresql_where="(parked_at IS NULL)")
    op.create_index(
        "outbox_due", "outbox", ["kind", "lane", "due"], unique=False, postgresql_where=sa.text("parked_at IS NULL")
    )
    op.add_column("profile", sa.Column("contact", sa.LargeBinary(), nullable=True))
    op.add_column("wallet_pass", sa.Column("brand_id", sa.String(), nullable=True))
    op.add_column("wallet_pass", sa.Column("kind", sa.String(), server_default="card", nullable=False))
    op.add_column("wallet_pass", sa.Column("subject_id", sa.String(), server_default="", nullable=False))
    op.add_column("wallet_pass", sa.Column("pass_type", sa.String(), server_default="", nullable=False))
    op.add_column(
        "wallet_pass", sa.Column("ledger_version", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("wallet_pass", sa.Column("tap_code", sa.String(), nullable=True))
    op.add_column(
        "wallet_pass",
        sa.Column("told", postgresql.ARRAY(postgresql.TIMESTAMP(timezone=True)), server_default="{}", nullable=False),
    )
    op.add_column("wallet_pass", sa.Column("sign_up", sa.String(), server_default="", nullable=False))
    op.execute(
        "UPDATE wallet_pass SET brand_id = card->>'brand_id', tap_code = replace(gen_random_uuid()::text, '-', '')"
    )
    op.execute(_CARDS)
    op.execute(
        "INSERT INTO outbox (kind, subject, lane) SELECT 'pass.bulk', id, 1 FROM wallet_pass ON CONFLICT DO NOTHING"
    )
    op.alter_column("wallet_pass", "brand_id", nullable=False)
    op.alter_column("wallet_pass", "tap_code", nullable=False)
    op.drop_constraint(op.f("wallet_pass_one_per_wallet"), "wallet_pass", type_="unique")
    op.create_unique_constraint(
        "wallet_pass_one_per_wallet", "wallet_pass", ["member_id", "wallet", "kind", "subject_id"]
    )
    op.create_check_constraint("wallet_pass_kind", "wallet_pass", "kind IN ('card', 'coupon')")
    op.create_check_constraint("wallet_pass_sign_up", "wallet_pass", "sign_up IN ('', 'open', 'done')")
    op.create_index("wallet_pass_brand", "wallet_pass", ["brand_id", "id"], unique=False)
    op.create_index("wallet_pass_tap", "wallet_pass", ["tap_code"], unique=True)


def downgrade() -> None:
    op.execute("DELETE FROM wallet_pass WHERE kind = 'coupon'")
    op.execute("DELETE FROM outbox WHERE kind IN ('pass.bulk', 'design.release')")
    op.execute(_CARDS_BACK)
    op.drop_index("wallet_pass_tap", table_name="wallet_pass")
    op.drop_index("wallet_pass_brand", table_name="wallet_pass")
    op.drop_constraint("wallet_pass_one_per_wallet", "wallet_pass", type_="unique")
    op.create_unique_constraint("wallet_pass_one_per_wallet", "wallet_pass", ["member_id", "wallet"])
    for name in ("sign_up", "told", "tap_code", "ledger_version", "pass_type", "subject_id", "kind", "brand_id"):
        op.drop_column("wallet_pass", name)
    op.drop_column("profile", "contact")
    op.drop_index("outbox_due", table_name="outbox", postgresql_where=sa.text("parked_at IS NULL"))
    op.create_index("outbox_due", "outbox", ["kind", "due"], postgresql_where=sa.text("parked_at IS NULL"))
    op.drop_column("outbox", "lane")
    op.drop_index("location_latitude", table_name="location", postgresql_where=sa.text("latitude IS NOT NULL"))
    for name in ("beacon_minor", "beacon_major", "beacon", "longitude", "latitude"):
        op.drop_column("location", name)
    op.drop_index("journal_member", table_name="journal")
    op.create_index("journal_member", "journal", ["member_id", "id"], unique=False)
    op.drop_index("apple_device_token", table_name="apple_device")
    op.drop_column("apple_registration", "owed_seq")
    for name in (
        "terminal", "picture", "design_release", "card_design", "apple_wave", "apple_tap_key", "apple_tap",
        "apple_report", "apple_push_state", "apple_push_key", "apple_identity",
    ):  # fmt: skip
        op.drop_table(name)
