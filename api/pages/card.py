"""The member's own page: the card, the buttons of the wallets, the code for the till, coupons, what happened lately.

Its address is the key (see passes/links.py): it is not indexed, not cached by strangers, and sends no referrer.
"""

import secrets
from pathlib import Path
from typing import Final, Protocol

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation
from litestar.response import Redirect

from api.http.passes_of_member import download
from api.http.wallets import apple_file, google_link
from api.pages.coupons import coupon_lines
from api.pages.face import face_of
from api.pages.texts import happened
from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFound
from kernel.i18n import translate
from kernel.secrets import Keyring
from network.programmes import Programmes
from passes.apple.handout import Handout
from passes.card import said
from passes.google.service import GoogleService
from passes.links import member_of_token
from passes.rendering import Renderer
from points.claims import usable_vouchers
from points.statement import Line, lines, member_states

_LATEST: Final = 10
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class UnknownPage(NotFound):
    """The address opens nobody's page."""

    code = "unknown_page"
    title = "There is no such page"


class PageParts(Protocol):
    """The parts that these pages use."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def keyring(self) -> Keyring: ...
    @property
    def programmes(self) -> Programmes: ...
    @property
    def renderer(self) -> Renderer: ...
    @property
    def handout(self) -> Handout: ...
    @property
    def google(self) -> GoogleService: ...


Parts = NamedDependency[SkipValidation[PageParts]]


@get("/c/{token:str}", media_type="text/html")
async def card_page(token: FromPath[str], parts: Parts) -> Response[str]:
    """The page in the member's language."""
    member_id, now = _member(token, parts.keyring), parts.clock.now()
    async with parts.db.read() as read:
        card, look = await parts.renderer.preview(read.connection, member_id)
        state = (await member_states(read.connection, [member_id]))[member_id]
        latest = await lines(read.connection, member_id, _LATEST)
        vouchers = await usable_vouchers(read.connection, member_id, now)
    versions = parts.programmes.versions
    await versions.ensure({voucher.version_id for voucher in vouchers})
    nonce = secrets.token_urlsafe(16)
    html = _ENVIRONMENT.get_template("card.html").render(
        language=card.language,
        look=look,
        face=face_of(card, look),
        description=said(card.description, card.language),
        code=card.code,
        owed=state.arrears,
        coupons=coupon_lines(vouchers, versions, card.language, now),
        latest=[(line.recorded_at.date(), happened(line.kind), _signed(line)) for line in latest if line.points],
        token=token,
        nonce=nonce,
        # Never a Micro QR code, which tills do not read; without a size of its own it fills its frame.
        code_svg=segno.make_qr(card.code, error="m").svg_inline(border=4, omitsize=True, dark="#111827", light="#fff"),
        say=lambda message, **values: translate(message, card.language, **values),
    )
    return Response(html, media_type="text/html; charset=utf-8", headers=_headers(nonce))


@get("/c/{token:str}/apple")
async def card_apple(token: FromPath[str], parts: Parts) -> Response[bytes]:
    """The Apple pass."""
    return await apple_file(parts, _member(token, parts.keyring))


@get("/c/{token:str}/apple.pkpasses")
async def card_bundle(token: FromPath[str], parts: Parts) -> Response[bytes]:
    """The card and the coupons at once."""
    return download(await parts.handout.bundle(_member(token, parts.keyring)), "passes.pkpasses")


@get("/c/{token:str}/coupons/{code:str}/apple")
async def card_coupon(token: FromPath[str], code: FromPath[str], parts: Parts) -> Response[bytes]:
    """One of the member's vouchers as a coupon."""
    return download(await parts.handout.coupon(code, _member(token, parts.keyring)), "coupon.pkpass")


@get("/c/{token:str}/google")
async def card_google(token: FromPath[str], parts: Parts) -> Redirect:
    """On to Google's save page."""
    link = await google_link(parts, _member(token, parts.keyring))
    return Redirect(link, status_code=303, headers={"cache-control": "no-store", "referrer-policy": "no-referrer"})


def _member(token: str, keyring: Keyring) -> str:
    member_id = member_of_token(keyring, token)
    if member_id is None:
        raise UnknownPage("This address opens no card.")
    return member_id


def _signed(line: Line) -> str:
    return f"{line.points:+d}".replace("-", "\N{MINUS SIGN}")


def _headers(nonce: str) -> dict[str, str]:
    policy = (
        f"default-src 'none'; style-src 'self' 'nonce-{nonce}'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "content-security-policy": policy,
        "cache-control": "private, no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex, nofollow",
    }


pages_router = Router(
    "/", route_handlers=[card_page, card_apple, card_bundle, card_coupon, card_google], include_in_schema=False
)
