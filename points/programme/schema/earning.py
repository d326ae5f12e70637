"""How points are earned: rules of several kinds. Rules that compete for a line: the best one gives; `adds: true` gives
besides."""

from decimal import Decimal
from typing import Literal

import msgspec

from points.programme.schema.basics import (
    Count,
    Id,
    Match,
    Money,
    Node,
    Number,
    Per,
    PointCount,
    Schedule,
    Span,
    When,
)

Rounding = Literal["carry", "floor", "half_up", "ceil"]


class EarnBase(Node, frozen=True, kw_only=True):
    """Which part of a purchase counts.

    `net_of` lists what is taken off; `tax: excluded` counts the amount without tax. Lines of the excluded categories
    and skus, and shares paid with the excluded tenders, never earn. A purchase below `minimum_basket` earns nothing.
    `visits_of` says what counts as a visit; one that comes sooner than `visit_gap` after the last is part of that.
    """

    tax: Literal["included", "excluded"] = "included"
    net_of: tuple[Literal["discounts", "rewards", "points"], ...] = ("discounts", "rewards", "points")
    exclude_categories: tuple[str, ...] = ("gift_cards", "stored_value", "tips", "shipping")
    exclude_skus: tuple[str, ...] = ()
    exclude_tenders: tuple[str, ...] = ()
    minimum_basket: Money | None = None
    visits_of: tuple[Literal["purchase", "visit"], ...] = ("purchase", "visit")
    visit_gap: Span | None = None


class Pending(Node, frozen=True, kw_only=True):
    """Points that cannot be spent yet: until so long `after`, or until the event `until_event` names the purchase."""

    after: Span | None = None
    until_event: str | None = None


class Rule(Node, frozen=True, kw_only=True, tag_field="kind"):
    """What all earn rules have. `id` names the rule in entries; `once_per` gives once per subject of the event (such
    as an order id), or once per member."""

    id: Id
    names: dict[Literal["en", "fi", "hu"], str] = {}
    match: Match = Match()
    when: When = When()
    schedule: Schedule = Schedule()
    adds: bool = False
    minimum_basket: Money | None = None
    min_gap: Span | None = None
    max_per: dict[Per, Count] = {}
    max_points: dict[Per, PointCount] = {}
    once_per: Literal["subject", "member"] | None = None
    pending: Pending | None = None


class TermsRule(Rule, frozen=True, kw_only=True, tag="terms"):
    """The rate that each partner published in its terms; the fraction is carried."""


class SpendRule(Rule, frozen=True, kw_only=True, tag="spend"):
    """`points` for every `per` of money; `tiers` gives other rates to some tiers."""

    per: Money
    points: Number = Decimal(1)
    tiers: dict[Id, Number] = {}
    rounding: Rounding = "carry"


class VisitRule(Rule, frozen=True, kw_only=True, tag="visit"):
    """`points` for a purchase or visit, whatever its amount."""

    points: PointCount
    tiers: dict[Id, PointCount] = {}


class ItemRule(Rule, frozen=True, kw_only=True, tag="item"):
    """`points` for every `per_quantity` of matching lines (pieces, litres, treatments)."""

    points: Number
    per_quantity: Number = Decimal(1)
    rounding: Rounding = "carry"


class Step(Node, frozen=True, kw_only=True):
    """From this amount on."""

    from_: Money = msgspec.field(name="from")
    points: PointCount


class EventRule(Rule, frozen=True, kw_only=True, tag="event"):
    """`points` for an event by name (`review.posted`, `class.attended`), or by the amount that comes with it."""

    event: str
    points: PointCount | None = None
    steps: tuple[Step, ...] = ()


class RateStep(Node, frozen=True, kw_only=True):
    """From this total on, `points` for every `per` of the rule, for the whole total."""

    from_: Money = msgspec.field(name="from")
    points: Number


class PeriodTotalRule(Rule, frozen=True, kw_only=True, tag="period_total"):
    """One rate, found from the period's whole total of the member or household, applied at the period's end.

    Campaigns with `times` multiply what a purchase counts for in the payment, not in finding the rate.
    """

    period: Literal["month", "quarter", "year"]
    per: Money
    steps: tuple[RateStep, ...]
    rounding: Rounding = "floor"


EarnRule = TermsRule | SpendRule | VisitRule | ItemRule | EventRule | PeriodTotalRule
