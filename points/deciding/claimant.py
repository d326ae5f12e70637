"""A member as the reward rules see them."""

from datetime import datetime

from points.book import Book
from points.programme.reward_eligibility import Claimant, later_points
from points.programme.segments import segments_of
from points.programme.tiers import tier_of
from points.programme.version import InForce


def claimant_of(
    book: Book, in_force: InForce, at: datetime, partner_id: str | None = None, location_id: str | None = None
) -> Claimant:
    """Who claims, from the book; `partner_id` and `location_id` where the question has a place."""
    version = in_force.version
    day = version.day(at)
    orders = dict(book.rewarded)
    for claim in book.claims.values():
        if claim.order is not None and claim.state in ("held", "captured"):
            orders[claim.order] = (*orders.get(claim.order, ()), claim.reward)
    return Claimant(
        at=at,
        standing=book.standing,
        spendable=book.spendable,
        later=later_points(version, book.lots.values(), at),
        tier=tier_of(version, book.standing, day),
        segments=segments_of(
            version, book.standing, day=day, joined=book.standing.joined, balance=book.spendable,
            member_id=book.member_id,
            at=at,
        ),
        orders=orders,
        partner=in_force.names.get(partner_id or ""),
        location=in_force.names.get(location_id or ""),
    )  # fmt: skip
