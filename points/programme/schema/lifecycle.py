"""What becomes of points: expiry, arrears, adjustments, transfers, households."""

from typing import Annotated, Literal

import msgspec

from points.programme.schema.basics import Count, Id, LocalDate, Node, PointCount, Span

Edge = Literal["day", "month", "quarter", "year"]
Activity = Literal["earn", "redeem"]


class Never(Node, frozen=True, kw_only=True, tag_field="kind", tag="never"):
    """Points do not expire."""


class Fixed(Node, frozen=True, kw_only=True, tag_field="kind", tag="fixed"):
    """All points expire at the end of a given day."""

    on: LocalDate


class Rolling(Node, frozen=True, kw_only=True, tag_field="kind", tag="rolling"):
    """Each lot expires `length` after it was earned, at the end of that day, month, quarter or year. With
    `unless_active_each` a lot lives on for as long as every such period since its earning saw an activity."""

    length: Span
    end_of: Edge = "day"
    unless_active_each: Literal["month", "quarter"] | None = None
    activity: tuple[Activity, ...] = ("earn",)


class Inactivity(Node, frozen=True, kw_only=True, tag_field="kind", tag="inactivity"):
    """All points expire at the end of the day that is `length` after the last activity."""

    length: Span
    activity: tuple[Activity, ...] = ("earn", "redeem")


class AnnualSweep(Node, frozen=True, kw_only=True, tag_field="kind", tag="annual"):
    """At the end of one day each year everything expires that is older than `older_than`."""

    month: int
    day: int
    older_than: Span = "P0D"


Expiry = Never | Fixed | Rolling | Inactivity | AnnualSweep


class Lots(Node, frozen=True, kw_only=True):
    """How lots live and in which order they are used; `by_tier` gives some tiers another expiry."""

    expiry: Expiry = Never()
    by_tier: dict[Id, Expiry] = {}
    notices: tuple[Span, ...] = ("P30D", "P7D")
    consume: tuple[Literal["own_issuer_first", "soonest_expiry", "oldest"], ...] = ("oldest",)


class Arrears(Node, frozen=True, kw_only=True):
    """At most `cap` points may be owed; a refund beyond it is refused (None: no cap)."""

    cap: PointCount | None = None


class Adjustments(Node, frozen=True, kw_only=True):
    """How many points a role may add or take by hand at once (absent: none); above `four_eyes_above` a second person
    must approve."""

    limits: dict[Literal["cashier", "manager", "operator"], PointCount] = {}
    four_eyes_above: PointCount | None = None


class Transfers(Node, frozen=True, kw_only=True):
    """Points that a member may give to another; not allowed unless this is written."""

    max_points_per_day: PointCount
    max_points_per_month: PointCount | None = None
    minimum: PointCount = 1


class Households(Node, frozen=True, kw_only=True):
    """Members who share one balance; not allowed unless this is written."""

    max_members: Count


class ProofNeeded(Node, frozen=True, kw_only=True):
    """More than `above` points in a business day are spent only with a live proof that the member is there or agrees:
    a rotating code, a phone held to a reader, a confirmation on the member's own page, or their PIN."""

    above: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
    ways: tuple[Literal["rotating_code", "tap", "confirmation", "pin"], ...] = (
        "rotating_code", "tap", "confirmation", "pin",
    )  # fmt: skip


class Redemptions(Node, frozen=True, kw_only=True):
    """Limits of spending by a member; points may be used `from_next_day` after their earning. A `proof` makes what can
    be copied (a static code, a number typed by hand) good for small amounts only."""

    max_points_per_day: PointCount | None = None
    from_next_day: bool = False
    cool_down_after_contact_change: Span = "PT0S"
    proof: ProofNeeded | None = None
