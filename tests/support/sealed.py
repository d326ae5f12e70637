"""Sealed batches of made-up journals, written as the ledger writes them: one statement, chain included."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from kernel.bulk import columns_of, insert_many
from kernel.database import Connection
from points.hashchain import (
    ALLOCATION,
    ARREAR,
    ENTRY,
    HEAD,
    JOURNAL,
    LOT,
    SEAL,
    Content,
    Row,
    canonical_facts,
    digests,
    insert_journals,
)
from points.tables import Allocation, Arrear, Entry, Lot

MOMENT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
_JOURNAL = (*JOURNAL, "occurred_at", "recorded_at", "facts", "digest", "place")
_PARTS = (
    (Entry, ("journal_id", *ENTRY)),
    (Lot, ("journal_id", *LOT, "remaining")),
    (Arrear, ("journal_id", *ARREAR, "remaining")),
    (Allocation, ("journal_id", *ALLOCATION)),
)


@dataclass(frozen=True)
class Made:
    """A journal with everything that belongs to it."""

    id: str
    journal: Row
    facts: dict[str, Any]
    entries: list[Row]
    lots: list[Row] = field(default_factory=list)
    arrears: list[Row] = field(default_factory=list)
    allocations: list[Row] = field(default_factory=list)
    occurred_at: datetime = MOMENT
    recorded_at: datetime = MOMENT

    @property
    def content(self) -> Content:
        facts = canonical_facts(self.facts)
        rows = (self.entries, self.lots, self.arrears, self.allocations)
        return Content(self.journal, self.occurred_at, self.recorded_at, facts, *rows)

    def at(self, occurred_at: datetime) -> "Made":
        return replace(self, occurred_at=occurred_at)


def an_earning(number: int, points: int = 10, facts: dict[str, Any] | None = None) -> Made:
    """An earning of a member with one new lot, that also uses a slice of it and leaves an arrear."""
    id_, member = f"jrn_{number:02}", f"mbr_{number % 7}"
    return Made(
        id_,
        (id_, "earn", member, "ptn_a", None, points, 100 * points, "EUR", None, None, None),
        facts if facts is not None else {"version": "v1", "amounts": [1, 2], "name": "kahvia & tortát"},
        [("ptn_a/issued", member, -points), (f"{member}/spendable", member, points)],
        [(f"lot_{number:02}", member, "ptn_a", points, MOMENT, "v1", None)],
        [(f"arr_{number:02}", member, "ptn_a", 1)],
        [(f"alc_{number:02}", f"lot_{number:02}", member, "ptn_a", None, 1, "withdrawn")],
    )


def _statement() -> str:
    """Journals, entries, lots, arrears, allocations, and the seal over them."""
    parts = [f"head AS ({HEAD})", f"seals AS ({SEAL})", f"journals AS ({insert_journals(_JOURNAL, 3)})"]
    number = 3 + len(_JOURNAL)
    for model, columns in _PARTS:
        parts.append(f"part_{number} AS ({insert_many(model, columns, number)})")
        number += len(columns)
    return f"WITH {', '.join(parts)} SELECT height FROM head"


async def write_batch(connection: Connection, made: list[Made]) -> int:
    """Write a batch and seal it; returns its height."""
    chain = digests(one.content for one in made)
    journals = [
        (*one.journal, one.occurred_at, one.recorded_at, canonical_facts(one.facts).decode(), digest, place)
        for place, (one, digest) in enumerate(zip(made, chain, strict=True), start=1)
    ]
    parameters = [
        *columns_of(journals, len(_JOURNAL)),
        *columns_of([(m.id, *row) for m in made for row in m.entries], len(_PARTS[0][1])),
        *columns_of([(m.id, *row, row[3]) for m in made for row in m.lots], len(_PARTS[1][1])),
        *columns_of([(m.id, *row, row[3]) for m in made for row in m.arrears], len(_PARTS[2][1])),
        *columns_of([(m.id, *row) for m in made for row in m.allocations], len(_PARTS[3][1])),
    ]
    height: int = await connection.fetchval(_statement(), chain[-1], len(made), *parameters)
    return height
