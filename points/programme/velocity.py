"""How often something may be done, and for how many points, within a span: limits, and the meters they look at. Pure.

A meter is a sliding window of SLOTS slots: of what happened longer ago than the span nothing counts but what shares the
oldest slot, so that never more than the limit passes within any such span, and at most a slot too little.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from points.programme.periods import span
from points.programme.schema.misuse import Velocity
from points.programme.schema.programme import Programme
from points.programme.version import Version

SLOTS: Final = 60

Of = Literal["member", "cashier", "terminal", "partner", "member_at_cashier", "member_at_terminal"]
On = Literal["earn", "spend"]


@dataclass(slots=True)
class Meter:
    """What was done lately: slot of time -> (times, points). The slot of a moment is its second, divided by `slot_s`;
    `back` slots before the present one count."""

    id: str
    slot_s: int
    back: int
    slots: dict[int, tuple[int, int]] = field(default_factory=dict)

    def used(self, now: datetime) -> tuple[int, int]:
        """(times, points) within the span before `now`. Of a clock that was set back the slots ahead count too."""
        near = [amounts for slot, amounts in self.slots.items() if abs(slot - self._slot(now)) <= self.back]
        return sum(times for times, _ in near), sum(points for _, points in near)

    def count(self, now: datetime, points: int) -> None:
        """Once more, now, with so many points; what nobody will ask for any more is forgotten."""
        slot = self._slot(now)
        for old in [known for known in self.slots if abs(known - slot) > self.back]:
            del self.slots[old]
        times, before = self.slots.get(slot, (0, 0))
        self.slots[slot] = (times + 1, before + points)

    def _slot(self, now: datetime) -> int:
        return int(now.timestamp()) // self.slot_s


@dataclass(frozen=True, slots=True)
class Watch:
    """A limit, compiled. Limits of the same kind and span share their meters, so that numbers may change with a version
    and what was done before still counts."""

    of: Of
    on: On
    within: str
    slot_s: int
    back: int
    times: int | None
    points: int | None
    refuses: bool
    name: str

    def meter_id(self, holder_id: str, partner_id: str, cashier: str, terminal: str) -> str:
        """Whose meter it is: `holder_id` is the account, `cashier` and `terminal` the partner's own names of them."""
        match self.of:
            case "member":
                whose = holder_id
            case "cashier":
                whose = f"{partner_id}/{cashier}"
            case "terminal":
                whose = f"{partner_id}/{terminal}"
            case "partner":
                whose = partner_id
            case "member_at_cashier":
                whose = f"{holder_id}/{partner_id}/{cashier}"
            case "member_at_terminal":
                whose = f"{holder_id}/{partner_id}/{terminal}"
        return f"{self.name}/{whose}"

    def meter(self, meter_id: str) -> Meter:
        """A meter of this limit on which nothing was counted yet."""
        return Meter(meter_id, self.slot_s, self.back)

    def beyond(self, used: tuple[int, int], points: int) -> Iterator[str]:
        """By what one more with `points` would be beyond the limit: `times`, `points`."""
        if self.times is not None and used[0] + 1 > self.times:
            yield "times"
        if self.points is not None and used[1] + points > self.points:
            yield "points"


def watches_of(version: Version, on: On) -> tuple[Watch, ...]:
    """The limits on earning or on spending, in written order; compiled at the first call."""
    return version.once("watches", _compiled)[on]


def _compiled(programme: Programme) -> dict[str, tuple[Watch, ...]]:
    watches = [_watch(programme.programme, limit) for limit in programme.misuse.velocity]
    return {on: tuple(watch for watch in watches if watch.on == on) for on in ("earn", "spend")}


def _watch(programme: str, limit: Velocity) -> Watch:
    slot_s, back = slots_of(limit.within)
    return Watch(
        of=limit.of,
        on=limit.on,
        within=limit.within,
        slot_s=slot_s,
        back=back,
        times=limit.times,
        points=limit.points,
        refuses=limit.then == "refuse",
        name=f"{programme}/{limit.on}/{limit.of}/{limit.within}",
    )


def slots_of(within: str) -> tuple[int, int]:
    """(seconds of a slot, how many slots back count) for a span in ISO 8601; months have 31 days."""
    length = span(within)
    seconds = (length.months * 31 + length.days) * 86_400 + length.seconds
    slot_s = max(1, -(-seconds // SLOTS))
    return slot_s, -(-seconds // slot_s)
