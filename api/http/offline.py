"""/v1/terminals/{id}/batches: what tills did while they had no connection.

It is sent under ids that the till made itself, as often as it takes until there is an answer, and in any order: each is
applied once. Sales earn as they would have. A redemption takes the member's points as far as an allowance covers it and
the points are there; everything else is charged to the till's float.
"""

import asyncio
import dataclasses
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec
from litestar import Router, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from api.auth import AUTH_DEPENDENCIES, CallerIs, partner_of, requires
from api.body import Points, StrictBody, fingerprint
from api.http.entries import RedemptionBody, earning, moment_of, redeeming
from api.http.floats import OfflineParts, device_of
from api.http.purchases import EarningBody, SaleBody
from api.http.taps import TerminalKey
from kernel.errors import CommonpointError, Invalid, Unavailable
from kernel.ids import is_id
from network.allowances import Use, judge_use
from network.floats import charge, float_of
from network.terminals import Terminal
from passes.live_code import LiveCode, genuine
from passes.presentation_lookups import by_member, by_static_code, by_subject
from passes.presentation_shown import CardUnknown, StaticCode, meaning
from points.answers import Done
from points.commands import Command, Offline

MOST_AT_ONCE: Final = 100
KEPT: Final = timedelta(days=30)  # how long a till may keep what it did
_UNKNOWN_MEMBER: Final = "unknown_member"


class TooOld(Invalid):
    """A till kept this longer than anybody should wait for points."""

    code = "offline_too_old"
    title = "This happened too long ago"


Parts = NamedDependency[SkipValidation[OfflineParts]]

# Made on the device; visible ASCII as an idempotency key's.
DeviceId = Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]{1,64}$", max_length=64)]
Shown = Annotated[str, msgspec.Meta(min_length=1, max_length=200, description="The barcode's content, or a member id.")]


class OfflineEarning(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="earn"):
    """A sale to whoever showed this card. `occurred_at` in the sale is the till's time of it."""

    id: DeviceId
    shown: Shown
    sale: SaleBody


class OfflineRedemption(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="redeem"):
    """Points that the till honoured under an allowance."""

    id: DeviceId
    shown: Shown
    points: Points
    allowance_id: Annotated[str, msgspec.Meta(max_length=64)]
    occurred_at: datetime


Item = OfflineEarning | OfflineRedemption


class BatchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the till did; in any order, also some that were sent before."""

    items: Annotated[list[Item], msgspec.Meta(min_length=1, max_length=MOST_AT_ONCE)]


class ItemProblem(msgspec.Struct, frozen=True):
    """Why an item was not applied."""

    code: str
    title: str
    detail: str


class ItemResult(msgspec.Struct, frozen=True):
    """What became of an item. `applied` and `refused` are final: the till may forget it. `later`: send it again.

    `points` is what it did to the member's balance, `charged` what was charged to the float instead.
    """

    id: str
    state: Literal["applied", "refused", "later"]
    replayed: bool = False
    entry_id: str | None = None
    points: int = 0
    charged: int = 0
    problem: ItemProblem | None = None


class BatchView(msgspec.Struct, frozen=True):
    """One result for each item, in their order; `float` is the float afterwards."""

    results: list[ItemResult]
    float: int


@post(
    "/terminals/{terminal_id:str}/batches", status_code=200, dto=StrictBody[BatchBody], return_dto=None,
    guards=[requires("offline")], summary="What a till did without a connection", operation_id="postBatch",
)  # fmt: skip
async def post_batch(
    terminal_id: FromPath[str], data: JSONBody[BatchBody], caller: CallerIs, parts: Parts,
    terminal_key: TerminalKey = None,
) -> BatchView:  # fmt: skip
    """Sales first, as points earned in the same batch may have been spent in it. Each item is applied or refused by
    itself; one that is sent again gets its first answer."""
    device = await device_of(parts, terminal_id, terminal_key, partner_of(caller))
    results: dict[int, ItemResult] = {}
    for kind in (OfflineEarning, OfflineRedemption):
        chosen = [number for number, item in enumerate(data.items) if isinstance(item, kind)]
        settled = await asyncio.gather(*(_settled(parts, device, data.items[number]) for number in chosen))
        results |= dict(zip(chosen, settled, strict=True))
    async with parts.db.read() as read:
        left = await float_of(read.connection, device.id)
    return BatchView([results[number] for number in range(len(data.items))], left)


async def _settled(parts: OfflineParts, device: Terminal, item: Item) -> ItemResult:
    """What became of one item; never raises what is the item's own fault, so that it spoils no other."""
    try:
        if isinstance(item, OfflineEarning):
            return await _earned(parts, device, item)
        return await _redeemed(parts, device, item)
    except Unavailable as error:
        return ItemResult(item.id, "later", problem=_problem(error))
    except CommonpointError as error:
        return ItemResult(item.id, "refused", problem=_problem(error))


async def _earned(parts: OfflineParts, device: Terminal, item: OfflineEarning) -> ItemResult:
    await _check_age(parts, device, item)
    member_id = await _holder(parts, item.shown)
    sale = {name: getattr(item.sale, name) for name in SaleBody.__struct_fields__}
    place = item.sale.location_id or device.location_id
    body = EarningBody(member_id, **{**sale, "terminal": item.sale.terminal or device.id, "location_id": place})
    return await _asked(parts, device, item, await earning(parts, device.partner_id, body, item.id))


async def _redeemed(parts: OfflineParts, device: Terminal, item: OfflineRedemption) -> ItemResult:
    """Judged against the allowance, then taken by the ledger; the next delivery heals a crash in between."""
    moment_of(item.occurred_at, parts.clock)
    try:
        member_id = await _holder(parts, item.shown)
    except CommonpointError as nobody:
        if isinstance(nobody, Unavailable):
            raise
        member_id = None  # the points were given out all the same
    use = Use(
        id=item.id,
        fingerprint=fingerprint("offline", item),
        allowance_id=item.allowance_id,
        points=item.points,
        occurred_at=item.occurred_at,
    )
    async with parts.db.unit() as unit:
        reason, replayed = await judge_use(unit, device.id, use, parts.clock.now())
        if reason is not None or member_id is None:
            await charge(unit, parts.clock, device, item.id, item.points, reason or _UNKNOWN_MEMBER)
    if reason is not None or member_id is None:
        return ItemResult(item.id, "applied", replayed, charged=item.points)
    body = RedemptionBody(member_id, item.points, location_id=device.location_id, occurred_at=item.occurred_at)
    command = await redeeming(parts, device.partner_id, body, item.id)
    return await _asked(
        parts,
        device,
        item,
        dataclasses.replace(command, offline=Offline(terminal_id=device.id, allowance_id=item.allowance_id)),
    )


async def _asked(parts: OfflineParts, device: Terminal, item: Item, command: Command) -> ItemResult:
    """The ledger's answer. The keys are the terminal's own, so that no other till's ids are in the way."""
    owned = dataclasses.replace(command, key_owner=device.id, fingerprint=fingerprint("offline", item))
    done: Done = await parts.teller.ask(owned)
    outcome = done.outcome
    return ItemResult(
        item.id, "applied", done.replayed, entry_id=outcome.id, points=outcome.points, charged=outcome.short
    )


async def _check_age(parts: OfflineParts, device: Terminal, item: OfflineEarning) -> None:
    """Refuse what is too old, unless it counts already: then the answer is the first one."""
    if item.sale.occurred_at is None:
        raise Invalid("A sale of a till that was offline needs its 'occurred_at'.", field="occurred_at")
    if moment_of(item.sale.occurred_at, parts.clock) >= parts.clock.now() - KEPT:
        return
    async with parts.db.read() as read:
        if await read.connection.fetchval(_KNOWN, device.id, item.id) is None:
            raise TooOld(f"At most {KEPT.days} days may pass before a sale arrives.", days=KEPT.days)


_KNOWN = "SELECT true FROM idempotency WHERE partner_id = $1 AND key = $2"


async def _holder(parts: OfflineParts, shown: str) -> str:
    """Whose card it is: a rotating code names them too, however old it is by now. Raises CardUnknown, VoucherShown,
    ReceiptShown."""
    async with parts.db.read() as read:
        if is_id(shown, "mbr"):
            return (await by_member(read.connection, shown)).member_id
        text = meaning(shown)
        if isinstance(text, StaticCode):
            return (await by_static_code(read.connection, text.code)).member_id
        if not isinstance(text, LiveCode) or not genuine(parts.keyring, text):
            raise CardUnknown
        return (await by_subject(read.connection, text.subject)).member_id


def _problem(error: CommonpointError) -> ItemProblem:
    return ItemProblem(error.code, error.title, error.detail)


offline_router = Router("/v1", route_handlers=[post_batch], dependencies=AUTH_DEPENDENCIES, tags=["offline"])
