"""Schema versions: `migrate` brings a database to one, `current` says where it is, `head` what the code needs."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from kernel.database import sqlalchemy_url


def configuration() -> Config:
    """Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """The newest revision that this code has."""
    revision = ScriptDirectory.from_config(configuration()).get_current_head()
    assert revision is not None
    return revision


async def migrate(url: str, revision: str = "head") -> None:
    """Upgrade (or with an older revision, downgrade) the database at `url`; does nothing when it is there already."""

    def run(connection: Connection) -> None:
        config = configuration()
        config.attributes["connection"] = connection
        script = ScriptDirectory.from_config(config)
        here = MigrationContext.configure(connection).get_current_revision()
        wanted = script.get_current_head() if revision == "head" else revision
        older = {r.revision for r in script.iterate_revisions(here, "base")} if here else set()
        (command.downgrade if wanted == "base" or wanted in older - {here} else command.upgrade)(config, revision)

    engine = _engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()


async def current(url: str) -> str | None:
    """The revision of the database at `url`, or None when it is empty."""
    engine = _engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(lambda c: MigrationContext.configure(c).get_current_revision())
    finally:
        await engine.dispose()


def _engine(url: str) -> AsyncEngine:
    return create_async_engine(sqlalchemy_url(url))
