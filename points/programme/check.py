"""Whether a programme of the right shape makes sense: names that exist, schedules that happen, rates that can be.

Whatever is said here makes a file unpublishable; what is only unwise is said by `points.programme.lint`.
"""

from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from points.programme.checks import (
    amounts,
    conditions,
    earning,
    engagement,
    lots,
    misuse,
    names,
    rewards,
    schedules,
    tiers,
)
from points.programme.checks.parts import Found, parts
from points.programme.schema import basics, lifecycle, segments
from points.programme.schema import earning as earn
from points.programme.schema import engagement as engage
from points.programme.schema import misuse as watching
from points.programme.schema import rewards as catalogue
from points.programme.schema import tiers as ladder
from points.programme.schema.campaigns import Campaign
from points.programme.schema.programme import Programme, RewardBand, Unit

# Kind of part -> its checks. A check sees a part and the programme it is in.
_CHECKS: tuple[tuple[Any, Callable[[Any, Programme], Iterator[Found]]], ...] = (
    (msgspec.Struct, amounts.amounts),
    (msgspec.Struct, amounts.days_and_spans),
    (basics.Schedule, schedules.schedule),
    (basics.Match, conditions.match),
    (basics.When, conditions.when),
    (basics.Limit, conditions.limit),
    (basics.Budget, conditions.budget),
    (earn.EarnBase, earning.earn_base),
    (earn.Rule, earning.rule),
    (earn.EventRule, earning.event_rule),
    (earn.PeriodTotalRule, earning.period_total_rule),
    (Campaign, earning.campaign),
    (ladder.Tiers, tiers.tiers),
    (ladder.TierWindow, tiers.window),
    (ladder.Valid, tiers.valid),
    (segments.Predicate, tiers.predicate),
    (segments.Holdout, tiers.holdout),
    (catalogue.Reward, rewards.reward),
    (catalogue.Conversion, rewards.conversion),
    (lifecycle.Lots, lots.lots),
    (lifecycle.Rolling | lifecycle.Inactivity, lots.active),
    (lifecycle.AnnualSweep, lots.sweep),
    (lifecycle.Transfers, lots.transfers),
    (lifecycle.Households, lots.households),
    (lifecycle.ProofNeeded, misuse.proof),
    (watching.Misuse, misuse.misuse),
    (watching.Velocity, misuse.velocity),
    (engage.Goal, engagement.goal),
    (engage.Challenge, engagement.challenge),
    (engage.Streak | engage.Milestone | engage.Choice, engagement.rewarded),
    (engage.Yearly, engagement.yearly),
    (engage.Game, engagement.game),
    (engage.StaffRecognition, engagement.staff),
)


def faults_of_meaning(programme: Programme) -> list[Found]:
    """What is wrong: (place, message)."""
    found = [*_ground(programme), *names.names_once(programme), *names.names_exist(programme)]
    for place, part in parts(programme):
        for kind, check in _CHECKS:
            if isinstance(part, kind):
                found += [((*place, *within), message) for within, message in check(part, programme)]
    return found


def _ground(programme: Programme) -> Iterator[Found]:
    """The file's own fields."""
    if not _is_zone(programme.zone):
        yield ("zone",), f"`{programme.zone}` is not a time zone; they are called like Europe/Helsinki"
    if amounts.currency_places(programme) is None:
        yield ("currency",), f"`{programme.currency}` is not a currency that this service keeps"
    yield from _unit(programme.unit, programme)
    if (band := programme.reward_band) is not None:
        yield from _band(band)
    for name, text in programme.locations.items():
        if not text.strip():
            yield ("locations", name), "a place needs its name"
    for name, partner in programme.partners.items():
        if not partner.name.strip():
            yield ("partners", name, "name"), "a partner needs its name"


def _unit(unit: Unit, programme: Programme) -> Iterator[Found]:
    """Named in every language that the programme's own name is in, or in none."""
    for language, forms in unit.names.items():
        if any(not form.strip() for form in forms):
            yield ("unit", "names", language), "both forms are needed, such as [point, points]"
    missing = [language for language in programme.names if unit.names and language not in unit.names]
    if missing:
        yield ("unit", "names"), f"the point has no name in {', '.join(missing)}, but the programme has"


def _band(band: RewardBand) -> Iterator[Found]:
    if band.low >= band.high:
        yield ("reward_band", "high"), f"`high` ({band.high}) is not above `low` ({band.low})"


def _is_zone(name: str) -> bool:
    # Some keys would be read as paths; the database of zones refuses those by ValueError.
    try:
        return ZoneInfo(name).key == name and name not in ("", "localtime", "posixrules")
    except (ValueError, OSError, KeyError):
        return False
