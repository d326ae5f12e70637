"""One member's book in memory, and the ledger's rules applied to it without a database."""

from dataclasses import replace
from datetime import datetime

from points.book import Book, Past
from points.commands import Command
from points.decide import decide, is_due, ripen
from points.decision import Decision, Ground
from points.ledger import BuiltIn
from points.programme.version import Version
from tests.support.ledger import START, counting_ids


class Desk:
    """Does commands one after the other and remembers what may be reversed. `journals` are all that were made."""

    def __init__(self, *versions: Version, now: datetime = START) -> None:
        self.book = Book("mbr_1")
        shelf = BuiltIn()
        shelf.update({version.id: version for version in versions})
        codes = counting_ids()
        self.ground = Ground(now, counting_ids(), lambda: codes("code"), shelf, {}, {})
        self.journals: list[Decision] = []

    def do(self, command: Command) -> Decision:
        """The journal that answers the command; raises what it is refused with."""
        if is_due(self.book, self.ground):
            self._keep(ripen(self.book, command, self.ground))
        effects = decide(self.book, command, self.ground)
        self._keep(effects.journals)
        assert effects.main is not None
        return effects.main

    def _keep(self, journals: "tuple[Decision, ...] | list[Decision]") -> None:
        for made in journals:
            self.journals.append(made)
            self.book.past[made.journal_id] = past_of(made)


def past_of(made: Decision) -> Past:
    """A journal as it would be read back."""
    spent = made.kind in ("redeem", "claim", "capture")
    used = [(a.lot_id, a.points) for a in made.allocations if a.points > 0] if spent else []
    return Past(
        id=made.journal_id,
        kind=made.kind,
        partner_id=made.command.partner_id,
        points=made.points,
        amount_minor=made.amount_minor,
        currency=made.currency,
        facts=made.facts,
        used=used,
    )


def moved_to(desk: Desk, moment: datetime) -> None:
    """Time passes."""
    desk.ground = replace(desk.ground, now=moment)
