"""Counts what decisions do, as they are made, in memory that grows with members and days alone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction

from points.book import Book
from points.deciding.claimant import claimant_of
from points.decision import Decision
from points.programme.reward_eligibility import who_refusals
from points.programme.reward_price import smallest_tender
from points.programme.schema.basics import Language, When
from points.programme.schema.programme import Programme
from points.programme.schema.rewards import Reward
from points.programme.simulation.figures import Day, Figures, RewardFigures, TierFigures, wait_of
from points.programme.simulation.worth import Costs
from points.programme.tiers import tier_of
from points.programme.version import InForce, Version

_EVERYBODY = When()
_SPENT = frozenset({"redeem", "capture", "convert"})


@dataclass(slots=True)
class Seen:
    """What was seen of a member: days are ordinals, rewards and tiers by their place in the file."""

    joined: int
    claimable_on: int | None = None
    redeemed_on: int | None = None
    redeemed: int = 0
    to_reach: list[int] = field(default_factory=list)
    had: set[str] = field(default_factory=set)
    tiers: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Moved:
    """What moved on a day."""

    issued: int = 0
    withdrawn: int = 0
    redeemed: int = 0
    expired: int = 0
    owed: int = 0


@dataclass(slots=True)
class _Had:
    """What was seen of a reward."""

    reached: int = 0
    members: int = 0
    times: int = 0
    points: int = 0
    cost: Fraction | None = Fraction(0)


class Tally:
    """Counts for one version. `costs` say what redemptions cost."""

    def __init__(self, in_force: InForce, costs: Costs) -> None:
        self._in_force = in_force
        self._version = in_force.version
        self._costs = costs
        self._ladder = self._version.once("simulation_ladder", lambda programme: ladder_of(self._version))
        self._days: dict[int, _Moved] = {}
        self._had: dict[str, _Had] = {reward: _Had() for reward, _ in catalogue(self._version.programme)}
        self._tiers: Counter[str] = Counter()
        self._cost: Fraction | None = Fraction(0)
        self.members: dict[str, Seen] = {}
        self.refused: Counter[str] = Counter()
        self.purchases = self.events = self.refunds = 0
        self.revenue_minor = 0
        self.first: int | None = None
        self.last: int | None = None

    def day(self, day: int) -> None:
        """The history reaches this day."""
        if self.first is None:
            self.first = day
        self.last = day

    def joined(self, member_id: str, day: int) -> None:
        """A member was seen for the first time."""
        self.members[member_id] = Seen(day, to_reach=list(range(len(self._ladder))))

    def decided(self, decisions: Iterable[Decision], book: Book, day: int, at: datetime) -> None:
        """What was decided on a member's book, which has it already."""
        seen = self.members[book.member_id]
        for decision in decisions:
            self._moved(decision, day)
            self._rewarded(decision, seen, day)
            if decision.standing.tier is not None and decision.standing.tier.level not in seen.tiers:
                seen.tiers.add(decision.standing.tier.level)
                self._tiers[decision.standing.tier.level] += 1
        if seen.to_reach:
            self._reach(book, seen, day, at)

    def _moved(self, decision: Decision, day: int) -> None:
        moved = self._days.get(day)
        if moved is None:
            moved = self._days[day] = _Moved()
        moved.owed -= decision.arrears_change
        for account, amount in decision.postings:
            kind = account[account.rfind("/") + 1 :]
            if kind == "issued":
                if amount < 0:
                    moved.issued -= amount
                else:
                    moved.withdrawn += amount
            elif kind == "accepted" and (amount < 0 or decision.kind in _SPENT):
                moved.redeemed += amount
            elif kind == "accepted":
                # A refund of points that are gone: others', or owed ones, stand in for the partner's own.
                moved.withdrawn += amount
            elif kind == "expired":
                moved.expired += amount

    def _rewarded(self, decision: Decision, seen: Seen, day: int) -> None:
        """A reward that a member got, or that was taken back with its unused voucher."""
        reward = decision.facts.get("reward")
        match decision.kind:
            case "redeem" | "capture" if reward is not None:
                self._had_one(str(reward), seen, decision.points, self._costs.of(str(reward), decision.points), day)
            case "convert" if reward is not None:
                worth = sum(voucher.value_minor or 0 for voucher in decision.vouchers)
                self._had_one(str(reward), seen, decision.points, Fraction(worth), day)
            case "grant" if reward is not None:
                # Won, not paid for; the points of the grant itself were counted as issued.
                self._had_one(str(reward), seen, 0, self._costs.of(str(reward), 0), day)
            case "reverse" if decision.vouchers and decision.reverses_id is not None:
                reward = decision.vouchers[0].reward
                seen.redeemed -= decision.points
                cost = self._costs.of(reward, decision.points)
                self._add(reward, -1, -decision.points, None if cost is None else -cost)

    def _had_one(self, reward: str, seen: Seen, points: int, cost: Fraction | None, day: int) -> None:
        seen.redeemed += points
        if points and seen.redeemed_on is None:
            seen.redeemed_on = day
        if reward not in seen.had:
            seen.had.add(reward)
            self._had[reward].members += 1
        self._add(reward, 1, points, cost)

    def _add(self, reward: str, times: int, points: int, cost: Fraction | None) -> None:
        had = self._had[reward]
        had.times += times
        had.points += points
        had.cost = _sum(had.cost, cost)
        self._cost = _sum(self._cost, cost)

    def _reach(self, book: Book, seen: Seen, day: int, at: datetime) -> None:
        """Which rewards the member has the points for, counting those that went into rewards before."""
        wealth = book.spendable + book.held + seen.redeemed
        if wealth < self._ladder[seen.to_reach[0]][0]:
            return
        left = []
        for place in seen.to_reach:
            cost, reward = self._ladder[place]
            if cost <= wealth and self._may(reward, book, wealth, at):
                self._had[reward.id].reached += 1
                if seen.claimable_on is None:
                    seen.claimable_on = day
            else:
                left.append(place)
        seen.to_reach = left

    def _may(self, reward: Reward, book: Book, wealth: int, at: datetime) -> bool:
        if reward.eligible is _EVERYBODY or (reward.eligible == _EVERYBODY and not reward.cost_by_tier):
            return True
        claimant = claimant_of(book, self._in_force, at)
        cost = reward.cost_by_tier.get(claimant.tier or "", reward.cost)
        if cost is not None and cost > wealth:
            return False
        return not any(True for _ in who_refusals(self._version, reward.eligible, claimant))

    def figures(self, books: Iterable[Book], breakage: Fraction) -> Figures:
        """The figures of everything that was counted; `books` are all members' at the end."""
        programme = self._version.programme
        days = tuple(self._in_days())
        members = self.members.values()
        sums = [sum(getattr(day, name) for day in days) for name in ("issued", "withdrawn", "redeemed", "expired")]
        return Figures(
            version_id=self._version.id,
            programme=programme.programme,
            name=_word(programme.names),
            currency=programme.currency,
            first=_date(self.first),
            last=_date(self.last),
            members=len(self.members),
            purchases=self.purchases,
            events=self.events,
            refunds=self.refunds,
            refused=dict(self.refused),
            revenue_minor=self.revenue_minor,
            issued=sums[0],
            withdrawn=sums[1],
            redeemed=sums[2],
            expired=sums[3],
            open=days[-1].open if days else 0,
            owed=days[-1].owed if days else 0,
            cost_minor=self._cost,
            per_point_minor=self._costs.per_point,
            breakage_declared=breakage,
            to_claimable=wait_of([m.claimable_on - m.joined for m in members if m.claimable_on is not None]),
            to_redeemed=wait_of([m.redeemed_on - m.joined for m in members if m.redeemed_on is not None]),
            rewards=tuple(self._rewards(programme)),
            tiers=tuple(self._tier_figures(programme, books)),
            days=days,
        )

    def _in_days(self) -> Iterable[Day]:
        open_ = owed = 0
        for day, moved in sorted(self._days.items()):
            owed += moved.owed
            open_ += moved.issued - moved.withdrawn - moved.redeemed - moved.expired + moved.owed
            if moved != _Moved():
                yield Day(
                    date.fromordinal(day), moved.issued, moved.withdrawn, moved.redeemed, moved.expired, open_, owed
                )

    def _rewards(self, programme: Programme) -> Iterable[RewardFigures]:
        on_ladder = {reward.id for _, reward in self._ladder}
        for reward, name in catalogue(programme):
            had = self._had[reward]
            # What points cannot get is reached by having it.
            reached = had.reached if reward in on_ladder else had.members
            yield RewardFigures(reward, name, reached, had.members, had.times, had.points, had.cost)

    def _tier_figures(self, programme: Programme, books: Iterable[Book]) -> Iterable[TierFigures]:
        if programme.tiers is None:
            return
        at_end: Counter[str | None] = Counter()
        last = _date(self.last)
        if last is not None:
            at_end.update(tier_of(self._version, book.standing, last) for book in books)
        for level in programme.tiers.levels:
            # Everybody begins in the lowest tier, which no decision has to say.
            reached = len(self.members) if level.from_ == 0 else self._tiers[level.id]
            yield TierFigures(level.id, _word(level.names), reached, at_end[level.id])


def catalogue(programme: Programme) -> list[tuple[str, str]]:
    """Id and name of all rewards, and of the vouchers that points are converted to."""
    found = [(reward.id, _word(reward.names)) for reward in programme.rewards]
    conversion = programme.conversion
    if conversion is not None:
        found.append((conversion.id, _word(conversion.names or {}) or conversion.id))
    return found


def ladder_of(version: Version) -> list[tuple[int, Reward]]:
    """The rewards that points can get, by the least points that anybody needs for them."""
    ladder = []
    for reward in version.programme.rewards:
        least = least_points(version, reward)
        if least is not None:
            ladder.append((least, reward))
    return sorted(ladder, key=lambda step: step[0])


def least_points(version: Version, reward: Reward) -> int | None:
    """The fewest points that the reward takes from anybody; None if points cannot get it."""
    if reward.kind == "points_as_money":
        return smallest_tender(version, reward).points if version.programme.unit.value else None
    if reward.kind == "donation":
        return reward.cost or reward.multiple_of
    costs = [cost for cost in (reward.cost, *reward.cost_by_tier.values()) if cost is not None]
    return min(costs, default=None)


def _sum(one: Fraction | None, other: Fraction | None) -> Fraction | None:
    """What is not known to one is not known in the sum."""
    return None if one is None or other is None else one + other


def _date(day: int | None) -> date | None:
    return None if day is None else date.fromordinal(day)


def _word(words: Mapping[Language, str]) -> str:
    return words.get("en") or next(iter(words.values()), "")
