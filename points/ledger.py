"""The one write path: lock, read, answer seen keys, decide, write, note. Works on many commands at once."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from kernel.clock import Clock
from kernel.database import Connection
from kernel.errors import CommonpointError, Forbidden, Invalid, NotFound
from kernel.ids import new_code, new_id
from points.book import Book, CapState
from points.commands import (
    Act,
    Capture,
    Claim,
    Command,
    Earn,
    Grant,
    Mature,
    Merge,
    OfClaim,
    OfJournal,
    Redeem,
    Release,
    Reverse,
    Transfer,
)  # fmt: skip
from points.decide import Effects, decide, in_force_of, is_due, ripen
from points.deciding.errors import UnknownClaim, UnknownJournal
from points.decision import Allocated, Decision, Ground, NewId
from points.outcome import Outcome, decode, encode, outcome_of
from points.programme.dues import next_due
from points.programme.evaluation import caps_of
from points.programme.registry import Versions
from points.programme.rewards import becomes_something, stock_caps
from points.programme.shelf import default_version
from points.programme.version import Version
from points.reading import Locked, Origins, Seen, journal_of, lock, origins, read_books
from points.writing import Answered, write


class UnknownMember(NotFound):
    """No such member."""

    code = "unknown_member"
    title = "No such member"


class SpendingNotAllowed(Forbidden):
    """The household did not give this member the right to spend."""

    code = "spending_not_allowed"
    title = "This member may not spend"


class KeyReused(Invalid):
    """The idempotency key was used for another request."""

    code = "idempotency_key_reused"
    title = "The idempotency key stands for another request"


@dataclass(frozen=True, slots=True)
class Posted:
    """A journal as the steps of the ledger's transaction see it. `price_minor` is what a supplied reward costs."""

    journal_id: str
    kind: str
    member_id: str
    partner_id: str
    recorded_at: datetime
    allocations: tuple[Allocated, ...]
    price_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The answer to a command; `replayed` when the key had been answered before."""

    outcome: Outcome
    replayed: bool


class BuiltIn(dict[str, Version]):
    """A library of one: the built-in programme."""

    def __init__(self) -> None:
        super().__init__({default_version().id: default_version()})

    async def ensure(self, ids: Iterable[str]) -> None:
        """There is nothing to read."""


# Published versions by id; `ensure` reads those that are not known yet.
Library = Versions | BuiltIn


Step = Callable[[Connection, Sequence[Posted]], Awaitable[None]]
Answer = Done | CommonpointError

_QUOTES = count(1)

# Time came and found nothing to change: only when to look again is written.
_WAIT = """
UPDATE account SET due_at = new.due_at FROM unnest($1::text[], $2::timestamptz[]) AS new (id, due_at)
WHERE account.id = new.id
"""


class Ledger:
    """Applies commands inside a transaction that the caller opened on a raw connection.

    `note_kinds` are the followers that hear of every change of a member's account; `steps` run in the same transaction
    after the journals are written (such as recording who owes whom). Without `versions` only the built-in programme is
    known.
    """

    def __init__(
        self,
        clock: Clock,
        note_kinds: Sequence[str] = (),
        steps: Sequence[Step] = (),
        make_id: NewId = new_id,
        versions: Library | None = None,
    ) -> None:
        self._clock = clock
        self._versions = versions or BuiltIn()
        self._note_kinds = tuple(note_kinds)
        self._steps = tuple(steps)
        self._new_id = make_id
        self._caps_made: dict[str, int] = {}

    async def apply(self, connection: Connection, commands: Sequence[Command]) -> list[Answer]:
        """One answer per command, in order. A command that may not be done answers its error and writes nothing.

        Whatever else goes wrong (a broken connection, a key that another batch is using) raises, and the caller's
        transaction must be rolled back.
        """
        batch = await self._open(connection, commands)
        answers = [batch.answer(command) for command in commands]
        if batch.done:
            await self._write(connection, batch)
        if batch.waiting:
            await connection.execute(_WAIT, [f"{m}/spendable" for m in batch.waiting], list(batch.waiting.values()))
        return answers

    async def quote(self, connection: Connection, command: Command) -> Outcome:
        """What `command` would do now: the same decisions on a snapshot, nothing locked, nothing written.

        Raises what the command would be refused with.
        """
        batch = await self._open(connection, [command], for_real=False)
        answer = batch.answer(command)
        if isinstance(answer, CommonpointError):
            raise answer
        return answer.outcome

    async def _open(self, connection: Connection, commands: Sequence[Command], *, for_real: bool = True) -> "Batch":
        now = self._clock.now()
        known = await origins(connection, commands)
        caps = _caps(commands, now)
        if for_real:
            await self._make_caps(connection, caps)
        members = {m for c in commands for m in _members(c, known) if m}
        locked = await lock(connection, members, {*caps, *known.caps}, holding=for_real)
        if for_real:
            await self._remake_caps(connection, locked, caps)
        for cap_id, size in caps.items():
            locked.caps.setdefault(cap_id, CapState(cap_id, size))
        work = [(book.member_id, c) for c in commands if (book := _book(locked, known, c)) is not None]
        seen = await read_books(connection, locked, work, _whole(locked, work, now))
        await self._versions.ensure(_versions_in(locked.books))
        make_id, make_code = (self._new_id, new_code) if for_real else (_quoted, _quoted_code)
        return Batch(
            locked, known, seen, Ground(now, make_id, make_code, self._versions, locked.caps, Accounts(locked))
        )

    async def _make_caps(self, connection: Connection, caps: Mapping[str, int]) -> None:
        """Rows of caps that this process has not seen with this size. A size below what is used stops at that."""
        missing = {cap_id: size for cap_id, size in sorted(caps.items()) if self._caps_made.get(cap_id) != size}
        if not missing:
            return
        await connection.execute(
            "INSERT INTO cap (id, size) SELECT * FROM unnest($1::text[], $2::bigint[])"
            " ON CONFLICT (id) DO UPDATE SET size = greatest(cap.used, excluded.size)"
            " WHERE cap.size <> greatest(cap.used, excluded.size)",
            list(missing),
            list(missing.values()),
        )
        self._caps_made.update(missing)

    async def _remake_caps(self, connection: Connection, locked: Locked, caps: Mapping[str, int]) -> None:
        """A row that this process made may be gone again, with a transaction that was rolled back."""
        missing = {cap_id: size for cap_id, size in caps.items() if cap_id not in locked.caps}
        if missing:
            for cap_id in missing:
                self._caps_made.pop(cap_id, None)
            await self._make_caps(connection, missing)
            locked.caps.update((await lock(connection, (), missing)).caps)

    async def _write(self, connection: Connection, batch: "Batch") -> None:
        recorded_at = batch.ground.now
        await write(connection, batch.locked.books, batch.locked.caps, batch.done, recorded_at, self._note_kinds)
        posted = [
            Posted(d.journal_id, d.kind, d.member_id, d.command.partner_id, recorded_at, d.allocations, _price(d))
            for answered in batch.done
            for d in answered.journals
        ]
        for step in self._steps:
            await step(connection, posted)


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
        book = _book(self.locked, self.known, command)
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
        if isinstance(command, Redeem | Claim | Transfer):
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
        """When time may next change something. Of a book whose lots were not read, what was known stays known; `under`
        is the version of what was undone, for commands that name none."""
        in_force = in_force_of(command)
        version = in_force.version if in_force else under
        lots, claims = list(book.lots.values()), list(book.claims.values())
        found = next_due(version, book.standing, lots, claims, self.ground.now, self.ground.versions)
        if book.complete and in_force is not None:
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


def _price(decision: Decision) -> int | None:
    """The agreed price of a reward that was handed over."""
    price: int | None = decision.facts.get("price_minor") if decision.kind in ("redeem", "capture") else None
    return price


def _members(command: Command, known: Origins) -> tuple[str, ...]:
    """Whose accounts a command touches."""
    if isinstance(command, OfJournal | OfClaim):
        return (known.members.get(journal_of(command) or "", ""),)
    if isinstance(command, Transfer | Merge):
        return command.member_id, command.to_member_id
    return (command.member_id,)


def _book(locked: Locked, known: Origins, command: Command) -> Book | None:
    return locked.book_of(_members(command, known)[0])


def _caps(commands: Sequence[Command], now: datetime) -> dict[str, int]:
    """Shared caps that the commands may draw on, and their sizes."""
    caps: dict[str, int] = {}
    for command in commands:
        if isinstance(command, Earn):
            caps |= caps_of(command.in_force, command.event, command.occurred_at)
        if isinstance(command, Grant):
            caps |= {cap_id: size for cap_id, size, _ in command.uses}
        in_force = in_force_of(command)
        if in_force is not None:
            day = in_force.version.day(now)
            caps |= stock_caps(in_force.version, day, automatic=not isinstance(command, Claim))
    return caps


def _whole(locked: Locked, work: Sequence[tuple[str, Command]], now: datetime) -> set[str]:
    """Holders whose lots are needed even for an earning: something is due, or a balance becomes something by itself."""
    due = {m for m, _ in work if (at := locked.books[m].due_at) is not None and at <= now}
    return due | {m for m, c in work if isinstance(c, Earn) and becomes_something(c.in_force.version)}


def _versions_in(books: Mapping[str, Book]) -> set[str]:
    """The versions that what was read came under."""
    lots = {lot.version_id for book in books.values() for lot in book.lots.values() if lot.version_id}
    pasts = {past.facts["version"] for book in books.values() for past in book.past.values() if "version" in past.facts}
    return lots | pasts | {claim.version_id for book in books.values() for claim in book.claims.values()}


def _replay(command: Command, fingerprint: bytes, answer: bytes) -> Answer:
    if fingerprint != command.fingerprint:
        return KeyReused("This Idempotency-Key was used with other content; use a new key for a new request.")
    return Done(decode(answer), replayed=True)


def _nobody(command: Command) -> CommonpointError:
    match command:
        case Reverse() | Act():
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


def _quoted(prefix: str) -> str:
    """An id in a quote: nothing is kept under it. Still one of its own, as books are kept by id."""
    return f"{prefix}_quote{next(_QUOTES)}"


def _quoted_code() -> str:
    return "QUOTE"
