"""Writes and seals the journals of a batch in one statement, generated from the table definitions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from kernel.bulk import columns_of, insert_many, unnest_of
from kernel.database import Connection
from kernel.outbox import CHANNEL, TOUCH
from points.book import Book, CapState
from points.commands import Command
from points.decision import Decision
from points.hashchain import HEAD, SEAL, Content, canonical_facts, digests, insert_journals
from points.reward_tables import Cap, RewardClaim, Voucher
from points.tables import Account, Allocation, Arrear, Entry, Idempotency, Lot

_JOURNAL = (
    "id", "kind", "member_id", "partner_id", "location_id", "points", "amount_minor", "currency", "reverses_id",
    "cause_id", "by_member_id", "occurred_at", "recorded_at", "facts", "digest", "place",
)  # fmt: skip
_COVERED = 11  # so many columns, from the first, are covered by the digest as they are
_ENTRY = ("journal_id", "account_id", "member_id", "amount")
_LOT = (
    "id", "member_id", "issuer_id", "journal_id", "original", "remaining", "issued_at", "version_id", "pending",
    "active_at", "awaits", "expires_at", "moved_from",
)  # fmt: skip
_ALLOCATION = ("id", "journal_id", "lot_id", "member_id", "issuer_id", "acceptor_id", "points", "purpose")
_ARREAR = ("id", "member_id", "creditor_id", "journal_id", "original", "remaining")
_CLAIM = (
    "id", "member_id", "reward", "version_id", "partner_id", "points", "journal_id", "state", "deadline", "order_ref",
    "voucher_id", "ended_by",
)  # fmt: skip
_VOUCHER = (
    "id", "code", "member_id", "reward", "version_id", "partner_id", "journal_id", "state", "valid_until", "uses_left",
    "value_minor", "automatic", "used",
)  # fmt: skip
_KEY = ("partner_id", "key", "fingerprint", "effect_id", "answer")
_LOT_LEFT = ("id", "remaining", "pending", "awaits", "expires_at")
_LEFT = ("id", "remaining")
_CAP = ("id", "used")
_ACCOUNT = ("id", "balance", "version", "standing", "due_at", "frozen", "pool_id")


# Whoever uses a household's account hears of its changes too.
_NOTED = "unnest($1::text[], $2::text[]) AS note (kind, subject)"
_TOUCH_ALL = TOUCH.replace(
    _NOTED,
    f"""(SELECT kind, subject FROM {_NOTED} UNION
     SELECT kind, account.member_id FROM {_NOTED} JOIN account ON account.pool_id = note.subject) AS note""",
)


@dataclass(frozen=True, slots=True)
class Answered:
    """A command that had an effect: its journals, the account holder they are about, and the answer to be stored.

    Without an answer there is no key to store (what time alone brought about). `by_member_id` acted for a household.
    """

    command: Command
    journals: Sequence[Decision]
    main: Decision | None
    answer: bytes | None
    by_member_id: str | None = None


def _statement() -> str:
    """One statement with a common table expression per table; parameters are numbered through."""
    parts: list[str] = []
    number = 3

    def place(name: str, width: int, sql: Callable[[int], str]) -> None:
        nonlocal number
        parts.append(f"{name} AS ({sql(number)})")
        number += width

    def insert(model: Any, columns: tuple[str, ...], conflict: str = "") -> Callable[[int], str]:
        return lambda first: insert_many(model, columns, first) + conflict

    def update(model: Any, columns: tuple[str, ...]) -> Callable[[int], str]:
        table = model.__tablename__
        assigned = ", ".join(f"{name} = new.{name}" for name in columns[1:])
        names = ", ".join(columns)
        return lambda first: (
            f"UPDATE {table} SET {assigned} FROM {unnest_of(model, columns, first)} AS new ({names})"
            f" WHERE {table}.id = new.id"
        )

    parts += [f"head AS ({HEAD})", f"seals AS ({SEAL})"]
    place("journals", len(_JOURNAL), lambda first: insert_journals(_JOURNAL, first))
    place("entries", len(_ENTRY), insert(Entry, _ENTRY))
    place("lots", len(_LOT), insert(Lot, _LOT))
    place("allocations", len(_ALLOCATION), insert(Allocation, _ALLOCATION))
    place("arrears", len(_ARREAR), insert(Arrear, _ARREAR))
    ended = " ON CONFLICT (id) DO UPDATE SET state = excluded.state, ended_by = excluded.ended_by"
    place("claims", len(_CLAIM), insert(RewardClaim, _CLAIM, ended))
    voided = " ON CONFLICT (id) DO UPDATE SET state = excluded.state, uses_left = excluded.uses_left"
    place("vouchers", len(_VOUCHER), insert(Voucher, _VOUCHER, voided))
    place("keys", len(_KEY), insert(Idempotency, _KEY))
    place("left_of_lots", len(_LOT_LEFT), update(Lot, _LOT_LEFT))
    place("left_of_arrears", len(_LEFT), update(Arrear, _LEFT))
    place("caps", len(_CAP), update(Cap, _CAP))
    place("accounts", len(_ACCOUNT), update(Account, _ACCOUNT))
    place("notes", 2, lambda first: _TOUCH_ALL.replace("$1", f"${first}").replace("$2", f"${first + 1}"))
    return f"WITH {', '.join(parts)} SELECT pg_notify('{CHANNEL}', kind) FROM unnest(${number}::text[]) AS kind"


_WRITE = _statement()


async def write(
    connection: Connection,
    books: Mapping[str, Book],
    caps: Mapping[str, CapState],
    done: Sequence[Answered],
    recorded_at: datetime,
    note_kinds: Sequence[str],
) -> None:
    """Write the journals of answered commands and the state that the books and caps ended in; one round trip.

    Everyone of whom something visible changed gets one note per kind in `note_kinds`.
    """
    journals = [(d, answered) for answered in done for d in answered.journals]
    touched = sorted({d.member_id for d, _ in journals})
    contents = [_content(d, answered, recorded_at) for d, answered in journals]
    chain = digests(contents)
    shown = sorted({d.member_id for d, _ in journals if _shows(d)})
    notes = [(kind, member) for kind in note_kinds for member in shown]
    used = sorted({cap_id for d, _ in journals for cap_id in d.uses})
    parameters = [
        chain[-1],
        len(chain),
        *columns_of(_journal_rows(contents, chain), len(_JOURNAL)),
        *columns_of([(d.journal_id, *_entry(d, a, n)) for d, _ in journals for a, n in d.postings], len(_ENTRY)),
        *columns_of([_lot_row(d.member_id, lot) for d, _ in journals for lot in d.new_lots], len(_LOT)),
        *columns_of(_allocation_rows(journals), len(_ALLOCATION)),
        *columns_of(_arrear_rows(journals), len(_ARREAR)),
        *columns_of(_claim_rows(journals), len(_CLAIM)),
        *columns_of(_voucher_rows(journals), len(_VOUCHER)),
        *columns_of([row for answered in done for row in _key_rows(answered)], len(_KEY)),
        *columns_of(_lot_left_rows(books, journals), len(_LOT_LEFT)),
        *columns_of(_arrear_left_rows(books, journals), len(_LEFT)),
        *columns_of([(cap_id, caps[cap_id].used) for cap_id in used], len(_CAP)),
        *columns_of([row for member in touched for row in _account_rows(books[member])], len(_ACCOUNT)),
        *columns_of(notes, 2),
        sorted(set(note_kinds)) if shown else [],
    ]
    await connection.execute(_WRITE, *parameters)


_Journals = Sequence[tuple[Decision, Answered]]


def _shows(decision: Decision) -> bool:
    """Whether a follower may see a difference: points, vouchers, tier, awards, a notice, another account."""
    change = decision.standing
    return bool(
        decision.postings or decision.vouchers or change.tier or change.awards or change.awards_gone
        or decision.frozen is not None or decision.pool_id is not None or decision.kind == "notice"
    )  # fmt: skip


def _content(decision: Decision, answered: Answered, recorded_at: datetime) -> Content:
    command = decision.command
    return Content(
        journal=(
            decision.journal_id,
            decision.kind,
            decision.member_id,
            command.partner_id,
            command.location_id,
            decision.points,
            decision.amount_minor,
            decision.currency,
            decision.reverses_id,
            decision.cause_id,
            answered.by_member_id,
        ),
        occurred_at=command.occurred_at.astimezone(UTC),
        recorded_at=recorded_at.astimezone(UTC),
        facts=canonical_facts(decision.facts),
        entries=[_entry(decision, account, amount) for account, amount in decision.postings],
        lots=[
            (
                lot.id, decision.member_id, lot.issuer_id, lot.original, lot.issued_at.astimezone(UTC), lot.version_id,
                lot.moved_from,
            )
            for lot in decision.new_lots
        ],
        arrears=[(a.id, decision.member_id, a.creditor_id, a.original) for a in decision.new_arrears],
        allocations=[
            (a.id, a.lot_id, decision.member_id, a.issuer_id, a.acceptor_id, a.points, a.purpose)
            for a in decision.allocations
        ],
    )  # fmt: skip


def _journal_rows(contents: Sequence[Content], chain: Sequence[bytes]) -> list[tuple[object, ...]]:
    return [
        (*content.journal, content.occurred_at, content.recorded_at, content.facts.decode(), digest, place)
        for place, (content, digest) in enumerate(zip(contents, chain, strict=True), start=1)
    ]


def _entry(decision: Decision, account: str, amount: int) -> tuple[str, str, int]:
    return account, decision.member_id, amount


def _lot_row(member_id: str, lot: Any) -> tuple[object, ...]:
    """A new lot as the batch leaves it: a later command of the same batch may have used it already."""
    return (
        lot.id, member_id, lot.issuer_id, lot.journal_id, lot.original, lot.remaining, lot.issued_at, lot.version_id,
        lot.pending, lot.active_at, lot.awaits, lot.expires_at, lot.moved_from,
    )  # fmt: skip


def _allocation_rows(journals: _Journals) -> list[tuple[object, ...]]:
    return [
        (a.id, d.journal_id, a.lot_id, d.member_id, a.issuer_id, a.acceptor_id, a.points, a.purpose)
        for d, _ in journals
        for a in d.allocations
    ]


def _arrear_rows(journals: _Journals) -> list[tuple[object, ...]]:
    return [
        (arrear.id, d.member_id, arrear.creditor_id, arrear.journal_id, arrear.original, arrear.remaining)
        for d, _ in journals
        for arrear in d.new_arrears
    ]


def _claim_rows(journals: _Journals) -> list[tuple[object, ...]]:
    """Claims as the batch leaves them."""
    rows: dict[str, tuple[object, ...]] = {}
    for d, _ in journals:
        for c in d.claims:
            rows[c.id] = (
                c.id, d.member_id, c.reward, c.version_id, c.partner_id, c.points, c.journal_id, c.state, c.deadline,
                c.order, c.voucher_id, c.ended_by,
            )  # fmt: skip
    return list(rows.values())


def _voucher_rows(journals: _Journals) -> list[tuple[object, ...]]:
    rows: dict[str, tuple[object, ...]] = {}
    for d, _ in journals:
        for v in d.vouchers:
            rows[v.id] = (
                v.id, v.code, d.member_id, v.reward, v.version_id, v.partner_id, v.journal_id, v.state, v.valid_until,
                v.uses_left, v.value_minor, v.automatic, v.used,
            )  # fmt: skip
    return list(rows.values())


def _key_rows(answered: Answered) -> list[tuple[object, ...]]:
    if answered.answer is None or answered.main is None:
        return []
    owner, key = answered.command.known_by
    return [(owner, key, answered.command.fingerprint, answered.main.journal_id, answered.answer)]


def _lot_left_rows(books: Mapping[str, Book], journals: _Journals) -> list[tuple[object, ...]]:
    """What the batch leaves of lots that were there before it; new ones are inserted as they end."""
    new = {lot.id for d, _ in journals for lot in d.new_lots}
    changed = {
        (d.member_id, lot_id)
        for d, _ in journals
        for lot_id in (*d.changed_lots, *d.activated, *d.awaiting, *d.prolonged)
    }
    rows: list[tuple[object, ...]] = []
    for member_id, lot_id in sorted(changed):
        if lot_id not in new:
            lot = books[member_id].lots[lot_id]
            rows.append((lot.id, lot.remaining, lot.pending, lot.awaits, lot.expires_at))
    return rows


def _arrear_left_rows(books: Mapping[str, Book], journals: _Journals) -> list[tuple[object, ...]]:
    new = {arrear.id for d, _ in journals for arrear in d.new_arrears}
    changed = {(d.member_id, arrear_id) for d, _ in journals for arrear_id in d.changed_arrears}
    return [
        (arrear_id, books[member_id].open_arrears[arrear_id].remaining)
        for member_id, arrear_id in sorted(changed)
        if arrear_id not in new
    ]


def _account_rows(book: Book) -> list[tuple[object, ...]]:
    standing = msgspec.json.encode(book.standing).decode()
    return [
        (
            f"{book.member_id}/spendable", book.spendable, book.version, standing, book.due_at, book.frozen,
            book.pool_id,
        ),
        (f"{book.member_id}/arrears", -book.arrears, book.version, "{}", None, False, None),
    ]  # fmt: skip
