"""What a partner promises: how many points a purchase earns and what a point costs between partners.

Terms are versions: a new one takes over from its `effective_from`, an old one is never edited, so that every entry can
be recomputed from the version that was in force. A coalition clears in one currency: obligations of a cycle can only
be netted when they are in the same money, so the first terms published set it for all.
"""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from kernel.clock import Clock
from kernel.database import Connection, Unit
from kernel.errors import Conflict, Invalid
from kernel.ids import new_id
from kernel.money import decimals
from network.partners import partner

MOST_POINTS_EARNED = 1_000_000
MOST_MINOR = 1_000_000_000
MOST_MICROS = 1_000_000_000  # a thousand units of the currency for one point

_COLUMNS = (
    "id, partner_id, effective_from, currency, earn_points, earn_per_minor, issuer_pays_micros, acceptor_gets_micros"
)
# Any fixed number: it keeps two first terms in different currencies from being published at once.
_PUBLISH_LOCK = 0x7465726D73


class TermsMissing(Conflict):
    """The partner has no terms in force, so nothing can be earned there or priced."""

    code = "terms_missing"
    title = "No terms in force"


class TermsInPast(Invalid):
    """Terms cannot start earlier than now: what was earned under the old ones stays."""

    code = "terms_in_past"
    title = "Terms cannot take effect in the past"


class TermsOutOfRange(Invalid):
    """A number of the terms is not one that this service computes with."""

    code = "terms_out_of_range"
    title = "Terms out of range"


class TermsCollide(Conflict):
    """Another version starts at the very same moment."""

    code = "terms_collide"
    title = "Terms already start at that moment"


class CurrencyMismatch(Conflict):
    """The coalition clears in another currency."""

    code = "coalition_currency"
    title = "The coalition clears in another currency"


@dataclass(frozen=True, slots=True)
class Rates:
    """The numbers of a version: points earned per minor units spent, and prices per point in micros."""

    currency: str
    earn_points: int
    earn_per_minor: int
    issuer_pays_micros: int
    acceptor_gets_micros: int


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of a partner's terms."""

    id: str
    partner_id: str
    effective_from: datetime
    rates: Rates


async def publish(
    unit: Unit, clock: Clock, partner_id: str, rates: Rates, effective_from: datetime | None = None
) -> Terms:
    """Add a version that takes over at `effective_from` (unset: now).

    Raises PartnerUnknown, UnknownCurrency, TermsOutOfRange, TermsInPast, TermsCollide, CurrencyMismatch.
    """
    check(rates)
    now = clock.now()
    if effective_from is not None and effective_from < now:
        raise TermsInPast("The terms would take effect in the past.")
    await partner(unit.connection, partner_id)
    await _keep_one_currency(unit.connection, rates.currency)
    terms = Terms(new_id("trm"), partner_id, effective_from or now, rates)
    tag = await unit.connection.execute(
        f"INSERT INTO terms ({_COLUMNS}, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT (partner_id, effective_from) DO NOTHING",
        terms.id,
        partner_id,
        terms.effective_from,
        rates.currency,
        rates.earn_points,
        rates.earn_per_minor,
        rates.issuer_pays_micros,
        rates.acceptor_gets_micros,
        now,
    )
    if tag != "INSERT 0 1":
        raise TermsCollide("Another version of this partner's terms starts at that moment.")
    return terms


async def versions(connection: Connection, partner_id: str) -> list[Terms]:
    """All versions of a partner's terms, the latest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM terms WHERE partner_id = $1 ORDER BY effective_from DESC", partner_id
    )
    return [_terms(row) for row in rows]


def check(rates: Rates) -> None:
    """Refuse numbers that this service does not compute with. Raises UnknownCurrency, TermsOutOfRange."""
    decimals(rates.currency)
    for name, value, lowest, highest in (
        ("earn_points", rates.earn_points, 0, MOST_POINTS_EARNED),
        ("earn_per_minor", rates.earn_per_minor, 1, MOST_MINOR),
        ("issuer_pays_micros", rates.issuer_pays_micros, 0, MOST_MICROS),
        ("acceptor_gets_micros", rates.acceptor_gets_micros, 0, MOST_MICROS),
    ):
        if not lowest <= value <= highest:
            raise TermsOutOfRange(f"{name} must be from {lowest} to {highest}.", field=name)


async def _keep_one_currency(connection: Connection, currency: str) -> None:
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _PUBLISH_LOCK)
    used = await connection.fetchval("SELECT currency FROM terms LIMIT 1")
    if used not in (None, currency):
        raise CurrencyMismatch(f"This coalition clears in {used}.", currency=used)


def _terms(row: asyncpg.Record) -> Terms:
    rates = Rates(
        row["currency"],
        row["earn_points"],
        row["earn_per_minor"],
        row["issuer_pays_micros"],
        row["acceptor_gets_micros"],
    )
    return Terms(row["id"], row["partner_id"], row["effective_from"], rates)
