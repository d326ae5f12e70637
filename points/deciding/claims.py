"""Claims: points held for a reward until it is handed over, given up, or its time is over."""

from dataclasses import replace
from typing import Any, Literal

from points.book import Book, ClaimState, Past
from points.commands import Capture, Claim, Command
from points.deciding.claimant import claimant_of
from points.deciding.errors import ClaimEnded, MemberFrozen, UnknownClaim
from points.deciding.journal import finish, make, pin, sums_of
from points.deciding.lots import Slicer, give_back, in_order, take
from points.deciding.spending import UNASKED, Spending, spending
from points.decision import Decision, Ground
from points.programme.reward_refusals import Elsewhere
from points.programme.rewards import Priced, Wish, price_claim, reward_of
from points.programme.standing import Change
from points.programme.version import InForce, Version
from points.programme.voucher_value import voucher_of


def claim(book: Book, command: Claim, ground: Ground) -> Decision:
    """Hold the points of a reward; one that becomes a voucher, or a donation, is captured at once."""
    in_force = command.in_force
    version = in_force.version
    if book.frozen:
        raise MemberFrozen("The member's account is frozen.")
    claimant = claimant_of(book, in_force, ground.now, command.partner_id, command.location_id)
    wish = Wish(points=command.points, basket_minor=command.basket_minor, order=command.order)
    priced = price_claim(version, command.reward, claimant, wish, ground.caps)
    said = spending(book, command, in_force, priced.points, ground)
    if priced.voucher or priced.reward.kind == "donation":
        return paid(book, command, ground, in_force, priced, order=command.order, said=said)
    journal_id = ground.new_id("clm")
    state = _state(command, version, priced, journal_id, order=command.order)
    slicer = Slicer(book, ground)
    for lot, n in take(in_order(book, command.partner_id, in_force), priced.points):
        slicer.use(lot.id, n, "held")
    decision = make(
        book,
        command,
        ground,
        "claim",
        journal_id=journal_id,
        slicer=slicer,
        spendable=-priced.points,
        held=priced.points,
        points=priced.points,
        change=sums_of(priced.change, said.change),
        uses=priced.uses,
        claims=(state,),
        facts=_facts(version, priced, acceptor_of(in_force, priced, command.partner_id), command.order)
        | _where(in_force, priced)
        | said.facts,
        **said.rest,
    )
    return finish(book, decision, ground, version)


def paid(
    book: Book,
    command: Command,
    ground: Ground,
    in_force: InForce,
    priced: Priced,
    *,
    order: str | None = None,
    cause_id: str | None = None,
    automatic: bool = False,
    said: Spending = UNASKED,
) -> Decision:
    """A reward paid for at once: the points are spent, and a voucher (if it is one) is issued."""
    version, points = in_force.version, priced.points
    acceptor = acceptor_of(in_force, priced, command.partner_id)
    journal_id = ground.new_id("rdm")
    slicer = Slicer(book, ground)
    for lot, n in take(in_order(book, acceptor, in_force), points):
        slicer.use(lot.id, n, "honoured", acceptor)
    voucher = None
    if priced.voucher:
        voucher = voucher_of(
            version, priced, voucher_id=ground.new_id("vch"), code=ground.new_code(), partner_id=acceptor,
            journal_id=journal_id, at=ground.now, automatic=automatic,
        )  # fmt: skip
    state = _state(command, version, priced, journal_id, order, "captured", voucher.id if voucher else None)
    facts = _facts(version, priced, acceptor, order) | said.facts
    if voucher:
        facts["voucher"] = voucher.id
    if priced.reward.kind == "donation" or not priced.reward.refundable:
        facts["final"] = True
    decision = make(
        book,
        command,
        ground,
        "redeem",
        journal_id=journal_id,
        slicer=slicer,
        spendable=-points,
        others=[(f"{acceptor}/accepted", points)],
        points=points,
        change=sums_of(priced.change, said.change, active(version, ground)),
        uses=priced.uses,
        claims=(state,),
        vouchers=(voucher,) if voucher else (),
        facts=facts,
        cause_id=cause_id,
        **said.rest,
    )
    return finish(book, decision, ground, version)


def _state(
    command: Command,
    version: Version,
    priced: Priced,
    journal_id: str,
    order: str | None,
    state: Literal["held", "captured"] = "held",
    voucher_id: str | None = None,
) -> ClaimState:
    return ClaimState(
        id=journal_id,
        reward=priced.reward.id,
        version_id=version.id,
        partner_id=command.partner_id,
        points=priced.points,
        journal_id=journal_id,
        state=state,
        deadline=priced.deadline,
        order=order,
        voucher_id=voucher_id,
        ended_by=journal_id if state == "captured" else None,
    )


def _facts(version: Version, priced: Priced, acceptor: str, order: str | None) -> dict[str, Any]:
    return pin(
        version,
        reward=priced.reward.id,
        acceptor=acceptor,
        order=order,
        worth_minor=priced.worth_minor,
        price_minor=priced.price_minor,
        uses=priced.uses or None,
    )


def _where(in_force: InForce, priced: Priced) -> dict[str, Any]:
    """The partners where the reward is handed over, if it names some."""
    named = [in_force.ids[name] for name in priced.reward.item.partners if name in in_force.ids]
    return {"at": named} if named else {}


def acceptor_of(in_force: InForce, priced: Priced, partner_id: str) -> str:
    """Who honours the points: the partner that the reward names, or the one that asks."""
    return in_force.ids.get(priced.acceptor or "", partner_id)


def active(version: Version, ground: Ground) -> Change:
    """Spending is an activity of today."""
    return Change(activity={"redeem": version.day(ground.now).toordinal()})


def capture(book: Book, command: Capture, ground: Ground) -> Decision:
    """The reward was handed over: the held points are honoured at the partner that did."""
    state, past, version = _held(book, command.claim_id, ground)
    if state.deadline <= ground.now:
        raise ClaimEnded("The claim's time is over.", state="timed_out")
    places = past.facts.get("at")
    if places and command.partner_id not in places:
        raise Elsewhere("The reward is handed over at other partners.", partners=places)
    acceptor = past.facts["acceptor"] if past.facts["acceptor"] != past.partner_id else command.partner_id
    journal_id = ground.new_id("cap")
    slicer = Slicer(book, ground)
    for lot_id, n in past.used:
        slicer.use(lot_id, -n, "held")
        slicer.use(lot_id, n, "honoured", acceptor)
    decision = make(
        book,
        command,
        ground,
        "capture",
        journal_id=journal_id,
        slicer=slicer,
        held=-state.points,
        others=[(f"{acceptor}/accepted", state.points)],
        points=state.points,
        change=active(version, ground),
        claims=(replace(state, state="captured", ended_by=journal_id),),
        facts=pin(
            version, reward=state.reward, acceptor=acceptor, claim=state.id,
            price_minor=past.facts.get("price_minor"),
            undo={"uses": past.facts.get("uses", {}), "counts": past.change().counts},
            final=None if reward_of(version, state.reward).refundable else True,
        ),
    )  # fmt: skip
    return finish(book, decision, ground, version)


def release(book: Book, command: Command, claim_id: str, ground: Ground, *, timed_out: bool = False) -> Decision:
    """The claim is given up, or its time is over: the same way back for its points."""
    state, past, version = _held(book, claim_id, ground)
    slicer = Slicer(book, ground)
    for lot_id, n in give_back(past.used, state.points):
        slicer.use(lot_id, -n, "held")
    cured, changed_arrears = slicer.cure({a.lot_id for a in slicer.allocations})
    uses = {cap_id: -n for cap_id, n in past.facts.get("uses", {}).items()}
    taken = {c: {day: -n for day, n in days.items()} for c, days in past.change().counts.items()}
    journal_id = ground.new_id("rel")
    decision = make(
        book,
        command,
        ground,
        "time_out" if timed_out else "release",
        journal_id=journal_id,
        slicer=slicer,
        spendable=state.points - cured,
        arrears=cured,
        held=-state.points,
        points=state.points,
        changed_arrears=changed_arrears,
        change=Change(counts=taken),
        uses=uses,
        claims=(replace(state, state="timed_out" if timed_out else "released", ended_by=journal_id),),
        facts=pin(version, reward=state.reward, claim=state.id, uses=uses or None),
    )
    return finish(book, decision, ground, version)


def overdue(book: Book, ground: Ground) -> list[ClaimState]:
    """Claims whose time is over."""
    return [c for c in book.claims.values() if c.state == "held" and c.deadline <= ground.now]


def _held(book: Book, claim_id: str, ground: Ground) -> tuple[ClaimState, Past, Version]:
    state = book.claims.get(claim_id)
    if state is None:
        raise UnknownClaim(f"There is no claim '{claim_id}'.")
    if state.state != "held":
        raise ClaimEnded(f"The claim was {state.state.replace('_', ' ')}.", state=state.state)
    return state, book.past[state.journal_id], ground.versions[state.version_id]
