"""The places of a partner: where they are, and the beacons that transmit there."""

import re
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import asyncpg

from kernel.clock import Clock
from kernel.database import Connection, Unit
from kernel.errors import Invalid, NotFound
from kernel.ids import is_id, new_id
from network.partners import partner

MOST_LOCATIONS = 10_000
_UUID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
_MOST_OF_BEACON = 0xFFFF
_PLACES = 7

_COLUMNS = "id, partner_id, name, zone, latitude, longitude, beacon, beacon_major, beacon_minor"


class LocationUnknown(NotFound):
    """There is no such place."""

    code = "location_unknown"
    title = "Location not found"


class ZoneUnknown(Invalid):
    """The zone is not in the IANA time zone database."""

    code = "zone_unknown"
    title = "Unknown time zone"


class BadCoordinates(Invalid):
    """Not a place on Earth, or half of one."""

    code = "bad_coordinates"
    title = "The coordinates are not a place"


class BadBeacon(Invalid):
    """Nothing that a beacon transmits."""

    code = "bad_beacon"
    title = "The beacon cannot be used"


@dataclass(frozen=True, slots=True)
class Beacon:
    """What a transmitter at the place says (iBeacon): a UUID, and 16-bit numbers that narrow it down."""

    uuid: str
    major: int | None = None
    minor: int | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """A place where members earn and redeem; `zone` is an IANA name, degrees are WGS 84 (both or neither)."""

    id: str
    partner_id: str
    name: str
    zone: str
    latitude: float | None = None
    longitude: float | None = None
    beacon: Beacon | None = None


async def add_location(
    unit: Unit,
    clock: Clock,
    partner_id: str,
    name: str,
    zone: str,
    *,
    latitude: float | None = None,
    longitude: float | None = None,
    beacon: Beacon | None = None,
) -> Location:
    """Add a place. Raises PartnerUnknown, ZoneUnknown, BadCoordinates, BadBeacon."""
    place = _checked(Location(new_id("loc"), partner_id, name, zone, latitude, longitude, beacon))
    await partner(unit.connection, partner_id)
    await unit.connection.execute(
        f"INSERT INTO location ({_COLUMNS}, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *_row(place),
        clock.now(),
    )
    return place


async def change_location(
    unit: Unit,
    partner_id: str,
    location_id: str,
    name: str,
    zone: str,
    *,
    latitude: float | None = None,
    longitude: float | None = None,
    beacon: Beacon | None = None,
) -> Location:
    """Say anew what a partner's place is like; each card learns of it when it is looked at the next time.

    Raises LocationUnknown, ZoneUnknown, BadCoordinates, BadBeacon.
    """
    place = _checked(Location(location_id, partner_id, name, zone, latitude, longitude, beacon))
    changed = None
    if is_id(partner_id, "ptn") and is_id(location_id, "loc"):
        changed = await unit.connection.fetchval(
            "UPDATE location SET name = $3, zone = $4, latitude = $5, longitude = $6, beacon = $7, beacon_major = $8,"
            " beacon_minor = $9 WHERE id = $1 AND partner_id = $2 RETURNING id",
            *_row(place),
        )
    if changed is None:
        raise LocationUnknown("There is no such location.")
    return place


async def location(connection: Connection, location_id: str) -> Location:
    """One place. Raises LocationUnknown."""
    row = None
    if is_id(location_id, "loc"):
        row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM location WHERE id = $1", location_id)
    if row is None:
        raise LocationUnknown("There is no such location.")
    return _location(row)


async def locations(connection: Connection, partner_id: str) -> list[Location]:
    """A partner's places (at most MOST_LOCATIONS), oldest first."""
    return await location_window(connection, partner_id, None, None, MOST_LOCATIONS)


async def location_window(
    connection: Connection, partner_id: str, after: str | None, before: str | None, limit: int
) -> list[Location]:
    """Up to `limit` places of a partner next to one in id order, in id order.

    With `after` the ones that follow it, else with `before` the ones that come just before it.
    """
    backwards = after is None and before is not None
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM location WHERE partner_id = $1"
        " AND ($2::text IS NULL OR id > $2) AND ($3::text IS NULL OR id < $3)"
        f" ORDER BY id {'DESC' if backwards else 'ASC'} LIMIT $4",
        partner_id,
        after,
        before,
        limit,
    )
    found = [_location(row) for row in rows]
    return found[::-1] if backwards else found


def _checked(place: Location) -> Location:
    """The place with its beacon as it is stored. Raises ZoneUnknown, BadCoordinates, BadBeacon."""
    try:
        ZoneInfo(place.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # ValueError: a path or NUL in the name; OSError: a directory
        raise ZoneUnknown("The zone is not an IANA time zone name such as Europe/Helsinki.") from None
    latitude, longitude = _checked_coordinates(place.latitude, place.longitude)
    beacon = None if place.beacon is None else _checked_beacon(place.beacon)
    return replace(place, latitude=latitude, longitude=longitude, beacon=beacon)


def _checked_coordinates(latitude: float | None, longitude: float | None) -> tuple[float | None, float | None]:
    """The coordinates to a centimetre: of numbers that are as good as zero PostgreSQL refuses to take the square."""
    if latitude is None and longitude is None:
        return None, None
    if latitude is None or longitude is None:
        raise BadCoordinates("Give latitude and longitude, or neither.")
    # Whatever is no number is not within the bounds either.
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise BadCoordinates("Latitude is from -90 to 90 degrees, longitude from -180 to 180.")
    return round(float(latitude), _PLACES), round(float(longitude), _PLACES)


def _checked_beacon(beacon: Beacon) -> Beacon:
    uuid = beacon.uuid.upper()
    if _UUID.fullmatch(uuid) is None:
        raise BadBeacon("A beacon's UUID looks like F7826DA6-4FA2-4E98-8024-BC5B71E0893E.")
    if any(number is not None and not 0 <= number <= _MOST_OF_BEACON for number in (beacon.major, beacon.minor)):
        raise BadBeacon(f"Major and minor are from 0 to {_MOST_OF_BEACON}.")
    if beacon.major is None and beacon.minor is not None:
        raise BadBeacon("A minor number means something within a major number only.")
    return Beacon(uuid, beacon.major, beacon.minor)


def _row(place: Location) -> tuple[object, ...]:
    beacon = place.beacon
    transmits = (None, None, None) if beacon is None else (beacon.uuid, beacon.major, beacon.minor)
    return (place.id, place.partner_id, place.name, place.zone, place.latitude, place.longitude, *transmits)


def _location(row: asyncpg.Record) -> Location:
    beacon = None if row["beacon"] is None else Beacon(row["beacon"], row["beacon_major"], row["beacon_minor"])
    return Location(row["id"], row["partner_id"], row["name"], row["zone"], row["latitude"], row["longitude"], beacon)
