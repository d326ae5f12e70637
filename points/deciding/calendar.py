"""What the programme does by the calendar: totals of periods, statements, notices of what will end."""

from points.book import Book, Past, VoucherState
from points.commands import Mature
from points.deciding.claims import active
from points.deciding.granted import give_points
from points.deciding.journal import finish, make, pin, sums_of
from points.deciding.lots import Slicer, in_order, take
from points.deciding.refund import Taken
from points.decision import Decision, Ground
from points.programme.conversion import Converted, conversion_due
from points.programme.expiry import notices_due
from points.programme.standing import Change
from points.programme.tiers import tier_of, warned, warning
from points.programme.totals import TotalDue, totals_due


def by_calendar(book: Book, command: Mature, ground: Ground) -> list[Decision]:
    """Everything that the programme in force owes the member by the calendar, each as a journal of its own."""
    version = command.in_force.version
    day = version.day(ground.now)
    journals = [_total(book, command, ground, due) for due in totals_due(version, book.standing, day)]
    statement = conversion_due(version, book.standing, list(book.lots.values()), day)
    if statement is not None and statement.points <= book.spendable:
        journals.append(_statement(book, command, ground, statement))
    return [*journals, *_notices(book, command, ground)]


def _total(book: Book, command: Mature, ground: Ground, due: TotalDue) -> Decision:
    version = command.in_force.version
    day = version.day(ground.now)
    journal_id = ground.new_id("tot")
    mark = due.mark(book.standing, day, journal_id)
    counted = Change(counts={"points": {day.toordinal(): due.points}})
    if due.points > 0:
        return give_points(
            book, command, ground, command.in_force, due.points, kind="total", reason="total",
            about=f"{due.rule}/{due.period}", change=sums_of(mark, counted), journal_id=journal_id,
        )  # fmt: skip
    paid_by = due.journal_ids[-1] if due.journal_ids else ""
    past = Past(paid_by, "total", command.partner_id, -due.points, None, None, {})
    taken = Taken(book, command, ground, past, version)
    taken.change(command.partner_id, due.points, tier_of(version, book.standing, day))
    decision = taken.decision(
        kind="total",
        points=-due.points,
        change=sums_of(mark, counted),
        facts=pin(version, reason="total", about=f"{due.rule}/{due.period}"),
    )
    return finish(book, decision, ground, version)


def _statement(book: Book, command: Mature, ground: Ground, due: Converted) -> Decision:
    in_force = command.in_force
    version, partner_id = in_force.version, command.partner_id
    journal_id = ground.new_id("cnv")
    slicer = Slicer(book, ground)
    for lot, n in take(in_order(book, partner_id, in_force), due.points):
        slicer.use(lot.id, n, "honoured", partner_id)
    voucher = VoucherState(
        id=ground.new_id("vch"),
        code=ground.new_code(),
        reward=due.reward,
        version_id=version.id,
        partner_id=partner_id,
        journal_id=journal_id,
        state="issued",
        valid_until=due.valid_until,
        uses_left=max(1, due.value_minor),  # money may be used in parts, each at least a minor unit
        value_minor=due.value_minor,
        automatic=True,
    )
    day = version.day(ground.now).toordinal()
    decision = make(
        book, command, ground, "convert",
        journal_id=journal_id,
        slicer=slicer,
        spendable=-due.points,
        others=[(f"{partner_id}/accepted", due.points)],
        change=sums_of(
            due.mark(journal_id, voucher.id), Change(counts={"redeemed": {day: due.points}}), active(version, ground)
        ),
        vouchers=(voucher,),
        facts=pin(
            version, reward=due.reward, acceptor=partner_id, voucher=voucher.id, worth_minor=due.value_minor,
            about=due.period,
        ),
    )  # fmt: skip
    return finish(book, decision, ground, version)


def _notices(book: Book, command: Mature, ground: Ground) -> list[Decision]:
    """What the member is to be told: that points will end, that the tier will fall. Telling is a journal too."""
    version = command.in_force.version
    journals = []
    for notice in notices_due(version, list(book.lots.values()), book.standing, ground.now, ground.versions):
        facts = pin(version, notice="expiry", points=notice.points, ends_at=notice.ends_at)
        told = make(book, command, ground, "notice", change=notice.mark, facts=facts)
        journals.append(finish(book, told, ground, version))
    fall = warning(version, book.standing, version.day(ground.now))
    if fall is not None and book.standing.tier is not None:
        facts = pin(version, notice="tier", level=fall.level, to=fall.to, falls_on=fall.falls_on)
        change = Change(tier=warned(book.standing.tier, fall))
        journals.append(
            finish(book, make(book, command, ground, "notice", change=change, facts=facts), ground, version)
        )
    return journals
