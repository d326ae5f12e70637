"""Programmes and histories for tests about time: a version from a few words, a standing from days."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from points.book import LotState
from points.programme.schema.programme import Programme
from points.programme.standing import Change, Standing, fold
from points.programme.version import Version

NAMES = {"en": "Name"}


def version(**parts: Any) -> Version:
    """A version of a programme with these parts; in Helsinki and EUR unless they say otherwise."""
    whole = {"programme": "timed", "names": NAMES, "zone": "Europe/Helsinki", "currency": "EUR", **parts}
    return Version("timed", msgspec.convert(whole, Programme))


def tiers(measure: str, window: Mapping[str, str], levels: Mapping[str, Any], **rest: Any) -> dict[str, Any]:
    """Tiers as a file says them."""
    listed = [{"id": id_, "names": NAMES, "from": from_} for id_, from_ in levels.items()]
    return {"measure": measure, "window": dict(window), "levels": listed, **rest}


def standing(joined: date, **counts: Mapping[date, int]) -> Standing:
    """A standing with these counts by day."""
    plain = {name: {day.toordinal(): n for day, n in by_day.items()} for name, by_day in counts.items()}
    return Standing(counts=plain, joined=joined.toordinal())


def happen(what: Standing, counter: str, day: date, n: int) -> None:
    """Add to a counter, as a journal does; negative for a refund of that day."""
    fold(what, Change(counts={counter: {day.toordinal(): n}}))


def at(text: str) -> datetime:
    """A moment in UTC: `2026-03-10T12:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def lot(id_: str, issued_at: datetime, points: int = 100, expires_at: datetime | None = None) -> LotState:
    """An open lot."""
    return LotState(id_, "issuer", f"journal-{id_}", points, points, issued_at, "timed", expires_at=expires_at)


def days(first: date, n: int) -> list[date]:
    """`n` days in a row."""
    return [first + timedelta(days=each) for each in range(n)]
