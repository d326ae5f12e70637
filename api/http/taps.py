"""/v1/taps: a phone was held to a reader. /v1/tap-keys: the keys that phones encrypt their taps for."""

import base64
import binascii
import re
from datetime import datetime
from typing import Annotated, Protocol

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody, SkipValidation

from api.auth import PARTS_STATE, caller_of, partner_of, requires
from api.body import LARGEST_INTEGER, StrictBody
from api.http.entries import REPLAYED, HotRequest, language_of
from api.http.purchases import EntityId
from api.http.rewards import HeldVoucher
from api.http.shown_card import CardParts, ClaimableReward, ShownCard, shown_card
from passes.apple.tap import LONGEST
from passes.apple.tap_key_changes import KeyRow, State, TapKeyChanges
from passes.apple.taps import Reading
from passes.presentation import Presentations
from passes.presentation_records import Presented
from passes.presentation_shown import WhyNot
from passes.taken import Assurance, Taken

_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")


class TapParts(CardParts, Protocol):
    """The parts that these routes use."""

    @property
    def presentations(self) -> Presentations: ...
    @property
    def tap_keys(self) -> TapKeyChanges: ...


Parts = NamedDependency[SkipValidation[TapParts]]
TerminalKey = Annotated[
    str | None,
    HeaderParameter(name="Terminal-Key", description="Required. The terminal's own key, from its enrolment."),
]


class TapBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a terminal read from a phone: `blob` (tag 9F27) in hex or base64, and its own clock. `sequence` is higher
    with each message of the terminal, and the same only for repeats. `offline`: kept until the terminal was online."""

    terminal_id: EntityId
    sequence: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_INTEGER)]
    blob: Annotated[str, msgspec.Meta(min_length=1, max_length=4 * LONGEST)]
    read_at: Annotated[datetime, msgspec.Meta(tz=True)]
    pass_type: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None
    offline: bool = False


class TapView(msgspec.Struct, frozen=True):
    """Whose card it was. `assurance` is `proved_present` (the phone is here now) or, with its reasons, `identified`:
    good to earn; `may_spend` says whether the tap alone is good to spend, and `proof_id` what a spending uses for that
    until `proof_until`. `unproved_left` points may be spent today without a proof (null: no limit). Points, `claimable`
    and `vouchers` are as they are now."""

    member_id: str
    name: str
    code: str
    balance: int
    frozen: bool
    tier: str | None
    tier_name: str | None
    claimable: list[ClaimableReward]
    vouchers: list[HeldVoucher]
    assurance: Assurance
    reasons: list[WhyNot]
    proof_id: str | None
    proof_until: datetime | None
    unproved_left: int | None
    may_spend: bool
    tapped_at: datetime
    location_id: str | None


class TapKeyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose key to make: a partner's, or without one the coalition's, which every brand without its own uses."""

    partner_id: EntityId | None = None


class RetireBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`force` retires a key though phones may still tap with it, as after a leak."""

    force: bool = False


class TapKeyView(msgspec.Struct, frozen=True):
    """A key. `key_id` is what phones send along, `public_key` what cards carry (`nfc.encryptionPublicKey`)."""

    key_id: str
    partner_id: str | None
    state: State
    public_key: str
    created_at: datetime
    retiring_at: datetime | None
    retired_at: datetime | None


@post(
    "/taps", status_code=200, dto=StrictBody[TapBody], return_dto=None, guards=[requires("taps")],
    summary="A phone was held to a reader", operation_id="postTap",
)  # fmt: skip
async def post_tap(data: JSONBody[TapBody], request: HotRequest, terminal_key: TerminalKey = None) -> Response[TapView]:
    """Each tap is taken once. The same message of the same terminal is answered again as it was; everything else that
    is wrong with a tap is one refusal, which does not say why."""
    parts: TapParts = request.app.state[PARTS_STATE]
    partner_id = partner_of(caller_of(request))
    reading = Reading(
        partner_id=partner_id,
        terminal_id=data.terminal_id,
        terminal_key=terminal_key or "",
        sequence=data.sequence,
        blob=blob_of(data.blob),
        read_at=data.read_at,
        offline=data.offline,
        pass_type=data.pass_type,
    )
    taken, one = await parts.presentations.tapped(reading)
    shown = await shown_card(parts, one.member_id, partner_id, language_of(request))
    headers = {"cache-control": "no-store", **({REPLAYED: "true"} if taken.replayed else {})}
    return Response(_view(taken, one, shown), headers=headers)


def blob_of(text: str) -> bytes:
    """Hex, or base64 in either alphabet with or without padding. What is neither is nothing, which is refused as a tap
    of the wrong length."""
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    try:
        plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):  # ValueError: characters beyond ASCII
        return b""


@post(
    "/tap-keys", dto=StrictBody[TapKeyBody], return_dto=None, guards=[requires("network:write", operator=True)],
    summary="Make the first key of taps", operation_id="createTapKey",
)  # fmt: skip
async def create_tap_key(data: JSONBody[TapKeyBody], parts: Parts) -> TapKeyView:
    """Cards of the brand are made anew with it where their design asks for taps."""
    return _key_view(await parts.tap_keys.generate(data.partner_id))


@get(
    "/tap-keys", guards=[requires("network:read", operator=True)], summary="List keys of taps",
    operation_id="listTapKeys",
)  # fmt: skip
async def list_tap_keys(parts: Parts) -> list[TapKeyView]:
    """The newest first."""
    return [_key_view(row) for row in await parts.tap_keys.listed()]


@post(
    "/tap-keys/{key_id:str}/rotate", status_code=200, guards=[requires("network:write", operator=True)],
    summary="Put a new key in the place of this one", operation_id="rotateTapKey",
)  # fmt: skip
async def rotate_tap_key(key_id: FromPath[str], parts: Parts) -> TapKeyView:
    """The new key. The old one goes on opening taps until it is retired; asked again, the answer is the same."""
    return _key_view(await parts.tap_keys.rotate(key_id))


@post(
    "/tap-keys/{key_id:str}/retire", status_code=200, dto=StrictBody[RetireBody], return_dto=None,
    guards=[requires("network:write", operator=True)], summary="Open no more taps with a key",
    operation_id="retireTapKey",
)  # fmt: skip
async def retire_tap_key(key_id: FromPath[str], data: JSONBody[RetireBody], parts: Parts) -> TapKeyView:
    """Its private half is destroyed. Refused (409) while cards or phones that were away may still carry it."""
    return _key_view(await parts.tap_keys.retire(key_id, data.force))


def _view(taken: Taken, one: Presented, shown: ShownCard) -> TapView:
    card = shown.card
    return TapView(
        member_id=shown.member.id,
        name=shown.member.name,
        code=shown.member.code,
        balance=card.balance,
        frozen=card.frozen,
        tier=card.tier,
        tier_name=card.tier_name,
        claimable=card.claimable,
        vouchers=card.vouchers,
        assurance=one.assurance,
        reasons=list(one.reasons),
        proof_id=one.proof_id,
        proof_until=one.proof_until,
        unproved_left=shown.unproved_left,
        may_spend=one.assurance == "proved_present" and not card.frozen,
        tapped_at=taken.tapped_at,
        location_id=taken.location_id,
    )


def _key_view(row: KeyRow) -> TapKeyView:
    return TapKeyView(
        row.key_id, row.partner_id, row.state, row.public_key, row.created_at, row.retiring_at, row.retired_at
    )


taps_router = Router("/v1", route_handlers=[post_tap], tags=["taps"])
tap_keys_router = Router(
    "/v1", route_handlers=[create_tap_key, list_tap_keys, rotate_tap_key, retire_tap_key], tags=["taps"]
)
