"""A generous year: as much as hardly any customer buys. What it does not reach is out of reach.

One purchase and one visit a day, each event by name once a week, 10,000 euros of spending, in other currencies about as
much. Campaigns and luck are left out: nobody can count on them.
"""

from dataclasses import dataclass
from fractions import Fraction

from points.programme.schema.earning import EventRule, ItemRule, PeriodTotalRule, SpendRule, TermsRule, VisitRule
from points.programme.schema.programme import Programme

EUROS = 10_000
DAYS = 365
WEEKS = 52

# One euro in other currencies, to the order of magnitude. It serves this estimate and nothing else.
_PER_EURO = {
    "CZK": 25, "DKK": 8, "HUF": 400, "ISK": 150, "JPY": 160, "NOK": 12, "PLN": 4, "RON": 5, "RSD": 117, "SEK": 11,
    "TRY": 45, "UAH": 45,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Year:
    """What a generous year comes to. `points` is None if the file does not say how much is earned (terms)."""

    spend: int
    visits: int
    points: Fraction | None


def generous_year(programme: Programme) -> Year:
    """The year under a programme's rules: all that add up, and the best of those that compete."""
    spend = EUROS * _PER_EURO.get(programme.currency, 1)
    if any(isinstance(rule, TermsRule) for rule in programme.earn):
        return Year(spend, DAYS, None)
    best = Fraction(0)
    added = Fraction(0)
    for rule in programme.earn:
        points = _points(rule, spend)
        if rule.adds or isinstance(rule, EventRule):
            added += points
        else:
            best = max(best, points)
    return Year(spend, DAYS, best + added + _challenges(programme))


def best_rate(rule: SpendRule | PeriodTotalRule) -> Fraction:
    """Points per unit of money, in the best tier or step."""
    if isinstance(rule, PeriodTotalRule):
        return max(Fraction(step.points) for step in rule.steps) / Fraction(rule.per)
    return max(Fraction(rate) for rate in (rule.points, *rule.tiers.values())) / Fraction(rule.per)


def _points(rule: object, spend: int) -> Fraction:
    match rule:
        case SpendRule() | PeriodTotalRule():
            points = best_rate(rule) * spend
        case VisitRule():
            points = Fraction(max(rule.points, *rule.tiers.values(), 0)) * DAYS
        case ItemRule():
            points = Fraction(rule.points) / Fraction(rule.per_quantity) * DAYS
        case EventRule():
            most = max([rule.points or 0, *(step.points for step in rule.steps)])
            points = Fraction(most * (1 if rule.once_per == "member" else WEEKS))
        case _:
            points = Fraction(0)
    return points


def _challenges(programme: Programme) -> Fraction:
    times = {"day": DAYS, "week": WEEKS, "month": 12, "quarter": 4, "year": 1, "ever": 1}
    return Fraction(
        sum(
            (challenge.gain.points or 0) * (times.get(challenge.per or "month", 12) if challenge.repeat else 1)
            for challenge in programme.engagement.challenges
        )
    )
