"""Passes: what partners fetch for a member, and what a member's own page hands out."""

from typing import Annotated, Protocol

import msgspec
from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, SkipValidation

from api.auth import AUTH_DEPENDENCIES, requires
from api.http.passes_of_member import download
from passes.apple.handout import Handout
from passes.apple.press import MEDIA_TYPE
from passes.google.handout import Handout as GoogleHandout
from passes.google.handout import SaveLink


class WalletParts(Protocol):
    """The parts that these routes use."""

    @property
    def handout(self) -> Handout: ...
    @property
    def google_handout(self) -> GoogleHandout: ...


Parts = NamedDependency[SkipValidation[WalletParts]]


class SaveLinkView(msgspec.Struct, frozen=True):
    """The address behind the "Add to Google Wallet" button; whoever opens it first owns the card. `saved`: it is on a
    phone already, so the button says "View in Google Wallet"."""

    save_url: str
    saved: bool


Wallet = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=64,
        description="In whose wallet, if the voucher belongs to a household; default: whom it was issued to.",
    ),
]


async def apple_file(parts: WalletParts, member_id: str) -> Response[bytes]:
    """The member's .pkpass as a download. Raises UnknownMember, or why nothing can be signed."""
    return download(await parts.handout.card(member_id), "card.pkpass")


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
async def get_google_link(member_id: FromPath[str], parts: Parts) -> Response[SaveLinkView]:
    """A link for this member alone; the card exists at Google when it is answered."""
    return _link(await parts.google_handout.card(member_id))


@get(
    "/members/{member_id:str}/passes/google/all", guards=[requires("passes:read")],
    summary="One Google save link for card and coupons", operation_id="getGoogleBundle",
)  # fmt: skip
async def get_google_bundle(member_id: FromPath[str], parts: Parts) -> Response[SaveLinkView]:
    """The card, and the vouchers that can be used now and end first."""
    return _link(await parts.google_handout.bundle(member_id))


@get(
    "/vouchers/{code:str}/passes/google", guards=[requires("passes:read")],
    summary="A voucher as a Google offer", operation_id="getGoogleCoupon",
)  # fmt: skip
async def get_google_coupon(code: FromPath[str], parts: Parts, member_id: Wallet = None) -> Response[SaveLinkView]:
    """Its save link. A card that is in Google Wallet gets the member's vouchers by itself."""
    return _link(await parts.google_handout.coupon(code, member_id))


def _link(link: SaveLink) -> Response[SaveLinkView]:
    return Response(SaveLinkView(link.url, link.saved), headers={"cache-control": "private, no-store"})


passes_router = Router(
    "/v1",
    route_handlers=[get_apple_pass, get_google_link, get_google_bundle, get_google_coupon],
    dependencies=AUTH_DEPENDENCIES,
    tags=["passes"],
)
