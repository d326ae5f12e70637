"""The operator's pages: about Apple and Google (certificates, pushes, classes, what waits and went wrong), and reviews.

They only show. Browsers ask for a name and a password (HTTP Basic, RFC 7617): the password is an operator's key, the
name is not looked at. What is wrong is told with the command that mends it.
"""

import base64
import binascii
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.auth import GATE_STATE
from api.pages import operator_google_texts, operator_texts  # noqa: F401 (register the words)
from api.pages.operator_reviews import Waiting, waiting_seen
from kernel.clock import Clock
from kernel.database import Database
from kernel.i18n import best_language, translate
from network.keys import Gate, KeyRefused
from passes.apple import report_texts  # noqa: F401 (registers the words)
from passes.apple.health import Health, Overview, level_of
from passes.apple.health_texts import date_text, left_text
from passes.apple.identities import WARNINGS_DAYS
from passes.google.health import GoogleHealth
from passes.google.health import Overview as GoogleOverview

_SCOPE: Final = "network:read"
_YEAR_AND_A_MONTH: Final = 396  # days: what Apple gives
_CHALLENGE: Final = 'Basic realm="commonpoint operator", charset="UTF-8"'
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_HEADERS: Final = {
    # Own styles and nothing else: no script, no picture, no form, in nobody's frame.
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "cache-control": "private, no-store",
    "referrer-policy": "no-referrer",
    "vary": "accept-language, authorization",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
}


class OperatorParts(Protocol):
    """The parts that these pages use."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def health(self) -> Health: ...
    @property
    def google_health(self) -> GoogleHealth: ...


Parts = NamedDependency[SkipValidation[OperatorParts]]


@get("/operator/apple", media_type="text/html")
async def apple_page(request: Request[None, None, State], parts: Parts) -> Response[str]:
    """The page about Apple in the browser's language."""
    language = best_language(request.headers.get("accept-language"))
    if not await _may(request):
        return _sign_in(language)
    return _page("apple", language, seen=await parts.health.seen())


@get("/operator/google", media_type="text/html")
async def google_page(request: Request[None, None, State], parts: Parts) -> Response[str]:
    """The page about Google in the browser's language."""
    language = best_language(request.headers.get("accept-language"))
    if not await _may(request):
        return _sign_in(language)
    return _page("google", language, seen=await parts.google_health.seen())


@get("/operator/reviews", media_type="text/html")
async def reviews_page(request: Request[None, None, State], parts: Parts) -> Response[str]:
    """The page of what waits for somebody to look at it, in the browser's language."""
    language = best_language(request.headers.get("accept-language"))
    if not await _may(request):
        return _sign_in(language)
    async with parts.db.read() as read:
        seen = await waiting_seen(read.connection, parts.clock.now())
    return _page("reviews", language, seen=seen)


async def _may(request: Request[None, None, State]) -> bool:
    """Whether the password is a key that may see this. Browsers forget a refused one only when they are asked again."""
    password = basic_password(request.headers.getall("authorization", []))
    if password is None:
        return False
    gate: Gate = request.app.state[GATE_STATE]
    try:
        caller = await gate.caller(password)
    except KeyRefused:
        return False
    return caller.is_operator and _SCOPE in caller.scopes


def basic_password(values: list[str]) -> str | None:
    """The password in the only Authorization header; None unless it is one of Basic (RFC 7617 section 2)."""
    scheme, _, encoded = (values[0] if len(values) == 1 else "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(encoded.strip(" "), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    _, colon, password = pair.partition(":")
    return password if colon else None


def _sign_in(language: str) -> Response[str]:
    return _page("sign_in", language, status=401, headers={"www-authenticate": _CHALLENGE})


def _page(
    page: str,
    language: str,
    seen: Overview | GoogleOverview | Waiting | None = None,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response[str]:
    def say(message: str, **values: object) -> str:
        return translate(message, language, **values)

    html = _ENVIRONMENT.get_template(f"operator_{page}.html").render(
        page=page,
        language=language,
        say=say,
        seen=seen,
        level_of=level_of,
        longest_days=_YEAR_AND_A_MONTH,
        first_days=WARNINGS_DAYS[0],
        bad_days=WARNINGS_DAYS[-1],
        left=lambda days: left_text(days, language),
        day=lambda moment: date_text(moment.date(), language),
        time=lambda moment: _time(moment, language),
        count=lambda number: _count(number, language),
        decimal=lambda number: _decimal(number, language),
        named=lambda prefix, name: _named(prefix, name, language),
    )
    return Response(html, status_code=status, media_type="text/html", headers={**_HEADERS, **(headers or {})})


def _time(moment: datetime, language: str) -> str:
    clock = f"{moment.hour}.{moment.minute:02}" if language == "fi" else f"{moment:%H:%M}"
    return f"{date_text(moment.date(), language)} {clock} UTC"


def _count(number: int, language: str) -> str:
    return f"{number:,}".replace(",", "," if language == "en" else "\N{NO-BREAK SPACE}")


def _decimal(number: float, language: str) -> str:
    return f"{number:.1f}".replace(".", "." if language == "en" else ",")


def _named(prefix: str, name: str, language: str) -> str:
    """What a kind means; one that has no words of its own is shown by its name."""
    try:
        return translate(f"{prefix}.{name}", language)
    except KeyError:
        return name


operator_router = Router("/", route_handlers=[apple_page, google_page, reviews_page], include_in_schema=False)
