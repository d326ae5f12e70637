"""Whether the process lives (/livez) and whether it should get traffic (/readyz)."""

from typing import Literal, Protocol

import asyncpg
import msgspec
from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from kernel.database import Database
from kernel.errors import Unavailable


class ReadyParts(Protocol):
    """What readiness looks at; `schema_revision` is the Alembic revision that this code needs."""

    @property
    def db(self) -> Database: ...
    @property
    def schema_revision(self) -> str: ...


class Health(msgspec.Struct, frozen=True):
    """All is well; anything else is a problem answer."""

    status: Literal["ok"] = "ok"


class SchemaBehind(Unavailable):
    """The database has another schema than this code needs."""

    code = "migrations_pending"
    title = "The database is not migrated"


@get("/livez", summary="The process is alive", tags=["health"])
async def livez() -> Health:
    """Says nothing about the parts: restarting the process would not bring a database back."""
    return Health()


@get(["/readyz", "/healthz"], summary="The service can take traffic", tags=["health"])
async def readyz(parts: NamedDependency[SkipValidation[ReadyParts]]) -> Health:
    """The database answers and has the schema that this code needs. Raises DatabaseAway, SchemaBehind (503)."""
    try:
        async with parts.db.read() as read:
            revision: str | None = await read.connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        revision = None
    if revision != parts.schema_revision:
        raise SchemaBehind("Run `commonpoint migrate`.", retry_after_s=5.0)
    return Health()


health_router = Router("/", route_handlers=[livez, readyz])
