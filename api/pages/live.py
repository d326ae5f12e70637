"""The live code on the member's own page: a code that changes every half minute, for everybody with a browser.

The secret stays here: the page asks for each code. A browser that runs no scripts gets a page that renews itself.
"""

import time

import msgspec
import segno
from litestar import Response, Router, get
from litestar.params import FromPath

from api.pages.page import PRIVATE, Parts, UnknownPage, answer, member_of, visitor
from kernel.secrets import Keyring
from passes.live_code import PERIOD_S, live_code
from points.members import find


class LiveView(msgspec.Struct, frozen=True):
    """The code that counts now: its text, its picture as SVG, and in how many seconds to ask for the next."""

    code: str
    svg: str
    left_s: float


def picture_of(text: str) -> str:
    """A QR code as SVG that fills its frame. Never a Micro QR code, which tills do not read."""
    return segno.make_qr(text, error="m").svg_inline(border=4, omitsize=True, dark="#111827", light="#fff")


def live_now(keyring: Keyring, code: str, now_s: float) -> tuple[str, float]:
    """The text for the step that `now_s` (seconds since 1970) is in, and how many seconds the step still lasts. It says
    the step's first second, so that a camera sees one picture for as long as the step lasts."""
    step = int(now_s) // PERIOD_S
    return live_code(keyring, code, step * PERIOD_S), (step + 1) * PERIOD_S - now_s


@get("/c/{token:str}/live", media_type="text/html")
async def live_page(token: FromPath[str], parts: Parts) -> Response[str]:
    """The code alone, renewed by the browser itself."""
    async with parts.db.read() as read:
        seen = await visitor(read.connection, parts, token)
    text, left_s = live_now(parts.keyring, seen.member.code, time.time())
    left = max(1, round(left_s))
    return answer(
        "live.html",
        seen.language,
        seen.look,
        refresh_s=left,
        token=token,
        code=seen.member.code,
        picture=picture_of(text),
        left=left,
    )


@get("/c/{token:str}/live/code")
async def live_json(token: FromPath[str], parts: Parts) -> Response[LiveView]:
    """What the page's script shows."""
    member_id = member_of(token, parts.keyring)
    async with parts.db.read() as read:
        member = await find(read.connection, member_id)
    if member is None:
        raise UnknownPage("This address opens no card.")
    text, left_s = live_now(parts.keyring, member.code, time.time())
    return Response(LiveView(text, picture_of(text), round(left_s, 3)), headers=dict(PRIVATE))


live_router = Router("/", route_handlers=[live_page, live_json], include_in_schema=False)
