"""/v1/claims: a member chooses a reward; its points are held until it is handed over or given up."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from api.auth import caller_of, partner_of, requires
from api.body import AmountMinor, Points, StrictBody, fingerprint, idempotency_key
from api.http.entries import REPLAYED, EntryParts, HotRequest, Key, VoucherOf, language_of, parts_of, view_of
from api.http.purchases import ApprovalBody, EntityId, Word
from api.http.tills import print_of, till_of
from points.answers import Done
from points.claims import ClaimRow, claim
from points.commands import Capture, Claim, Release

RewardId = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$", max_length=40)]


class ClaimBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which reward for whom. `order` names the purchase and `basket` is its amount in minor units (needed where the
    reward depends on them); `points` is the wish where the price is free (points as money, a donation). `proof_id` and
    `approval` are as for a redemption."""

    member_id: EntityId
    reward: RewardId
    order: Word | None = None
    basket: AmountMinor | None = None
    points: Points | None = None
    location_id: EntityId | None = None
    proof_id: EntityId | None = None
    cashier: Word | None = None
    terminal: Word | None = None
    approval: ApprovalBody | None = None


class ClaimView(msgspec.Struct, frozen=True):
    """A claim. While it is `held`, its points are reserved until `until`. `worth` is what it takes off the purchase, or
    gives away, in minor units; None if it is not money or that depends on a purchase not yet known."""

    id: str
    member_id: str
    partner_id: str
    reward: str
    state: str
    points: int
    worth: int | None
    acceptor: str | None
    order: str | None
    until: datetime | None
    ended_by: str | None
    voucher_code: str | None


class ClaimedView(msgspec.Struct, frozen=True):
    """What a step of a claim did: the claim as it left it, the member's points after it, and why."""

    claim: ClaimView
    entry_id: str
    balance: int
    held: int
    owed: int
    version: int
    vouchers: list[VoucherOf]
    why: list[str]


class _Named(msgspec.Struct, frozen=True):
    """What a request without a body asks; for its fingerprint."""

    claim_id: str


@post(
    "/claims", dto=StrictBody[ClaimBody], return_dto=None, guards=[requires("claim")],
    summary="A member chooses a reward", operation_id="claim",
)  # fmt: skip
async def make_claim(data: JSONBody[ClaimBody], request: HotRequest, key: Key = None) -> Response[ClaimedView]:
    """Its points are held; a donation, or a reward that becomes a voucher, is paid for at once. A refusal says why:
    what lacks (409), or for whom it is (403)."""
    known_by, parts = idempotency_key(key), parts_of(request)
    command = await claiming(parts, partner_of(caller_of(request)), data, known_by)
    return await _answer(parts, await parts.teller.ask(command), request, 201)


async def claiming(parts: EntryParts, partner_id: str, data: ClaimBody, key: str) -> Claim:
    """The command that a claim is."""
    now = parts.clock.now()
    await parts.rulebook.check_place(partner_id, data.location_id)
    await parts.rulebook.terms(partner_id, now)  # a redemption without a price cannot be cleared
    in_force = await parts.programmes.in_force(partner_id, now)
    return Claim(
        partner_id=partner_id,
        key=key,
        fingerprint=print_of("claim", data, "proof_id", "cashier", "terminal"),
        occurred_at=now,
        location_id=data.location_id,
        member_id=data.member_id,
        reward=data.reward,
        in_force=in_force,
        order=data.order,
        basket_minor=data.basket,
        points=data.points,
        proof_id=data.proof_id,
        till=await till_of(parts, partner_id, in_force, data),
    )


@get(
    "/claims/{claim_id:str}", guards=[requires("claim")], summary="A claim as it is now", operation_id="getClaim",
)  # fmt: skip
async def get_claim(claim_id: FromPath[str], request: HotRequest) -> ClaimView:
    """Any partner may look: a member's rewards are handed over wherever they are good."""
    async with parts_of(request).db.read() as read:
        return _view(await claim(read.connection, claim_id))


@post(
    "/claims/{claim_id:str}/capture", status_code=200, guards=[requires("claim")],
    summary="The reward was handed over", operation_id="captureClaim",
)  # fmt: skip
async def capture_claim(claim_id: FromPath[str], request: HotRequest, key: Key = None) -> Response[ClaimedView]:
    """The held points are spent at the calling partner (or at the one that the reward names)."""
    known_by, parts = idempotency_key(key), parts_of(request)
    partner_id, now = partner_of(caller_of(request)), parts.clock.now()
    await parts.rulebook.terms(partner_id, now)
    command = Capture(
        partner_id=partner_id,
        key=known_by,
        fingerprint=fingerprint("capture", _Named(claim_id)),
        occurred_at=now,
        claim_id=claim_id,
    )
    return await _answer(parts, await parts.teller.ask(command), request, 200, claim_id)


@post(
    "/claims/{claim_id:str}/release", status_code=200, guards=[requires("claim")],
    summary="The claim is given up", operation_id="releaseClaim",
)  # fmt: skip
async def release_claim(claim_id: FromPath[str], request: HotRequest, key: Key = None) -> Response[ClaimedView]:
    """Its points are free again, in the lots that they came from."""
    known_by, parts = idempotency_key(key), parts_of(request)
    command = Release(
        partner_id=partner_of(caller_of(request)),
        key=known_by,
        fingerprint=fingerprint("release", _Named(claim_id)),
        occurred_at=parts.clock.now(),
        claim_id=claim_id,
    )
    return await _answer(parts, await parts.teller.ask(command), request, 200, claim_id)


async def _answer(
    parts: EntryParts, done: Done, request: HotRequest, status: int, claim_id: str | None = None
) -> Response[ClaimedView]:
    outcome = done.outcome
    entry = await view_of(parts, outcome, language_of(request))
    async with parts.db.read() as read:
        row = await claim(read.connection, claim_id or outcome.id)
    view = ClaimedView(
        claim=_view(row),
        entry_id=entry.id,
        balance=entry.balance,
        held=entry.held,
        owed=entry.owed,
        version=entry.version,
        vouchers=entry.vouchers,
        why=entry.why,
    )
    return Response(view, status_code=status, headers={REPLAYED: "true"} if done.replayed else {})


def _view(row: ClaimRow) -> ClaimView:
    return ClaimView(
        id=row.id,
        member_id=row.member_id,
        partner_id=row.partner_id,
        reward=row.reward,
        state=row.state,
        points=row.points,
        worth=row.worth_minor,
        acceptor=row.acceptor,
        order=row.order,
        until=row.deadline if row.state == "held" else None,
        ended_by=row.ended_by,
        voucher_code=row.voucher_code,
    )


claims_router = Router("/v1", route_handlers=[make_claim, get_claim, capture_claim, release_claim], tags=["rewards"])
