"""Writes the decisions of a batch in one statement, generated from the table definitions."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from kernel.bulk import columns_of, insert_many, unnest_of
from kernel.database import Connection
from kernel.outbox import CHANNEL, TOUCH
from points.book import Book
from points.decide import Decision
from points.tables import Account, Allocation, Arrear, Carry, Entry, Idempotency, Journal, Lot

_JOURNAL = (
    "id", "kind", "member_id", "partner_id", "location_id", "points", "amount_minor", "currency", "reverses_id",
    "occurred_at", "recorded_at", "facts",
)  # fmt: skip
_ENTRY = ("journal_id", "account_id", "member_id", "amount")
_LOT = ("id", "member_id", "issuer_id", "journal_id", "original", "remaining", "issued_at")
_ALLOCATION = ("id", "journal_id", "lot_id", "member_id", "issuer_id", "acceptor_id", "points")
_ARREAR = ("id", "member_id", "creditor_id", "journal_id", "original", "remaining")
_CARRY = ("member_id", "partner_id", "numerator", "denominator")
_KEY = ("partner_id", "key", "fingerprint", "effect_id", "answer")
_LEFT = ("id", "remaining")
_ACCOUNT = ("id", "balance", "version")


def _statement() -> str:
    """One statement with a common table expression per table; parameters are numbered through."""
    parts: list[str] = []
    number = 1

    def place(name: str, sql: str, width: int) -> None:
        nonlocal number
        parts.append(f"{name} AS ({sql})")
        number += width

    place("journals", insert_many(Journal, _JOURNAL, number), len(_JOURNAL))
    place("entries", insert_many(Entry, _ENTRY, number), len(_ENTRY))
    place("lots", insert_many(Lot, _LOT, number), len(_LOT))
    place("allocations", insert_many(Allocation, _ALLOCATION, number), len(_ALLOCATION))
    place("arrears", insert_many(Arrear, _ARREAR, number), len(_ARREAR))
    carry = insert_many(Carry, _CARRY, number)
    carry += " ON CONFLICT (member_id, partner_id) DO UPDATE SET"
    carry += " numerator = excluded.numerator, denominator = excluded.denominator"
    place("carries", carry, len(_CARRY))
    place("keys", insert_many(Idempotency, _KEY, number), len(_KEY))
    for table, model in (("lot", Lot), ("arrear", Arrear)):
        rows = unnest_of(model, _LEFT, number)
        update = f"UPDATE {table} SET remaining = new.remaining FROM {rows} AS new (id, remaining)"
        place(f"left_of_{table}", f"{update} WHERE {table}.id = new.id", len(_LEFT))
    rows = unnest_of(Account, _ACCOUNT, number)
    update = (
        f"UPDATE account SET balance = new.balance, version = new.version FROM {rows} AS new (id, balance, version)"
    )
    place("accounts", f"{update} WHERE account.id = new.id", len(_ACCOUNT))
    place("notes", TOUCH.replace("$1", f"${number}").replace("$2", f"${number + 1}"), 2)
    return f"WITH {', '.join(parts)} SELECT pg_notify('{CHANNEL}', kind) FROM unnest(${number}::text[]) AS kind"


_WRITE = _statement()


async def write(
    connection: Connection,
    books: Mapping[str, Book],
    done: Sequence[tuple[str, Decision, bytes]],
    recorded_at: datetime,
    note_kinds: Sequence[str],
) -> None:
    """Write the journals of (member, decision, stored answer) triples and the state that the books ended in.

    One round trip. Members whose points moved get one note per kind in `note_kinds`.
    """
    decisions = [(member, decision) for member, decision, _ in done]
    touched = sorted({member for member, decision in decisions if decision.postings})
    notes = [(kind, member) for kind in note_kinds for member in touched]
    parameters = [
        *columns_of([_journal_row(m, d, recorded_at) for m, d in decisions], len(_JOURNAL)),
        *columns_of([(d.journal_id, account, m, n) for m, d in decisions for account, n in d.postings], len(_ENTRY)),
        *columns_of(_lot_rows(decisions, recorded_at), len(_LOT)),
        *columns_of(_allocation_rows(decisions), len(_ALLOCATION)),
        *columns_of(_arrear_rows(decisions), len(_ARREAR)),
        *columns_of(_carry_rows(books, decisions), len(_CARRY)),
        *columns_of([_key_row(decision, answer) for _, decision, answer in done], len(_KEY)),
        *columns_of(_left_rows(books, decisions, "lots"), len(_LEFT)),
        *columns_of(_left_rows(books, decisions, "arrears"), len(_LEFT)),
        *columns_of(_account_rows(books, touched), len(_ACCOUNT)),
        *columns_of(notes, 2),
        sorted(set(note_kinds)) if touched else [],
    ]
    await connection.execute(_WRITE, *parameters)


def _journal_row(member: str, decision: Decision, recorded_at: datetime) -> tuple[object, ...]:
    command = decision.command
    return (
        decision.journal_id,
        decision.kind,
        member,
        command.partner_id,
        command.location_id,
        decision.points,
        decision.amount_minor,
        decision.currency,
        decision.reverses_id,
        command.occurred_at,
        recorded_at,
        msgspec.json.encode(decision.facts).decode(),
    )


def _lot_rows(decisions: Sequence[tuple[str, Decision]], issued_at: datetime) -> list[tuple[object, ...]]:
    """New lots as the batch leaves them: a later command of the same batch may have used them already."""
    return [
        (lot.id, member, lot.issuer_id, lot.journal_id, lot.original, lot.remaining, issued_at)
        for member, decision in decisions
        if (lot := decision.new_lot) is not None
    ]


def _allocation_rows(decisions: Sequence[tuple[str, Decision]]) -> list[tuple[object, ...]]:
    return [
        (a.id, decision.journal_id, a.lot_id, member, a.issuer_id, a.acceptor_id, a.points)
        for member, decision in decisions
        for a in decision.allocations
    ]


def _arrear_rows(decisions: Sequence[tuple[str, Decision]]) -> list[tuple[object, ...]]:
    return [
        (arrear.id, member, arrear.creditor_id, arrear.journal_id, arrear.original, arrear.remaining)
        for member, decision in decisions
        if (arrear := decision.new_arrear) is not None
    ]


def _carry_rows(books: Mapping[str, Book], decisions: Sequence[tuple[str, Decision]]) -> list[tuple[object, ...]]:
    pairs = {(member, decision.carry[0]) for member, decision in decisions if decision.carry is not None}
    return [
        (member, partner, (carry := books[member].carries[partner]).numerator, carry.denominator)
        for member, partner in sorted(pairs)
    ]


def _key_row(decision: Decision, answer: bytes) -> tuple[object, ...]:
    command = decision.command
    return command.partner_id, command.key, command.fingerprint, decision.journal_id, answer


def _left_rows(
    books: Mapping[str, Book], decisions: Sequence[tuple[str, Decision]], what: str
) -> list[tuple[str, int]]:
    """What the batch leaves of lots (or arrears) that were there before it; new ones are inserted as they end."""
    left: dict[str, int] = {}
    new: set[str] = set()
    for member, decision in decisions:
        if what == "lots":
            new |= {decision.new_lot.id} if decision.new_lot else set()
            left |= {lot_id: books[member].lots[lot_id].remaining for lot_id, _ in decision.changed_lots}
        else:
            new |= {decision.new_arrear.id} if decision.new_arrear else set()
            left |= {id_: books[member].open_arrears[id_].remaining for id_, _ in decision.changed_arrears}
    return sorted((id_, remaining) for id_, remaining in left.items() if id_ not in new)


def _account_rows(books: Mapping[str, Book], touched: Sequence[str]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for member in touched:
        book = books[member]
        rows.append((f"{member}/spendable", book.spendable, book.version))
        rows.append((f"{member}/arrears", -book.arrears, book.version))
    return rows
