"""/v1/clearing-cycles: who pays or receives how much."""

from datetime import datetime
from typing import Protocol

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation

from api.auth import AUTH_DEPENDENCIES, CallerIs, requires
from api.pagination import PAGE_DEPENDENCIES, Listed, PageIs
from kernel.clock import Clock
from kernel.database import Database
from network import clearing


class ClearingParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...


Parts = NamedDependency[SkipValidation[ClearingParts]]


class PositionView(msgspec.Struct, frozen=True):
    """A party's line: `net_minor` is received (or paid, if negative) now, `carry_micros` opens its next cycle."""

    party_id: str
    pays_micros: int
    gets_micros: int
    carried_in_micros: int
    net_minor: int
    carry_micros: int


class CycleHead(msgspec.Struct, frozen=True):
    """A closed cycle in a list."""

    id: str
    number: int
    currency: str
    closed_at: datetime
    obligations: int
    content_hash: str


class CycleView(msgspec.Struct, frozen=True):
    """A closed cycle with its positions. A partner sees its own position only."""

    id: str
    number: int
    currency: str
    closed_at: datetime
    obligations: int
    content_hash: str
    positions: list[PositionView]


@post(
    "/clearing-cycles", guards=[requires("clearing:write", operator=True)], summary="Close a clearing cycle",
    operation_id="closeClearingCycle",
)  # fmt: skip
async def close(parts: Parts) -> CycleView:
    """Nets all open obligations. With none open (a repeat, or another was faster) it answers 409."""
    return _view(await clearing.close_cycle(parts.db, parts.clock))


@get(
    "/clearing-cycles", guards=[requires("clearing:read")], dependencies=PAGE_DEPENDENCIES,
    summary="List clearing cycles", operation_id="listClearingCycles",
)  # fmt: skip
async def list_cycles(page: PageIs, parts: Parts) -> Listed[CycleHead]:
    """Oldest first, without positions."""
    after, before, rows = page.window("cyc")
    async with parts.db.read() as read:
        found = await clearing.cycle_window(read.connection, after, before, rows)
    return page.answer(found, _head, lambda one: one.id)


@get(
    "/clearing-cycles/{cycle_id:str}", guards=[requires("clearing:read")], summary="Show a clearing cycle",
    operation_id="getClearingCycle",
)  # fmt: skip
async def get_cycle(cycle_id: FromPath[str], caller: CallerIs, parts: Parts) -> CycleView:
    """All positions for the operator, the caller's own for a partner."""
    async with parts.db.read() as read:
        return _view(await clearing.cycle(read.connection, cycle_id, only_party=caller.partner_id))


def _head(one: clearing.Cycle) -> CycleHead:
    return CycleHead(one.id, one.number, one.currency, one.closed_at, one.obligations, one.content_hash)


def _view(one: clearing.Cycle) -> CycleView:
    positions = [
        PositionView(p.party_id, p.pays_micros, p.gets_micros, p.carried_in_micros, p.net_minor, p.carry_micros)
        for p in one.positions
    ]
    return CycleView(one.id, one.number, one.currency, one.closed_at, one.obligations, one.content_hash, positions)


clearing_router = Router(
    "/v1", route_handlers=[close, list_cycles, get_cycle], dependencies=AUTH_DEPENDENCIES, tags=["clearing"]
)
