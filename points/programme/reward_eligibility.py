"""Whether a member may have a reward, and why not: who they are, the calendar, limits, the order, the stock.

Counters that are looked at: `purchases`, `redeemed`, `reward/<id>`, `reward/<id>/points`; moments: `contact`, when the
member's contact details changed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from kernel.errors import CommonpointError
from points.book import CapState, LotState
from points.programme.periods import earlier, first_of, last_of, moment_after, name_of, span
from points.programme.reward_price import minor_of
from points.programme.reward_refusals import (
    BasketNeeded,
    BasketTooSmall,
    CoolingDown,
    DailyLimitReached,
    Elsewhere,
    ForHistory,
    ForMemberships,
    ForSegments,
    ForTiers,
    LimitReached,
    NotAvailable,
    OrderNeeded,
    OrderRewarded,
    OutOfStock,
)
from points.programme.schedule import holds
from points.programme.schema.basics import Nth, Per, When
from points.programme.schema.rewards import Reward
from points.programme.standing import Standing, between, total
from points.programme.version import Version

# What `Mark` writes down when a member's contact details change, for `cool_down_after_contact_change`.
CONTACT_CHANGED = "contact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """Who wants a reward, when and where, as the rules see them.

    `spendable` points are free of holds; of these `later` came today and can be used tomorrow only (`later_points`).
    `orders`: order -> rewards that are claimed for it. `partner` and `location` are names in the file, None where the
    question has no place (a member looking at the card).
    """

    at: datetime
    standing: Standing = field(default_factory=Standing)
    spendable: int = 0
    later: int = 0
    tier: str | None = None
    segments: frozenset[str] = frozenset()
    orders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    partner: str | None = None
    location: str | None = None

    @property
    def usable(self) -> int:
        """Points that can be used now."""
        return max(self.spendable - self.later, 0)

    def is_in(self, membership: str) -> bool:
        """Whether the membership is in force now."""
        begins, ends = self.standing.memberships.get(membership, (0, 0))
        now = int(self.at.timestamp())
        return begins <= now and (ends is None or now < ends)


def gives_voucher(reward: Reward) -> bool:
    """Whether a claim becomes a code at once, to be used later."""
    return reward.voucher or reward.auto_issue


def later_points(version: Version, lots: Iterable[LotState], at: datetime) -> int:
    """Points of active lots that were issued on the business day of `at`, if the programme lets them be used from the
    next day only; else 0."""
    if not version.programme.redemptions.from_next_day:
        return 0
    today = version.day(at)
    return sum(lot.remaining for lot in lots if not lot.pending and version.day(lot.issued_at) >= today)


def who_refusals(version: Version, when: When, claimant: Claimant) -> Iterator[CommonpointError]:
    """Why the member is not among those that the condition is about."""
    yield from _tiers(when, claimant)
    yield from _segments(when, claimant)
    yield from _memberships(when, claimant)
    purchases = total(claimant.standing, "purchases")
    if when.first_purchase and purchases > 1:
        yield ForHistory("This is for the first purchase.", purchases=purchases, at_most=1)
    if when.nth is not None:
        yield from _nth(when.nth, claimant, version.day(claimant.at))


def when_and_where_refusals(version: Version, reward: Reward, claimant: Claimant) -> Iterator[CommonpointError]:
    """Why the reward is not offered at this moment or place."""
    if not holds(reward.available, claimant.at, version.zone):
        yield NotAvailable(
            "The reward is offered at other times.", **{"from": reward.available.from_, "until": reward.available.until}
        )
    if claimant.partner is not None and reward.item.partners and claimant.partner not in reward.item.partners:
        yield Elsewhere("The reward is given at other partners.", partners=list(reward.item.partners))
    if claimant.location is not None and reward.item.locations and claimant.location not in reward.item.locations:
        yield Elsewhere("The reward is given at other places.", locations=list(reward.item.locations))
    yield from cooling(version, claimant.standing, claimant.at)


def cooling(version: Version, standing: Standing, at: datetime) -> Iterator[CoolingDown]:
    """Why nothing is spent yet: the member's contact details changed a short while ago."""
    wait = span(version.programme.redemptions.cool_down_after_contact_change)
    for changed in standing.moments.get(CONTACT_CHANGED, [])[-1:]:
        until = moment_after(datetime.fromtimestamp(changed, UTC), wait, version.zone)
        if at < until:
            yield CoolingDown("The member's contact details have just changed.", until=until.isoformat())


def order_refusals(
    reward: Reward, order: str | None, claimant: Claimant, look_up: Callable[[str], Reward | None]
) -> Iterator[CommonpointError]:
    """Why the order takes no (further) reward. A code is used with an order later, so a voucher's claim needs none."""
    if reward.one_per_order and order is None and not gives_voucher(reward):
        yield OrderNeeded("The reward is given once per order: name the order.")
    others = claimant.orders.get(order, ()) if order is not None else ()
    alone = reward.one_per_order or any((other := look_up(name)) is not None and other.one_per_order for name in others)
    if others and alone:
        yield OrderRewarded(f"The order has '{others[0]}' already.", order=order, reward=others[0])


def basket_refusals(version: Version, reward: Reward, basket_minor: int | None) -> Iterator[CommonpointError]:
    """Why the purchase is too small for the reward, or cannot be judged; for a voucher, its use asks that."""
    if reward.minimum_basket is None or gives_voucher(reward):
        return
    needed = minor_of(version, reward.minimum_basket)
    if basket_minor is None:
        yield BasketNeeded("The reward has a minimum purchase: tell its amount.", needed_minor=needed)
    elif basket_minor < needed:
        short = needed - basket_minor
        yield BasketTooSmall(f"The purchase is {short} minor units short.", needed_minor=needed, short_minor=short)


def limit_refusals(version: Version, reward: Reward, points: int, claimant: Claimant) -> Iterator[CommonpointError]:
    """Why one more claim of `points` would be beyond what a member may have."""
    day, limit = version.day(claimant.at), reward.per_member
    if limit is not None:
        had = _so_far(claimant.standing, f"reward/{reward.id}", day, limit.per)
        if limit.times is not None and had + 1 > limit.times:
            yield LimitReached(
                f"{had} of {limit.times} are claimed.",
                limit=limit.times,
                per=limit.per,
                left=0,
                **_again(day, limit.per),
            )
        left = points_left(version, reward, claimant)
        if limit.points is not None and left is not None and points > left:
            yield LimitReached(
                f"{left} points are left of {limit.points}.",
                limit_points=limit.points, per=limit.per, left=left, **_again(day, limit.per),
            )  # fmt: skip
    most = version.programme.redemptions.max_points_per_day
    today = daily_points_left(version, claimant)
    if most is not None and today is not None and points > today:
        yield DailyLimitReached(f"{today} of {most} points are left today.", limit=most, left=today)


def points_left(version: Version, reward: Reward, claimant: Claimant) -> int | None:
    """Points that the member may still use for the reward in the period; None: no such limit."""
    limit = reward.per_member
    if limit is None or limit.points is None:
        return None
    had = _so_far(claimant.standing, f"reward/{reward.id}/points", version.day(claimant.at), limit.per)
    return max(limit.points - had, 0)


def daily_points_left(version: Version, claimant: Claimant) -> int | None:
    """Points that the member may still spend on this business day; None: no such limit."""
    most = version.programme.redemptions.max_points_per_day
    if most is None:
        return None
    return max(most - _so_far(claimant.standing, "redeemed", version.day(claimant.at), "day"), 0)


def stock_cap(version: Version, reward: Reward, day: date) -> tuple[str, int] | None:
    """(cap id, size) of the period's stock, or None without one: `<programme>/<reward>/stock/<period>`."""
    if reward.stock is None:
        return None
    return f"{version.programme.programme}/{reward.id}/stock/{name_of(day, reward.stock.per)}", reward.stock.count


def stock_refusals(
    version: Version, reward: Reward, claimant: Claimant, caps: Mapping[str, CapState]
) -> Iterator[CommonpointError]:
    """Whether the period's stock is used up. A cap that nobody has used yet need not be among `caps`."""
    cap = stock_cap(version, reward, version.day(claimant.at))
    if cap is None or reward.stock is None:
        return
    state = caps.get(cap[0])
    if state is not None and state.used >= min(state.size, cap[1]):
        yield OutOfStock(f"All {cap[1]} are claimed.", stock=cap[1], per=reward.stock.per)


def _tiers(when: When, claimant: Claimant) -> Iterator[CommonpointError]:
    if when.tiers and claimant.tier not in when.tiers:
        yield ForTiers(f"This is for {_listed(when.tiers)}.", tiers=list(when.tiers), tier=claimant.tier)
    if claimant.tier in when.not_tiers:
        yield ForTiers(f"This is not for {claimant.tier}.", not_tiers=list(when.not_tiers), tier=claimant.tier)


def _segments(when: When, claimant: Claimant) -> Iterator[CommonpointError]:
    if when.segments and not claimant.segments.intersection(when.segments):
        yield ForSegments(f"This is for {_listed(when.segments)}.", segments=list(when.segments))
    if claimant.segments.intersection(when.not_segments):
        yield ForSegments(f"This is not for {_listed(when.not_segments)}.", not_segments=list(when.not_segments))


def _memberships(when: When, claimant: Claimant) -> Iterator[CommonpointError]:
    if when.memberships and not any(claimant.is_in(name) for name in when.memberships):
        yield ForMemberships(f"This is for members of {_listed(when.memberships)}.", memberships=list(when.memberships))
    if any(claimant.is_in(name) for name in when.not_memberships):
        listed = _listed(when.not_memberships)
        yield ForMemberships(f"This is not for members of {listed}.", not_memberships=list(when.not_memberships))


def _nth(nth: Nth, claimant: Claimant, day: date) -> Iterator[CommonpointError]:
    first = 0 if nth.within is None else earlier(day, span(nth.within)).toordinal()
    made = between(claimant.standing, "purchases", first, day.toordinal())
    if made < nth.at_least or (nth.every and made % nth.at_least):
        yield ForHistory(f"{made} purchases of {nth.at_least}.", purchases=made, needed=nth.at_least)


def _so_far(standing: Standing, counter: str, day: date, per: Per) -> int:
    if per == "ever":
        return total(standing, counter)
    return between(standing, counter, first_of(day, per).toordinal(), last_of(day, per).toordinal())


def _again(day: date, per: Per) -> dict[str, str]:
    """From which day the limit is new, if ever."""
    return {} if per == "ever" else {"again_on": date.fromordinal(last_of(day, per).toordinal() + 1).isoformat()}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
