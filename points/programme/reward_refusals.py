"""Why a reward is not given: one small error per reason, with its numbers as facts.

Who somebody is (tier, segment, membership, history) is `Forbidden`; what is lacking now (points, stock, time, limits)
is `Conflict`; a wish that makes no sense is `Invalid`.
"""

from kernel.errors import Conflict, Forbidden, Invalid, NotFound


class UnknownReward(NotFound):
    """The programme in force has no such reward."""

    code = "unknown_reward"
    title = "No such reward"


class NotEligible(Forbidden):
    """The reward is not for this member."""

    code = "reward_not_eligible"
    title = "The reward is not for this member"


class ForTiers(NotEligible):
    """The reward is for members of certain tiers; facts: `tiers` or `not_tiers`, `tier`."""

    code = "reward_for_tiers"
    title = "The reward is for other tiers"


class ForSegments(NotEligible):
    """The reward is for certain groups of members; facts: `segments` or `not_segments`."""

    code = "reward_for_segments"
    title = "The reward is for other groups of members"


class ForMemberships(NotEligible):
    """The reward is for holders of a membership, or for others; facts: `memberships` or `not_memberships`."""

    code = "reward_for_memberships"
    title = "The reward depends on a membership"


class ForHistory(NotEligible):
    """The reward is for another point of a member's history; facts: `purchases`, `needed` or `at_most`."""

    code = "reward_for_history"
    title = "The reward depends on earlier purchases"


class NotForPoints(NotEligible):
    """The reward is given for an occasion and cannot be claimed for points."""

    code = "not_for_points"
    title = "The reward cannot be claimed for points"


class Elsewhere(NotEligible):
    """The reward is handed over at other partners or places; facts: `partners` or `locations`."""

    code = "not_here"
    title = "The reward is not given here"


class NotAvailable(Conflict):
    """The reward is not offered at this time."""

    code = "reward_not_available"
    title = "The reward is not available now"


class OutOfStock(Conflict):
    """All of the period's stock is claimed; facts: `stock`, `per`."""

    code = "out_of_stock"
    title = "None are left"


class LimitReached(Conflict):
    """The member has had as much of this reward as a period allows; facts: `limit` or `limit_points`, `per`, `left`."""

    code = "reward_limit_reached"
    title = "The limit of this reward is reached"


class DailyLimitReached(Conflict):
    """More points than a member may spend on one day; facts: `limit`, `left`."""

    code = "daily_redemption_limit"
    title = "The daily limit of spending points is reached"


class CoolingDown(Conflict):
    """Points cannot be spent for a while after the member's contact details changed; facts: `until`."""

    code = "cooling_down"
    title = "Points cannot be spent so soon after a change of contact details"


class OrderRewarded(Conflict):
    """The order already has a reward, and one of the two allows no other; facts: `order`."""

    code = "order_already_rewarded"
    title = "The order already has a reward"


class BasketTooSmall(Conflict):
    """The purchase is too small for the reward; facts: `needed_minor`, `short_minor`."""

    code = "basket_too_small"
    title = "The purchase is too small for this reward"


class PointsShort(Conflict):
    """The member has fewer points than the reward costs; facts: `needed`, `short`, and `later` that come tomorrow."""

    code = "insufficient_points"
    title = "Not enough points"


class OrderNeeded(Invalid):
    """The reward is given once per order, so the claim has to name the order."""

    code = "order_needed"
    title = "The claim must name the order"


class BasketNeeded(Invalid):
    """What the reward is worth depends on the purchase, so its amount has to be told."""

    code = "basket_needed"
    title = "The amount of the purchase is needed"


class NotAMultiple(Invalid):
    """The points are not a multiple of what the reward asks for; facts: `multiple_of`."""

    code = "not_a_multiple"
    title = "The points are not a multiple of the reward's step"


class CostIsFixed(Invalid):
    """The claim names points, but the reward has a price of its own; facts: `cost`."""

    code = "cost_is_fixed"
    title = "The reward has a fixed price"


class PointHasNoValue(Conflict):
    """The programme does not say what a point is worth, so it cannot be used as money."""

    code = "point_has_no_value"
    title = "Points have no money value here"
