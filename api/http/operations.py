"""/v1/notes, /v1/mirror, /v1/apple/reports: what the operator looks at to see that everything follows the ledger."""

from datetime import datetime
from typing import Annotated, Protocol

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from api.auth import AUTH_DEPENDENCIES, requires
from api.body import StrictBody
from kernel.database import Database
from kernel.errors import NotFound
from kernel.i18n import translate
from kernel.outbox import retry_now, waiting
from passes.apple import report_texts
from passes.apple.reports import reported
from tokens.opening import Mirror


class NoMirror(NotFound):
    """This service does not mirror points on a chain."""

    code = "no_mirror"
    title = "Points are not mirrored here"


class OperationsParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def mirror(self) -> Mirror | None: ...


Parts = NamedDependency[SkipValidation[OperationsParts]]


class NotesView(msgspec.Struct, frozen=True):
    """Notes of one kind that wait for their follower; `stuck` ones need a look."""

    kind: str
    waiting: int
    stuck: int
    oldest: datetime
    error: str | None


class RetryBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which notes to try again at once; without a kind all."""

    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class Retried(msgspec.Struct, frozen=True):
    """How many notes are due now."""

    notes: int


class MirrorView(msgspec.Struct, frozen=True):
    """Ledger, mirror and chain side by side; `differences` is empty when they agree to the point.

    `waiting` counts members whose change is on its way, which is no difference.
    """

    members: int
    ledger_points: int
    mirrored_points: int
    chain_supply: int
    waiting: int
    differences: list[str]
    changes: int
    gas_used: int
    gas_per_change: float


class ReportView(msgspec.Struct, frozen=True):
    """What phones complain of, counted by kind. `sample` is the last line of it: a stranger's text, cleaned and cut.

    `means` says what is probably wrong and what to look at.
    """

    kind: str
    subject: str
    means: str
    sample: str
    reports: int
    first_at: datetime
    last_at: datetime


@get("/notes", guards=[requires("network:read", operator=True)], summary="What waits", operation_id="listNotes")
async def notes(parts: Parts) -> list[NotesView]:
    """By kind; an empty list means that every follower has caught up."""
    async with parts.db.read() as read:
        return [NotesView(w.kind, w.waiting, w.stuck, w.oldest, w.error) for w in await waiting(read.connection)]


@post(
    "/notes/retry", dto=StrictBody[RetryBody], return_dto=None, status_code=200,
    guards=[requires("network:write", operator=True)], summary="Try again now", operation_id="retryNotes",
)  # fmt: skip
async def retry(data: JSONBody[RetryBody], parts: Parts) -> Retried:
    """After a fault was mended: parked and waiting notes are due at once."""
    async with parts.db.unit() as unit:
        return Retried(await retry_now(unit.connection, data.kind))


@get(
    "/mirror", guards=[requires("network:read", operator=True)], summary="Reconcile the mirror",
    operation_id="reconcileMirror",
)  # fmt: skip
async def mirror(parts: Parts) -> MirrorView:
    """Compares ledger, mirror and chain as they are now. Raises NoMirror, or why the chain does not answer."""
    if parts.mirror is None:
        raise NoMirror("Set COMMONPOINT_CHAIN_URL to mirror points.")
    found = await parts.mirror.reconcile()
    return MirrorView(
        members=found.members,
        ledger_points=found.ledger_points,
        mirrored_points=found.mirrored_points,
        chain_supply=found.chain_supply,
        waiting=found.waiting,
        differences=[str(difference) for difference in found.differences],
        changes=found.changes,
        gas_used=found.gas_used,
        gas_per_change=found.gas_per_change,
    )


@get(
    "/apple/reports", guards=[requires("network:read", operator=True)], summary="What iPhones complain of",
    operation_id="listAppleReports",
)  # fmt: skip
async def apple_reports(parts: Parts) -> list[ReportView]:
    """The latest first; an empty list means that no phone found fault with a pass or an answer."""
    async with parts.db.read() as read:
        found = await reported(read.connection)
    return [
        ReportView(one.kind, one.subject, translate(report_texts.meaning_of(one.kind), "en"), one.sample, one.reports,
                   one.first_at, one.last_at)
        for one in found
    ]  # fmt: skip


operations_router = Router(
    "/v1", route_handlers=[notes, retry, mirror, apple_reports], dependencies=AUTH_DEPENDENCIES, tags=["operations"]
)
