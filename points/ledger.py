"""The one write path: lock, read, answer seen keys, decide, write, note. Works on many commands at once."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from kernel.clock import Clock
from kernel.database import Connection
from kernel.errors import CommonpointError
from kernel.ids import new_code, new_id
from points.answers import Answer
from points.batch import Accounts, Batch, book_of, members_of
from points.book import Book, CapState
from points.commands import Claim, Command, Earn, Grant, Offline, Redeem, Transfer
from points.decide import in_force_of
from points.deciding.watching import meters_asked
from points.decision import Allocated, Decision, Ground, NewId
from points.merged import follow
from points.meters import read_meters, write_meters
from points.outcome import Outcome
from points.programme.evaluation import caps_of
from points.programme.registry import Versions
from points.programme.rewards import becomes_something, claim_caps
from points.programme.shelf import default_version
from points.programme.version import Version
from points.proofs import read_proofs, use_proofs
from points.reading import Locked, lock, origins, read_books
from points.review_records import write_reviews
from points.writing import Answered, write


@dataclass(frozen=True, slots=True)
class Posted:
    """A journal as the steps of the ledger's transaction see it. `price_minor` is what a supplied reward costs.

    `points` is its size; `by_member_id` acted where the account is another's. Of an `offline` redemption `points` were
    taken, and `short` were honoured besides.
    """

    journal_id: str
    kind: str
    member_id: str
    partner_id: str
    recorded_at: datetime
    allocations: tuple[Allocated, ...]
    price_minor: int | None = None
    points: int = 0
    by_member_id: str | None = None
    offline: Offline | None = None
    short: int = 0


class MetersMoved(Exception):
    """A command of the batch is judged by a meter that an earlier one led it to: it was not locked."""


class BuiltIn(dict[str, Version]):
    """A library of one: the built-in programme."""

    def __init__(self) -> None:
        super().__init__({default_version().id: default_version()})

    async def ensure(self, ids: Iterable[str]) -> None:
        """There is nothing to read."""


# Published versions by id; `ensure` reads those that are not known yet.
Library = Versions | BuiltIn


Step = Callable[[Connection, Sequence[Posted]], Awaitable[None]]

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

    async def _open(self, connection: Connection, commands: Sequence[Command], *, for_real: bool = True) -> Batch:
        now = self._clock.now()
        known = await origins(connection, commands)
        caps = _caps(commands, now)
        if for_real:
            await self._make_caps(connection, caps)
        members = {m for c in commands for m in members_of(c, known) if m}
        locked = await lock(connection, members, {*caps, *known.caps}, holding=for_real)
        if for_real:
            await self._remake_caps(connection, locked, caps)
        for cap_id, size in caps.items():
            # A quote looks at rows that may be missing, or have the size of an earlier version.
            cap = locked.caps.setdefault(cap_id, CapState(cap_id, size))
            cap.size = max(cap.used, size)
        work = [(book.member_id, c) for c in commands if (book := book_of(locked, known, c)) is not None]
        seen = await read_books(connection, locked, work, _whole(locked, work, now))
        await _lock_more(connection, locked, for_real)
        await self._versions.ensure(_versions_in(locked.books))
        make_id, make_code = (self._new_id, new_code) if for_real else (_quoted, _quoted_code)
        ground = Ground(now, make_id, make_code, self._versions, locked.caps, Accounts(locked))
        await _lock_misuse(connection, ground, locked, [w for w in work if w[1].known_by not in seen], for_real)
        return Batch(locked, known, seen, ground)

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

    async def _write(self, connection: Connection, batch: Batch) -> None:
        recorded_at = batch.ground.now
        await write(connection, batch.locked.books, batch.locked.caps, batch.done, recorded_at, self._note_kinds)
        for decision in (d for answered in batch.done for d in answered.journals if d.pool_id is not None):
            await follow(connection, decision.member_id, str(decision.pool_id), self._note_kinds)
        await _write_misuse(connection, batch)
        posted = [_posted(d, answered, recorded_at) for answered in batch.done for d in answered.journals]
        for step in self._steps:
            await step(connection, posted)


async def _lock_more(connection: Connection, locked: Locked, for_real: bool) -> None:
    """Caps of what was written between the first look (`origins`) and the lock; hardly ever any."""
    pasts = [past for book in locked.books.values() for past in book.past.values()]
    named = {
        cap_id
        for past in pasts
        for uses in (past.facts.get("uses"), past.facts.get("undo", {}).get("uses"))
        for cap_id in uses or ()
    }
    if missing := named - locked.caps.keys():
        locked.caps.update((await lock(connection, (), missing, holding=for_real)).caps)


async def _lock_misuse(
    connection: Connection, ground: Ground, locked: Locked, work: Sequence[tuple[str, Command]], for_real: bool
) -> None:
    """What spending and limits are judged by; nothing where nobody shows a proof and no programme has limits."""
    meters = {
        meter_id: watch
        for holder_id, c in work
        for meter_id, watch in meters_asked(locked.books[holder_id], c, in_force_of(c))
    }
    ground.meters = await read_meters(connection, meters, holding=for_real)
    shown = [c.proof_id for _, c in work if isinstance(c, Redeem | Claim | Transfer) and c.proof_id is not None]
    ground.proofs = await read_proofs(connection, shown, holding=for_real)
    ground.barred = frozenset(m for m, book in locked.books.items() if book.pool_id and not book.may_spend)
    ground.locked_meters = frozenset(ground.meters)


async def _write_misuse(connection: Connection, batch: Batch) -> None:
    """What the batch counted, which proofs it used up, what must be looked at. Raises MetersMoved."""
    journals = [d for answered in batch.done for d in answered.journals]
    counted = sorted({meter_id for d in journals for meter_id in d.meters})
    if not batch.ground.locked_meters.issuperset(counted):
        raise MetersMoved("A meter was not locked.")
    await write_meters(connection, [batch.ground.meters[meter_id] for meter_id in counted])
    await use_proofs(connection, {d.proof_id: d.journal_id for d in journals if d.proof_id is not None})
    await write_reviews(connection, batch.done, batch.ground.now)


def _posted(decision: Decision, answered: Answered, recorded_at: datetime) -> Posted:
    return Posted(
        decision.journal_id,
        decision.kind,
        decision.member_id,
        decision.command.partner_id,
        recorded_at,
        decision.allocations,
        _price(decision),
        decision.points,
        answered.by_member_id,
        decision.offline,
        decision.short,
    )


def _price(decision: Decision) -> int | None:
    """The agreed price of a reward that was handed over."""
    price: int | None = decision.facts.get("price_minor") if decision.kind in ("redeem", "capture") else None
    return price


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
            claimed = command.reward if isinstance(command, Claim) else None
            caps |= claim_caps(in_force.version, claimed, day)
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


def _quoted(prefix: str) -> str:
    """An id in a quote: nothing is kept under it. Still one of its own, as books are kept by id."""
    return f"{prefix}_quote{next(_QUOTES)}"


def _quoted_code() -> str:
    return "QUOTE"
