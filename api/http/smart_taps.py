"""/v1/smart-taps: a reader has met an Android phone. /v1/smart-tap-keys: what it shows to phones to be believed."""

from datetime import datetime
from typing import Annotated, Protocol

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from api.auth import PARTS_STATE, caller_of, partner_of, requires
from api.body import LARGEST_INTEGER, StrictBody
from api.http.entries import REPLAYED, HotRequest
from api.http.purchases import EntityId
from api.http.taps import TerminalKey, blob_of
from passes.google.smart_tap import NONCE_LENGTH
from passes.google.smart_tap_key_changes import (
    LARGEST_COLLECTOR,
    LARGEST_VERSION,
    KeyRow,
    SmartTapKeyChanges,
    State,
)  # fmt: skip
from passes.google.taps import Beginning, Begun, SmartTaps


class SmartTapParts(Protocol):
    """The parts that these routes use."""

    @property
    def smart_taps(self) -> SmartTaps: ...
    @property
    def smart_tap_key_changes(self) -> SmartTapKeyChanges: ...


Parts = NamedDependency[SkipValidation[SmartTapParts]]


class PhoneMetBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reader that has met a phone: the nonce that the phone gave (32 bytes, in hex or base64). `sequence` is higher
    with each message of the terminal, and the same only for repeats."""

    terminal_id: EntityId
    sequence: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_INTEGER)]
    device_nonce: Annotated[str, msgspec.Meta(min_length=1, max_length=4 * NONCE_LENGTH)]


class SmartTapView(msgspec.Struct, frozen=True):
    """What the reader says to the phone, in hex: `negotiate` is the data of NEGOTIATE SECURE CHANNEL (90 53), `request`
    that of GET DATA (90 50). What the phone answers is presented with this `id` until `good_until`, once."""

    id: str
    negotiate: str
    request: str
    collector_id: int
    key_version: int
    good_until: datetime


class SmartTapKeyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose key to make (a partner's, or without one the coalition's), for the collector id that Google gave. A
    `version` is told where Google knows lower ones that were made elsewhere."""

    collector_id: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_COLLECTOR)]
    partner_id: EntityId | None = None
    version: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_VERSION)] | None = None


class SmartTapRetireBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`force` retires the only key, as after a leak: readers take no sessions until there is another."""

    force: bool = False


class SmartTapKeyView(msgspec.Struct, frozen=True):
    """A key. `public_key` (PEM) and `version` are what Google is told (`smartTapMerchantData.authenticationKeys`);
    `signs` says whether readers use it now."""

    id: str
    partner_id: str | None
    collector_id: int
    version: int
    public_key: str
    state: State
    signs: bool
    created_at: datetime
    retired_at: datetime | None


@post(
    "/smart-taps", dto=StrictBody[PhoneMetBody], return_dto=None, guards=[requires("taps")],
    summary="Begin to read an Android phone", operation_id="beginSmartTap",
)  # fmt: skip
async def begin_smart_tap(
    data: JSONBody[PhoneMetBody], request: HotRequest, terminal_key: TerminalKey = None
) -> Response[SmartTapView]:
    """The reader's word to the phone, signed. The same message of the same terminal is answered again as it was;
    everything else that is wrong is one refusal, which does not say why."""
    parts: SmartTapParts = request.app.state[PARTS_STATE]
    begun = await parts.smart_taps.begin(
        Beginning(
            partner_id=partner_of(caller_of(request)),
            terminal_id=data.terminal_id,
            terminal_key=terminal_key or "",
            sequence=data.sequence,
            device_nonce=blob_of(data.device_nonce),
        )
    )
    headers = {"cache-control": "no-store", **({REPLAYED: "true"} if begun.replayed else {})}
    return Response(_view(begun), headers=headers)


@post(
    "/smart-tap-keys", dto=StrictBody[SmartTapKeyBody], return_dto=None,
    guards=[requires("network:write", operator=True)], summary="Make the first key of Smart Tap",
    operation_id="createSmartTapKey",
)  # fmt: skip
async def create_smart_tap_key(data: JSONBody[SmartTapKeyBody], parts: Parts) -> SmartTapKeyView:
    """Phones believe it once Google has been told its public half and version."""
    return _key_view(await parts.smart_tap_key_changes.create(data.partner_id, data.collector_id, data.version))


@get(
    "/smart-tap-keys", guards=[requires("network:read", operator=True)], summary="List keys of Smart Tap",
    operation_id="listSmartTapKeys",
)  # fmt: skip
async def list_smart_tap_keys(parts: Parts) -> list[SmartTapKeyView]:
    """The newest first."""
    return [_key_view(row) for row in await parts.smart_tap_key_changes.listed()]


@post(
    "/smart-tap-keys/{key_id:str}/rotate", status_code=200, guards=[requires("network:write", operator=True)],
    summary="Make the next version of a key", operation_id="rotateSmartTapKey",
)  # fmt: skip
async def rotate_smart_tap_key(key_id: FromPath[str], parts: Parts) -> SmartTapKeyView:
    """The new key, for Google to be told. The old one goes on signing until it is retired; asked again, the answer is
    the same."""
    return _key_view(await parts.smart_tap_key_changes.rotate(key_id))


@post(
    "/smart-tap-keys/{key_id:str}/retire", status_code=200, dto=StrictBody[SmartTapRetireBody], return_dto=None,
    guards=[requires("network:write", operator=True)], summary="Sign no more with a key",
    operation_id="retireSmartTapKey",
)  # fmt: skip
async def retire_smart_tap_key(
    key_id: FromPath[str], data: JSONBody[SmartTapRetireBody], parts: Parts
) -> SmartTapKeyView:
    """Its private half is destroyed, and the next version signs. Refused (409) for the only key of its owner."""
    return _key_view(await parts.smart_tap_key_changes.retire(key_id, data.force))


def _view(begun: Begun) -> SmartTapView:
    return SmartTapView(
        begun.session_id, begun.negotiate.hex(), begun.request.hex(), begun.collector_id, begun.key_version,
        begun.good_until,
    )  # fmt: skip


def _key_view(row: KeyRow) -> SmartTapKeyView:
    return SmartTapKeyView(
        row.id, row.partner_id, row.collector_id, row.version, row.public_key, row.state, row.signs, row.created_at,
        row.retired_at,
    )  # fmt: skip


smart_taps_router = Router("/v1", route_handlers=[begin_smart_tap], tags=["taps"])
smart_tap_keys_router = Router(
    "/v1",
    route_handlers=[create_smart_tap_key, list_smart_tap_keys, rotate_smart_tap_key, retire_smart_tap_key],
    tags=["taps"],
)
