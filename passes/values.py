"""Each thing that a card can say of its member. Pure; a value with nothing to say is absent.

`balance`, `rewards_ready` and `vouchers` are numbers (zero is said), `joined` is a moment, all others are texts: points
with their unit, names, sentences.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import get_args

from passes import texts as texts  # registers the words
from passes.card import Value, Words, said
from passes.look import Layout, Look, ValueKey
from passes.speech import counted, day, grouped, in_each, money, numbers, phrase
from points.book import LotState
from points.members import MemberRow
from points.programme.face import Face, in_all, soonest_end
from points.programme.progress import Progress, progress
from points.programme.schema.engagement import Challenge, Milestone, Streak
from points.programme.schema.programme import Programme
from points.programme.version import Version
from points.statement import MemberState

_KEYS: tuple[ValueKey, ...] = get_args(ValueKey)
_LABELS: dict[ValueKey, Words] = {key: phrase(f"card.{key}") for key in _KEYS}


@dataclass(frozen=True, slots=True)
class Holding:
    """What the values of a member are made of. `vouchers` counts the codes that can be used now, `lots` are the open
    ones that may end, of `versions` (by id); both are empty where no value asks for them."""

    member: MemberRow
    state: MemberState
    seen: Face
    version: Version
    now: datetime
    vouchers: int = 0
    lots: Sequence[LotState] = ()
    versions: Mapping[str, Version] = field(default_factory=dict)


def asked_of(layout: Layout) -> tuple[ValueKey, ...]:
    """What a layout shows, each once."""
    areas = (layout.header, layout.primary, layout.secondary, layout.auxiliary, layout.back)
    return tuple(dict.fromkeys(key for area in areas for key in area))


def labels_of(look: Look) -> dict[ValueKey, Words]:
    """What stands above each value: the design's own labels, else ours."""
    return {key: look.labels.get(key) or label for key, label in _LABELS.items()}


def values(
    asked: Iterable[ValueKey], labels: Mapping[ValueKey, Words], own: Mapping[str, Words], holding: Holding
) -> dict[str, Value]:
    """The values that are asked for, as far as there is something to say. `own` are the labels that the design itself
    gives: the programme's label of the balance stands back behind one of these."""
    found: dict[str, Value] = {}
    for key in asked:
        make = _VALUES.get(key)
        label = labels[key]
        if key == "balance" and not own.get(key):
            label = holding.seen.nouns.label or label
        value = make(holding, label) if make else None
        if value is not None:
            found[key] = value
    return found


def _balance(holding: Holding, label: Words) -> Value:
    return Value(label=label, number=holding.state.spendable)


def _tier(holding: Holding, label: Words) -> Value | None:
    return _text(label, holding.seen.tier_name)


def _next_reward(holding: Holding, label: Words) -> Value | None:
    """How many points are missing to what."""
    seen = holding.seen
    if not seen.rewards:
        return None
    if seen.next_reward is None or seen.missing is None:
        return Value(label=label, text=_ALL_REACHED)
    # Many members miss the same few numbers of points to the same few rewards.
    kept = holding.version.once("points_to_go", _shelf)
    asked = seen.next_reward, seen.missing
    if asked not in kept:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[asked] = _to_go(seen, seen.missing)
    return Value(label=label, text=kept[asked])


def _to_go(seen: Face, missing: int) -> Words:
    units = {language: one if missing == 1 else many for language, (one, many) in seen.nouns.unit.items()}
    return phrase("card.to_go", missing=numbers(missing), units=units, reward=seen.next_reward_name)


def _shelf(_: Programme) -> dict[tuple[str, int], Words]:
    return {}


def _rewards_ready(holding: Holding, label: Words) -> Value | None:
    return Value(label=label, number=len(holding.seen.ready)) if holding.seen.rewards else None


def _vouchers(holding: Holding, label: Words) -> Value:
    return Value(label=label, number=holding.vouchers)


def _pending(holding: Holding, label: Words) -> Value | None:
    return _points(holding, label, holding.state.pending)


def _held(holding: Holding, label: Words) -> Value | None:
    return _points(holding, label, holding.state.held)


def _owed(holding: Holding, label: Words) -> Value | None:
    return _points(holding, label, holding.state.arrears)


def _expiring(holding: Holding, label: Words) -> Value | None:
    """The points that end next, and their last day."""
    version, now = holding.version, holding.now
    end = soonest_end(version, holding.lots, holding.state.standing, now, holding.versions)
    if end is None:
        return None
    points = counted(holding.seen.nouns.unit, end[1])
    return Value(label=label, text=phrase("card.expiring_on", points=points, date=day(end[0], version.day(now))))


def _progress(holding: Holding, label: Words) -> Value | None:
    """The first goal of the programme that is not reached yet: challenges before streaks before milestones."""
    version = holding.version
    for each in progress(version, holding.state.standing, version.day(holding.now)):
        goal = _goal(version, each)
        if goal is not None and each.done < each.goal:
            done, whole = _measured(version, goal, each)
            return Value(label=label, text=phrase("card.progress_of", name=in_all(goal.names), done=done, goal=whole))
    return None


def _holder(holding: Holding, label: Words) -> Value | None:
    return _text(label, {"en": holding.member.name} if holding.member.name else {})


def _member_code(holding: Holding, label: Words) -> Value:
    return Value(label=label, text={"en": holding.member.code})


def _joined(holding: Holding, label: Words) -> Value:
    return Value(label=label, moment=holding.member.joined_at)


_VALUES: dict[str, Callable[[Holding, Words], Value | None]] = {
    "balance": _balance,
    "tier": _tier,
    "next_reward": _next_reward,
    "rewards_ready": _rewards_ready,
    "vouchers": _vouchers,
    "pending": _pending,
    "held": _held,
    "owed": _owed,
    "expiring": _expiring,
    "progress": _progress,
    "holder": _holder,
    "member_code": _member_code,
    "joined": _joined,
}  # what a coupon alone says is not here

_MOST_KEPT = 4096
_ALL_REACHED = phrase("card.all_reached")


def _text(label: Words, text: Words) -> Value | None:
    return Value(label=label, text=text) if text else None


def _points(holding: Holding, label: Words, number: int) -> Value | None:
    return Value(label=label, text=counted(holding.seen.nouns.unit, number)) if number else None


def _goal(version: Version, each: Progress) -> Challenge | Streak | Milestone | None:
    engagement = version.programme.engagement
    parts: dict[str, Sequence[Challenge | Streak | Milestone]] = {
        "challenge": engagement.challenges,
        "streak": engagement.streaks,
        "milestone": engagement.milestones,
    }
    return next((part for part in parts.get(each.kind, ()) if part.id == each.id), None)


def _measured(version: Version, goal: Challenge | Streak | Milestone, each: Progress) -> tuple[Words, Words]:
    """How much is done of how much: counts, or money for goals of spend."""
    if not isinstance(goal, Streak) and goal.goal.amount is not None:
        currency = version.programme.currency
        plain = in_each(lambda language: said(money(each.done, currency), language).removesuffix(f" {currency}"))
        return plain, money(each.goal, currency)
    return in_each(lambda language: grouped(each.done, language)), numbers(each.goal)
