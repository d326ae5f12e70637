"""Run by Alembic inside the connection that `api.migrations.migrate` opened."""

# ruff: noqa: F401

from alembic import context
from sqlalchemy import text
from sqlmodel import SQLModel

import kernel.tables
import network.offline_tables
import network.staff_tables
import network.tables
import passes.apple.tables
import passes.design.tables
import passes.google.tables
import passes.tables
import points.adjustment_tables
import points.engagement.play_tables
import points.engagement.tables
import points.hashchain_tables
import points.misuse_tables
import points.programme.tables
import points.receipt_tables
import points.reward_tables
import points.tables
import points.voucher_tables
import tokens.tables

# Two processes may start at once; the second waits and then finds nothing to do.
_LOCK = 0x6D696772

connection = context.config.attributes["connection"]
connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
context.configure(connection=connection, target_metadata=SQLModel.metadata, compare_type=True)
context.run_migrations()
