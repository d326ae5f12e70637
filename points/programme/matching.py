"""Conditions of rules and campaigns, compiled: what a purchase must be about, and who must have made it. Pure."""

from dataclasses import dataclass

from points.programme.context import Context
from points.programme.events import Event, Line
from points.programme.schema.basics import Match, When


@dataclass(frozen=True, slots=True)
class About:
    """A `Match`: lists that choose lines, tenders that choose shares, and lists that choose the event as a whole."""

    by_line: bool
    by_place: bool
    categories: frozenset[str]
    not_categories: frozenset[str]
    skus: frozenset[str]
    brands: frozenset[str]
    tenders: frozenset[str]
    partners: frozenset[str]
    locations: frozenset[str]
    channels: frozenset[str]

    def line(self, line: Line | None) -> bool:
        """Whether a line of the basket is chosen; a purchase without lines is one line (None) that says nothing."""
        if not self.by_line:
            return True
        if line is None:
            return not (self.categories or self.skus or self.brands)
        return (
            (not self.categories or line.category in self.categories)
            and line.category not in self.not_categories
            and (not self.skus or line.sku in self.skus)
            and (not self.brands or line.brand in self.brands)
        )

    def tender(self, kind: str | None) -> bool:
        """Whether a share that was paid with `kind` is chosen."""
        return not self.tenders or kind in self.tenders

    def elsewhere(self, event: Event, context: Context) -> str | None:
        """Why the event as a whole is not chosen: `partner`, `location`, `channel`; None if it is."""
        if not self.by_place:
            return None
        if self.partners and context.partner_name not in self.partners:
            return "partner"
        if self.locations and context.location not in self.locations:
            return "location"
        if self.channels and event.channel not in self.channels:
            return "channel"
        return None


@dataclass(frozen=True, slots=True)
class Who:
    """A `When`: tiers, segments, memberships, and the point of a member's history."""

    tiers: frozenset[str]
    not_tiers: frozenset[str]
    segments: frozenset[str]
    not_segments: frozenset[str]
    memberships: frozenset[str]
    not_memberships: frozenset[str]
    first: bool
    nth: int
    every: bool
    within: str | None

    def other(self, context: Context, name: str) -> str | None:
        """Why the member is not meant (`tier`, `segment`, `membership`, `first_purchase`, `nth`); None if they are."""
        if (self.tiers and context.tier not in self.tiers) or context.tier in self.not_tiers:
            return "tier"
        if not _some(self.segments, self.not_segments, context.segments):
            return "segment"
        if not _some(self.memberships, self.not_memberships, context.memberships):
            return "membership"
        if self.first and not context.first:
            return "first_purchase"
        if self.nth:
            nth = context.nth.get(name, 0)
            if nth < self.nth or (self.every and nth % self.nth):
                return "nth"
        return None


def about(match: Match) -> About:
    """Compile a `Match`."""
    return About(
        by_line=bool(match.categories or match.not_categories or match.skus or match.brands),
        by_place=bool(match.partners or match.locations or match.channels),
        categories=frozenset(match.categories),
        not_categories=frozenset(match.not_categories),
        skus=frozenset(match.skus),
        brands=frozenset(match.brands),
        tenders=frozenset(match.tenders),
        partners=frozenset(match.partners),
        locations=frozenset(match.locations),
        channels=frozenset(match.channels),
    )


def who(when: When) -> Who | None:
    """Compile a `When`; None if it asks nothing."""
    if when == When():
        return None
    return Who(
        tiers=frozenset(when.tiers),
        not_tiers=frozenset(when.not_tiers),
        segments=frozenset(when.segments),
        not_segments=frozenset(when.not_segments),
        memberships=frozenset(when.memberships),
        not_memberships=frozenset(when.not_memberships),
        first=when.first_purchase,
        nth=when.nth.at_least if when.nth else 0,
        every=when.nth.every if when.nth else False,
        within=when.nth.within if when.nth else None,
    )


def _some(wanted: frozenset[str], unwanted: frozenset[str], there: tuple[str, ...]) -> bool:
    """At least one of the wanted is there, and none of the unwanted."""
    return (not wanted or not wanted.isdisjoint(there)) and unwanted.isdisjoint(there)
