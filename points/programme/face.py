"""What a member sees of a programme: their tier, the next reward and how far it is, names in their language. Pure."""

from dataclasses import dataclass
from datetime import datetime

from points.programme.reward_eligibility import Claimant
from points.programme.rewards import ladder
from points.programme.schema.basics import Words
from points.programme.segments import segments_of
from points.programme.standing import Standing
from points.programme.tiers import tier_of
from points.programme.version import InForce, Version


@dataclass(frozen=True, slots=True)
class Face:
    """`tier` and `next_reward` are ids with their names; None where the programme has none or all is reached.

    `units` is the plural of the programme's unit, `label` what stands above the balance; None: points.
    `rewards` says whether there is anything to have at all.
    """

    tier: str | None
    tier_name: str | None
    next_reward: str | None
    next_reward_name: str | None
    missing: int | None
    units: str | None
    label: str | None
    rewards: bool


def face(in_force: InForce, standing: Standing, balance: int, member_id: str, now: datetime, language: str) -> Face:
    """The programme as this member meets it now."""
    version = in_force.version
    claimant = looking(version, standing, balance, member_id, now)
    following = ladder(version, claimant)
    reward = following.next.reward if following.next else None
    return Face(
        tier=claimant.tier,
        tier_name=tier_name(version, claimant.tier, language),
        next_reward=reward.id if reward else None,
        next_reward_name=in_language(reward.names, language) if reward else None,
        missing=following.distance,
        units=_units(version, language),
        label=_label(version, language),
        rewards=bool(following.offers),
    )


def _units(version: Version, language: str) -> str | None:
    forms = {str(known): forms for known, forms in version.programme.unit.names.items()}
    found = forms.get(language) or forms.get("en")
    return found[1] if found else None


def _label(version: Version, language: str) -> str | None:
    units = _units(version, language)
    return in_language(version.programme.unit.label, language, units[:1].upper() + units[1:] if units else "") or None


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


def tier_name(version: Version, tier: str | None, language: str) -> str | None:
    """The name of a level in a language."""
    tiers = version.programme.tiers
    level = next((level for level in tiers.levels if level.id == tier), None) if tiers else None
    return in_language(level.names, language) if level else None


def in_language(names: Words | None, language: str, otherwise: str = "") -> str:
    """The name in a language, else in English, else in any, else what is said instead."""
    spoken = {str(known): text for known, text in (names or {}).items()}
    return spoken.get(language) or spoken.get("en") or next(iter(spoken.values()), otherwise)
