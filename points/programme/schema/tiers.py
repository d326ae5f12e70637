"""Tiers: a status by a measure that spending does not lower."""

from typing import Literal

import msgspec

from points.programme.schema.basics import Id, Node, Number, Span, Words


class Level(Node, frozen=True, kw_only=True):
    """A tier from so much of the measure on (points, visits, or money for `spend`), with the benefits it gives."""

    id: Id
    names: Words
    from_: Number = msgspec.field(name="from")
    benefits: tuple[Id, ...] = ()


class TierWindow(Node, frozen=True, kw_only=True):
    """What is measured: the calendar year, the last `length` days or months (rolling), the year from the member's
    joining (anniversary), or everything (lifetime)."""

    kind: Literal["calendar_year", "rolling", "anniversary", "lifetime"]
    length: Span | None = None


class Valid(Node, frozen=True, kw_only=True):
    """How long a reached tier is held: for as long as the measure holds it, for the rest of the year and the next, or
    for a period from reaching it."""

    kind: Literal["while_measured", "rest_of_year_and_next", "period"]
    period: Span | None = None


class Tiers(Node, frozen=True, kw_only=True):
    """The ladder. A higher tier comes at once. When the time of a tier ends and the measure does not hold it: `grace`,
    then down by `downgrade`. The member is warned `warn` before."""

    measure: Literal["points", "spend", "visits"]
    window: TierWindow
    levels: tuple[Level, ...]
    valid: Valid = Valid(kind="while_measured")
    grace: Span = "P0D"
    downgrade: Literal["to_measure", "one_down", "never"] = "to_measure"
    warn: Span = "P30D"
