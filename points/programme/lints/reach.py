"""Whether members can get there: rewards and tiers that nobody reaches, claims or wins."""

from collections.abc import Iterator
from fractions import Fraction

from points.programme.checks.parts import parts
from points.programme.lints.advice import Advice, plainly
from points.programme.lints.generous_year import DAYS, Year, generous_year
from points.programme.periods import span
from points.programme.schema.engagement import Gain
from points.programme.schema.lifecycle import AnnualSweep, Rolling
from points.programme.schema.programme import Programme
from points.programme.schema.rewards import Reward

_BY_POINTS = ("points_as_money", "donation")


def unreachable_rewards(programme: Programme) -> Iterator[Advice]:
    """Rewards that cost more than a generous year, or the life of a point, can give."""
    year = generous_year(programme)
    life = _life_in_days(programme)
    within = None if year.points is None else year.points * min(life or DAYS, DAYS) / DAYS
    for number, reward in enumerate(programme.rewards):
        if reward.cost is None:
            continue
        place = ("rewards", number, "cost")
        cost = min(reward.cost, *reward.cost_by_tier.values(), reward.cost)
        if within is not None and cost > within:
            time = f"in {life} days, after which points expire," if life and life < DAYS else "in a generous year"
            text = f"{cost} points cannot be reached: {time} one earns at most {plainly(within)}"
            yield Advice("unreachable_reward", place, text)
        elif (limit := programme.redemptions.max_points_per_day) is not None and cost > limit:
            text = f"{cost} points cannot be spent: {limit} a day are allowed"
            yield Advice("unreachable_reward", place, text)
        elif (sooner := _issued_before(programme, reward)) is not None:
            text = f"a balance of {cost} does not come about: at {sooner.cost} points `{sooner.id}` is issued by itself"
            yield Advice("unreachable_reward", place, text)


def unreachable_tiers(programme: Programme) -> Iterator[Advice]:
    """Levels above what a generous year (or the window, if it is longer) measures."""
    if programme.tiers is None or programme.tiers.window.kind == "lifetime":
        return
    window = programme.tiers.window
    years = max(Fraction(span(window.length).upper_days, DAYS), Fraction(1)) if window.length else Fraction(1)
    measured = _measured(generous_year(programme), programme.tiers.measure)
    for number, level in enumerate(programme.tiers.levels):
        if measured is not None and level.from_ > measured * years:
            seen = f"{plainly(measured * years)} in a generous year"
            text = f"{level.from_} {programme.tiers.measure} cannot be reached: the window sees {seen}"
            yield Advice("unreachable_tier", ("tiers", "levels", number), text)


def never_had(programme: Programme) -> Iterator[Advice]:
    """Rewards and badges that nothing leads to."""
    won = {gain.reward for _, gain in parts(programme) if isinstance(gain, Gain)}
    badges = {gain.badge for _, gain in parts(programme) if isinstance(gain, Gain)}
    for number, reward in enumerate(programme.rewards):
        if reward.cost is None and reward.kind not in _BY_POINTS and reward.id not in won:
            text = f"`{reward.id}` has no `cost` and nobody can win it"
            yield Advice("never_claimable", ("rewards", number), text)
    for number, badge in enumerate(programme.engagement.badges):
        if badge.id not in badges:
            yield Advice("never_won", ("engagement", "badges", number), f"nothing awards the badge `{badge.id}`")
    if programme.earn and not programme.rewards and programme.conversion is None:
        yield Advice("nothing_to_redeem", ("rewards",), "points are earned, but there is nothing to use them for")
    if not programme.earn:
        yield Advice("nothing_earned", ("earn",), "there are no earn rules")


def _issued_before(programme: Programme, reward: Reward) -> Reward | None:
    """A reward for everybody that takes the points away before they are enough for `reward`."""
    return next(
        (
            other
            for other in programme.rewards
            if other.auto_issue
            and other.cost is not None
            and other.id != reward.id
            and reward.cost is not None
            and reward.cost >= 2 * other.cost
            and other.eligible == type(other.eligible)()
            and other.stock is None
            and other.per_member is None
        ),
        None,
    )


def _life_in_days(programme: Programme) -> int | None:
    """How long a point lives at most, if the file says so for everybody."""
    expiry = programme.lots.expiry
    if isinstance(expiry, Rolling) and expiry.unless_active_each is None and not programme.lots.by_tier:
        edge = {"day": 0, "month": 31, "quarter": 92, "year": 366}[expiry.end_of]
        return span(expiry.length).upper_days + edge
    if isinstance(expiry, AnnualSweep):
        return DAYS + span(expiry.older_than).upper_days
    return None


def _measured(year: Year, measure: str) -> Fraction | None:
    by_measure = {"points": year.points, "spend": Fraction(year.spend), "visits": Fraction(year.visits)}
    return by_measure[measure]
