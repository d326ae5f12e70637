"""Reads what the decisions of a batch need, set by set, after the members' rows are locked."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from kernel.database import Connection
from points.book import ArrearState, Book, LotState, Past
from points.commands import Command, Redeem, Reverse

_LOCK = """
SELECT member_id, balance, version FROM account
WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE
"""

_ARREARS = "SELECT member_id, balance FROM account WHERE id = ANY($1::text[]) AND balance <> 0"

_CARRIES = """
SELECT member_id, partner_id, numerator, denominator FROM carry
WHERE (member_id, partner_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""

_LOTS = """
SELECT id, member_id, issuer_id, journal_id, original, remaining FROM lot
WHERE member_id = ANY($1::text[]) AND remaining > 0
UNION
SELECT id, member_id, issuer_id, journal_id, original, remaining FROM lot
WHERE id IN (SELECT lot_id FROM allocation WHERE journal_id = ANY($2::text[]))
"""

_OPEN_ARREARS = """
SELECT id, member_id, creditor_id, journal_id, original, remaining FROM arrear
WHERE member_id = ANY($1::text[]) AND remaining > 0
"""

_PAST = """
SELECT id, kind, member_id, partner_id, points, amount_minor, currency, facts FROM journal WHERE id = ANY($1::text[])
"""

_REVERSED = """
SELECT reverses_id, sum(points)::bigint AS points, sum(coalesce(amount_minor, 0))::bigint AS minor
FROM journal WHERE reverses_id = ANY($1::text[]) GROUP BY reverses_id
"""

# Slices that a redemption used, less what its reversals gave back; cures that a reversal made are not among them.
_USED = """
SELECT original.journal_id, original.lot_id, original.points + coalesce(sum(back.points), 0)::bigint AS points
FROM allocation original
LEFT JOIN journal reversal ON reversal.reverses_id = original.journal_id
LEFT JOIN allocation back
    ON back.journal_id = reversal.id AND back.lot_id = original.lot_id AND back.points < 0
WHERE original.journal_id = ANY($1::text[])
GROUP BY original.id, original.journal_id, original.lot_id, original.points
ORDER BY original.id
"""

_SEEN = """
SELECT partner_id, key, fingerprint, answer FROM idempotency
WHERE (partner_id, key) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""


async def members_of_journals(connection: Connection, journal_ids: Sequence[str]) -> Mapping[str, str]:
    """Which member each journal belongs to; journals never change, so this needs no lock."""
    if not journal_ids:
        return {}
    rows = await connection.fetch("SELECT id, member_id FROM journal WHERE id = ANY($1::text[])", journal_ids)
    return {row["id"]: row["member_id"] for row in rows}


async def lock(connection: Connection, member_ids: Iterable[str]) -> dict[str, Book]:
    """Lock the members in id order and open their books; members that do not exist are missing."""
    accounts = sorted(f"{member_id}/spendable" for member_id in set(member_ids))
    rows = await connection.fetch(_LOCK, accounts)
    return {row["member_id"]: Book(row["member_id"], row["version"], row["balance"]) for row in rows}


async def seen(connection: Connection, commands: Sequence[Command]) -> dict[tuple[str, str], tuple[bytes, bytes]]:
    """(partner, key) -> (fingerprint, stored answer) for the keys that were used before. Read after the locks."""
    partners, keys = [c.partner_id for c in commands], [c.key for c in commands]
    rows = await connection.fetch(_SEEN, partners, keys)
    return {(row["partner_id"], row["key"]): (row["fingerprint"], row["answer"]) for row in rows}


async def read_books(connection: Connection, books: Mapping[str, Book], work: Sequence[tuple[str, Command]]) -> None:
    """Fill the books of (member, command) pairs with what those commands need."""
    carries = {(member, c.partner_id) for member, c in work if not isinstance(c, Redeem) and member in books}
    if carries:
        await _read_carries(connection, books, sorted(carries))
    owing = await _read_arrears(connection, books)
    spending = sorted({member for member, c in work if isinstance(c, Redeem | Reverse) and member in books})
    journals = sorted({c.journal_id for _, c in work if isinstance(c, Reverse)})
    if spending:
        await _read_lots(connection, books, spending, journals)
    if owing:
        await _read_open_arrears(connection, books, owing)
    if journals:
        await _read_past(connection, books, journals)


async def _read_carries(connection: Connection, books: Mapping[str, Book], pairs: Sequence[tuple[str, str]]) -> None:
    for row in await connection.fetch(_CARRIES, [m for m, _ in pairs], [p for _, p in pairs]):
        books[row["member_id"]].carries[row["partner_id"]] = Fraction(row["numerator"], row["denominator"])


async def _read_arrears(connection: Connection, books: Mapping[str, Book]) -> list[str]:
    rows = await connection.fetch(_ARREARS, [f"{member_id}/arrears" for member_id in books])
    for row in rows:
        books[row["member_id"]].arrears = -row["balance"]
    return [row["member_id"] for row in rows]


async def _read_lots(
    connection: Connection, books: Mapping[str, Book], members: Sequence[str], journals: Sequence[str]
) -> None:
    for row in await connection.fetch(_LOTS, members, journals):
        book = books.get(row["member_id"])
        if book is not None:
            book.lots[row["id"]] = LotState(
                row["id"], row["issuer_id"], row["journal_id"], row["original"], row["remaining"]
            )


async def _read_open_arrears(connection: Connection, books: Mapping[str, Book], members: Sequence[str]) -> None:
    for row in await connection.fetch(_OPEN_ARREARS, members):
        books[row["member_id"]].open_arrears[row["id"]] = ArrearState(
            row["id"], row["creditor_id"], row["journal_id"], row["original"], row["remaining"]
        )


async def _read_past(connection: Connection, books: Mapping[str, Book], journals: Sequence[str]) -> None:
    past: dict[str, Past] = {}
    for row in await connection.fetch(_PAST, journals):
        found = Past(
            id=row["id"],
            kind=row["kind"],
            partner_id=row["partner_id"],
            points=row["points"],
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            facts=row["facts"],
        )
        past[found.id] = found
        if row["member_id"] in books:
            books[row["member_id"]].past[found.id] = found
    for row in await connection.fetch(_REVERSED, journals):
        past[row["reverses_id"]].reversed_points = row["points"]
        past[row["reverses_id"]].reversed_minor = row["minor"]
    redemptions = [journal_id for journal_id, found in past.items() if found.kind == "redeem"]
    if redemptions:
        for row in await connection.fetch(_USED, redemptions):
            past[row["journal_id"]].used.append((row["lot_id"], row["points"]))
