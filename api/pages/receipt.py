"""Receipts of sales without a card: a member makes one their own, on their card's page or by saying the card's number.

The address on a receipt (`/r/…`) opens for whoever holds the paper. There are no cookies that say whose phone it is, so
that page asks for the card; a card's number only says whose, which is all that earning needs.
"""

from typing import Final

from litestar import Response, Router, get, post
from litestar.params import FromPath

from api.http.receipts import claim_receipt, look_at_receipt
from api.pages.page import PLAIN, PageParts, PageRequest, Parts, UnknownPage, Visitor, answer, form_of, visitor
from kernel.errors import CommonpointError, Unavailable
from kernel.i18n import best_language
from passes.card import said
from passes.speech import counted, money
from points.members import find_by_code
from points.outcome import Outcome
from points.programme.face import nouns_of
from points.receipts import Receipt, ReceiptUnknown

_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1", " ": None, "-": None, "\N{NO-BREAK SPACE}": None})
_SAID: Final = frozenset(
    {"receipt_unknown", "receipt_claimed", "receipt_voided", "receipt_expired", "too_many_guesses"}
)


@get("/r/{receipt:str}", media_type="text/html")
async def receipt_page(receipt: FromPath[str], request: PageRequest, parts: Parts) -> Response[str]:
    """What the receipt is, and a place for the card's number."""
    return await _public(request, parts, receipt)


@post("/r/{receipt:str}", media_type="text/html", status_code=200)
async def claim_by_number(receipt: FromPath[str], request: PageRequest, parts: Parts) -> Response[str]:
    """The purchase becomes that of the card whose number (`card`) is said."""
    form = await form_of(request, parts)
    number = form.get("card", "").upper().translate(_MISREAD)[:40]
    async with parts.db.read() as read:
        member = await find_by_code(read.connection, number)
    if member is None:
        return await _public(request, parts, receipt, "receipt.no_card", 404)
    try:
        found = await look_at_receipt(parts, receipt)
        done = await claim_receipt(parts, receipt, member.id)
    except CommonpointError as refused:
        return await _public(request, parts, receipt, _fault(refused), _status(refused))
    language = _language(request)
    gained = await _gained(parts, found, done.outcome, language)
    look = await parts.looks.whole(found.partner_id)
    return answer("receipt_done.html", language, look, token="", gained=gained, ending=number[-4:])


@get("/c/{token:str}/r/{receipt:str}", media_type="text/html")
async def receipt_for_card(token: FromPath[str], receipt: FromPath[str], parts: Parts) -> Response[str]:
    """The same receipt for a card that is known: one button."""
    async with parts.db.read() as read:
        seen = await visitor(read.connection, parts, token)
    return await _own(seen, parts, receipt)


@get("/c/{token:str}/receipts", media_type="text/html")
async def receipt_form(token: FromPath[str], parts: Parts) -> Response[str]:
    """A place for what a receipt says."""
    async with parts.db.read() as read:
        seen = await visitor(read.connection, parts, token)
    return await _own(seen, parts, "")


@post("/c/{token:str}/receipts", media_type="text/html", status_code=200)
async def claim_for_card(token: FromPath[str], request: PageRequest, parts: Parts) -> Response[str]:
    """The purchase becomes the member's (`receipt` is what the paper says); the same again answers the same."""
    async with parts.db.read() as read:
        seen = await visitor(read.connection, parts, token)
    text = (await form_of(request, parts)).get("receipt", "")
    try:
        done = await claim_receipt(parts, text, seen.member.id)
        found = await look_at_receipt(parts, text)
    except CommonpointError as refused:
        return await _own(seen, parts, text, _fault(refused), _status(refused))
    gained = await _gained(parts, found, done.outcome, seen.language)
    return answer("receipt_done.html", seen.language, seen.look, token=token, gained=gained, ending="")


async def _public(
    request: PageRequest, parts: PageParts, text: str, fault: str = "", status: int = 200
) -> Response[str]:
    language = _language(request)
    found = await _found(parts, text)
    if found is None:
        return answer("receipt.html", language, PLAIN, status=404, token="", text="", sale="", fault="receipt.unknown")
    look = await parts.looks.whole(found.partner_id)
    fault = fault or ("" if found.state == "open" else f"receipt.{found.state}")
    return answer(
        "receipt.html", language, look, status=status, token="", text=text, sale=_sale(found, language), fault=fault
    )


async def _own(seen: Visitor, parts: PageParts, text: str, fault: str = "", status: int = 200) -> Response[str]:
    found = await _found(parts, text) if text else None
    # A form that was not filled in is no fault; whether the member claimed it before is answered by claiming it.
    if found is None and text:
        fault, status = fault or "receipt.unknown", status if fault else 404
    elif found is not None and not fault and found.state in ("voided", "expired"):
        fault = f"receipt.{found.state}"
    sale = _sale(found, seen.language) if found is not None else ""
    return answer(
        "receipt.html", seen.language, seen.look, status=status, token=seen.token, text=text, sale=sale, fault=fault
    )


async def _found(parts: PageParts, text: str) -> Receipt | None:
    try:
        return await look_at_receipt(parts, text)
    except ReceiptUnknown:
        return None


async def _gained(parts: PageParts, found: Receipt, outcome: Outcome, language: str) -> str:
    """The points with their unit; "" when the purchase earns none."""
    if outcome.points < 1:
        return ""
    version = (await parts.programmes.in_force(found.partner_id, found.occurred_at)).version
    return said(counted(nouns_of(version).unit, outcome.points), language)


def _sale(found: Receipt, language: str) -> str:
    return said(money(found.amount_minor, found.currency), language)


def _fault(refused: CommonpointError) -> str:
    if isinstance(refused, UnknownPage):
        raise refused
    if refused.code in _SAID:
        return "receipt." + refused.code.removeprefix("receipt_")
    return "receipt.later" if isinstance(refused, Unavailable) else "receipt.refused"


def _status(refused: CommonpointError) -> int:
    if isinstance(refused, ReceiptUnknown):
        return 404
    if refused.code == "too_many_guesses":
        return 429
    return 503 if isinstance(refused, Unavailable) else 409


def _language(request: PageRequest) -> str:
    return best_language(request.headers.get("accept-language"))


receipt_pages_router = Router(
    "/",
    route_handlers=[receipt_page, claim_by_number, receipt_for_card, receipt_form, claim_for_card],
    include_in_schema=False,
)
