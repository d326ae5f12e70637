"""What follows from a change by itself: things won, rewards issued at a threshold, and what is no longer deserved."""

from dataclasses import replace
from datetime import date

from points.book import Book, Past
from points.commands import Command
from points.deciding.claimant import claimant_of
from points.deciding.claims import paid
from points.deciding.granted import give_points
from points.deciding.journal import finish, pin
from points.deciding.refund import Taken, forgone_of
from points.decision import Decision, Ground
from points.programme.progress import Lost, Won, lost, won
from points.programme.rewards import auto_issues
from points.programme.schema.programme import Programme
from points.programme.version import InForce, Version


def follow(book: Book, command: Command, ground: Ground, in_force: InForce, cause_id: str | None) -> list[Decision]:
    """What the state of the book now brings about: gains, then automatic rewards. Each is a journal with its cause."""
    version = in_force.version
    if not version.once("reacts", _reacts):
        return []
    decisions: list[Decision] = []
    for gained in won(version, book.standing, version.day(command.occurred_at)):
        decisions.append(_gain(book, command, ground, in_force, gained, cause_id))
    for priced in auto_issues(version, claimant_of(book, in_force, ground.now), ground.caps):
        decisions.append(paid(book, command, ground, in_force, priced, cause_id=cause_id, automatic=True))
    return decisions


def _reacts(programme: Programme) -> bool:
    engagement = programme.engagement
    return bool(
        engagement.challenges or engagement.streaks or engagement.milestones
        or any(reward.auto_issue for reward in programme.rewards)
    )  # fmt: skip


def _gain(
    book: Book, command: Command, ground: Ground, in_force: InForce, gained: Won, cause_id: str | None
) -> Decision:
    journal_id = ground.new_id("grt")
    mark = gained.mark(in_force.version.day(command.occurred_at), journal_id)
    return give_points(
        book,
        command,
        ground,
        in_force,
        gained.gain.points or 0,
        kind="grant",
        reason=gained.kind,
        about=gained.id,
        change=mark,
        reward=gained.gain.reward,
        cause_id=cause_id,
        journal_id=journal_id,
    )


def retract(book: Book, command: Command, ground: Ground, version: Version, day: date, cause_id: str) -> list[Decision]:
    """Take back what was won and is no longer deserved after a refund."""
    decisions: list[Decision] = []
    for undeserved in lost(version, book.standing, day):
        past = book.past.get(undeserved.award.journal_id or "")
        if past is not None and not past.reversals:
            decisions.append(_retracted(book, command, ground, version, undeserved, past, cause_id))
    return decisions


def _retracted(
    book: Book,
    command: Command,
    ground: Ground,
    version: Version,
    undeserved: Lost,
    past: Past,
    cause_id: str,
) -> Decision:
    taken = Taken(book, command, ground, past, version)
    gone = forgone_of(past, past.partner_id, past.points)
    if past.points > gone:
        taken.change(past.partner_id, gone - past.points, None)
    vouchers = [v for v in book.vouchers.values() if v.journal_id == past.id and not v.used and v.state == "issued"]
    decision = taken.decision(
        points=past.points,
        change=undeserved.mark(book.standing),
        vouchers=tuple(replace(v, state="voided", uses_left=0) for v in vouchers),
        cause_id=cause_id,
        facts=pin(version, retracted=undeserved.id, forgone={past.partner_id: gone} if gone else None),
    )
    return finish(book, decision, ground, version)
