"""What a decision looked at, pinned with it: so that explanation, refund and quote are the same pure computation."""

from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Literal

import msgspec

from points.programme.standing import Change

Rounding = Literal["carry", "floor", "half_up", "ceil"]


class Context(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything outside the event that the rules may ask, as it was. `day` is the business day's ordinal.

    `partner` is the partner's id and `partner_name` its name in the file, `location` a place's name in the file.
    `terms` is (terms id, points, per minor units). `nth`: rule or campaign -> which purchase in its span this is.
    `blocked`: rule or campaign -> why it does not hold now (`min_gap`, `max_per_day`, `once`, ...). `left`: rule or
    campaign -> how many points its caps and budgets leave. `sponsors`: campaign -> id of the partner that issues its
    points.
    """

    partner: str
    at: datetime
    day: int = 0
    partner_name: str | None = None
    location: str | None = None
    terms: tuple[str, int, int] | None = None
    tier: str | None = None
    segments: tuple[str, ...] = ()
    memberships: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    first: bool = False
    nth: dict[str, int] = {}
    blocked: dict[str, str] = {}
    left: dict[str, int] = {}
    sponsors: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Part:
    """What one rule gives (with `campaign`: what that campaign gives on top of the rule), exactly.

    `carry_key` names the remainder wallet for rounding `carry`; the other roundings are done per event, and `exact` is
    then rounded when it is settled.
    """

    rule: str
    issuer_id: str
    exact: Fraction
    rounding: Rounding
    campaign: str | None = None

    @property
    def carry_key(self) -> str:
        """`issuer/rule`, or `issuer/rule+campaign`."""
        return f"{self.issuer_id}/{self.rule}" + (f"+{self.campaign}" if self.campaign else "")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the rules say of an event: parts, what it adds to the standing, and why rules did not give.

    `change` has counts and moments only; carries are settled against the book. `uses`: cap id -> points (or claims)
    taken from a shared cap. `refusals`: (rule or campaign, reason code).
    """

    parts: tuple[Part, ...] = ()
    change: Change = field(default_factory=Change)
    uses: dict[str, int] = field(default_factory=dict)
    refusals: tuple[tuple[str, str], ...] = ()
