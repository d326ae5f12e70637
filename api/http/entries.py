"""/v1/earnings, /v1/redemptions, /v1/reversals: what moves points."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Protocol

import msgspec
from litestar import Request, Response, Router, post
from litestar.datastructures import State
from litestar.params import HeaderParameter, JSONBody

from api.auth import PARTS_STATE, caller_of, partner_of, requires
from api.body import AmountMinor, Currency, Points, StrictBody, fingerprint, idempotency_key
from kernel.clock import Clock
from kernel.errors import Invalid
from network.rulebook import Rulebook
from points.commands import Command, Earn, Redeem, Reverse
from points.explain import explain
from points.ledger import Done
from points.outcome import Outcome
from points.programme.rules import EarnRule
from points.teller import Teller

REPLAYED: Final = "Idempotent-Replayed"
_CLOCKS_DIFFER = timedelta(minutes=5)


class InTheFuture(Invalid):
    """Something that is said to happen later than now."""

    code = "in_the_future"
    title = "This has not happened yet"


class OtherCurrency(Invalid):
    """The purchase is in another currency than the partner's terms."""

    code = "currency_mismatch"
    title = "The partner's terms are in another currency"


class EntryParts(Protocol):
    """The parts that these routes use."""

    @property
    def rulebook(self) -> Rulebook: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def teller(self) -> Teller: ...


# These routes are what every sale waits for. They take the request and look caller and parts up themselves, because
# the framework's injection costs about a tenth of the whole earning.
HotRequest = Request[None, None, State]
Key = Annotated[
    str | None,
    HeaderParameter(name="Idempotency-Key", description="Required. New for each request, the same for its repeats."),
]
EntityId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class EarningBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A purchase: `amount` in minor units (cents) of `currency`."""

    member_id: EntityId
    amount: AmountMinor
    currency: Currency
    location_id: EntityId | None = None
    occurred_at: datetime | None = None


class RedemptionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Points to spend at the calling partner."""

    member_id: EntityId
    points: Points
    location_id: EntityId | None = None
    occurred_at: datetime | None = None


class ReversalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to undo: an `amount` of an earning, or some `points` of a redemption; neither means all that is left."""

    entry_id: EntityId
    amount: AmountMinor | None = None
    points: Points | None = None
    location_id: EntityId | None = None
    occurred_at: datetime | None = None


class EntryView(msgspec.Struct, frozen=True):
    """What happened. `points` is signed as the member sees it; `balance` can be spent now, `owed` is owed."""

    id: str
    kind: str
    member_id: str
    partner_id: str
    points: int
    balance: int
    owed: int
    version: int
    amount: int | None
    currency: str | None
    reverses: str | None
    why: list[str]


@post(
    "/earnings", dto=StrictBody[EarningBody], return_dto=None, guards=[requires("earn")],
    summary="A purchase earns points", operation_id="earn",
)  # fmt: skip
async def earn(data: JSONBody[EarningBody], request: HotRequest, key: Key = None) -> Response[EntryView]:
    """Points by the terms of the calling partner; the exact remainder is carried to the next purchase."""
    known_by, parts = idempotency_key(key), parts_of(request)
    partner_id = partner_of(caller_of(request))
    moment = _moment(data.occurred_at, parts.clock)
    await parts.rulebook.check_place(partner_id, data.location_id)
    in_force = await parts.rulebook.terms(partner_id, moment)
    if in_force.rates.currency != data.currency:
        raise OtherCurrency(f"The terms are in {in_force.rates.currency}.", currency=in_force.rates.currency)
    command = Earn(
        partner_id=partner_id,
        key=known_by,
        fingerprint=fingerprint("earn", data),
        occurred_at=moment,
        location_id=data.location_id,
        member_id=data.member_id,
        amount_minor=data.amount,
        currency=data.currency,
        rule=EarnRule(in_force.id, in_force.rates.earn_points, in_force.rates.earn_per_minor),
    )
    return await _answer(parts.teller, command)


@post(
    "/redemptions", dto=StrictBody[RedemptionBody], return_dto=None, guards=[requires("redeem")],
    summary="A member spends points", operation_id="redeem",
)  # fmt: skip
async def redeem(data: JSONBody[RedemptionBody], request: HotRequest, key: Key = None) -> Response[EntryView]:
    """Points of any issuer are honoured; the oldest go first, and each issuer owes the calling partner its part."""
    known_by, parts = idempotency_key(key), parts_of(request)
    partner_id = partner_of(caller_of(request))
    moment = _moment(data.occurred_at, parts.clock)
    await parts.rulebook.check_place(partner_id, data.location_id)
    await parts.rulebook.terms(partner_id, parts.clock.now())  # a redemption without a price cannot be cleared
    command = Redeem(
        partner_id=partner_id,
        key=known_by,
        fingerprint=fingerprint("redeem", data),
        occurred_at=moment,
        location_id=data.location_id,
        member_id=data.member_id,
        points=data.points,
    )
    return await _answer(parts.teller, command)


@post(
    "/reversals", dto=StrictBody[ReversalBody], return_dto=None, guards=[requires("reverse")],
    summary="Undo an earning or a redemption", operation_id="reverse",
)  # fmt: skip
async def reverse(data: JSONBody[ReversalBody], request: HotRequest, key: Key = None) -> Response[EntryView]:
    """In part or in whole, recomputed on what remains; the balance never goes below zero, the lack is owed."""
    known_by, parts = idempotency_key(key), parts_of(request)
    partner_id = partner_of(caller_of(request))
    await parts.rulebook.check_place(partner_id, data.location_id)
    command = Reverse(
        partner_id=partner_id,
        key=known_by,
        fingerprint=fingerprint("reverse", data),
        occurred_at=_moment(data.occurred_at, parts.clock),
        location_id=data.location_id,
        journal_id=data.entry_id,
        amount_minor=data.amount,
        points=data.points,
    )
    return await _answer(parts.teller, command)


def parts_of(request: HotRequest) -> EntryParts:
    """The running parts of this process."""
    parts: EntryParts = request.app.state[PARTS_STATE]
    return parts


async def _answer(teller: Teller, command: Command) -> Response[EntryView]:
    done: Done = await teller.ask(command)
    headers = {REPLAYED: "true"} if done.replayed else {}
    return Response(_view(done.outcome), status_code=201, headers=headers)


def _moment(given: datetime | None, clock: Clock) -> datetime:
    now = clock.now()
    if given is None:
        return now
    if given.tzinfo is None:
        raise Invalid("'occurred_at' needs a time zone (RFC 3339).", field="occurred_at")
    if given > now + _CLOCKS_DIFFER:
        raise InTheFuture("'occurred_at' is later than now.", field="occurred_at")
    return given


def _view(outcome: Outcome) -> EntryView:
    return EntryView(
        id=outcome.id,
        kind=outcome.kind,
        member_id=outcome.member_id,
        partner_id=outcome.partner_id,
        points=outcome.points,
        balance=outcome.balance,
        owed=outcome.arrears,
        version=outcome.version,
        amount=outcome.amount_minor,
        currency=outcome.currency,
        reverses=outcome.reverses_id,
        why=explain(outcome.kind, outcome.facts, outcome.points, outcome.amount_minor, outcome.currency),
    )


entries_router = Router("/v1", route_handlers=[earn, redeem, reverse], tags=["points"])
