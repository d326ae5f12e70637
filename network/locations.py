"""The places of a partner."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import asyncpg

from kernel.clock import Clock
from kernel.database import Connection, Unit
from kernel.errors import Invalid, NotFound
from kernel.ids import is_id, new_id
from network.partners import partner

MOST_LOCATIONS = 10_000


class LocationUnknown(NotFound):
    """There is no such place."""

    code = "location_unknown"
    title = "Location not found"


class ZoneUnknown(Invalid):
    """The zone is not in the IANA time zone database."""

    code = "zone_unknown"
    title = "Unknown time zone"


@dataclass(frozen=True, slots=True)
class Location:
    """A place where members earn and redeem; `zone` is an IANA name."""

    id: str
    partner_id: str
    name: str
    zone: str


async def add_location(unit: Unit, clock: Clock, partner_id: str, name: str, zone: str) -> Location:
    """Add a place. Raises PartnerUnknown, ZoneUnknown."""
    _check_zone(zone)
    await partner(unit.connection, partner_id)
    place = Location(new_id("loc"), partner_id, name, zone)
    await unit.connection.execute(
        "INSERT INTO location (id, partner_id, name, zone, created_at) VALUES ($1, $2, $3, $4, $5)",
        place.id,
        partner_id,
        name,
        zone,
        clock.now(),
    )
    return place


async def location(connection: Connection, location_id: str) -> Location:
    """One place. Raises LocationUnknown."""
    row = None
    if is_id(location_id, "loc"):
        row = await connection.fetchrow("SELECT id, partner_id, name, zone FROM location WHERE id = $1", location_id)
    if row is None:
        raise LocationUnknown("There is no such location.")
    return _location(row)


async def locations(connection: Connection, partner_id: str) -> list[Location]:
    """A partner's places (at most MOST_LOCATIONS), oldest first."""
    rows = await connection.fetch(
        "SELECT id, partner_id, name, zone FROM location WHERE partner_id = $1 ORDER BY id LIMIT $2",
        partner_id,
        MOST_LOCATIONS,
    )
    return [_location(row) for row in rows]


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # ValueError: a path or NUL in the name; OSError: a directory
        raise ZoneUnknown("The zone is not an IANA time zone name such as Europe/Helsinki.") from None


def _location(row: asyncpg.Record) -> Location:
    return Location(row["id"], row["partner_id"], row["name"], row["zone"])
