"""/v1/presentations: something was shown at a till; who it is, and how surely."""

from datetime import datetime
from typing import Annotated, Protocol

import msgspec
from litestar import Response, Router, post
from litestar.params import JSONBody

from api.auth import PARTS_STATE, caller_of, partner_of, requires
from api.body import LARGEST_INTEGER, StrictBody, fingerprint, idempotency_key
from api.http.entries import REPLAYED, HotRequest, Key, language_of
from api.http.purchases import EntityId
from api.http.shown_card import CardParts, CardSummary, ShownCard, shown_card
from api.http.taps import TerminalKey, blob_of
from passes.apple.tap import LONGEST
from passes.google.smart_tap import LONGEST_ANSWER
from passes.presentation import Presentations, Shown
from passes.presentation_records import Presented
from passes.presentation_shown import (
    LONGEST as LONGEST_TEXT,
)
from passes.presentation_shown import (
    Address,
    AppleTap,
    Phone,
    Scan,
    ShownBy,
    SmartTap,
    SmartTapSession,
    Typed,
    What,
    WhyNot,
)
from passes.taken import Assurance

Sequence = Annotated[int, msgspec.Meta(ge=1, le=LARGEST_INTEGER)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class PresentationParts(CardParts, Protocol):
    """The parts that this route uses."""

    @property
    def presentations(self) -> Presentations: ...


class ScanBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="scan"):
    """The content of a barcode: of the card, or the rotating one of a pass or of the member's own page."""

    content: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]


class TypedBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="typed"):
    """The code on the card, typed by hand; spaces and small letters do no harm."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]


class PhoneBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="phone"):
    """A telephone number that the member told before."""

    number: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class WalletBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="wallet"):
    """The address that holds the member's points on the chain: in small letters, or with the checksum of EIP-55."""

    address: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class AppleTapBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="apple_tap"):
    """What an enrolled reader read from an iPhone: as /v1/taps takes it."""

    blob: Annotated[str, msgspec.Meta(min_length=1, max_length=4 * LONGEST)]
    sequence: Sequence
    read_at: Moment
    pass_type: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None
    offline: bool = False


class SmartTapValueBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="smart_tap"):
    """The redemption value that a reader with keys of its own read from an Android phone."""

    value: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    sequence: Sequence
    read_at: Moment
    offline: bool = False


class SmartTapSessionBody(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="smart_tap_session"
):
    """What an Android phone answered in the session that /v1/smart-taps began: to NEGOTIATE, and to GET DATA with all
    that followed, without status words; in hex or base64."""

    session_id: EntityId
    negotiated: Annotated[str, msgspec.Meta(min_length=1, max_length=2 * LONGEST_ANSWER)]
    answer: Annotated[str, msgspec.Meta(min_length=1, max_length=2 * LONGEST_ANSWER)]


ShownBody = ScanBody | TypedBody | PhoneBody | WalletBody | AppleTapBody | SmartTapValueBody | SmartTapSessionBody


class PresentationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was shown. A `terminal_id` is an enrolled terminal's, which sends its own key in Terminal-Key; taps need
    one. `pin` is the member's, typed at the till: it proves what a code that can be copied does not."""

    shown: ShownBody
    terminal_id: EntityId | None = None
    pin: Annotated[str, msgspec.Meta(min_length=1, max_length=32)] | None = None


class MemberShown(msgspec.Struct, frozen=True):
    """Who it is; the member into whose card another was merged."""

    id: str
    name: str
    code: str


class PresentationView(msgspec.Struct, frozen=True):
    """Who showed it. `assurance` is `proved_present`, with a `proof_id` that one spending may use until `proof_until`,
    or with its `reasons` `identified`: good to earn, and to spend `unproved_left` points today (null: no limit). The
    card is as it is now."""

    id: str
    member: MemberShown
    card: CardSummary
    way: ShownBy
    assurance: Assurance
    reasons: list[WhyNot]
    proof_id: str | None
    proof_until: datetime | None
    unproved_left: int | None
    location_id: str | None
    shown_at: datetime


@post(
    "/presentations", dto=StrictBody[PresentationBody], return_dto=None, guards=[requires("presentations")],
    summary="Something was shown at a till", operation_id="present",
)  # fmt: skip
async def present(
    data: JSONBody[PresentationBody], request: HotRequest, key: Key = None, terminal_key: TerminalKey = None
) -> Response[PresentationView]:
    """Who it is, and how surely. A rotating code, a tap and a PIN prove once that the member is there; everything else
    says who they are. The same request again gets the same assurance and the same proof."""
    known_by = idempotency_key(key)
    parts: PresentationParts = request.app.state[PARTS_STATE]
    partner_id = partner_of(caller_of(request))
    one = await parts.presentations.take(
        Shown(
            partner_id=partner_id,
            key=known_by,
            fingerprint=fingerprint("present", data),
            what=what_of(data.shown),
            terminal_id=data.terminal_id,
            terminal_key=terminal_key or "",
            pin=data.pin,
        )
    )
    card = await shown_card(parts, one.member_id, partner_id, language_of(request))
    headers = {"cache-control": "no-store", **({REPLAYED: "true"} if one.replayed else {})}
    return Response(_view(one, card), status_code=201, headers=headers)


def what_of(body: ShownBody) -> What:
    """What was shown, in the words of the rules."""
    match body:
        case ScanBody():
            return Scan(body.content)
        case TypedBody():
            return Typed(body.code)
        case PhoneBody():
            return Phone(body.number)
        case WalletBody():
            return Address(body.address)
        case AppleTapBody():
            return AppleTap(
                sequence=body.sequence, blob=blob_of(body.blob), read_at=body.read_at, offline=body.offline,
                pass_type=body.pass_type,
            )  # fmt: skip
        case SmartTapValueBody():
            return SmartTap(value=body.value, sequence=body.sequence, read_at=body.read_at, offline=body.offline)
        case SmartTapSessionBody():
            return SmartTapSession(
                session_id=body.session_id, negotiated=blob_of(body.negotiated), answer=blob_of(body.answer)
            )


def _view(one: Presented, shown: ShownCard) -> PresentationView:
    return PresentationView(
        id=one.id,
        member=MemberShown(shown.member.id, shown.member.name, shown.member.code),
        card=shown.card,
        way=one.way,
        assurance=one.assurance,
        reasons=list(one.reasons),
        proof_id=one.proof_id,
        proof_until=one.proof_until,
        unproved_left=shown.unproved_left,
        location_id=one.location_id,
        shown_at=one.shown_at,
    )


presentations_router = Router("/v1", route_handlers=[present], tags=["presenting"])
