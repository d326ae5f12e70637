"""A small application of the routes that need only the database, put together as the real one is."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, cast

import httpx
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from api import migrations
from api.auth import GATE_STATE
from api.body import LARGEST_BODY_BYTES
from api.http.clearing import clearing_router
from api.http.health import health_router
from api.http.partners import partners_router
from api.openapi import docs_assets_router, openapi_config
from api.problems import EXCEPTION_HANDLERS, add_request_id
from kernel.clock import MovableClock
from kernel.database import Database
from kernel.secrets import Keyring
from network.keys import SCOPES, Gate, Mode, create_key
from network.rulebook import Rulebook

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class GroundSettings:
    mode: Mode = "test"


@dataclass
class GroundParts:
    """What the routes of network/ take from the parts of the service."""

    db: Database
    clock: MovableClock = field(default_factory=lambda: MovableClock(START))
    keyring: Keyring = field(default_factory=lambda: Keyring(b"a test master secret of 32 bytes"))
    settings: GroundSettings = GroundSettings()
    schema_revision: str = field(default_factory=migrations.head)

    @cached_property
    def rulebook(self) -> Rulebook:
        return Rulebook(self.db)


def ground_app(parts: GroundParts, more: Sequence[Any] = ()) -> Litestar:
    """The application; `more` are further route handlers."""
    return Litestar(
        [health_router, partners_router, clearing_router, docs_assets_router(), *more],
        dependencies={"parts": Provide(lambda: parts, sync_to_thread=False)},
        state=State({GATE_STATE: Gate(parts.db, parts.keyring, parts.settings.mode)}),
        exception_handlers=dict(EXCEPTION_HANDLERS),
        before_send=[add_request_id],
        request_max_body_size=LARGEST_BODY_BYTES,
        openapi_config=openapi_config("1.0.0"),
        logging_config=None,
    )


@asynccontextmanager
async def ground_client(parts: GroundParts, more: Sequence[Any] = ()) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key, in the test's own loop (so that it may share the test's database pool)."""
    transport = httpx.ASGITransport(cast("Any", ground_app(parts, more)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://commonpoint.test") as client:
        yield client


async def operator_key(parts: GroundParts, *scopes: str) -> str:
    """A fresh key of the operator, with all scopes unless some are named."""
    return await key_of(parts, None, *(scopes or SCOPES))


async def key_of(parts: GroundParts, partner_id: str | None, *scopes: str) -> str:
    """A fresh key of a partner."""
    async with parts.db.unit() as unit:
        made = await create_key(unit, parts.clock, parts.keyring, parts.settings.mode, partner_id, scopes)
    return made.text


def as_caller(key: str) -> dict[str, str]:
    """The header that a caller with this key sends."""
    return {"authorization": f"Bearer {key}"}
