"""Replays a history of sales under one version, through the same decisions as the ledger, on books in memory.

Sales come in order of time. Whatever time alone changes (expiry, tiers, time-outs, period totals, conversions) happens
when it is due, in order of time over all members, so that shared limits are used as they would have been. Ids are
numbers in order: the same version and the same history are the same ledger, byte for byte.
"""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import IO

import msgspec

from kernel.errors import CommonpointError
from points.book import Book, CapState, Past
from points.commands import INTERNAL, Capture, Claim, Command, Earn, Mature, Reverse
from points.decide import decide, is_due, ripen
from points.decision import Decision, Ground
from points.programme.dues import next_due
from points.programme.evaluation import caps_of
from points.programme.events import PURCHASE
from points.programme.periods import day_ends
from points.programme.rewards import stock_caps
from points.programme.schema.misuse import Misuse
from points.programme.schema.programme import Programme
from points.programme.simulation.behaviour import Assumptions, redeems, wishes
from points.programme.simulation.figures import Figures
from points.programme.simulation.journal_lines import line_of
from points.programme.simulation.sale import Sale, micros_of
from points.programme.simulation.sales import Sales
from points.programme.simulation.tally import Tally
from points.programme.simulation.worth import costs_of
from points.programme.standing import Standing
from points.programme.version import InForce, Version

# The partner of sales that name none, in programmes that name none.
SHOP = "shop"
_PROGRESS_EVERY = 500
_FINGERPRINT = b""


def simulate(
    version: Version,
    sales: Sales,
    assumptions: Assumptions,
    *,
    ledger: IO[bytes] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Figures:
    """The figures of a version over all sales; `ledger` is given every journal as a line of JSON. `progress` hears now
    and then how many sales were replayed."""
    replay = Replay(version, assumptions, sales.refunded, sales.returning, ledger)
    count = 0
    for sale in sales:
        replay.play(sale)
        count += 1
        if progress and count % _PROGRESS_EVERY == 0:
            progress(count)
    if progress:
        progress(count)
    return replay.finish()


class Replay:
    """The state of a simulation between two sales. `refunded` are orders that sales to come will refund, `returning`
    the customers who do; of all others only what is open is kept."""

    def __init__(
        self,
        version: Version,
        assumptions: Assumptions,
        refunded: frozenset[str] = frozenset(),
        returning: frozenset[str] = frozenset(),
        ledger: IO[bytes] | None = None,
    ) -> None:
        version = untold(version)
        programme = version.programme
        names = {name: name for name in (*programme.partners, *programme.locations)}
        self._in_force = InForce(version, names, names)
        self._version = version
        self._assumptions = assumptions
        self._partner = _first_issuer(programme)
        self._refunded = refunded
        self._returning = returning
        self._ledger = ledger
        self._ids = _Numbers()
        self._ground = Ground(datetime.min.replace(tzinfo=UTC), self._ids.id, self._ids.code, {version.id: version})
        self._caps_matter = version.once("simulation_caps", _has_caps)
        self._orders: dict[str, tuple[str, str, Sale]] = {}
        self._due: list[tuple[datetime, str]] = []
        self._tally = Tally(self._in_force, costs_of(programme, assumptions.told))
        self.books: dict[str, Book] = {}

    def play(self, sale: Sale) -> None:
        """The next sale, and before it everything that is due by then."""
        at = sale.moment
        self._mature_until(at)
        self._ground.now = at
        day = self._version.day(at).toordinal()
        self._tally.day(day)
        book = self.books.get(sale.customer)
        if book is None:
            book = self._join(sale.customer, day)
        if sale.refund_of is not None:
            self._refund(book, sale, day)
        else:
            self._earn(book, sale, day)
        self._schedule(book)
        if book.member_id not in self._returning:
            _forget(book)

    def finish(self) -> Figures:
        """Let time pass until the end that was asked for, and sum up."""
        until = self._assumptions.until
        if until is not None and until > self._ground.now:
            self._mature_until(until)
            self._tally.day(self._day(until))
        return self._tally.figures(self.books.values(), self._assumptions.breakage)

    def _join(self, customer: str, day: int) -> Book:
        book = Book(member_id=customer, standing=Standing(joined=day))
        self.books[customer] = book
        self._tally.joined(customer, day)
        return book

    def _earn(self, book: Book, sale: Sale, day: int) -> None:
        event = sale.event()
        partner = sale.partner or self._partner
        if sale.name != PURCHASE:
            self._tally.events += 1
        else:
            self._tally.purchases += 1
            self._tally.revenue_minor += event.amount_minor - event.discount_minor
            if event.amount_minor == 0:
                # Tills report sales; where nothing was paid there is none.
                self._tally.refused["nothing_paid"] += 1
                return
        command = Earn(
            partner_id=partner,
            key=f"sale-{sale.line}",
            fingerprint=_FINGERPRINT,
            occurred_at=self._ground.now,
            location_id=sale.location,
            member_id=book.member_id,
            event=event,
            currency=self._version.programme.currency,
            in_force=self._in_force,
            terms=self._assumptions.terms,
        )
        if self._caps_matter:
            self._open_caps(command)
        main = self._ask(book, command, day)
        if main is not None and sale.order in self._refunded and sale.order is not None:
            self._orders[sale.order] = main.journal_id, partner, sale
        if book.spendable and sale.name == PURCHASE and redeems(self._assumptions, book.member_id, sale.line):
            self._claim(book, sale, partner, day)

    def _claim(self, book: Book, sale: Sale, partner: str, day: int) -> None:
        """The cheapest reward that the ledger allows; handed over at once."""
        for reward in wishes(self._version, book.spendable):
            command = Claim(
                partner_id=partner,
                key=f"claim-{sale.line}",
                fingerprint=_FINGERPRINT,
                occurred_at=self._ground.now,
                location_id=sale.location,
                member_id=book.member_id,
                reward=reward.id,
                in_force=self._in_force,
                order=sale.order,
                basket_minor=sale.amount_minor,
            )
            claimed = self._ask(book, command, day, quietly=True)
            if claimed is None:
                continue
            if claimed.claims and claimed.claims[0].state == "held":
                taken = Capture(
                    partner_id=partner,
                    key=f"capture-{sale.line}",
                    fingerprint=_FINGERPRINT,
                    occurred_at=self._ground.now,
                    claim_id=claimed.claims[0].id,
                )
                self._ask(book, taken, day)
            return

    def _refund(self, book: Book, sale: Sale, day: int) -> None:
        self._tally.refunds += 1
        earned = self._orders.get(sale.refund_of or "")
        if earned is None:
            # The purchase itself was refused, so it gave nothing.
            self._tally.refused["refund_of_refused"] += 1
            return
        journal_id, partner, bought = earned
        lines = _lines_of(sale, bought)
        command = Reverse(
            partner_id=partner,
            key=f"sale-{sale.line}",
            fingerprint=_FINGERPRINT,
            occurred_at=self._ground.now,
            journal_id=journal_id,
            amount_minor=None if lines else sale.amount_minor,
            lines=lines,
        )
        main = self._ask(book, command, day)
        if main is not None:
            self._tally.revenue_minor -= main.amount_minor or 0

    def _ask(self, book: Book, command: Command, day: int, *, quietly: bool = False) -> Decision | None:
        """Decide, count and write; a refusal is counted unless it was an attempt that may fail."""
        journals = ripen(book, command, self._ground) if is_due(book, self._ground) else []
        main = None
        try:
            effects = decide(book, command, self._ground)
            main = effects.main
            journals = [*journals, *effects.journals]
        except CommonpointError as error:
            if not quietly:
                self._tally.refused[error.code] += 1
        if journals:
            self._done(book, journals, day)
        return main

    def _done(self, book: Book, journals: list[Decision], day: int) -> None:
        now = self._ground.now
        for journal in journals:
            book.past[journal.journal_id] = _past(journal)
            if self._ledger is not None:
                self._ledger.write(line_of(journal, now))
        self._tally.decided(journals, book, day, now)

    def _schedule(self, book: Book) -> None:
        """When time next changes something for the member; tomorrow, if what is due already could not be done."""
        now = self._ground.now
        due = next_due(self._version, book.standing, book.lots.values(), book.claims.values(), now)
        if due is not None and due <= now:
            due = day_ends(self._version.day(now), self._version.zone, self._version.day_starts)
        if due is not None and due != book.due_at:
            heapq.heappush(self._due, (due, book.member_id))
        book.due_at = due

    def _mature_until(self, now: datetime) -> None:
        """Whatever is due by `now`, at the moment when it is due."""
        while self._due and self._due[0][0] <= now:
            due, member_id = heapq.heappop(self._due)
            book = self.books[member_id]
            if book.due_at != due:
                continue
            self._ground.now = due
            command = Mature(
                partner_id=self._partner,
                key=f"due-{micros_of(due)}-{member_id}",
                fingerprint=_FINGERPRINT,
                occurred_at=due,
                key_owner=INTERNAL,
                member_id=member_id,
                in_force=self._in_force,
            )
            if self._caps_matter:
                self._open_stock()
            day = self._day(due)
            self._tally.day(day)
            self._ask(book, command, day)
            self._schedule(book)
            if member_id not in self._returning:
                _forget(book)

    def _day(self, moment: datetime) -> int:
        """The business day of a moment; the very end of the simulated time belongs to the day that it ends."""
        if moment == self._assumptions.until:
            moment -= timedelta(microseconds=1)
        return self._version.day(moment).toordinal()

    def _open_caps(self, command: Earn) -> None:
        self._open_stock()
        for cap_id, size in caps_of(self._in_force, command.event, self._ground.now).items():
            if cap_id not in self._ground.caps:
                self._ground.caps[cap_id] = CapState(cap_id, size)

    def _open_stock(self) -> None:
        for cap_id, size in stock_caps(self._version, self._version.day(self._ground.now)).items():
            if cap_id not in self._ground.caps:
                self._ground.caps[cap_id] = CapState(cap_id, size)


def untold(version: Version) -> Version:
    """The version without notices of points that will end: they move no points, and there is nobody to read them. Nor
    is there anybody to prove who they are or to look at what is unusual: every sale is taken as honest."""
    programme = version.programme
    lots = msgspec.structs.replace(programme.lots, notices=())
    redemptions = msgspec.structs.replace(programme.redemptions, proof=None)
    honest = msgspec.structs.replace(programme, lots=lots, redemptions=redemptions, misuse=Misuse())
    return Version(version.id, honest)


class _Numbers:
    """Ids and codes that are numbers in order, so that later ones sort later."""

    def __init__(self) -> None:
        self._last = 0

    def id(self, prefix: str) -> str:
        self._last += 1
        return f"{prefix}_{self._last:012d}"

    def code(self) -> str:
        self._last += 1
        return f"C{self._last:012d}"


def _first_issuer(programme: Programme) -> str:
    return next((name for name, partner in programme.partners.items() if "issuer" in partner.roles), SHOP)


def _has_caps(programme: Programme) -> bool:
    return (
        any(campaign.budget for campaign in programme.campaigns)
        or any(reward.stock for reward in programme.rewards)
        or bool(programme.engagement.surprises)
    )


def _past(journal: Decision) -> Past:
    """The journal as later ones look back on it."""
    return Past(
        id=journal.journal_id,
        kind=journal.kind,
        partner_id=journal.command.partner_id,
        points=journal.points,
        amount_minor=journal.amount_minor,
        currency=journal.currency,
        facts=journal.facts,
        used=[(one.lot_id, one.points) for one in journal.allocations if one.points > 0],
    )


def _forget(book: Book) -> None:
    """Drop what no later decision looks at, when nothing will be refunded: what is spent, ended or paid off."""
    held = {claim.id: claim for claim in book.claims.values() if claim.state == "held"}
    book.past = {claim.journal_id: book.past[claim.journal_id] for claim in held.values()}
    book.claims = held
    book.vouchers.clear()
    needed = {lot_id for past in book.past.values() for lot_id, _ in past.used}
    for lot_id in [lot.id for lot in book.lots.values() if not lot.remaining and lot.id not in needed]:
        del book.lots[lot_id]


def _lines_of(refund: Sale, bought: Sale) -> tuple[tuple[int, int], ...]:
    """Which line of the purchase comes back, if the refund names its article and an amount."""
    if not refund.lines or refund.lines[0].sku is None or refund.amount_minor is None:
        return ()
    return next(
        (
            ((place, refund.amount_minor),)
            for place, line in enumerate(bought.lines)
            if line.sku == refund.lines[0].sku and refund.amount_minor <= line.amount_minor
        ),
        (),
    )
