"""Who owes whom because of a redemption, written in the ledger's own transaction.

- A redemption is priced by the terms in force when it was recorded. The issuer's own points honoured by itself make no
  obligation: nobody owes anybody, and the operator has cleared nothing.
- A reward that a partner supplies at an agreed price is paid at that price, shared among the issuers by their points.
- Points given back are priced as they were when they were honoured (never by today's terms), so that a redemption and
  its reversal sum to exactly nothing, whatever was published in between.
"""

from collections.abc import Sequence
from typing import Any

import asyncpg

from kernel.database import Connection
from kernel.errors import Conflict, Invalid
from kernel.ids import new_id
from kernel.money import micros_per_minor
from network.terms import TermsMissing
from points.decision import Allocated
from points.ledger import Posted

_ASKED = """
unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::timestamptz[])
    AS asked (id, allocation_id, journal_id, lot_id, issuer_id, acceptor_id, points, recorded_at)
"""

_INSERT = """
INSERT INTO obligation (id, allocation_id, journal_id, lot_id, issuer_id, acceptor_id, points, recorded_at,
                        issuer_micros, acceptor_micros, currency)
"""

_HONOURED = f"""{_INSERT}
SELECT asked.*, points * issuer.issuer_pays_micros, points * acceptor.acceptor_gets_micros, issuer.currency
FROM {_ASKED}
JOIN LATERAL (SELECT * FROM terms WHERE partner_id = asked.issuer_id AND effective_from <= asked.recorded_at
              ORDER BY effective_from DESC LIMIT 1) AS issuer ON true
JOIN LATERAL (SELECT * FROM terms WHERE partner_id = asked.acceptor_id AND effective_from <= asked.recorded_at
              ORDER BY effective_from DESC LIMIT 1) AS acceptor ON acceptor.currency = issuer.currency
"""

_GIVEN_BACK = f"""{_INSERT}
SELECT asked.*,
       CASE WHEN asked.points = -was.points THEN -was.issuer_micros
            ELSE asked.points * (was.issuer_micros / was.points) END,
       CASE WHEN asked.points = -was.points THEN -was.acceptor_micros
            ELSE asked.points * (was.acceptor_micros / was.points) END,
       was.currency
FROM {_ASKED}
JOIN journal ON journal.id = asked.journal_id
JOIN obligation AS was ON was.journal_id = journal.reverses_id AND was.lot_id = asked.lot_id
    AND was.acceptor_id = asked.acceptor_id AND was.points > 0
"""


# What is supplied at an agreed price is paid at that price: $9 are micros.
_AGREED = f"""{_INSERT}
SELECT asked.*, price.micros, price.micros, issuer.currency
FROM {_ASKED}
JOIN unnest($1::text[], $9::bigint[]) AS price (id, micros) ON price.id = asked.id
JOIN LATERAL (SELECT * FROM terms WHERE partner_id = asked.issuer_id AND effective_from <= asked.recorded_at
              ORDER BY effective_from DESC LIMIT 1) AS issuer ON true
"""


class ObligationTooLarge(Invalid):
    """So many points at such a price are more money than an obligation can hold."""

    code = "obligation_too_large"
    title = "The redemption is too large to be cleared"


class RedemptionUnpriced(Conflict):
    """Points are given back for which no obligation was ever recorded."""

    code = "redemption_unpriced"
    title = "The redemption has no obligation"


async def record_obligations(connection: Connection, posted: Sequence[Posted]) -> None:
    """A ledger step: one obligation per allocation between two partners, at most once per allocation.

    Raises TermsMissing when a partner has no terms to price a redemption by, RedemptionUnpriced; both undo the command.
    """
    rows = [
        (new_id("obl"), a.id, p.journal_id, a.lot_id, a.issuer_id, a.acceptor_id, a.points, p.recorded_at)
        for p in posted
        for a in p.allocations
        if a.purpose == "honoured" and a.acceptor_id is not None and a.acceptor_id != a.issuer_id
    ]
    agreed = {p.journal_id: p.price_minor for p in posted if p.price_minor is not None}
    priced = [row for row in rows if row[6] > 0 and row[2] in agreed]
    if priced and await _insert(connection, _AGREED, await _shared(connection, priced, posted)) != len(priced):
        raise TermsMissing("A partner of this redemption has no terms in force.")
    honoured = [row for row in rows if row[6] > 0 and row[2] not in agreed]
    if honoured and await _insert(connection, _HONOURED, honoured) != len(honoured):
        raise TermsMissing("A partner of this redemption has no terms in force.")
    given_back = [row for row in rows if row[6] < 0]
    if given_back and await _insert(connection, _GIVEN_BACK, given_back) != len(given_back):
        raise RedemptionUnpriced("Points are given back that were never recorded as honoured.")


async def _shared(
    connection: Connection, rows: Sequence[tuple[Any, ...]], posted: Sequence[Posted]
) -> list[tuple[Any, ...]]:
    """The rows with each one's part of the agreed price, in proportion to the points; the largest remainders round up.

    The part of points that the supplier issued itself is owed by nobody.
    """
    per_minor = micros_per_minor(await connection.fetchval("SELECT currency FROM terms LIMIT 1"))
    parts: dict[str, int] = {}
    for p in posted:
        if p.price_minor is not None:
            slices = [a for a in p.allocations if a.purpose == "honoured" and a.points > 0]
            parts |= zip((a.id for a in slices), apportion(p.price_minor * per_minor, slices), strict=True)
    return [(*row, parts[row[1]]) for row in rows]


def apportion(micros: int, slices: Sequence[Allocated]) -> list[int]:
    """`micros` in proportion to the points of the slices, without losing any."""
    points = sum(a.points for a in slices)
    shares = [micros * a.points // points for a in slices]
    by_rest = sorted(range(len(slices)), key=lambda i: (-(micros * slices[i].points % points), i))
    for i in by_rest[: micros - sum(shares)]:
        shares[i] += 1
    return shares


async def _insert(connection: Connection, statement: str, rows: Sequence[tuple[object, ...]]) -> int:
    """How many of the rows could be priced."""
    try:
        tag: str = await connection.execute(statement, *zip(*rows, strict=True))
    except asyncpg.NumericValueOutOfRangeError:
        raise ObligationTooLarge("The redemption is too large to be cleared.") from None
    return int(tag.rpartition(" ")[2])
