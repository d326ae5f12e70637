"""/v1/partners/{id}/designs: how a partner's cards look, in versions that are published in stages."""

from datetime import datetime
from typing import Annotated, Literal, Protocol

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from api.auth import AUTH_DEPENDENCIES, CallerIs, requires, see_partner
from api.body import StrictBody
from api.pagination import PAGE_DEPENDENCIES, Listed, PageIs
from api.problems import FieldProblem, Refused
from kernel.clock import Clock
from kernel.database import Database
from network.keys import Caller
from network.partners import partner
from passes.design.checking import looked_over
from passes.design.checks.finding import Finding
from passes.design.darkroom import Darkroom
from passes.design.designs import (
    Design,
    DesignFaulty,
    add_design,
    design,
    design_window,
    stored_pictures,
)
from passes.design.preview import Preview, preview
from passes.design.release import Release, publish, release_window
from passes.look import Drawn, Look


class DesignParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def darkroom(self) -> Darkroom: ...


Parts = NamedDependency[SkipValidation[DesignParts]]
Language = Annotated[Literal["en", "fi", "hu"], QueryParameter(description="Of the phone.")]


class DesignRefused(Refused):
    """The design has faults; `errors` lists them all, with pointers into the body."""

    code = "design_faults"
    title = "The design has faults"


class DesignBody(Drawn, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A design. Colours are `#rrggbb`; texts are given per language (en, fi, hu).

    `pictures`: logo, icon, strip, thumbnail, background or personalization_logo (each also as `name.language`) -> id of
    a picture. Without a name the brand's own is used, without a logo a monogram is drawn.
    """

    brand_name: str | None = None


class PublishBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many per cent of the partner's passes get the design."""

    share: Annotated[int, msgspec.Meta(ge=1, le=100)] = 100


class DesignSummary(msgspec.Struct, frozen=True):
    """A version, without its content."""

    id: str
    partner_id: str
    number: int
    actor: str
    created_at: datetime


class DesignView(msgspec.Struct, frozen=True):
    """A version. `warnings` are what its author should weigh."""

    id: str
    partner_id: str
    number: int
    actor: str
    created_at: datetime
    design: DesignBody
    warnings: list[Finding]


class ReleaseView(msgspec.Struct, frozen=True):
    """A publication. `told` passes have had to change so far; `done_at` is when the last pass was looked at."""

    id: str
    partner_id: str
    number: int
    design_id: str
    share: int
    told: int
    done_at: datetime | None
    created_at: datetime


@post(
    "/partners/{partner_id:str}/designs", dto=StrictBody[DesignBody], return_dto=None,
    guards=[requires("designs:write")], summary="Make a design", operation_id="createDesign",
)  # fmt: skip
async def create_design(
    partner_id: FromPath[str], data: JSONBody[DesignBody], caller: CallerIs, parts: Parts
) -> DesignView:
    """A new version, shown by no pass until it is published. The same as the newest version is no new one."""
    draft = await _draft(caller, partner_id, data, parts)
    try:
        made = await add_design(parts.db, parts.clock, parts.darkroom, draft, caller.partner_id or "operator")
    except DesignFaulty as refused:
        errors = [FieldProblem(one.code, one.says, pointer=one.pointer) for one in refused.found]
        raise DesignRefused(refused.detail, errors) from None
    return await _view(made, parts)


@post(
    "/partners/{partner_id:str}/designs/preview", status_code=200, dto=StrictBody[DesignBody], return_dto=None,
    guards=[requires("network:read")], summary="Preview a draft", operation_id="previewDraft",
)  # fmt: skip
async def preview_draft(
    partner_id: FromPath[str], data: JSONBody[DesignBody], caller: CallerIs, parts: Parts, language: Language = "en"
) -> Preview:
    """What phones would show, and what is wrong or unwise. Nothing is kept."""
    return await _preview(await _draft(caller, partner_id, data, parts), language, parts)


@get(
    "/partners/{partner_id:str}/designs", guards=[requires("network:read")], dependencies=PAGE_DEPENDENCIES,
    summary="List designs", operation_id="listDesigns",
)  # fmt: skip
async def list_designs(
    partner_id: FromPath[str], caller: CallerIs, page: PageIs, parts: Parts
) -> Listed[DesignSummary]:
    """In the order they were made."""
    see_partner(caller, partner_id)
    after, before, rows = page.window_by_number()
    async with parts.db.read() as read:
        await partner(read.connection, partner_id)
        found = await design_window(read.connection, partner_id, after, before, rows)
    return page.answer(found, _summary, lambda one: str(one.number))


@get(
    "/partners/{partner_id:str}/designs/{design_id:str}", guards=[requires("network:read")],
    summary="Show a design", operation_id="getDesign",
)  # fmt: skip
async def get_design(partner_id: FromPath[str], design_id: FromPath[str], caller: CallerIs, parts: Parts) -> DesignView:
    """With what was unwise in it."""
    return await _view(await _found(caller, partner_id, design_id, parts), parts)


@get(
    "/partners/{partner_id:str}/designs/{design_id:str}/preview", guards=[requires("network:read")],
    summary="Preview a design", operation_id="previewDesign",
)  # fmt: skip
async def preview_design(
    partner_id: FromPath[str], design_id: FromPath[str], caller: CallerIs, parts: Parts, language: Language = "en"
) -> Preview:
    """What phones would show, with a made-up member."""
    found = await _found(caller, partner_id, design_id, parts)
    return await _preview(found.look, language, parts)


@post(
    "/partners/{partner_id:str}/designs/{design_id:str}/publish", dto=StrictBody[PublishBody], return_dto=None,
    guards=[requires("designs:write")], summary="Publish a design", operation_id="publishDesign",
)  # fmt: skip
async def publish_design(
    partner_id: FromPath[str], design_id: FromPath[str], data: JSONBody[PublishBody], caller: CallerIs, parts: Parts
) -> ReleaseView:
    """To a share of the passes, which later publications may raise. To go back, publish the older design, or `brand`
    for the look that is made of the partner's brand. The same once more changes nothing."""
    see_partner(caller, partner_id)
    async with parts.db.unit() as unit:
        made = await publish(unit, parts.clock, partner_id, design_id, data.share)
    return _release_view(made)


@get(
    "/partners/{partner_id:str}/releases", guards=[requires("network:read")], dependencies=PAGE_DEPENDENCIES,
    summary="List publications of designs", operation_id="listReleases",
)  # fmt: skip
async def list_releases(partner_id: FromPath[str], caller: CallerIs, page: PageIs, parts: Parts) -> Listed[ReleaseView]:
    """What was published, and how far it has come."""
    see_partner(caller, partner_id)
    after, before, rows = page.window_by_number()
    async with parts.db.read() as read:
        await partner(read.connection, partner_id)
        found = await release_window(read.connection, partner_id, after, before, rows)
    return page.answer(found, _release_view, lambda one: str(one.number))


async def _draft(caller: Caller, partner_id: str, body: DesignBody, parts: DesignParts) -> Look:
    """The body as a look without an id."""
    see_partner(caller, partner_id)
    async with parts.db.read() as read:
        brand = (await partner(read.connection, partner_id)).brand
    given = {name: getattr(body, name) for name in body.__struct_fields__}
    name = brand.name if body.brand_name is None else body.brand_name
    return Look(id="", partner_id=partner_id, **{**given, "brand_name": name})


async def _found(caller: Caller, partner_id: str, design_id: str, parts: DesignParts) -> Design:
    see_partner(caller, partner_id)
    async with parts.db.read() as read:
        return await design(read.connection, partner_id, design_id)


async def _preview(look: Look, language: str, parts: DesignParts) -> Preview:
    async with parts.db.read() as read:
        pictures = await stored_pictures(read.connection, look)
    return await parts.darkroom.develop(preview, look, pictures, language)


async def _view(one: Design, parts: DesignParts) -> DesignView:
    async with parts.db.read() as read:
        pictures = await stored_pictures(read.connection, one.look)
    found = await parts.darkroom.develop(looked_over, one.look, pictures)
    body = DesignBody(**{name: getattr(one.look, name) for name in DesignBody.__struct_fields__})
    warnings = [finding for finding in found if finding.level == "warning"]
    return DesignView(one.id, one.partner_id, one.number, one.actor, one.created_at, body, warnings)


def _summary(one: Design) -> DesignSummary:
    return DesignSummary(one.id, one.partner_id, one.number, one.actor, one.created_at)


def _release_view(one: Release) -> ReleaseView:
    return ReleaseView(
        one.id, one.partner_id, one.number, one.design_id, one.share, one.told, one.done_at, one.created_at
    )


designs_router = Router(
    "/v1",
    route_handlers=[
        create_design,
        preview_draft,
        list_designs,
        get_design,
        preview_design,
        publish_design,
        list_releases,
    ],
    dependencies=AUTH_DEPENDENCIES,
    tags=["designs"],
)
