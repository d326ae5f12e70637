"""Where a card comes to the lock screen: the nearest ten places of the coalition to where the member was last.

Members who were nowhere yet get the places of their card's brand. Which ten they are decides the distance, in which
order they stand their ids, so that a card does not change when a member goes from one of ten shops to another.
"""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

from kernel.database import Connection
from network.nearest import Spot, any_spots, nearest, spots_of
from passes import texts as texts  # registers the words
from passes.card import Place
from passes.speech import phrase
from points.happenings import last_places

MOST_PLACES = 10  # https://developer.apple.com/documentation/walletpasses/pass
Asked = tuple[str, str]  # (member id, id of the card's brand)
_Read = Callable[[Connection, Sequence[str], int], Awaitable[dict[str, list[Spot]]]]


class Nearest:
    """Places for cards. What is near to a place is remembered for MAX_AGE_S, as places hardly ever move."""

    MAX_AGE_S: Final = 10.0
    _MOST_KEPT: Final = 10_000

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, tuple[Place, ...]]] = {}
        self._any: tuple[float, bool] | None = None  # until when it is so, and whether there are spots at all

    async def places(
        self, connection: Connection, asked: Collection[Asked], holders: Mapping[str, str]
    ) -> dict[Asked, tuple[Place, ...]]:
        """The places of each card; `holders` says whose account each member uses. Cards without any are missing."""
        if not asked or not await self._anything(connection):
            return {}
        last = await last_places(connection, {member_id: holders[member_id] for member_id, _ in asked})
        near = await self._around(connection, set(last.values()), nearest)
        away = {one for one in asked if not near.get(last.get(one[0], ""))}
        homes = await self._around(connection, {brand_id for _, brand_id in away}, spots_of)
        found = {one: homes[one[1]] if one in away else near[last[one[0]]] for one in asked}
        return {one: places for one, places in found.items() if places}

    async def _anything(self, connection: Connection) -> bool:
        now = time.monotonic()
        if self._any is None or now >= self._any[0]:
            found = await any_spots(connection)
            self._any = now + (self.MAX_AGE_S if found else 1.0), found
        return self._any[1]

    async def _around(self, connection: Connection, ids: Collection[str], read: _Read) -> dict[str, tuple[Place, ...]]:
        """What is around places, or belongs to partners; read is what is not known or was read too long ago."""
        now = time.monotonic()
        known = {
            each: kept[1]
            for each in ids
            if (kept := self._kept.get(each)) is not None and now - kept[0] <= self.MAX_AGE_S
        }
        if missing := sorted(set(ids) - known.keys()):
            found = await read(connection, missing, MOST_PLACES)
            if len(self._kept) > self._MOST_KEPT:
                self._kept.clear()
            for each in missing:
                known[each] = places_at(found.get(each, ()))
                self._kept[each] = now, known[each]
        return known


def places_at(spots: Sequence[Spot]) -> tuple[Place, ...]:
    """What the phone looks for at these spots: places first, then beacons, each in the order of the spots' ids."""
    ordered = sorted(spots, key=lambda spot: spot.id)
    told = {spot.id: phrase("card.here", place=_called(spot)) for spot in ordered}
    return (
        *(
            Place(text=told[spot.id], latitude=spot.latitude, longitude=spot.longitude)
            for spot in ordered
            if spot.latitude is not None
        ),
        *(
            Place(text=told[spot.id], uuid=spot.beacon.uuid, major=spot.beacon.major, minor=spot.beacon.minor)
            for spot in ordered
            if spot.beacon is not None
        ),
    )


def _called(spot: Spot) -> str:
    """The brand and the place, without saying the brand twice."""
    return spot.name if spot.brand.casefold() in spot.name.casefold() else f"{spot.brand}, {spot.name}"
