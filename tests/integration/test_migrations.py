"""The migrations and the table definitions describe one schema, and every step can be taken back."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from api import migrations
from kernel.embedded import ensure_database, with_database
from kernel.ids import new_code

_SCHEMA = {
    "column": """
        SELECT format('%s.%s %s null=%s default=%s identity=%s', table_name, column_name,
                      coalesce(nullif(data_type, 'ARRAY'), udt_name), is_nullable, column_default, is_identity)
        FROM information_schema.columns WHERE table_schema = 'public'
    """,
    "index": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "constraint": """
        SELECT format('%s on %s: %s', conname, conrelid::regclass, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    """,
    "sequence": "SELECT format('%s as %s', sequencename, data_type) FROM pg_sequences WHERE schemaname = 'public'",
    "other relation": """
        SELECT format('%s of kind %s', relname, relkind) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('r', 'i', 'S', 't')
    """,
}
_BOOKKEEPING = "alembic_version"


async def schema_of(url: str) -> set[str]:
    """Everything that a schema is made of, a line each, without the migrations' own table."""
    connection = await asyncpg.connect(url)
    try:
        lines = {f"{what} {row[0]}" for what, statement in _SCHEMA.items() for row in await connection.fetch(statement)}
    finally:
        await connection.close()
    return {line for line in lines if _BOOKKEEPING not in line}


@pytest.fixture
async def empty_url(database_server: str) -> AsyncIterator[str]:
    """The URL of a database with nothing in it."""
    name = f"t_{new_code().lower()}"
    yield await ensure_database(database_server, name)
    admin = await asyncpg.connect(with_database(database_server, "postgres"))
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


async def test_the_migrations_make_exactly_the_tables_that_the_code_defines(empty_url: str, database_url: str) -> None:
    await migrations.migrate(empty_url)
    migrated, defined = await schema_of(empty_url), await schema_of(database_url)
    assert len(defined) > 100
    assert not defined - migrated, "the code defines what no migration makes"
    assert not migrated - defined, "a migration makes what the code does not define"


async def test_every_migration_can_be_taken_back_and_made_again(empty_url: str) -> None:
    await migrations.migrate(empty_url)
    first = await schema_of(empty_url)
    assert await migrations.current(empty_url) == migrations.head()

    await migrations.migrate(empty_url, "base")
    assert await schema_of(empty_url) == set()
    assert await migrations.current(empty_url) is None

    await migrations.migrate(empty_url)
    assert await schema_of(empty_url) == first


async def test_migrating_twice_changes_nothing(empty_url: str) -> None:
    await migrations.migrate(empty_url)
    first = await schema_of(empty_url)
    await migrations.migrate(empty_url)
    assert await schema_of(empty_url) == first
