"""The nearest places of the coalition to others of its places, by great circles, and what transmits there.

Exact everywhere: the half-angle form of the distance has no seam at the 180th meridian and none at the poles. No place
is nearer than the difference in latitude, so the search looks only at the band of latitudes that the nearest few
(among neighbours in latitude) reach to, by an index.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from kernel.database import Connection
from network.locations import Beacon


@dataclass(frozen=True, slots=True)
class Spot:
    """A place of an active partner, as a card tells of it. Degrees are WGS 84; a spot has them, a beacon, or both."""

    id: str
    name: str
    brand: str
    latitude: float | None
    longitude: float | None
    beacon: Beacon | None


_SPOT = """
location.id, location.name, partner.brand_name AS brand, location.latitude, location.longitude, location.beacon,
location.beacon_major, location.beacon_minor
"""

_ACTIVE = "location JOIN partner ON partner.id = location.partner_id AND partner.status = 'active'"

# The angle between two places, in radians (the haversine, which is exact for small angles).
_ANGLE = """
2 * asin(sqrt(least(1, sin(radians({a}.latitude - {b}.latitude) / 2) ^ 2 + cos(radians({a}.latitude))
    * cos(radians({b}.latitude)) * sin(radians({a}.longitude - {b}.longitude) / 2) ^ 2)))
"""
_FROM_ORIGIN = _ANGLE.format(a="origin", b="location")

# Rounding is far below a millionth of a radian even between antipodes, where the arc sine is at its coarsest.
_SLACK_DEG = 1e-4

_NEAREST = f"""
WITH origin AS (
    SELECT id, latitude, longitude FROM location WHERE id = ANY($1::text[]) AND latitude IS NOT NULL),
reach AS (
    SELECT origin.id, (array_agg(angle ORDER BY angle))[$2::int] AS angle
    FROM origin CROSS JOIN LATERAL (
        (SELECT {_FROM_ORIGIN} AS angle FROM {_ACTIVE}
         WHERE location.latitude >= origin.latitude ORDER BY location.latitude LIMIT $2::int)
        UNION ALL
        (SELECT {_FROM_ORIGIN} FROM {_ACTIVE}
         WHERE location.latitude < origin.latitude ORDER BY location.latitude DESC LIMIT $2::int)) AS neighbour
    GROUP BY origin.id)
SELECT origin.id AS origin_id, near.*
FROM origin LEFT JOIN reach ON reach.id = origin.id
CROSS JOIN LATERAL (
    SELECT {_SPOT} FROM {_ACTIVE}
    WHERE location.latitude BETWEEN origin.latitude - coalesce(degrees(reach.angle), 180) - {_SLACK_DEG}
                                AND origin.latitude + coalesce(degrees(reach.angle), 180) + {_SLACK_DEG}
    ORDER BY {_FROM_ORIGIN}, location.id LIMIT $2::int) AS near
"""

_OF_PARTNERS = f"""
SELECT asked.partner_id, own.* FROM unnest($1::text[]) AS asked (partner_id)
CROSS JOIN LATERAL (
    SELECT {_SPOT} FROM {_ACTIVE}
    WHERE location.partner_id = asked.partner_id AND (location.latitude IS NOT NULL OR location.beacon IS NOT NULL)
    ORDER BY location.id LIMIT $2::int) AS own
"""


async def nearest(connection: Connection, location_ids: Sequence[str], most: int) -> dict[str, list[Spot]]:
    """The `most` nearest spots to each of those places (itself among them), the nearest first; of equals the older.

    Places without coordinates are missing.
    """
    return _by(await connection.fetch(_NEAREST, list(location_ids), most), "origin_id")


async def spots_of(connection: Connection, partner_ids: Sequence[str], most: int) -> dict[str, list[Spot]]:
    """The first `most` spots of each partner, the oldest first; partners without any are missing."""
    return _by(await connection.fetch(_OF_PARTNERS, list(partner_ids), most), "partner_id")


async def any_spots(connection: Connection) -> bool:
    """Whether any place says where it is, or transmits."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM location WHERE latitude IS NOT NULL OR beacon IS NOT NULL)"
    )
    return found


def _by(rows: Sequence[asyncpg.Record], owner: str) -> dict[str, list[Spot]]:
    found: dict[str, list[Spot]] = {}
    for row in rows:
        found.setdefault(row[owner], []).append(_spot(row))
    return found


def _spot(row: asyncpg.Record) -> Spot:
    beacon = None if row["beacon"] is None else Beacon(row["beacon"], row["beacon_major"], row["beacon_minor"])
    return Spot(row["id"], row["name"], row["brand"], row["latitude"], row["longitude"], beacon)
