"""Rights that are not paid with points: what a member has by tier, segment, membership or badge, and why. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from points.programme.context import Context
from points.programme.events import Event
from points.programme.history import nth_purchase
from points.programme.matching import Who, who
from points.programme.periods import day_begins
from points.programme.schema.rewards import Benefit
from points.programme.segments import is_member, segments_of
from points.programme.standing import Standing
from points.programme.tiers import tier_of
from points.programme.version import Version

# The reason of a right that asks nothing.
EVERYONE = "everyone"

# A right is asked for without a purchase.
_ASKED = Event(name="entitlement")


@dataclass(frozen=True, slots=True)
class Entitlement:
    """A right and what it follows from: `tier:gold`, `segment:regulars`, `membership:club`, `badge:pioneer`."""

    benefit: str
    because: tuple[str, ...]


def entitlements(
    version: Version,
    standing: Standing,
    day: date,
    *,
    joined: int,
    balance: int,
    member_id: str,
    at: datetime | None = None,
    birth_month: int | None = None,
) -> list[Entitlement]:
    """What a member may have on business day `day` (memberships as of `at`, None: as of its beginning), in the file's
    order; `joined` is the ordinal of the day of joining."""
    moment = day_begins(day, version.zone, version.day_starts) if at is None else at
    segments = segments_of(
        version, standing, day=day, joined=joined, balance=balance, member_id=member_id, at=at, birth_month=birth_month
    )
    second = int(moment.timestamp())
    context = Context(
        partner="",
        at=moment,
        day=day.toordinal(),
        tier=tier_of(version, standing, day),
        segments=tuple(segments),
        memberships=tuple(name for name in standing.memberships if is_member(standing, name, second)),
        first=not standing.counts.get("purchases"),
    )
    found = []
    for benefit in version.programme.benefits:
        because = tuple(_because(version, benefit, context, standing, day))
        if because:
            found.append(Entitlement(benefit.id, because))
    return found


def _because(version: Version, benefit: Benefit, context: Context, standing: Standing, day: date) -> Iterator[str]:
    """Why the member has it; nothing if they do not."""
    levels = version.programme.tiers.levels if version.programme.tiers else ()
    by_tier = [level.id for level in levels if benefit.id in level.benefits]
    if context.tier in by_tier:
        yield f"tier:{context.tier}"
        return
    asked = who(benefit.when)
    if asked is None and benefit.badge is None:
        if not by_tier:
            yield EVERYONE
        return
    if asked is not None and asked.nth:
        context.nth[benefit.id] = nth_purchase(asked, standing, _ASKED, day)
    if asked is not None and asked.other(context, benefit.id) is not None:
        return
    if benefit.badge is not None and not standing.awards.get(f"badge/{benefit.badge}"):
        return
    reasons = _reasons(asked, context)
    if benefit.badge is not None:
        reasons.append(f"badge:{benefit.badge}")
    yield from reasons or [EVERYONE]


def _reasons(asked: Who | None, context: Context) -> list[str]:
    if asked is None:
        return []
    return [
        *(f"tier:{tier}" for tier in asked.tiers if tier == context.tier),
        *(f"segment:{name}" for name in sorted(asked.segments.intersection(context.segments))),
        *(f"membership:{name}" for name in sorted(asked.memberships.intersection(context.memberships))),
    ]
