"""How much an account may spend on a business day without a proof that the member is there or agrees. Pure.

What was spent so is the counter `unproved` of the standing.
"""

from datetime import datetime

from points.programme.standing import Standing, between
from points.programme.version import Version

UNPROVED = "unproved"


def accepted_ways(version: Version) -> tuple[str, ...]:
    """The ways of proving that the programme accepts; empty where it asks for no proof."""
    policy = version.programme.redemptions.proof
    return () if policy is None else policy.ways


def unproved_left(version: Version, standing: Standing, at: datetime) -> int | None:
    """Points that may still be spent on the business day of `at` without a proof; None: as many as there are."""
    policy = version.programme.redemptions.proof
    if policy is None:
        return None
    today = version.day(at).toordinal()
    return max(policy.above - between(standing, UNPROVED, today, today), 0)
