"""A version of a programme: its content under the hash of that content, and where it is in force."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from points.programme.periods import business_day
from points.programme.schema.programme import Programme

Made = TypeVar("Made")


@dataclass(frozen=True)
class Version:
    """An immutable version; `id` is the SHA-256 of its canonical form (`points.programme.canonical`)."""

    id: str
    programme: Programme
    _made: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The programme's time zone."""
        return ZoneInfo(self.programme.zone)

    @cached_property
    def day_starts(self) -> time:
        """When the business day begins."""
        return time.fromisoformat(self.programme.day_starts)

    def day(self, moment: datetime) -> date:
        """The business day of a moment."""
        return business_day(moment, self.zone, self.day_starts)

    def once(self, name: str, make: Callable[[Programme], Made]) -> Made:
        """What `make` compiles from the programme, made at the first call and kept."""
        if name not in self._made:
            self._made[name] = make(self.programme)
        made: Made = self._made[name]
        return made


@dataclass(frozen=True, slots=True)
class InForce:
    """A version that is in force at a partner, and which partners and places its names stand for there.

    `ids`: name in the file -> id; `names`: the other way round.
    """

    version: Version
    ids: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TermsRate:
    """The earning rate of a partner's terms: `points` for every `per_minor` minor units, by terms `id`."""

    id: str
    points: int
    per_minor: int
