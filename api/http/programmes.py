"""/v1/programmes: programme files checked and published, and what is in force."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from api.auth import AUTH_DEPENDENCIES, CallerIs, requires, see_partner
from api.body import StrictBody
from api.problems import FieldProblem, Refused
from api.programmes import publish_checked
from kernel.clock import Clock
from kernel.database import Database
from network.keys import Caller
from network.partners import partner
from network.programmes import Programmes
from points.programme.canonical import canonical, version_of
from points.programme.fair_change import reasons_against
from points.programme.json_schema import json_schema
from points.programme.lint import lint
from points.programme.publishing import Publication, in_force, publications, versions
from points.programme.registry import VersionUnknown
from points.programme.schema.programme import Programme
from points.programme.shelf import default_version
from points.programme.text import ProgrammeFaults, read_file
from points.programme.version import Version

READ: Final = "programmes:read"
WRITE: Final = "programmes:write"
_VERSION_ID = re.compile(r"[0-9a-f]{64}")


class ProgrammeParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def programmes(self) -> Programmes: ...


Parts = NamedDependency[SkipValidation[ProgrammeParts]]
Text = Annotated[str, msgspec.Meta(min_length=1, description="The programme file (YAML).")]
Bound = Annotated[dict[str, Annotated[str, msgspec.Meta(max_length=64)]], msgspec.Meta(max_length=400)]


class FileProblem(FieldProblem, frozen=True, omit_defaults=True):
    """What is wrong at one place of a programme file; line and column count from 1."""

    line: int = 0
    column: int = 0
    path: str = ""


class FileRefused(Refused):
    """The programme file has faults; `errors` lists them all, with line and column."""

    code = "programme_faults"
    title = "The programme has faults"


class LintBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A programme file to check."""

    text: Text


class ProgrammeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A programme file to publish. `ids`: name of a partner or place in the file -> its id.

    A partner publishes for itself. The operator publishes for the coalition, or for `partner_id`.
    """

    text: Text
    ids: Bound = {}
    effective_from: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    partner_id: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class AdviceView(msgspec.Struct, frozen=True):
    """Something that is unwise, but no fault."""

    code: str
    line: int
    path: str
    text: str


class LintView(msgspec.Struct, frozen=True):
    """A file without faults. `unfair`: why it could not follow what is in force once members have points."""

    version_id: str
    programme: str
    advice: list[AdviceView]
    unfair: list[str]


class PublicationView(msgspec.Struct, frozen=True):
    """A version in force at a partner, or (`partner_id` null) in the coalition, from a moment on."""

    id: str
    partner_id: str | None
    version_id: str
    programme: str
    names: dict[str, str]
    effective_from: datetime
    status: Literal["in_force", "to_come"]
    ids: dict[str, str]
    created_at: datetime


class InForceView(msgspec.Struct, frozen=True):
    """What holds now, and everything that is in force or to come, a partner's own first. `in_force` names a version;
    without a publication it is the built-in programme."""

    in_force: str
    programme: str
    publications: list[PublicationView]


class VersionView(msgspec.Struct, frozen=True):
    """A version; `content` is the programme without what is at its default."""

    id: str
    content: Any


@dataclass(frozen=True, slots=True)
class _Checked:
    programme: Programme
    version: Version
    advice: list[AdviceView]


@post(
    "/programmes/lint", status_code=200, dto=StrictBody[LintBody], return_dto=None, guards=[requires(READ)],
    summary="Check a programme file", operation_id="lintProgramme",
)  # fmt: skip
async def lint_programme(data: JSONBody[LintBody], caller: CallerIs, parts: Parts) -> LintView:
    """Faults are a problem that lists all of them; advice is no fault. Nothing is kept."""
    checked = await _checked(data.text)
    async with parts.db.read() as read:
        published = await publications(read.connection, caller.partner_id)
    now = parts.clock.now()
    before = next((one.version.programme for one in published if one.effective_from <= now), None)
    reasons = reasons_against(before, checked.programme) if before is not None else []
    return LintView(checked.version.id, checked.programme.programme, checked.advice, reasons)


@post(
    "/programmes", dto=StrictBody[ProgrammeBody], return_dto=None, guards=[requires(WRITE)],
    summary="Publish a programme", operation_id="publishProgramme",
)  # fmt: skip
async def publish_programme(data: JSONBody[ProgrammeBody], caller: CallerIs, parts: Parts) -> PublicationView:
    """A new version takes over at `effective_from` (unset: now). What was earned under older ones keeps them.

    Publishing what is in force already changes nothing and answers with that publication.
    """
    partner_id = _published_for(caller, data.partner_id)
    checked = await _checked(data.text)
    async with parts.db.unit() as unit:
        made = await publish_checked(unit, parts.clock, checked.programme, data.ids, partner_id, data.effective_from)
    parts.programmes.forget()
    return _view(made, parts.clock.now())


@get(
    "/programmes", guards=[requires(READ)], summary="Programmes in force and to come", operation_id="listProgrammes"
)  # fmt: skip
async def list_programmes(
    caller: CallerIs,
    parts: Parts,
    partner_id: Annotated[str | None, QueryParameter(max_length=64, description="For the operator.")] = None,
) -> InForceView:
    """A partner sees its own and the coalition's; the operator the coalition's, or those of a partner."""
    if partner_id is not None:
        see_partner(caller, partner_id)
    now = parts.clock.now()
    async with parts.db.read() as read:
        if partner_id is not None:
            await partner(read.connection, partner_id)
        published = await publications(read.connection, partner_id or caller.partner_id)
    version = in_force(published, now).version
    shown = [_view(one, now) for one in published if one.effective_from > now or _current(one, published, now)]
    return InForceView(version.id, version.programme.programme, shown)


@get(
    "/programmes/schema", guards=[requires(READ)], summary="JSON Schema of programme files",
    operation_id="getProgrammeSchema",
)  # fmt: skip
async def get_programme_schema() -> dict[str, Any]:
    """For editors that complete and check while one writes."""
    return json_schema()


@get(
    "/programmes/{version_id:str}", guards=[requires(READ)], summary="Show a version of a programme",
    operation_id="getProgramme",
)  # fmt: skip
async def get_programme(version_id: FromPath[str], parts: Parts) -> VersionView:
    """The content that the id is the SHA-256 of, in its canonical form."""
    if version_id == default_version().id:
        return _version_view(default_version())
    found = []
    if _VERSION_ID.fullmatch(version_id):
        async with parts.db.read() as read:
            found = await versions(read.connection, [version_id])
    if not found:
        raise VersionUnknown("There is no such programme version.")
    return _version_view(found[0])


async def _checked(text: str) -> _Checked:
    """Read and checked beside the event loop: a hostile file may take a while."""
    return await asyncio.to_thread(_check, text)


def _check(text: str) -> _Checked:
    try:
        file = read_file(text)
    except ProgrammeFaults as faults:
        problems: list[FieldProblem] = [
            FileProblem(
                "programme_fault", one.message, pointer="/text", line=one.line, column=one.column, path=one.path
            )
            for one in faults.faults
        ]
        raise FileRefused(faults.detail, problems) from None
    advice = [AdviceView(one.code, file.line(one.place), one.path, one.text) for one in lint(file.programme)]
    return _Checked(file.programme, version_of(file.programme), advice)


def _published_for(caller: Caller, partner_id: str | None) -> str | None:
    if caller.is_operator or partner_id is None:
        return partner_id if caller.is_operator else caller.partner_id
    see_partner(caller, partner_id)
    return partner_id


def _current(one: Publication, published: Sequence[Publication], now: datetime) -> bool:
    """Whether it is the one in force of its kind: of the partner's own, or of the coalition's."""
    same = [other for other in published if other.partner_id == one.partner_id and other.effective_from <= now]
    return bool(same) and same[0].id == one.id


def _view(one: Publication, now: datetime) -> PublicationView:
    programme = one.version.programme
    return PublicationView(
        one.id,
        one.partner_id,
        one.version.id,
        programme.programme,
        {str(language): name for language, name in programme.names.items()},
        one.effective_from,
        "in_force" if one.effective_from <= now else "to_come",
        dict(one.ids),
        one.created_at,
    )


def _version_view(version: Version) -> VersionView:
    return VersionView(version.id, msgspec.Raw(canonical(version.programme)))


programmes_router = Router(
    "/v1",
    route_handlers=[lint_programme, publish_programme, list_programmes, get_programme_schema, get_programme],
    dependencies=AUTH_DEPENDENCIES,
    tags=["programmes"],
)
