"""/v1/test-clock: moves the business time of a service in test mode, for rehearsals and for the demonstration."""

from datetime import datetime
from typing import Protocol

import msgspec
from litestar import Router, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from api.auth import AUTH_DEPENDENCIES, requires
from api.body import StrictBody
from kernel.clock import Clock, MovableClock
from kernel.errors import Invalid


class ClockParts(Protocol):
    """The parts that these routes use."""

    @property
    def clock(self) -> Clock: ...


Parts = NamedDependency[SkipValidation[ClockParts]]


class TestClock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The business time, RFC 3339 with a zone."""

    now: datetime


@get("/test-clock", guards=[requires("network:read")], summary="What time it is", operation_id="getTestClock")
async def show(parts: Parts) -> TestClock:
    """The business time."""
    return TestClock(parts.clock.now())


@put(
    "/test-clock", dto=StrictBody[TestClock], return_dto=None, guards=[requires("network:write", operator=True)],
    summary="Move the time", operation_id="moveTestClock",
)  # fmt: skip
async def move(data: JSONBody[TestClock], parts: Parts) -> TestClock:
    """The time stands still at the new moment until it is moved again."""
    if data.now.tzinfo is None:
        raise Invalid("'now' needs a time zone (RFC 3339).", field="now")
    assert isinstance(parts.clock, MovableClock), "the route is mounted with a clock that moves"
    parts.clock.move_to(data.now)
    return TestClock(parts.clock.now())


test_clock_router = Router("/v1", route_handlers=[show, move], dependencies=AUTH_DEPENDENCIES, tags=["test mode"])
