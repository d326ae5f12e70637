"""Designs of a partner's cards: numbered versions, never edited."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from kernel.clock import Clock
from kernel.database import Connection, Database, Unit
from kernel.errors import Conflict, Invalid
from kernel.i18n import FALLBACK
from kernel.ids import is_id, new_id
from network.partners import partner
from passes.design.checks.finding import Finding
from passes.design.darkroom import Darkroom
from passes.design.gallery import hold_gallery, pictures_of, require_pictures
from passes.design.looks import LookUnknown
from passes.design.rehearsal import rehearse
from passes.design.sizes import SLOTS
from passes.look import Look

PREFIX: Final = "dsn"
MOST_DESIGNS: Final = 1000
_COLUMNS = "id, partner_id, number, look, actor, created_at"
_NEWEST = f"SELECT {_COLUMNS} FROM card_design WHERE partner_id = $1 ORDER BY number DESC LIMIT 1"
_ADD = f"INSERT INTO card_design ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6) RETURNING {_COLUMNS}"
_WINDOW = f"""
SELECT {_COLUMNS} FROM card_design
WHERE partner_id = $1 AND ($2::bigint IS NULL OR number > $2) AND ($3::bigint IS NULL OR number < $3)
"""


class DesignFaulty(Invalid):
    """Wallets would drop, refuse or hide something of the design. `found` lists the faults."""

    code = "design_faults"
    title = "The design has faults"

    def __init__(self, found: list[Finding]) -> None:
        super().__init__(f"{found[0].pointer or '/'}: {found[0].says}")
        self.found = found


class TooManyDesigns(Conflict):
    """The partner has as many versions as are kept."""

    code = "too_many_designs"
    title = "The partner has too many designs"


@dataclass(frozen=True, slots=True)
class Design:
    """A version. `actor` is who made it: the partner's id, or "operator"."""

    id: str
    partner_id: str
    number: int
    look: Look
    actor: str
    created_at: datetime


async def add_design(db: Database, clock: Clock, darkroom: Darkroom, draft: Look, actor: str) -> Design:
    """Keep a look as the partner's next version; its id is given here. The newest version once more is no new one.

    Raises PartnerUnknown, DesignFaulty, TooManyDesigns, DarkroomFull.
    """
    async with db.read() as read:
        await partner(read.connection, draft.partner_id)
        pictures = await stored_pictures(read.connection, draft)
    faults = [
        one for one in (await darkroom.develop(rehearse, draft, pictures, FALLBACK)).findings if one.level == "fault"
    ]
    if faults:
        raise DesignFaulty(faults)
    async with db.unit() as unit:
        return await _add(unit, clock, draft, actor)


async def _add(unit: Unit, clock: Clock, draft: Look, actor: str) -> Design:
    await hold_gallery(unit, draft.partner_id)
    await require_pictures(unit, draft.partner_id, draft.pictures.values())
    newest = await unit.connection.fetchrow(_NEWEST, draft.partner_id)
    number = 1
    if newest is not None:
        before = _design(newest)
        if before.look == with_id(draft, before.id):
            return before
        number = before.number + 1
    if number > MOST_DESIGNS:
        raise TooManyDesigns(f"A partner keeps at most {MOST_DESIGNS} designs.")
    design_id = new_id(PREFIX)
    look = msgspec.json.encode(with_id(draft, design_id)).decode()
    row = await unit.connection.fetchrow(_ADD, design_id, draft.partner_id, number, look, actor, clock.now())
    assert row is not None
    return _design(row)


async def design(connection: Connection, partner_id: str, design_id: str) -> Design:
    """One version of a partner. Raises LookUnknown."""
    row = None
    if is_id(design_id, PREFIX):
        row = await connection.fetchrow(
            f"SELECT {_COLUMNS} FROM card_design WHERE partner_id = $1 AND id = $2", partner_id, design_id
        )
    if row is None:
        raise LookUnknown("There is no such design of this partner.")
    return _design(row)


async def design_window(
    connection: Connection, partner_id: str, after: int | None, before: int | None, limit: int
) -> list[Design]:
    """Up to `limit` versions in the order of their numbers."""
    backwards = after is None and before is not None
    rows = await connection.fetch(
        f"{_WINDOW} ORDER BY number {'DESC' if backwards else 'ASC'} LIMIT $4", partner_id, after, before, limit
    )
    found = [_design(row) for row in rows]
    return found[::-1] if backwards else found


async def stored_pictures(connection: Connection, look: Look) -> dict[str, bytes]:
    """Slot -> PNG of those pictures of a look that its partner has."""
    named = {slot: picture for slot, picture in look.pictures.items() if slot in SLOTS}
    found = await pictures_of(connection, look.partner_id, set(named.values()))
    return {slot: found[picture] for slot, picture in named.items() if picture in found}


def with_id(look: Look, design_id: str) -> Look:
    """The same look under an id."""
    return msgspec.structs.replace(look, id=design_id)


def _design(row: asyncpg.Record) -> Design:
    kept: dict[str, Any] = row["look"]
    look = msgspec.convert(kept, Look)
    return Design(row["id"], row["partner_id"], row["number"], look, row["actor"], row["created_at"])
