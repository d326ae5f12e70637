"""The commands of one transaction, decided one after the other on the books that were read for them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kernel.errors import CommonpointError
from points.answers import Answer, Done, KeyReused, SpendingNotAllowed, UnknownMember
from points.book import Book
from points.commands import (
    Act,
    Capture,
    Claim,
    Command,
    Judge,
    Mature,
    Merge,
    OfClaim,
    OfJournal,
    Redeem,
    Release,
    Reverse,
    Transfer,
)
from points.decide import Effects, decide, in_force_of, is_due, ripen
from points.deciding.errors import UnknownClaim, UnknownJournal
from points.decision import Decision, Ground
from points.outcome import Outcome, decode, encode, outcome_of
from points.programme.dues import next_due
from points.programme.version import Version
from points.reading import Locked, Origins, Seen, journal_of
from points.writing import Answered


@dataclass(slots=True)
class Batch:
    """The books of a batch and what was decided on them so far."""

    locked: Locked
    known: Origins
    seen: Seen
    ground: Ground
    done: list[Answered] = field(default_factory=list)
    waiting: dict[str, datetime | None] = field(default_factory=dict)

    def answer(self, command: Command) -> Answer:
        """Decide one command on the state that the ones before it left."""
        stored = self.seen.get(command.known_by)
        if stored is not None:
            return _replay(command, *stored)
        book = book_of(self.locked, self.known, command)
        if book is None or (isinstance(command, Transfer | Merge) and not self.locked.book_of(command.to_member_id)):
            return _nobody(command)
        try:
            self._check_spender(command)
            if is_due(book, self.ground):
                self._keep(command, book, ripen(book, command, self.ground), None)
            effects = decide(book, command, self.ground)
        except CommonpointError as error:
            return error
        return self._finish(command, book, effects)

    def _check_spender(self, command: Command) -> None:
        """Members of a household may have no right to spend. Raises SpendingNotAllowed."""
        if isinstance(command, Redeem | Claim | Transfer) and not (isinstance(command, Redeem) and command.offline):
            own = self.locked.books[command.member_id]
            if own.pool_id and not own.may_spend:
                raise SpendingNotAllowed("This member may not spend the household's points.")

    def _finish(self, command: Command, book: Book, effects: Effects) -> Answer:
        if effects.main is None:
            book.due_at = self._due(command, book)
            self.waiting[book.member_id] = book.due_at
            return Done(_nothing(command, book), replayed=False)
        outcome = outcome_of(effects.main, effects.journals, book)
        encoded = None if isinstance(command, Mature) else encode(outcome)
        self._keep(command, book, effects.journals, effects.main, encoded)
        if encoded is not None:
            self.seen[command.known_by] = (command.fingerprint, encoded)
        return Done(outcome, replayed=False)

    def _keep(
        self,
        command: Command,
        book: Book,
        journals: Sequence[Decision],
        main: Decision | None,
        answer: bytes | None = None,
    ) -> None:
        under = self.ground.versions.get(main.facts.get("version", "")) if main else None
        for member_id in {book.member_id, *(d.member_id for d in journals)}:
            changed = self.locked.books[member_id]
            changed.due_at = self._due(command, changed, under)
        acted = journal_of(command) or getattr(command, "member_id", None)
        by_member = acted if acted in self.locked.books and acted != book.member_id else None
        if journals:
            self.done.append(Answered(command, journals, main, answer, by_member))

    def _due(self, command: Command, book: Book, under: Version | None = None) -> datetime | None:
        """When time may next change something, never too late: only `Mature` looks at everything, under the programme
        at the member's home, so what was known stays known until then. `under` is the version of what was undone, for
        commands that name none."""
        in_force = in_force_of(command)
        version = in_force.version if in_force else under
        lots, claims = list(book.lots.values()), list(book.claims.values())
        found = next_due(version, book.standing, lots, claims, self.ground.now, self.ground.versions)
        if isinstance(command, Mature):
            return found
        return min((moment for moment in (found, book.due_at) if moment is not None), default=None)


class Accounts(Mapping[str, Book]):
    """Books by the id of a member who uses them."""

    def __init__(self, locked: Locked) -> None:
        self._locked = locked

    def __getitem__(self, member_id: str) -> Book:
        book = self._locked.book_of(member_id)
        if book is None:
            raise KeyError(member_id)
        return book

    def __iter__(self) -> Iterator[str]:
        return iter(self._locked.books)

    def __len__(self) -> int:
        return len(self._locked.books)


def members_of(command: Command, known: Origins) -> tuple[str, ...]:
    """Whose accounts a command touches."""
    if isinstance(command, OfJournal | OfClaim):
        return (known.members.get(journal_of(command) or "", ""),)
    if isinstance(command, Transfer | Merge):
        return command.member_id, command.to_member_id
    return (command.member_id,)


def book_of(locked: Locked, known: Origins, command: Command) -> Book | None:
    """The book of whom a command is about."""
    return locked.book_of(members_of(command, known)[0])


def _replay(command: Command, fingerprint: bytes, answer: bytes) -> Answer:
    if fingerprint != command.fingerprint:
        return KeyReused("This Idempotency-Key was used with other content; use a new key for a new request.")
    return Done(decode(answer), replayed=True)


def _nobody(command: Command) -> CommonpointError:
    match command:
        case Reverse() | Act() | Judge():
            return UnknownJournal(f"There is no earning or redemption '{command.journal_id}'.")
        case Capture() | Release():
            return UnknownClaim(f"There is no claim '{command.claim_id}'.")
        case Transfer() | Merge():
            return UnknownMember("There is no such member.")
        case _:
            return UnknownMember(f"There is no member '{command.member_id}'.")


def _nothing(command: Command, book: Book) -> Outcome:
    """The answer when nothing was due."""
    return Outcome(
        id="",
        kind="nothing",
        member_id=book.member_id,
        partner_id=command.partner_id,
        points=0,
        balance=book.spendable,
        arrears=book.arrears,
        version=book.version,
        facts={},
        pending=book.pending,
        held=book.held,
    )
