"""Faults of what brings a pass to the lock screen or takes it away: places, beacons, moments.

Keys: https://developer.apple.com/documentation/walletpasses/pass (locations, beacons, relevantDates, expirationDate)
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from passes.apple.validation_values import BEACON_ID, Fault, is_number, moment_of, text_faults

PLACES: Final = 10
_DAY: Final = timedelta(days=1)
_PLACE_KEYS: Final = frozenset({"latitude", "longitude", "altitude", "relevantText"})
_WORD_MAX: Final = 0xFFFF


def relevance_faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    """All of them."""
    yield from _each(document, "locations", PLACES, _place)
    yield from _each(document, "beacons", PLACES, _beacon)
    yield from _each(document, "relevantDates", None, _span)
    if "maxDistance" in document and not (is_number(document["maxDistance"]) and document["maxDistance"] > 0):
        yield Fault("maxDistance", "This is a number of metres: iOS would refuse the pass.")
    for key in ("expirationDate", "relevantDate"):
        if key in document and moment_of(document[key]) is None:
            yield Fault(key, "This is not a moment with a zone (2026-06-30T23:59:00+03:00): iOS would refuse the pass.")


def _each(
    document: Mapping[str, Any], key: str, most: int | None, look: Callable[[Mapping[str, Any], str], Iterator[Fault]]
) -> Iterator[Fault]:
    entries = document.get(key, [])
    if not isinstance(entries, list):
        yield Fault(key, "This must be a list: iOS would refuse the pass.")
        return
    if most is not None and len(entries) > most:
        yield Fault(f"{key}[{most}]", f"iOS would look at the first {most} and forget the other {len(entries) - most}.")
    for number, entry in enumerate(entries):
        path = f"{key}[{number}]"
        if isinstance(entry, Mapping):
            yield from look(entry, path)
        else:
            yield Fault(path, "This must be an object: iOS would refuse the pass.")


def _place(place: Mapping[str, Any], path: str) -> Iterator[Fault]:
    for key, limit in (("latitude", 90), ("longitude", 180)):
        if not is_number(place.get(key)) or not -limit <= place[key] <= limit:
            yield Fault(f"{path}.{key}", f"This is a number from -{limit} to {limit}: iOS would refuse the pass.")
    for key in place.keys() - _PLACE_KEYS:
        yield Fault(f"{path}.{key}", "iOS knows no such key of a place and would ignore it.")
    yield from text_faults(place, ("relevantText",), path)


def _beacon(beacon: Mapping[str, Any], path: str) -> Iterator[Fault]:
    if not BEACON_ID(beacon.get("proximityUUID")):
        yield Fault(f"{path}.proximityUUID", "This is no UUID: iOS would never hear the beacon.")
    for key in ("major", "minor"):
        if key in beacon and not (type(beacon[key]) is int and 0 <= beacon[key] <= _WORD_MAX):
            yield Fault(f"{path}.{key}", f"This is a number from 0 to {_WORD_MAX}: iOS would never hear the beacon.")
    yield from text_faults(beacon, ("relevantText",), path)


def _span(span: Mapping[str, Any], path: str) -> Iterator[Fault]:
    if "startDate" not in span:
        instants = [span[key] for key in ("date", "relevantDate") if key in span]
        if not instants or any(moment_of(one) is None for one in instants):
            yield Fault(path, "This is neither a moment nor a span: iOS would ignore it.")
        return
    start, end = moment_of(span["startDate"]), moment_of(span.get("endDate"))
    if start is None or end is None:
        yield Fault(path, "A span has a beginning and an end, both with a zone: iOS would ignore it.")
    elif not timedelta() < end - start <= _DAY:
        yield Fault(path, "A span ends after it begins, and within a day: iOS would ignore it.")
