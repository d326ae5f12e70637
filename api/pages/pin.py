"""The member's PIN, set and changed on their own page."""

from litestar import Response, Router, get, post
from litestar.params import FromPath

from api.pages.page import PageRequest, Parts, Visitor, answer, form_of, visitor
from kernel.errors import CommonpointError
from points.pins import BadPin, PinBlocked, PinsBusy, has_pin


@get("/c/{token:str}/pin", media_type="text/html")
async def pin_page(token: FromPath[str], parts: Parts) -> Response[str]:
    """The form: for a first PIN, or for another one in its place."""
    async with parts.db.read() as read:
        seen = await visitor(read.connection, parts, token)
        known = await has_pin(read.connection, seen.member.id)
    return _form(seen, known)


@post("/c/{token:str}/pin", media_type="text/html", status_code=200)
async def set_pin(token: FromPath[str], request: PageRequest, parts: Parts) -> Response[str]:
    """A PIN from now on. Who has one says it first: guesses count as they do at a till."""
    async with parts.db.read() as read:
        seen = await visitor(read.connection, parts, token)
        known = await has_pin(read.connection, seen.member.id)
    form = await form_of(request, parts)
    pin = form.get("pin", "")
    if pin != form.get("again", ""):
        return _form(seen, known, "pin.differ", status=400)
    try:
        if known and not await parts.pins.check(seen.member.id, f"page/{seen.member.id}", form.get("current", "")):
            return _form(seen, known, "pin.wrong", status=403)
        await parts.pins.set(seen.member.id, pin)
    except (BadPin, PinBlocked, PinsBusy) as refused:
        return _refused(seen, known, refused)
    return answer("pin_done.html", seen.language, seen.look, token=token)


def _refused(seen: Visitor, known: bool, refused: CommonpointError) -> Response[str]:
    if isinstance(refused, BadPin):
        return _form(seen, known, "pin.bad", status=400)
    return _form(seen, known, "pin.wait", status=403 if isinstance(refused, PinBlocked) else 503)


def _form(seen: Visitor, known: bool, fault: str = "", status: int = 200) -> Response[str]:
    return answer(
        "pin.html", seen.language, seen.look, status=status, token=seen.token, known=known, fault=fault
    )  # fmt: skip


pin_router = Router("/", route_handlers=[pin_page, set_pin], include_in_schema=False)
