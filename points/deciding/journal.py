"""Making a journal from its parts, and folding it into the book."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from points.book import ArrearState, Book, ClaimState, LotState, VoucherState
from points.commands import Command
from points.deciding.lots import Slicer
from points.decision import Decision, Ground
from points.programme.evaluation import horizons
from points.programme.schema.programme import Programme
from points.programme.standing import Change, prune
from points.programme.standing import fold as fold_standing
from points.programme.tiers import judge, needed_counters
from points.programme.version import Version

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

PREFIXES = {
    "earn": "ern", "redeem": "rdm", "reverse": "rev", "claim": "clm", "capture": "cap", "release": "rel",
    "time_out": "rel", "grant": "grt", "adjust": "adj", "transfer_out": "trf", "transfer_in": "trf",
    "merge_out": "mrg", "merge_in": "mrg", "expire": "exp", "activate": "act", "tier": "tir", "mark": "mrk",
    "total": "tot", "convert": "cnv", "notice": "ntc",
}  # fmt: skip


def make(
    book: Book,
    command: Command,
    ground: Ground,
    kind: str,
    *,
    slicer: Slicer | None = None,
    spendable: int = 0,
    arrears: int = 0,
    pending: int = 0,
    held: int = 0,
    others: Iterable[tuple[str, int]] = (),
    change: Change | None = None,
    facts: Mapping[str, Any] | None = None,
    journal_id: str | None = None,
    points: int | None = None,
    new_arrears: tuple[ArrearState, ...] = (),
    changed_arrears: Mapping[str, int] | None = None,
    claims: tuple[ClaimState, ...] = (),
    vouchers: tuple[VoucherState, ...] = (),
    **rest: Any,
) -> Decision:
    """A decision whose postings are the member's changes and `others` (account, amount), summed by account.

    `arrears` is positive when arrears are cured. `points` is the size of the effect (default: of the changes).
    """
    sums: Counter[str] = Counter()
    for account, amount in (("spendable", spendable), ("arrears", arrears), ("pending", pending), ("held", held)):
        sums[f"{book.member_id}/{account}"] += amount
    for account, amount in others:
        sums[account] += amount
    return Decision(
        journal_id=journal_id or ground.new_id(PREFIXES[kind]),
        kind=kind,
        member_id=book.member_id,
        command=command,
        points=abs(spendable + arrears + pending) if points is None else points,
        spendable_change=spendable,
        arrears_change=arrears,
        pending_change=pending,
        held_change=held,
        postings=tuple((account, amount) for account, amount in sums.items() if amount),
        allocations=tuple(slicer.allocations) if slicer else (),
        new_lots=tuple(slicer.new.values()) if slicer else (),
        changed_lots=slicer.settled() if slicer else {},
        new_arrears=new_arrears,
        changed_arrears=changed_arrears or {},
        standing=change or Change(),
        claims=claims,
        vouchers=vouchers,
        facts=dict(facts or {}),
        **rest,
    )


def finish(book: Book, decision: Decision, ground: Ground, version: Version | None) -> Decision:
    """Fold a decision into the book; the tier that follows from it and the whole change are pinned in it."""
    fold_amounts(book, decision, ground)
    fold_standing(book.standing, decision.standing)
    change = decision.standing
    if version is not None:
        today = version.day(ground.now)
        # What time alone does to a tier is due by itself (`mature`).
        tier = (
            judge(version, book.standing, today) if version.once("measured", _measured) & change.counts.keys() else None
        )
        if tier is not None:
            change = msgspec.structs.replace(change, tier=tier)
            book.standing.tier = tier
        prune(book.standing, horizons(version), today.toordinal())
    pinned = dict(decision.facts)
    if change != Change():
        pinned["change"] = plain(change)
    terms = {lot.id: plain(_terms(lot)) for lot in decision.new_lots if any(_terms(lot))}
    if terms:
        pinned["issued"] = terms
    if decision.prolonged:
        pinned["prolonged"] = plain(dict(decision.prolonged))
    return dataclasses.replace(decision, standing=change, facts=pinned)


def _measured(programme: Programme) -> frozenset[str]:
    """The counters that tiers look at."""
    return frozenset(needed_counters(programme))


def _terms(lot: LotState) -> tuple[datetime | None, datetime | None, str | None]:
    """The terms of a lot that may change later: its expiry, when it becomes active, what it waits for."""
    return lot.expires_at, lot.active_at, lot.awaits


def fold_amounts(book: Book, decision: Decision, ground: Ground) -> None:
    """Change balances, lots, arrears, claims, vouchers and shared caps by a decision made on the book."""
    book.spendable += decision.spendable_change
    book.arrears -= decision.arrears_change
    book.pending += decision.pending_change
    book.held += decision.held_change
    book.version += 1
    for lot in decision.new_lots:
        book.lots[lot.id] = lot
    for slice_ in decision.allocations:
        if slice_.purpose == "expired" and (earned := book.past.get(book.lots[slice_.lot_id].journal_id)):
            earned.expired[slice_.issuer_id] = earned.expired.get(slice_.issuer_id, 0) + slice_.points
    for lot_id, remaining in decision.changed_lots.items():
        book.lots[lot_id].remaining = remaining
    for lot_id, awaits in decision.awaiting.items():
        book.lots[lot_id].awaits = awaits
    for lot_id in decision.activated:
        book.lots[lot_id].pending = False
    for lot_id, until in decision.prolonged.items():
        book.lots[lot_id].expires_at = until
    for arrear in decision.new_arrears:
        book.open_arrears[arrear.id] = arrear
    for arrear_id, remaining in decision.changed_arrears.items():
        book.open_arrears[arrear_id].remaining = remaining
    for claim in decision.claims:
        book.claims[claim.id] = claim
    for voucher in decision.vouchers:
        book.vouchers[voucher.id] = voucher
    for cap_id, n in decision.uses.items():
        ground.caps[cap_id].used += n
    for meter_id, points in decision.meters.items():
        ground.meters[meter_id].count(ground.now, points)
    if decision.proof_id is not None:
        ground.proofs[decision.proof_id].used = True
    if decision.frozen is not None:
        book.frozen = decision.frozen
    if decision.pool_id is not None:
        book.pool_id = decision.pool_id
    if decision.reverses_id is not None and decision.reverses_id in book.past:
        _fold_reversal(book, decision)


def _fold_reversal(book: Book, decision: Decision) -> None:
    past = book.past[decision.reverses_id or ""]
    past.reversals += 1
    past.reversed_points += decision.points
    past.reversed_minor += decision.amount_minor or 0
    for line, amount in decision.returned.items():
        past.returned[line] = past.returned.get(line, 0) + amount
    for issuer_id, n in decision.facts.get("forgone", {}).items():
        past.expired[issuer_id] -= n
    back: Counter[str] = Counter()
    for allocation in decision.allocations:
        if allocation.points < 0:
            back[allocation.lot_id] -= allocation.points
    past.used = [(lot_id, points - back.pop(lot_id, 0)) for lot_id, points in past.used]


def pin(version: Version | None, **facts: Any) -> dict[str, Any]:
    """Facts of a journal: what is given, as plain values, under the version."""
    said: dict[str, Any] = plain({name: value for name, value in facts.items() if value is not None})
    return {"version": version.id, **said} if version else said


def plain(value: Any) -> Any:
    """A value as it will be read back: JSON's own kinds and no others."""
    return _decode(_encode(value))


def sums_of(*changes: Change) -> Change:
    """One change that does what all of them do; of what is set, the last one holds."""
    counts: dict[str, dict[int, int]] = {}
    for change in changes:
        for counter, by_day in change.counts.items():
            days = counts.setdefault(counter, {})
            for day, n in by_day.items():
                days[day] = days.get(day, 0) + n
    merged: dict[str, Any] = {"counts": {c: d for c, days in counts.items() if (d := _nonzero(days))}}
    for name in ("moments", "moments_gone", "awards", "awards_gone"):
        lists: dict[str, list[Any]] = {}
        for change in changes:
            for key, values in getattr(change, name).items():
                lists[key] = [*lists.get(key, []), *values]
        merged[name] = lists
    for name in ("carries", "memberships", "activity"):
        merged[name] = {key: value for change in changes for key, value in getattr(change, name).items()}
    for name in ("tier", "consents", "offers"):
        merged[name] = next((v for change in reversed(changes) if (v := getattr(change, name)) is not None), None)
    return Change(**merged)


def negated(change: Change) -> Change:
    """The change of counts, moments and awards that takes `change` back."""
    return Change(
        counts={counter: {day: -n for day, n in by_day.items()} for counter, by_day in change.counts.items()},
        moments=change.moments_gone,
        moments_gone=change.moments,
        awards=change.awards_gone,
        awards_gone=change.awards,
    )


def _nonzero(days: Mapping[int, int]) -> dict[int, int]:
    return {day: n for day, n in days.items() if n}
