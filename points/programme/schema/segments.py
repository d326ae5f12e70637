"""Segments: saved predicates over what a member's history amounts to, so always current; and holdout groups."""

from typing import Literal

from points.programme.schema.basics import Count, Id, Money, Node, Share, Span, Words

Consent = Literal["marketing", "profiling", "sensitive"]


class Predicate(Node, frozen=True, kw_only=True):
    """All fields that are given must hold; `all`, `any` and `none` nest.

    `purchases_at_least` and its kin count within `within` (default: ever), of `category` if it is given.
    """

    all: "tuple[Predicate, ...]" = ()
    any: "tuple[Predicate, ...]" = ()
    none: "tuple[Predicate, ...]" = ()
    no_purchase_for: Span | None = None
    joined_at_least: Span | None = None
    purchases_at_least: Count | None = None
    purchases_at_most: int | None = None
    spend_at_least: Money | None = None
    visits_at_least: Count | None = None
    within: Span | None = None
    category: str | None = None
    tiers: tuple[Id, ...] = ()
    memberships: tuple[Id, ...] = ()
    birthday_month: bool = False
    balance_at_least: Count | None = None


class Segment(Node, frozen=True, kw_only=True):
    """A named group. One that looks at a sensitive category has only members who consented to that."""

    id: Id
    where: Predicate
    names: Words | None = None
    consent: Consent | None = None


class Holdout(Node, frozen=True, kw_only=True):
    """A fixed share of members, drawn by a salted hash of their id, who do not get the campaigns that name it."""

    id: Id
    share: Share
    salt: str
