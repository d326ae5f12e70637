"""/v1/terminals: the readers at the tills."""

from datetime import datetime
from typing import Protocol

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from api.auth import AUTH_DEPENDENCIES, CallerIs, requires
from api.body import Name, StrictBody
from api.http.purchases import EntityId
from api.pagination import PAGE_DEPENDENCIES, Listed, PageIs
from kernel.clock import Clock
from kernel.database import Database
from kernel.secrets import Keyring
from network import terminals


class TerminalParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def keyring(self) -> Keyring: ...


Parts = NamedDependency[SkipValidation[TerminalParts]]


class TerminalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reader to take into use, and at which of the partner's places it stands."""

    partner_id: EntityId
    name: Name
    location_id: EntityId | None = None


class TerminalView(msgspec.Struct, frozen=True):
    """A reader. `sequence` is the highest number that it has used: its next message needs a higher one."""

    id: str
    partner_id: str
    location_id: str | None
    name: str
    sequence: int
    created_at: datetime
    revoked_at: datetime | None


class EnrolledView(TerminalView, frozen=True):
    """A reader just enrolled. `key` is shown this once; the terminal sends it as `Terminal-Key`."""

    key: str


@post(
    "/terminals", dto=StrictBody[TerminalBody], return_dto=None, guards=[requires("network:write", operator=True)],
    summary="Enrol a terminal", operation_id="createTerminal",
)  # fmt: skip
async def create_terminal(data: JSONBody[TerminalBody], parts: Parts) -> EnrolledView:
    """Only enrolled terminals send taps. One whose key is lost is revoked and enrolled anew."""
    async with parts.db.unit() as unit:
        made = await terminals.enrol(unit, parts.clock, data.partner_id, data.name, data.location_id)
    return EnrolledView(*_values(made), key=terminals.terminal_key(parts.keyring, made.id))


@get(
    "/terminals", guards=[requires("network:read")], dependencies=PAGE_DEPENDENCIES, summary="List terminals",
    operation_id="listTerminals",
)  # fmt: skip
async def list_terminals(caller: CallerIs, page: PageIs, parts: Parts) -> Listed[TerminalView]:
    """All for the operator; a partner sees its own."""
    after, before, rows = page.window("ter")
    async with parts.db.read() as read:
        found = await terminals.terminal_window(read.connection, after, before, rows, only=caller.partner_id)
    return page.answer(found, _view, lambda one: one.id)


@get(
    "/terminals/{terminal_id:str}", guards=[requires("network:read")], summary="Show a terminal",
    operation_id="getTerminal",
)  # fmt: skip
async def get_terminal(terminal_id: FromPath[str], caller: CallerIs, parts: Parts) -> TerminalView:
    """A partner sees its own; others do not exist for it."""
    async with parts.db.read() as read:
        return _view(await terminals.terminal(read.connection, terminal_id, only=caller.partner_id))


@post(
    "/terminals/{terminal_id:str}/revoke", status_code=200, guards=[requires("network:write", operator=True)],
    summary="Refuse a terminal from now on", operation_id="revokeTerminal",
)  # fmt: skip
async def revoke_terminal(terminal_id: FromPath[str], parts: Parts) -> TerminalView:
    """Everywhere at once. Revoking twice is no error."""
    async with parts.db.unit() as unit:
        return _view(await terminals.revoke(unit, parts.clock, terminal_id))


def _view(one: terminals.Terminal) -> TerminalView:
    return TerminalView(*_values(one))


def _values(one: terminals.Terminal) -> tuple[str, str, str | None, str, int, datetime, datetime | None]:
    return one.id, one.partner_id, one.location_id, one.name, one.sequence, one.created_at, one.revoked_at


terminals_router = Router(
    "/v1",
    route_handlers=[create_terminal, list_terminals, get_terminal, revoke_terminal],
    dependencies=AUTH_DEPENDENCIES,
    tags=["taps"],
)
