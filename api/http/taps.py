"""/v1/taps: a phone was held to a reader. /v1/tap-keys: the keys that phones encrypt their taps for."""

import base64
import binascii
import re
from collections.abc import Iterable
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
from api.http.rewards import HeldVoucher, reward_name
from kernel.clock import Clock
from kernel.database import Database
from network.programmes import Programmes
from passes.apple.tap import LONGEST
from passes.apple.tap_key_changes import KeyRow, State, TapKeyChanges
from passes.apple.taps import Assurance, Reading, Reason, Taken, Taps
from points.answers import UnknownMember
from points.book import VoucherState
from points.claims import Catalogue, catalogue
from points.members import MemberRow, find
from points.programme.face import in_language, tier_name
from points.programme.version import Version

_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")


class TapParts(Protocol):
    """The parts that these routes use."""

    @property
    def db(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def programmes(self) -> Programmes: ...
    @property
    def taps(self) -> Taps: ...
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


class ClaimableReward(msgspec.Struct, frozen=True):
    """A reward that the member can have now, and for how many points at least."""

    reward: str
    name: str
    kind: str
    points: int


class TapView(msgspec.Struct, frozen=True):
    """Whose card it was. `assurance` is `proved_present` (the phone is here now) or, with its reasons, `identified`:
    good to earn; `may_spend` says whether the tap alone is good to spend. Points, `claimable` and `vouchers` are as
    they are now."""

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
    reasons: list[Reason]
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
    taken = await parts.taps.take(reading)
    view = await _view(parts, taken, partner_id, language_of(request))
    headers = {"cache-control": "no-store", **({REPLAYED: "true"} if taken.replayed else {})}
    return Response(view, headers=headers)


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


async def _view(parts: TapParts, taken: Taken, partner_id: str, language: str) -> TapView:
    now = parts.clock.now()
    async with parts.db.read() as read:
        member = await find(read.connection, taken.member_id)
        if member is None:
            raise UnknownMember("There is no such member.")
        in_force = await parts.programmes.in_force(partner_id, now, read.connection)
        found = await catalogue(read.connection, member.id, in_force, now, partner_id)
    versions = await _versions(parts, {voucher.version_id for voucher in found.vouchers})
    return _shown(taken, member, found, in_force.version, versions, language)


def _shown(
    taken: Taken, member: MemberRow, found: Catalogue, version: Version, versions: dict[str, Version], language: str
) -> TapView:
    return TapView(
        member_id=member.id,
        name=member.name,
        code=member.code,
        balance=found.balance,
        frozen=found.frozen,
        tier=found.tier,
        tier_name=tier_name(version, found.tier, language),
        claimable=[
            ClaimableReward(
                offer.reward.id, in_language(offer.reward.names, language, offer.reward.id), offer.reward.kind,
                offer.points,
            )
            for offer in found.ladder.offers
            if offer.claimable
        ],
        vouchers=[_voucher(voucher, versions[voucher.version_id], language) for voucher in found.vouchers],
        assurance=taken.assurance,
        reasons=list(taken.reasons),
        may_spend=taken.assurance == "proved_present" and not found.frozen,
        tapped_at=taken.tapped_at,
        location_id=taken.location_id,
    )  # fmt: skip


def _voucher(voucher: VoucherState, version: Version, language: str) -> HeldVoucher:
    return HeldVoucher(
        code=voucher.code,
        reward=voucher.reward,
        name=reward_name(version, voucher.reward, language),
        uses_left=voucher.uses_left,
        value=voucher.value_minor,
        valid_until=voucher.valid_until,
    )


async def _versions(parts: TapParts, ids: Iterable[str]) -> dict[str, Version]:
    known = parts.programmes.versions
    await known.ensure(ids)
    return {version_id: known[version_id] for version_id in ids}


def _key_view(row: KeyRow) -> TapKeyView:
    return TapKeyView(
        row.key_id, row.partner_id, row.state, row.public_key, row.created_at, row.retiring_at, row.retired_at
    )


taps_router = Router("/v1", route_handlers=[post_tap], tags=["taps"])
tap_keys_router = Router(
    "/v1", route_handlers=[create_tap_key, list_tap_keys, rotate_tap_key, retire_tap_key], tags=["taps"]
)
