"""The one write path: lock, answer seen keys, read, decide, write, note. Works on many commands at once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from kernel.clock import Clock
from kernel.database import Connection
from kernel.errors import CommonpointError, Invalid, NotFound
from kernel.ids import new_id
from points.book import Book
from points.commands import Command, Reverse
from points.decide import Allocated, Decision, NewId, UnknownJournal, decide, fold
from points.outcome import Outcome, decode, encode, outcome_of
from points.reading import lock, members_of_journals, read_books, seen
from points.writing import write


class UnknownMember(NotFound):
    """No such member."""

    code = "unknown_member"
    title = "No such member"


class KeyReused(Invalid):
    """The idempotency key was used for another request."""

    code = "idempotency_key_reused"
    title = "The idempotency key stands for another request"


@dataclass(frozen=True, slots=True)
class Posted:
    """A journal as the steps of the ledger's transaction see it."""

    journal_id: str
    kind: str
    member_id: str
    partner_id: str
    recorded_at: datetime
    allocations: tuple[Allocated, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """The answer to a command; `replayed` when the key had been answered before."""

    outcome: Outcome
    replayed: bool


Step = Callable[[Connection, Sequence[Posted]], Awaitable[None]]
Answer = Done | CommonpointError


class Ledger:
    """Applies commands inside a transaction that the caller opened on a raw connection.

    `note_kinds` are the followers that hear of every change of a member's points; `steps` run in the same transaction
    after the journals are written (such as recording who owes whom).
    """

    def __init__(
        self, clock: Clock, note_kinds: Sequence[str] = (), steps: Sequence[Step] = (), make_id: NewId = new_id
    ) -> None:
        self._clock = clock
        self._note_kinds = tuple(note_kinds)
        self._steps = tuple(steps)
        self._new_id = make_id

    async def apply(self, connection: Connection, commands: Sequence[Command]) -> list[Answer]:
        """One answer per command, in order. A command that may not be done answers its error and writes nothing.

        Whatever else goes wrong (a broken connection, a key that another batch is using) raises, and the caller's
        transaction must be rolled back.
        """
        owners = await members_of_journals(connection, [c.journal_id for c in commands if isinstance(c, Reverse)])
        work = [(owners.get(c.journal_id, "") if isinstance(c, Reverse) else c.member_id, c) for c in commands]
        books = await lock(connection, [member for member, _ in work if member])
        stored = await seen(connection, commands)
        await read_books(connection, books, [(m, c) for m, c in work if (c.partner_id, c.key) not in stored])
        answers: list[Answer] = []
        done: list[tuple[str, Decision, bytes]] = []
        for member, command in work:
            answer, decision = self._one(books.get(member), command, stored)
            answers.append(answer)
            if decision is not None and isinstance(answer, Done):
                encoded = encode(answer.outcome)
                done.append((member, decision, encoded))
                stored[command.partner_id, command.key] = (command.fingerprint, encoded)
        if done:
            await self._write(connection, books, done)
        return answers

    def _one(
        self, book: Book | None, command: Command, stored: dict[tuple[str, str], tuple[bytes, bytes]]
    ) -> tuple[Answer, Decision | None]:
        known = stored.get((command.partner_id, command.key))
        if known is not None:
            return _replay(command, *known), None
        if book is None:
            return _nobody(command), None
        try:
            decision = decide(book, command, self._new_id)
        except CommonpointError as error:
            return error, None
        fold(book, decision)
        outcome = outcome_of(decision, book.spendable, book.arrears, book.version, book.member_id)
        return Done(outcome, replayed=False), decision

    async def _write(
        self, connection: Connection, books: dict[str, Book], done: Sequence[tuple[str, Decision, bytes]]
    ) -> None:
        recorded_at = self._clock.now()
        await write(connection, books, done, recorded_at, self._note_kinds)
        posted = [
            Posted(d.journal_id, d.kind, member, d.command.partner_id, recorded_at, d.allocations)
            for member, d, _ in done
        ]
        for step in self._steps:
            await step(connection, posted)


def _replay(command: Command, fingerprint: bytes, answer: bytes) -> Answer:
    if fingerprint != command.fingerprint:
        return KeyReused("This Idempotency-Key was used with other content; use a new key for a new request.")
    return Done(decode(answer), replayed=True)


def _nobody(command: Command) -> CommonpointError:
    if isinstance(command, Reverse):
        return UnknownJournal(f"There is no earning or redemption '{command.journal_id}'.")
    return UnknownMember(f"There is no member '{command.member_id}'.")
