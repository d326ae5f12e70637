"""The catalogue as a member meets it: what a reward costs them, whether they may have it, what comes next.

Pure: the same question about the same claimant has the same answer, so that a card, a quote and a claim agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from itertools import chain

import msgspec

from kernel.errors import CommonpointError
from points.book import CapState
from points.programme.periods import moment_after, span
from points.programme.reward_eligibility import (
    Claimant,
    basket_refusals,
    daily_points_left,
    gives_voucher,
    limit_refusals,
    order_refusals,
    points_left,
    stock_cap,
    stock_refusals,
    when_and_where_refusals,
    who_refusals,
)
from points.programme.reward_price import (
    Tendered,
    cost_of,
    minor_of,
    money_off,
    most_of_basket,
    point_value,
    smallest_tender,
    tender,
)
from points.programme.reward_refusals import (
    BasketNeeded,
    BasketTooSmall,
    CostIsFixed,
    NotAMultiple,
    NotForPoints,
    PointsShort,
    UnknownReward,
)
from points.programme.schema.programme import Programme
from points.programme.schema.rewards import Reward
from points.programme.standing import Change, Standing, fold
from points.programme.version import Version

# A balance far above the price (a merge, a correction) becomes vouchers in portions, so that no journal grows without
# end; what is left over is issued at the member's next change.
MOST_ISSUED_AT_ONCE = 50

_NO_CAPS: Mapping[str, CapState] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the claim says besides the reward: points where they are free to choose, the purchase and its amount."""

    points: int | None = None
    basket_minor: int | None = None
    order: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What a claim does: points it takes, by when it must be captured, and what it counts for.

    `worth_minor`: money taken off the purchase, or given away by a donation; None if the reward is not money or that
    depends on a later purchase. `acceptor`: name in the file of the partner that supplies it or receives the donation
    (None: whoever captures the claim), at `price_minor` if the file says a price. `uses`: shared stock taken.
    """

    reward: Reward
    points: int
    worth_minor: int | None
    acceptor: str | None
    price_minor: int | None
    deadline: datetime
    change: Change
    uses: dict[str, int] = field(default_factory=dict)

    @property
    def voucher(self) -> bool:
        """Whether it is captured at once and becomes a code."""
        return gives_voucher(self.reward)


@dataclass(frozen=True, slots=True)
class Offer:
    """A reward in a member's catalogue: from how many points, and every reason why they cannot have it now."""

    reward: Reward
    points: int
    refusals: tuple[CommonpointError, ...] = ()

    @property
    def claimable(self) -> bool:
        """Whether the member can have it now."""
        return not self.refusals

    @property
    def only_short(self) -> bool:
        """Whether points are all that is lacking."""
        return bool(self.refusals) and all(isinstance(refusal, PointsShort) for refusal in self.refusals)


@dataclass(frozen=True, slots=True)
class Ladder:
    """A member's catalogue in rising order of points; `next` is the cheapest for which only points lack, `distance`
    how many."""

    offers: tuple[Offer, ...]
    next: Offer | None
    distance: int | None

    @property
    def claimable(self) -> tuple[Offer, ...]:
        """What the member can have now."""
        return tuple(offer for offer in self.offers if offer.claimable)


def find_reward(version: Version, reward_id: str) -> Reward | None:
    """The reward of this version, or None."""
    return version.once("rewards_by_id", _by_id).get(reward_id)


def reward_of(version: Version, reward_id: str) -> Reward:
    """The reward of this version. Raises UnknownReward."""
    found = find_reward(version, reward_id)
    if found is None:
        raise UnknownReward(f"The programme has no reward '{reward_id}'.", reward=reward_id)
    return found


def price_claim(
    version: Version,
    reward_id: str,
    claimant: Claimant,
    wish: Wish | None = None,
    caps: Mapping[str, CapState] = _NO_CAPS,
) -> Priced:
    """What the claim takes and gives. Raises UnknownReward or the first of the refusals of `reward_refusals`."""
    reward, wanted = reward_of(version, reward_id), wish or Wish()
    refusals = chain(
        who_refusals(version, reward.eligible, claimant),
        when_and_where_refusals(version, reward, claimant),
        order_refusals(reward, wanted.order, claimant, partial(find_reward, version)),
        basket_refusals(version, reward, wanted.basket_minor),
    )
    for refusal in refusals:
        raise refusal
    points, worth = _price(version, reward, claimant, wanted)
    for refusal in (
        *limit_refusals(version, reward, points, claimant),
        *stock_refusals(version, reward, claimant, caps),
        *_shortage(points, claimant),
    ):
        raise refusal
    return _priced(version, reward, points, worth, claimant.at)


def given(version: Version, reward_id: str, at: datetime) -> Priced:
    """A reward that is won, not paid for (a birthday, a challenge): no points, no limits, no counting. Raises
    UnknownReward."""
    reward = reward_of(version, reward_id)
    return replace(_priced(version, reward, 0, money_off(version, reward, None), at), change=Change(), uses={})


def ladder(version: Version, claimant: Claimant, caps: Mapping[str, CapState] = _NO_CAPS) -> Ladder:
    """The catalogue as the member meets it now, without what is out of season or cannot be had for points."""
    offers = []
    for reward in version.programme.rewards:
        points = _from_points(version, reward, claimant.tier)
        if points is None:
            continue
        season = tuple(when_and_where_refusals(version, reward, claimant))
        if any(refusal.code == "reward_not_available" for refusal in season):
            continue
        refusals = (
            *who_refusals(version, reward.eligible, claimant),
            *season,
            *limit_refusals(version, reward, points, claimant),
            *stock_refusals(version, reward, claimant, caps),
            *_shortage(points, claimant),
        )
        offers.append(Offer(reward, points, refusals))
    offers.sort(key=lambda offer: offer.points)
    following = next((offer for offer in offers if offer.only_short), None)
    return Ladder(tuple(offers), following, following.points - claimant.usable if following else None)


def claimable(version: Version, claimant: Claimant, caps: Mapping[str, CapState] = _NO_CAPS) -> list[Offer]:
    """What the member can have now, in rising order of points."""
    return list(ladder(version, claimant, caps).claimable)


def auto_issues(version: Version, claimant: Claimant, caps: Mapping[str, CapState] = _NO_CAPS) -> list[Priced]:
    """What the balance turns into by itself, in the order of the file, each as often as the balance, limits and stock
    allow (at most MOST_ISSUED_AT_ONCE together)."""
    rewards = version.once("auto_issued", _auto_issued)
    issued: list[Priced] = []
    left, stock = claimant, dict(caps)
    for reward in rewards:
        while len(issued) < MOST_ISSUED_AT_ONCE and (cost_of(reward, left.tier) or left.usable + 1) <= left.usable:
            try:
                made = price_claim(version, reward.id, left, None, stock)
            except CommonpointError:
                break
            issued.append(made)
            left = replace(left, spendable=left.spendable - made.points, standing=_after(left.standing, made.change))
            _take(version, made, stock, claimant.at)
    return issued


def stock_caps(version: Version, day: date, *, automatic: bool = False) -> dict[str, int]:
    """All stocks of the catalogue on `day` (with `automatic`, of rewards that issue themselves): cap id -> size."""
    rewards = version.once("auto_issued", _auto_issued) if automatic else version.programme.rewards
    return dict(cap for reward in rewards if (cap := stock_cap(version, reward, day)) is not None)


def claim_caps(version: Version, reward_id: str | None, day: date) -> dict[str, int]:
    """The stocks that a claim of one reward (None: no claim) and what issues itself after it can draw on: cap id ->
    size. Others need not wait for it."""
    reward = find_reward(version, reward_id) if reward_id is not None else None
    own = stock_cap(version, reward, day) if reward is not None else None
    return stock_caps(version, day, automatic=True) | (dict([own]) if own is not None else {})


def _price(version: Version, reward: Reward, claimant: Claimant, wish: Wish) -> tuple[int, int | None]:
    """Points of the claim and what they are worth. Raises refusals of the wish."""
    if reward.kind == "points_as_money":
        paid = _as_money(version, reward, claimant, wish)
        return paid.points, paid.money_minor
    if reward.kind == "donation":
        return _donated(version, reward, wish)
    cost = cost_of(reward, claimant.tier)
    if cost is None:
        raise NotForPoints("The reward has no price in points for this member.", tier=claimant.tier)
    if wish.points is not None and wish.points != cost:
        raise CostIsFixed(f"The reward costs {cost} points.", cost=cost)
    return cost, money_off(version, reward, None if gives_voucher(reward) else wish.basket_minor)


def _as_money(version: Version, reward: Reward, claimant: Claimant, wish: Wish) -> Tendered:
    smallest = smallest_tender(version, reward)
    if wish.points is not None and wish.points < smallest.points:
        raise NotAMultiple(f"The least is {smallest.points} points.", multiple_of=reward.multiple_of)
    most_minor = None
    if not gives_voucher(reward):
        if wish.basket_minor is None:
            raise BasketNeeded("Points pay a part of a purchase: tell its amount.")
        most_minor = most_of_basket(reward, wish.basket_minor)
        if most_minor < smallest.money_minor:
            short = smallest.money_minor - most_minor
            raise BasketTooSmall("The purchase is too small to pay with points.", short_minor=short)
    limits = (claimant.usable, points_left(version, reward, claimant), daily_points_left(version, claimant))
    most = min(limit for limit in limits if limit is not None) if wish.points is None else wish.points
    paid = tender(version, reward, most, most_minor)
    # Nothing to pay with: the smallest payment says what lacks (points, or a limit).
    return paid if paid.points else smallest


def _donated(version: Version, reward: Reward, wish: Wish) -> tuple[int, int | None]:
    points = wish.points if wish.points is not None else reward.cost or reward.multiple_of
    if points % reward.multiple_of:
        raise NotAMultiple(f"Donate a multiple of {reward.multiple_of} points.", multiple_of=reward.multiple_of)
    if version.programme.unit.value is None:
        return points, None
    return points, int(points * point_value(version))


def _from_points(version: Version, reward: Reward, tier: str | None) -> int | None:
    """The least that the reward takes; None if it cannot be had for points."""
    if reward.kind == "points_as_money":
        return smallest_tender(version, reward).points if version.programme.unit.value else None
    if reward.kind == "donation":
        return reward.cost or reward.multiple_of
    return cost_of(reward, tier)


def _shortage(points: int, claimant: Claimant) -> tuple[PointsShort, ...]:
    short = points - claimant.usable
    if short <= 0:
        return ()
    tomorrow = f"; {claimant.later} can be used from tomorrow" if claimant.later else ""
    detail = f"{claimant.usable} of {points} points: {short} short{tomorrow}."
    return (PointsShort(detail, needed=points, available=claimant.usable, short=short, later=claimant.later),)


def _priced(version: Version, reward: Reward, points: int, worth: int | None, at: datetime) -> Priced:
    day = version.day(at)
    cap = stock_cap(version, reward, day)
    counts = {f"reward/{reward.id}": 1, f"reward/{reward.id}/points": points, "redeemed": points}
    return Priced(
        reward=reward,
        points=points,
        worth_minor=worth,
        acceptor=reward.partner,
        price_minor=None if reward.price is None else minor_of(version, reward.price),
        deadline=moment_after(at, span(reward.hold), version.zone),
        change=Change(counts={counter: {day.toordinal(): n} for counter, n in counts.items() if n}),
        uses={cap[0]: 1} if cap else {},
    )


def _take(version: Version, made: Priced, stock: dict[str, CapState], at: datetime) -> None:
    for cap_id, n in made.uses.items():
        known = stock.get(cap_id)
        size = stock_caps(version, version.day(at))[cap_id]
        stock[cap_id] = CapState(cap_id, known.size if known else size, (known.used if known else 0) + n)


def _after(standing: Standing, change: Change) -> Standing:
    """A copy that has the change's counts."""
    counts = {counter: dict(days) for counter, days in standing.counts.items()}
    copy = msgspec.structs.replace(standing, counts=counts)
    fold(copy, Change(counts=change.counts))
    return copy


def _by_id(programme: Programme) -> dict[str, Reward]:
    return {reward.id: reward for reward in programme.rewards}


def _auto_issued(programme: Programme) -> tuple[Reward, ...]:
    return tuple(reward for reward in programme.rewards if reward.auto_issue)


def becomes_something(version: Version) -> bool:
    """Whether a balance may become a reward, or a statement's voucher, without being asked."""
    return version.programme.conversion is not None or bool(version.once("auto_issued", _auto_issued))
