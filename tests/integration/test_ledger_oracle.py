"""The set-based ledger against the plain ORM: row for row the same, one by one or in one batch."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from kernel.clock import MovableClock
from kernel.database import Database
from kernel.embedded import ensure_database
from kernel.errors import CommonpointError
from kernel.ids import new_id
from points.answers import Answer, Done, KeyReused
from points.book import ArrearState, Book, LotState, Past
from points.commands import Command, Earn, Redeem, Reverse
from points.decide import decide
from points.deciding.errors import UnknownJournal
from points.decision import Decision, Ground, NewId
from points.ledger import BuiltIn, Ledger
from points.outcome import decode, encode, outcome_of
from points.programme.standing import Standing
from points.programme.version import TermsRate
from points.tables import Account, Allocation, Arrear, Entry, Idempotency, Journal, Lot
from tests.support.ledger import START, counting_ids, earn, redeem, reverse
from tests.support.schema import make_schema

PARTNERS = ["ptn_a", "ptn_b"]
RULES = [TermsRate("trm_a", 1, 1), TermsRate("trm_b", 3, 7), TermsRate("trm_c", 2, 1)]
NOTES = ("pass", "mirror")
REVERSED_BY = {"refund": "earn", "restore": "redeem"}


class Oracle:
    """Does one command at a time: loads the member whole, decides, writes rows, all by the ORM."""

    def __init__(self, db: Database, make_id: NewId) -> None:
        self.db = db
        self.make_id = make_id

    async def apply(self, command: Command) -> Answer:
        async with self.db.unit() as unit:
            known = await unit.session.get(Idempotency, (command.partner_id, command.key))
            if known is not None:
                if known.fingerprint != command.fingerprint:
                    return KeyReused()
                return Done(decode(known.answer), replayed=True)
            return await self._new(unit.session, command)

    async def _new(self, session: AsyncSession, command: Command) -> Answer:
        if isinstance(command, Reverse):
            original = await session.get(Journal, command.journal_id)
            if original is None:
                return UnknownJournal()
            member = original.member_id
        else:
            assert isinstance(command, Earn | Redeem)
            member = command.member_id
        book = await self._load(session, member)
        ground = Ground(START, self.make_id, lambda: "CODE", BuiltIn(), {}, {})
        try:
            effects = decide(book, command, ground)
        except CommonpointError as error:
            return error
        assert effects.main is not None
        decision = effects.main
        assert effects.journals == (decision,)
        outcome = outcome_of(decision, effects.journals, book)
        await self._save(session, book, decision)
        session.add(
            Idempotency(
                partner_id=command.partner_id,
                key=command.key,
                fingerprint=command.fingerprint,
                effect_id=decision.journal_id,
                answer=encode(outcome),
            )
        )
        return Done(outcome, replayed=False)

    async def _load(self, session: AsyncSession, member: str) -> Book:
        account = await session.get_one(Account, f"{member}/spendable")
        owed = await session.get_one(Account, f"{member}/arrears")
        book = Book(
            member,
            account.version,
            account.balance,
            -owed.balance,
            standing=msgspec.convert(account.standing, Standing, strict=False),
        )
        for lot in (await session.exec(select(Lot).where(Lot.member_id == member))).all():
            fields = {
                name: getattr(lot, name) for name in LotState.__dataclass_fields__ if name not in ("root", "elsewhere")
            }
            book.lots[lot.id] = LotState(**fields)
        for arrear in (await session.exec(select(Arrear).where(Arrear.member_id == member))).all():
            book.open_arrears[arrear.id] = ArrearState(
                arrear.id, arrear.creditor_id, arrear.journal_id, arrear.original, arrear.remaining
            )
        journals = (await session.exec(select(Journal).where(Journal.member_id == member))).all()
        for journal in journals:
            book.past[journal.id] = await self._past(session, journal, journals)
        return book

    async def _past(self, session: AsyncSession, journal: Journal, journals: Sequence[Journal]) -> Past:
        reversals = {j.id: j for j in journals if j.reverses_id == journal.id}
        query = select(Allocation).where(Allocation.member_id == journal.member_id).order_by(col(Allocation.id))
        slices = (await session.exec(query)).all()
        used = {a.lot_id: a.points for a in slices if a.journal_id == journal.id and journal.kind == "redeem"}
        for slice_ in slices:
            if slice_.journal_id in reversals and slice_.points < 0:
                used[slice_.lot_id] += slice_.points
        return Past(
            id=journal.id,
            kind=journal.kind,
            partner_id=journal.partner_id,
            points=journal.points,
            amount_minor=journal.amount_minor,
            currency=journal.currency,
            facts=journal.facts,
            reversals=len(reversals),
            reversed_points=sum(j.points for j in reversals.values()),
            reversed_minor=sum(j.amount_minor or 0 for j in reversals.values()),
            used=list(used.items()),
        )

    async def _save(self, session: AsyncSession, book: Book, decision: Decision) -> None:
        member, command = book.member_id, decision.command
        session.add(
            Journal(
                id=decision.journal_id,
                seq=None,  # type: ignore[arg-type]
                kind=decision.kind,
                member_id=member,
                partner_id=command.partner_id,
                location_id=command.location_id,
                points=decision.points,
                amount_minor=decision.amount_minor,
                currency=decision.currency,
                reverses_id=decision.reverses_id,
                occurred_at=command.occurred_at,
                recorded_at=START,
                facts=decision.facts,
                digest=b"",
                height=0,
                place=0,
            )
        )
        await session.flush()
        for account_id, amount in decision.postings:
            entry = {"journal_id": decision.journal_id, "account_id": account_id, "member_id": member}
            session.add(Entry(**entry, amount=amount))  # type: ignore[arg-type]
            await session.flush()
        for a in decision.allocations:
            session.add(Allocation(**asdict(a), journal_id=decision.journal_id, member_id=member))
        spendable = await session.get_one(Account, f"{member}/spendable")
        owed = await session.get_one(Account, f"{member}/arrears")
        spendable.balance, owed.balance = book.spendable, -book.arrears
        spendable.version = owed.version = book.version
        spendable.standing = msgspec.to_builtins(book.standing, str_keys=True)
        for lot in book.lots.values():
            kept = {name: value for name, value in asdict(lot).items() if name not in ("root", "elsewhere")}
            await session.merge(Lot(**kept, member_id=member))
        for arrear in book.open_arrears.values():
            await session.merge(Arrear(**asdict(arrear), member_id=member))


TABLES: list[tuple[type[SQLModel], str]] = [
    (Account, "id"),
    (Journal, "seq"),
    (Entry, "seq"),
    (Lot, "id"),
    (Allocation, "id"),
    (Arrear, "id"),
    (Idempotency, "partner_id, key"),
]


# Numbers that the database gives, the chain over the journals, and what is due (both have tests of their own).
NOT_COMPARED = ("seq", "digest", "height", "place", "due_at")


async def rows_of(db: Database) -> dict[str, list[dict[str, object]]]:
    """Everything that the ledger keeps, without the sequence numbers but in their order."""
    found: dict[str, list[dict[str, object]]] = {}
    async with db.read() as read:
        for model, order in TABLES:
            name = str(model.__tablename__)
            rows = await read.connection.fetch(f"SELECT * FROM {name} ORDER BY {order}")
            found[name] = [{k: v for k, v in row.items() if k not in NOT_COMPARED} for row in rows]
    return found


def act(what: str, most: int) -> st.SearchStrategy[tuple[str, int, str, int]]:
    return st.tuples(st.just(what), st.integers(0, 30), st.sampled_from(PARTNERS), st.integers(0, most))


ACTS = st.lists(
    st.one_of(
        act("earn", 60),
        act("redeem", 40),
        act("refund", 60),
        act("restore", 15),
        act("restore", 15),
        act("again", 0),
        act("other content", 9),
    ),
    min_size=2,
    max_size=10,
)


class Till:
    """Turns acts into commands; reversals name journals that earlier batches made."""

    def __init__(self, members: Sequence[str]) -> None:
        self.members = members
        self.journals: list[tuple[str, str, str]] = []
        self.said: list[Command] = []

    def command(self, act: tuple[str, int, str, int]) -> Command:
        what, which, partner, number = act
        command = self._fresh(what, which, partner, number)
        if what in ("again", "other content") and self.said:
            earlier = self.said[which % len(self.said)]
            if what == "again":
                return earlier
            command = redeem(self.members[0], number + 1, earlier.partner_id, key=earlier.key)
        self.said.append(command)
        return command

    def _fresh(self, what: str, which: int, partner: str, number: int) -> Command:
        member = self.members[which % len(self.members)]
        if what == "redeem":
            return redeem(member, number + 1, partner)
        past = [journal for journal in self.journals if journal[1] == REVERSED_BY.get(what)]
        if past:
            journal, kind, owner = past[which % len(past)]
            part = number or None  # None: all that is left
            if kind == "redeem":
                return reverse(journal, points=part, partner_id=owner)
            return reverse(journal, amount_minor=part, partner_id=owner)
        return earn(member, number + 1, partner, rule=RULES[which % len(RULES)])

    def hear(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            if isinstance(answer, Done) and not answer.replayed:
                self.journals.append((answer.outcome.id, answer.outcome.kind, answer.outcome.partner_id))


def said_alike(answer: Answer) -> object:
    return answer if isinstance(answer, Done) else answer.code


@pytest.fixture
async def second(database_server: str) -> AsyncIterator[Database]:
    url = await ensure_database(database_server, "oracle")
    await make_schema(url)
    database = await Database.connect(url)
    yield database
    await database.close()


async def open_accounts(db: Database, members: Sequence[str]) -> None:
    async with db.unit() as unit:
        for table in ("outbox", *(model.__tablename__ for model, _ in TABLES)):
            await unit.connection.execute(f"DELETE FROM {table}")
        for member in members:
            for account in ("spendable", "arrears"):
                unit.session.add(Account(id=f"{member}/{account}", member_id=member, standing={}))


@pytest.mark.parametrize("one_by_one", [False, True], ids=["in batches", "one by one"])
@settings(max_examples=settings().max_examples // 8)
@given(batches=st.lists(ACTS, min_size=1, max_size=5))
async def test_the_ledger_keeps_what_the_plain_orm_would(
    db: Database, second: Database, one_by_one: bool, batches: list[list[tuple[str, int, str, int]]]
) -> None:
    members = [new_id("mbr") for _ in range(2)]
    await open_accounts(db, members)
    await open_accounts(second, members)
    ledger = Ledger(MovableClock(START), NOTES, make_id=counting_ids())
    oracle = Oracle(second, counting_ids())
    till = Till(members)
    for acts in batches:
        commands = [till.command(act) for act in acts]
        answers: list[Answer] = []
        for batch in [[c] for c in commands] if one_by_one else [commands]:
            async with db.unit() as unit:
                answers += await ledger.apply(unit.connection, batch)
        expected = [await oracle.apply(command) for command in commands]
        assert [said_alike(a) for a in answers] == [said_alike(a) for a in expected]
        till.hear(answers)
    kept = await rows_of(db)
    assert kept == await rows_of(second)
    moved = {row["member_id"] for row in kept["entry"]}
    assert await notes_of(db) == {(kind, member) for kind in NOTES for member in moved}


async def notes_of(db: Database) -> set[tuple[str, str]]:
    async with db.read() as read:
        return {(row[0], row[1]) for row in await read.connection.fetch("SELECT kind, subject FROM outbox")}
