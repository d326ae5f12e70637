"""Where the data is: the given database, or the embedded one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api import migrations
from kernel.database import Database
from kernel.embedded import ensure_database, start_embedded
from kernel.settings import Settings

DATABASE_NAME = "commonpoint"


async def database_url(settings: Settings) -> str:
    """The database: the given one, or the embedded one, which is started and at its first start migrated."""
    if settings.database_url is not None:
        return settings.database_url
    maintenance = await asyncio.to_thread(start_embedded, settings.data_dir.absolute() / "postgres")
    url = await ensure_database(maintenance, DATABASE_NAME)
    if await migrations.current(url) is None:
        await migrations.migrate(url)
    return url


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Database]:
    """A pool on that database, closed at the end. Raises DatabaseAway."""
    db = await Database.connect(await database_url(settings))
    try:
        yield db
    finally:
        await db.close()
