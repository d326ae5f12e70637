"""Who is in the coalition."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import asyncpg

from kernel.clock import Clock
from kernel.database import Connection, Unit
from kernel.errors import NotFound
from kernel.ids import is_id, new_id

PartnerStatus = Literal["active", "suspended", "closed"]

# A coalition is a few hundred businesses; this bounds the one read that takes them all.
MOST_PARTNERS = 5000

_COLUMNS = "id, name, status, brand_name, background, foreground, label_colour, logo_text, created_at"


class PartnerUnknown(NotFound):
    """There is no such partner, or not for this caller."""

    code = "partner_unknown"
    title = "Partner not found"


@dataclass(frozen=True, slots=True)
class Brand:
    """How a partner looks on a pass. Colours are `#rrggbb`."""

    name: str
    background: str = "#1f2937"
    foreground: str = "#ffffff"
    label: str = "#cbd5e1"
    logo_text: str = ""


@dataclass(frozen=True, slots=True)
class Partner:
    """A business in the programme."""

    id: str
    name: str
    status: PartnerStatus
    brand: Brand
    created_at: datetime


async def add_partner(unit: Unit, clock: Clock, name: str, brand: Brand) -> Partner:
    """Take a business into the coalition."""
    row = await unit.connection.fetchrow(
        f"INSERT INTO partner ({_COLUMNS}) VALUES ($1, $2, 'active', $3, $4, $5, $6, $7, $8) RETURNING {_COLUMNS}",
        new_id("ptn"),
        name,
        brand.name,
        brand.background,
        brand.foreground,
        brand.label,
        brand.logo_text,
        clock.now(),
    )
    assert row is not None
    return _partner(row)


async def partner(connection: Connection, partner_id: str) -> Partner:
    """One partner. Raises PartnerUnknown."""
    row = None
    if is_id(partner_id, "ptn"):  # anything else, such as U+0000, is not worth a question
        row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM partner WHERE id = $1", partner_id)
    if row is None:
        raise PartnerUnknown("There is no such partner.")
    return _partner(row)


async def partners(connection: Connection) -> list[Partner]:
    """All partners (at most MOST_PARTNERS), oldest first."""
    return await partner_window(connection, None, None, MOST_PARTNERS)


async def partners_by_id(connection: Connection, partner_ids: list[str]) -> dict[str, Partner]:
    """Those of the partners that exist, by id."""
    rows = await connection.fetch(f"SELECT {_COLUMNS} FROM partner WHERE id = ANY($1::text[])", partner_ids)
    return {row["id"]: _partner(row) for row in rows}


async def partner_window(
    connection: Connection, after: str | None, before: str | None, limit: int, only: str | None = None
) -> list[Partner]:
    """Up to `limit` partners next to a place in id order, in id order; `only` narrows to one partner.

    With `after` the ones that follow it, else with `before` the ones that come just before it.
    """
    backwards = after is None and before is not None
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM partner"
        " WHERE ($1::text IS NULL OR id > $1) AND ($2::text IS NULL OR id < $2) AND ($3::text IS NULL OR id = $3)"
        f" ORDER BY id {'DESC' if backwards else 'ASC'} LIMIT $4",
        after,
        before,
        only,
        limit,
    )
    found = [_partner(row) for row in rows]
    return found[::-1] if backwards else found


def _partner(row: asyncpg.Record) -> Partner:
    brand = Brand(row["brand_name"], row["background"], row["foreground"], row["label_colour"], row["logo_text"])
    return Partner(row["id"], row["name"], row["status"], brand, row["created_at"])
