"""Passes: what partners fetch for a member, and what a member's own page hands out."""

from typing import Protocol

import msgspec
from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation

from api.auth import AUTH_DEPENDENCIES, requires
from api.http.passes_of_member import download
from kernel.database import Database
from passes.apple.handout import Handout
from passes.apple.press import MEDIA_TYPE
from passes.google.service import GoogleService
from passes.issue import issue
from passes.rendering import Renderer


class WalletParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def renderer(self) -> Renderer: ...
    @property
    def handout(self) -> Handout: ...
    @property
    def google(self) -> GoogleService: ...


Parts = NamedDependency[SkipValidation[WalletParts]]


class SaveLink(msgspec.Struct, frozen=True):
    """The address behind the "Add to Google Wallet" button; whoever opens it first owns the card."""

    save_url: str


async def apple_file(parts: WalletParts, member_id: str) -> Response[bytes]:
    """The member's .pkpass as a download. Raises UnknownMember, or why nothing can be signed."""
    return download(await parts.handout.card(member_id), "card.pkpass")


async def google_link(parts: WalletParts, member_id: str) -> str:
    """The member's save link. Raises UnknownMember, or why Google does not answer."""
    return await parts.google.save_link(await issue(parts.db, parts.renderer, member_id, "google"))


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


passes_router = Router(
    "/v1", route_handlers=[get_apple_pass, get_google_link], dependencies=AUTH_DEPENDENCIES, tags=["passes"]
)
