"""What members get back for what they spend: too much, too little, or more than they paid."""

from collections.abc import Iterator
from fractions import Fraction

from points.programme.fair_change import reward_worth
from points.programme.faults import Place
from points.programme.lints.advice import Advice, percent, plainly
from points.programme.lints.generous_year import best_rate
from points.programme.schema.earning import EventRule, PeriodTotalRule, SpendRule
from points.programme.schema.programme import Programme

USUAL_BAND = (Fraction(1, 100), Fraction(25, 100))


def reward_rates(programme: Programme) -> Iterator[Advice]:
    """Effective reward rates (value of a reward by the money spent for it) outside the band."""
    low, high = _band(programme)
    rate = max(_rates(programme), default=None)
    effective: list[Fraction] = []
    for place, worth in _worths(programme):
        if rate is not None:
            effective.append(rate * worth)
            if effective[-1] > high:
                yield Advice("reward_rate_high", place, _outside(effective[-1], low, high))
    # A discount is a rate of the purchase that it is used on, not of all; the usual band is its measure at least.
    most = max(high, USUAL_BAND[1])
    for number, reward in enumerate(programme.rewards):
        if reward.percent is not None and Fraction(reward.percent) > most:
            yield Advice("reward_rate_high", ("rewards", number), _outside(Fraction(reward.percent), low, most))
    if effective and max(effective) < low:
        yield Advice("reward_rate_low", ("earn",), _outside(max(effective), low, high))


def arbitrage(programme: Programme) -> Iterator[Advice]:
    """Where points are worth more than what was paid for them."""
    worth = max((worth for _, worth in _worths(programme)), default=Fraction(0))
    rate = max(_rates(programme), default=Fraction(0))
    times = _times(programme)
    if worth * rate * times > 1:
        text = f"spending 1 gives points worth {plainly(worth * rate * times)} when all campaigns hold at once"
        yield Advice("arbitrage", ("campaigns",) if times > 1 else ("earn",), text)
    for number, rule in enumerate(programme.earn):
        if isinstance(rule, EventRule):
            for index, step in enumerate(rule.steps):
                if step.from_ > 0 and worth * step.points > Fraction(step.from_):
                    text = f"{step.points} points are worth more than the {step.from_} that they take"
                    yield Advice("arbitrage", ("earn", number, "steps", index), text)
    yield from _games(programme)


def _games(programme: Programme) -> Iterator[Advice]:
    costs = {reward.id: reward.cost or 0 for reward in programme.rewards}
    for number, game in enumerate(programme.engagement.games):
        mean = sum(
            Fraction(prize.odds) * ((prize.gain.points or 0) + costs.get(prize.gain.reward or "", 0))
            for prize in game.prizes
            if prize.gain is not None
        )
        if game.cost is not None and mean > game.cost:
            text = f"a draw for {game.cost} points gives {plainly(Fraction(mean))} on average"
            yield Advice("arbitrage", ("engagement", "games", number), text)
        if game.cost is None and game.per_member is None:
            text = "draws are free and not limited per member"
            yield Advice("unlimited", ("engagement", "games", number), text)


def _times(programme: Programme) -> Fraction:
    """The most that campaigns multiply by when all of them hold."""
    stacked = Fraction(1)
    single = Fraction(1)
    for campaign in programme.campaigns:
        times = Fraction(campaign.times or 1)
        if campaign.stacking == "stack":
            stacked *= max(times, Fraction(1))
        else:
            single = max(single, times)
    return stacked * single


def _rates(programme: Programme) -> Iterator[Fraction]:
    """Points per unit of money of every rule that says one; those that add come on top of the best."""
    rules = [rule for rule in programme.earn if isinstance(rule, SpendRule | PeriodTotalRule)]
    added = sum((best_rate(rule) for rule in rules if rule.adds), Fraction(0))
    competing = [best_rate(rule) for rule in rules if not rule.adds]
    if rules:
        yield max(competing, default=Fraction(0)) + added


def _worths(programme: Programme) -> Iterator[tuple[Place, Fraction]]:
    """Money per point, and where it says so."""
    for number, reward in enumerate(programme.rewards):
        worth = reward_worth(programme, reward)
        if worth is not None:
            yield ("rewards", number), worth
    if (conversion := programme.conversion) is not None:
        boost = max((one.times for one in conversion.boosts), default=1)
        yield ("conversion",), Fraction(conversion.money) / conversion.points * boost
    elif programme.unit.value is not None:
        yield ("unit", "value"), Fraction(programme.unit.value)


def _band(programme: Programme) -> tuple[Fraction, Fraction]:
    band = programme.reward_band
    return (Fraction(band.low), Fraction(band.high)) if band is not None else USUAL_BAND


def _outside(rate: Fraction, low: Fraction, high: Fraction) -> str:
    return f"effective reward rate {percent(rate)} (meant to be {percent(low)} to {percent(high)})"
