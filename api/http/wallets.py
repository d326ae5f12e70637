"""Passes: what partners fetch for a member, what a member's own page hands out, and what iPhones ask."""

from email.utils import format_datetime
from typing import Protocol
from urllib.parse import unquote

import msgspec
from litestar import HttpMethod, Request, Response, Router, delete, get, post, route
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation
from litestar.response.base import ASGIResponse

from api.auth import AUTH_DEPENDENCIES, requires
from kernel.database import Database
from network.partners import partner
from passes.apple.press import MEDIA_TYPE
from passes.apple.service import PassesService
from passes.apple.service import Response as Prescribed
from passes.google.service import GoogleService
from passes.issue import Wallet, issue
from passes.pictures import logo_png
from passes.rendering import Renderer


class WalletParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def renderer(self) -> Renderer: ...
    @property
    def apple(self) -> PassesService: ...
    @property
    def google(self) -> GoogleService: ...


Parts = NamedDependency[SkipValidation[WalletParts]]
PhoneRequest = Request[None, None, State]


class SaveLink(msgspec.Struct, frozen=True):
    """The address behind the "Add to Google Wallet" button; whoever opens it first owns the card."""

    save_url: str


async def apple_file(parts: WalletParts, member_id: str) -> Response[bytes]:
    """The member's .pkpass as a download. Raises UnknownMember."""
    file = await parts.apple.file(await _issued(parts, member_id, "apple"))
    headers = {
        "cache-control": "private, no-store",
        "content-disposition": 'attachment; filename="card.pkpass"',
        "last-modified": format_datetime(file.last_modified, usegmt=True),
    }
    return Response(file.body, media_type=MEDIA_TYPE, headers=headers)


async def google_link(parts: WalletParts, member_id: str) -> str:
    """The member's save link. Raises UnknownMember, or why Google does not answer."""
    return await parts.google.save_link(await _issued(parts, member_id, "google"))


async def _issued(parts: WalletParts, member_id: str, wallet: Wallet) -> str:
    return await issue(parts.db, parts.renderer, member_id, wallet)


@get(
    "/members/{member_id:str}/passes/apple", guards=[requires("passes:read")], media_type=MEDIA_TYPE,
    summary="The member's Apple pass", operation_id="getApplePass",
)  # fmt: skip
async def get_apple_pass(member_id: FromPath[str], parts: Parts) -> Response[bytes]:
    """A signed .pkpass, made at the first call and current at each."""
    return await apple_file(parts, member_id)


@get(
    "/members/{member_id:str}/passes/google", guards=[requires("passes:read")],
    summary="The member's Google save link", operation_id="getGoogleSaveLink",
)  # fmt: skip
async def get_google_link(member_id: FromPath[str], parts: Parts) -> Response[SaveLink]:
    """A link for this member alone; the card exists at Google when it is answered."""
    return Response(SaveLink(await google_link(parts, member_id)), headers={"cache-control": "private, no-store"})


@get("/brands/{partner_id:str}/logo.png", media_type="image/png", include_in_schema=False)
async def brand_logo(partner_id: FromPath[str], parts: Parts) -> Response[bytes]:
    """The brand's picture for Google, which fetches it without a key."""
    async with parts.db.read() as read:
        brand = (await partner(read.connection, partner_id)).brand
    png = logo_png(brand.name, brand.background, brand.foreground)
    return Response(png, media_type="image/png", headers={"cache-control": "public, max-age=86400"})


# The passes web service. https://developer.apple.com/documentation/walletpasses/adding-a-web-service-to-update-passes
_REGISTRATION = "/devices/{library_id:str}/registrations/{pass_type:str}/{serial:str}"
_PASS = "/passes/{pass_type:str}/{serial:str}"


@post(_REGISTRATION)
async def register(
    request: PhoneRequest, library_id: FromPath[str], pass_type: FromPath[str], serial: FromPath[str], parts: Parts
) -> ASGIResponse:
    """A phone wants to hear of changes."""
    body = await request.body()
    return _as_is(await parts.apple.register(library_id, pass_type, serial, _authorization(request), body))


@delete(_REGISTRATION, status_code=200)
async def unregister(
    request: PhoneRequest, library_id: FromPath[str], pass_type: FromPath[str], serial: FromPath[str], parts: Parts
) -> ASGIResponse:
    """A phone dropped the pass."""
    return _as_is(await parts.apple.unregister(library_id, pass_type, serial, _authorization(request)))


@get("/devices/{library_id:str}/registrations/{pass_type:str}")
async def updated(
    request: PhoneRequest, library_id: FromPath[str], pass_type: FromPath[str], parts: Parts
) -> ASGIResponse:
    """Which of a phone's passes changed since a tag."""
    return _as_is(await parts.apple.updated(library_id, pass_type, _tag(request)))


@route(_PASS, http_method=[HttpMethod.GET, HttpMethod.HEAD], status_code=200)
async def fetch(request: PhoneRequest, pass_type: FromPath[str], serial: FromPath[str], parts: Parts) -> ASGIResponse:
    """The newest version of a pass; phones have been seen to ask with HEAD first."""
    since = request.headers.get("if-modified-since")
    head = request.method == HttpMethod.HEAD
    return _as_is(await parts.apple.fetch(pass_type, serial, _authorization(request), since, head=head), head)


@post("/log")
async def device_log(request: PhoneRequest, parts: Parts) -> ASGIResponse:
    """What phones complain about."""
    return _as_is(await parts.apple.log(await request.body()))


def _as_is(answer: Prescribed, head: bool = False) -> ASGIResponse:
    """The vendor prescribes the answer, so it passes unchanged; to HEAD with the length that GET would have."""
    return ASGIResponse(
        body=answer.body,
        status_code=answer.status,
        headers=dict(answer.headers),
        media_type="application/octet-stream",
        is_head_response=head,
    )


def _authorization(request: PhoneRequest) -> str | None:
    return request.headers.get("authorization")


def _tag(request: PhoneRequest) -> str | None:
    """The tag exactly as we gave it: a form decoder would turn a plus sign into a space."""
    for part in request.scope["query_string"].decode("latin-1").split("&"):
        name, _, value = part.partition("=")
        if name == "passesUpdatedSince":
            return unquote(value)
    return None


passes_router = Router(
    "/v1", route_handlers=[get_apple_pass, get_google_link], dependencies=AUTH_DEPENDENCIES, tags=["passes"]
)
phones_router = Router(
    "/apple/v1",
    route_handlers=[register, unregister, updated, fetch, device_log],
    include_in_schema=False,
)
brands_router = Router("/", route_handlers=[brand_logo])
