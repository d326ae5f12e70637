"""What a programme watches, so that nobody gets points that no customer earned."""

from typing import Literal

from points.programme.schema.basics import Count, Node, PointCount, Span


class Velocity(Node, frozen=True, kw_only=True):
    """At most so many `times` or `points` within a span, per member, cashier, terminal or partner, or per member at one
    cashier or terminal. What is above waits for a `review` (an earning's points are pending until then) or is refused.
    """

    of: Literal["member", "cashier", "terminal", "partner", "member_at_cashier", "member_at_terminal"]
    on: Literal["earn", "spend"]
    within: Span
    times: Count | None = None
    points: PointCount | None = None
    then: Literal["review", "refuse"] = "review"


class Misuse(Node, frozen=True, kw_only=True):
    """What is watched. A cashier who serves their `own_account` is reviewed unless the programme says otherwise;
    `staff_campaigns` says whether those who work for the partner earn what campaigns give."""

    velocity: tuple[Velocity, ...] = ()
    own_account: Literal["allow", "review", "refuse"] = "review"
    staff_campaigns: bool = True
