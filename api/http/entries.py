"""/v1/earnings, /v1/redemptions, /v1/reversals: what moves points."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Protocol

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.params import FromPath, HeaderParameter, JSONBody

from api.auth import PARTS_STATE, caller_of, partner_of, requires
from api.body import Points, StrictBody, fingerprint, idempotency_key
from api.http.purchases import (
    ApprovalBody,
    EarningBody,
    EntityId,
    EventBody,
    ReversalBody,
    Word,
    event_of,
    purchase_of,
)
from api.http.tills import TillParts, print_of, till_of
from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import Invalid
from kernel.i18n import best_language
from network.programmes import Programmes
from network.rulebook import Rulebook
from points.answers import Done
from points.commands import Act, Command, Earn, Redeem, Reverse
from points.deciding.errors import UnknownJournal
from points.explain import explain
from points.ledger import Ledger
from points.outcome import Outcome
from points.programme.version import TermsRate
from points.statement import line_of
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


class EntryParts(TillParts, Protocol):
    """The parts that these routes use."""

    @property
    def rulebook(self) -> Rulebook: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def teller(self) -> Teller: ...
    @property
    def programmes(self) -> Programmes: ...
    @property
    def db(self) -> Database: ...
    @property
    def ledger(self) -> Ledger: ...


# These routes are what every sale waits for. They take the request and look caller and parts up themselves, because
# the framework's injection costs about a tenth of the whole earning.
HotRequest = Request[None, None, State]
Key = Annotated[
    str | None,
    HeaderParameter(name="Idempotency-Key", description="Required. New for each request, the same for its repeats."),
]


class RedemptionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Points to spend at the calling partner. `proof_id` is the proof that the member is there or agrees (what
    presenting a card gave, or a confirmation): many programmes ask for one above some points a day. `approval` is a
    manager's, where the programme's limits ask for that."""

    member_id: EntityId
    points: Points
    location_id: EntityId | None = None
    occurred_at: datetime | None = None
    proof_id: EntityId | None = None
    cashier: Word | None = None
    terminal: Word | None = None
    approval: ApprovalBody | None = None


class VoucherOf(msgspec.Struct, frozen=True):
    """A voucher that the command issued (or voided: see `state`). `value` is in minor units."""

    id: str
    code: str
    reward: str
    state: str
    valid_until: datetime | None
    value: int | None


class FollowedBy(msgspec.Struct, frozen=True):
    """An entry that followed by itself: a bonus, an automatic reward, something taken back."""

    id: str
    kind: str
    points: int


class EntryView(msgspec.Struct, frozen=True):
    """What happened. `points` is signed as the member sees it; `balance` can be spent now, `pending` not yet, `held` is
    reserved by claims, `owed` is owed; all as the whole command left them. `until` is when a claim lapses. With
    `review` (reasons) the points wait until somebody has looked at it; `short` was honoured offline and not there."""

    id: str
    kind: str
    member_id: str
    partner_id: str
    points: int
    balance: int
    pending: int
    held: int
    owed: int
    version: int
    tier: str | None
    amount: int | None
    currency: str | None
    reverses: str | None
    until: datetime | None
    vouchers: list[VoucherOf]
    followed_by: list[FollowedBy]
    why: list[str]
    review: list[str]
    short: int


class ExplainedView(msgspec.Struct, frozen=True):
    """An entry with what it was computed from: the version's hash, the event, what the rules looked at."""

    id: str
    kind: str
    partner_id: str
    points: int
    amount: int | None
    currency: str | None
    reverses: str | None
    caused_by: str | None
    occurred_at: datetime
    recorded_at: datetime
    why: list[str]
    facts: dict[str, Any]


@post(
    "/earnings", dto=StrictBody[EarningBody], return_dto=None, guards=[requires("earn")],
    summary="A purchase earns points", operation_id="earn",
)  # fmt: skip
async def earn(data: JSONBody[EarningBody], request: HotRequest, key: Key = None) -> Response[EntryView]:
    """Points by the programme in force at the calling partner; exact remainders are carried to the next purchase."""
    known_by, parts = idempotency_key(key), parts_of(request)
    partner_id = partner_of(caller_of(request))
    command = await earning(parts, partner_id, data, known_by)
    return await answer(parts, command, request)


@post(
    "/events", dto=StrictBody[EventBody], return_dto=None, guards=[requires("earn")],
    summary="Something other than a purchase earns points", operation_id="postEvent",
)  # fmt: skip
async def post_event(data: JSONBody[EventBody], request: HotRequest, key: Key = None) -> Response[EntryView]:
    """A visit, a review, a class attended: what the programme gives for it, and what it counts for."""
    known_by, parts = idempotency_key(key), parts_of(request)
    partner_id = partner_of(caller_of(request))
    if data.entry_id is not None:
        return await answer(parts, acting(parts, partner_id, data, data.entry_id, known_by), request)
    return await answer(parts, await earning(parts, partner_id, data, known_by), request)


async def earning(parts: EntryParts, partner_id: str, data: EarningBody | EventBody, key: str) -> Earn:
    """The command that a purchase or event is. Raises what is wrong with place, currency, moment or parts."""
    moment = moment_of(data.occurred_at, parts.clock)
    await parts.rulebook.check_place(partner_id, data.location_id)
    terms = await parts.rulebook.terms(partner_id, moment)
    if data.currency not in (None, terms.rates.currency):
        raise OtherCurrency(f"The terms are in {terms.rates.currency}.", currency=terms.rates.currency)
    purchase = isinstance(data, EarningBody)
    in_force = await parts.programmes.in_force(partner_id, moment)
    return Earn(
        partner_id=partner_id,
        key=key,
        fingerprint=print_of("earn" if purchase else "event", data),
        occurred_at=moment,
        location_id=data.location_id,
        member_id=data.member_id,
        event=purchase_of(data) if isinstance(data, EarningBody) else event_of(data),
        currency=terms.rates.currency,
        in_force=in_force,
        till=await till_of(parts, partner_id, in_force, data),
        terms=TermsRate(terms.id, terms.rates.earn_points, terms.rates.earn_per_minor),
    )


@post(
    "/redemptions", dto=StrictBody[RedemptionBody], return_dto=None, guards=[requires("redeem")],
    summary="A member spends points", operation_id="redeem",
)  # fmt: skip
async def redeem(data: JSONBody[RedemptionBody], request: HotRequest, key: Key = None) -> Response[EntryView]:
    """Points of any issuer are honoured, in the order that the programme says; each issuer owes the calling partner."""
    known_by, parts = idempotency_key(key), parts_of(request)
    command = await redeeming(parts, partner_of(caller_of(request)), data, known_by)
    return await answer(parts, command, request)


def acting(parts: EntryParts, partner_id: str, data: EventBody, entry_id: str, key: str) -> Act:
    """The command that an awaited event is."""
    return Act(
        partner_id=partner_id,
        key=key,
        fingerprint=print_of("act", data),
        occurred_at=moment_of(data.occurred_at, parts.clock),
        journal_id=entry_id,
        event=data.name,
    )


async def redeeming(parts: EntryParts, partner_id: str, data: RedemptionBody, key: str) -> Redeem:
    """The command that spending is."""
    moment = moment_of(data.occurred_at, parts.clock)
    await parts.rulebook.check_place(partner_id, data.location_id)
    now = parts.clock.now()
    await parts.rulebook.terms(partner_id, now)  # a redemption without a price cannot be cleared
    in_force = await parts.programmes.in_force(partner_id, now)
    return Redeem(
        partner_id=partner_id,
        key=key,
        fingerprint=print_of("redeem", data, "proof_id", "cashier", "terminal"),
        occurred_at=moment,
        location_id=data.location_id,
        member_id=data.member_id,
        points=data.points,
        in_force=in_force,
        proof_id=data.proof_id,
        till=await till_of(parts, partner_id, in_force, data),
    )


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
        occurred_at=moment_of(data.occurred_at, parts.clock),
        location_id=data.location_id,
        journal_id=data.entry_id,
        amount_minor=data.amount,
        lines=tuple((returned.line, returned.amount) for returned in data.lines),
        points=data.points,
    )
    return await answer(parts, command, request)


def parts_of(request: HotRequest) -> EntryParts:
    """The running parts of this process."""
    parts: EntryParts = request.app.state[PARTS_STATE]
    return parts


async def answer(parts: EntryParts, command: Command, request: HotRequest) -> Response[EntryView]:
    """Ask the ledger, and say what happened."""
    done: Done = await parts.teller.ask(command)
    headers = {REPLAYED: "true"} if done.replayed else {}
    view = await view_of(parts, done.outcome, language_of(request))
    return Response(view, status_code=201, headers=headers)


def moment_of(given: datetime | None, clock: Clock) -> datetime:
    """When it happened (default: now). Raises Invalid without a zone, InTheFuture."""
    now = clock.now()
    if given is None:
        return now
    if given.tzinfo is None:
        raise Invalid("'occurred_at' needs a time zone (RFC 3339).", field="occurred_at")
    if given > now + _CLOCKS_DIFFER:
        raise InTheFuture("'occurred_at' is later than now.", field="occurred_at")
    return given


def language_of(request: HotRequest) -> str:
    """The first of our languages that the caller's Accept-Language names, else English."""
    return best_language(request.headers.get("accept-language"))


async def view_of(parts: EntryParts, outcome: Outcome, language: str) -> EntryView:
    """An outcome in the words of the API."""
    versions = parts.programmes.versions
    await versions.ensure({outcome.facts["version"]} if "version" in outcome.facts else ())
    version = versions.get(outcome.facts.get("version", ""))
    return EntryView(
        id=outcome.id,
        kind=outcome.kind,
        member_id=outcome.member_id,
        partner_id=outcome.partner_id,
        points=outcome.points,
        balance=outcome.balance,
        pending=outcome.pending,
        held=outcome.held,
        owed=outcome.arrears,
        version=outcome.version,
        tier=outcome.tier,
        amount=outcome.amount_minor,
        currency=outcome.currency,
        reverses=outcome.reverses_id,
        until=outcome.deadline,
        vouchers=[
            VoucherOf(
                id=v.id, code=v.code, reward=v.reward, state=v.state, valid_until=v.valid_until, value=v.value_minor
            )
            for v in outcome.vouchers
        ],
        followed_by=[FollowedBy(c.id, c.kind, c.points) for c in outcome.consequences],
        why=explain(
            version, outcome.kind, outcome.facts, outcome.points, outcome.amount_minor, outcome.currency, language
        ),
        review=list(outcome.review),
        short=outcome.short,
    )


@get(
    "/entries/{entry_id:str}", guards=[requires("members:read")],
    summary="An entry, explained", operation_id="getEntry",
)  # fmt: skip
async def get_entry(entry_id: FromPath[str], request: HotRequest) -> ExplainedView:
    """Why it is what it is, in the caller's language, with everything that it was computed from.

    A partner sees its own entries, the operator all.
    """
    parts, caller = parts_of(request), caller_of(request)
    async with parts.db.read() as read:
        line = await line_of(read.connection, entry_id, caller.partner_id)
    if line is None:
        raise UnknownJournal(f"There is no entry '{entry_id}'.")
    versions = parts.programmes.versions
    await versions.ensure({line.facts["version"]} if "version" in line.facts else ())
    version = versions.get(line.facts.get("version", ""))
    return ExplainedView(
        id=line.id,
        kind=line.kind,
        partner_id=line.partner_id,
        points=line.points,
        amount=line.amount_minor,
        currency=line.currency,
        reverses=line.reverses_id,
        caused_by=line.cause_id,
        occurred_at=line.occurred_at,
        recorded_at=line.recorded_at,
        why=explain(
            version, line.kind, line.facts, line.points, line.amount_minor, line.currency, language_of(request)
        ),
        facts=line.facts,
    )


entries_router = Router("/v1", route_handlers=[earn, post_event, redeem, reverse, get_entry], tags=["points"])
