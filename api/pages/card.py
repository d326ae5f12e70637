"""The member's own page: the card, the buttons of the wallets, the code for the till, coupons, what happened lately.

What tills ask, the live code, the PIN and receipts have files of their own; `page.py` is the ground of all of them.
"""

from litestar import Response, Router, get
from litestar.params import FromPath
from litestar.response import Redirect

from api.http.passes_of_member import download
from api.http.wallets import apple_file
from api.pages.coupons import coupon_lines
from api.pages.face import face_of
from api.pages.live import live_router, picture_of
from api.pages.page import Parts, answer, answer_person, member_of
from api.pages.pin import pin_router
from api.pages.questions import asked_of, questions_router
from api.pages.receipt import receipt_pages_router
from api.pages.texts import happened
from kernel.errors import CommonpointError
from passes.card import said
from passes.google.handout import SaveLink, button_text
from passes.google.registry import is_saved
from points.claims import usable_vouchers
from points.statement import Line, lines, member_states

_LATEST = 10


@get("/c/{token:str}", media_type="text/html")
async def card_page(token: FromPath[str], parts: Parts) -> Response[str]:
    """The page in the member's language."""
    member_id, now = member_of(token, parts.keyring), parts.clock.now()
    async with parts.db.read() as read:
        card, look = await parts.renderer.preview(read.connection, member_id)
        state = (await member_states(read.connection, [member_id]))[member_id]
        latest = await lines(read.connection, member_id, _LATEST)
        vouchers = await usable_vouchers(read.connection, member_id, now)
        asked = await asked_of(read.connection, parts, member_id, card.language)
        saved = await is_saved(read.connection, member_id)
    versions = parts.programmes.versions
    await versions.ensure({voucher.version_id for voucher in vouchers})
    return answer(
        "card.html",
        card.language,
        look,
        face=face_of(card, look),
        description=said(card.description, card.language),
        code=card.code,
        code_svg=picture_of(card.code),
        owed=state.arrears,
        coupons=coupon_lines(vouchers, versions, card.language, now),
        latest=[(line.recorded_at.date(), happened(line.kind), _signed(line)) for line in latest if line.points],
        questions=asked,
        google_text=button_text(card.language, saved=saved),
        token=token,
    )


@get("/c/{token:str}/apple")
async def card_apple(token: FromPath[str], parts: Parts) -> Response[bytes]:
    """The Apple pass."""
    return await apple_file(parts, member_of(token, parts.keyring))


@get("/c/{token:str}/apple.pkpasses")
async def card_bundle(token: FromPath[str], parts: Parts) -> Response[bytes]:
    """The card and the coupons at once."""
    return download(await parts.handout.bundle(member_of(token, parts.keyring)), "passes.pkpasses")


@get("/c/{token:str}/coupons/{code:str}/apple")
async def card_coupon(token: FromPath[str], code: FromPath[str], parts: Parts) -> Response[bytes]:
    """One of the member's vouchers as a coupon."""
    return download(await parts.handout.coupon(code, member_of(token, parts.keyring)), "coupon.pkpass")


@get("/c/{token:str}/google")
async def card_google(token: FromPath[str], parts: Parts) -> Redirect:
    """On to Google's save page."""
    return _onwards(await parts.google_handout.card(member_of(token, parts.keyring)))


@get("/c/{token:str}/google/all")
async def bundle_google(token: FromPath[str], parts: Parts) -> Redirect:
    """The same for the card and the coupons at once."""
    return _onwards(await parts.google_handout.bundle(member_of(token, parts.keyring)))


@get("/c/{token:str}/coupons/{code:str}/google")
async def coupon_google(token: FromPath[str], code: FromPath[str], parts: Parts) -> Redirect:
    """The same for one of the member's vouchers."""
    return _onwards(await parts.google_handout.coupon(code, member_of(token, parts.keyring)))


def _onwards(link: SaveLink) -> Redirect:
    return Redirect(link.url, status_code=303, headers={"cache-control": "no-store", "referrer-policy": "no-referrer"})


def _signed(line: Line) -> str:
    return f"{line.points:+d}".replace("-", "\N{MINUS SIGN}")


pages_router = Router(
    "/",
    route_handlers=[
        card_page, card_apple, card_bundle, card_coupon, card_google, bundle_google, coupon_google,
        live_router, questions_router, pin_router, receipt_pages_router,
    ],
    exception_handlers={CommonpointError: answer_person},
    include_in_schema=False,
)  # fmt: skip
