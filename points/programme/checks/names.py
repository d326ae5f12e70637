"""Names: each once, and each that is mentioned must exist."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

import msgspec

from points.programme.checks.parts import Found, parts
from points.programme.faults import Place
from points.programme.schema.basics import Match, When
from points.programme.schema.campaigns import Campaign
from points.programme.schema.earning import SpendRule, VisitRule
from points.programme.schema.engagement import Gain, Yearly
from points.programme.schema.lifecycle import Lots
from points.programme.schema.programme import Programme
from points.programme.schema.rewards import Benefit, Boost, Reward
from points.programme.schema.segments import Predicate
from points.programme.schema.tiers import Level

# Fields that mention names, and of what.
_MENTIONS: dict[type[Any], dict[str, str]] = {
    Match: {"partners": "partner", "locations": "location"},
    When: {"tiers": "tier", "not_tiers": "tier", "segments": "segment", "not_segments": "segment"},
    Campaign: {"applies_to": "earn rule", "sponsor": "partner", "holdout": "holdout"},
    SpendRule: {"tiers": "tier"},
    VisitRule: {"tiers": "tier"},
    Reward: {"cost_by_tier": "tier", "partner": "partner"},
    Boost: {"partner": "partner"},
    Benefit: {"badge": "badge"},
    Level: {"benefits": "benefit"},
    Lots: {"by_tier": "tier"},
    Gain: {"reward": "reward", "badge": "badge"},
    Yearly: {"by_tier": "tier", "valid_by_tier": "tier"},
    Predicate: {"tiers": "tier"},
}


def names_once(programme: Programme) -> Iterator[Found]:
    """Each name once among its kind. What a decision writes down by name shares one space: rules, campaigns, draws."""
    engagement = programme.engagement
    yield from _once(
        [
            *_listed(("earn",), programme.earn),
            *_listed(("campaigns",), programme.campaigns),
            *_listed(("engagement", "surprises"), engagement.surprises),
        ]
    )
    yield from _once(
        [
            *_listed(("engagement", "challenges"), engagement.challenges),
            *_listed(("engagement", "streaks"), engagement.streaks),
            *_listed(("engagement", "milestones"), engagement.milestones),
        ]
    )
    for section in ("rewards", "benefits", "segments", "holdouts"):
        yield from _once(_listed((section,), getattr(programme, section)))
    for section in ("badges", "leaderboards", "games", "surveys"):
        yield from _once(_listed(("engagement", section), getattr(engagement, section)))
    for number, game in enumerate(engagement.games):
        yield from _once(_listed(("engagement", "games", number, "prizes"), game.prizes))
    for kind in ("birthday", "anniversary"):
        if (yearly := getattr(engagement, kind)) is not None:
            yield from _once(_listed(("engagement", kind, "choices"), yearly.choices))
    if programme.tiers is not None:
        yield from _once(_listed(("tiers", "levels"), programme.tiers.levels))
    for name in programme.locations:
        if name in programme.partners:
            yield ("locations", name), f"`{name}` is a partner already; a place needs another name"
    if programme.conversion is not None and programme.conversion.id in {reward.id for reward in programme.rewards}:
        yield ("conversion", "id"), f"`{programme.conversion.id}` is a reward already"


def names_exist(programme: Programme) -> Iterator[Found]:
    """Whatever is mentioned by name must be in the file."""
    known = _known(programme)
    for place, part in parts(programme):
        for field, what in _mentioned(part):
            for step, name in _given(getattr(part, field)):
                if name not in known[what]:
                    yield (*place, field, *step), _unknown(name, what, known[what])


def _known(programme: Programme) -> dict[str, frozenset[str]]:
    def ids(items: Iterable[Any]) -> frozenset[str]:
        return frozenset(item.id for item in items)

    return {
        "partner": frozenset(programme.partners),
        "location": frozenset(programme.locations),
        "tier": ids(programme.tiers.levels) if programme.tiers else frozenset(),
        "segment": ids(programme.segments),
        "earn rule": ids(programme.earn),
        "holdout": ids(programme.holdouts),
        "reward": ids(programme.rewards),
        "badge": ids(programme.engagement.badges),
        "benefit": ids(programme.benefits),
    }


def _mentioned(part: msgspec.Struct) -> Iterable[tuple[str, str]]:
    return _MENTIONS.get(type(part), {}).items()


def _given(value: Any) -> Iterator[tuple[Place, str]]:
    if isinstance(value, dict):
        yield from (((name,), name) for name in value)
    elif isinstance(value, tuple):
        yield from (((number,), name) for number, name in enumerate(value))
    elif value is not None:
        yield (), value


def _unknown(name: str, what: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, [*known], n=1, cutoff=0.6)
    if close:
        return f"there is no {what} `{name}`; did you mean `{close[0]}`?"
    return f"there is no {what} `{name}`; " + (
        f"there are {', '.join(sorted(known))}" if known else f"no {what} is written"
    )


def _listed(place: Place, items: Iterable[Any]) -> list[tuple[Place, str]]:
    return [((*place, number, "id"), item.id) for number, item in enumerate(items)]


def _once(named: Iterable[tuple[Place, str]]) -> Iterator[Found]:
    seen: dict[str, Place] = {}
    for place, name in named:
        if name in seen:
            first = ".".join(str(step) for step in seen[name][:-2])
            yield place, f"`{name}` is used twice; first in {first}"
        else:
            seen[name] = place
