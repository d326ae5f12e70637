"""Readers at tills: each is enrolled, has a key of its own, and numbers what it sends.

A terminal's key is derived from the master secret and its id, so none is stored and a stolen table opens nothing. A
terminal whose key is lost is revoked and enrolled anew.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from kernel.clock import Clock
from kernel.database import Connection, Unit
from kernel.errors import Forbidden, NotFound
from kernel.ids import is_id, new_id
from kernel.secrets import Keyring, constant_time_equals
from network.locations import LocationUnknown, location
from network.partners import partner

# Published so that secret scanners can find a leaked key.
TERMINAL_KEY_PATTERN: Final = r"ctk_[0-9a-f]{64}"

_COLUMNS = "id, partner_id, location_id, name, sequence, created_at, revoked_at"


class TerminalUnknown(NotFound):
    """There is no such terminal, or not for this caller."""

    code = "terminal_unknown"
    title = "Terminal not found"


class TerminalRefused(Forbidden):
    """Another partner's terminal, a revoked one, one that never was, or a wrong key: the caller is not told which."""

    code = "terminal_refused"
    title = "The terminal is not accepted"

    def __init__(self) -> None:
        super().__init__("Send the id of an enrolled terminal of this partner and its own key in Terminal-Key.")


@dataclass(frozen=True, slots=True)
class Terminal:
    """A reader at a till. `sequence` is the highest number that it has used; 0 before its first message."""

    id: str
    partner_id: str
    location_id: str | None
    name: str
    sequence: int
    created_at: datetime
    revoked_at: datetime | None


def terminal_key(keyring: Keyring, terminal_id: str) -> str:
    """The key that a terminal shows with everything that it sends."""
    return f"ctk_{keyring.derive('terminal', terminal_id).hex()}"


def check_key(keyring: Keyring, terminal_id: str, shown: str) -> None:
    """Whether the terminal is the one it says; needs no database. Raises TerminalRefused, in constant time."""
    if not constant_time_equals(terminal_key(keyring, terminal_id), shown) or not is_id(terminal_id, "ter"):
        raise TerminalRefused


async def enrol(unit: Unit, clock: Clock, partner_id: str, name: str, location_id: str | None = None) -> Terminal:
    """Take a reader into use, at one of the partner's places if it stands at one.

    Raises PartnerUnknown, LocationUnknown.
    """
    await partner(unit.connection, partner_id)
    if location_id is not None and (await location(unit.connection, location_id)).partner_id != partner_id:
        raise LocationUnknown("There is no such location.")
    row = await unit.connection.fetchrow(
        f"INSERT INTO terminal (id, partner_id, location_id, name, created_at) VALUES ($1, $2, $3, $4, $5)"
        f" RETURNING {_COLUMNS}",
        new_id("ter"),
        partner_id,
        location_id,
        name,
        clock.now(),
    )
    assert row is not None
    return Terminal(**row)


async def revoke(unit: Unit, clock: Clock, terminal_id: str) -> Terminal:
    """Refuse the terminal from now on; twice is no error. Raises TerminalUnknown."""
    row = None
    if is_id(terminal_id, "ter"):
        row = await unit.connection.fetchrow(
            f"UPDATE terminal SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1 RETURNING {_COLUMNS}",
            terminal_id,
            clock.now(),
        )
    return _found(row)


async def terminal(connection: Connection, terminal_id: str, only: str | None = None) -> Terminal:
    """One terminal, of this partner if one is named. Raises TerminalUnknown."""
    row = None
    if is_id(terminal_id, "ter"):
        row = await connection.fetchrow(
            f"SELECT {_COLUMNS} FROM terminal WHERE id = $1 AND ($2::text IS NULL OR partner_id = $2)",
            terminal_id,
            only,
        )
    return _found(row)


async def terminal_window(
    connection: Connection, after: str | None, before: str | None, rows: int, only: str | None = None
) -> list[Terminal]:
    """Up to `rows` terminals in id order (of one partner if it is named): those after `after`, else the last ones
    before `before`, else the first."""
    backwards = after is None and before is not None
    found = await connection.fetch(
        f"SELECT {_COLUMNS} FROM terminal WHERE ($1::text IS NULL OR id > $1) AND ($2::text IS NULL OR id < $2)"
        f" AND ($3::text IS NULL OR partner_id = $3) ORDER BY id {'DESC' if backwards else ''} LIMIT $4",
        after,
        before if backwards else None,
        only,
        rows,
    )
    shown = [Terminal(**row) for row in found]
    return shown[::-1] if backwards else shown


async def locked(unit: Unit, partner_id: str, terminal_id: str) -> Terminal:
    """The terminal, with nobody else taking its messages until the unit ends. Raises TerminalRefused."""
    row = await unit.connection.fetchrow(
        f"SELECT {_COLUMNS} FROM terminal WHERE id = $1 AND partner_id = $2 AND revoked_at IS NULL FOR NO KEY UPDATE",
        terminal_id,
        partner_id,
    )
    if row is None:
        raise TerminalRefused
    return Terminal(**row)


async def advance(unit: Unit, terminal_id: str, sequence: int) -> None:
    """Note the number that the terminal has used now; the caller has it locked."""
    await unit.connection.execute("UPDATE terminal SET sequence = $2 WHERE id = $1", terminal_id, sequence)


def _found(row: asyncpg.Record | None) -> Terminal:
    if row is None:
        raise TerminalUnknown("There is no such terminal.")
    return Terminal(**row)
