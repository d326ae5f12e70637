"""The ground of the pages for members: who opens them, what browsers may do with them, and what a form may ask.

A member's address is the key (see passes/links.py): it is not indexed, not cached by strangers, and told to nobody. The
pages use no cookies. What changes something is a POST from a page of ours, which browsers vouch for.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.http.receipts import ReceiptParts
from api.pages import member_texts as member_texts  # registers the words
from api.problems import answer_domain_error
from kernel.database import Connection
from kernel.errors import CommonpointError, Forbidden, Invalid, NotFound, Unavailable
from kernel.i18n import best_language, translate
from kernel.secrets import Keyring
from kernel.settings import Settings
from passes.apple.handout import Handout
from passes.design.looks import Looks
from passes.google.handout import Handout as GoogleHandout
from passes.links import member_of_token
from passes.look import Look
from passes.rendering import Renderer
from points.answers import UnknownMember
from points.members import MemberRow, find
from points.pins import Pins

LONGEST_FORM: Final = 4096  # bytes
_MOST_FIELDS: Final = 10
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


# Where there is no brand to take colours from.
PLAIN: Final = Look(id="", partner_id="", brand_name="")


class UnknownPage(NotFound):
    """The address opens nobody's page."""

    code = "unknown_page"
    title = "There is no such page"


class ForeignForm(Forbidden):
    """A form that was not sent from one of our own pages."""

    code = "foreign_form"
    title = "The form comes from another site"


class BadForm(Invalid):
    """Not what a form of ours sends."""

    code = "bad_form"
    title = "The form cannot be read"


class PageParts(ReceiptParts, Protocol):
    """The parts that these pages use."""

    @property
    def renderer(self) -> Renderer: ...
    @property
    def looks(self) -> Looks: ...
    @property
    def handout(self) -> Handout: ...
    @property
    def google_handout(self) -> GoogleHandout: ...
    @property
    def pins(self) -> Pins: ...
    @property
    def settings(self) -> Settings: ...


Parts = NamedDependency[SkipValidation[PageParts]]
PageRequest = Request[Any, Any, State]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whose page it is, and how it looks."""

    token: str
    member: MemberRow
    look: Look

    @property
    def language(self) -> str:
        """The member's own."""
        return self.member.language


def member_of(token: str, keyring: Keyring) -> str:
    """Whose page the address opens. Raises UnknownPage."""
    member_id = member_of_token(keyring, token)
    if member_id is None:
        raise UnknownPage("This address opens no card.")
    return member_id


async def visitor(connection: Connection, parts: PageParts, token: str) -> Visitor:
    """Whose page it is, in their colours. Raises UnknownPage."""
    member_id = member_of(token, parts.keyring)
    member = await find(connection, member_id)
    if member is None:
        raise UnknownMember(f"There is no member '{member_id}'.")
    designs = await parts.looks.as_released(connection, [member.partner_id])
    return Visitor(token, member, designs.look(member.partner_id, member_id))


def render(template: str, language: str, look: Look, **values: object) -> str:
    """A template's text in a language and a brand's colours; `say` in it translates."""
    return _ENVIRONMENT.get_template(template).render(
        language=language, look=look, say=lambda message, **places: translate(message, language, **places), **values
    )


def answer(
    template: str, language: str, look: Look, *, status: int = 200, refresh_s: int | None = None, **values: object
) -> Response[str]:
    """A whole page. With `refresh_s` the browser asks for it again by itself, also where it runs no scripts."""
    nonce = secrets.token_urlsafe(16)
    html = render(template, language, look, nonce=nonce, **values)
    headers = page_headers(nonce) | ({"refresh": str(refresh_s)} if refresh_s is not None else {})
    return Response(html, status_code=status, media_type="text/html", headers=headers)


def answer_person(request: PageRequest, error: CommonpointError) -> Response[Any]:
    """An error in words for whoever looks at it, in the browser's language; for programs as everywhere."""
    problem = answer_domain_error(request, error)
    if "text/html" not in request.headers.get("accept", ""):
        return problem
    kind = "gone" if isinstance(error, NotFound) else "later" if isinstance(error, Unavailable) else "refused"
    language = best_language(request.headers.get("accept-language"))
    page = answer("sorry.html", language, PLAIN, status=problem.status_code or 500, message=f"page.{kind}")
    if "retry-after" in problem.headers:
        page.headers["retry-after"] = problem.headers["retry-after"]
    return page


def page_headers(nonce: str) -> dict[str, str]:
    """Own styles, one own script, own forms, in nobody's frame. The address is told to our own pages alone: were it
    told to nobody, browsers would not vouch for our own forms either (Fetch, "append a request Origin header")."""
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    return {**PRIVATE, "content-security-policy": policy}


PRIVATE: Final[Mapping[str, str]] = {
    "cache-control": "private, no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
}


class FormTooLarge(BadForm):
    """More than any form of ours holds."""

    code = "form_too_large"
    title = "The form is too large"
    status: ClassVar[int] = 413


async def form_of(request: PageRequest, parts: PageParts) -> dict[str, str]:
    """The fields of a form that one of our own pages sent. Raises ForeignForm, BadForm."""
    check_own_page(request, parts.settings.public_url)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM_TYPE:
        raise BadForm(f"A form is sent as {_FORM_TYPE}.")
    body = await request.body()
    if len(body) > LONGEST_FORM:
        raise FormTooLarge(f"A form has at most {LONGEST_FORM} bytes.")
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise BadForm("The form cannot be read.") from None
    if any("\0" in value for _, value in fields):
        raise BadForm("A text of the form cannot be stored.")
    return {name: value.strip() for name, value in fields}


def check_own_page(request: PageRequest, public_url: str) -> None:
    """Refuse what another site makes a browser send. Browsers say where a form comes from by Sec-Fetch-Site (Fetch
    Metadata) or, older ones, by Origin (RFC 6454 section 7); one that says neither is refused."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    own = {urlsplit(public_url).netloc, request.headers.get("host", "")} - {""}
    known = origin is not None and origin != "null"
    foreign = known and urlsplit(origin or "").netloc not in own
    if foreign or (site != "same-origin" if site is not None else not known):
        raise ForeignForm("Use the form on your own page.")
