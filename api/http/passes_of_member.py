"""Apple passes beside the card: a voucher as a coupon, and everything that a member has as one bundle."""

from email.utils import format_datetime
from typing import Annotated, Protocol

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, SkipValidation

from api.auth import AUTH_DEPENDENCIES, requires
from passes.apple.bundle import BUNDLE_MEDIA_TYPE
from passes.apple.handout import Handout
from passes.apple.press import MEDIA_TYPE
from passes.apple.service import PassFile


class HandoutParts(Protocol):
    """The parts that these routes use."""

    @property
    def handout(self) -> Handout: ...


Parts = NamedDependency[SkipValidation[HandoutParts]]


def download(file: PassFile, name: str) -> Response[bytes]:
    """A pass, or several, as a file that a browser hands on to Wallet."""
    headers = {
        "cache-control": "private, no-store",
        "content-disposition": f'attachment; filename="{name}"',
        "last-modified": format_datetime(file.last_modified, usegmt=True),
    }
    return Response(file.body, media_type=file.media_type, headers=headers)


@get(
    "/members/{member_id:str}/passes/apple.pkpasses", guards=[requires("passes:read")], media_type=BUNDLE_MEDIA_TYPE,
    summary="The member's card and coupons as one file", operation_id="getAppleBundle",
)  # fmt: skip
async def get_apple_bundle(member_id: FromPath[str], parts: Parts) -> Response[bytes]:
    """A .pkpasses of at most ten signed passes: the card, and the vouchers that can be used now and end first."""
    return download(await parts.handout.bundle(member_id), "passes.pkpasses")


@get(
    "/vouchers/{code:str}/passes/apple", guards=[requires("passes:read")], media_type=MEDIA_TYPE,
    summary="A voucher as an Apple coupon pass", operation_id="getAppleCoupon",
)  # fmt: skip
async def get_apple_coupon(
    code: FromPath[str],
    parts: Parts,
    member_id: Annotated[
        str | None,
        QueryParameter(
            min_length=1,
            max_length=64,
            description="In whose wallet, if the voucher belongs to a household; default: whom it was issued to.",
        ),
    ] = None,
) -> Response[bytes]:
    """A signed .pkpass, made at the first call and current at each. It is voided when the voucher is used, exchanged or
    cancelled; a voucher that cannot be used any more is answered as at the till."""
    return download(await parts.handout.coupon(code, member_id), "coupon.pkpass")


handout_router = Router(
    "/v1", route_handlers=[get_apple_bundle, get_apple_coupon], dependencies=AUTH_DEPENDENCIES, tags=["passes"]
)
