"""What a member's history amounts to, as the rules need it: one small value per member, kept with their account.

Every journal pins the change it makes, so a standing is the fold of a member's journals and can be recomputed. Days are
ordinals of business days, moments whole seconds since 1970. Sums that no rule needs by day any more are folded into
day 0.
"""

from collections.abc import Mapping

import msgspec

LONG_AGO = 0
# The ordinal of 1970-01-01.
_EPOCH = 719_163


class PastTier(msgspec.Struct, frozen=True, array_like=True):
    """What a member held before, from day `changed` on."""

    level: str
    since: int
    until: int | None
    grace_until: int | None
    changed: int


class TierState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tier and until when it is held at least (the last day; None: for as long as the measure holds it).

    `grace_until` is set while the measure no longer holds it; `floor` is the tier at the start of the window, as of the
    last change. `warned_for` is the day of a fall that the member was told of.

    All of it is so from day `changed` on; `past` is what was held before, as far back as the window. `rules` marks the
    ladder that judged it, `settled` the day up to which another ladder did, so that it is not judged again.
    """

    level: str
    since: int
    until: int | None = None
    grace_until: int | None = None
    floor: str | None = None
    warned_for: int | None = None
    changed: int = 0
    past: tuple[PastTier, ...] = ()
    settled: int = 0
    rules: str = ""


class Award(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something won once: for which period, by which journal (none if it gave no points), and how often by now."""

    period: str
    day: int
    journal_id: str | None = None
    voucher_id: str | None = None


class Standing(msgspec.Struct, omit_defaults=True):
    """`counts`: counter -> day -> sum. `moments`: rule -> when it last applied (only as many as its gap needs).

    `carries`: `issuer/rule` -> exact part of a point (numerator, denominator), 0 <= carry < 1. `awards`: challenge,
    milestone, streak, badge, birthday, ... -> what was won. `memberships`: name -> (from, until) in seconds.
    `activity`: `earn` or `redeem` -> last day.
    """

    counts: dict[str, dict[int, int]] = {}
    moments: dict[str, list[int]] = {}
    carries: dict[str, tuple[int, int]] = {}
    tier: TierState | None = None
    awards: dict[str, list[Award]] = {}
    memberships: dict[str, tuple[int, int | None]] = {}
    consents: list[str] = []
    offers: list[str] = []
    activity: dict[str, int] = {}
    joined: int = 0


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a journal does to a standing. Counts are added; moments and awards come or go; the rest is set."""

    counts: dict[str, dict[int, int]] = {}
    moments: dict[str, list[int]] = {}
    moments_gone: dict[str, list[int]] = {}
    carries: dict[str, tuple[int, int]] = {}
    tier: TierState | None = None
    awards: dict[str, list[Award]] = {}
    awards_gone: dict[str, list[Award]] = {}
    memberships: dict[str, tuple[int, int | None]] = {}
    consents: list[str] | None = None
    offers: list[str] | None = None
    activity: dict[str, int] = {}


def fold(standing: Standing, change: Change) -> None:
    """Apply a change in place. A sum that becomes zero is forgotten, so that undoing leaves no trace."""
    for counter, by_day in change.counts.items():
        _add(standing, counter, by_day)
    for rule, gone in change.moments_gone.items():
        left = [moment for moment in standing.moments.get(rule, []) if moment not in gone]
        _keep(standing.moments, rule, left)
    for rule, came in change.moments.items():
        _keep(standing.moments, rule, sorted({*standing.moments.get(rule, []), *came}))
    for key, (numerator, denominator) in change.carries.items():
        if numerator:
            standing.carries[key] = (numerator, denominator)
        else:
            standing.carries.pop(key, None)
    if change.tier is not None:
        standing.tier = change.tier
    for name, awards in change.awards_gone.items():
        _keep(standing.awards, name, [award for award in standing.awards.get(name, []) if award not in awards])
    for name, awards in change.awards.items():
        _keep(standing.awards, name, [*standing.awards.get(name, []), *awards])
    standing.memberships.update(change.memberships)
    if change.consents is not None:
        standing.consents = list(change.consents)
    if change.offers is not None:
        standing.offers = list(change.offers)
    for kind, day in change.activity.items():
        standing.activity[kind] = max(day, standing.activity.get(kind, 0))


def prune(standing: Standing, horizons: Mapping[str, int], today: int) -> None:
    """Fold days older than a counter's horizon (days that rules look back; absent: only the total) into day 0. A
    horizon under `items/` is that of every such counter. Moments of a rule older than the horizon under
    `moments/<rule>` are forgotten; without one they stay."""
    for counter, by_day in list(standing.counts.items()):
        prefix = counter.partition("/")[0] + "/"
        oldest = today - max(horizons.get(counter, 0), horizons.get(prefix, 0))
        old = [day for day in by_day if LONG_AGO < day < oldest]
        if len(old) > 1 or (old and LONG_AGO in by_day):
            if folded := by_day.pop(LONG_AGO, 0) + sum(by_day.pop(day) for day in old):
                by_day[LONG_AGO] = folded
            elif not by_day:
                del standing.counts[counter]
    for rule, moments in list(standing.moments.items()):
        if (kept_days := horizons.get(f"moments/{rule}")) is not None:
            _keep(standing.moments, rule, [each for each in moments if each >= (today - kept_days - _EPOCH) * 86_400])


def total(standing: Standing, counter: str) -> int:
    """The sum of a counter over all days."""
    return sum(standing.counts.get(counter, {}).values())


def between(standing: Standing, counter: str, first: int, last: int) -> int:
    """The sum of a counter from day `first` to day `last`, both included."""
    return sum(n for day, n in standing.counts.get(counter, {}).items() if first <= day <= last)


def _add(standing: Standing, counter: str, by_day: Mapping[int, int]) -> None:
    days = standing.counts.setdefault(counter, {})
    for day, n in by_day.items():
        # A day that was folded away is part of day 0 by now.
        at = day if day in days or n > 0 or LONG_AGO not in days else LONG_AGO
        days[at] = days.get(at, 0) + n
        if days[at] == 0:
            del days[at]
    if not days:
        del standing.counts[counter]


def _keep(shelf: "dict[str, list[int]] | dict[str, list[Award]]", name: str, left: list) -> None:  # type: ignore[type-arg]
    if left:
        shelf[name] = left
    else:
        shelf.pop(name, None)
