"""Rewards: what points are for."""

from typing import Literal

from points.programme.schema.basics import (
    Count,
    Id,
    Limit,
    Match,
    Money,
    Node,
    Per,
    PointCount,
    Schedule,
    Share,
    Span,
    When,
    Words,
)  # fmt: skip

RewardKind = Literal[
    "product", "service", "amount_off", "percent_off", "points_as_money", "access", "donation", "partner"
]


class Stock(Node, frozen=True, kw_only=True):
    """At most `count` claims per period, over all members."""

    count: Count
    per: Per = "ever"


class Reward(Node, frozen=True, kw_only=True):
    """A catalogue item for `cost` points (`cost_by_tier` for some tiers).

    A claim holds the points until it is captured, released, or `hold` has passed. With `voucher` the claim is captured
    at once and a code is issued that is good for `valid` and `uses` times. `auto_issue` does so by itself as soon as
    the balance reaches the cost. `points_as_money`: the unit's value per point, at most `max_share` of the basket, in
    multiples of `multiple_of`. `donation`: a multiple of `multiple_of` points goes to `partner` and never comes back.
    A `partner` reward is supplied by `partner` at its `price`, which the issuer owes. `one_per_order`: with a
    redemption of the same order another is refused. Vouchers of a `personal` reward are good for their member alone. A
    reward without a cost (and not free in its points) cannot be claimed: it is what members win.
    """

    id: Id
    names: Words
    kind: RewardKind
    cost: PointCount | None = None
    cost_by_tier: dict[Id, PointCount] = {}
    item: Match = Match()
    amount: Money | None = None
    percent: Share | None = None
    max_share: Share | None = None
    multiple_of: Count = 1
    minimum_basket: Money | None = None
    partner: Id | None = None
    price: Money | None = None
    eligible: When = When()
    available: Schedule = Schedule()
    stock: Stock | None = None
    per_member: Limit | None = None
    one_per_order: bool = False
    hold: Span = "PT15M"
    voucher: bool = False
    auto_issue: bool = False
    valid: Span | None = None
    uses: Count = 1
    personal: bool = False
    refundable: bool = True


class Conversion(Node, frozen=True, kw_only=True):
    """On the first business day of the `months`: a balance of at least `min_points` becomes a voucher, `points` for
    `money`, in steps of `step` money; the rest stays."""

    months: tuple[int, ...]
    min_points: PointCount
    points: PointCount
    money: Money
    step: Money
    valid: Span
    id: Id = "statement"
    names: Words | None = None
    boosts: "tuple[Boost, ...]" = ()


class Boost(Node, frozen=True, kw_only=True):
    """At `partner` (default: all but the issuer) a voucher exchanged within the schedule is worth `times` as much, and
    the partner's code is good for `valid`."""

    times: Count
    partner: Id | None = None
    schedule: Schedule = Schedule()
    valid: Span | None = None


class Benefit(Node, frozen=True, kw_only=True):
    """A right that is not paid with points: it follows from a tier, a segment, a membership or a badge."""

    id: Id
    names: Words
    when: When = When()
    badge: Id | None = None
