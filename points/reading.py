"""Reads what the decisions of a batch need: one statement to lock, one to read, whatever the programme is like."""

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from kernel.database import Connection
from points.book import ArrearState, Book, CapState, ClaimState, LotState, Past, VoucherState
from points.commands import Act, Capture, Claim, Command, Earn, Judge, Mark, Mature, Merge, Release, Reverse, Transfer
from points.programme.standing import Standing

# Members first, caps after them, each in id order: the one order in which everybody locks. Rows of a member who uses a
# household's account name it; that is locked by the same statement again.
_LOCK = """
WITH members AS MATERIALIZED (
    SELECT member_id, balance, version, standing, due_at, frozen, pool_id, may_spend FROM account
    WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE),
shared AS MATERIALIZED (SELECT id, size, used FROM cap WHERE id = ANY($2::text[]) ORDER BY id FOR NO KEY UPDATE)
SELECT member_id AS id, balance AS n, version AS m, standing, due_at, frozen, pool_id, may_spend, false AS shared
FROM members
UNION ALL
SELECT id, size, used, NULL, NULL, NULL, NULL, NULL, true FROM shared
"""

# A lot that came from another account says which journal issued its first points.
_LOT = """
jsonb_build_array(id, issuer_id, journal_id, original, remaining, issued_at, version_id, pending, active_at, awaits,
                  expires_at, moved_from, CASE WHEN moved_from IS NOT NULL THEN (
                      WITH RECURSIVE before AS (
                          SELECT lot.journal_id, lot.moved_from FROM lot WHERE lot.id = lots.moved_from
                          UNION ALL
                          SELECT lot.journal_id, lot.moved_from FROM before JOIN lot ON lot.id = before.moved_from)
                      SELECT before.journal_id FROM before WHERE before.moved_from IS NULL) END)
"""

_READ = f"""
SELECT 'key' AS what, partner_id AS owner,
       jsonb_build_array(key, encode(fingerprint, 'base64'), encode(answer, 'base64')) AS doc
FROM idempotency WHERE (partner_id, key) IN (SELECT * FROM unnest($1::text[], $2::text[]))
UNION ALL
SELECT 'arrear', member_id, jsonb_build_array(id, creditor_id, journal_id, original, remaining)
FROM arrear WHERE member_id = ANY($3::text[]) AND remaining > 0
UNION ALL
SELECT 'pending', member_id, to_jsonb(sum(remaining)) FROM lot
WHERE member_id = ANY($3::text[]) AND pending AND remaining > 0 GROUP BY member_id
UNION ALL
SELECT 'lot', member_id, {_LOT} FROM (
    SELECT * FROM lot WHERE member_id = ANY($4::text[]) AND remaining > 0
    UNION
    SELECT lot.* FROM lot JOIN allocation ON allocation.lot_id = lot.id WHERE allocation.journal_id = ANY($5::text[])
    UNION
    SELECT lot.* FROM lot JOIN allocation ON allocation.lot_id = lot.id
        JOIN voucher ON voucher.journal_id = allocation.journal_id
    WHERE voucher.member_id = ANY($6::text[]) AND voucher.state = 'issued'
    UNION
    SELECT lot.* FROM lot JOIN allocation ON allocation.lot_id = lot.id
        JOIN claim ON claim.journal_id = allocation.journal_id
    WHERE claim.member_id = ANY($7::text[]) AND claim.state = 'held'
) AS lots
UNION ALL
SELECT 'past', journal.member_id,
       jsonb_build_array(id, kind, partner_id, points, amount_minor, currency, facts, reversals.sums, (
           SELECT jsonb_agg(jsonb_build_array(allocation.issuer_id, allocation.points))
           FROM lot JOIN allocation ON allocation.lot_id = lot.id AND purpose = 'expired'
           WHERE lot.journal_id = journal.id))
FROM journal, LATERAL (
    SELECT jsonb_build_array(count(*), coalesce(sum(back.points), 0), coalesce(sum(back.amount_minor), 0),
                             coalesce(jsonb_agg(back.facts -> 'returned') FILTER (WHERE back.facts ? 'returned'), '[]'),
                             coalesce(jsonb_agg(back.facts -> 'forgone') FILTER (WHERE back.facts ? 'forgone'), '[]'))
        AS sums
    FROM journal back WHERE back.reverses_id = journal.id) AS reversals
WHERE id = ANY($5::text[])
   OR id IN (SELECT journal_id FROM voucher WHERE member_id = ANY($6::text[]) AND state = 'issued')
   OR id IN (SELECT journal_id FROM claim WHERE member_id = ANY($7::text[]) AND state = 'held')
UNION ALL
SELECT 'voucher', member_id,
       jsonb_build_array(id, code, reward, version_id, partner_id, journal_id, state, valid_until, uses_left,
                         value_minor, automatic, used)
FROM voucher WHERE (member_id = ANY($6::text[]) AND state = 'issued') OR journal_id = ANY($5::text[])
UNION ALL
SELECT 'claim', member_id,
       jsonb_build_array(id, reward, version_id, partner_id, points, journal_id, state, deadline, order_ref,
                         voucher_id, ended_by)
FROM claim WHERE id = ANY($5::text[]) OR (member_id = ANY($3::text[]) AND state = 'held')
   OR (member_id, order_ref) IN (SELECT * FROM unnest($8::text[], $9::text[]))
UNION ALL
SELECT 'rewarded', voucher_move.member_id, jsonb_build_array(order_ref, reward)
FROM voucher_move JOIN voucher ON voucher.id = voucher_move.voucher_id
WHERE kind = 'used' AND (voucher_move.member_id, order_ref) IN (SELECT * FROM unnest($8::text[], $9::text[]))
"""

# Slices that a journal used, less what was given back of them since; cures that a reversal made are not among them.
_USED = """
SELECT original.journal_id, original.lot_id, original.points + coalesce(sum(back.points), 0)::bigint AS points
FROM allocation original
LEFT JOIN journal later ON later.reverses_id = original.journal_id
LEFT JOIN allocation back ON back.journal_id = later.id AND back.lot_id = original.lot_id AND back.points < 0
WHERE original.journal_id = ANY($1::text[]) AND original.points > 0
GROUP BY original.id, original.journal_id, original.lot_id, original.points
ORDER BY original.id
"""

_ORIGINS = """
WITH RECURSIVE used AS (
    SELECT member_id, pool_id FROM account WHERE id IN (SELECT m || '/spendable' FROM unnest($2::text[]) AS m)
    UNION
    SELECT pool.member_id, pool.pool_id FROM used JOIN account pool ON pool.id = used.pool_id || '/spendable')
SELECT journal.id, journal.member_id, journal.facts -> 'uses' AS uses, journal.facts -> 'undo' -> 'uses' AS undo
FROM journal
WHERE id = ANY($1::text[])
   OR id IN (SELECT journal_id FROM claim WHERE member_id IN (SELECT member_id FROM used) AND state = 'held')
   OR id IN (SELECT voucher.journal_id FROM voucher JOIN journal earned ON earned.member_id = voucher.member_id
             WHERE earned.id = ANY($1::text[]) AND voucher.state = 'issued')
"""

# What may be in the facts of a journal that can be reversed.
_REVERSIBLE = ("redeem", "capture", "claim")


@dataclass(frozen=True, slots=True)
class Origins:
    """Whose the journals are that commands speak of, and which shared caps undoing them would touch."""

    members: Mapping[str, str] = field(default_factory=dict)
    caps: frozenset[str] = frozenset()


async def origins(connection: Connection, commands: Sequence[Command]) -> Origins:
    """Journals never change, so this needs no lock."""
    journals = [named for c in commands if (named := journal_of(c)) is not None]
    maturing = [c.member_id for c in commands if isinstance(c, Mature)]
    if not journals and not maturing:
        return Origins()
    rows = await connection.fetch(_ORIGINS, journals, maturing)
    caps = {cap for row in rows for uses in (row["uses"], row["undo"]) for cap in uses or ()}
    return Origins({row["id"]: row["member_id"] for row in rows}, frozenset(caps))


def journal_of(command: Command) -> str | None:
    """The journal that a command speaks of: a claim has the id of the journal that made it."""
    if isinstance(command, Reverse | Act | Judge):
        return command.journal_id
    return command.claim_id if isinstance(command, Capture | Release) else None


async def lock(
    connection: Connection, member_ids: Iterable[str], caps: Iterable[str], *, holding: bool = True
) -> "Locked":
    """Lock members and caps in order and open their books; those that do not exist are missing.

    Without `holding` nothing is locked: what is read is a look at a snapshot.
    """
    sql = _LOCK if holding else _LOCK.replace("FOR NO KEY UPDATE", "")
    locked = Locked()
    await _open(connection, sql, locked, member_ids, caps)
    while pools := {book.pool_id for book in locked.books.values() if book.pool_id} - locked.books.keys():
        await _open(connection, sql, locked, sorted(pools), ())
    return locked


@dataclass(slots=True)
class Locked:
    """The locked rows: books by the id of whose account it is, and shared caps."""

    books: dict[str, Book] = field(default_factory=dict)
    caps: dict[str, CapState] = field(default_factory=dict)

    def book_of(self, member_id: str) -> Book | None:
        """The book that a member uses: their own, or the one of their household."""
        book = self.books.get(member_id)
        while book is not None and book.pool_id:
            book = self.books.get(book.pool_id)
        return book


async def _open(
    connection: Connection, sql: str, locked: Locked, member_ids: Iterable[str], caps: Iterable[str]
) -> None:
    accounts = sorted(f"{member_id}/spendable" for member_id in set(member_ids))
    for row in await connection.fetch(sql, accounts, sorted(set(caps))):
        if row["shared"]:
            locked.caps[row["id"]] = CapState(row["id"], row["n"], row["m"])
        else:
            locked.books[row["id"]] = Book(
                member_id=row["id"],
                version=row["m"],
                spendable=row["n"],
                frozen=row["frozen"],
                pool_id=row["pool_id"],
                may_spend=row["may_spend"],
                due_at=row["due_at"],
                standing=msgspec.convert(row["standing"], Standing, strict=False),
            )


Seen = dict[tuple[str, str], tuple[bytes, bytes]]


async def read_books(
    connection: Connection, locked: Locked, work: Sequence[tuple[str, Command]], whole: Iterable[str]
) -> Seen:
    """Fill the books with what the (account holder, command) pairs need; the answers of keys used before.

    `whole` names holders whose lots are needed although their commands alone would not ask for them.
    """
    asked = [c.known_by for _, c in work if not isinstance(c, Mature)]
    lots = {*whole, *(m for m, c in work if not isinstance(c, Earn | Mark))}
    lots |= {b.member_id for _, c in work if isinstance(c, Transfer | Merge) if (b := locked.book_of(c.to_member_id))}
    refunding = {m for m, c in work if isinstance(c, Reverse | Judge)}
    journals = {named for _, c in work if (named := journal_of(c)) is not None}
    journals |= {a.journal_id for m in refunding if m in locked.books for a in _awards(locked.books[m]) if a.journal_id}
    holding = {m for m, c in work if isinstance(c, Mature | Merge)}
    orders = [(m, c.order) for m, c in work if isinstance(c, Claim) and c.order is not None]
    rows = await connection.fetch(
        _READ,
        [owner for owner, _ in asked],
        [key for _, key in asked],
        sorted(locked.books),
        sorted(lots),
        sorted(journals),
        sorted(refunding),
        sorted(holding),
        [m for m, _ in orders],
        [order for _, order in orders],
    )
    seen: Seen = {}
    for row in rows:
        if row["what"] == "key":
            key, fingerprint, answer = row["doc"]
            seen[row["owner"], key] = (b64decode(fingerprint), b64decode(answer))
        elif (book := locked.book_of(row["owner"])) is not None:
            if row["owner"] == book.member_id or row["what"] in _FOLLOWS:
                _FILL[row["what"]](book, row["doc"])
            if row["what"] == "lot":
                book.lots[row["doc"][0]].elsewhere = row["owner"] != book.member_id
    await _read_used(connection, locked.books)
    return seen


def _awards(book: Book) -> Iterable[Any]:
    return (award for awards in book.standing.awards.values() for award in awards)


async def _read_used(connection: Connection, books: Mapping[str, Book]) -> None:
    pasts = {id_: past for book in books.values() for id_, past in book.past.items() if past.kind in _REVERSIBLE}
    if pasts:
        for row in await connection.fetch(_USED, list(pasts)):
            pasts[row["journal_id"]].used.append((row["lot_id"], row["points"]))


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def _lot(book: Book, doc: list[Any]) -> None:
    doc[5], doc[8], doc[10] = _moment(doc[5]), _moment(doc[8]), _moment(doc[10])
    lot = LotState(*doc)
    book.lots[lot.id] = lot


def _pending(book: Book, points: int) -> None:
    book.pending = points


def _arrear(book: Book, doc: list[Any]) -> None:
    arrear = ArrearState(*doc)
    book.open_arrears[arrear.id] = arrear
    book.arrears += arrear.remaining


def _past(book: Book, doc: list[Any]) -> None:
    *known, (reversals, back, minor, returned, forgone), expired = doc
    past = Past(*known)
    past.reversals, past.reversed_points, past.reversed_minor = reversals, back, minor
    counted = ((issuer_id, -n) for by_issuer in forgone for issuer_id, n in by_issuer.items())
    for issuer_id, n in (*(expired or ()), *counted):
        past.expired[issuer_id] = past.expired.get(issuer_id, 0) + n
    for line, amount in (pair for pairs in returned for pair in pairs):
        past.returned[line] = past.returned.get(line, 0) + amount
    book.past[past.id] = past


def _voucher(book: Book, doc: list[Any]) -> None:
    doc[7] = _moment(doc[7])
    voucher = VoucherState(*doc)
    book.vouchers[voucher.id] = voucher


def _claim(book: Book, doc: list[Any]) -> None:
    doc[7] = _moment(doc[7])
    claim = ClaimState(*doc)
    book.claims[claim.id] = claim
    book.held += claim.points if claim.state == "held" else 0


def _rewarded(book: Book, doc: list[str]) -> None:
    order, reward = doc
    book.rewarded[order] = (*book.rewarded.get(order, ()), reward)


# What stays with the member it was written for, but counts in the account that they use now.
_FOLLOWS = ("past", "lot", "voucher")

_FILL: dict[str, Callable[[Book, Any], None]] = {
    "lot": _lot,
    "pending": _pending,
    "arrear": _arrear,
    "past": _past,
    "voucher": _voucher,
    "rewarded": _rewarded,
    "claim": _claim,
}
