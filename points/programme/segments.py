"""Segments: predicates over the standing, judged when they are asked, so always current; consent; holdouts. Pure.

A segment that looks at a sensitive category, or that names a consent, has no members who did not give that consent.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256

from points.programme.earning import minor
from points.programme.periods import day_begins, earlier, span
from points.programme.schema.programme import Programme
from points.programme.schema.segments import Consent, Holdout, Predicate, Segment
from points.programme.standing import LONG_AGO, Standing
from points.programme.tiers import tier_of
from points.programme.version import Version

SENSITIVE: Consent = "sensitive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whom a predicate is asked about: the standing, the business day, and what the standing does not hold.

    `at` is the moment in seconds (memberships end at moments), `joined` the ordinal of the day of joining;
    `birth_month` is None where nobody said.
    """

    standing: Standing
    day: date
    at: int
    joined: int
    balance: int
    tier: str | None
    member_id: str
    birth_month: int | None = None


def segments_of(
    version: Version,
    standing: Standing,
    *,
    day: date,
    joined: int,
    balance: int,
    member_id: str,
    at: datetime | None = None,
    birth_month: int | None = None,
) -> frozenset[str]:
    """The ids of all segments that the member is in on business day `day`; memberships as of `at` (None: as of the
    beginning of the day)."""
    person = person_of(
        version, standing, day=day, joined=joined, balance=balance, at=at, birth_month=birth_month, member_id=member_id
    )
    return frozenset(segment.id for segment in version.programme.segments if belongs(version, segment, person))


def person_of(
    version: Version,
    standing: Standing,
    *,
    day: date,
    joined: int,
    balance: int,
    member_id: str,
    at: datetime | None = None,
    birth_month: int | None = None,
) -> Person:
    """What predicates are asked about, for `belongs`."""
    moment = day_begins(day, version.zone, version.day_starts) if at is None else at
    return Person(
        standing=standing,
        day=day,
        at=int(moment.timestamp()),
        joined=joined,
        balance=balance,
        tier=tier_of(version, standing, day),
        member_id=member_id,
        birth_month=birth_month,
    )


def belongs(version: Version, segment: Segment, person: Person) -> bool:
    """Whether the member is in the segment, now; never without the consent that it needs."""
    needed = version.once("consents", _consents)[segment.id]
    return needed.issubset(person.standing.consents) and _holds(segment.where, person, version.programme.currency)


def consents_needed(segment: Segment, sensitive: Collection[str]) -> frozenset[str]:
    """What a member must have consented to before they can be in the segment."""
    needed = {segment.consent} if segment.consent else set()
    if not categories_of(segment.where).isdisjoint(sensitive):
        needed.add(SENSITIVE)
    return frozenset(needed)


def _consents(programme: Programme) -> dict[str, frozenset[str]]:
    return {one.id: consents_needed(one, programme.sensitive_categories) for one in programme.segments}


def categories_of(where: Predicate) -> frozenset[str]:
    """The categories that a predicate looks at, however deep."""
    here = frozenset({where.category} if where.category else ())
    return here.union(*(categories_of(inner) for inner in (*where.all, *where.any, *where.none)))


def held_out(version: Version, holdout_id: str, member_id: str) -> bool:
    """Whether a member belongs to the share that does not get campaigns: the same answer for ever, by a salted hash."""
    holdout = next((h for h in version.programme.holdouts if h.id == holdout_id), None)
    return holdout is not None and in_share(holdout, member_id)


def in_share(holdout: Holdout, member_id: str) -> bool:
    """Whether the member's place (SHA-256 of salt and id, as a number from 0 to 1) is within the share."""
    digest = sha256(f"{holdout.salt}:{member_id}".encode()).digest()
    numerator, denominator = holdout.share.as_integer_ratio()
    return int.from_bytes(digest[:8]) * denominator < numerator << 64


def _holds(where: Predicate, person: Person, currency: str) -> bool:
    return (
        _counts(where, person, currency)
        and _person(where, person)
        and all(_holds(inner, person, currency) for inner in where.all)
        and (not where.any or any(_holds(inner, person, currency) for inner in where.any))
        and not any(_holds(inner, person, currency) for inner in where.none)
    )


def _counts(where: Predicate, person: Person, currency: str) -> bool:
    """What the member bought and when."""
    of = f"category/{where.category}/" if where.category else ""
    first = days_before(person.day, where.within) + 1 if where.within else LONG_AGO
    last = person.day.toordinal()

    def tally(counter: str) -> int:
        days = person.standing.counts.get(counter, {})
        return sum(n for day, n in days.items() if first <= day <= last)

    purchases = f"{of}purchases"
    if where.purchases_at_least is not None and tally(purchases) < where.purchases_at_least:
        return False
    if where.purchases_at_most is not None and tally(purchases) > where.purchases_at_most:
        return False
    if where.spend_at_least is not None and tally(f"{of}spend") < minor(where.spend_at_least, currency):
        return False
    if where.visits_at_least is not None and tally(purchases if of else "visits") < where.visits_at_least:
        return False
    return where.no_purchase_for is None or _quiet(where.no_purchase_for, purchases, person)


def _quiet(length: str, counter: str, person: Person) -> bool:
    """No purchase within `length`; someone who never bought counts from joining."""
    since = days_before(person.day, length)
    days = person.standing.counts.get(counter, {})
    return max(days, default=person.joined) <= since


def _person(where: Predicate, person: Person) -> bool:
    """Who the member is by now."""
    if where.joined_at_least is not None:
        since = days_before(person.day, where.joined_at_least)
        if person.joined > since:
            return False
    if where.tiers and person.tier not in where.tiers:
        return False
    if where.memberships and not any(is_member(person.standing, name, person.at) for name in where.memberships):
        return False
    if where.birthday_month and person.birth_month != person.day.month:
        return False
    return where.balance_at_least is None or person.balance >= where.balance_at_least


@lru_cache(maxsize=4096)
def days_before(day: date, length: str) -> int:
    """The ordinal of the day that is a span (ISO 8601) before `day`."""
    return earlier(day, span(length)).toordinal()


def is_member(standing: Standing, membership: str, at: int) -> bool:
    """Whether a membership is valid at the moment `at` (seconds): from its beginning, until before its end."""
    valid = standing.memberships.get(membership)
    return valid is not None and valid[0] <= at and (valid[1] is None or at < valid[1])
