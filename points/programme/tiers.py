"""A member's tier: judged at every event and whenever time alone may change it. Pure.

The tier is a function of what counts and of time (`tier_history.from_history` is the reference); spending does not
count. A lifetime tier is what the total measures. For the other windows the state keeps the course of the tiers inside
the window, so that whatever happens to the counts there is judged anew.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

import msgspec

from points.programme.periods import earlier
from points.programme.schema.programme import Programme
from points.programme.standing import PastTier, Standing, TierState, total
from points.programme.tier_history import Measure, from_history, rank_on, replay
from points.programme.tier_rules import Held, Ladder, ladder_of, step
from points.programme.version import Version

__all__ = [
    "Fall",
    "from_history",
    "judge",
    "needed_counters",
    "next_review",
    "next_warning",
    "outlook",
    "tier_of",
    "warned",
    "warning",
]

# A fall is foreseen through this many renewals and graces at most.
_FORESIGHT = 12


@dataclass(frozen=True, slots=True)
class Fall:
    """From day `falls_on` the member will be of level `to`, unless they do something. To be told from `warn_on` on."""

    level: str
    to: str
    falls_on: date
    warn_on: date


def needed_counters(programme: Programme) -> dict[str, int]:
    """The tier's counter and how many days back it is asked by day (0: only its total)."""
    ladder = ladder_of(Version("", programme))
    return {} if ladder is None else {ladder.counter: ladder.horizon}


def tier_of(version: Version, standing: Standing, day: date) -> str | None:
    """The level that the member has by the last judgement; the lowest if there was none; None without tiers."""
    ladder = ladder_of(version)
    if ladder is None:
        return None
    state = standing.tier
    if state is None:
        return ladder.levels[0]
    if ladder.rank(state.level) is None:
        # The level belongs to another ladder: this one has not judged yet.
        judged = judge(version, standing, day)
        return ladder.levels[0] if judged is None else judged.level
    return state.level


def judge(version: Version, standing: Standing, day: date) -> TierState | None:
    """The new state if the tier (or until when it is held) is not as it was; None if nothing changes."""
    ladder = ladder_of(version)
    if ladder is None:
        return None
    now = day.toordinal()
    if ladder.window == "lifetime":
        return _judged_by_total(ladder, standing, now)
    by_day = standing.counts.get(ladder.counter, {})
    if standing.tier is None and _cannot_rise(ladder, by_day):
        return None
    course, settled = _course(ladder, standing, now)
    state = _state(ladder, course, settled, standing.tier)
    return None if _same(state, standing.tier) else state


def outlook(version: Version, standing: Standing, day: date) -> tuple[date | None, Fall | None]:
    """What time alone will do to a judged tier: the first day after `day` on which it (or until when it is held)
    changes, and the next fall, unless the member knows of it."""
    ladder, state = ladder_of(version), standing.tier
    if ladder is None or state is None:
        return None, None
    review, level = None, ladder.rank(state.level) or 0
    for _, held in zip(range(_FORESIGHT), _foreseen(ladder, standing, day), strict=False):
        falls_on = date.fromordinal(held.changed)
        review = review or falls_on
        if held.level < level:
            return review, _untold(ladder, state, ladder.levels[held.level], falls_on)
    return review, None


def next_review(version: Version, standing: Standing, day: date) -> date | None:
    """The first day after `day` on which time alone changes the tier or until when it is held."""
    return outlook(version, standing, day)[0]


def next_warning(version: Version, standing: Standing, day: date) -> date | None:
    """The day from which the member is to be warned of a fall; `day` or earlier if that is due; None if no fall is
    foreseen or they know of it."""
    fall = outlook(version, standing, day)[1]
    return None if fall is None else fall.warn_on


def warning(version: Version, standing: Standing, day: date) -> Fall | None:
    """The warning that is due on `day`. Once told, keep `warned(...)`, and it is not due again for the same fall."""
    fall = outlook(version, standing, day)[1]
    return fall if fall is not None and fall.warn_on <= day else None


def warned(state: TierState, told: Fall) -> TierState:
    """The state after the member was told."""
    return msgspec.structs.replace(state, warned_for=told.falls_on.toordinal())


def _judged_by_total(ladder: Ladder, standing: Standing, now: int) -> TierState | None:
    """What is below a level is kept under it, so that a refund leaves what was before the purchase."""
    level = ladder.rank_at(total(standing, ladder.counter))
    name, state = ladder.levels[level], standing.tier
    if state is None:
        below: tuple[PastTier, ...] = (PastTier(ladder.levels[0], standing.joined, None, None, 0),)
        return None if level == 0 else TierState(name, now, changed=now, past=below, rules=ladder.mark)
    if state.level == name and state.until is None and state.grace_until is None:
        return None
    before = [*state.past, PastTier(state.level, state.since, None, None, state.changed)]
    below = tuple(past for past in before if (ladder.rank(past.level) or 0) < level)
    since, changed = next(((past.since, past.changed) for past in before if past.level == name), (now, now))
    return TierState(name, since, changed=changed, past=below, rules=ladder.mark)


def _cannot_rise(ladder: Ladder, by_day: Mapping[int, int]) -> bool:
    return len(ladder.steps) < 2 or sum(n for n in by_day.values() if n > 0) < ladder.steps[1]


def _course(ladder: Ladder, standing: Standing, now: int) -> tuple[list[Held], int]:
    """The course of tiers inside the window that ends today, and up to when another ladder's judgement stands."""
    base, after, settled = _standing_base(ladder, standing, now)
    measure = Measure.of(standing.counts.get(ladder.counter, {}), now)
    return replay(ladder, base, after, now, measure, standing.joined), settled


def _standing_base(ladder: Ladder, standing: Standing, now: int) -> tuple[Held, int, int]:
    """What was held when the window began, the day of that, and up to when another ladder's judgement stands."""
    state = standing.tier
    opened = max(ladder.opens(now, standing.joined), standing.joined) - 1
    if state is None or ladder.rank(state.level) is None:
        return Held(0, standing.joined), opened, 0
    if state.rules != ladder.mark:
        # Other rules than those that judged: what is held stands, and is judged by the new ones from today on.
        held = _held(ladder, state)
        if held.level and held.until is None and ladder.valid != "while_measured":
            held = replace(held, until=ladder.reached(held.level, now, standing.joined).until)
        return replace(held, changed=min(held.changed, now - 1)), now - 1, now - 1
    after = max(opened, state.settled)
    course = [*(_held(ladder, past) for past in state.past), _held(ladder, state)]
    before = [held for held in course if held.changed <= after]
    return (before[-1] if before else Held(0, standing.joined)), after, state.settled


def _held(ladder: Ladder, state: TierState | PastTier) -> Held:
    return Held(ladder.rank(state.level) or 0, state.since, state.until, state.grace_until, state.changed)


def _state(ladder: Ladder, course: list[Held], settled: int, known: TierState | None) -> TierState:
    names, now = ladder.levels, course[-1]
    level = names[now.level]
    return TierState(
        level=level,
        since=now.since,
        until=now.until,
        grace_until=now.grace_until,
        floor=names[course[0].level],
        warned_for=known.warned_for if known is not None and known.level == level else None,
        changed=now.changed,
        past=tuple(
            PastTier(names[held.level], held.since, held.until, held.grace_until, held.changed) for held in course[:-1]
        ),
        settled=settled,
        rules=ladder.mark,
    )


def _same(state: TierState, known: TierState | None) -> bool:
    """Whether nothing is new; that the window has moved past some of the course is not."""
    if known is None:
        return state.changed == 0
    if state.rules != known.rules:
        return False
    kept = (*known.past, PastTier(known.level, known.since, known.until, known.grace_until, known.changed))
    course = (*state.past, PastTier(state.level, state.since, state.until, state.grace_until, state.changed))
    return kept[-len(course) :] == course


def _foreseen(ladder: Ladder, standing: Standing, day: date) -> Iterator[Held]:
    """What time alone will make of the tier after `day`, one change after the other."""
    state = standing.tier
    if ladder.window == "lifetime" or state is None:
        return
    now, joined = day.toordinal(), standing.joined
    measure = Measure.of(standing.counts.get(ladder.counter, {}), now)
    held, seen = _held(ladder, state) if state.rules == ladder.mark else _course(ladder, standing, now)[0][-1], now
    turns = _turns(ladder, measure, now, joined) if held.level else []
    while held.level:
        coming = [mark for mark in (*turns, held.due) if mark is not None and mark > seen]
        if not coming:
            return
        seen = min(coming)
        following = step(ladder, held, seen, rank_on(ladder, measure, seen, joined), joined)
        if following is not held:
            held = following
            yield held


def _turns(ladder: Ladder, measure: Measure, now: int, joined: int) -> list[int]:
    """Days after `now` on which the measure falls (or, after corrections, rises) to another rank by itself."""
    if ladder.yearly:
        turn = ladder.next_year(now, joined)
        return [turn, ladder.next_year(turn, joined)]
    turns, rank = [], rank_on(ladder, measure, now, joined)
    left = measure.between(opens := ladder.opens(now, joined), now)
    for index, day in enumerate(measure.days):
        if day < opens:
            continue
        left -= measure.sums[index + 1] - measure.sums[index]
        if (becomes := ladder.rank_at(left)) != rank:
            rank = becomes
            turns.append(ladder.leaves(day))
    return turns


def _untold(ladder: Ladder, state: TierState, to: str, falls_on: date) -> Fall | None:
    """The fall, unless the member was told. One that was put off by less than the warning's span is not told again."""
    warn_on = earlier(falls_on, ladder.warn)
    if state.warned_for is not None and warn_on < date.fromordinal(state.warned_for) <= falls_on:
        return None
    return Fall(state.level, to, falls_on, warn_on)
