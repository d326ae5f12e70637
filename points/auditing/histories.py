"""Invariants that need a member's history read in order: numbers 9, 10, 11, 13, 15 and what a standing amounts to."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec

from kernel.database import Connection
from points.auditing.check import Check, Found
from points.programme.context import Context
from points.programme.evaluation import evaluate
from points.programme.events import Event
from points.programme.periods import day_begins, name_of
from points.programme.proving import UNPROVED
from points.programme.publishing import versions
from points.programme.settlement import settle
from points.programme.shelf import default_version
from points.programme.standing import LONG_AGO, Change, Standing, fold
from points.programme.tier_history import Correction, from_history
from points.programme.tier_rules import ladder_of
from points.programme.version import Version

_READ = 1_000

_JOURNALS = """
SELECT id, member_id, kind, points, amount_minor, reverses_id, recorded_at, facts FROM journal ORDER BY member_id, seq
"""
_STANDINGS = "SELECT member_id, standing FROM account WHERE id LIKE '%/spendable'"
_EXPIRIES = """
SELECT version_id, expires_at, min(id) AS id FROM lot
WHERE expires_at IS NOT NULL AND version_id IS NOT NULL GROUP BY version_id, expires_at
"""


@dataclass(frozen=True, slots=True)
class Told:
    """A journal as the checks of histories read it."""

    id: str
    member_id: str
    kind: str
    points: int
    amount_minor: int | None
    reverses_id: str | None
    recorded_at: datetime
    facts: Mapping[str, Any]

    def change(self) -> Change:
        """What it did to the standing."""
        return msgspec.convert(self.facts.get("change", {}), Change, strict=False)


async def _journals(connection: Connection) -> AsyncIterator[Told]:
    """All journals, member by member, in the order of writing."""
    async for row in connection.cursor(_JOURNALS, prefetch=_READ):
        yield Told(*row)


async def _versions(connection: Connection) -> dict[str, Version]:
    """All versions that ever were in force, by id."""
    ids = [row["id"] for row in await connection.fetch("SELECT id FROM programme_version")]
    return {version.id: version for version in (default_version(), *await versions(connection, ids))}


async def _standings(connection: Connection) -> dict[str, Standing]:
    rows = await connection.fetch(_STANDINGS)
    return {row["member_id"]: msgspec.convert(row["standing"], Standing, strict=False) for row in rows}


async def _unfolded(connection: Connection, most: int) -> Found:
    kept = await _standings(connection)
    folded: defaultdict[str, Standing] = defaultdict(Standing)
    async for told in _journals(connection):
        fold(folded[told.member_id], told.change())
    found = ((member, _difference(standing, folded[member])) for member, standing in sorted(kept.items()))
    return [(member, says) for member, says in found if says][:most]


def _difference(kept: Standing, folded: Standing) -> str:
    """What is not the same, in words; sums of days that were folded away are compared as a whole."""
    for counter in sorted({*kept.counts, *folded.counts}):
        if _lost(kept.counts.get(counter, {}), folded.counts.get(counter, {})):
            return f"counter {counter}"
    for name in ("moments", "carries", "tier", "memberships", "activity", "awards", "consents", "offers"):
        if getattr(kept, name) != getattr(folded, name):
            return f"{name}: {getattr(kept, name)} instead of {getattr(folded, name)}"
    return ""


def _lost(kept: Mapping[int, int], folded: Mapping[int, int]) -> bool:
    days = {day for day in kept if day != LONG_AGO}
    long_ago = sum(n for day, n in folded.items() if day not in days)
    return kept.get(LONG_AGO, 0) != long_ago or any(kept[day] != folded.get(day, 0) for day in days)


# What must be gone when all of a purchase was returned; points that rest on carried parts of points need not be.
_EXACT = ("purchases", "visits", "spend", "items/", "category/", "total/")


async def _unrefunded(connection: Connection, most: int) -> Found:
    """Purchases of which everything came back, but not what they did to counters and shared limits."""
    left: dict[str, int] = {}
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    async for told in _journals(connection):
        of = told.id if told.kind == "earn" else told.reverses_id
        if of is None or (told.kind == "earn" and not told.amount_minor):
            continue
        if told.kind == "earn":
            left[of] = told.amount_minor or 0
        elif of in left:
            left[of] -= told.amount_minor or 0
        if of in left:
            sums[of].update(_undoable(told))
    broken = ((id_, +sums[id_] + -sums[id_]) for id_, minor in left.items() if minor == 0)
    return [(id_, f"left behind: {dict(rest)}") for id_, rest in broken if rest][:most]


def _undoable(told: Told) -> Counter[str]:
    counts = told.facts.get("change", {}).get("counts", {})
    done = Counter(
        {f"{c} on {day}": n for c, by_day in counts.items() if c.startswith(_EXACT) for day, n in by_day.items()}
    )
    done.update(told.facts.get("uses") or {})
    return done


async def _unexplained(connection: Connection, most: int) -> Found:
    """Earnings whose pinned inputs do not give their points, or not to the rules that they name."""
    known = await _versions(connection)
    found: list[tuple[str, str]] = []
    async for told in _journals(connection):
        if told.kind == "earn" and (says := _recomputed(told, known)):
            found.append((told.id, says))
    return found[:most]


def _recomputed(told: Told, known: Mapping[str, Version]) -> str:
    version = known.get(told.facts.get("version", ""))
    if version is None:
        return f"version {told.facts.get('version')} is not known"
    context = msgspec.convert(told.facts["context"], Context, strict=False)
    evaluation = evaluate(version, msgspec.convert(told.facts["event"], Event, strict=False), context)
    carries = {key: (n, d) for key, (n, d) in told.facts.get("carries_before", {}).items()}
    given = [[g.rule, g.campaign, g.issuer_id, g.points] for g in settle(evaluation.parts, carries, context).points]
    return "" if given == told.facts["lots"] else f"gave {told.facts['lots']}, recomputed {given}"


@dataclass(slots=True)
class _Climb:
    """What a tier is a function of: a counter by day, what was written later, and the last time it was judged."""

    version_id: str
    by_day: Counter[int] = field(default_factory=Counter)
    corrections: list[Correction] = field(default_factory=list)
    judged: int = 0
    moved: bool = False


async def _untrue_tiers(connection: Connection, most: int) -> Found:
    """Tiers that do not follow from the history, of those whose history came under one version alone."""
    known = await _versions(connection)
    climbs: dict[str, _Climb] = {}
    async for told in _journals(connection):
        if version := known.get(told.facts.get("version", "")):
            _climb(climbs.setdefault(told.member_id, _Climb(version.id)), told, version)
    found = []
    for member, standing in sorted((await _standings(connection)).items()):
        climb = climbs.get(member)
        ladder = None if climb is None or climb.moved else ladder_of(known[climb.version_id])
        if climb is None or ladder is None:
            continue
        version = known[climb.version_id]
        level = standing.tier.level if standing.tier else ladder.levels[0]
        should = from_history(version, climb.by_day, standing.joined, climb.judged, climb.corrections)
        if level != should:
            found.append((member, f"is {level}, by history {should}"))
    return found[:most]


def _climb(climb: _Climb, told: Told, version: Version) -> None:
    ladder = ladder_of(version)
    if version.id != climb.version_id or told.kind.startswith("merge") or ladder is None:
        climb.moved = True
        return
    climb.judged = version.day(told.recorded_at).toordinal()
    for day, n in told.change().counts.get(ladder.counter, {}).items():
        if day == climb.judged:
            climb.by_day[day] += n
        else:
            climb.corrections.append(Correction(climb.judged, day, n))


async def _unlimited(connection: Connection, most: int) -> Found:
    """Members to whom a rule gave more often in a period than it may, as far as one version alone has judged."""
    known = await _versions(connection)
    under: defaultdict[str, set[str]] = defaultdict(set)
    folded: defaultdict[str, Standing] = defaultdict(Standing)
    async for told in _journals(connection):
        if "version" in told.facts:
            under[told.member_id].add(told.facts["version"])
        fold(folded[told.member_id], Change(counts=told.change().counts))
        if told.kind.startswith("merge"):
            under[told.member_id].add("merged")
    found: list[tuple[str, str]] = []
    for member, ids in sorted(under.items()):
        version = known.get(next(iter(ids))) if len(ids) == 1 else None
        if version is not None:
            found.extend((member, says) for says in _beyond(version, folded[member].counts))
    return found[:most]


def _beyond(version: Version, counts: Mapping[str, Mapping[int, int]]) -> Iterable[str]:
    for rule in version.programme.earn:
        for suffix, limits in (("", rule.max_per), ("/points", rule.max_points)):
            for per, most in limits.items():
                sums: Counter[str] = Counter()
                for day, n in counts.get(f"rule/{rule.id}{suffix}", {}).items():
                    sums[name_of(date.fromordinal(day), per)] += n
                yield from (f"{rule.id}{suffix}: {n} in {name}, at most {most}" for name, n in sums.items() if n > most)


async def _unproved(connection: Connection, most: int) -> Found:
    """Spendings by which more than the programme allows went without a proof on one day. What terminals honoured
    offline is counted, and cannot have been refused."""
    known = await _versions(connection)
    spent: defaultdict[tuple[str, str], int] = defaultdict(int)
    found: list[tuple[str, str]] = []
    async for told in _journals(connection):
        for day, n in told.change().counts.get(UNPROVED, {}).items():
            spent[told.member_id, str(day)] += n
            version = known.get(told.facts.get("version", ""))
            policy = version.programme.redemptions.proof if version is not None else None
            if policy is None or n <= 0 or "offline" in told.facts or told.kind.startswith("merge"):
                continue
            if (sum_ := spent[told.member_id, str(day)]) > policy.above:
                found.append((told.id, f"{sum_} without a proof on day {day}, at most {policy.above}"))
    return found[:most]


async def _unbounded(connection: Connection, most: int) -> Found:
    """Expiries that are not at the beginning of a business day in the programme's zone."""
    known = await _versions(connection)
    found = []
    for row in await connection.fetch(_EXPIRIES):
        version, moment = known.get(row["version_id"]), row["expires_at"]
        if version is None:
            found.append((row["id"], f"version {row['version_id']} is not known"))
        elif day_begins(version.day(moment), version.zone, version.day_starts) != moment:
            found.append((row["id"], f"expires {moment}, within a business day"))
    return found[:most]


HISTORIES: tuple[Check, ...] = (
    Check(9, "points expire when a business day begins", _unbounded),
    Check(10, "a purchase returned in full leaves no trace in counters and limits", _unrefunded),
    Check(11, "what an earning pinned gives its points again", _unexplained),
    Check(13, "no rule gives to a member more often than it may", _unlimited),
    Check(13, "no more is spent without a proof in a day than the programme allows", _unproved),
    Check(15, "a tier follows from the history", _untrue_tiers),
    Check(15, "a standing is the sum of what journals did to it", _unfolded),
)
