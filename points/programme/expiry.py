"""When points end: each lot by the expiry of the version that it was issued under, at the end of a business day in the
programme's zone. Pure.

A lot carries the moment at which it is due. Whether it really ends is decided then (`fate`): activity may have put
the end off, or the member's tier may be spared. A spared lot (its tier's points never end) is looked at again one
length later, so that whoever loses the tier keeps points for up to that length. What a member should be shown is
`ends_at`, which knows of all that.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from points.book import LotState
from points.programme.expiry_dates import day_of_end, first_sweep, periods_missed, without_activity
from points.programme.periods import Span, day_ends, later, moment_before, span
from points.programme.schema.lifecycle import AnnualSweep, Expiry, Fixed, Inactivity, Never, Rolling
from points.programme.schema.programme import Programme
from points.programme.standing import Award, Change, Standing
from points.programme.tiers import tier_of
from points.programme.version import Version

_COUNTER = {"earn": "points", "redeem": "redeemed"}
# How long an activity may be asked for after the period it belongs to.
_PERIOD_DAYS = {"month": 31, "quarter": 92}


@dataclass(frozen=True, slots=True)
class Expire:
    """The lot ends now."""

    reason: Literal["fixed", "rolling", "inactivity", "annual"]


@dataclass(frozen=True, slots=True)
class Until:
    """The lot lives on; it is due again at `moment` (None: never)."""

    moment: datetime | None


@dataclass(frozen=True, slots=True)
class Notice:
    """Points that will end: to be told now. `mark` is what the standing keeps, so that it is told once."""

    ahead: str
    ends_at: datetime
    points: int
    lot_ids: tuple[str, ...]
    mark: Change


def needed_counters(programme: Programme) -> dict[str, int]:
    """Counters that lots which live on while there is activity in each period ask, and how many days back."""
    needed: dict[str, int] = {}
    for rule in (programme.lots.expiry, *programme.lots.by_tier.values()):
        if isinstance(rule, Rolling) and rule.unless_active_each is not None:
            days = span(rule.length).upper_days + 2 * _PERIOD_DAYS[rule.unless_active_each] + 92
            for kind in rule.activity:
                needed[_COUNTER[kind]] = max(days, needed.get(_COUNTER[kind], 0))
    return needed


def expires_at(version: Version, tier: str | None, issued_at: datetime) -> datetime | None:
    """When a lot issued to a member of that tier is due; None if it never is.

    In a tier whose points never end it is due as in the others, to be spared then.
    """
    rule = _rule(version, tier)
    if isinstance(rule, Never):
        rule = version.programme.lots.expiry
    return _deadline(version, rule, version.day(issued_at))


def fate(version: Version, lot: LotState, standing: Standing, now: datetime) -> Expire | Until:
    """What becomes of a lot at `now` by its own version (`lot.version_id`): it ends, or it is due again later.

    `standing` is the member's, judged up to `now`: its tier is the one that counts.
    """
    if lot.expires_at is None or now < lot.expires_at:
        return Until(lot.expires_at)
    rule = _rule(version, tier_of(version, standing, version.day(now)))
    end = _end(version, rule, lot, standing)
    if end is None:
        return Until(_spared_until(version, lot.expires_at, now))
    return Expire(_REASONS[type(rule)]) if end <= now else Until(end)


def ends_at(version: Version, lot: LotState, standing: Standing, now: datetime) -> datetime | None:
    """When the lot will end if nothing happens any more, as a member should be told; None if never."""
    if lot.expires_at is None:
        return None
    rule = _rule(version, tier_of(version, standing, version.day(now)))
    end = _end(version, rule, lot, standing)
    return None if end is None else max(end, lot.expires_at)


def next_due(lots: Collection[LotState]) -> datetime | None:
    """The earliest moment at which a lot that has points left is due."""
    return min((lot.expires_at for lot in lots if lot.expires_at is not None and lot.remaining), default=None)


def notices_due(
    version: Version,
    lots: Collection[LotState],
    standing: Standing,
    now: datetime,
    versions: Mapping[str, Version] | None = None,
) -> list[Notice]:
    """Which ends of points are to be told now. `versions` has the lots' own versions (absent: `version` is meant).

    Of several notices that are due for the same end only the nearest is told: who gets points ten days before they
    end does not hear first that it is less than thirty.
    """
    ends: dict[datetime, list[LotState]] = {}
    for lot in lots:
        end = ends_at(_own(version, versions, lot), lot, standing, now) if _may_end(lot) else None
        if end is not None and now < end:
            ends.setdefault(end, []).append(lot)
    notices = []
    for end, ending in sorted(ends.items(), key=lambda item: item[0]):
        ahead = _nearest(version, end, now)
        if ahead is not None and not _told(version, standing, ahead, end):
            points = sum(lot.remaining for lot in ending)
            mark = _mark(version, standing, ahead, end, now)
            notices.append(Notice(ahead, end, points, tuple(lot.id for lot in ending), mark))
    return notices


def next_notice(
    version: Version,
    lots: Collection[LotState],
    standing: Standing,
    now: datetime,
    versions: Mapping[str, Version] | None = None,
) -> datetime | None:
    """The earliest moment at which a notice is due (`now` or earlier if one is); asked at every write, so it looks
    closely at the lots that are due first only."""
    spans = version.programme.lots.notices
    by_due: dict[datetime, LotState] = {}
    for lot in lots:
        if _may_end(lot):
            assert lot.expires_at is not None
            by_due.setdefault(lot.expires_at, lot)
    nearest: datetime | None = None
    for due, lot in sorted(by_due.items(), key=lambda item: item[0]) if spans else ():
        # Nothing ends before it is due, and lots that are due later are told later.
        if nearest is not None and min(moment_before(due, span(text), version.zone) for text in spans) >= nearest:
            break
        end = ends_at(_own(version, versions, lot), lot, standing, now)
        for moment in () if end is None or end <= now else _untold(version, standing, end, now):
            nearest = moment if nearest is None else min(nearest, moment)
    return nearest


_REASONS: dict[type[Expiry], Literal["fixed", "rolling", "inactivity", "annual"]] = {
    Fixed: "fixed",
    Rolling: "rolling",
    Inactivity: "inactivity",
    AnnualSweep: "annual",
}


def _rule(version: Version, tier: str | None) -> Expiry:
    lots = version.programme.lots
    return lots.by_tier.get(tier, lots.expiry) if tier is not None else lots.expiry


def _closes(version: Version, day: date) -> datetime:
    return day_ends(day, version.zone, version.day_starts)


def _deadline(version: Version, rule: Expiry, issued: date) -> datetime | None:
    """The end of what was earned on `issued`, if nothing happens after."""
    match rule:
        case Fixed():
            last = date.fromisoformat(rule.on)
            return _closes(version, last) if issued <= last else None
        case Rolling():
            return _closes(version, day_of_end(issued, span(rule.length), rule.end_of))
        case Inactivity():
            return _closes(version, later(issued, span(rule.length)))
        case AnnualSweep():
            return _closes(version, first_sweep(later(issued, span(rule.older_than)), rule.month, rule.day))
        case _:
            return None


def _end(version: Version, rule: Expiry, lot: LotState, standing: Standing) -> datetime | None:
    """The end of a lot under a rule as things stand (it may lie before the lot is due); None: never."""
    issued = version.day(lot.issued_at)
    deadline = _deadline(version, rule, issued)
    if deadline is None:
        return None
    if isinstance(rule, Inactivity):
        last = without_activity(standing, rule.activity, issued)
        return _closes(version, later(last, span(rule.length)))
    if isinstance(rule, Rolling) and rule.unless_active_each is not None:
        counters = [_COUNTER[kind] for kind in rule.activity]
        # What was looked at before and lived on had every period until then.
        known = lot.expires_at is not None and lot.expires_at > deadline
        since = version.day(lot.expires_at - timedelta(microseconds=1)) if known and lot.expires_at else None
        missed = periods_missed(standing, counters, rule.unless_active_each, issued, since)
        return _closes(version, missed)
    return deadline


def _spared_until(version: Version, due: datetime, now: datetime) -> datetime:
    """When a spared lot is due again: one length of the common rule later, and later than now."""
    rule = version.programme.lots.expiry
    length = span(rule.length) if isinstance(rule, Rolling | Inactivity) else Span(months=12)
    day = version.day(due - timedelta(microseconds=1))
    edge = rule.end_of if isinstance(rule, Rolling) else "day"
    while True:
        day = max(day_of_end(day, length, edge), day + timedelta(days=1))
        if (again := _closes(version, day)) > now:
            return again


def _may_end(lot: LotState) -> bool:
    return lot.expires_at is not None and lot.remaining > 0


def _own(version: Version, versions: Mapping[str, Version] | None, lot: LotState) -> Version:
    if lot.version_id is None or versions is None or lot.version_id not in versions:
        return version
    return versions[lot.version_id]


def _nearest(version: Version, end: datetime, now: datetime) -> str | None:
    """The notice that is due for an end: of those whose time has come the one nearest to the end."""
    begun = [
        (moment, text)
        for text in version.programme.lots.notices
        if (moment := moment_before(end, span(text), version.zone)) <= now
    ]
    return max(begun)[1] if begun else None


def _untold(version: Version, standing: Standing, end: datetime, now: datetime) -> list[datetime]:
    """When notices of an end are due that were not told: the one due now, and those to come."""
    moments = []
    nearest = _nearest(version, end, now)
    for text in version.programme.lots.notices:
        moment = moment_before(end, span(text), version.zone)
        if (moment > now or text == nearest) and not _told(version, standing, text, end):
            moments.append(moment)
    return moments


def _period(version: Version, end: datetime) -> str:
    """The name of an end: the last day of the points."""
    return version.day(end - timedelta(microseconds=1)).isoformat()


def _told(version: Version, standing: Standing, ahead: str, end: datetime) -> bool:
    name = _period(version, end)
    return any(award.period == name for award in standing.awards.get(f"notice/{ahead}", ()))


def _mark(version: Version, standing: Standing, ahead: str, end: datetime, now: datetime) -> Change:
    """Keep that it was told, and forget what is over."""
    today = version.day(now)
    gone = [award for award in standing.awards.get(f"notice/{ahead}", ()) if award.period < today.isoformat()]
    name = f"notice/{ahead}"
    came = {name: [Award(_period(version, end), today.toordinal())]}
    return Change(awards=came, awards_gone={name: gone} if gone else {})
