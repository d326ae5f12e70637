"""When time alone next changes something for a member: the earliest of all that is waiting. Pure.

Asked at every write, so lots are looked at once and no more closely than the nearest needs. Birthdays are not here:
dates of birth are kept apart from the ledger (`yearly.next_birthday`).
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime

from points.book import ClaimState, LotState
from points.programme import expiry, progress, tiers, totals
from points.programme.conversion import next_statement
from points.programme.periods import day_begins
from points.programme.schema.programme import Programme
from points.programme.standing import Standing
from points.programme.version import Version


def needed_counters(programme: Programme) -> dict[str, int]:
    """Every counter that tiers, expiry, goals and totals ask, and how many days back it is asked by day (0: only its
    total). A name that ends in `/` stands for all counters under it."""
    needed: dict[str, int] = {}
    for asked in (tiers, expiry, progress, totals):
        for counter, days in asked.needed_counters(programme).items():
            needed[counter] = max(days, needed.get(counter, 0))
    return needed


def next_due(
    version: Version | None,
    standing: Standing,
    lots: Collection[LotState],
    claims: Collection[ClaimState],
    now: datetime,
    versions: Mapping[str, Version] | None = None,
) -> datetime | None:
    """The earliest moment at which something is due (`now` or earlier if it is already); None: nothing ever.

    Due are: time-outs of claims, pending points that become free, ends of lots and notices of them, tiers and warnings
    of a fall, totals of periods, statements. `standing` must have been judged up to `now`; `versions` has the lots' own
    versions. Without a version only lots and claims are looked at.
    """
    moments = [*_of_lots(lots), *(claim.deadline for claim in claims if claim.state == "held")]
    if version is None:
        return min(moments, default=None)
    if (notice := expiry.next_notice(version, lots, standing, now, versions)) is not None:
        moments.append(notice)
    days = [day for day in _days(version, standing, lots, version.day(now)) if day is not None]
    if days:
        moments.append(day_begins(min(days), version.zone, version.day_starts))
    return min(moments, default=None)


def _of_lots(lots: Collection[LotState]) -> Iterator[datetime]:
    for lot in lots:
        # Points that are pending become free before they can end; those that await an action are not due by time.
        moment = lot.active_at if lot.pending and lot.awaits is None else None if lot.pending else lot.expires_at
        if lot.remaining and moment is not None:
            yield moment


def _days(version: Version, standing: Standing, lots: Collection[LotState], today: date) -> Iterator[date | None]:
    review, fall = tiers.outlook(version, standing, today)
    yield review
    yield None if fall is None else fall.warn_on
    if version.programme.earn:
        yield totals.next_total(version, standing, today)
    if version.programme.conversion is not None:
        yield next_statement(version, standing, lots, today)
