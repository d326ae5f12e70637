"""PostgreSQL: one way to write, one way to read.

`unit()` is the only place where a transaction is committed. A function that takes a Unit is a step in somebody's
transaction; a function that takes a Database owns its transactions and does no network I/O inside one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import asyncpg
import msgspec
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from kernel.errors import Unavailable

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_unit_open: ContextVar[bool] = ContextVar("commonpoint_unit_open", default=False)

# The database is away or going away; the caller may try again.
_AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # "not currently accepting connections"
    asyncpg.DiskFullError,
    PoolExhausted,
)


class DatabaseAway(Unavailable):
    """PostgreSQL does not answer."""

    code = "database_unavailable"
    title = "The database is not available"


@dataclass
class Unit:
    """An open transaction. `connection` is the raw asyncpg connection; `session` is an ORM session on the same one.

    On raw connections `jsonb` is written as JSON text and read as Python values.
    """

    connection: Connection
    _sqlalchemy: AsyncConnection
    _session: AsyncSession | None = field(default=None)

    @property
    def session(self) -> AsyncSession:
        """An ORM session inside this transaction, made at first use and flushed when the unit ends."""
        if self._session is None:
            self._session = AsyncSession(bind=self._sqlalchemy, expire_on_commit=False)
        return self._session

    async def _finish(self, keep: bool) -> None:
        if self._session is None:
            return
        if keep:
            await self._session.commit()  # releases the session's savepoint; the unit itself commits after it
        await self._session.close()


class Database:
    """A pool of connections to one database."""

    def __init__(self, engine: AsyncEngine, url: str) -> None:
        self._engine = engine
        self.url = url

    @classmethod
    async def connect(cls, url: str, pool_size: int = 10) -> "Database":
        """Open a pool for a `postgresql://` URL. Raises DatabaseAway when the server does not answer."""
        engine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=10,
            json_deserializer=msgspec.json.decode,
        )
        event.listen(engine.sync_engine, "checkout", _refuse_broken)
        database = cls(engine, url)
        async with database.read() as read:
            await read.connection.fetchval("SELECT 1")
        return database

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[Unit]:
        """A write transaction: leaving the block commits, an exception rolls back."""
        if _unit_open.get():
            raise RuntimeError("a unit is open already: take it as an argument instead of opening a second one")
        mark = _unit_open.set(True)
        try:
            async with self._transaction("read_committed", readonly=False) as unit:
                yield unit
        finally:
            _unit_open.reset(mark)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Unit]:
        """A read-only snapshot: everything read inside shows one moment."""
        async with self._transaction("repeatable_read", readonly=True) as unit:
            yield unit

    async def dedicated(self) -> Connection:
        """A connection of one's own outside the pool (for the teller and for LISTEN); the caller closes it."""
        with _translated():
            connection = await asyncpg.connect(self.url, timeout=10, command_timeout=60)
            await connection.set_type_codec(
                "jsonb", encoder=str, decoder=msgspec.json.decode, schema="pg_catalog", format="text"
            )
            return connection

    @asynccontextmanager
    async def _transaction(self, isolation: Any, readonly: bool) -> AsyncIterator[Unit]:
        with _translated():
            async with self._engine.connect() as sqlalchemy:
                raw = (await sqlalchemy.get_raw_connection()).driver_connection
                assert raw is not None
                transaction = raw.transaction(isolation=isolation, readonly=readonly)
                await transaction.start()
                unit = Unit(raw, sqlalchemy)
                try:
                    yield unit
                    await unit._finish(keep=True)
                except BaseException:
                    if not raw.is_closed():
                        try:
                            await unit._finish(keep=False)
                        finally:
                            await transaction.rollback()
                    raise
                await transaction.commit()


def _refuse_broken(adapter: Any, record: object, proxy: object) -> None:
    """Makes the pool replace a connection that was closed, or left inside a transaction, instead of handing it out."""
    if adapter.driver_connection.is_closed() or adapter.driver_connection.is_in_transaction():
        raise DisconnectionError


def assert_no_unit() -> None:
    """Called before network I/O: no transaction of this task may be open while a stranger keeps us waiting."""
    if _unit_open.get():
        raise RuntimeError("network I/O inside a database transaction")


def sqlalchemy_url(url: str) -> str:
    """`postgresql://…` as SQLAlchemy's asyncpg dialect wants it."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    encoded = f"?{urlencode(query, quote_via=quote)}" if query else ""
    return f"postgresql+asyncpg://{parts.netloc}{parts.path}{encoded}"


class _translated:
    """Turns the driver's many ways of saying "not there" into DatabaseAway."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DBAPIError) and error.orig is not None:
            error = error.orig.__cause__ or error  # the driver's own error, which SQLAlchemy wraps twice
        if isinstance(error, _AWAY):
            raise DatabaseAway(f"PostgreSQL does not answer ({type(error).__name__}).", retry_after_s=1.0) from error
