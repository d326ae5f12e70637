"""/v1/quotes: what a purchase, an event, a claim or a redemption would do, by the very code that does it."""

import msgspec
from litestar import Router, post
from litestar.params import JSONBody

from api.auth import caller_of, partner_of, requires
from api.body import StrictBody
from api.http.claims import ClaimBody, claiming
from api.http.entries import (
    EntryView,
    HotRequest,
    RedemptionBody,
    earning,
    language_of,
    parts_of,
    redeeming,
    view_of,
)
from api.http.purchases import EarningBody, EventBody
from kernel.errors import Invalid
from points.commands import Command

_KEY = "quote"


class QuoteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exactly one of these, with the body that its own address takes."""

    earning: EarningBody | None = None
    event: EventBody | None = None
    claim: ClaimBody | None = None
    redemption: RedemptionBody | None = None


@post(
    "/quotes", dto=StrictBody[QuoteBody], return_dto=None, guards=[requires("earn")], status_code=200,
    summary="What something would do", operation_id="quote",
)  # fmt: skip
async def quote(data: JSONBody[QuoteBody], request: HotRequest) -> EntryView:
    """The entry as it would be, and what would follow; nothing is kept. Ids and codes in it mean nothing."""
    parts = parts_of(request)
    command = await _command(data, request, partner_of(caller_of(request)))
    async with parts.db.read() as read:
        outcome = await parts.ledger.quote(read.connection, command)
    return await view_of(parts, outcome, language_of(request))


async def _command(data: QuoteBody, request: HotRequest, partner_id: str) -> Command:
    parts = parts_of(request)
    asked = [one for one in (data.earning, data.event, data.claim, data.redemption) if one is not None]
    if len(asked) != 1:
        raise Invalid("Ask for one of earning, event, claim, redemption.")
    if data.earning is not None:
        return await earning(parts, partner_id, data.earning, _KEY)
    if data.event is not None:
        return await earning(parts, partner_id, data.event, _KEY)
    if data.redemption is not None:
        return await redeeming(parts, partner_id, data.redemption, _KEY)
    assert data.claim is not None
    return await claiming(parts, partner_id, data.claim, _KEY)


quotes_router = Router("/v1", route_handlers=[quote], tags=["points"])
