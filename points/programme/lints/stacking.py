"""Campaigns and rules that can hold at the same time, where the outcome surprises."""

from collections.abc import Iterator
from itertools import combinations

from points.programme.lints.advice import Advice
from points.programme.schema.basics import Match, Schedule, When
from points.programme.schema.campaigns import Campaign
from points.programme.schema.programme import Programme

# From this factor on a campaign without a hard stop is a risk.
_STEEP = 5


def unclear_stacking(programme: Programme) -> Iterator[Advice]:
    """Pairs of campaigns whose order or kind decides more than their text tells."""
    for (first, one), (second, other) in combinations(enumerate(programme.campaigns), 2):
        if not _together(one, other):
            continue
        place = ("campaigns", second, "stacking")
        if one.stacking == other.stacking == "exclusive":
            text = f"`{one.id}` and `{other.id}` are both exclusive; of both, `{one.id}` wins as it is written first"
            yield Advice("unclear_stacking", place, text)
        elif one.stacking == other.stacking == "best_of" and (one.times is None) != (other.times is None):
            text = f"which of `{one.id}` and `{other.id}` is better depends on the amount: one multiplies, one adds"
            yield Advice("unclear_stacking", place, text)
        elif one.stacking == other.stacking == "stack" and one.adds is not None and other.times is not None:
            text = f"`{other.id}` multiplies also what `{one.id}` added, as it is written after it"
            yield Advice("unclear_stacking", place, text)
        elif "exclusive" in (one.stacking, other.stacking) and one.stacking != other.stacking:
            alone, silenced = (one, other) if one.stacking == "exclusive" else (other, one)
            if _always(alone):
                index = second if silenced is other else first
                text = f"`{silenced.id}` never holds: `{alone.id}` is exclusive and always on"
                yield Advice("never_holds", ("campaigns", index), text)


def shadowed_rules(programme: Programme) -> Iterator[Advice]:
    """Rules that compete for exactly the same."""
    for (first, one), (second, other) in combinations(enumerate(programme.earn), 2):
        same = (one.match, one.when, one.schedule) == (other.match, other.when, other.schedule)
        if type(one) is type(other) and same and not (one.adds or other.adds) and not hasattr(one, "event"):
            text = f"`{one.id}` (earn[{first}]) and `{other.id}` are for the same purchases; only the better one gives"
            yield Advice("competing_rules", ("earn", second), text)


def open_ended(programme: Programme) -> Iterator[Advice]:
    """What costs without a limit."""
    for number, campaign in enumerate(programme.campaigns):
        if campaign.times is not None and campaign.times >= _STEEP and campaign.budget is None:
            text = f"times {campaign.times} without a `budget`: nothing stops it when it becomes dear"
            yield Advice("unlimited", ("campaigns", number), text)
    for number, rule in enumerate(programme.earn):
        free = rule.once_per is None and not rule.max_per and not rule.max_points and rule.min_gap is None
        if hasattr(rule, "event") and free:
            text = f"`{rule.id}` gives points for every such event; limit it by `once_per`, `max_per` or `min_gap`"
            yield Advice("unlimited", ("earn", number), text)


def _together(one: Campaign, other: Campaign) -> bool:
    """Whether nothing written keeps the two from holding for one purchase."""
    return not (
        _apart_in_time(one.schedule, other.schedule)
        or _apart_in_people(one.when, other.when)
        or _apart_in_place(one.match, other.match)
        or (one.applies_to and other.applies_to and not set(one.applies_to) & set(other.applies_to))
        or (one.events and other.events and not set(one.events) & set(other.events))
    )


def _apart_in_time(one: Schedule, other: Schedule) -> bool:
    """By their windows; recurrences are taken to meet sooner or later."""
    for first, second in ((one, other), (other, one)):
        if first.until is not None and second.from_ is not None and first.until <= second.from_:
            return True
    return False


def _apart_in_people(one: When, other: When) -> bool:
    for first, second in ((one, other), (other, one)):
        for kind in ("tiers", "segments", "memberships"):
            wanted = set(getattr(first, kind))
            if wanted and wanted <= set(getattr(second, f"not_{kind}")):
                return True
    return bool(one.tiers and other.tiers and not set(one.tiers) & set(other.tiers))


def _apart_in_place(one: Match, other: Match) -> bool:
    return any(
        getattr(one, kind) and getattr(other, kind) and not set(getattr(one, kind)) & set(getattr(other, kind))
        for kind in ("partners", "locations", "channels")
    )


def _always(campaign: Campaign) -> bool:
    return (campaign.schedule, campaign.match, campaign.when) == (Schedule(), Match(), When()) and not (
        campaign.events or campaign.applies_to or campaign.activation or campaign.holdout or campaign.per_member
    )
