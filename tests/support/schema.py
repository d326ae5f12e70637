"""Makes the schema in an empty database."""

import importlib

from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from kernel.database import sqlalchemy_url

TABLE_MODULES = ("kernel.tables", "points.tables", "network.tables", "passes.tables", "tokens.tables")


async def make_schema(url: str) -> None:
    for name in TABLE_MODULES:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    engine = create_async_engine(sqlalchemy_url(url))
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    await engine.dispose()
