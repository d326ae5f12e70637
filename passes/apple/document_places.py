"""Where a pass comes to the lock screen: its places and beacons, as they stand in the document.

Many cards of a brand name the same places, so what was written for the last ones is kept.

Keys: https://developer.apple.com/documentation/walletpasses/pass (locations, beacons)
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from passes.apple.strings import Speech
from passes.card import Place, Words

PLACES_SHOWN: Final = 10
PLACES_KEPT: Final = 64

_encode = msgspec.json.Encoder().encode


class _Location(msgspec.Struct, rename="camel", omit_defaults=True):
    latitude: float
    longitude: float
    relevant_text: str = ""


class _Beacon(msgspec.Struct, omit_defaults=True):
    proximity_uuid: str = msgspec.field(name="proximityUUID")
    major: int | None = None
    minor: int | None = None
    relevant_text: str = msgspec.field(name="relevantText", default="")


@dataclass(frozen=True, slots=True)
class Spots:
    """Places as they are written: `said` are their texts, which the pass has to say before anything else of its own.

    `locations` and `beacons` are JSON, None without any.
    """

    places: tuple[Place, ...]
    said: tuple[Words, ...]
    locations: msgspec.Raw | None
    beacons: msgspec.Raw | None


SpotsKept = dict[tuple[object, ...], Spots]


def spots_of(places: tuple[Place, ...], speech: Speech, kept: SpotsKept) -> Spots:
    """The places in the words of `speech`, which says them; `kept` are those of speeches that began alike."""
    first, last = places[0], places[-1]
    key = (len(places), first.latitude, first.uuid, last.longitude, last.minor)
    found = kept.get(key)
    if found is None or found.places != places:
        while len(kept) >= PLACES_KEPT:
            kept.pop(next(iter(kept)), None)
        found = kept[key] = _written(places, speech)
    for words in found.said:
        speech.say(words)
    return found


def _written(places: tuple[Place, ...], speech: Speech) -> Spots:
    locations: list[_Location] = []
    beacons: list[_Beacon] = []
    said: dict[str, Words] = {}
    for place in places:
        text = speech.say(place.text)
        said.setdefault(text, place.text)
        if place.uuid:
            beacons.append(_Beacon(place.uuid, place.major, place.minor, text))
        elif place.latitude is not None and place.longitude is not None:
            locations.append(_Location(place.latitude, place.longitude, text))
    return Spots(places, tuple(said.values()), _raw(locations), _raw(beacons))


def _raw(written: list[_Location] | list[_Beacon]) -> msgspec.Raw | None:
    return msgspec.Raw(_encode(written[:PLACES_SHOWN])) if written else None
