"""/v1/partners/{id}/pictures: a partner's logos and strips come in as files, and stay as clean PNG."""

from datetime import datetime
from typing import Any, Final, Protocol

import msgspec
from litestar import Request, Response, Router, delete, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromPath, SkipValidation

from api.auth import AUTH_DEPENDENCIES, CallerIs, requires, see_partner
from kernel.clock import Clock
from kernel.database import Database
from network.partners import partner
from passes.design.darkroom import Darkroom
from passes.design.gallery import Kept, add_picture, all_pictures, picture_png, remove_picture
from passes.design.intake import LARGEST_FILE_BYTES
from passes.design.looks import Looks, LookUnknown

_FOR_EVER: Final = "public, max-age=31536000, immutable"


class PictureParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def looks(self) -> Looks: ...
    @property
    def darkroom(self) -> Darkroom: ...


Parts = NamedDependency[SkipValidation[PictureParts]]


class PictureView(msgspec.Struct, frozen=True):
    """A picture as it is kept: PNG of so many pixels and bytes. `id` is its SHA-256; designs name it by that."""

    id: str
    width: int
    height: int
    bytes: int
    created_at: datetime


class PicturesView(msgspec.Struct, frozen=True):
    """All pictures of a partner, oldest first."""

    data: list[PictureView]


class _Upload(Operation):
    """The body is the file itself."""

    def __post_init__(self) -> None:
        file = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))
        kinds = dict.fromkeys(("image/png", "image/jpeg", "image/webp"), file)
        self.request_body = RequestBody(content=kinds, required=True)


@post(
    "/partners/{partner_id:str}/pictures", guards=[requires("designs:write")], operation_class=_Upload,
    request_max_body_size=LARGEST_FILE_BYTES, summary="Add a picture", operation_id="addPicture",
)  # fmt: skip
async def create_picture(
    partner_id: FromPath[str], request: Request[Any, Any, State], caller: CallerIs, parts: Parts
) -> PictureView:
    """The body is a PNG, JPEG or WebP file of at most 2 MiB and 8 million pixels; what the header of the request says
    of it is not believed. It is decoded, turned upright, brought to sRGB and written anew: nothing else of it stays."""
    see_partner(caller, partner_id)
    raw = await request.body()
    return _view(await add_picture(parts.db, parts.clock, parts.darkroom, partner_id, raw))


@get(
    "/partners/{partner_id:str}/pictures", guards=[requires("network:read")],
    summary="List pictures", operation_id="listPictures",
)  # fmt: skip
async def list_pictures(partner_id: FromPath[str], caller: CallerIs, parts: Parts) -> PicturesView:
    """There are at most two hundred."""
    see_partner(caller, partner_id)
    async with parts.db.read() as read:
        await partner(read.connection, partner_id)
        return PicturesView([_view(one) for one in await all_pictures(read.connection, partner_id)])


@get(
    "/partners/{partner_id:str}/pictures/{picture_id:str}", guards=[requires("network:read")], media_type="image/png",
    summary="Show a picture", operation_id="getPicture",
)  # fmt: skip
async def get_picture(
    partner_id: FromPath[str], picture_id: FromPath[str], caller: CallerIs, parts: Parts
) -> Response[bytes]:
    """The PNG as it is kept."""
    see_partner(caller, partner_id)
    async with parts.db.read() as read:
        png = await picture_png(read.connection, partner_id, picture_id)
    return _png(png, "private, max-age=86400, immutable")


@delete(
    "/partners/{partner_id:str}/pictures/{picture_id:str}", guards=[requires("designs:write")],
    summary="Remove a picture", operation_id="removePicture",
)  # fmt: skip
async def delete_picture(partner_id: FromPath[str], picture_id: FromPath[str], caller: CallerIs, parts: Parts) -> None:
    """Only one that no design shows."""
    see_partner(caller, partner_id)
    async with parts.db.unit() as unit:
        await remove_picture(unit, partner_id, picture_id)


@get("/designs/{design_id:str}/logo.png", media_type="image/png", include_in_schema=False)
async def design_logo(design_id: FromPath[str], parts: Parts) -> Response[bytes]:
    """The design's logo for Google, which fetches it without a key. A design never changes, so this never does."""
    return _png(await parts.looks.google_logo(await parts.looks.look(design_id)), _FOR_EVER)


@get("/designs/{design_id:str}/hero.png", media_type="image/png", include_in_schema=False)
async def design_hero(design_id: FromPath[str], parts: Parts) -> Response[bytes]:
    """The design's banner for Google."""
    png = await parts.looks.google_hero(await parts.looks.look(design_id))
    if png is None:
        raise LookUnknown("The design has no banner.")
    return _png(png, _FOR_EVER)


@get("/designs/{design_id:str}/image.png", media_type="image/png", include_in_schema=False)
async def design_image(design_id: FromPath[str], parts: Parts) -> Response[bytes]:
    """The design's picture for the details at Google."""
    png = await parts.looks.google_image(await parts.looks.look(design_id))
    if png is None:
        raise LookUnknown("The design has no such picture.")
    return _png(png, _FOR_EVER)


def _png(body: bytes, cache: str) -> Response[bytes]:
    # Whatever came in, a browser takes it for a picture and nothing else.
    headers = {
        "cache-control": cache,
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(body, media_type="image/png", headers=headers)


def _view(one: Kept) -> PictureView:
    return PictureView(one.id, one.width, one.height, one.bytes, one.created_at)


pictures_router = Router(
    "/v1",
    route_handlers=[create_picture, list_pictures, get_picture, delete_picture],
    dependencies=AUTH_DEPENDENCIES,
    tags=["designs"],
)
design_pictures_router = Router("/", route_handlers=[design_logo, design_hero, design_image])
