"""What a member sees of a programme: their tier, what they can have, the next reward and how far it is. Pure.

The programme is looked at once, whatever the language: names come in all languages that members read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import points.explain_texts  # noqa: F401  (registers the words for points)
from kernel.i18n import FALLBACK, LANGUAGES, translate
from points.book import LotState
from points.programme.expiry import ends_at
from points.programme.reward_eligibility import Claimant
from points.programme.rewards import ladder
from points.programme.schema.basics import Words as Names
from points.programme.schema.programme import Programme
from points.programme.segments import segments_of
from points.programme.standing import Standing
from points.programme.tiers import tier_of
from points.programme.version import InForce, Version

# Language -> text. A text that is the same everywhere has one entry, under English.
Words = dict[str, str]


@dataclass(frozen=True, slots=True)
class Nouns:
    """The names that a programme uses, by id and in each language. `unit` has the form of the unit after the number 1
    and the form after other numbers; `label` is what stands above the balance ({}: nothing of its own)."""

    unit: dict[str, tuple[str, str]]
    label: Words
    tiers: dict[str, Words]
    rewards: dict[str, Words]


@dataclass(frozen=True, slots=True)
class Ready:
    """A reward that the member can have now, and from how many points."""

    reward: str
    points: int


@dataclass(frozen=True, slots=True)
class Face:
    """`tier` and `next_reward` are ids with their names; None where the programme has none or all is reached.

    `missing` is how many points lack to the next reward, `ready` what can be had now. `rewards` says whether there is
    anything to have at all.
    """

    nouns: Nouns
    tier: str | None
    tier_name: Words
    next_reward: str | None
    next_reward_name: Words
    missing: int | None
    ready: tuple[Ready, ...]
    rewards: bool


def look_at(in_force: InForce, standing: Standing, balance: int, member_id: str, now: datetime) -> Face:
    """The programme as this member meets it now."""
    version = in_force.version
    nouns = nouns_of(version)
    claimant = looking(version, standing, balance, member_id, now)
    following = ladder(version, claimant)
    reward = following.next.reward if following.next else None
    return Face(
        nouns=nouns,
        tier=claimant.tier,
        tier_name=nouns.tiers.get(claimant.tier or "", {}),
        next_reward=reward.id if reward else None,
        next_reward_name=nouns.rewards[reward.id] if reward else {},
        missing=following.distance,
        ready=tuple(Ready(offer.reward.id, offer.points) for offer in following.offers if offer.claimable),
        rewards=bool(following.offers),
    )


def nouns_of(version: Version) -> Nouns:
    """The names of a version, worked out once."""
    return version.once("nouns", _nouns)


def looking(version: Version, standing: Standing, balance: int, member_id: str, now: datetime) -> Claimant:
    """A member who looks at the catalogue, at no particular place."""
    day = version.day(now)
    return Claimant(
        at=now,
        standing=standing,
        spendable=balance,
        tier=tier_of(version, standing, day),
        segments=segments_of(
            version, standing, day=day, joined=standing.joined, balance=balance, member_id=member_id, at=now
        ),
    )


def soonest_end(
    version: Version, lots: Sequence[LotState], standing: Standing, now: datetime, versions: Mapping[str, Version]
) -> tuple[date, int] | None:
    """The last day of the points that end next, and how many they are; None if none will. Each lot ends by the version
    it came under (absent from `versions`: by `version`)."""
    ends: dict[datetime, int] = {}
    for lot in lots:
        own = versions.get(lot.version_id or "", version)
        end = ends_at(own, lot, standing, now) if lot.remaining and not lot.pending else None
        if end is not None and end > now:
            ends[end] = ends.get(end, 0) + lot.remaining
    if not ends:
        return None
    first = min(ends)
    return last_day(version, first), ends[first]


def last_day(version: Version, end: datetime) -> date:
    """The business day that ends at `end`: what a member is told of a moment at which something is over."""
    return version.day(end - timedelta(microseconds=1))


def tier_name(version: Version, tier: str | None, language: str) -> str | None:
    """The name of a level in a language."""
    tiers = version.programme.tiers
    level = next((level for level in tiers.levels if level.id == tier), None) if tiers else None
    return in_language(level.names, language) if level else None


def in_language(names: Names | None, language: str, otherwise: str = "") -> str:
    """The name in a language, else in English, else in any, else what is said instead."""
    spoken = {str(known): text for known, text in (names or {}).items()}
    return spoken.get(language) or spoken.get("en") or next(iter(spoken.values()), otherwise)


def in_all(names: Names | None, otherwise: str = "") -> Words:
    """The same in every language."""
    return together({language: in_language(names, language, otherwise) for language in LANGUAGES})


def together(spoken: Words) -> Words:
    """One entry for a text that is the same in every language; nothing for one that is empty in all."""
    text = spoken[FALLBACK]
    if any(each != text for each in spoken.values()):
        return spoken
    return {FALLBACK: text} if text else {}


def _nouns(programme: Programme) -> Nouns:
    levels = programme.tiers.levels if programme.tiers else ()
    unit = {language: _unit(programme, language) for language in LANGUAGES}
    rewards = {reward.id: in_all(reward.names, reward.id) for reward in programme.rewards}
    if (statement := programme.conversion) is not None:
        rewards.setdefault(statement.id, in_all(statement.names, statement.id))
    return Nouns(
        unit=unit,
        label=_label(programme, unit),
        tiers={level.id: in_all(level.names, level.id) for level in levels},
        rewards=rewards,
    )


def _unit(programme: Programme, language: str) -> tuple[str, str]:
    """The unit's forms for a reader of `language`: own ones, else English or any other, else those of points."""
    forms = {str(known): forms for known, forms in programme.unit.names.items()}
    spoken = next((known for known in (language, FALLBACK, *forms) if known in forms), None)
    if spoken is None:
        return translate("why.unit.one", language), translate("why.unit.many", language)
    one, many = forms[spoken]
    # Hungarian has the singular after every number; files may give the plural that stands without one.
    return (one, one) if spoken == "hu" else (one, many)


def _label(programme: Programme, unit: dict[str, tuple[str, str]]) -> Words:
    if programme.unit.label is not None:
        return in_all(programme.unit.label)
    if not programme.unit.names:
        return {}
    return together({language: many[:1].upper() + many[1:] for language, (_, many) in unit.items()})
